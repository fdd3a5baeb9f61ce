"""Who owns whom, over all kinds: what the garbage collector looks at.

Flow: InformerFactory -> *Graph* -> KindCollector (one for each kind that has objects).
A kind sleeps until it has an object: most kinds of most clusters have none, and a watch costs both ends a connection.
What wakes a kind: an object that names an owner of it; an object of it, found by a look every ten seconds, soon after
something was deleted, and before anything is decided that takes knowing all dependents (:meth:`Graph.complete`).
Invariant: an owner whose deletion matters is watched, since what names it has woken its kind.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from naru.api.errors import NotFound
from naru.api.keys import ObjectKey
from naru.api.meta import KubeObject, OwnerReference
from naru.api.scheme import RESOURCES, Resource, by_kind
from naru.client.client import Client
from naru.client.metadata import MetadataClient
from naru.controller.informer import Informer, InformerFactory

FROM_MEMORY: Final = "0"  # the resourceVersion that is answered without asking etcd how far it is

_OWNERS: Final = "owners"  # an index: objects by the uids of all their owners


def collected() -> list[Resource]:
    """Return every kind that is stored, once (another version is another view); Events come and go by themselves."""
    return [r for r in RESOURCES if r.storage is r and "list" in r.verbs and r.kind != "Event"]


def resource_named(reference: OwnerReference) -> Resource | None:
    """Return the kind of an owner as the graph knows it, None when it is none of ours."""
    found = by_kind(reference.api_version, reference.kind)
    return found.storage if found is not None else None


def owner_uids(obj: KubeObject) -> tuple[str, ...]:
    """Return the uids of all owners (an index function)."""
    return tuple(reference.uid for reference in obj.metadata.owner_references)


class Graph:
    """The objects of the kinds that are awake: one informer each, with an index by owner."""

    def __init__(
        self, client: Client, factory: InformerFactory, woken: Callable[[Resource, Informer[Any]], None]
    ) -> None:
        """Begin with every kind asleep; ``woken`` is told of each that wakes."""
        self._metadata = MetadataClient(client)
        self._factory = factory
        self._woken = woken
        self._asleep = dict.fromkeys(collected())  # a set that keeps its order
        self._informers: dict[Resource, Informer[Any]] = {}
        self._looking = asyncio.Lock()
        self._looks = 0  # begun so far

    def wake(self, resource: Resource) -> None:
        """Follow a kind from now on."""
        if resource in self._asleep:
            del self._asleep[resource]
            informer = self._factory.metadata_informer(resource)
            informer.store.add_index(_OWNERS, owner_uids)
            self._informers[resource] = informer
            self._woken(resource, informer)

    def wake_followed(self) -> None:
        """Take in the kinds that others in this process follow anyway."""
        for resource in list(self._asleep):
            if self._factory.follows(resource):
                self.wake(resource)

    async def complete(self) -> None:
        """Return when every object that existed at the time of the call is known; those who wait share one look."""
        asked_after = self._looks
        async with self._looking:
            if self._looks == asked_after:  # else one began after the call, and has ended
                self._looks += 1
                for resource in list(self._asleep):
                    if await self._has_objects(resource):
                        self.wake(resource)
        for informer in list(self._informers.values()):
            await informer.wait()

    async def look(self) -> None:
        """Wake the kinds that have objects by now, as far as the API server knows without asking etcd."""
        for resource in list(self._asleep):
            if await self._has_objects(resource, FROM_MEMORY):
                self.wake(resource)

    async def _has_objects(self, resource: Resource, resource_version: str = "") -> bool:
        try:
            found = await self._metadata.list(resource, limit=1, resource_version=resource_version)
            return bool(found.items)
        except NotFound:  # another server may not have the kind
            return False

    def dependents(self, uid: str) -> list[tuple[Resource, KubeObject]]:
        """Return the objects that name an owner, of whatever kind."""
        found = self._informers.items()
        return [(resource, obj) for resource, informer in found for obj in informer.store.by_index(_OWNERS, uid)]

    async def owner(self, resource: Resource, key: ObjectKey, uid: str) -> KubeObject | None:
        """Return an owner if the cache has it; one that goes after this was answered is told of, also if it has not."""
        informer = self._informers.get(resource)
        if informer is None:
            return None
        await informer.wait()
        found: KubeObject | None = informer.store.get(key)
        return found if found is not None and found.metadata.uid == uid else None
