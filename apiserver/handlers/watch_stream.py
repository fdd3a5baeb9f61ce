"""WatchStream: one client's watch, from the cache's events to the bytes on its connection.

Flow: WatchCache -> *WatchStream* -> Channel (a chunked answer, or a WebSocket) -> the client's connection.

The cache calls ``offer`` as it learns of changes, and the stream writes at once to the transport: no task and no queue
a watcher, one shared line an event. A client that does not keep up is cut off when too much waits for it; it then
lists again or resumes, as after any broken connection.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from aiohttp import web

from apiserver.encoding import CACHE_CONTROL
from apiserver.handlers.output import Form
from apiserver.negotiation import JSON, TABLE
from apiserver.storage.cache import Event, event_line
from apiserver.storage.entry import Entry
from apiserver.storage.filter import Filter
from naru.api.errors import InternalError

logger = logging.getLogger(__name__)

MAX_WAITING_BYTES: Final = 8 << 20  # written and not yet taken by the client
GATHER_S: Final = 0.005  # events that come closer together go out together: each write wakes a process
TEXT_FRAME: Final = 0x81  # of a WebSocket: final, opcode 1 (RFC 6455, section 5.2)


@dataclass(frozen=True)
class Shown:
    """How objects are shown in events; equal ones share the lines that they have made."""

    form: Form
    headers: bool = True  # a Table names its columns; only the first one of a watch does

    def __call__(self, entry: Entry) -> bytes:
        """Show one object."""
        return self.form.one(entry, headers=self.headers)


class Channel(Protocol):
    """How lines reach the client."""

    async def open(self, request: web.Request, gone: asyncio.Event) -> web.StreamResponse:
        """Begin the answer; ``gone`` is set when the client says that it leaves, if it can say so."""

    async def send(self, lines: Sequence[bytes]) -> None:
        """Write lines, and wait until the client has taken most of them."""

    def frame(self, lines: Sequence[bytes]) -> bytes:
        """Return the bytes that carry lines, for whoever writes to the transport himself."""

    async def close(self) -> None:
        """End the answer."""


class ChunkedChannel:
    """An HTTP answer of unknown length, one JSON object a line. It is never compressed."""

    def __init__(self) -> None:
        headers = {"Content-Type": JSON, "Cache-Control": CACHE_CONTROL}
        self._response = web.StreamResponse(headers=headers)
        self._response.enable_chunked_encoding()

    async def open(self, request: web.Request, gone: asyncio.Event) -> web.StreamResponse:
        """Send the headers."""
        await self._response.prepare(request)
        return self._response

    async def send(self, lines: Sequence[bytes]) -> None:
        """Write lines as one chunk."""
        await self._response.write(b"".join(lines))

    def frame(self, lines: Sequence[bytes]) -> bytes:
        """Make a chunk of HTTP/1.1."""
        data = b"".join(lines)
        return b"%x\r\n%b\r\n" % (len(data), data)

    async def close(self) -> None:
        """Leave the end to aiohttp, which writes the last chunk after the handler."""


class WebSocketChannel:
    """A WebSocket, one text message an event; what the client sends is ignored."""

    def __init__(self) -> None:
        self._socket = web.WebSocketResponse(compress=False)
        self._reading: asyncio.Task[None] | None = None

    async def open(self, request: web.Request, gone: asyncio.Event) -> web.StreamResponse:
        """Shake hands."""
        await self._socket.prepare(request)
        self._reading = asyncio.create_task(self._read())
        self._reading.add_done_callback(lambda _: gone.set())
        return self._socket

    async def _read(self) -> None:
        async for _ in self._socket:  # pings are answered meanwhile
            continue

    async def send(self, lines: Sequence[bytes]) -> None:
        """Write a message a line."""
        for line in lines:
            await self._socket.send_str(line.decode())

    def frame(self, lines: Sequence[bytes]) -> bytes:
        """Make a frame a line."""
        return b"".join(_frame_head(len(line)) + line for line in lines)

    async def close(self) -> None:
        """Say goodbye."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
            await self._socket.close()


