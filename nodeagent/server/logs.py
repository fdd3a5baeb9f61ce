"""Serve a container's log, to its end or as it grows.

Following ends when the container has ended and everything it wrote has been sent. New lines are looked for a few
times a second, and only while somebody follows: a read(2) that finds nothing costs microseconds.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from naru.api.errors import BadRequest
from nodeagent.server.cri_log import LogLine, LogOptions, LogView, parse_line, tail_offset

POLL_S: Final = 0.1
CHUNK_BYTES: Final = 64 * 1024


def parse_options(query: Mapping[str, str], now: datetime) -> LogOptions:
    """Read the query of ``containerLogs``.

    Raises:
        BadRequest: a value is malformed.
    """
    try:
        since = _since(query, now)
        tail = int(query["tailLines"]) if "tailLines" in query else None
        limit = int(query["limitBytes"]) if "limitBytes" in query else None
    except ValueError as error:
        raise BadRequest(f"unable to parse query: {error}") from error
    return LogOptions(
        follow=_flag(query, "follow"),
        previous=_flag(query, "previous"),
        timestamps=_flag(query, "timestamps"),
        since=since,
        tail_lines=tail,
        limit_bytes=limit,
        stream={"Stdout": b"stdout", "Stderr": b"stderr"}.get(query.get("stream", ""), b""),
    )


async def read_log(path: Path, options: LogOptions, is_running: Callable[[], bool]) -> AsyncIterator[bytes]:
    """Yield the log, bounded by the options.

    Args:
        is_running: whether the container may still write.
    """
    left = options.limit_bytes
    async for chunk in _chunks(path, options, is_running):
        if left is not None:
            chunk = chunk[:left]
            left -= len(chunk)
        if chunk:
            yield chunk
        if left == 0:
            return


async def _chunks(path: Path, options: LogOptions, is_running: Callable[[], bool]) -> AsyncIterator[bytes]:
    while (file := _open(path)) is None:
        if not (options.follow and is_running()):
            return
        await asyncio.sleep(POLL_S)
    with file:
        file.seek(0 if options.tail_lines is None else await asyncio.to_thread(tail_offset, file, options.tail_lines))
        rest, view = b"", LogView(options)
        while True:
            running = is_running()  # before the read: what was written before the end is then read for sure
            if data := file.read(CHUNK_BYTES):
                complete, _, rest = (rest + data).rpartition(b"\n")
                yield view.render(_lines(complete))
                await asyncio.sleep(0)  # a long log must not hold up the loop
            elif options.follow and running:
                await asyncio.sleep(POLL_S)
            else:
                return


def _open(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb")
    except FileNotFoundError:
        return None


def _lines(text: bytes) -> list[LogLine]:
    raw = text.split(b"\n") if text else []
    return [line for part in raw if (line := parse_line(part + b"\n")) is not None]


def _since(query: Mapping[str, str], now: datetime) -> datetime | None:
    if "sinceTime" in query:
        return datetime.fromisoformat(query["sinceTime"]).astimezone(UTC)
    if "sinceSeconds" in query:
        return now - timedelta(seconds=int(query["sinceSeconds"]))
    return None


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("1", "true", "yes")
