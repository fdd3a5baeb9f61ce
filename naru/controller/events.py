"""Events: reports for people, sent in the background, few of them however much happens.

Flow: controller -> recorder.event(...) -> bounded queue -> *EventRecorder.run* -> API server.
Three things keep them few, as upstream's correlator does:
    the same report again      counts up the Event that exists
    many similar reports       (same object, type and reason) become one "(combined from similar events)"
    too many about one object  are dropped
And they give way to the work that they tell of: each waits a moment, and a burst of them is spread over time.
An Event may be lost: nothing may depend on it, and nothing waits for it.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, NoReturn, TypeVar

from naru.api.errors import APIError, NotFound
from naru.api.event_v1 import Event, EventSource
from naru.api.meta import KubeObject, ObjectMeta
from naru.api.model import now
from naru.api.refs_v1 import ObjectReference
from naru.client.client import Client
from naru.client.errors import ConnectionFailed
from naru.controller.workqueue import Clock

logger = logging.getLogger(__name__)

NORMAL: Final = "Normal"
WARNING: Final = "Warning"

_QUEUE_LENGTH: Final = 1_000
_REMEMBERED: Final = 4_096  # objects and reports of each of the tables below
_SIMILAR_LIMIT: Final = 10  # different messages of one reason about one object, within
_SIMILAR_INTERVAL_S: Final = 600.0
_BURST: Final = 25  # reports about one object at once, then one every
_REFILL_S: Final = 300.0
_MAX_MESSAGE_CHARACTERS: Final = 1_024  # what the API takes
_DELAY_S: Final = 0.25  # from a report to its sending
_AT_ONCE: Final = 10  # sent without a pause after a silence; then one every
_PAUSE_S: Final = 0.08

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class RecentlyUsed(Generic[K, V]):
    """A table that forgets what was not used for longest."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[K, V] = OrderedDict()

    def take(self, key: K, new: Callable[[], V]) -> V:
        """Return the entry of a key, made by ``new`` when there is none."""
        if key not in self._entries:
            self._entries[key] = new()
            if len(self._entries) > self._size:
                self._entries.popitem(last=False)
        self._entries.move_to_end(key)
        return self._entries[key]


@dataclass(frozen=True)
class Report:
    """One thing to tell about one object."""

    about: ObjectReference
    type: str
    reason: str
    message: str
    moment: datetime = field(default_factory=now, compare=False)  # when it happened

    def combined(self) -> "Report":
        """Return the report that stands for the many similar ones."""
        return Report(
            self.about, self.type, self.reason, f"(combined from similar events): {self.message}", self.moment
        )


@dataclass
class _Similar:
    since: float
    messages: set[str] = field(default_factory=set)


@dataclass
class _Allowance:
    left: float
    at: float


@dataclass
class _Sent:
    event: Event | None = None  # the Event that counts this report, as the server last answered it


class Correlator:
    """Decides what is sent: a pure table of counts, so that it is tested without a server."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._similar: RecentlyUsed[Hashable, _Similar] = RecentlyUsed(_REMEMBERED)
        self._allowances: RecentlyUsed[Hashable, _Allowance] = RecentlyUsed(_REMEMBERED)

    def admit(self, report: Report) -> tuple[Report, Hashable] | None:
        """Return the report to send, and under which key it counts as the same; None when it is one too many."""
        if not self._allowed(report.about.uid or report.about.name):
            return None
        group = (report.about.uid, report.about.kind, report.about.name, report.type, report.reason)
        similar = self._similar.take(group, lambda: _Similar(self._clock()))
        if self._clock() - similar.since > _SIMILAR_INTERVAL_S:
            similar.since, similar.messages = self._clock(), set()
        if report.message not in similar.messages and len(similar.messages) >= _SIMILAR_LIMIT:
            return report.combined(), group
        similar.messages.add(report.message)
        return report, (*group, report.about.field_path, report.message)

    def _allowed(self, about: str) -> bool:
        now_s = self._clock()
        allowance = self._allowances.take(about, lambda: _Allowance(_BURST, now_s))
        allowance.left = min(_BURST, allowance.left + (now_s - allowance.at) / _REFILL_S)
        allowance.at = now_s
        if allowance.left < 1:
            return False
        allowance.left -= 1
        return True


class Pace:
    """Says how long each report has to wait: a moment, and longer in a burst."""

    def __init__(self) -> None:
        self._free_at = 0.0  # when the reports sent so far would have been sent one every _PAUSE_S

    def wait_s(self, reported_s: float, now_s: float) -> float:
        """Take one report's turn; return the seconds until then."""
        due = max(reported_s + _DELAY_S, self._free_at - _AT_ONCE * _PAUSE_S, now_s)
        self._free_at = max(self._free_at, due) + _PAUSE_S
        return due - now_s


