"""Standard streams of a process in a container, as asyncio streams of the agent."""

import asyncio
import errno
import fcntl
import os
import struct
import termios
from collections.abc import Callable

from nodeagent.runtime.spec import RuntimeFault


class _Reading(asyncio.StreamReaderProtocol):
    """A reader for pipes and terminals: the end of a terminal shows as an error (EIO), and is just an end."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the reader that there is no more."""
        super().connection_lost(None if isinstance(exc, OSError) and exc.errno == errno.EIO else exc)


async def open_reader(fd: int) -> tuple[asyncio.StreamReader, asyncio.BaseTransport]:
    """Return a stream that reads ``fd``, which the transport owns from now on."""
    reader = asyncio.StreamReader()
    pipe = os.fdopen(fd, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: _Reading(reader), pipe)
    return reader, transport


async def open_writer(fd: int) -> asyncio.StreamWriter:
    """Return a stream that writes to ``fd`` and owns it."""
    loop = asyncio.get_running_loop()
    pipe = os.fdopen(fd, "wb", buffering=0)
    transport, protocol = await loop.connect_write_pipe(lambda: _Reading(asyncio.StreamReader()), pipe)
    return asyncio.StreamWriter(transport, protocol, None, loop)


class ProcessStreams:
    """What one can write to and read from a process.

    ``stderr`` is None where there is a terminal, which has but one output.
    """

    def __init__(self) -> None:
        self.stdin: asyncio.StreamWriter | None = None
        self.stdout: asyncio.StreamReader | None = None
        self.stderr: asyncio.StreamReader | None = None
        self._transports: list[asyncio.BaseTransport] = []
        self._terminal: int | None = None

    async def open(self, stdin: int | None, stdout: int | None, stderr: int | None) -> None:
        """Make streams of descriptors, which belong to this object from now on."""
        if stdin is not None:
            self.stdin = await open_writer(stdin)
            self._transports.append(self.stdin.transport)
        if stdout is not None:
            self.stdout, transport = await open_reader(stdout)
            self._transports.append(transport)
        if stderr is not None:
            self.stderr, transport = await open_reader(stderr)
            self._transports.append(transport)

    async def open_terminal(self, fd: int, stdin: bool) -> None:
        """Make streams of the other end of a terminal, which belongs to this object from now on."""
        self.keep_terminal(fd)
        await self.open(os.dup(fd) if stdin else None, os.dup(fd), None)

    def keep_terminal(self, fd: int) -> None:
        """Keep the terminal whose size ``resize`` sets."""
        self._terminal = fd

    def resize(self, columns: int, rows: int) -> None:
        """Tell the process, by SIGWINCH, the new size of its terminal; without one, nothing happens."""
        if self._terminal is not None:
            fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def close(self) -> None:
        """Let go of the streams: a process with a terminal is told by SIGHUP, another sees the end of its input."""
        for transport in self._transports:
            transport.close()
        self._transports.clear()
        if self._terminal is not None:
            os.close(self._terminal)
            self._terminal = None


class ExecProcess(ProcessStreams):
    """A process that runs in a container beside its first."""

    def __init__(self, forget: Callable[[], object]) -> None:
        super().__init__()
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._forget = forget

    def ended(self, exit_code: int) -> None:
        """Note its end."""
        if not self._ended.done():
            self._ended.set_result(exit_code)

    def lost(self) -> None:
        """Note that nobody will tell of its end."""
        if not self._ended.done():
            self._ended.set_exception(RuntimeFault("Disconnected", "the shim has gone"))
            self._ended.exception()  # nobody may be waiting: that is no mistake

    async def wait(self) -> int:
        """Return its exit code, 128 + n when signal n killed it."""
        return await asyncio.shield(self._ended)

    def close(self) -> None:
        """Let go of its streams, and of its end."""
        super().close()
        self._forget()
