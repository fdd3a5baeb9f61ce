"""The watch cache of one resource: its objects as etcd has them now, and what happened to them lately.

Flow: etcd -> Caches (one watch for all resources) -> *WatchCache* -> GET, LIST, and every watcher's connection.
Invariants: the objects are those of one revision of etcd; the history holds every change after ``since``, so a watch
may start at any revision not older than that, and a list may show the objects of any: the past is the present with the
later changes undone. Objects and events are encoded once and shared by all who send them.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from apiserver.storage.entry import Entry, prefix_of
from apiserver.storage.filter import Filter
from naru.api.errors import Gone
from naru.api.keys import ObjectKey
from naru.api.scheme import Resource

HISTORY_EVENTS: Final = 4096
HISTORY_BYTES: Final = 16 << 20

ADDED: Final = "ADDED"
MODIFIED: Final = "MODIFIED"
DELETED: Final = "DELETED"

Show = Callable[[Entry], bytes]  # how an object is written for a watcher; equal ones share their lines


class Event:
    """One change of one object: what it was (None: new) and what it is (None: gone)."""

    __slots__ = ("_deleted", "_lines", "_others", "entry", "previous", "revision")

    def __init__(self, previous: Entry | None, entry: Entry | None, revision: int) -> None:
        self.previous = previous
        self.entry = entry
        self.revision = revision
        self._deleted: Entry | None = None
        self._lines: dict[tuple[str, Show], bytes] = {}
        self._others: dict[str, Event] = {}  # the same in other versions, by apiVersion

    @property
    def path(self) -> str:
        """The object's place in the cache: ``default/web``."""
        shown = self.entry or self.previous
        assert shown is not None, "an event is about an object"
        return str(shown.key)

    def seen_as(self, resource: Resource) -> "Event":
        """Return the same change in another version; its lines, too, are made once."""
        if (other := self._others.get(resource.api_version)) is None:
            previous = self.previous.seen_as(resource) if self.previous is not None else None
            entry = self.entry.seen_as(resource) if self.entry is not None else None
            other = self._others[resource.api_version] = Event(previous, entry, self.revision)
        return other

    @property
    def last(self) -> Entry:
        """The object as a DELETED event shows it: its last state, at the revision of this change."""
        if self._deleted is None:
            assert self.previous is not None, "an object that never was cannot go"
            self._deleted = self.previous.at(self.revision)
        return self._deleted

    def seen_through(self, chosen: Filter) -> tuple[str, Entry] | None:
        """Tell what a watcher with this filter sees: a type and an object, or nothing."""
        is_in = self.entry is not None and chosen.matches(self.entry)
        was_in = self.previous is not None and chosen.matches(self.previous)
        if is_in and self.entry is not None:
            return (MODIFIED if was_in else ADDED), self.entry
        return (DELETED, self.last) if was_in else None

    def line(self, kind: str, entry: Entry, show: Show) -> bytes:
        """Return the event as one line of a watch, made once for all watchers that want it in the same form."""
        line = self._lines.get((kind, show))
        if line is None:
            line = self._lines[kind, show] = event_line(kind, show(entry))
        return line

    def shrink(self) -> None:
        """Drop what can be made again, now that the watchers of the moment have been told."""
        self._lines.clear()
        self._others.clear()
        if self.previous is not None:
            self.previous.shrink()

    @property
    def size_bytes(self) -> int:
        """About how much memory the event holds on to."""
        return sum(len(entry.data) for entry in (self.previous, self.entry) if entry is not None)


def event_line(kind: str, data: bytes) -> bytes:
    """Write one event of a watch."""
    return b'{"type":"%s","object":%s}\n' % (kind.encode(), data)


class Watcher(Protocol):
    """Somebody who is told of changes. Both calls come from the event loop and must not wait."""

    def offer(self, events: Sequence[Event]) -> None:
        """Take the changes of one or more whole revisions, in order."""

    def end(self, status: dict[str, object] | None = None) -> None:
        """Stop: the server is going down, or (with a Status) the history broke and the client must list again."""