class EventRecorder:
    """Reports of one component; :meth:`run` must run for them to be sent."""

    def __init__(self, client: Client, component: str, *, host: str = "", clock: Clock = time.monotonic) -> None:
        self._client = client.named(component)
        self._component = component
        self._host = host
        self._correlator = Correlator(clock)
        self._sent: RecentlyUsed[Hashable, _Sent] = RecentlyUsed(_REMEMBERED)
        self._clock = clock
        self._pace = Pace()
        self._queue: asyncio.Queue[tuple[float, Report]] = asyncio.Queue(_QUEUE_LENGTH)

    def event(self, obj: KubeObject, type: str, reason: str, message: str, *, field_path: str = "") -> None:
        """Report that something happened to an object; returns at once.

        Args:
            type: ``Normal`` or ``Warning``.
            reason: one word in CamelCase, for programs.
            message: a sentence, for people.
            field_path: the part of the object that it happened to, such as ``spec.containers{web}``.
        """
        report = Report(reference(obj, field_path), type, reason, message[:_MAX_MESSAGE_CHARACTERS])
        try:
            self._queue.put_nowait((self._clock(), report))
        except asyncio.QueueFull:
            logger.warning("event dropped: too many wait", extra={"reason": reason, "about": report.about.name})

    async def run(self) -> NoReturn:
        """Send reports until cancelled."""
        while True:
            reported_s, report = await self._queue.get()
            admitted = self._correlator.admit(report)
            if admitted is None:
                continue
            await asyncio.sleep(self._pace.wait_s(reported_s, self._clock()))
            try:
                await self._send(*admitted)
            except (APIError, ConnectionFailed) as error:
                logger.info("event not sent", extra={"reason": report.reason, "error": str(error)})

    async def _send(self, report: Report, key: Hashable) -> None:
        """Count up the Event of this report, or create it."""
        sent = self._sent.take(key, _Sent)
        if sent.event is not None:
            try:
                sent.event = await self._count_up(sent.event, report)
                return
            except NotFound:  # it lapsed on the server
                sent.event = None
        sent.event = await self._client.create(self._new_event(report))

    async def _count_up(self, event: Event, report: Report) -> Event:
        patch = {
            "count": event.count + 1,
            "lastTimestamp": report.moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "message": report.message,
        }
        return await self._client.patch(Event, event.metadata.name, event.metadata.namespace, patch)

    def _new_event(self, report: Report) -> Event:
        namespace = report.about.namespace or "default"
        return Event(
            metadata=ObjectMeta(name=f"{report.about.name}.{time.time_ns():x}", namespace=namespace),
            involved_object=report.about,
            type=report.type,
            reason=report.reason,
            message=report.message,
            source=EventSource(component=self._component, host=self._host),
            first_timestamp=report.moment,
            last_timestamp=report.moment,
            count=1,
            reporting_component=self._component,
            reporting_instance=self._host,
        )


def reference(obj: KubeObject, field_path: str = "") -> ObjectReference:
    """Name an object, or a part of it, so that it can be found again."""
    meta = obj.metadata
    return ObjectReference(
        kind=obj.kind,
        api_version=obj.api_version,
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        resource_version=meta.resource_version,
        field_path=field_path,
    )
