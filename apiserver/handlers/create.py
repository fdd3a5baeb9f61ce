"""CREATE: decode, admit, prepare, validate, store."""

import contextlib
from typing import Final

from aiohttp import web

from apiserver import trail
from apiserver.admission.attributes import Operation
from apiserver.handlers.body import read_object
from apiserver.handlers.call import Call
from apiserver.handlers.metadata import place
from apiserver.handlers.output import respond
from apiserver.handlers.write_options import CREATE, check_write_options, manager_of
from apiserver.managed_fields.field_manager import field_manager_of
from apiserver.registry.strategy import Context
from apiserver.services import complete
from apiserver.storage.store import Taken, Written, conflict
from apiserver.warnings import inert_warnings
from naru.api.errors import AlreadyExists, BadRequest, invalid
from naru.api.meta import KubeObject
from naru.api.model import now

NAME_ATTEMPTS: Final = 8  # of a generated name that turns out to be taken; one in 14 million is
CLAIM_ATTEMPTS: Final = 100  # of an object that needs something which others just took


async def create(call: Call) -> web.StreamResponse:
    """Store the object of the body."""
    check_write_options(call, CREATE)
    obj = await read_object(call, call.resource.model, templates=True)
    return await create_object(call, place(obj, call.resource, call.info.namespace))


async def create_object(call: Call, obj: KubeObject, *, recorded: bool = False) -> web.StreamResponse:
    """Store a decoded object, and answer with what it became.

    Args:
        recorded: its managedFields say already who made it, as those of an applied object do.

    Raises:
        BadRequest: it has a resourceVersion, so it was read from somewhere.
    """
    if obj.metadata.resource_version:
        raise BadRequest("resourceVersion should not be set on objects to be created")
    if not recorded:
        manager = field_manager_of(call.resource, call.info.subresource)
        obj = manager.record(None, None, obj, manager_of(call), now())
    written = await _store(call, obj)
    if not call.dry_run:
        trail.record(call.state, call.request, "create", call.resource, None, written.after.obj)
    body = call.form.one(written.after)
    warnings = [*call.warnings, *inert_warnings(call.resource)]
    return await respond(call.request, body, call.form, status=201, warnings=warnings)


async def _store(call: Call, obj: KubeObject) -> Written:
    if obj.metadata.name or not obj.metadata.generate_name:
        return await _store_once(call, obj)
    for _ in range(NAME_ATTEMPTS - 1):
        with contextlib.suppress(AlreadyExists):
            return await _store_once(call, obj)
    try:
        return await _store_once(call, obj)
    except AlreadyExists as taken:
        message = f"{taken.message}, the server was not able to generate a unique name for the object"
        raise AlreadyExists(message, details=taken.details, retry_after_s=1) from None


async def _store_once(call: Call, obj: KubeObject) -> Written:
    admitted = await call.admit(Operation.CREATE, obj, None)
    if not call.strategy.claims:
        return await _put(call, admitted)
    for _ in range(CLAIM_ATTEMPTS):
        with contextlib.suppress(Taken):
            return await _put(call, await complete(call.state, admitted, None, dry_run=call.dry_run))
    raise conflict(call.resource, obj.metadata.name, "others take what it needs all the time")


async def _put(call: Call, admitted: KubeObject) -> Written:
    resource = call.resource
    obj = call.strategy.prepare_for_create(admitted, Context(now(), call.sender))
    if errors := call.strategy.validate(obj):
        raise invalid(resource.group, resource.kind, obj.metadata.name, errors)
    call.warnings += call.strategy.warnings(obj, None)
    return await call.state.store.create(resource, obj, dry_run=call.dry_run)
