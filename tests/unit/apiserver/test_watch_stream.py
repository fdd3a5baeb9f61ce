"""One client's watch: what is written when, in which frames, and when the client is given up."""

import asyncio
from typing import Any

import pytest

from apiserver.handlers import watch_stream
from apiserver.handlers.output import Form
from apiserver.handlers.watch_stream import ChunkedChannel, Shown, WatchStream, WebSocketChannel
from apiserver.storage.cache import Event
from apiserver.storage.entry import Entry, encode
from apiserver.storage.filter import Filter
from naru.api.core_v1 import ConfigMap
from naru.api.keys import ObjectKey
from naru.api.meta import ObjectMeta
from naru.api.scheme import resource_of

CONFIGMAPS = resource_of(ConfigMap)


class Wire(asyncio.Transport):
    """A transport that remembers what was written, for a client that takes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.aborted = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self.written))

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


def created(name: str, revision: int, data: str = "") -> Event:
    obj = ConfigMap(metadata=ObjectMeta(name=name, namespace="default"), data={"x": data})
    return Event(None, Entry.stored(CONFIGMAPS, ObjectKey("default", name), encode(obj), revision), revision)


def stream_of(wire: Wire, form: Form | None = None) -> WatchStream:
    return WatchStream(wire, ChunkedChannel(), Filter(), form or Form(), 5)


class TestOrder:
    async def test_what_happens_before_the_first_objects_are_sent_waits(self) -> None:
        wire = Wire()
        stream = stream_of(wire)
        stream.offer([created("a", 6)])
        assert wire.written == []
        stream.go_live()
        assert b'"name":"a"' in wire.written[0]

    async def test_what_the_client_knows_is_not_told_again(self) -> None:
        wire = Wire()
        stream = stream_of(wire)
        stream.go_live()
        stream.offer([created("a", 5)])
        assert wire.written == []

    async def test_events_of_a_burst_share_a_write(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(watch_stream, "GATHER_S", 0.02)
        wire = Wire()
        stream = stream_of(wire)
        stream.go_live()
        for number in range(5):
            stream.offer([created(f"c{number}", 6 + number)])
        assert len(wire.written) == 1
        await asyncio.sleep(0.05)
        assert len(wire.written) == 2
        assert wire.written[1].count(b'"ADDED"') == 4

    @pytest.mark.parametrize("live", [False, True], ids=["before the first objects", "afterwards"])
    async def test_a_client_that_takes_nothing_is_given_up(self, live: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(watch_stream, "MAX_WAITING_BYTES", 1000)
        wire = Wire()
        stream = stream_of(wire)
        if live:
            stream.go_live()
        stream.offer([created("a", 6, "x" * 2000)])
        assert wire.aborted
        assert stream.done.is_set()

    async def test_what_cannot_be_shown_ends_this_watch_and_raises_nothing(self) -> None:
        broken = Entry(CONFIGMAPS, ObjectKey("default", "a"), b"{", 6)
        stream = stream_of(Wire(), Form("Table"))
        stream.offer([Event(None, broken, 6)])
        assert stream.status is not None
        assert stream.status["code"] == 500


class TestShown:
    def test_a_table_names_its_columns_once(self) -> None:
        stream = stream_of(Wire(), Form("Table"))
        assert [stream.show().headers for _ in range(3)] == [True, False, False]

    def test_equal_ones_share_their_lines(self) -> None:
        event = created("a", 6)
        assert event.entry is not None
        assert event.line("ADDED", event.entry, Shown(Form())) is event.line("ADDED", event.entry, Shown(Form()))


class TestFrames:
    @pytest.mark.parametrize(
        ("length", "head"),
        [
            (5, b"\x81\x05"),
            (125, b"\x81\x7d"),
            (126, b"\x81\x7e\x00\x7e"),
            (65536, b"\x81\x7f" + bytes(5) + b"\x01\0\0"),
        ],
    )
    async def test_a_websocket_has_a_message_a_line(self, length: int, head: bytes) -> None:
        framed = WebSocketChannel().frame([b"x" * length, b"y"])
        assert framed == head + b"x" * length + b"\x81\x01y"

    async def test_a_chunk_holds_all_lines(self) -> None:
        assert ChunkedChannel().frame([b"one\n", b"two\n"]) == b"8\r\none\ntwo\n\r\n"
