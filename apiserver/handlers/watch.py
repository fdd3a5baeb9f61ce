"""WATCH: a list that never ends, one JSON line an event.

Flow: WatchCache -> *WatchStream* -> the client's connection.

The cache calls ``offer`` as it learns of changes, and the stream writes at once to the transport: no task and no queue
a watcher, one shared buffer an event. A client that does not keep up is cut off when too much waits for it; it then
lists again or resumes, as after any broken connection.

Source: Kubernetes documents, "API concepts: efficient detection of changes", "watch bookmarks", "streaming lists".
"""

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiohttp import web

from apiserver.handlers.call import Call
from apiserver.handlers.get import be_as_new_as, parse_revision
from apiserver.handlers.output import Form, write_slices
from apiserver.handlers.selection import filter_of
from apiserver.storage.cache import ADDED, Event, WatchCache, event_line
from apiserver.storage.filter import Filter
from naru.api.errors import APIError, FieldError, invalid
from naru.api.scheme import Resource

logger = logging.getLogger(__name__)

TIMEOUT_S: Final = (1800, 3600)  # of a watch that names none: somewhere between, so that clients do not return at once
BOOKMARK_S: Final = 60.0
LOOK_S: Final = 5.0  # how often a silent watch looks whether its client is still there
MAX_WAITING_BYTES: Final = 8 << 20  # written and not yet taken by the client
GATHER_S: Final = 0.005  # events that come closer together go out together: each write wakes a process
INITIAL_EVENTS_END: Final = "k8s.io/initial-events-end"


@dataclass(frozen=True)
class Options:
    """The parameters of a watch."""

    resource_version: str
    bookmarks: bool
    send_initial: bool  # the current objects come first, as ADDED
    mark_initial_end: bool  # and a bookmark says that they are complete
    timeout_s: float

    @classmethod
    def of(cls, call: Call) -> "Options":
        """Read them off the query.

        Raises:
            Invalid: sendInitialEvents without what belongs to it.
        """
        query = call.request.query
        version, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
        bookmarks = call.flag("allowWatchBookmarks")
        streaming = query.get("sendInitialEvents")
        check_streaming(streaming, match)
        asked = call.flag("sendInitialEvents")
        initial = asked if streaming is not None else version in ("", "0")
        timeout = call.number("timeoutSeconds")
        return cls(
            version, bookmarks, initial, asked and bookmarks, float(timeout) if timeout else random.uniform(*TIMEOUT_S)
        )


def check_streaming(streaming: str | None, match: str) -> None:
    """Hold ``sendInitialEvents`` and ``resourceVersionMatch`` together, as upstream does.

    Raises:
        Invalid: one without the other.
    """
    problem = None
    if streaming is not None and match != "NotOlderThan":
        problem = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
    elif streaming is None and match:
        problem = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
    if problem:
        error = FieldError("resourceVersionMatch", "FieldValueForbidden", problem)
        raise invalid("meta.k8s.io", "ListOptions", "", [error])


class WatchStream:
    """One client's watch: gathers events until the client has its first ones, then writes them as they come.

    The first event after a silence goes out at once; in a burst, those of a few milliseconds share a write.
    """

    def __init__(self, transport: asyncio.Transport, chosen: Filter, form: Form, after: int) -> None:
        self.done = asyncio.Event()
        self.status: dict[str, Any] | None = None  # why the watch ended, if the client must know
        self._transport = transport
        self._chosen = chosen
        self._form = form
        self._after = after  # the client knows everything up to this revision
        self._live = False
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._flushing: asyncio.TimerHandle | None = None
        self._not_before = 0.0  # on the loop's clock: when the next write may be

    def offer(self, events: Sequence[Event]) -> None:
        """Write the changes that this client sees."""
        try:
            lines = self.lines(events)
        except APIError as error:  # the selector names a field that these objects do not have
            self.end(error.status())
            return
        if lines:
            self.write(b"".join(lines))

    def lines(self, events: Sequence[Event]) -> list[bytes]:
        """Turn events into the lines that this client sees."""
        lines = []
        for event in events:
            if event.revision > self._after and (seen := event.seen_through(self._chosen)) is not None:
                lines.append(event.line(*seen, self._form.one))
        return lines

    def write(self, data: bytes) -> None:
        """Send lines now or very soon, once the stream is live; end the watch if too much waits."""
        if self._transport.is_closing():
            self.done.set()
            return
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._live and self._flushing is None:
            loop = asyncio.get_running_loop()
            if loop.time() < self._not_before:
                self._flushing = loop.call_at(self._not_before, self.flush)
            else:
                self.flush()
        unsent = self._waiting_bytes + self._transport.get_write_buffer_size()
        if unsent > MAX_WAITING_BYTES:
            logger.warning("dropped a watcher that does not keep up", extra={"waiting_bytes": unsent})
            self._transport.abort()
            self.done.set()

    def go_live(self) -> None:
        """Send what was kept; from now on events are written as they come."""
        self._live = True
        self.flush()

    def flush(self) -> None:
        """Send what waits."""
        self.stop()
        if self._waiting and not self._transport.is_closing():
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._waiting_bytes = 0
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))  # a chunk of HTTP/1.1
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


