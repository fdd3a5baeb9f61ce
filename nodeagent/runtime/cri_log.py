"""The log file of a container, in the format that the kubelet and log collectors read.

A line is ``2026-01-31T12:00:00.123456789Z stdout F text``: time, stream, whether the line is whole (F) or one part of a
longer line (P), and the text. Source: the Container Runtime Interface's logging document (kubernetes/cri-api).
"""

import os
import time
from pathlib import Path

MAX_LINE_BYTES = 16384  # a longer line is cut in parts, as containerd does


class CriLog:
    """Appends what the streams of one container say; one shim writes it, anybody reads it.

    Invariant: the file ends at a line's end, whatever pieces the streams came in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = _open(path)
        self._unfinished: dict[str, bytes] = {}
        self._second = -1
        self._second_text = ""

    def write(self, stream: str, data: bytes) -> None:
        """Log what a stream said; a line without its end is kept until that comes."""
        *lines, rest = (self._unfinished.pop(stream, b"") + data).split(b"\n")
        stamp = self._stamp(stream)
        out: list[bytes] = []
        for line in lines:
            line = _append_parts(out, stamp, line)
            out += (stamp, b"F ", line, b"\n")
        if rest := _append_parts(out, stamp, rest):
            self._unfinished[stream] = rest
        self._append(out)

    def finish(self, stream: str) -> None:
        """Log what is left of a stream that has ended."""
        if rest := self._unfinished.pop(stream, b""):
            self._append([self._stamp(stream), b"F ", rest, b"\n"])

    def reopen(self) -> None:
        """Go on in a new file at the same path, after somebody moved the old one away."""
        fd = _open(self._path)
        os.close(self._fd)
        self._fd = fd

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _append(self, out: list[bytes]) -> None:
        """Write; lines that a full disk does not take are dropped, so that the container goes on, and its log later."""
        data, written = b"".join(out), 0
        try:
            while written < len(data):
                written += os.write(self._fd, memoryview(data)[written:])
        except OSError:
            half_a_line = written - (data.rfind(b"\n", 0, written) + 1)
            os.ftruncate(self._fd, os.fstat(self._fd).st_size - half_a_line)

    def _stamp(self, stream: str) -> bytes:
        now = time.time_ns()
        second, nanosecond = divmod(now, 1_000_000_000)
        if second != self._second:
            self._second, self._second_text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._second_text}.{nanosecond:09d}Z {stream} ".encode()


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


def _append_parts(out: list[bytes], stamp: bytes, line: bytes) -> bytes:
    """Add the parts that a too long line begins with to ``out``; return what remains of it."""
    start = 0
    while len(line) - start > MAX_LINE_BYTES:
        out += (stamp, b"P ", line[start : start + MAX_LINE_BYTES], b"\n")
        start += MAX_LINE_BYTES
    return line[start:]