def _frame_head(length: int) -> bytes:
    if length < 126:
        return bytes((TEXT_FRAME, length))
    if length < 1 << 16:
        return bytes((TEXT_FRAME, 126)) + length.to_bytes(2, "big")
    return bytes((TEXT_FRAME, 127)) + length.to_bytes(8, "big")


class WatchStream:
    """Gathers events until the client has its first ones, then writes them as they come.

    The first event after a silence goes out at once; in a burst, those of a few milliseconds share a write.
    """

    def __init__(self, transport: asyncio.Transport, channel: Channel, chosen: Filter, form: Form, after: int) -> None:
        self.done = asyncio.Event()
        self.status: dict[str, Any] | None = None  # why the watch ended, if the client must know
        self._transport = transport
        self._channel = channel
        self._chosen = chosen
        self._shown = Shown(form)
        self._after = after  # the client knows everything up to this revision
        self._live = False
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._flushing: asyncio.TimerHandle | None = None
        self._not_before = 0.0  # on the loop's clock: when the next write may be

    def show(self) -> Shown:
        """Return how the next object is to be shown."""
        shown = self._shown
        if shown.headers and shown.form.kind == TABLE:
            self._shown = Shown(shown.form, headers=False)
        return shown

    def offer(self, events: Sequence[Event]) -> None:
        """Write the changes that this client sees."""
        try:
            lines = self.lines(events)
        except Exception:  # one client's wish must not keep the changes from all others
            logger.exception("an event cannot be shown", extra={"selector": str(self._chosen)})
            self.end(InternalError("Internal error occurred: see the log of the API server").status())
            return
        if lines:
            self.write(lines)

    def lines(self, events: Sequence[Event]) -> list[bytes]:
        """Turn events into the lines that this client sees."""
        lines = []
        for event in events:
            if event.revision > self._after and (seen := event.seen_through(self._chosen)) is not None:
                # before the first objects are sent, nobody knows whose line will be the first
                lines.append(event.line(*seen, self.show() if self._live else Shown(self._shown.form)))
        return lines

    def replay(self, event: Event) -> bytes:
        """Turn an event of the past into a line; empty if this client does not see it. Nothing is kept for others."""
        seen = event.seen_through(self._chosen)
        line = event_line(seen[0], self.show()(seen[1])) if seen is not None else b""
        event.shrink()
        return line

    def write(self, lines: Sequence[bytes]) -> None:
        """Send lines now or very soon, once the stream is live; end the watch if too much waits."""
        if self.is_gone:
            self.done.set()
            return
        self._waiting += lines
        self._waiting_bytes += sum(map(len, lines))
        if self._live and self._flushing is None:
            loop = asyncio.get_running_loop()
            if loop.time() < self._not_before:
                self._flushing = loop.call_at(self._not_before, self.flush)
            else:
                self.flush()
        unsent = self._waiting_bytes + self._transport.get_write_buffer_size()
        if unsent > MAX_WAITING_BYTES:
            logger.warning("dropped a watcher that does not keep up", extra={"waiting_bytes": unsent})
            self._waiting.clear()
            self._transport.abort()
            self.done.set()

    def go_live(self) -> None:
        """Send what was kept; from now on events are written as they come."""
        self._live = True
        self.flush()

    def flush(self) -> None:
        """Send what waits."""
        self.stop()
        if self._waiting and not self.is_gone:
            data = self._channel.frame(self._waiting)
            self._waiting.clear()
            self._waiting_bytes = 0
            self._transport.write(data)
            self._not_before = asyncio.get_running_loop().time() + GATHER_S

    def stop(self) -> None:
        """Write nothing more by itself: the connection is about to be used for something else."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None

    def end(self, status: dict[str, Any] | None = None) -> None:
        """Stop, with a last ERROR event if a Status is given."""
        self.status = status
        self.done.set()

    @property
    def is_gone(self) -> bool:
        """Tell whether the client has left."""
        return self._transport.is_closing()
