import inspect
from asyncio.sslproto import SSLProtocol

from naru.client.tls import shrink_buffers


def test_connections_read_through_a_small_buffer() -> None:
    shrink_buffers()
    assert SSLProtocol.max_size == 32 << 10
    assert "self.max_size" in inspect.getsource(SSLProtocol)  # asyncio still goes by it
