"""Workqueue: the keys that want a look.

Flow: informer callbacks, timers -> add -> *Workqueue* -> get -> reconcile -> done.
Invariants: a key waits at most once, however often it was added; a key is never with two workers at once; a key added
while being worked on becomes due again when that is done. So a queue is never longer than the number of objects.
"""

import asyncio
import heapq
import math
import time
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Generic, TypeVar

from naru.controller.backoff import Backoff

K = TypeVar("K", bound=Hashable)

Clock = Callable[[], float]
"""Seconds from some fixed moment, never going back: ``time.monotonic``."""


def new_key_backoff() -> Backoff:
    """Return the waits of a key that keeps failing: 20 ms to 30 s."""
    return Backoff(start_s=0.02, factor=1.7, cap_s=30.0)


class Workqueue(Generic[K]):
    """A queue of keys with delays, de-duplication and a backoff for each key that fails."""

    def __init__(self, *, clock: Clock = time.monotonic, new_backoff: Callable[[], Backoff] = new_key_backoff) -> None:
        self._clock = clock
        self._new_backoff = new_backoff
        self._ready: deque[K] = deque()
        self._dirty: set[K] = set()  # wants a look: in _ready, or being worked on and due again after
        self._working: set[K] = set()
        self._due: dict[K, float] = {}  # of keys that wait for a moment: the earliest asked for
        self._timers: list[tuple[float, int, K]] = []  # heap; an entry counts only while it agrees with _due
        self._serial = 0  # keys need not be comparable
        self._backoffs: dict[K, Backoff] = {}
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        """Count the keys that are ready now."""
        return len(self._ready)

    def add(self, key: K) -> None:
        """Make a key due now."""
        if key not in self._dirty:
            self._dirty.add(key)
            if key not in self._working:
                self._ready.append(key)
                self._changed.set()

    def add_after(self, key: K, delay_s: float) -> None:
        """Make a key due after a delay; of several delays of one key, the one that ends first counts."""
        if delay_s <= 0:
            self.add(key)
            return
        due = self._clock() + delay_s
        if due < self._due.get(key, math.inf):
            self._due[key] = due
            self._serial += 1
            heapq.heappush(self._timers, (due, self._serial, key))
            self._changed.set()

    def add_rate_limited(self, key: K, at_most_s: float = math.inf) -> None:
        """Make a key due again after it failed, each time later until :meth:`forget`."""
        backoff = self._backoffs.setdefault(key, self._new_backoff())
        self.add_after(key, min(backoff.next_s(), at_most_s))

    def forget(self, key: K) -> None:
        """Let a key's next failure wait the shortest time again."""
        self._backoffs.pop(key, None)

    def failures(self, key: K) -> int:
        """Count the failures of a key since it was last forgotten."""
        backoff = self._backoffs.get(key)
        return backoff.tries if backoff else 0

    async def get(self) -> K:
        """Take the next key, waiting as long as there is none; :meth:`done` must follow."""
        while (key := self.get_nowait()) is None:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._next_timer_s()):
                    await self._changed.wait()
        return key

    def get_nowait(self) -> K | None:
        """Take the next key, None when there is none."""
        self._ring()
        if not self._ready:
            return None
        key = self._ready.popleft()
        self._dirty.discard(key)
        self._working.add(key)
        return key

    def done(self, key: K) -> None:
        """Give a key back; it is due again if it was added meanwhile."""
        self._working.discard(key)
        if key in self._dirty:
            self._ready.append(key)
            self._changed.set()

    def _ring(self) -> None:
        """Move keys whose moment has come to the ready ones."""
        now = self._clock()
        while self._timers and self._timers[0][0] <= now:
            due, _, key = heapq.heappop(self._timers)
            if self._due.get(key) == due:
                del self._due[key]
                self.add(key)

    def _next_timer_s(self) -> float | None:
        return max(0.0, self._timers[0][0] - self._clock()) if self._timers else None
