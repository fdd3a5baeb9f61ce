"""Reading CRI logs: lines and their parts, the last ones, those since a time, those still to come."""

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.api.errors import BadRequest
from nodeagent.pods.messages import log_tail
from nodeagent.server.cri_log import LogOptions, LogView, parse_line, tail_offset
from nodeagent.server.logs import parse_options, read_log

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LOG = (
    b"2026-01-01T11:59:00.000000001Z stdout F one\n"
    b"2026-01-01T11:59:01.000000000Z stderr F two\n"
    b"2026-01-01T11:59:02.000000000Z stdout P thr\n"
    b"2026-01-01T11:59:02.100000000Z stdout F ee\n"
    b"2026-01-01T11:59:03.000000000Z stdout F \n"
)


async def collect(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def read(path: Path, **query: str) -> bytes:
    return await collect(read_log(path, parse_options(query, NOW), lambda: False))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "0.log"
    path.write_bytes(LOG)
    return path


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({}, b"one\ntwo\nthree\n\n", id="all of it, parts joined"),
        pytest.param({"tailLines": "2"}, b"three\n\n", id="the last lines, a line in parts being one"),
        pytest.param({"tailLines": "0"}, b"", id="none of the last lines"),
        pytest.param({"tailLines": "99"}, b"one\ntwo\nthree\n\n", id="more lines than there are"),
        pytest.param({"sinceTime": "2026-01-01T11:59:02Z"}, b"three\n\n", id="since a time"),
        pytest.param({"sinceSeconds": "59"}, b"two\nthree\n\n", id="since some seconds ago"),
        pytest.param({"limitBytes": "5"}, b"one\nt", id="so many bytes"),
        pytest.param({"stream": "Stderr"}, b"two\n", id="one stream"),
        pytest.param(
            {"timestamps": "true", "sinceTime": "2026-01-01T11:59:02Z"},
            b"2026-01-01T11:59:02.000000000Z three\n2026-01-01T11:59:03.000000000Z \n",
            id="with timestamps, one for each whole line",
        ),
    ],
)
async def test_what_is_asked_for_is_read(log: Path, query: dict[str, str], expected: bytes) -> None:
    assert await read(log, **query) == expected


async def test_a_log_that_does_not_exist_yet_is_empty(tmp_path: Path) -> None:
    assert await read(tmp_path / "none") == b""


async def test_following_ends_with_the_container_and_misses_nothing(log: Path) -> None:
    running = True
    task = asyncio.create_task(collect(read_log(log, LogOptions(follow=True, tail_lines=1), lambda: running)))
    await asyncio.sleep(0.01)
    with log.open("ab") as file:
        file.write(b"2026-01-01T11:59:09.000000000Z stdout F last")
        file.flush()
        await asyncio.sleep(0.01)
        file.write(b" words\n")
    running = False
    assert await task == b"\nlast words\n"


@pytest.mark.parametrize("query", [{"tailLines": "x"}, {"sinceTime": "yesterday"}, {"limitBytes": ""}])
def test_a_malformed_query_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        parse_options(query, NOW)


@given(lines=st.lists(st.lists(st.binary(max_size=30), min_size=1, max_size=3), max_size=12), wanted=st.integers(1, 14))
def test_the_tail_is_the_end_of_the_whole(lines: list[list[bytes]], wanted: int) -> None:
    text, whole = b"", []
    for parts in ([part.replace(b"\n", b"") for part in parts] for parts in lines):
        tags = [b"P"] * (len(parts) - 1) + [b"F"]
        text += b"".join(b"2026-01-01T00:00:00Z stdout %b %b\n" % pair for pair in zip(tags, parts, strict=True))
        whole.append(b"".join(parts) + b"\n")
    file = io.BytesIO(text)
    offset = tail_offset(file, wanted)
    parsed = [line for raw in text[offset:].split(b"\n")[:-1] if (line := parse_line(raw + b"\n"))]
    assert LogView(LogOptions()).render(parsed) == b"".join(whole[-wanted:])


def test_a_line_that_is_none_is_left_out() -> None:
    assert parse_line(b"garbage\n") is None


def test_the_last_words_of_a_container_come_from_its_log(log: Path) -> None:
    assert log_tail(log) == "one\ntwo\nthree\n\n"
