"""A client's connection of HTTP/2 and the gRPC calls on it, against a server that is played by the test."""

import asyncio
import struct
from collections.abc import AsyncIterator
from unittest.mock import Mock

import pytest

from apiserver.storage import hpack
from apiserver.storage.grpc_calls import GrpcError, MessageStream, Status, call_once, method_headers, prefixed
from apiserver.storage.http2 import (
    ACK,
    CANCEL,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    MAX_FRAME_SIZE,
    PING,
    PREFACE,
    REFUSED_STREAM,
    RST_STREAM,
    SETTINGS,
    WINDOW,
    WINDOW_UPDATE,
    ConnectionBroken,
    Http2Connection,
    NotProcessed,
    frame,
)

METHOD = method_headers("/test/Method")
OK = hpack.encode({"grpc-status": "0"})
Frame = tuple[int, int, int, bytes]


class Server:
    """The other end: what was sent to it, frame by frame, and the means to answer."""

    def __init__(self) -> None:
        self.transport = Mock(spec=asyncio.Transport)
        self.transport.write.side_effect = self._write
        self.connection = Http2Connection()
        self._received = b""
        self.connection.connection_made(self.transport)
        assert self._received.startswith(PREFACE)
        self._received = self._received[len(PREFACE) :]
        self.introduction = self.frames()

    def _write(self, data: bytes) -> None:
        self._received += data

    def frames(self) -> list[Frame]:
        """Return the frames since the last time."""
        found = []
        while self._received:
            size = int.from_bytes(self._received[:3])
            kind, flags, number = struct.unpack(">BBI", self._received[3:9])
            found.append((kind, flags, number, self._received[9 : 9 + size]))
            self._received = self._received[9 + size :]
        return found

    def send(self, kind: int, flags: int, number: int, payload: bytes = b"") -> None:
        self.connection.data_received(frame(kind, flags, number, payload))

    def answer(self, number: int, message: bytes) -> None:
        self.send(HEADERS, END_HEADERS, number, b"\x88")
        self.send(DATA, 0, number, prefixed(message))
        self.send(HEADERS, END_HEADERS | END_STREAM, number, OK)

    def call(self, message: bytes = b"question", deadline_s: float = 60) -> asyncio.Task[bytes]:
        return asyncio.create_task(call_once(self.connection, METHOD, message, deadline_s))


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    played = Server()
    yield played
    played.connection.connection_lost(None)


async def turn() -> None:
    """Let tasks go on until they wait."""
    for _ in range(5):
        await asyncio.sleep(0)


class TestCalls:
    async def test_a_message_goes_there_and_one_comes_back(self, server: Server) -> None:
        call = server.call()
        await turn()
        assert server.frames() == [
            (HEADERS, END_HEADERS, 1, METHOD),
            (DATA, END_STREAM, 1, b"\0\0\0\0\x08question"),
        ]
        server.answer(1, b"answer")
        assert await call == b"answer"
        assert server.frames() == []

    async def test_answers_may_come_in_any_order_and_in_any_pieces(self, server: Server) -> None:
        first, second = server.call(), server.call()
        await turn()
        frames = [frame(HEADERS, END_HEADERS, number, b"\x88") for number in (3, 1)]
        frames += [frame(DATA, 0, 3, prefixed(b"three")), frame(DATA, 0, 1, prefixed(b"one")[:6])]
        frames += [frame(DATA, 0, 1, b"ne"), frame(HEADERS, END_HEADERS | END_STREAM, 3, OK)]
        frames += [frame(HEADERS, END_STREAM, 1, OK[:3]), frame(CONTINUATION, END_HEADERS, 1, OK[3:])]
        for byte in b"".join(frames):
            server.connection.data_received(bytes((byte,)))
        assert (await first, await second) == (b"one", b"three")

    async def test_a_refusal_carries_its_status_and_message(self, server: Server) -> None:
        call = server.call()
        await turn()
        refusal = hpack.encode({"grpc-status": "11", "grpc-message": "100%25 gone"})
        server.send(HEADERS, END_HEADERS | END_STREAM, 1, refusal)
        with pytest.raises(GrpcError, match="100% gone") as caught:
            await call
        assert caught.value.status == 11

    async def test_headers_that_cannot_be_read_are_a_failure(self, server: Server) -> None:
        call = server.call()
        await turn()
        server.send(HEADERS, END_HEADERS | END_STREAM, 1, b"\0\x05abc")
        with pytest.raises(GrpcError, match="cut short"):
            await call

    async def test_who_waits_too_long_gives_the_stream_up(self, server: Server) -> None:
        with pytest.raises(GrpcError) as caught:
            await server.call(deadline_s=0)
        assert caught.value.status == Status.DEADLINE_EXCEEDED
        assert server.frames()[-1] == (RST_STREAM, 0, 1, struct.pack(">I", CANCEL))
        server.answer(1, b"too late")  # nobody is hurt

    async def test_a_cancelled_call_gives_the_stream_up(self, server: Server) -> None:
        call = server.call()
        await turn()
        call.cancel()
        await turn()
        assert server.frames()[-1][0] == RST_STREAM


