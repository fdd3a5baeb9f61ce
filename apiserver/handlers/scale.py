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
from apiserver.handlers.body import decode, media_type_of, read_body, read_object
from apiserver.handlers.call import Call
from apiserver.handlers.get import find
from apiserver.handlers.metadata import check_name, place
from apiserver.handlers.output import Form, respond
from apiserver.handlers.update import check_seen, settle
from apiserver.registry.workloads import WorkloadStrategy
from apiserver.storage.entry import Entry
from apiserver.storage.store import Keep, Remove
from naru.api.autoscaling_v1 import Scale
from naru.api.errors import FieldError, invalid
from naru.api.meta import KubeObject

ScaleFrom = Callable[[Entry], KubeObject]


async def get_scale(call: Call) -> web.StreamResponse:
    """Show the scale of the object of the URL."""
    return await _respond(call, _rules(call).scale_of((await find(call)).obj))


async def update_scale(call: Call) -> web.StreamResponse:
    """Replace the scale by the one of the body."""
    sent = place(await read_object(call, Scale), call.resource, call.info.namespace)
    check_name(sent, call.info.name)
    return await _write(call, lambda _: sent, "update")


async def patch_scale(call: Call) -> web.StreamResponse:
    """Apply the patch of the body to the scale."""
    media_type = engines.patch_type(media_type_of(call.request))
    body = await read_body(call.request)

    def patched(entry: Entry) -> KubeObject:
        document = engines.apply(media_type, _rules(call).scale_of(entry.obj).wire(), body, Scale)
        return decode(call, document, Scale)

    return await _write(call, patched, "patch")


async def _write(call: Call, scale_from: ScaleFrom, verb: str) -> web.StreamResponse:
    async def decide(entry: Entry) -> Keep | Remove:
        scale = scale_from(entry)
        assert isinstance(scale, Scale)
        check_seen(call, scale, entry.obj)
        if scale.spec.replicas < 0:
            message = f"Invalid value: {scale.spec.replicas}: must be greater than or equal to 0"
            errors = [FieldError("spec.replicas", "FieldValueInvalid", message)]
            raise invalid("autoscaling", "Scale", entry.key.name, errors)
        return await settle(call, _rules(call).with_scale(entry.obj, scale), entry)

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
