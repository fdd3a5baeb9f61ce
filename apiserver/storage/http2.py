"""One HTTP/2 connection to a server in clear text: frames, streams, and how much may be under way on each.

Flow: grpc_calls.py -> *Http2Connection* -> socket -> etcd.

Only what a client of gRPC needs. No table of headers is shared (SETTINGS_HEADER_TABLE_SIZE is 0: see hpack.py), nothing
is pushed, and priorities are left alone. What we receive is taken at once, so the windows we grant are large and always
refilled; the server's are small, so what is sent waits for them.

Source: RFC 9113.
"""

import asyncio
import logging
import struct
from typing import Final, Protocol

logger = logging.getLogger(__name__)

DATA: Final = 0x0
HEADERS: Final = 0x1
RST_STREAM: Final = 0x3
SETTINGS: Final = 0x4
PING: Final = 0x6
GOAWAY: Final = 0x7
WINDOW_UPDATE: Final = 0x8
CONTINUATION: Final = 0x9

END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
PRIORITY: Final = 0x20

HEADER_TABLE_SIZE: Final = 0x1
ENABLE_PUSH: Final = 0x2
INITIAL_WINDOW_SIZE: Final = 0x4
MAX_FRAME_SIZE: Final = 0x5

REFUSED_STREAM: Final = 0x7  # the server did nothing: the request may be sent again
CANCEL: Final = 0x8

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_HEAD: Final = 9
WINDOW: Final = 65535  # of a connection and of each stream, until something else is agreed on
GRANTED: Final = 16 << 20  # our windows
LAST_STREAM: Final = (1 << 31) - 1
KEEPALIVE_S: Final = 10.0  # etcd takes offence at more than one PING in 5 s


class ConnectionBroken(Exception):
    """The connection or the stream ended early; the server may or may not have done what was asked."""


class NotProcessed(ConnectionBroken):
    """The server said that it did nothing."""


class Receiver(Protocol):
    """Whoever opened a stream."""

    def data(self, payload: bytes) -> None:
        """Take a part of the answer's body."""

    def end(self, trailers: bytes) -> None:
        """The answer is complete; its last headers are given as they came."""

    def fail(self, error: ConnectionBroken) -> None:
        """The answer will not come, or not all of it."""


class Stream:
    """One request and its answer."""

    __slots__ = ("answered", "block", "credit", "ends", "number", "receiver", "unsent", "window")

    def __init__(self, number: int, receiver: Receiver, window: int) -> None:
        self.number = number
        self.receiver = receiver
        self.window = window  # what may still be sent
        self.unsent = memoryview(b"")  # what waits for that
        self.ends = False  # nothing follows it
        self.answered = False  # the server sends nothing more, but perhaps the rest of its last headers
        self.credit = 0  # what was received since the server's window was refilled
        self.block = b""  # the last headers that came


