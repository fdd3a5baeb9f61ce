"""Metadata as requests touch it: names that must agree, the marks of a deletion. Pure; the clock is an argument.

Source: Kubernetes API conventions, "Metadata"; documents, "Garbage collection", "Finalizers".
"""

from datetime import datetime, timedelta
from typing import Any, Final

from naru.api.errors import BadRequest, Conflict
from naru.api.meta import KubeObject, ObjectMeta
from naru.api.options import DeleteOptions, Propagation
from naru.api.scheme import Resource

ORPHAN: Final = "orphan"
FOREGROUND: Final = "foregroundDeletion"


def with_meta(obj: KubeObject, **fields: Any) -> KubeObject:
    """Return the object with some fields of its metadata changed."""
    return obj.model_copy(update={"metadata": obj.metadata.model_copy(update=fields)})


def place(obj: KubeObject, resource: Resource, namespace: str) -> KubeObject:
    """Put an object into the namespace of the URL.

    Raises:
        BadRequest: it says that it belongs elsewhere.
    """
    said = obj.metadata.namespace
    if not resource.namespaced:
        return with_meta(obj, namespace="") if said else obj
    if said and said != namespace:
        raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
    return obj if said else with_meta(obj, namespace=namespace)


def check_name(obj: KubeObject, name: str) -> None:
    """Hold the object's name against the one in the URL.

    Raises:
        BadRequest: they differ, or the object has none.
    """
    if not obj.metadata.name:
        raise BadRequest("name is required in the object's metadata")
    if obj.metadata.name != name:
        raise BadRequest(f"the name of the object ({obj.metadata.name}) does not match the name on the URL ({name})")


def condemned(obj: KubeObject, moment: datetime, grace_s: int) -> KubeObject:
    """Mark an object as being deleted: gone in ``grace_s`` seconds, if nothing holds it longer.

    The grace of a deletion under way can be shortened, never lengthened.
    """
    meta = obj.metadata
    if meta.deletion_timestamp is None:
        return with_meta(
            obj,
            deletion_timestamp=moment + timedelta(seconds=grace_s),
            deletion_grace_period_seconds=grace_s,
            generation=meta.generation + 1 if meta.generation else 0,
        )
    before_s = meta.deletion_grace_period_seconds or 0
    if grace_s >= before_s:
        return obj
    asked_at = meta.deletion_timestamp - timedelta(seconds=before_s)
    ends = asked_at + timedelta(seconds=grace_s)
    return with_meta(obj, deletion_timestamp=ends, deletion_grace_period_seconds=grace_s)


def finalizers_after(meta: ObjectMeta, options: DeleteOptions) -> tuple[str, ...]:
    """Return the finalizers of an object once the wish for its dependents is written among them."""
    policy = options.propagation_policy
    if policy is None and options.orphan_dependents is not None:
        policy = Propagation.ORPHAN if options.orphan_dependents else Propagation.BACKGROUND
    if policy is None:
        return meta.finalizers  # a wish written there earlier stands
    others = tuple(name for name in meta.finalizers if name not in (ORPHAN, FOREGROUND))
    wish = {Propagation.ORPHAN: (ORPHAN,), Propagation.FOREGROUND: (FOREGROUND,)}.get(Propagation(policy), ())
    return (*others, *wish)


def check_preconditions(resource: Resource, meta: ObjectMeta, options: DeleteOptions) -> None:
    """Hold the object against what the sender expects it to be.

    Raises:
        Conflict: it is another object, or another state of it.
    """
    wanted = options.preconditions
    if wanted is None:
        return
    opening = f'Operation cannot be fulfilled on {resource.group_resource} "{meta.name}": the'
    if wanted.uid is not None and wanted.uid != meta.uid:
        raise Conflict(
            f"{opening} UID in the precondition ({wanted.uid}) does not match the UID in record ({meta.uid}). "
            "The object might have been deleted and then recreated"
        )
    if wanted.resource_version is not None and wanted.resource_version != meta.resource_version:
        raise Conflict(
            f"{opening} ResourceVersion in the precondition ({wanted.resource_version}) does not match the "
            f"ResourceVersion in record ({meta.resource_version}). The object might have been modified"
        )
