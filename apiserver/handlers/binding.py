"""BINDING and EVICTION: the two requests about a pod that have a kind of their own.

A binding is the scheduler's one write: it gives a pod its node, once. An eviction is a deletion that may be refused.

Source: Kubernetes API reference, core/v1 Binding and policy/v1 Eviction.
"""

from dataclasses import replace

import orjson
from aiohttp import web

from apiserver import trail
from apiserver.handlers.body import read_object
from apiserver.handlers.call import Call
from apiserver.handlers.delete import Deletion, delete_one, success
from apiserver.handlers.metadata import check_name, place
from apiserver.handlers.output import Form, respond
from apiserver.handlers.update import check_seen
from apiserver.request_info import RequestInfo
from apiserver.storage.entry import Entry
from apiserver.storage.store import Keep, Remove
from naru.api.conditions import set_condition
from naru.api.errors import Conflict, Invalid, invalid
from naru.api.model import now
from naru.api.options import DeleteOptions
from naru.api.pod_status_v1 import PodCondition
from naru.api.pod_v1 import Binding, Pod
from naru.api.policy_v1 import Eviction
from naru.api.scheme import resource_of
from naru.api.validation.pods import validate_binding


async def bind(call: Call) -> web.StreamResponse:
    """Give the pod of the URL the node of the body."""
    binding = place(await read_object(call, Binding), call.resource, call.info.namespace)
    check_name(binding, call.info.name)
    assert isinstance(binding, Binding)
    return await _bind(call, binding)


async def bind_named(call: Call) -> web.StreamResponse:
    """Give the pod that the body names its node, as the first schedulers did."""
    binding = place(await read_object(call, Binding), call.resource, call.info.namespace)
    assert isinstance(binding, Binding)
    pod = RequestInfo("create", resource_of(Pod), call.info.namespace, binding.metadata.name, "binding")
    check_name(binding, pod.name)
    return await _bind(replace(call, info=pod), binding)


async def _bind(call: Call, binding: Binding) -> web.StreamResponse:
    if errors := validate_binding(binding):
        raise invalid("", "Binding", binding.metadata.name, errors)

    async def decide(entry: Entry) -> Keep | Remove:
        check_seen(call, binding, entry.obj)
        return Keep(bound(as_pod(entry), binding))

    written = await call.state.store.modify(call.resource, call.info.key, decide, dry_run=call.dry_run)
    if written.before is not None and not call.dry_run:
        before, after = written.before.obj, written.after.obj
        trail.record(call.state, call.request, "create", call.resource, before, after, "binding")
    body = orjson.dumps(success(code=201))
    return await respond(call.request, body, Form(), status=201, warnings=call.warnings)


def as_pod(entry: Entry) -> Pod:
    """Return the object of an entry of the pods resource."""
    assert isinstance(entry.obj, Pod)
    return entry.obj


def bound(pod: Pod, binding: Binding) -> Pod:
    """Return the pod on its node.

    Raises:
        Conflict: it has a node already, or is being deleted.
        Invalid: its scheduling gates are not open yet.
    """
    name, node = pod.metadata.name, binding.target.name
    opening = f'Operation cannot be fulfilled on pods/binding "{name}": pod {name}'
    details = {"name": name, "kind": "pods/binding"}
    if pod.metadata.deletion_timestamp is not None:
        raise Conflict(f"{opening} is being deleted, cannot be assigned to a host", details=details)
    if pod.spec.node_name:
        raise Conflict(f'{opening} is already assigned to node "{pod.spec.node_name}"', details=details)
    if pod.spec.scheduling_gates:
        raise Invalid(f'pods "{name}" is invalid: pod {name} has non-empty .spec.schedulingGates', details=details)
    scheduled = PodCondition(type="PodScheduled", status="True")
    annotations = {**pod.metadata.annotations, **binding.metadata.annotations}
    return pod.model_copy(
        update={
            "metadata": pod.metadata.model_copy(update={"annotations": annotations}),
            "spec": pod.spec.model_copy(update={"node_name": node}),
            "status": pod.status.model_copy(
                update={"conditions": set_condition(pod.status.conditions, scheduled, now())}
            ),
        }
    )


async def evict(call: Call) -> web.StreamResponse:
    """Delete the pod of the URL as the body's DeleteOptions say."""
    eviction = place(await read_object(call, Eviction), call.resource, call.info.namespace)
    check_name(eviction, call.info.name)
    assert isinstance(eviction, Eviction)
    options = eviction.delete_options or DeleteOptions()
    await delete_one(call, call.info.key, Deletion(options, call.dry_run or bool(options.dry_run)))
    return await respond(call.request, orjson.dumps(success(code=201)), Form(), status=201, warnings=call.warnings)