class Http2Connection(asyncio.Protocol):
    """A client's end of a connection. Make it with ``loop.create_connection``."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._streams: dict[int, Stream] = {}
        self._next = 1
        self._rest = b""  # a frame that is not complete yet
        self._window = WINDOW
        self._stream_window = WINDOW
        self._max_frame = 16384
        self._credit = 0
        self._retired = False
        self._unanswered_ping = False
        self._keepalive: asyncio.TimerHandle | None = None
        self._frames = {
            DATA: self._take_data,
            HEADERS: self._take_headers,
            CONTINUATION: self._take_continuation,
            RST_STREAM: self._take_reset,
            SETTINGS: self._take_settings,
            PING: self._take_ping,
            GOAWAY: self._take_goaway,
            WINDOW_UPDATE: self._take_window,
        }

    # Of the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce ourselves."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        wanted = {HEADER_TABLE_SIZE: 0, ENABLE_PUSH: 0, INITIAL_WINDOW_SIZE: GRANTED}
        settings = b"".join(struct.pack(">HI", name, value) for name, value in wanted.items())
        more = struct.pack(">I", GRANTED - WINDOW)
        transport.write(PREFACE + frame(SETTINGS, 0, 0, settings) + frame(WINDOW_UPDATE, 0, 0, more))
        self._keepalive = asyncio.get_running_loop().call_later(KEEPALIVE_S, self._keep_alive)

    def data_received(self, data: bytes) -> None:
        """Take the frames that are complete."""
        if self._rest:
            data = self._rest + data
        position, size = 0, len(data)
        while size - position >= FRAME_HEAD:
            end = position + FRAME_HEAD + int.from_bytes(data[position : position + 3])
            if end > size:
                break
            kind, flags = data[position + 3], data[position + 4]
            take = self._frames.get(kind)  # a kind that we do not know is to be ignored
            if take is not None:
                take(flags, int.from_bytes(data[position + 5 : position + 9]), data[position + FRAME_HEAD : end])
            position = end
        self._rest = data[position:]

    def connection_lost(self, error: Exception | None) -> None:
        """Tell everybody who waits."""
        self._retired = True
        if self._keepalive is not None:
            self._keepalive.cancel()
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.receiver.fail(ConnectionBroken(str(error or "the server closed the connection")))

    # Of the caller

    @property
    def usable(self) -> bool:
        """Tell whether new streams may be opened."""
        return not self._retired and self._next < LAST_STREAM

    def open(self, headers: bytes, body: bytes, receiver: Receiver, *, end: bool) -> Stream:
        """Send a request; with ``end`` it is complete, else :meth:`send` adds to it."""
        stream = Stream(self._next, receiver, self._stream_window)
        self._next += 2
        self._streams[stream.number] = stream
        stream.ends = end
        head = frame(HEADERS, END_HEADERS, stream.number, headers)
        if len(body) <= min(self._window, stream.window, self._max_frame):
            self._write(head + self._data(stream, body))
        else:
            stream.unsent = memoryview(body)
            self._write(head)
            self._send_more(stream)
        return stream

    def reset(self, stream: Stream) -> None:
        """Give a stream up, unless it is at its end; its receiver hears no more."""
        if self._streams.pop(stream.number, None) is not None:
            self._write(frame(RST_STREAM, 0, stream.number, struct.pack(">I", CANCEL)))
            self._close_if_done()

    def retire(self) -> None:
        """Open no more streams; close when those that are open have ended."""
        self._retired = True
        self._close_if_done()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    # Sending

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def _data(self, stream: Stream, body: bytes | memoryview) -> bytes:
        """Make a DATA frame of what the windows let through."""
        self._window -= len(body)
        stream.window -= len(body)
        return frame(DATA, END_STREAM if stream.ends and not stream.unsent else 0, stream.number, body)

    def _send_more(self, stream: Stream) -> None:
        while stream.unsent and (size := min(self._window, stream.window, self._max_frame)) > 0:
            body, stream.unsent = stream.unsent[:size], stream.unsent[size:]
            self._write(self._data(stream, body))

    def _keep_alive(self) -> None:
        """Look whether the server is still there while somebody waits for it."""
        if self._unanswered_ping:
            logger.warning("etcd does not answer: closing the connection")
            self.abort()
            return
        if self._streams:
            self._unanswered_ping = True
            self._write(frame(PING, 0, 0, bytes(8)))
        self._keepalive = asyncio.get_running_loop().call_later(KEEPALIVE_S, self._keep_alive)

    def _close_if_done(self) -> None:
        if self._retired and not self._streams and self._transport is not None:
            self._transport.close()

    # Receiving

    def _take_data(self, flags: int, number: int, payload: bytes) -> None:
        size = len(payload)
        self._credit += size
        if self._credit > GRANTED // 2:
            self._write(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", self._credit)))
            self._credit = 0
        stream = self._streams.get(number)
        if stream is None:
            return
        stream.credit += size
        if stream.credit > GRANTED // 2:
            self._write(frame(WINDOW_UPDATE, 0, number, struct.pack(">I", stream.credit)))
            stream.credit = 0
        stream.receiver.data(_unpadded(flags, payload))
        if flags & END_STREAM:
            self._end(stream)

    def _take_headers(self, flags: int, number: int, payload: bytes) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return
        payload = _unpadded(flags, payload)
        stream.block = payload[5:] if flags & PRIORITY else payload
        stream.answered = bool(flags & END_STREAM)
        if stream.answered and flags & END_HEADERS:
            self._end(stream)

    def _take_continuation(self, flags: int, number: int, payload: bytes) -> None:
        stream = self._streams.get(number)
        if stream is not None:
            stream.block += payload
            if flags & END_HEADERS and stream.answered:
                self._end(stream)

    def _end(self, stream: Stream) -> None:
        del self._streams[stream.number]
        stream.receiver.end(stream.block)
        self._close_if_done()

    def _take_reset(self, _flags: int, number: int, payload: bytes) -> None:
        stream = self._streams.pop(number, None)
        if stream is not None:
            code = int.from_bytes(payload)
            error = NotProcessed if code == REFUSED_STREAM else ConnectionBroken
            stream.receiver.fail(error(f"the server reset the stream (code {code})"))
            self._close_if_done()

    def _take_settings(self, flags: int, _number: int, payload: bytes) -> None:
        if flags & ACK:
            return
        for name, value in struct.iter_unpack(">HI", payload):
            if name == MAX_FRAME_SIZE:
                self._max_frame = value
            elif name == INITIAL_WINDOW_SIZE:
                for stream in self._streams.values():
                    stream.window += value - self._stream_window
                self._stream_window = value
        self._write(frame(SETTINGS, ACK, 0, b""))
        self._send_all()

    def _take_ping(self, flags: int, _number: int, payload: bytes) -> None:
        if flags & ACK:
            self._unanswered_ping = False
        else:
            self._write(frame(PING, ACK, 0, payload))

    def _take_goaway(self, _flags: int, _number: int, payload: bytes) -> None:
        last = int.from_bytes(payload[:4]) & LAST_STREAM
        self._retired = True
        for number in [number for number in self._streams if number > last]:
            self._streams.pop(number).receiver.fail(NotProcessed("the server is going away"))
        self._close_if_done()

    def _take_window(self, _flags: int, number: int, payload: bytes) -> None:
        more = int.from_bytes(payload) & LAST_STREAM
        if number == 0:
            self._window += more
            self._send_all()
        elif (stream := self._streams.get(number)) is not None:
            stream.window += more
            self._send_more(stream)

    def _send_all(self) -> None:
        for stream in self._streams.values():
            if stream.unsent:
                self._send_more(stream)


def frame(kind: int, flags: int, number: int, payload: bytes | memoryview) -> bytes:
    """Write a frame."""
    size = len(payload)
    return b"".join((struct.pack(">BHBBI", size >> 16, size & 0xFFFF, kind, flags, number), payload))


def _unpadded(flags: int, payload: bytes) -> bytes:
    return payload[1 : len(payload) - payload[0]] if flags & PADDED else payload
