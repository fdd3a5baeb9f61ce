"""ObjectStore: every write of an object, as one transaction of etcd on the revision that the writer has seen.

Flow: handler -> *ObjectStore* -> etcd -> (watch) -> Caches.
Invariants: a write happens only if the object is still at the revision that the decision was made on; the
resourceVersion of an object is the revision of its last write. Nothing is answered before etcd has it on disk.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from apiserver.registry import strategy_for
from apiserver.storage.caches import Caches
from apiserver.storage.continuation import expired
from apiserver.storage.entry import Entry, encode, object_key, prefix_of, storage_key, with_revision
from apiserver.storage.etcd import Compacted, Delete, Etcd, KeyValue, ModRevisionIs, Put, prefix_end
from naru.api.conversion import to_stored
from naru.api.errors import AlreadyExists, APIError, Conflict, NotFound
from naru.api.keys import ObjectKey
from naru.api.meta import KubeObject
from naru.api.scheme import Resource

ATTEMPTS: Final = 100  # of one write against others to the same object; each loss means that another one won
KEPT_WRITTEN: Final = 512  # objects that were written here last, as typed objects
LEASE_SHARED_S: Final = 60  # objects written within this time share a lease


@dataclass(frozen=True)
class Keep:
    """The decision to store the object as it now is."""

    obj: KubeObject


@dataclass(frozen=True)
class Remove:
    """The decision to delete the object; ``obj`` is what it last was."""

    obj: KubeObject


Decide = Callable[[Entry], Awaitable[Keep | Remove]]


class Taken(Exception):
    """What a new object claims for itself alone belongs to another one: choose something else, or give up."""


@dataclass(frozen=True)
class Written:
    """What a write did: the object before (None: it was created) and after; ``removed`` when it is gone."""

    before: Entry | None
    after: Entry
    removed: bool = False

    @property
    def changed(self) -> bool:
        """Tell whether anything was written at all."""
        return self.before is None or self.removed or self.after.data != self.before.data


@dataclass(frozen=True)
class Page:
    """Some objects of a list, the revision at which it is true, and how many come after them."""

    entries: list[Entry]
    revision: int
    remaining: int


class ObjectStore:
    """Creates, changes and deletes objects, and reads them from etcd itself."""

    def __init__(self, etcd: Etcd, caches: Caches) -> None:
        self._etcd = etcd
        self._caches = caches
        self._leases: dict[int, tuple[int, float]] = {}  # by time to live: id, and when it was granted
        self._granting = asyncio.Lock()
        self._written: dict[bytes, Entry] = {}  # by path, the last ones

    async def create(self, resource: Resource, obj: KubeObject, *, dry_run: bool = False) -> Written:
        """Store a new object.

        Raises:
            AlreadyExists: its name is taken.
            Taken: something that it claims is.
        """
        key = ObjectKey(obj.metadata.namespace if resource.namespaced else "", obj.metadata.name)
        path, value = storage_key(resource, key), encode(to_stored(obj))
        if dry_run:
            if (await self._etcd.range(path, count_only=True)).count:
                raise already_exists(resource, key.name)
            return Written(None, Entry(resource, key, encode(obj), 0))
        lease = await self._lease_for(resource)
        result = await self._etcd.txn(ModRevisionIs(path, 0), Put(path, value, lease), _beside(resource, None, obj))
        if result.taken:
            raise Taken
        if not result.succeeded:
            raise already_exists(resource, key.name)
        return Written(None, self._remember(path, Entry.written(resource, key, value, result.revision, obj)))

    async def read(self, resource: Resource, key: ObjectKey) -> Entry:
        """Read an object from etcd.

        Raises:
            NotFound: there is none.
        """
        found = await self._etcd.range(storage_key(resource, key))
        if not found.items:
            raise not_found(resource, key.name)
        return _entry(resource, key, found.items[0])

    async def modify(self, resource: Resource, key: ObjectKey, decide: Decide, *, dry_run: bool = False) -> Written:
        """Let ``decide`` turn the object into what it shall be, again and again until nobody came between.

        The first try starts from what is known, which is nearly always current. What is decided there only counts if
        etcd confirms the revision: by the write, or, when nothing is to be written, by a read.

        Raises:
            NotFound: there is no such object.
            Conflict: others changed it all the time.
            APIError: what ``decide`` raised about the current object.
        """
        known = self._known(resource, key)
        entry = known or await self.read(resource, key)
        confirmed = known is None
        for _ in range(ATTEMPTS):
            try:
                decision = await decide(entry)
            except APIError:
                if confirmed:
                    raise
                decision = None  # judged by what may be a stale object: look again
            if decision is not None:
                outcome = await self._carry_out(entry, decision, confirmed=confirmed, dry_run=dry_run)
                if isinstance(outcome, Written):
                    return outcome
                entry = outcome or await self.read(resource, key)
            else:
                entry = await self.read(resource, key)
            confirmed = True
        raise Conflict(f"{resource.group_resource} {key.name!r} is changed by others all the time")

    def _known(self, resource: Resource, key: ObjectKey) -> Entry | None:
        """Return an object as it was last seen or written here; what was written need not be decoded."""
        cached, written = self._caches.of(resource).get(key), self._written.get(storage_key(resource, key))
        if cached is None or written is None or written.revision != cached.revision or written.data != cached.data:
            return cached
        return written

    def _remember(self, path: bytes, entry: Entry) -> Entry:
        """Keep an object that was just written: often the next change of it is near, as while a Pod starts."""
        self._written.pop(path, None)
        self._written[path] = entry
        if len(self._written) > KEPT_WRITTEN:
            del self._written[next(iter(self._written))]
        return entry

    async def _carry_out(
        self, entry: Entry, decision: Keep | Remove, *, confirmed: bool, dry_run: bool
    ) -> Written | Entry | None:
        """Write what was decided; return the object as it is instead if it has changed meanwhile (None: look again)."""
        resource, path = entry.resource, storage_key(entry.resource, entry.key)
        value = encode(to_stored(decision.obj))
        removing = isinstance(decision, Remove)
        unchanged = not removing and with_revision(value, entry.revision) == entry.origin.data
        if unchanged or dry_run:
            if not confirmed:
                return None
            return Written(entry, Entry.stored(resource, entry.key, value, entry.revision), removing)
        then = Delete(path) if removing else Put(path, value, await self._lease_for(resource))
        also = _beside(resource, entry, None if removing else decision.obj)
        result = await self._etcd.txn(ModRevisionIs(path, entry.revision), then, also)
        if result.succeeded:
            after = Entry.written(resource, entry.key, value, result.revision, decision.obj)
            return Written(entry, after if removing else self._remember(path, after), removing)
        if result.current is None:
            raise not_found(resource, entry.key.name)
        return _entry(resource, entry.key, result.current)

    async def page(
        self, resource: Resource, namespace: str, *, revision: int = 0, start: str = "", limit: int = 0
    ) -> Page:
        """Read a list, or what of it begins at the path ``start``, from etcd at a revision (0: now).

        Raises:
            Gone: etcd has forgotten that revision.
        """
        scope, root = prefix_of(resource, namespace), prefix_of(resource)
        try:
            found = await self._etcd.range(
                max(root + start.encode(), scope), prefix_end(scope), revision=revision, limit=limit
            )
        except Compacted:
            raise expired() from None
        entries = [_entry(resource, object_key(resource, item.key[len(root) :]), item) for item in found.items]
        return Page(entries, revision or found.revision, found.count - len(entries))

    async def _lease_for(self, resource: Resource) -> int:
        ttl = strategy_for(resource).ttl_seconds
        if ttl is None:
            return 0
        async with self._granting:
            lease, granted = self._leases.get(ttl, (0, -LEASE_SHARED_S))
            if time.monotonic() - granted > LEASE_SHARED_S or not lease:
                lease = await self._etcd.lease(ttl + LEASE_SHARED_S)
                self._leases[ttl] = (lease, time.monotonic())
            return lease


def _beside(resource: Resource, old: Entry | None, new: KubeObject | None) -> Sequence[Put | Delete]:
    """Return what is written in the same step as an object, for kinds whose objects claim something for themselves."""
    strategy = strategy_for(resource)
    if not strategy.claims:
        return ()
    before = strategy.claimed(old.obj) if old is not None else {}
    after = strategy.claimed(new) if new is not None else {}
    gone = [Delete(key) for key in before if key not in after]
    gone += [Delete(key) for key in strategy.left_behind(old.obj)] if old is not None and new is None else []
    return [*gone, *(Put(key, value) for key, value in after.items() if key not in before)]


def _entry(resource: Resource, key: ObjectKey, item: KeyValue) -> Entry:
    return Entry.stored(resource, key, item.value, item.mod_revision)


def not_found(resource: Resource, name: str) -> NotFound:
    """Build the 404 for an object."""
    details = {"name": name, "group": resource.group, "kind": resource.plural}
    return NotFound(f'{resource.group_resource} "{name}" not found', details={k: v for k, v in details.items() if v})


def already_exists(resource: Resource, name: str) -> AlreadyExists:
    """Build the 409 for a name that is taken."""
    details = {"name": name, "group": resource.group, "kind": resource.plural}
    message = f'{resource.group_resource} "{name}" already exists'
    return AlreadyExists(message, details={k: v for k, v in details.items() if v})


def conflict(resource: Resource, name: str, why: str) -> Conflict:
    """Build the 409 for an object that is not as the sender thinks."""
    details = {"name": name, "group": resource.group, "kind": resource.plural}
    message = f'Operation cannot be fulfilled on {resource.group_resource} "{name}": {why}'
    return Conflict(message, details={k: v for k, v in details.items() if v})
