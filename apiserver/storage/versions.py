"""VersionedCache: the watch cache of a kind, seen in a version that it is not stored in.

Flow: WatchCache of the stored version -> *VersionedCache* -> readers and watchers of the other one.
Owns nothing but a list of all objects; each object and each event keeps itself in the other version, so that many who
ask for it share one conversion and one encoding.
"""

from collections.abc import Sequence

from apiserver.storage.cache import Event, WatchCache, Watcher
from apiserver.storage.entry import Entry
from naru.api.keys import ObjectKey
from naru.api.scheme import Resource


class _Translator:
    """Passes changes on to a watcher in its version."""

    def __init__(self, watcher: Watcher, resource: Resource) -> None:
        self._watcher = watcher
        self._resource = resource

    def offer(self, events: Sequence[Event]) -> None:
        """Pass on the changes."""
        self._watcher.offer([event.seen_as(self._resource) for event in events])

    def end(self, status: dict[str, object] | None = None) -> None:
        """Pass on the end."""
        self._watcher.end(status)


class VersionedCache(WatchCache):
    """A watch cache whose objects are shown in another version."""

    def __init__(self, stored: WatchCache, resource: Resource) -> None:
        self._stored = stored
        self._translators: dict[Watcher, _Translator] = {}
        self._made_of: Sequence[Entry] | None = None  # the list that _all shows
        super().__init__(resource)

    @property
    def since(self) -> int:
        """Where the history begins."""
        return self._stored.since

    @since.setter
    def since(self, revision: int) -> None:
        """Leave that to the cache behind this one."""

    def get(self, key: ObjectKey) -> Entry | None:
        """Look up one object."""
        entry = self._stored.get(key)
        return entry.seen_as(self.resource) if entry is not None else None

    def __len__(self) -> int:
        """Count the objects."""
        return len(self._stored)

    def entries(self, namespace: str = "", start: str = "") -> Sequence[Entry]:
        """Return the objects (of a namespace) in etcd's order, from the path ``start`` on."""
        stored = self._stored.entries(namespace, start)
        if stored is self._made_of and self._all is not None:
            return self._all
        seen = [entry.seen_as(self.resource) for entry in stored]
        if not namespace and not start:
            self._made_of, self._all, self._pieces = stored, seen, None
        return seen

    def entries_at(self, revision: int, namespace: str = "", start: str = "") -> Sequence[Entry]:
        """Return the same as they were at a revision of the history."""
        return [entry.seen_as(self.resource) for entry in self._stored.entries_at(revision, namespace, start)]

    def events_after(self, revision: int) -> list[Event]:
        """Return the changes after a revision."""
        return [event.seen_as(self.resource) for event in self._stored.events_after(revision)]

    def join(self, watcher: Watcher) -> None:
        """Pass further changes on to ``watcher``, from the next one."""
        self._translators[watcher] = _Translator(watcher, self.resource)
        self._stored.join(self._translators[watcher])

    def leave(self, watcher: Watcher) -> None:
        """Stop passing changes on to ``watcher``."""
        if (translator := self._translators.pop(watcher, None)) is not None:
            self._stored.leave(translator)

    @property
    def watchers(self) -> int:
        """How many are told of changes."""
        return len(self._translators)
