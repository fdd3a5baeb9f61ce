"""DELETE: an object goes at once, after its grace, or when the last finalizer lets go of it.

What happens is decided by :mod:`apiserver.handlers.deletion`. A pod on a node is only marked; its node agent stops it
and then deletes it with a grace of 0. A namespace is marked, emptied by its controller, and goes with the last of them.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import orjson
from aiohttp import web

from apiserver import query, trail
from apiserver.admission.attributes import Operation
from apiserver.handlers.body import read_options
from apiserver.handlers.call import DRY_RUN_ALL, Call
from apiserver.handlers.deletion import check_options, check_preconditions, plan_delete
from apiserver.handlers.list import plan_list, read_list
from apiserver.handlers.list_options import ListOptions
from apiserver.handlers.output import respond
from apiserver.handlers.pieces import respond_list
from apiserver.handlers.selection import filter_of
from apiserver.storage.entry import Entry
from apiserver.storage.store import Keep, Remove, Written
from naru.api.errors import NotFound, invalid
from naru.api.keys import ObjectKey
from naru.api.model import now
from naru.api.options import DeleteOptions

logger = logging.getLogger(__name__)

AT_ONCE: Final = 16  # objects of a collection that are deleted together, so that etcd can share its writes to disk

# The kinds of which a deletion answers with the object. The others are answered with a Status once they are gone.
RETURNS_OBJECT: Final = frozenset(
    {("", plural) for plural in ("persistentvolumeclaims", "persistentvolumes", "pods", "podtemplates")}
    | {("", plural) for plural in ("resourcequotas", "serviceaccounts", "services")}
    | {("resource.k8s.io", plural) for plural in ("deviceclasses", "resourceclaims", "resourceclaimtemplates")}
    | {("resource.k8s.io", "resourceslices")}
    | {("storage.k8s.io", plural) for plural in ("csidrivers", "csinodes", "storageclasses")}
    | {("storage.k8s.io", plural) for plural in ("volumeattachments", "volumeattributesclasses")}
)


@dataclass(frozen=True)
class Deletion:
    """What the sender of a DELETE wants."""

    options: DeleteOptions
    dry_run: bool


async def delete(call: Call) -> web.StreamResponse:
    """Delete the object of the URL."""
    deletion = await _deletion(call)
    written = await delete_one(call, call.info.key, deletion)
    waits_for_dependents = not written.removed and deletion.options.orphan_dependents is False
    body = _deleted_body(call, written)
    return await respond(
        call.request, body, call.form, status=202 if waits_for_dependents else 200, warnings=call.warnings
    )


def _deleted_body(call: Call, written: Written) -> bytes:
    resource = call.resource
    if not written.removed or (resource.group, resource.plural) in RETURNS_OBJECT:
        return call.form.one(written.after)
    meta = written.after.obj.metadata
    details = {"name": meta.name, "group": resource.group, "kind": resource.plural, "uid": meta.uid}
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
    """Delete the objects that a list would show, and answer with that list."""
    options, chosen = ListOptions.of(call.request), filter_of(call)
    deletion = await _deletion(call)
    listing = await read_list(call, plan_list(options, chosen.namespace), chosen)
    await _delete_all(call, listing.entries, deletion)
    return await respond_list(call, listing.entries, listing.metadata)


async def _delete_all(call: Call, entries: Sequence[Entry], deletion: Deletion) -> None:
    """Delete objects, some at a time; the first that is refused ends it."""
    left = iter(entries)
    while together := list(islice(left, AT_ONCE)):
        deletions = [delete_one(call, entry.key, deletion) for entry in together]
        for outcome in await asyncio.gather(*deletions, return_exceptions=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, NotFound):
                raise outcome


async def delete_one(call: Call, key: ObjectKey, deletion: Deletion) -> Written:
    """Delete one object, and record it."""
    moment = now()

    async def decide(entry: Entry) -> Keep | Remove:
        old = entry.obj
        check_preconditions(call.resource, old.metadata, deletion.options)
        await call.admit(Operation.DELETE, old, old)
        return plan_delete(call.resource, call.strategy, old, deletion.options, moment)

    written = await call.state.store.modify(call.resource, key, decide, dry_run=deletion.dry_run)
    if written.changed and not deletion.dry_run:
        old = written.before.obj if written.before else None
        new = None if written.removed else written.after.obj
        trail.record(call.state, call.request, call.info.verb, call.resource, old, new, call.info.subresource)
    return written


async def _deletion(call: Call) -> Deletion:
    """Read DeleteOptions from the body, or else from the query."""
    request = call.request
    asked_dry = request.query.getall("dryRun", [])
    options = await read_options(call, DeleteOptions)
    if options is None:
        options = DeleteOptions(
            grace_period_seconds=query.number(request, "gracePeriodSeconds"),
            orphan_dependents=query.optional_flag(request, "orphanDependents"),
            propagation_policy=request.query.get("propagationPolicy"),
        )
    options = options.model_copy(update={"dry_run": (*options.dry_run, *asked_dry)})
    if errors := check_options(options):
        raise invalid("meta.k8s.io", "DeleteOptions", "", errors)
    return Deletion(options, DRY_RUN_ALL in options.dry_run)
