"""The standard streams of a container, as its shim holds them.

What the program writes is read here, put in the log, and copied to whoever is attached. What is written to it comes
from those attached: they get the writing end itself, so that their bytes need not pass through the shim.
"""

import os
from collections.abc import Callable, Sequence

from nodeagent.runtime.cri_log import CriLog
from nodeagent.runtime.poller import READABLE, WRITABLE, Poller

CHUNK_BYTES = 1 << 16
MAX_DRAIN_READS = 64  # of a stream whose program has ended: a pipe holds a megabyte at most, but others may write on
MAX_BACKLOG_BYTES = 1 << 20  # of an attached reader that does not read; then it is dropped, so that the log goes on


class Follower:
    """One attached reader of one stream."""

    def __init__(self, fd: int, poller: Poller) -> None:
        os.set_blocking(fd, False)
        self._fd = fd
        self._poller = poller
        self._backlog = bytearray()
        self.closed = False

    def write(self, data: bytes) -> None:
        """Pass data on, or keep it until the reader takes more."""
        if self.closed:
            return
        waiting = bool(self._backlog)
        self._backlog += data
        if not waiting:
            self._flush()
            if self._backlog and not self.closed:
                self._poller.add(self._fd, self._flush, WRITABLE)
        elif len(self._backlog) > MAX_BACKLOG_BYTES:
            self.close()

    def _flush(self) -> None:
        try:
            while self._backlog:
                del self._backlog[: os.write(self._fd, self._backlog)]
        except BlockingIOError:
            return
        except OSError:  # the reader has gone
            self.close()
            return
        self._poller.remove(self._fd)

    def close(self) -> None:
        """Let the reader see the end."""
        if not self.closed:
            self.closed = True
            self._poller.remove(self._fd)
            os.close(self._fd)


class Stdio:
    """The streams of one container: pipes made before its start, or a terminal that it sends."""

    def __init__(self, poller: Poller, log: CriLog, *, tty: bool, stdin: bool, stdin_once: bool) -> None:
        self.log = log
        self._poller = poller
        self._stdin_once = stdin_once
        self._sources: dict[int, str] = {}
        self._followers: dict[str, list[Follower]] = {"stdout": [], "stderr": []}
        self.terminal: int | None = None
        self._input: int | None = None
        self.child_fds: tuple[int, int, int] | None = None if tty else self._make_pipes(stdin)

    def _make_pipes(self, stdin: bool) -> tuple[int, int, int]:
        if stdin:
            child_in, self._input = os.pipe()
        else:
            child_in = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        (out, child_out), (err, child_err) = os.pipe(), os.pipe()
        self._set_sources({out: "stdout", err: "stderr"})
        return child_in, child_out, child_err

    def close_child_fds(self) -> None:
        """Close the program's ends, once it has them: the end of a stream shows only when nobody can write to it."""
        for fd in self.child_fds or ():
            os.close(fd)
        self.child_fds = None

    def take_terminal(self, control: int) -> None:
        """Use this terminal, which the new process has made."""
        self.terminal = control
        self._set_sources({control: "stdout"})

    def _set_sources(self, sources: dict[int, str]) -> None:
        self._sources = sources
        for fd in sources:
            os.set_blocking(fd, False)

    def start(self) -> None:
        """Begin to read."""
        for fd in self._sources:
            self._poller.add(fd, self._reader(fd), READABLE)

    def _reader(self, fd: int) -> Callable[[], None]:
        def read() -> None:
            self._read(fd)

        return read

    def _read(self, fd: int) -> bool:
        """Read once; false when there is nothing now or the stream has ended."""
        try:
            data = os.read(fd, CHUNK_BYTES)
        except BlockingIOError:
            return False
        except OSError:  # EIO: the last process has closed the terminal
            data = b""
        stream = self._sources[fd]
        if not data:
            self._end(fd)
            return False
        self.log.write(stream, data)
        for follower in self._followers[stream]:
            follower.write(data)
        return True

    def _end(self, fd: int) -> None:
        stream = self._sources.pop(fd)
        self._poller.remove(fd)
        if fd != self.terminal:
            os.close(fd)
        self.log.finish(stream)
        for follower in self._followers.pop(stream, ()):
            follower.close()

    def attach(self, stdout: int | None, stderr: int | None, stdin: bool) -> list[int]:
        """Copy the streams to these descriptors from now on; return what writes to the program, or is its terminal."""
        for stream, fd in (("stdout", stdout), ("stderr", stderr)):
            if fd is not None:
                self._follow(stream, fd)
        if self.terminal is not None:
            return [os.dup(self.terminal)]
        if not stdin or self._input is None:
            return []
        writing_end = os.dup(self._input)
        if self._stdin_once:  # its one writer is the one attached now: when that closes, the program sees the end
            os.close(self._input)
            self._input = None
        return [writing_end]

    def _follow(self, stream: str, fd: int) -> None:
        if stream not in self._sources.values():
            os.close(fd)
            return
        followers = self._followers[stream]
        followers[:] = [follower for follower in followers if not follower.closed]
        followers.append(Follower(fd, self._poller))

    def drain_and_close(self) -> None:
        """Take what is left in the streams of a program that has ended, and close everything."""
        for fd in list(self._sources):
            for _ in range(MAX_DRAIN_READS):
                if not self._read(fd):
                    break
            if fd in self._sources:
                self._end(fd)
        for end in (self.terminal, self._input):
            if end is not None:
                os.close(end)
        self.terminal = self._input = None
        self.close_child_fds()
        self.log.close()


def close_all(fds: Sequence[int]) -> None:
    """Close descriptors that came with a request which failed."""
    for fd in fds:
        os.close(fd)
