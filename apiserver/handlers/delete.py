"""DELETE: an object goes at once, after its grace, or when the last finalizer lets go of it.

Decided by :func:`plan_delete`. A pod on a node is only marked; its node agent stops it and then deletes it with a grace
of 0. A namespace is marked, emptied by its controller, and goes with its last finalizer.

Source: Kubernetes documents, "Pod lifecycle: termination of pods", "Garbage collection", "Finalizers".
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from aiohttp import web

from apiserver import trail
from apiserver.admission.attributes import Operation
from apiserver.handlers.body import read_options
from apiserver.handlers.call import Call, is_dry_run
from apiserver.handlers.list import Listing, plan_list, read_list
from apiserver.handlers.metadata import check_preconditions, condemned, finalizers_after, with_meta
from apiserver.handlers.output import respond
from apiserver.handlers.selection import filter_of
from apiserver.registry.strategy import Strategy
from apiserver.storage.entry import Entry
from apiserver.storage.store import Keep, Remove, Written, conflict
from naru.api.core_v1 import Namespace
from naru.api.errors import FieldError, NotFound, invalid
from naru.api.keys import ObjectKey
from naru.api.meta import KubeObject
from naru.api.model import now
from naru.api.options import DeleteOptions, Propagation

logger = logging.getLogger(__name__)

RETURNS_OBJECT: Final = ("pods", "serviceaccounts")  # others are answered with a Status once they are gone


@dataclass(frozen=True)
class Deletion:
    """What the sender of a DELETE wants."""

    options: DeleteOptions
    dry_run: bool


async def delete(call: Call) -> web.StreamResponse:
    """Delete the object of the URL."""
    written = await delete_one(call, call.info.key, await _deletion(call))
    body = _deleted_body(call, written)
    return await respond(call.request, body, call.form, warnings=call.warnings)


def _deleted_body(call: Call, written: Written) -> bytes:
    if not written.removed or call.resource.plural in RETURNS_OBJECT:
        return call.form.one(written.after)
    meta = written.after.obj.metadata
    details = {"name": meta.name, "group": call.resource.group, "kind": call.resource.plural, "uid": meta.uid}
    return orjson.dumps(success(details))


def success(details: dict[str, str] | None = None, code: int | None = None) -> dict[str, Any]:
    """Build the Status that says it is done."""
    status: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    if details:
        status["details"] = {name: value for name, value in details.items() if value}
    if code:
        status["code"] = code
    return status


async def delete_collection(call: Call) -> web.StreamResponse:
    """Delete the objects that a list would show, one by one."""
    deletion = await _deletion(call)
    listing = await read_list(call, plan_list(call), filter_of(call))
    for entry in listing.entries:
        try:
            await delete_one(call, entry.key, deletion)
        except NotFound:
            logger.debug("already gone", extra={"key": entry.key})
    shown = Listing(listing.entries, call.state.caches.revision)
    return await respond(call.request, call.form.many(call.resource, shown.entries, shown.metadata), call.form)


async def delete_one(call: Call, key: ObjectKey, deletion: Deletion) -> Written:
    """Delete one object, and record it."""
    moment = now()

    async def decide(entry: Entry) -> Keep | Remove:
        old = entry.obj
        check_preconditions(call.resource, old.metadata, deletion.options)
        await call.admit(Operation.DELETE, old, old)
        check_namespace(call, old)
        return plan_delete(call.strategy, old, deletion.options, moment)

    written = await call.state.store.modify(call.resource, key, decide, dry_run=deletion.dry_run)
    if written.changed and not deletion.dry_run:
        old = written.before.obj if written.before else None
        new = None if written.removed else written.after.obj
        trail.record(call.state, call.request, call.info.verb, call.resource, old, new, call.info.subresource)
    return written


def plan_delete(strategy: Strategy[Any], old: KubeObject, options: DeleteOptions, moment: datetime) -> Keep | Remove:
    """Decide between marking and removing. No I/O: same input, same decision."""
    grace_s = strategy.grace_period_seconds(old, options.grace_period_seconds)
    held = with_meta(old, finalizers=finalizers_after(old.metadata, options))
    if not grace_s and not strategy.finalizers(held):
        return Remove(held)
    return Keep(strategy.mark_deleted(condemned(held, moment, grace_s)))


def check_namespace(call: Call, old: KubeObject) -> None:
    """Say that a namespace is being emptied already, instead of marking it again.

    Raises:
        Conflict: it is.
    """
    if isinstance(old, Namespace) and old.metadata.deletion_timestamp is not None and old.spec.finalizers:
        raise conflict(
            call.resource,
            old.metadata.name,
            "The system is ensuring all content is removed from this namespace.  Upon completion, this namespace "
            "will automatically be purged by the system.",
        )


async def _deletion(call: Call) -> Deletion:
    """Read DeleteOptions from the body, or from the query as older clients send them."""
    query = call.request.query
    options = await read_options(call, DeleteOptions) or DeleteOptions(
        grace_period_seconds=call.number("gracePeriodSeconds"),
        orphan_dependents=call.flag("orphanDependents") if "orphanDependents" in query else None,
        propagation_policy=query.get("propagationPolicy"),
    )
    errors = check_options(options)
    if errors:
        raise invalid("meta.k8s.io", "DeleteOptions", "", errors)
    return Deletion(options, is_dry_run([*options.dry_run, *query.getall("dryRun", [])], "DeleteOptions"))


def check_options(options: DeleteOptions) -> Sequence[FieldError]:
    """Return what is wrong with the options themselves."""
    errors = []
    policy = options.propagation_policy
    if policy is not None and options.orphan_dependents is not None:
        message = "Invalid value: orphanDependents and deletionPropagation cannot be both set"
        errors.append(FieldError("propagationPolicy", "FieldValueInvalid", message))
    if policy is not None and policy not in tuple(Propagation):
        known = ", ".join(f'"{name}"' for name in ("Background", "Foreground", "Orphan"))
        message = f'Unsupported value: "{policy}": supported values: {known}'
        errors.append(FieldError("propagationPolicy", "FieldValueNotSupported", message))
    return errors