class WatchCache:
    """The objects of one resource and their recent history."""

    def __init__(self, resource: Resource, *, events: int = HISTORY_EVENTS, size_bytes: int = HISTORY_BYTES) -> None:
        self.resource = resource
        self.prefix = prefix_of(resource)
        self.since = 0  # the history is complete from here on
        self._entries: dict[str, Entry] = {}  # by path: "default/web"
        self._paths: list[str] = []  # of all entries, in etcd's order
        self._all: list[Entry] | None = None  # the entries in order; None until somebody asks
        self._pieces: Sequence[bytes] | None = None  # these, encoded
        self._history: deque[Event] = deque()
        self._history_bytes = 0
        self._max_events = events
        self._max_bytes = size_bytes
        self._watchers: set[Watcher] = set()

    def get(self, key: ObjectKey) -> Entry | None:
        """Look up one object."""
        return self._entries.get(str(key))

    def __len__(self) -> int:
        """Count the objects."""
        return len(self._entries)

    def entries(self, namespace: str = "", start: str = "") -> Sequence[Entry]:
        """Return the objects (of a namespace) in etcd's order, from the path ``start`` on."""
        if not namespace and not start:
            if self._all is None:
                self._all = [self._entries[path] for path in self._paths]
            return self._all
        scope = f"{namespace}/" if namespace else ""
        first = bisect_left(self._paths, max(start, scope))
        end = bisect_left(self._paths, f"{namespace}0") if namespace else len(self._paths)  # "0" follows "/"
        return [self._entries[path] for path in self._paths[first:end]]

    def entries_at(self, revision: int, namespace: str = "", start: str = "") -> Sequence[Entry]:
        """Return the same as they were at a revision of the history.

        Raises:
            Gone: it is forgotten.
        """
        if revision < self.since:
            raise too_old(revision, self.since)
        undone: dict[str, Entry | None] = {}
        for event in reversed(self._history):
            if event.revision <= revision:
                break
            undone[event.path] = event.previous
        now = self.entries(namespace, start)
        return _undo(now, undone, namespace, start) if undone else now

    def scan(self, chosen: Filter) -> Iterator[Entry]:
        """Yield the objects that the filter lets through, in etcd's order."""
        for entry in self.entries(chosen.namespace):
            if not chosen.selects or chosen.matches(entry):
                yield entry

    def pieces_of(self, entries: Sequence[Entry]) -> Sequence[bytes] | None:
        """Return the encoding of a list of all objects, if somebody has made it since the last change."""
        return self._pieces if entries is self._all else None

    def keep_pieces(self, entries: Sequence[Entry], pieces: Sequence[bytes]) -> None:
        """Keep the encoding of a list, if these are all objects and none has changed meanwhile."""
        if entries is self._all:
            self._pieces = pieces

    def _touch(self) -> None:
        """Forget what was made of the objects as they were."""
        self._all = self._pieces = None

    def load(self, entries: Sequence[Entry], revision: int) -> None:
        """Begin anew with a list that is true at ``revision``; watchers of the old history must list again."""
        self._entries = {str(entry.key): entry for entry in entries}
        self._paths = sorted(self._entries)
        self._history.clear()
        self._history_bytes = 0
        self.since = revision
        self._touch()
        self.end_watchers(too_old(revision, revision).status())

    def apply(self, changes: Sequence[tuple[ObjectKey, Entry | None, int]]) -> None:
        """Take changes in the order of their revisions, and pass them on."""
        events = [event for change in changes if (event := self._apply_one(*change)) is not None]
        self._touch()
        for watcher in tuple(self._watchers):
            watcher.offer(events)
        for event in events:
            event.shrink()

    def _apply_one(self, key: ObjectKey, entry: Entry | None, revision: int) -> Event | None:
        path = str(key)
        previous = self._entries.get(path)
        if entry is not None:
            self._entries[path] = entry
            if previous is None:
                insort(self._paths, path)
        elif previous is not None:
            del self._entries[path]
            del self._paths[bisect_left(self._paths, path)]
        else:
            return None  # created and deleted within one transaction: nobody saw it
        event = Event(previous, entry, revision)
        self._history.append(event)
        self._history_bytes += event.size_bytes
        self._forget()
        return event

    def _forget(self) -> None:
        while len(self._history) > self._max_events or self._history_bytes > self._max_bytes:
            oldest = self._history.popleft()
            self._history_bytes -= oldest.size_bytes
            self.since = oldest.revision

    def events_after(self, revision: int) -> list[Event]:
        """Return the changes after a revision.

        Raises:
            Gone: some of them are forgotten.
        """
        if revision < self.since:
            raise too_old(revision, self.since)
        recent: list[Event] = []
        for event in reversed(self._history):
            if event.revision <= revision:
                break
            recent.append(event)
        return recent[::-1]

    def join(self, watcher: Watcher) -> None:
        """Pass further changes on to ``watcher``, from the next one."""
        self._watchers.add(watcher)

    def leave(self, watcher: Watcher) -> None:
        """Stop passing changes on to ``watcher``."""
        self._watchers.discard(watcher)

    @property
    def watchers(self) -> int:
        """How many are told of changes."""
        return len(self._watchers)

    def end_watchers(self, status: dict[str, object] | None = None) -> None:
        """End every watch."""
        for watcher in tuple(self._watchers):
            watcher.end(status)


def _undo(now: Sequence[Entry], undone: Mapping[str, Entry | None], namespace: str, start: str) -> list[Entry]:
    """Return the entries as they were, with the older states of those that have changed since."""
    chosen = Filter(namespace)
    then = {str(entry.key): entry for entry in now if str(entry.key) not in undone}
    for path, entry in undone.items():
        if entry is not None and chosen.in_scope(entry.key) and path >= start:
            then[path] = entry
    return [then[path] for path in sorted(then)]


def too_old(revision: int, oldest: int) -> Gone:
    """Build the 410 that makes a client list again."""
    return Gone(f"too old resource version: {revision} ({oldest})")
