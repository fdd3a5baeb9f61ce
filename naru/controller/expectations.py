"""Expectations: the writes of one's own that the cache does not show yet.

A controller that creates three pods and looks at its cache a millisecond later sees none of them, and would create
three more. So it notes what it is about to do, the informer's callbacks tick it off, and meanwhile it holds still.
What is never seen (a watch event can be skipped: created and deleted between two lists) lapses after a while. A
restarted controller has none, and needs none: its first list is as fresh as the store.
"""

import time
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from naru.controller.workqueue import Clock

K = TypeVar("K", bound=Hashable)

LAPSE_S: Final = 300.0  # as upstream's ExpectationsTimeout


@dataclass
class _Pending:
    since: float
    creations: int = 0
    deletions: set[str] = field(default_factory=set)  # uids: one deletion is seen twice, as mark and as removal

    @property
    def empty(self) -> bool:
        return self.creations <= 0 and not self.deletions


class Expectations(Generic[K]):
    """What each key still waits to see."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._pending: dict[K, _Pending] = {}

    def met(self, key: K) -> bool:
        """Whether the cache shows all that this key's controller did, or has had time enough."""
        pending = self._pending.get(key)
        if pending is None:
            return True
        if pending.empty or self._clock() - pending.since > LAPSE_S:
            del self._pending[key]
            return True
        return False

    def expect_creations(self, key: K, count: int) -> None:
        """Note creations, before they are sent: their events may come sooner than their answers."""
        self._entry(key).creations += count

    def expect_deletions(self, key: K, uids: Iterable[str]) -> None:
        """Note deletions, before they are sent."""
        self._entry(key).deletions.update(uids)

    def creation_observed(self, key: K) -> None:
        """Tick off a creation: it was seen, or it failed."""
        if key in self._pending:
            self._pending[key].creations -= 1

    def deletion_observed(self, key: K, uid: str) -> None:
        """Tick off a deletion: it was seen, or it failed."""
        if key in self._pending:
            self._pending[key].deletions.discard(uid)

    def forget(self, key: K) -> None:
        """Drop what is noted for a key: its object is gone."""
        self._pending.pop(key, None)

    def _entry(self, key: K) -> _Pending:
        if self.met(key):  # drops what is met or lapsed, so that a new wait counts from now
            self._pending[key] = _Pending(self._clock())
        return self._pending[key]
