"""What a TLS connection costs asyncio in memory, at either end of it."""

import asyncio.sslproto
from typing import Final

_READ_BYTES: Final = 32 << 10  # two TLS records; a longer answer is read in more pieces


def shrink_buffers() -> None:
    """Let each TLS connection of this process read through 32 KiB instead of the 256 KiB that asyncio takes.

    asyncio keeps a buffer of that size a connection for as long as it lives, and makes another for every read. Most
    connections here are watches, which say a few hundred bytes now and then: fifty of them cost 12 MB at each end.
    """
    asyncio.sslproto.SSLProtocol.max_size = _READ_BYTES