async def watch(call: Call) -> web.StreamResponse:
    """Answer with the changes of a resource as they happen."""
    options, chosen = Options.of(call), filter_of(call)
    transport = call.request.transport
    if not isinstance(transport, asyncio.Transport):
        raise ConnectionResetError("the client left")
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"})
    response.enable_chunked_encoding()
    cache = call.state.caches.of(call.resource)
    try:
        await _be_new_enough(call, options)
        stream, initial = _begin(call, cache, options, chosen, transport)
    except APIError as error:  # a watch fails inside its stream, as upstream's does
        await response.prepare(call.request)
        await response.write(event_line("ERROR", orjson.dumps(error.status())))
        return response
    try:
        await response.prepare(call.request)
        if initial:
            await write_slices(response, initial)
        stream.go_live()
        await _keep_open(call, stream, options)
        if stream.status is not None:
            stream.write(event_line("ERROR", orjson.dumps(stream.status)))
        stream.flush()
    finally:
        cache.leave(stream)
        stream.stop()
    return response


async def _be_new_enough(call: Call, options: Options) -> None:
    """Wait for what the initial events must show; a watch from a later revision just begins later."""
    if options.send_initial:
        await be_as_new_as(call, options.resource_version)
    else:
        await call.state.caches.reach(0)  # that is: until there is a history at all


def _begin(
    call: Call, cache: WatchCache, options: Options, chosen: Filter, transport: asyncio.Transport
) -> tuple[WatchStream, bytes]:
    """Take the first events and join the cache, in one step of the loop so that nothing falls between."""
    revision = call.state.caches.revision
    if options.send_initial:
        stream = WatchStream(transport, chosen, call.form, revision)
        lines = [event_line(ADDED, call.form.one(entry)) for entry in cache.scan(chosen)]
        if options.mark_initial_end:
            lines.append(bookmark(call.resource, call.form, revision, initial_end=True))
    else:
        after = parse_revision(options.resource_version or "0") or revision
        stream = WatchStream(transport, chosen, call.form, after)
        lines = stream.lines(cache.events_after(after))
    cache.join(stream)
    return stream, b"".join(lines)


async def _keep_open(call: Call, stream: WatchStream, options: Options) -> None:
    """Wait for the end of the watch; tell the client from time to time how far the cache has come."""
    loop = asyncio.get_running_loop()
    ends, next_bookmark = loop.time() + options.timeout_s, loop.time() + BOOKMARK_S
    floor = int(options.resource_version or 0)
    while not stream.done.is_set() and not stream.is_gone:
        now = loop.time()
        timed_out = now >= ends
        if options.bookmarks and (timed_out or now >= next_bookmark):
            stream.write(bookmark(call.resource, call.form, max(floor, call.state.caches.revision)))
            next_bookmark = now + BOOKMARK_S
        if timed_out:
            return
        await _wait(stream.done, min(LOOK_S, ends - now))


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except TimeoutError:
        return


def bookmark(resource: Resource, form: Form, revision: int, *, initial_end: bool = False) -> bytes:
    """Write the event that only says which revision the client has seen all of."""
    metadata: dict[str, Any] = {"resourceVersion": str(revision)}
    if initial_end:
        metadata["annotations"] = {INITIAL_EVENTS_END: "true"}
    return event_line("BOOKMARK", orjson.dumps(form.bookmark(resource, metadata)))