class TestEnds:
    async def test_a_broken_connection_fails_all_calls(self, server: Server) -> None:
        calls = [server.call(), server.call()]
        await turn()
        server.connection.connection_lost(OSError("gone"))
        for call in calls:
            with pytest.raises(ConnectionBroken, match="gone"):
                await call
        assert not server.connection.usable

    async def test_a_refused_stream_was_not_processed(self, server: Server) -> None:
        call = server.call()
        await turn()
        server.send(RST_STREAM, 0, 1, struct.pack(">I", REFUSED_STREAM))
        with pytest.raises(NotProcessed):
            await call

    async def test_a_server_that_goes_away_finishes_what_it_has_begun(self, server: Server) -> None:
        first, second = server.call(), server.call()
        await turn()
        server.send(GOAWAY, 0, 0, struct.pack(">II", 1, 0))
        with pytest.raises(NotProcessed):
            await second
        assert not server.connection.usable
        assert not server.transport.close.called
        server.answer(1, b"answer")
        assert await first == b"answer"
        assert server.transport.close.called

    async def test_a_ping_is_answered(self, server: Server) -> None:
        server.send(PING, 0, 0, b"12345678")
        assert server.frames() == [(PING, ACK, 0, b"12345678")]


class TestWindows:
    async def test_what_does_not_fit_waits_for_room(self, server: Server) -> None:
        body = prefixed(bytes(100_000))
        call = server.call(body[5:])
        await turn()
        sent = [sent for sent in server.frames() if sent[0] == DATA]
        assert b"".join(payload for *_, payload in sent) == body[:WINDOW]
        assert not any(flags for _, flags, *_ in sent)
        server.send(WINDOW_UPDATE, 0, 0, struct.pack(">I", 100_000))
        assert server.frames() == []  # the stream has no room of its own yet
        server.send(WINDOW_UPDATE, 0, 1, struct.pack(">I", 100_000))
        sent = server.frames()
        assert b"".join(payload for *_, payload in sent) == body[WINDOW:]
        assert [flags for _, flags, *_ in sent][-1] == END_STREAM
        server.answer(1, b"answer")
        assert await call == b"answer"

    async def test_the_server_s_settings_count_for_open_streams_too(self, server: Server) -> None:
        call = server.call(bytes(WINDOW))
        await turn()
        server.frames()
        server.send(SETTINGS, 0, 0, struct.pack(">HIHI", INITIAL_WINDOW_SIZE, 1 << 20, MAX_FRAME_SIZE, 1 << 20))
        assert server.frames() == [(SETTINGS, ACK, 0, b"")]
        server.send(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 20))
        assert server.frames() == [(DATA, END_STREAM, 1, bytes(5))]
        call.cancel()

    async def test_what_was_received_is_granted_anew(self, server: Server) -> None:
        granted = struct.unpack(">I", server.introduction[1][3])[0] + WINDOW
        stream = MessageStream(server.connection, METHOD, b"")
        server.frames()
        received = 0
        while not (updates := server.frames()):
            server.send(DATA, 0, 1, bytes(1 << 20))
            received += 1 << 20
            assert received < granted
        assert updates == [(WINDOW_UPDATE, 0, number, struct.pack(">I", received)) for number in (0, 1)]
        stream.close()


class TestStreams:
    async def test_messages_come_one_by_one_however_they_were_cut(self, server: Server) -> None:
        stream = MessageStream(server.connection, METHOD, b"")
        both = prefixed(b"a" * 40) + prefixed(b"")
        for byte in both:
            server.send(DATA, 0, 1, bytes((byte,)))
        messages = stream.messages()
        assert [await anext(messages), await anext(messages)] == [b"a" * 40, b""]
        stream.close()
        assert server.frames()[-1][0] == RST_STREAM

    async def test_the_end_comes_after_what_was_received(self, server: Server) -> None:
        stream = MessageStream(server.connection, METHOD, b"")
        server.send(DATA, 0, 1, prefixed(b"last"))
        server.connection.connection_lost(None)
        messages = stream.messages()
        assert await anext(messages) == b"last"
        with pytest.raises(ConnectionBroken):
            await anext(messages)
