"""The trail: a bounded ring of the writes that succeeded, with who made them and why.

Flow: handler of a write -> *record* -> ring -> ``GET /naru/trail`` -> ``naru trail``.
The cause and the spans come from the ``Naru-Trail`` header of naru's own components; any other client's writes are
recorded with their sender and what they changed. Heartbeats are left out: they would push everything else off.
The ring is of this process alone and lost with it: it explains, it is not state.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from aiohttp import web

from apiserver.authn import user_of
from apiserver.changes import changes_between, summarize
from apiserver.routes import add_route
from apiserver.state import ServerState
from naru.api.errors import BadRequest
from naru.api.meta import KubeObject
from naru.api.scheme import Resource
from naru.telemetry import trail as header

CAPACITY: Final = 4096
IDLE_CHECK_S: Final = 5.0  # how long a follower that left goes unnoticed while nothing happens

Record = dict[str, Any]


class TrailRing:
    """The last records, oldest first, and the means to wait for the next one.

    Ids grow with time, across restarts too: a follower resumes with the last id it saw.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._records: deque[tuple[int, bytes]] = deque(maxlen=capacity)  # id and JSON: a quarter of the dict's memory
        self._last_id = 0
        self._added = asyncio.Event()

    def add(self, record: Record) -> None:
        """Give the record its id and time, keep it, wake the followers."""
        now_us = time.time_ns() // 1_000
        self._last_id = max(self._last_id + 1, now_us)
        moment = datetime.fromtimestamp(now_us / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        self._records.append((self._last_id, orjson.dumps({"id": self._last_id, "time": moment, **record})))
        self._added.set()
        self._added = asyncio.Event()

    def since(self, last_id: int) -> list[Record]:
        """Return the records after an id; those that fell off the ring are missing."""
        newer = itertools.takewhile(lambda kept: kept[0] > last_id, reversed(self._records))
        return [orjson.loads(record) for _, record in newer][::-1]

    async def follow(self, last_id: int, idle_s: float = IDLE_CHECK_S) -> AsyncIterator[list[Record]]:
        """Yield the records after an id as they come, and an empty list when none came for ``idle_s``."""
        while True:
            added = self._added
            records = self.since(last_id)
            if records:
                last_id = records[-1]["id"]
                yield records
                continue
            try:
                await asyncio.wait_for(added.wait(), idle_s)
            except TimeoutError:
                yield []


def record(
    state: ServerState,
    request: web.Request,
    verb: str,
    resource: Resource,
    old: KubeObject | None,
    new: KubeObject | None,
    subresource: str = "",
) -> None:
    """Keep one successful write; call it once the write is in etcd.

    Args:
        verb: create, update, patch, delete or deletecollection.
        old: the object before, None for a create.
        new: the object after, None when it is gone.
    """
    obj = new or old
    if obj is None or request.query.get("dryRun"):
        return
    summary = summarize_write(old, new)
    if summary is not None:
        state.ring.add(_record(request, verb, resource, obj, subresource, summary))


def summarize_write(old: KubeObject | None, new: KubeObject | None) -> str | None:
    """Say what a write did; None when it is not worth a record: nothing changed, or nothing but times."""
    if old is None:
        return "created"
    if new is None:
        return "deleted"
    changes = changes_between(old, new)
    if new.metadata.deletion_timestamp is not None and old.metadata.deletion_timestamp is None:
        return f"deletion asked for, grace {new.metadata.deletion_grace_period_seconds or 0} s"
    return None if all(change.is_time for change in changes) else summarize(changes)


def _record(
    request: web.Request, verb: str, resource: Resource, obj: KubeObject, subresource: str, summary: str
) -> Record:
    told = header.decode(request.headers.get(header.HEADER))
    agent = request.headers.get("User-Agent", "")
    meta = obj.metadata
    return {
        "user": user_of(request).name,
        "component": told.component if told else agent.partition("/")[0],
        "verb": verb,
        "object": {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "namespace": meta.namespace,
            "name": meta.name,
            "uid": meta.uid,
        },
        "subresource": subresource,
        "resourceVersion": meta.resource_version,
        "summary": summary,
        "cause": told.cause.wire() if told and told.cause else None,
        "spans": _spans(told.spans) if told else [],
        "userAgent": agent,
    }


def _spans(spans: Sequence[header.Span]) -> list[dict[str, Any]]:
    return [{"name": span.name, "startUnixUs": span.start_unix_us, "durationUs": span.duration_us} for span in spans]


def add_routes(app: web.Application, state: ServerState) -> None:
    """Serve ``GET /naru/trail?since=ID&watch=1``."""

    async def handler(request: web.Request) -> web.StreamResponse:
        since = _since(request)
        if request.query.get("watch", "") in ("1", "true"):
            return await _stream(request, state, since)
        return web.json_response({"items": state.ring.since(since)}, dumps=lambda body: orjson.dumps(body).decode())

    add_route(app, "GET", "/naru/trail", handler)


def _since(request: web.Request) -> int:
    text = request.query.get("since", "0")
    if not text.isdecimal():
        raise BadRequest(f"since: Invalid value: {text!r}: must be the id of a record")
    return int(text)


async def _stream(request: web.Request, state: ServerState, since: int) -> web.StreamResponse:
    """Write records, one a line, until the client leaves or the server stops."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "Cache-Control": "no-cache"})
    await response.prepare(request)
    async for records in state.ring.follow(since):
        if state.stopping.is_set() or request.transport is None or request.transport.is_closing():
            break
        if records:
            await response.write(b"".join(orjson.dumps(record) + b"\n" for record in records))
    return response
