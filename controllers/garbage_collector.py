"""Collect objects whose owners are gone, and help owners that go to take their dependents along, or to leave them.

Watches: the metadata of all kinds that have objects (``owner_graph.py``).
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

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final

from controllers.owner_graph import Graph, resource_named
from naru.api.errors import APIError, NotFound
from naru.api.keys import ObjectKey, key_of
from naru.api.meta import KubeObject, OwnerReference
from naru.api.scheme import Resource
from naru.client.client import Client
from naru.client.errors import ConnectionFailed
from naru.client.metadata import MetadataClient
from naru.client.watch import EventType
from naru.controller.controller import Controller, Result
from naru.controller.informer import Informer, InformerFactory
from naru.telemetry.trail import Cause

logger = logging.getLogger(__name__)

ORPHAN: Final = "orphan"
FOREGROUND: Final = "foregroundDeletion"
_LOOK_EVERY_S: Final = 10.0  # for the first object of a kind; once it has one, the kind is watched
_LOOK_AFTER_S: Final = 2.0  # at most so often when objects go, which may have been somebody's owners


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


LookAt = Callable[[Resource, ObjectKey], None]
"""Queues an object with the collector of its kind."""


class KindCollector(Controller):
    """Collects the objects of one kind; the collectors of all kinds share a graph."""

    name: ClassVar[str] = "garbage-collector"

    def __init__(
        self, client: Client, graph: Graph, resource: Resource, informer: Informer[Any], look_at: LookAt
    ) -> None:
        super().__init__()
        self._metadata = MetadataClient(client)
        self._graph = graph
        self._resource = resource
        self._look_at = look_at
        self._store = self.needs(informer).store

    def changed(self, _: EventType, old: KubeObject | None, new: KubeObject | None) -> None:
        """Queue whoever a change concerns: the object, its dependents when it goes, its owners when it is gone."""
        if new is None:
            assert old is not None, "a deletion has a state before it"
            self._look_at_dependents(old)
            self._look_at_owners(old)
            return
        leaves = new.metadata.deletion_timestamp is not None
        if old is None or old.metadata.owner_references != new.metadata.owner_references or leaves:
            self.queue.add(key_of(new))
            for reference in new.metadata.owner_references:
                if (resource := resource_named(reference)) is not None:
                    self._graph.wake(resource)
        if leaves and (old is None or old.metadata.deletion_timestamp is None):
            self._look_at_dependents(new)

    def _look_at_dependents(self, owner: KubeObject) -> None:
        for resource, obj in self._graph.dependents(owner.metadata.uid):
            self._look_at(resource, key_of(obj))

    def _look_at_owners(self, obj: KubeObject) -> None:
        for reference in obj.metadata.owner_references:
            resource = resource_named(reference)
            if resource is not None:
                self._look_at(resource, _owner_key(resource, obj, reference))

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
        if not {ORPHAN, FOREGROUND} & set(owner.metadata.finalizers):
            return
        await self._graph.complete()
        dependents = self._graph.dependents(owner.metadata.uid)
        if ORPHAN in owner.metadata.finalizers:
            cause = Cause.of(owner, f"{owner.metadata.name} goes and leaves its dependents")
            for resource, obj in dependents:
                await self._drop_owners(resource, obj, (owner.metadata.uid,), cause)
            await self._remove_finalizer(owner, ORPHAN)
        elif not any(blocks(obj, owner.metadata.uid) for _, obj in dependents):
            await self._remove_finalizer(owner, FOREGROUND)

    async def _judge(self, obj: KubeObject) -> None:
        owners = [(reference.uid, await self._state(obj, reference)) for reference in obj.metadata.owner_references]
        if any(state is OwnerState.WAITING for _, state in owners):
            await self._graph.complete()
        has_dependents = bool(self._graph.dependents(obj.metadata.uid))
        plan = plan_collection(obj, owners, has_dependents=has_dependents)
        names = ", ".join(f"{owner.kind} {owner.name}" for owner in obj.metadata.owner_references)
        if plan.drop:
            cause = Cause.of(obj, f"some owners are gone: {names}")
            await self._drop_owners(self._resource, obj, plan.drop, cause)
        elif plan.delete is not None:
            await self._delete(obj, plan.delete, Cause.of(obj, f"its owners are gone or going: {names}"))

    async def _state(self, obj: KubeObject, reference: OwnerReference) -> OwnerState:
        """Find out what an owner is, from the API server itself if the cache does not have it."""
        resource = resource_named(reference)
        if resource is None or (resource.namespaced and not obj.metadata.namespace):
            return OwnerState.SOLID  # a kind that we do not know, or an impossible reference: not ours to judge
        key = _owner_key(resource, obj, reference)
        owner = await self._graph.owner(resource, key, reference.uid) or await self._ask(resource, key)
        if owner is None or owner.metadata.uid != reference.uid:
            return OwnerState.ABSENT
        waits = owner.metadata.deletion_timestamp is not None and FOREGROUND in owner.metadata.finalizers
        return OwnerState.WAITING if waits else OwnerState.SOLID

    async def _ask(self, resource: Resource, key: ObjectKey) -> KubeObject | None:
        try:
            return await self._metadata.get(resource, key)
        except NotFound:
            return None

    async def _delete(self, obj: KubeObject, propagation: Propagation, cause: Cause) -> None:
        try:
            await self._metadata.delete(self._resource, obj, propagation, cause)
        except NotFound:
            return

    async def _drop_owners(self, resource: Resource, obj: KubeObject, uids: Sequence[str], cause: Cause) -> None:
        references = [{"$patch": "delete", "uid": uid} for uid in uids]
        try:
            await self._metadata.patch(resource, obj, {"ownerReferences": references}, "strategic", cause)
        except NotFound:
            return

    async def _remove_finalizer(self, owner: KubeObject, finalizer: str) -> None:
        meta = owner.metadata
        others = [name for name in meta.finalizers if name != finalizer]
        patch = {"resourceVersion": meta.resource_version, "finalizers": others}
        cause = Cause.of(owner, f"{finalizer}: done with the dependents")
        try:
            await self._metadata.patch(self._resource, owner, patch, "merge", cause)
        except NotFound:
            return


def _owner_key(resource: Resource, obj: KubeObject, reference: OwnerReference) -> ObjectKey:
    """Return the key of an owner: it is in the namespace of what it owns, or in none."""
    return ObjectKey(obj.metadata.namespace if resource.namespaced else "", reference.name)


class GarbageCollector:
    """Runs a collector for each kind that is awake."""

    def __init__(self, client: Client, factory: InformerFactory) -> None:
        self._client = client.named(KindCollector.name)
        self._factory = factory
        self._graph = Graph(self._client, factory, self._woken)
        self._collectors: dict[Resource, KindCollector] = {}
        self._deleted = asyncio.Event()  # something was, since the last look
        self._start: Callable[[KindCollector], object]

    async def run(self, workers: int) -> None:
        """Work until cancelled. It begins when what others follow is there: nobody waits for a collection."""
        await self._factory.wait()
        async with asyncio.TaskGroup() as group:
            self._start = lambda collector: group.create_task(collector.run(workers), name=collector.name)
            self._graph.wake_followed()
            while True:
                try:
                    await self._graph.look()
                except (APIError, ConnectionFailed) as error:
                    logger.debug("cannot look for new kinds", extra={"error": str(error)})
                await self._next_look()

    async def _next_look(self) -> None:
        await asyncio.sleep(_LOOK_AFTER_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_EVERY_S - _LOOK_AFTER_S):
                await self._deleted.wait()
        self._deleted.clear()

    def _noted(self, _: EventType, old: KubeObject | None, new: KubeObject | None) -> None:
        if new is None:
            self._deleted.set()

    def _woken(self, resource: Resource, informer: Informer[Any]) -> None:
        collector = KindCollector(self._client, self._graph, resource, informer, self._look_at)
        self._collectors[resource] = collector
        informer.on_event(collector.changed)
        informer.on_event(self._noted)
        self._start(collector)

    def _look_at(self, resource: Resource, key: ObjectKey) -> None:
        collector = self._collectors.get(resource)
        if collector is not None:
            collector.queue.add(key)
