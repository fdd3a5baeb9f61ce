"""Deletion: what a DELETE makes of an object: marked, held or gone. Pure; the clock is an argument.

Source: Kubernetes documents, "Pod lifecycle: termination of pods", "Garbage collection", "Finalizers"; API reference,
DeleteOptions.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from apiserver.handlers.metadata import with_meta
from apiserver.registry.strategy import Strategy
from apiserver.storage.store import Keep, Remove
from naru.api.errors import Conflict, FieldError
from naru.api.meta import KubeObject, ObjectMeta
from naru.api.namespace_v1 import Namespace
from naru.api.options import DeleteOptions, Propagation
from naru.api.scheme import Resource

ORPHAN: Final = "orphan"
FOREGROUND: Final = "foregroundDeletion"

# What their dependents are to become if nobody says so. Elsewhere they go, in the background.
_ORPHANING: Final = frozenset({("", "replicationcontrollers"), ("batch", "jobs")})
_WITHOUT_DEPENDENTS: Final = frozenset({("", "events"), ("events.k8s.io", "events")})
_LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC)


def check_options(options: DeleteOptions) -> Sequence[FieldError]:
    """Return what is wrong with the options themselves."""
    errors = []
    policy = options.propagation_policy
    if policy is not None and options.orphan_dependents is not None:
        problem = "orphanDependents and deletionPropagation cannot be both set"
        message = f"Invalid value: {json.dumps(policy)}: {problem}"
        errors.append(FieldError("propagationPolicy", "FieldValueInvalid", message))
    if policy is not None and policy not in tuple(Propagation):
        errors.append(_unsupported("propagationPolicy", policy, ("Foreground", "Background", "Orphan", "nil")))
    if any(value != "All" for value in options.dry_run):
        errors.append(_unsupported("dryRun", list(options.dry_run), ("All",)))
    return errors


def _unsupported(field: str, value: Any, known: Sequence[str]) -> FieldError:
    names = ", ".join(f'"{name}"' for name in known)
    shown = json.dumps(value, separators=(",", ":"))
    return FieldError(field, "FieldValueNotSupported", f"Unsupported value: {shown}: supported values: {names}")


def check_preconditions(resource: Resource, meta: ObjectMeta, options: DeleteOptions) -> None:
    """Hold the object against what the sender expects it to be.

    Raises:
        Conflict: it is another object, or another state of it.
    """
    wanted = options.preconditions
    if wanted is None:
        return
    if wanted.uid is not None and wanted.uid != meta.uid:
        raise _unexpected(resource, meta, "UID", wanted.uid, meta.uid, "have been deleted and then recreated")
    version = wanted.resource_version
    if version is not None and version != meta.resource_version:
        raise _unexpected(resource, meta, "ResourceVersion", version, meta.resource_version, "have been modified")


def _unexpected(resource: Resource, meta: ObjectMeta, what: str, wanted: str, found: str, guess: str) -> Conflict:
    """Build the 409; for namespaces, which upstream deletes in a way of their own, it has other words."""
    if resource.plural == "namespaces" and not resource.group:
        kind = resource.plural
        problem = f"Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {found}"
    else:
        kind = resource.kind
        problem = f"the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). "
        problem += f"The object might {guess}"
    qualified = f"{kind}.{resource.group}" if resource.group else kind
    details = {"name": meta.name, "group": resource.group, "kind": kind}
    message = f'Operation cannot be fulfilled on {qualified} "{meta.name}": {problem}'
    return Conflict(message, details={key: value for key, value in details.items() if value})


def plan_delete(
    resource: Resource, strategy: Strategy[Any], old: KubeObject, options: DeleteOptions, moment: datetime
) -> Keep | Remove:
    """Decide between marking and removing. No I/O: same input, same decision."""
    if isinstance(old, Namespace) and (old.metadata.deletion_timestamp is None or old.spec.finalizers):
        return Keep(_terminating(strategy, old, options, moment))
    if not strategy.deletes_gracefully:
        held = with_meta(old, finalizers=finalizers_after(resource, old.metadata, options))
        return Keep(marked(held, moment)) if strategy.finalizers(held) else Remove(held)
    condemned = _condemned(strategy, old, options, moment)
    if condemned is old and old.metadata.deletion_grace_period_seconds:
        return Keep(old)  # it is under way, and will not take longer than this sender wants
    held = with_meta(condemned, finalizers=finalizers_after(resource, old.metadata, options))
    if held.metadata.deletion_grace_period_seconds or strategy.finalizers(held):
        return Keep(held)
    return Remove(held)


def _terminating(strategy: Strategy[Any], old: Namespace, options: DeleteOptions, moment: datetime) -> KubeObject:
    """Mark a namespace, which its controller empties before it goes; one that is marked stays as it is."""
    if old.metadata.deletion_timestamp is not None:
        return old
    finalizers = old.metadata.finalizers
    if options.orphan_dependents is False:
        finalizers = tuple(name for name in finalizers if name != ORPHAN)
    terminating: KubeObject = strategy.mark_deleted(with_meta(old, deletion_timestamp=moment, finalizers=finalizers))
    return terminating


def marked(obj: KubeObject, moment: datetime) -> KubeObject:
    """Mark an object as deleted, for which only finalizers are waited."""
    meta = obj.metadata
    before = meta.deletion_timestamp
    return with_meta(
        obj,
        deletion_timestamp=moment if before is None or before > moment else before,
        deletion_grace_period_seconds=0,
        generation=meta.generation + 1 if before is None and meta.generation else meta.generation,
    )


def _condemned(strategy: Strategy[Any], obj: KubeObject, options: DeleteOptions, moment: datetime) -> KubeObject:
    """Mark an object that gets a grace; the grace of a deletion under way can be shortened, never lengthened."""
    meta, asked_s = obj.metadata, options.grace_period_seconds
    if asked_s is not None and asked_s < 0:
        asked_s = 1
    if meta.deletion_timestamp is None:
        grace_s = strategy.grace_period_seconds(obj, asked_s)
        return with_meta(
            obj,
            deletion_timestamp=_later(moment, grace_s),
            deletion_grace_period_seconds=grace_s,
            generation=meta.generation + 1 if meta.generation else 0,
        )
    before_s = meta.deletion_grace_period_seconds or 0
    if not before_s or asked_s is None or asked_s >= before_s:
        return obj
    ends = meta.deletion_timestamp - timedelta(seconds=before_s - asked_s)
    if ends < moment:  # all of the shorter grace is over; what is left is the least that is a grace at all
        ends, asked_s = moment, min(asked_s, 1)
    return with_meta(obj, deletion_timestamp=ends, deletion_grace_period_seconds=asked_s)


def _later(moment: datetime, seconds: int) -> datetime:
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:
        return _LATEST


def finalizers_after(resource: Resource, meta: ObjectMeta, options: DeleteOptions) -> tuple[str, ...]:
    """Return the finalizers of an object once the wish for its dependents is written among them."""
    others = tuple(name for name in meta.finalizers if name not in (ORPHAN, FOREGROUND))
    wish = _wish(resource, meta, options)
    after = (*others, wish) if wish else others
    return meta.finalizers if set(after) == set(meta.finalizers) else after


def _wish(resource: Resource, meta: ObjectMeta, options: DeleteOptions) -> str:
    """Return the finalizer that says what becomes of the dependents; empty if they go in the background."""
    family = (resource.group, resource.plural)
    if family in _WITHOUT_DEPENDENTS:
        return ""
    if options.orphan_dependents is not None:
        return ORPHAN if options.orphan_dependents else ""
    if options.propagation_policy is not None:
        return {Propagation.ORPHAN: ORPHAN, Propagation.FOREGROUND: FOREGROUND}.get(
            Propagation(options.propagation_policy), ""
        )
    earlier = next((name for name in meta.finalizers if name in (ORPHAN, FOREGROUND)), "")
    return earlier or (ORPHAN if family in _ORPHANING else "")
