"""Collect objects whose owners are gone, and help owners that go to take their dependents along, or to leave them.

Watches: every kind of the scheme that can own or be owned (Events and Leases are neither).
Decides, for one object (:func:`plan_collection`), from what its owners are:
    solid     an owner is there                                 -> keep; forget the references to owners that are not
    absent    the API server says it is not there, or has another uid
    waiting   it is being deleted in the foreground, and waits for this object
    no solid one                                                -> delete it
and for an owner being deleted, from its finalizers: ``orphan`` (release the dependents, then let it go),
``foregroundDeletion`` (let it go when no dependent that blocks is left).
Writes: deletions that name uid and resourceVersion, so that a changed object, or a namesake, is looked at again first;
    ownerReferences; those two finalizers.
Invariant: an owner is absent only if the API server itself said so: a cache may be late.
Source: Kubernetes documentation, "Garbage Collection", "Owners and Dependents".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final

from naru.api.errors import NotFound
from naru.api.keys import ObjectKey, key_of
from naru.api.meta import KubeObject, OwnerReference
from naru.api.scheme import RESOURCES, Resource, by_kind
from naru.client.client import Client
from naru.client.watch import EventType
from naru.controller.controller import Controller, Result
from naru.controller.informer import Informer, InformerFactory
from naru.telemetry.trail import Cause

ORPHAN: Final = "orphan"
FOREGROUND: Final = "foregroundDeletion"
_NOT_COLLECTED: Final = frozenset(("events", "leases"))
_OWNERS: Final = "owners"  # an index: objects by the uids of all their owners


class OwnerState(StrEnum):
    """What an owner is to one of its dependents."""

    SOLID = "solid"
    ABSENT = "absent"
    WAITING = "waiting"


class Propagation(StrEnum):
    """What becomes of the dependents of what is deleted."""

    BACKGROUND = "Background"
    FOREGROUND = "Foreground"
    ORPHAN = "Orphan"


@dataclass(frozen=True)
class Collection:
    """What to do with one object: delete it, drop references to owners, or nothing."""

    delete: Propagation | None = None
    drop: tuple[str, ...] = ()  # uids of owners


def plan_collection(obj: KubeObject, owners: Sequence[tuple[str, OwnerState]], *, has_dependents: bool) -> Collection:
    """Decide about an object with owners (pairs of uid and state) that is not being deleted itself."""
    unsound = tuple(uid for uid, state in owners if state is not OwnerState.SOLID)
    if not unsound:
        return Collection()
    if len(unsound) < len(owners):
        return Collection(drop=unsound)
    if FOREGROUND in obj.metadata.finalizers:
        return Collection(delete=Propagation.FOREGROUND)
    if ORPHAN in obj.metadata.finalizers:
        return Collection(delete=Propagation.ORPHAN)
    waited_for = any(state is OwnerState.WAITING for _, state in owners)
    return Collection(delete=Propagation.FOREGROUND if waited_for and has_dependents else Propagation.BACKGROUND)


def blocks(dependent: KubeObject, owner_uid: str) -> bool:
    """Whether an owner that is deleted in the foreground has to wait for a dependent."""
    return any(ref.uid == owner_uid and ref.block_owner_deletion for ref in dependent.metadata.owner_references)


def owner_uids(obj: KubeObject) -> tuple[str, ...]:
    """Return the uids of all owners (an index function)."""
    return tuple(reference.uid for reference in obj.metadata.owner_references)


class Graph:
    """Who owns whom, over all kinds: one informer each, with an index by owner."""

    def __init__(self, factory: InformerFactory) -> None:
        self.resources = [r for r in RESOURCES if r.plural not in _NOT_COLLECTED and not r.is_virtual]
        self._informers = {(r.api_version, r.kind): factory.informer(r.model) for r in self.resources}
        for informer in self._informers.values():
            informer.store.add_index(_OWNERS, owner_uids)
        self._collectors: dict[tuple[str, str], KindCollector] = {}

    @property
    def informers(self) -> Iterable[Informer[Any]]:
        """All of them: nobody may judge before every kind is listed."""
        return self._informers.values()

    def informer(self, resource: Resource) -> Informer[Any]:
        """Return the informer of one kind."""
        return self._informers[resource.api_version, resource.kind]

    def dependents(self, uid: str) -> list[KubeObject]:
        """Return the objects that name an owner, of whatever kind."""
        return [obj for informer in self._informers.values() for obj in informer.store.by_index(_OWNERS, uid)]

    def owner(self, resource: Resource, key: ObjectKey, uid: str) -> KubeObject | None:
        """Return an owner if the cache has it."""
        informer = self._informers.get((resource.api_version, resource.kind))
        found = informer.store.get(key) if informer is not None else None
        return found if found is not None and found.metadata.uid == uid else None

    def register(self, resource: Resource, collector: "KindCollector") -> None:
        """Make a collector known as the one of its kind."""
        self._collectors[resource.api_version, resource.kind] = collector

    def look_at(self, api_version: str, kind: str, key: ObjectKey) -> None:
        """Queue an object with the collector of its kind."""
        collector = self._collectors.get((api_version, kind))
        if collector is not None:
            collector.queue.add(key)


class KindCollector(Controller):
    """Collects the objects of one kind; the collectors of all kinds share a graph."""

    name: ClassVar[str] = "garbage-collector"

    def __init__(self, client: Client, graph: Graph, resource: Resource) -> None:
        super().__init__()
        self._client = client.named(self.name)
        self._graph = graph
        graph.register(resource, self)
        informer = graph.informer(resource)
        self._store = informer.store
        for other in graph.informers:
            self.needs(other)
        informer.on_event(self._changed)

    def _changed(self, event_type: EventType, old: KubeObject | None, new: KubeObject | None) -> None:
        """Queue whoever a change concerns: the object, its dependents when it goes, its owners when it is gone."""
        if new is None:
            assert old is not None, "a deletion has a state before it"
            self._look_at_dependents(old)
            for reference in old.metadata.owner_references:
                for namespace in {old.metadata.namespace, ""}:
                    self._graph.look_at(reference.api_version, reference.kind, ObjectKey(namespace, reference.name))
            return
        leaves = new.metadata.deletion_timestamp is not None
        if old is None or old.metadata.owner_references != new.metadata.owner_references or leaves:
            self.queue.add(key_of(new))
        if leaves and (old is None or old.metadata.deletion_timestamp is None):
            self._look_at_dependents(new)

    def _look_at_dependents(self, owner: KubeObject) -> None:
        for obj in self._graph.dependents(owner.metadata.uid):
            self._graph.look_at(obj.api_version, obj.kind, key_of(obj))

    async def reconcile(self, key: ObjectKey) -> Result:
        """Judge one object: as an owner if it is being deleted, else as a dependent."""
        obj = self._store.get(key)
        if obj is None:
            return Result()
        if obj.metadata.deletion_timestamp is not None:
            await self._let_go(obj)
        elif obj.metadata.owner_references:
            await self._judge(obj)
        return Result()

    async def _let_go(self, owner: KubeObject) -> None:
        """Do what an owner on its way out asked for its dependents, then take that wish off it."""
        dependents = self._graph.dependents(owner.metadata.uid)
        if ORPHAN in owner.metadata.finalizers:
            cause = Cause.of(owner, f"{owner.metadata.name} goes and leaves its dependents")
            for obj in dependents:
                await self._drop_owners(obj, (owner.metadata.uid,), cause)
            await self._remove_finalizer(owner, ORPHAN)
        elif FOREGROUND in owner.metadata.finalizers and not any(blocks(d, owner.metadata.uid) for d in dependents):
            await self._remove_finalizer(owner, FOREGROUND)

    async def _judge(self, obj: KubeObject) -> None:
        owners = [(reference.uid, await self._state(obj, reference)) for reference in obj.metadata.owner_references]
        has_dependents = bool(self._graph.dependents(obj.metadata.uid))
        plan = plan_collection(obj, owners, has_dependents=has_dependents)
        names = ", ".join(f"{owner.kind} {owner.name}" for owner in obj.metadata.owner_references)
        if plan.drop:
            await self._drop_owners(obj, plan.drop, Cause.of(obj, f"some owners are gone: {names}"))
        elif plan.delete is not None:
            await self._delete(obj, plan.delete, Cause.of(obj, f"its owners are gone or going: {names}"))

    async def _state(self, obj: KubeObject, reference: OwnerReference) -> OwnerState:
        """Find out what an owner is, from the API server itself if the cache does not have it."""
        resource = by_kind(reference.api_version, reference.kind)
        if resource is None or (resource.namespaced and not obj.metadata.namespace):
            return OwnerState.SOLID  # a kind that we do not know, or an impossible reference: not ours to judge
        key = ObjectKey(obj.metadata.namespace if resource.namespaced else "", reference.name)
        owner = self._graph.owner(resource, key, reference.uid) or await self._ask(resource, key)
        if owner is None or owner.metadata.uid != reference.uid:
            return OwnerState.ABSENT
        waits = owner.metadata.deletion_timestamp is not None and FOREGROUND in owner.metadata.finalizers
        return OwnerState.WAITING if waits else OwnerState.SOLID

    async def _ask(self, resource: Resource, key: ObjectKey) -> KubeObject | None:
        try:
            return await self._client.get(resource.model, key.name, key.namespace)
        except NotFound:
            return None

    async def _delete(self, obj: KubeObject, propagation: Propagation, cause: Cause) -> None:
        meta = obj.metadata
        try:
            await self._client.delete(
                type(obj),
                meta.name,
                meta.namespace,
                uid=meta.uid,
                resource_version=meta.resource_version,
                propagation=propagation,
                cause=cause,
            )
        except NotFound:
            return

    async def _drop_owners(self, obj: KubeObject, uids: Sequence[str], cause: Cause) -> None:
        meta = obj.metadata
        references = [{"$patch": "delete", "uid": uid} for uid in uids]
        patch = {"metadata": {"uid": meta.uid, "ownerReferences": references}}
        try:
            await self._client.patch(type(obj), meta.name, meta.namespace, patch, "strategic", cause=cause)
        except NotFound:
            return

    async def _remove_finalizer(self, owner: KubeObject, finalizer: str) -> None:
        meta = owner.metadata
        others = [name for name in meta.finalizers if name != finalizer]
        patch = {"metadata": {"uid": meta.uid, "resourceVersion": meta.resource_version, "finalizers": others}}
        cause = Cause.of(owner, f"{finalizer}: done with the dependents")
        try:
            await self._client.patch(type(owner), meta.name, meta.namespace, patch, cause=cause)
        except NotFound:
            return


def new_garbage_collectors(client: Client, factory: InformerFactory) -> list[KindCollector]:
    """Make the collectors of all kinds."""
    graph = Graph(factory)
    return [KindCollector(client, graph, resource) for resource in graph.resources]
