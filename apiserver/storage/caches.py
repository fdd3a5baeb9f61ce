"""Caches: every resource's watch cache, all fed by one watch of etcd.

Flow: etcd --one watch--> *Caches* -> WatchCache of each resource -> readers and watchers.

Because one stream brings every change in the order of the revisions, the caches as a whole are at a known revision of
etcd. That gives fresh reads without reading objects from etcd: ask etcd for its revision (one small call, shared by
all who ask meanwhile), wait until the stream has come that far, answer from memory. It also keeps the bookmarks of
quiet resources moving.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from apiserver.storage.cache import WatchCache
from apiserver.storage.entry import ROOT, Entry, object_key
from apiserver.storage.etcd import Change, Compacted, Etcd, KeyValue, prefix_end
from apiserver.storage.filter import Filter
from apiserver.storage.versions import VersionedCache
from naru.api.errors import APIError, GatewayTimeout, ServiceUnavailable
from naru.api.keys import ObjectKey
from naru.api.meta import KubeObject
from naru.api.scheme import RESOURCES, Resource

logger = logging.getLogger(__name__)

FRESH_DEADLINE_S: Final = 3.0
RETRY_S: Final = 0.1
PAGE: Final = 200  # keys read at once when listing: bounds the size of one answer of etcd
BATCH: Final = 50  # changes that are taken in a row, before others may use the loop
REPLAYED: Final = 1000  # revisions before the present that a start begins at, so that watches may resume there
ALL_KEYS: Final = (b"\0", b"\0")  # the stream watches everything, so that it passes through every revision


class CacheBehind(ServiceUnavailable):
    """Changes that etcd has do not reach the cache: whoever must be up to date has to ask etcd itself."""


def _is_stored(resource: Resource) -> bool:
    """Tell whether a resource has keys of its own in etcd."""
    return resource.storage is resource and not resource.is_virtual


class Caches:
    """The watch caches and the task that feeds them."""

    def __init__(self, etcd: Etcd, resources: Iterable[Resource] = RESOURCES) -> None:
        self._etcd = etcd
        self._caches = {resource: WatchCache(resource) for resource in resources if _is_stored(resource)}
        self._others: dict[Resource, VersionedCache] = {}  # the same seen in other versions
        self._by_prefix = {cache.prefix: cache for cache in self._caches.values()}
        self.revision = 0  # all changes up to here are in the caches
        self._loaded = asyncio.Event()  # the caches have a list, and have come to the revision of the start
        self._present = 0  # that revision
        self._following = False
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._asking: asyncio.Task[int] | None = None
        self._next: asyncio.Task[int] | None = None

    @property
    def synced(self) -> bool:
        """Tell whether the caches hold a list and follow etcd."""
        return self._loaded.is_set() and self._following

    @property
    def is_loaded(self) -> bool:
        """Tell whether the caches hold a list at all."""
        return self._loaded.is_set()

    def of(self, resource: Resource) -> WatchCache:
        """Return the cache of a resource; of one that is stored in another version, a view of that one's."""
        if resource.storage is resource:
            return self._caches[resource]
        if resource not in self._others:
            self._others[resource] = VersionedCache(self._caches[resource.storage], resource)
        return self._others[resource]

    # Reading, for the handlers and for admission

    def cached(self, resource: Resource, namespace: str, name: str) -> KubeObject | None:
        """Return an object as the cache has it now."""
        entry = self.of(resource).get(ObjectKey(namespace if resource.namespaced else "", name))
        return entry.obj if entry else None

    async def fresh(self, resource: Resource, namespace: str, name: str) -> KubeObject | None:
        """Return an object as new as every write acknowledged before this call."""
        await self.catch_up()
        return self.cached(resource, namespace, name)

    def cached_list(self, resource: Resource, namespace: str = "") -> Sequence[KubeObject]:
        """Return the objects of a resource (in a namespace) as the cache has them now."""
        return [entry.obj for entry in self.of(resource).scan(Filter(namespace))]

    async def catch_up(self) -> None:
        """Wait until the caches hold every write that was acknowledged before this call.

        Raises:
            ServiceUnavailable: etcd cannot be asked.
            CacheBehind: it can, but its changes do not arrive.
        """
        revision = await self.current_revision()
        if self.revision < revision or not self._loaded.is_set():
            try:
                await asyncio.wait_for(self._reach(revision), FRESH_DEADLINE_S)
            except TimeoutError:
                message = f"the watch cache is at revision {self.revision}, etcd is at {revision}"
                raise CacheBehind(message, retry_after_s=1) from None

    async def reach(self, revision: int) -> None:
        """Wait until the caches are at least as new as a revision that a client has seen.

        Raises:
            GatewayTimeout: they do not get there soon; the client may have it from another etcd.
        """
        try:
            await asyncio.wait_for(self._reach(revision), FRESH_DEADLINE_S)
        except TimeoutError:
            details = {
                "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
                "retryAfterSeconds": 1,
            }
            message = f"Too large resource version: {revision}, current: {self.revision}"
            raise GatewayTimeout(f"Timeout: {message}", details=details) from None

    async def _reach(self, revision: int) -> None:
        await self._loaded.wait()
        if self.revision < revision:
            arrived = asyncio.get_running_loop().create_future()
            self._waiting.append((revision, arrived))
            await arrived

    async def current_revision(self) -> int:
        """Ask etcd for its revision; callers that come while one call is under way share the next one.

        The call under way may not be shared: etcd may have answered it before the caller's own last write.
        """
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
            return await asyncio.shield(self._asking)
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._ask_after(self._asking))
        return await asyncio.shield(self._next)

    async def _ask_after(self, earlier: asyncio.Task[int]) -> int:
        await asyncio.wait([earlier])
        self._asking, self._next = self._next, None
        return await self._ask()

    async def _ask(self) -> int:
        seen = self.revision
        answer = await self._etcd.range(b"\0", count_only=True)
        if answer.revision < seen and self._loaded.is_set():
            raise ServiceUnavailable("etcd is older than the watch cache: it was restored", retry_after_s=1)
        return answer.revision

    # Feeding, from etcd

    async def run(self) -> None:
        """Follow etcd until cancelled, through its restarts."""
        while True:
            try:
                await self._follow()
            except Compacted:
                logger.warning("etcd has forgotten what the caches missed: listing again")
                self._loaded.clear()
            except APIError as error:
                logger.warning("lost etcd, watching again", extra={"error": error.message})
            finally:
                self._following = False
            await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        answer = await self._etcd.range(b"\0", count_only=True)
        if self._loaded.is_set() and answer.revision < self.revision:
            logger.error("etcd went back in time: listing again", extra={"revision": self.revision})
            self._loaded.clear()
        if not self._loaded.is_set():
            await self._start_at(answer.revision)
        async with contextlib.aclosing(self._etcd.watch(*ALL_KEYS, self.revision + 1)) as batches:
            async for changes in batches:
                self._following = True
                for part in _whole_revisions(changes):
                    self._apply(part)
                    if len(changes) > BATCH:
                        await asyncio.sleep(0)

    async def _start_at(self, present: int) -> None:
        """List everything as it was a while ago, if etcd still knows that; the watch then brings what happened since.

        So a server that starts anew has a history, and its clients need not list again.
        """
        self._present = present
        try:
            await self._load(await self._oldest_known(max(present - REPLAYED, 1), present))
        except Compacted:  # meanwhile
            await self._load(present)

    async def _oldest_known(self, oldest: int, known: int) -> int:
        """Search for the oldest revision, within bounds, that etcd has not forgotten."""
        while oldest < known:
            middle = (oldest + known) // 2
            try:
                await self._etcd.range(b"\0", revision=middle, count_only=True)
                known = middle
            except Compacted:
                oldest = middle + 1
        return known

    async def _load(self, revision: int) -> None:
        """List everything, page by page at one revision."""
        found: dict[bytes, list[Entry]] = defaultdict(list)
        start, end = ROOT, prefix_end(ROOT)
        objects, more = 0, True
        while more:
            page = await self._etcd.range(start, end, limit=PAGE, revision=revision)
            self._sort_in(page.items, found)
            objects += len(page.items)
            more = len(page.items) < page.count
            start = page.items[-1].key + b"\0" if more else start
        for cache in self._caches.values():
            cache.load(found[cache.prefix], revision)
        self.revision = revision
        self._wake()
        logger.info("listed etcd", extra={"objects": objects, "revision": revision})

    def _sort_in(self, items: Iterable[KeyValue], found: dict[bytes, list[Entry]]) -> None:
        for item in items:
            cache, rest = self._cache_of(item.key)
            if cache is not None:
                key = object_key(cache.resource, rest)
                found[cache.prefix].append(Entry.stored(cache.resource, key, item.value, item.mod_revision))

    def _cache_of(self, key: bytes) -> tuple[WatchCache | None, bytes]:
        """Find the cache that a key of etcd belongs to, and what follows the prefix in the key."""
        end = key.find(b"/", key.find(b"/", len(ROOT)) + 1) + 1
        return self._by_prefix.get(key[:end]), key[end:]

    def _apply(self, changes: Sequence[Change]) -> None:
        grouped: dict[WatchCache, list[tuple[ObjectKey, Entry | None, int]]] = defaultdict(list)
        for change in changes:
            cache, rest = self._cache_of(change.key)
            if cache is not None:
                key = object_key(cache.resource, rest)
                entry = (
                    None if change.value is None else Entry.stored(cache.resource, key, change.value, change.revision)
                )
                grouped[cache].append((key, entry, change.revision))
        self.revision = changes[-1].revision  # before the watchers are told: they may look
        for cache, group in grouped.items():
            cache.apply(group)
        self._wake()

    def _wake(self) -> None:
        if self.revision >= self._present:
            self._loaded.set()
        due = [future for revision, future in self._waiting if revision <= self.revision]
        self._waiting = [waiting for waiting in self._waiting if waiting[0] > self.revision and not waiting[1].done()]
        for future in due:
            if not future.done():
                future.set_result(None)

    @property
    def watchers(self) -> int:
        """How many watches are open."""
        return sum(cache.watchers for cache in self._caches.values())

    def end_watchers(self) -> None:
        """End every watch of every resource: the server stops."""
        for cache in self._caches.values():
            cache.end_watchers()


def _whole_revisions(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """Cut a long row of changes into shorter ones, never within a revision."""
    start = 0
    for end in range(1, len(changes) + 1):
        is_last = end == len(changes)
        if is_last or (end - start >= BATCH and changes[end].revision != changes[end - 1].revision):
            yield changes[start:end]
            start = end
