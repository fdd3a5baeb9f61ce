"""SCALE: the number of replicas of any kind that has one, as an object of its own.

Writing a Scale changes ``spec.replicas`` of the object behind it, with the object's own rules.

Source: Kubernetes API reference, autoscaling/v1 Scale.
"""

from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from apiserver import patch as engines
from apiserver import trail
from apiserver.handlers.applied_body import check_configuration, read_configuration
from apiserver.handlers.apply import apply_configuration
from apiserver.handlers.body import decode, read_body, read_object
from apiserver.handlers.call import Call
from apiserver.handlers.get import find
from apiserver.handlers.metadata import check_name, place
from apiserver.handlers.output import Form, respond
from apiserver.handlers.patch import decode_patched
from apiserver.handlers.update import check_seen, settle
from apiserver.handlers.write_options import PATCH, UPDATE, check_write_options, manager_of
from apiserver.managed_fields.field_manager import readable, with_entries
from apiserver.managed_fields.managers import write_entries
from apiserver.managed_fields.scale import SCALE_MANAGER, SCALE_VERSION, to_parent, to_scale
from apiserver.registry.workloads import WorkloadStrategy
from apiserver.storage.entry import Entry
from apiserver.storage.store import Keep, Remove
from naru.api.autoscaling_v1 import Scale
from naru.api.errors import FieldError, invalid
from naru.api.meta import KubeObject
from naru.api.model import now

ScaleFrom = Callable[[Scale], Scale]
"""Makes the scale that is asked for of the one that is there."""


async def get_scale(call: Call) -> web.StreamResponse:
    """Show the scale of the object of the URL."""
    return await _respond(call, _rules(call).scale_of((await find(call)).obj))


async def update_scale(call: Call) -> web.StreamResponse:
    """Replace the scale by the one of the body."""
    check_write_options(call, UPDATE)
    sent = place(await read_object(call, Scale), call.resource, call.info.namespace)
    check_name(sent, call.info.name)
    return await _write(call, lambda live: _recorded(call, live, _as_scale(sent)), "update")


async def patch_scale(call: Call) -> web.StreamResponse:
    """Apply the patch of the body to the scale."""
    media_type = engines.patch_type(call.request.headers.get("Content-Type", ""))
    body = await read_body(call.request)
    check_write_options(call, PATCH, media_type)
    if media_type == engines.APPLY_PATCH:
        return await _write(call, _applying(call, body), "patch")

    def patched(live: Scale) -> Scale:
        before = _document(live)
        document = engines.apply(media_type, before, body, Scale)
        return _recorded(call, live, _as_scale(decode_patched(call, media_type, body, document, before, Scale)))

    return await _write(call, patched, "patch")


def _applying(call: Call, body: bytes) -> ScaleFrom:
    configuration = read_configuration(body).document
    check_configuration(configuration, SCALE_VERSION, "Scale")

    def applied(live: Scale) -> Scale:
        before = _document(live), live.metadata.managed_fields
        document, entries = apply_configuration(call, SCALE_MANAGER, before, configuration)
        return _as_scale(with_entries(decode(call, document, Scale), entries))

    return applied


def _as_scale(obj: KubeObject) -> Scale:
    assert isinstance(obj, Scale)
    return obj


def _document(scale: Scale) -> dict[str, Any]:
    return with_entries(scale, ()).wire()


def _recorded(call: Call, live: Scale, sent: Scale) -> Scale:
    return _as_scale(SCALE_MANAGER.record(live, _document(live), sent, manager_of(call), now()))


async def _write(call: Call, scale_from: ScaleFrom, verb: str) -> web.StreamResponse:
    async def decide(entry: Entry) -> Keep | Remove:
        record = readable(entry.obj.metadata.managed_fields)
        live = with_entries(_rules(call).scale_of(entry.obj), write_entries(to_scale(record)))
        scale = scale_from(_as_scale(live))
        check_seen(call, scale, entry.obj)
        if scale.spec.replicas < 0:
            message = f"Invalid value: {scale.spec.replicas}: must be greater than or equal to 0"
            errors = [FieldError("spec.replicas", "FieldValueInvalid", message)]
            raise invalid("autoscaling", "Scale", entry.key.name, errors)
        owners = to_parent(readable(scale.metadata.managed_fields), record, call.resource.api_version)
        scaled = with_entries(_rules(call).with_scale(entry.obj, scale), write_entries(owners))
        return await settle(call, scaled, entry)

    written = await call.state.store.modify(call.resource, call.info.key, decide, dry_run=call.dry_run)
    if written.before is not None and written.changed and not call.dry_run:
        trail.record(call.state, call.request, verb, call.resource, written.before.obj, written.after.obj, "scale")
    return await _respond(call, _rules(call).scale_of(written.after.obj))


async def _respond(call: Call, scale: Scale) -> web.StreamResponse:
    form = Form(yaml=call.form.yaml)  # a Scale has no columns of its own
    return await respond(call.request, orjson.dumps(scale.wire()), form, warnings=call.warnings)


def _rules(call: Call) -> WorkloadStrategy[Any]:
    assert isinstance(call.strategy, WorkloadStrategy), f"{call.resource.plural} have a scale and no rules for it"
    return call.strategy
