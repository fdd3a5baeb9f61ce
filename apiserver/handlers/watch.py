"""WATCH: a list that never ends, one event a change.

What is wrong with the request itself is answered with its code; from there on the answer is a 200, and what goes wrong
is told by an ERROR event inside.

Source: Kubernetes documents, "API concepts: efficient detection of changes", "watch bookmarks", "streaming lists";
KEP 3157 (watch-list).
"""

import asyncio
import random
from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson
from aiohttp import hdrs, web

from apiserver.handlers.call import Call
from apiserver.handlers.get import be_as_new_as
from apiserver.handlers.list_options import ListOptions, parse_revision
from apiserver.handlers.output import Form
from apiserver.handlers.pace import Pace
from apiserver.handlers.pieces import PIECE_BYTES
from apiserver.handlers.selection import filter_of
from apiserver.handlers.watch_stream import Channel, ChunkedChannel, WatchStream, WebSocketChannel
from apiserver.storage.cache import ADDED, WatchCache, event_line
from apiserver.storage.entry import Entry
from apiserver.storage.filter import Filter
from naru.api.errors import APIError, TooManyRequests
from naru.api.scheme import Resource

TIMEOUT_S: Final = (1800, 3600)  # of a watch that names none: somewhere between, so that clients do not return at once
BOOKMARK_S: Final = 55.0  # clients may count on one a minute
LAST_BOOKMARK_S: Final = 2.0  # before the end, so that the next watch starts from nearly now
LOOK_S: Final = 5.0  # how often a silent watch looks whether its client is still there
INITIAL_EVENTS_END: Final = "k8s.io/initial-events-end"


async def watch(call: Call) -> web.StreamResponse:
    """Answer with the changes of a resource as they happen."""
    options, chosen = ListOptions.of(call.request), filter_of(call)
    after = parse_revision(options.resource_version)
    transport = call.request.transport
    if not isinstance(transport, asyncio.Transport):
        raise ConnectionResetError("the client left")
    if not call.state.caches.is_loaded:
        raise TooManyRequests("storage is (re)initializing", retry_after_s=1)
    upgrade = call.request.headers.get(hdrs.UPGRADE, "").lower()
    channel: Channel = WebSocketChannel() if upgrade == "websocket" else ChunkedChannel()
    cache = call.state.caches.of(call.resource)
    try:
        after = await _start_of(call, options, after)
        stream = WatchStream(transport, channel, chosen, call.form, after)
        first = _begin(cache, stream, options, chosen, after)
    except APIError as error:
        response = await channel.open(call.request, asyncio.Event())
        await channel.send([error_line(error.status())])
        await channel.close()
        return response
    try:
        response = await channel.open(call.request, stream.done)
        await _send(channel, first)
        if options.send_initial and options.bookmarks:
            await channel.send([bookmark(call.resource, call.form, after, initial_end=True)])
        stream.go_live()
        await _keep_open(call, stream, options)
        if stream.status is not None:
            stream.write([error_line(stream.status)])
        stream.flush()
    finally:
        cache.leave(stream)
        stream.stop()
        await channel.close()
    return response


def _sends_initial(options: ListOptions) -> bool:
    """Tell whether the present objects come first, as ADDED; so does a watch from nowhere on the deprecated path."""
    return options.is_legacy if options.send_initial is None else options.send_initial


async def _start_of(call: Call, options: ListOptions, revision: int) -> int:
    """Return the revision that the client knows before the first change, once the cache has come that far.

    A watch from a revision that is not here yet just begins later.
    """
    caches = call.state.caches
    if _sends_initial(options):
        await be_as_new_as(call, options.resource_version)
        return caches.revision
    if options.resource_version:
        return revision or caches.revision
    return await caches.current_revision()


def _begin(cache: WatchCache, stream: WatchStream, options: ListOptions, chosen: Filter, after: int) -> Iterable[bytes]:
    """Take the first events and join the cache, in one step of the loop so that nothing falls between."""
    if _sends_initial(options):
        first = _present(cache.entries(chosen.namespace), stream, chosen)
    else:
        first = map(stream.replay, cache.events_after(after))
    cache.join(stream)
    return first


def _present(entries: Iterable[Entry], stream: WatchStream, chosen: Filter) -> Iterator[bytes]:
    """Write objects as ADDED; one that the watch is not about is an empty line, so that there may be a pause there."""
    for entry in entries:
        yield event_line(ADDED, stream.show()(entry)) if chosen.matches(entry) else b""


async def _send(channel: Channel, first: Iterable[bytes]) -> None:
    """Send lines, some at a time."""
    pace = Pace()
    lines: list[bytes] = []
    size = 0
    for line in first:
        if line:
            lines.append(line)
            size += len(line)
        if pace.is_due:
            await pace.step()
        if size >= PIECE_BYTES:
            await channel.send(lines)
            await asyncio.sleep(0)  # a fast client never makes the write itself wait
            lines, size = [], 0
    if lines:
        await channel.send(lines)


async def _keep_open(call: Call, stream: WatchStream, options: ListOptions) -> None:
    """Wait for the end of the watch; tell the client from time to time how far the cache has come."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + (options.timeout_s or random.uniform(*TIMEOUT_S))
    next_bookmark = _next_bookmark(loop.time(), ends) if options.bookmarks else ends
    floor = parse_revision(options.resource_version)
    while not stream.done.is_set() and not stream.is_gone:
        now = loop.time()
        if now >= ends:
            return
        if now >= next_bookmark:
            stream.write([bookmark(call.resource, call.form, max(floor, call.state.caches.revision))])
            next_bookmark = _next_bookmark(now, ends)
        await _wait(stream.done, min(LOOK_S, next_bookmark - now))


def _next_bookmark(now: float, ends: float) -> float:
    """Plan a bookmark a minute, and one shortly before the end; after that one there is none."""
    due = min(now + BOOKMARK_S, ends - LAST_BOOKMARK_S)
    return due if due > now else ends


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except TimeoutError:
        return


def error_line(status: dict[str, Any]) -> bytes:
    """Write the event that ends a watch which cannot go on."""
    return event_line("ERROR", orjson.dumps(status))


def bookmark(resource: Resource, form: Form, revision: int, *, initial_end: bool = False) -> bytes:
    """Write the event that only says which revision the client has seen all of."""
    metadata: dict[str, Any] = {"resourceVersion": str(revision)}
    if initial_end:
        metadata["annotations"] = {INITIAL_EVENTS_END: "true"}
    return event_line("BOOKMARK", orjson.dumps(form.bookmark(resource, metadata)))
