"""Ownership: which objects belong to a controller's object, taking in orphans and letting strays go.

An owner's selector says which objects it wants, their ``ownerReferences`` say whom they belong to. An object without a
managing controller that the selector matches is adopted; one of ours that it no longer matches is released.
Source: Kubernetes documentation, "Owners and Dependents"; design proposal "ControllerRef".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from naru.api.errors import Invalid, NotFound
from naru.api.meta import KubeObject, OwnerReference
from naru.api.selectors import LabelMatcher
from naru.client.client import Client
from naru.controller.store import Store, controller_uid
from naru.telemetry.trail import Cause

M = TypeVar("M", bound=KubeObject)

OWNER_INDEX = "controller"
"""Objects by the uid of their managing controller."""

ORPHAN_INDEX = "orphan"
"""Objects without a managing controller, by namespace."""


def orphan_namespace(obj: KubeObject) -> tuple[str, ...]:
    """Return the namespace of an object that no controller manages."""
    return () if controller_uid(obj) else (obj.metadata.namespace,)


def index_ownership(store: Store[M]) -> None:
    """Keep the indexes that :func:`candidates` needs."""
    store.add_index(OWNER_INDEX, controller_uid)
    store.add_index(ORPHAN_INDEX, orphan_namespace)


def controller_of(obj: KubeObject) -> OwnerReference | None:
    """Return the reference to the managing controller."""
    return next((owner for owner in obj.metadata.owner_references if owner.controller), None)


def controller_reference(owner: KubeObject) -> OwnerReference:
    """Build the reference that makes ``owner`` the managing controller."""
    return OwnerReference(
        api_version=owner.api_version,
        kind=owner.kind,
        name=owner.metadata.name,
        uid=owner.metadata.uid,
        controller=True,
        block_owner_deletion=True,
    )


def candidates(store: Store[M], owner: KubeObject) -> list[M]:
    """Return what an owner has and what it might adopt."""
    owned = store.by_index(OWNER_INDEX, owner.metadata.uid)
    return [*owned, *store.by_index(ORPHAN_INDEX, owner.metadata.namespace)]


@dataclass(frozen=True)
class Claims(Generic[M]):
    """What belongs to an owner, and what has to be written so that it is true."""

    keep: tuple[M, ...] = ()
    adopt: tuple[M, ...] = ()
    release: tuple[M, ...] = ()


def plan_claims(owner: KubeObject, wanted: LabelMatcher, objects: Iterable[M]) -> Claims[M]:
    """Sort objects into kept, to adopt and to release; an owner on its way out neither takes nor lets go."""
    leaving = owner.metadata.deletion_timestamp is not None
    keep: list[M] = []
    adopt: list[M] = []
    release: list[M] = []
    for obj in objects:
        reference, matches = controller_of(obj), wanted.matches(obj.metadata.labels)
        if reference is not None and reference.uid == owner.metadata.uid:
            (keep if matches or leaving else release).append(obj)
        elif reference is None and matches and not leaving and obj.metadata.deletion_timestamp is None:
            adopt.append(obj)
    return Claims(tuple(keep), tuple(adopt), tuple(release))


async def claim(client: Client, owner: KubeObject, wanted: LabelMatcher, objects: Iterable[M]) -> list[M]:
    """Adopt and release as planned; return what belongs to the owner afterwards."""
    claims = plan_claims(owner, wanted, objects)
    for obj in claims.release:
        await _release(client, owner, obj)
    if not claims.adopt or not await _is_current(client, owner):
        return list(claims.keep)
    adopted = [await _adopt(client, owner, obj) for obj in claims.adopt]
    return [*claims.keep, *(obj for obj in adopted if obj is not None)]


async def _is_current(client: Client, owner: M) -> bool:
    """Ask the server whether the owner still is: a stale cache must not give children to an owner that goes."""
    try:
        fresh = await client.get(type(owner), owner.metadata.name, owner.metadata.namespace)
    except NotFound:
        return False
    return fresh.metadata.uid == owner.metadata.uid and fresh.metadata.deletion_timestamp is None


async def _adopt(client: Client, owner: KubeObject, obj: M) -> M | None:
    """Become an orphan's controller; None when it is gone."""
    return await _patch_owners(client, owner, obj, [controller_reference(owner).wire()], "adopted")


async def _release(client: Client, owner: KubeObject, obj: M) -> None:
    """Stop being an object's controller."""
    removal = {"$patch": "delete", "uid": owner.metadata.uid}
    await _patch_owners(client, owner, obj, [removal], "released")


async def _patch_owners(
    client: Client, owner: KubeObject, obj: M, references: Sequence[dict[str, Any]], verb: str
) -> M | None:
    """Merge into the owner references; the uid in the patch spares a later object of the same name."""
    meta = obj.metadata
    patch = {"metadata": {"uid": meta.uid, "ownerReferences": references}}
    cause = Cause.of(owner, f"{verb} {meta.name}: its labels {'match' if verb == 'adopted' else 'do not match'}")
    try:
        return await client.patch(type(obj), meta.name, meta.namespace, patch, "strategic", cause=cause)
    except (NotFound, Invalid):  # gone; or two controllers, or no reference of ours: nothing to do either way
        return None
