"""gRPC on HTTP/2: one message there and one back, or a stream of messages back.

Flow: grpc_etcd.py -> *call_once, MessageStream* -> http2.py -> etcd.
A message is preceded by a byte (0: not compressed) and its length; how a call ended is in the last headers.

Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md .
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from enum import IntEnum
from typing import Final
from urllib.parse import unquote

from apiserver.storage import hpack
from apiserver.storage.http2 import ConnectionBroken, Http2Connection, Stream

_PREFIX_BYTES: Final = 5


class Status(IntEnum):
    """How a call ended, as far as it is told apart here."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    DEADLINE_EXCEEDED = 4
    RESOURCE_EXHAUSTED = 8
    UNAVAILABLE = 14


class GrpcError(Exception):
    """The server answered that it did not do what was asked."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def method_headers(path: str, **metadata: str) -> bytes:
    """Encode the headers of a call of a method: ``/etcdserverpb.KV/Txn``."""
    fixed = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost"}
    return hpack.encode({**fixed, "content-type": "application/grpc", "te": "trailers", **metadata})


def prefixed(message: bytes) -> bytes:
    """Put the length before a message."""
    return b"\0" + len(message).to_bytes(4) + message


def error_of(trailers: bytes) -> GrpcError | None:
    """Return what went wrong with a call; None if nothing did."""
    try:
        fields = hpack.decode(trailers)
    except ValueError as error:
        return GrpcError(Status.UNKNOWN, str(error))
    status = fields.get("grpc-status", "")
    if status == "0":
        return None
    code = int(status) if status.isdecimal() else Status.UNKNOWN
    return GrpcError(code, unquote(fields.get("grpc-message", "")) or f"status {code}")


class _Answer:
    """The one message of an answer."""

    __slots__ = ("_parts", "_result")

    def __init__(self, result: asyncio.Future[bytes]) -> None:
        self._result = result
        self._parts: list[bytes] = []

    def data(self, payload: bytes) -> None:
        self._parts.append(payload)

    def end(self, trailers: bytes) -> None:
        if self._result.done():
            return
        if (error := error_of(trailers)) is not None:
            self._result.set_exception(error)
        else:
            self._result.set_result(b"".join(self._parts)[_PREFIX_BYTES:])

    def fail(self, error: ConnectionBroken) -> None:
        if not self._result.done():
            self._result.set_exception(error)


async def call_once(connection: Http2Connection, headers: bytes, message: bytes, deadline_s: float) -> bytes:
    """Send a message and return the answer.

    Raises:
        GrpcError: the server refused, or did not answer in time.
        ConnectionBroken: there will be no answer.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[bytes] = loop.create_future()
    stream = connection.open(headers, prefixed(message), _Answer(result), end=True)
    timer = loop.call_later(deadline_s, _expire, result)
    try:
        return await result
    finally:
        timer.cancel()
        connection.reset(stream)


def _expire(result: asyncio.Future[bytes]) -> None:
    if not result.done():
        result.set_exception(GrpcError(Status.DEADLINE_EXCEEDED, "no answer in time"))


class MessageStream:
    """A call whose answer is messages without end; close it when it is not needed any more."""

    def __init__(self, connection: Http2Connection, headers: bytes, message: bytes) -> None:
        self._connection = connection
        self._received: deque[bytes] = deque()
        self._rest = bytearray()
        self._failure: Exception | None = None
        self._ended = False
        self._news = asyncio.Event()
        self._stream: Stream = connection.open(headers, prefixed(message), self, end=False)

    def data(self, payload: bytes) -> None:
        """Take a part of the body, which may end within a message."""
        self._rest += payload
        while len(self._rest) >= _PREFIX_BYTES:
            end = _PREFIX_BYTES + int.from_bytes(self._rest[1:_PREFIX_BYTES])
            if len(self._rest) < end:
                break
            self._received.append(bytes(self._rest[_PREFIX_BYTES:end]))
            del self._rest[:end]
        self._news.set()

    def end(self, trailers: bytes) -> None:
        """Note that the server ended the stream, and why."""
        self._failure = error_of(trailers)
        self._ended = True
        self._news.set()

    def fail(self, error: ConnectionBroken) -> None:
        """Note that the connection ended it."""
        self._failure, self._ended = error, True
        self._news.set()

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """Yield messages until the server ends the stream.

        Raises:
            GrpcError: it ended it for a reason.
            ConnectionBroken: the connection ended.
        """
        while True:
            while self._received:
                yield self._received.popleft()
            if self._ended:
                break
            self._news.clear()
            await self._news.wait()  # no deadline: a watch is silent while nothing changes
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Give the stream up."""
        self._connection.reset(self._stream)
