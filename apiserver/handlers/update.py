"""UPDATE: replace an object, its status, or the finalizers of a namespace, if the sender has seen the latest state.

Every way to change an object ends in :func:`settle`, which applies the rules of its kind; a patch differs only in how
the new object is made from the old one.
"""

from typing import Any, Final

from aiohttp import web

from apiserver import trail
from apiserver.admission.attributes import Operation
from apiserver.handlers.body import read_object
from apiserver.handlers.call import Call
from apiserver.handlers.create import create_object
from apiserver.handlers.metadata import check_name, place, with_meta
from apiserver.handlers.output import respond
from apiserver.handlers.write_options import UPDATE, check_write_options, manager_of
from apiserver.managed_fields.field_manager import field_manager_of, without_new_times
from apiserver.registry.namespaces import NamespaceStrategy
from apiserver.registry.strategy import Strategy
from apiserver.services import complete
from apiserver.storage.entry import Entry
from apiserver.storage.store import Keep, Remove, Written, conflict
from naru.api.errors import FieldError, NotFound, invalid
from naru.api.field_errors import invalid as invalid_field
from naru.api.meta import KubeObject
from naru.api.model import now
from naru.api.namespace_v1 import Namespace

MODIFIED: Final = "the object has been modified; please apply your changes to the latest version and try again"


async def update(call: Call) -> web.StreamResponse:
    """Replace the object of the URL by the one of the body."""
    check_write_options(call, UPDATE)
    sent = place(await read_object(call, call.resource.model), call.resource, call.info.namespace)
    check_name(sent, call.info.name)

    async def decide(entry: Entry) -> Keep | Remove:
        _check_version_given(call, sent)
        return await settle(call, recorded(call, sent, entry), entry)

    try:
        written = await call.state.store.modify(call.resource, call.info.key, decide, dry_run=call.dry_run)
    except NotFound:
        if call.strategy.allows_create_on_update and not sent.metadata.resource_version:
            return await create_object(call, sent)
        raise
    return await answer(call, written, "update")


def _check_version_given(call: Call, sent: KubeObject) -> None:
    """Insist on a resourceVersion where overwriting unseen would do harm.

    Raises:
        Invalid: there is none.
    """
    if call.strategy.allows_unconditional_update or sent.metadata.resource_version not in ("", "0"):
        return
    error = invalid_field("metadata.resourceVersion", 0, "must be specified for an update")
    raise invalid(call.resource.group, call.resource.kind, sent.metadata.name, [error])


async def answer(call: Call, written: Written, verb: str) -> web.StreamResponse:
    """Record a write and show the object as it now is."""
    old = written.before.obj if written.before is not None else None
    if written.changed and not call.dry_run:
        new = None if written.removed else written.after.obj
        trail.record(call.state, call.request, verb, call.resource, old, new, call.info.subresource)
    return await respond(call.request, call.form.one(written.after), call.form, warnings=call.warnings)


def recorded(call: Call, sent: KubeObject, entry: Entry) -> KubeObject:
    """Return what was sent with the record of its writer, as the one who owns what differs from the object."""
    manager = field_manager_of(call.resource, call.info.subresource)
    return manager.record(entry.obj, entry.decoded(), sent, manager_of(call), now())


async def settle(call: Call, sent: KubeObject, entry: Entry) -> Keep | Remove:
    """Apply the rules of the kind to a new state: keep what the sender may not change, admit, validate.

    Raises:
        Conflict: the sender has seen an older state, or another object of that name.
        Invalid: the new state breaks a rule.
    """
    old = entry.obj
    check_seen(call, sent, old)
    sent = with_meta(sent, uid=old.metadata.uid, resource_version=old.metadata.resource_version)
    if call.strategy.claims and not call.info.subresource:
        sent = await complete(call.state, sent, old, dry_run=call.dry_run)
    new = await call.admit(Operation.UPDATE, _prepared(call, sent, old), old)
    if errors := _errors(call, new, old):
        raise invalid(call.resource.group, call.resource.kind, old.metadata.name, errors)
    call.warnings += call.strategy.warnings(new, old) if not call.info.subresource else ()
    new = without_new_times(new, old)
    return Remove(new) if is_gone(call.strategy, new) else Keep(new)


def check_seen(call: Call, sent: KubeObject, old: KubeObject) -> None:
    """Compare the identity and revision that the sender wrote, if any, with the object.

    Raises:
        Conflict: they differ.
    """
    if sent.metadata.uid and sent.metadata.uid != old.metadata.uid:
        why = f"Precondition failed: UID in precondition: {sent.metadata.uid}, UID in object meta: {old.metadata.uid}"
        raise conflict(call.resource, old.metadata.name, why)
    if sent.metadata.resource_version not in ("", "0", old.metadata.resource_version):
        raise conflict(call.resource, old.metadata.name, MODIFIED)


def _prepared(call: Call, sent: KubeObject, old: KubeObject) -> KubeObject:
    strategy = call.strategy
    new: KubeObject
    if call.info.subresource == "status":
        new = strategy.prepare_for_status_update(sent, old)
    elif call.info.subresource == "approval":
        new = strategy.prepare_for_approval(sent, old)
    elif call.info.subresource in strategy.parts:
        new = strategy.prepare_for_part(call.info.subresource, sent, old)
    elif call.info.subresource == "finalize":
        assert isinstance(strategy, NamespaceStrategy)
        assert isinstance(sent, Namespace)
        assert isinstance(old, Namespace)
        new = strategy.prepare_for_finalize(sent, old)
    else:
        new = strategy.prepare_for_update(sent, old)
    return new


def _errors(call: Call, new: KubeObject, old: KubeObject) -> list[FieldError]:
    if call.info.subresource == "status":
        return call.strategy.validate_status_update(new, old)
    if call.info.subresource == "approval":
        return call.strategy.validate_approval(new, old)
    if (part := call.strategy.parts.get(call.info.subresource)) is not None:
        return part.validate(new, old)
    return call.strategy.validate_update(new, old)


def is_gone(strategy: Strategy[Any], obj: KubeObject) -> bool:
    """Tell whether a state is the end: its deletion was asked for, and there is nothing left to wait for."""
    meta = obj.metadata
    marked = meta.deletion_timestamp is not None and not meta.deletion_grace_period_seconds
    return marked and not strategy.finalizers(obj)
