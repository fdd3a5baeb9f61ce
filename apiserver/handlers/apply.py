"""APPLY: a PATCH that states what its manager wants of an object, which is created if there is none.

Flow: YAML -> FieldManager.apply (merge, conflicts, managedFields) -> decode -> as an update, or as a create.
"""

from typing import Final

from aiohttp import web

from apiserver.handlers.applied_body import (
    Configuration,
    check_configuration,
    group_version_kind,
    read_configuration,
)
from apiserver.handlers.body import decode, field_validation
from apiserver.handlers.call import Call
from apiserver.handlers.create import create_object
from apiserver.handlers.metadata import check_name, place
from apiserver.handlers.update import answer, settle
from apiserver.handlers.write_options import is_forced, manager_of
from apiserver.managed_fields.check import DoesNotFit
from apiserver.managed_fields.conflicts import conflict_error
from apiserver.managed_fields.field_manager import Entries, FieldManager, field_manager_of, with_entries
from apiserver.managed_fields.managers import MalformedEntry
from apiserver.managed_fields.types import NoKey
from apiserver.managed_fields.updater import Conflicts, Document
from apiserver.storage.entry import Entry
from apiserver.storage.store import Keep, Remove, conflict
from naru.api.errors import AlreadyExists, BadRequest, InternalError, NotFound
from naru.api.meta import KubeObject
from naru.api.model import now

ATTEMPTS: Final = 8  # of an apply that finds its object there when creating it, and gone when changing it


async def apply(call: Call, body: bytes) -> web.StreamResponse:
    """Apply the configuration of the body to the object of the URL."""
    configuration = read_configuration(body)
    applied = configuration.document
    check_configuration(applied, call.resource.api_version, call.resource.kind)

    async def decide(entry: Entry) -> Keep | Remove:
        call.warnings.clear()  # of a try before this one
        sent = applied_to(call, entry, applied)
        _check_repeated(call, configuration)
        return await settle(call, place(sent, call.resource, call.info.namespace), entry)

    for _ in range(ATTEMPTS):
        try:
            written = await call.state.store.modify(call.resource, call.info.key, decide, dry_run=call.dry_run)
        except NotFound:
            if call.info.subresource:
                raise
        else:
            return await answer(call, written, "patch")
        call.warnings.clear()
        try:
            return await _create(call, configuration)
        except AlreadyExists:
            continue
    raise conflict(call.resource, call.info.name, "it is created and deleted all the time")


async def _create(call: Call, configuration: Configuration) -> web.StreamResponse:
    sent = applied_to(call, None, configuration.document)
    _check_repeated(call, configuration)
    if sent.metadata.uid:
        why = f"uid mismatch: the provided object specified uid {sent.metadata.uid}, and no existing object was found"
        raise conflict(call.resource, call.info.name, why)
    placed = place(sent, call.resource, call.info.namespace)
    return await create_object(call, placed, recorded=True)


def applied_to(call: Call, entry: Entry | None, applied: Document) -> KubeObject:
    """Return an object (None: there is none yet) with the configuration applied; see :func:`apply_configuration`."""
    resource, manager = call.resource, field_manager_of(call.resource, call.info.subresource)
    before = entry.decoded() if entry is not None else None
    entries: Entries = entry.obj.metadata.managed_fields if entry is not None else ()
    document, entries = apply_configuration(call, manager, (before, entries), applied)
    sent = decode(call, document, resource.model, old=before)
    check_name(sent, call.info.name)
    return with_entries(sent, entries)


def apply_configuration(
    call: Call, manager: FieldManager, live: tuple[Document | None, Entries], applied: Document
) -> tuple[Document, Entries]:
    """Apply a configuration to a wire form with its record, in the name of the caller.

    Raises:
        Conflict: others own what it changes.
        InternalError: it does not fit the kind; upstream answers so.
    """
    try:
        return manager.apply(*live, applied, manager_of(call), now(), force=is_forced(call))
    except Conflicts as conflicts:
        raise conflict_error(conflicts) from None
    except MalformedEntry as error:
        raise InternalError(f"failed to decode managed fields: {error}", reason="") from None
    except NoKey as error:
        raise InternalError(
            f"failed to create typed live object ({_named(live[0] or {})}): {error}", reason=""
        ) from None
    except DoesNotFit as error:
        raise InternalError(f"failed to create typed patch object ({_named(applied)}): {error}", reason="") from None


def _named(applied: Document) -> str:
    metadata = applied.get("metadata")
    name = metadata if isinstance(metadata, dict) else {}
    return f"{name.get('namespace', '')}/{name.get('name', '')}; {group_version_kind(applied)}"


def _check_repeated(call: Call, configuration: Configuration) -> None:
    """Refuse keys that are given twice, if validation is strict; upstream's warning of them never gets to a client.

    Raises:
        BadRequest: there are some.
    """
    if configuration.repeated and field_validation(call) == "Strict":
        lines = "\n".join(f"  {line}" for line in configuration.repeated)
        problem = f"error converting YAML to JSON: yaml: unmarshal errors:\n{lines}"
        raise BadRequest(f"error strict decoding patch: {problem}")
