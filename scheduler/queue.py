"""SchedulingQueue: the Pods that wait for a node.

Flow: Pod informer -> *active* -> a scheduling attempt -> bound, or *unschedulable* until an event could help,
or *backoff* when trying again soon makes sense.
Invariant: a Pod is in at most one of active, backoff, unschedulable.

Source: Kubernetes documentation, "Scheduling Framework"; the intervals are those of kube-scheduler.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from naru.api.keys import ObjectKey, key_of
from naru.api.pod_v1 import Pod
from scheduler.plugin import ClusterEvent

INITIAL_BACKOFF_S: Final = 1.0
MAX_BACKOFF_S: Final = 10.0
UNSCHEDULABLE_TIMEOUT_S: Final = 300.0  # then a Pod is tried again without any event


class Place(StrEnum):
    """Where in the queue a Pod waits."""

    ACTIVE = "active"
    BACKOFF = "backoff"
    UNSCHEDULABLE = "unschedulable"
    TAKEN = "taken"  # handed out by pop, an attempt is under way


@dataclass
class Waiting:
    """A Pod in the queue, and how its attempts went."""

    pod: Pod
    added_s: float
    place: Place = Place.ACTIVE
    attempts: int = 0
    due_s: float = 0.0  # when backoff or the unschedulable time ends
    helped_by: frozenset[ClusterEvent] = field(default_factory=frozenset)
    ticket: int = 0  # an entry of a heap counts only while it carries the Pod's newest ticket

    @property
    def backoff_s(self) -> float:
        """How long to wait after the last attempt."""
        return min(INITIAL_BACKOFF_S * 2.0 ** max(self.attempts - 1, 0), MAX_BACKOFF_S)


class SchedulingQueue:
    """Hands out Pods by priority, then age; ``clock`` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pods: dict[ObjectKey, Waiting] = {}
        self._active: list[tuple[int, float, int, ObjectKey]] = []
        self._timed: list[tuple[float, int, ObjectKey]] = []  # backoff and unschedulable, by when they are due
        self._tickets = itertools.count(1)
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        """Return how many Pods wait or are being tried."""
        return len(self._pods)

    def add(self, pod: Pod) -> None:
        """Take in a Pod, or take over a change of one that waits: a change may make it fit."""
        key = key_of(pod)
        waiting = self._pods.get(key)
        if waiting is None or waiting.pod.metadata.uid != pod.metadata.uid:
            waiting = self._pods[key] = Waiting(pod, self._clock())
            self._activate(key, waiting)
            return
        changed = waiting.pod.spec != pod.spec
        waiting.pod = pod
        if changed and waiting.place is Place.UNSCHEDULABLE:
            self._activate(key, waiting)

    def remove(self, key: ObjectKey) -> None:
        """Forget a Pod: it is bound, or gone."""
        self._pods.pop(key, None)

    async def pop(self) -> Waiting:
        """Return the next Pod to try; wait for one as long as it takes."""
        while True:
            self._release_due()
            while self._active:
                _, _, ticket, key = heapq.heappop(self._active)
                waiting = self._pods.get(key)
                if waiting is not None and waiting.ticket == ticket:
                    waiting.place = Place.TAKEN
                    waiting.attempts += 1
                    return waiting
            await self._wait()

    def park(self, waiting: Waiting, helped_by: frozenset[ClusterEvent]) -> None:
        """Set aside a Pod that fits nowhere until an event of these, or the timeout."""
        waiting.helped_by = helped_by
        self._delay(waiting, Place.UNSCHEDULABLE, UNSCHEDULABLE_TIMEOUT_S)

    def retry_later(self, waiting: Waiting) -> None:
        """Try a Pod again after its backoff: the attempt failed for a reason outside the cluster's state."""
        self._delay(waiting, Place.BACKOFF, waiting.backoff_s)

    def wake(self, event: ClusterEvent) -> None:
        """Move the Pods that the event may help to the active queue (through backoff if they were tried just now)."""
        for key, waiting in self._pods.items():
            if waiting.place is Place.UNSCHEDULABLE and event in waiting.helped_by:
                tried_s = waiting.due_s - UNSCHEDULABLE_TIMEOUT_S
                remaining_s = tried_s + waiting.backoff_s - self._clock()
                if remaining_s > 0:
                    self._delay(waiting, Place.BACKOFF, remaining_s)
                else:
                    self._activate(key, waiting)

    def _activate(self, key: ObjectKey, waiting: Waiting) -> None:
        waiting.place = Place.ACTIVE
        waiting.ticket = next(self._tickets)
        priority = waiting.pod.spec.priority or 0
        heapq.heappush(self._active, (-priority, waiting.added_s, waiting.ticket, key))
        self._changed.set()

    def _delay(self, waiting: Waiting, place: Place, delay_s: float) -> None:
        key = key_of(waiting.pod)
        if self._pods.get(key) is not waiting:
            return  # removed during the attempt
        waiting.place = place
        waiting.due_s = self._clock() + delay_s
        waiting.ticket = next(self._tickets)
        heapq.heappush(self._timed, (waiting.due_s, waiting.ticket, key))
        self._changed.set()

    def _release_due(self) -> None:
        now_s = self._clock()
        while self._timed and self._timed[0][0] <= now_s:
            _, ticket, key = heapq.heappop(self._timed)
            waiting = self._pods.get(key)
            if waiting is not None and waiting.ticket == ticket:
                self._activate(key, waiting)

    async def _wait(self) -> None:
        """Sleep until something changes or the next delay ends."""
        self._changed.clear()
        timeout_s = max(self._timed[0][0] - self._clock(), 0.0) if self._timed else None
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return
