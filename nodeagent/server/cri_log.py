"""Read a container's log file: CRI's line format, and finding the place to start from.

A line is ``2026-01-31T12:00:00.123456789Z stdout F text``; ``P`` instead of ``F`` marks a part of a longer line.
Source: the Container Runtime Interface's logging document (kubernetes/cri-api).
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final

_BLOCK_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class LogLine:
    """One line of the file."""

    time: bytes  # RFC 3339 with nanoseconds, in UTC: sorts as text
    stream: bytes  # stdout or stderr
    text: bytes  # with its newline, unless the container's own line goes on in the next one

    @property
    def whole(self) -> bool:
        """Whether the container's own line ends here."""
        return self.text.endswith(b"\n")


@dataclass(frozen=True)
class LogOptions:
    """What of a log is wanted, as PodLogOptions of the API say it."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since: datetime | None = None
    tail_lines: int | None = None
    limit_bytes: int | None = None
    stream: bytes = b""  # empty: both


def parse_line(raw: bytes) -> LogLine | None:
    """Read one line with its newline; None when it is not one of a log."""
    parts = raw.split(b" ", 3)
    if len(parts) != 4 or parts[1] not in (b"stdout", b"stderr"):
        return None
    time, stream, tag, text = parts
    return LogLine(time, stream, text.removesuffix(b"\n") if tag.startswith(b"P") else text)


class LogView:
    """Writes lines as a client sees them; remembers whether the last one was whole."""

    def __init__(self, options: LogOptions) -> None:
        self._options = options
        self._since = _sortable(options.since)
        self._at_start = True

    def render(self, lines: Iterable[LogLine]) -> bytes:
        """Return the text of the wanted lines; a timestamp stands before a whole line, not before its later parts."""
        return b"".join(self._text(line) for line in lines if self._wanted(line))

    def _wanted(self, line: LogLine) -> bool:
        return line.time >= self._since and self._options.stream in (b"", line.stream)

    def _text(self, line: LogLine) -> bytes:
        stamp = line.time + b" " if self._options.timestamps and self._at_start else b""
        self._at_start = line.whole
        return stamp + line.text


def tail_offset(file: BinaryIO, lines: int) -> int:
    """Return where the last ``lines`` whole lines of the container begin, reading the file from its end."""
    end = file.seek(0, os.SEEK_END)
    if lines <= 0:
        return end
    position, text = end, b""
    while position > 0:
        step = min(_BLOCK_BYTES, position)
        position -= step
        file.seek(position)
        text = file.read(step) + text
        if (offset := _start_of_last(text, lines, position == 0)) is not None:
            return position + offset
    return 0


def _start_of_last(text: bytes, lines: int, complete: bool) -> int | None:
    """Find the start in a piece that ends with the file; None when it may lie before the piece."""
    starts = [0] if complete else []
    position = text.find(b"\n")
    while position >= 0 and position + 1 < len(text):
        starts.append(position + 1)
        position = text.find(b"\n", position + 1)
    begins = [start for index, start in enumerate(starts) if index == 0 or _is_whole(text, starts[index - 1], start)]
    if not complete:
        begins = begins[1:]  # nobody knows whether the line before the first was whole
    return begins[-lines] if len(begins) >= lines else None


def _is_whole(text: bytes, start: int, end: int) -> bool:
    line = parse_line(text[start:end])
    return line is None or line.whole


def _sortable(moment: datetime | None) -> bytes:
    return b"" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%f").encode()
