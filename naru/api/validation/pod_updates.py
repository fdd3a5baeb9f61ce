"""Validation of changes to a pod: little of its spec can change once it exists, and each part in its own way.

The pod itself takes new images, deadlines and tolerations; ``ephemeralcontainers`` takes containers to look into the
running pod; ``resize`` takes amounts of CPU and memory.

Source: Kubernetes API reference, core/v1 Pod; the texts are those of upstream's validation.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from naru.api.container_v1 import Container
from naru.api.errors import FieldError
from naru.api.field_errors import forbidden, in_go, invalid, required
from naru.api.names import MAX_ID, not_in_range
from naru.api.placement_v1 import NodeAffinity, NodeSelectorTerm, Toleration
from naru.api.pod_v1 import Pod, PodSchedulingGate, PodSpec
from naru.api.pods import is_sidecar, qos_class
from naru.api.resource_requirements_v1 import ResourceRequirements
from naru.api.validation.meta import validate_meta_update
from naru.api.validation.pod_placement import validate_tolerations
from naru.api.validation.pods import validate_pod, validate_pod_common, validate_pod_status_update
from naru.api.validation.rules import Rules

RESIZABLE: Final = ("cpu", "memory")
MIRROR_ANNOTATION: Final = "kubernetes.io/config.mirror"
_FIXED: Final = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
# What is part of the spec on the wire, and of the security context where upstream checks it.
_IN_SECURITY_CONTEXT: Final = ("HostNetwork", "HostPID", "HostIPC", "ShareProcessNamespace", "HostUsers")


def validate_pod_update(new: Pod, old: Pod) -> list[FieldError]:
    """Return the faults of changing a pod."""
    errors = validate_meta_update(new.metadata, old.metadata) + validate_pod_common(new)
    errors += _validate_mirror(new.metadata.annotations, old.metadata.annotations)
    for name, after, before in (
        ("containers", new.spec.containers, old.spec.containers),
        ("initContainers", new.spec.init_containers, old.spec.init_containers),
    ):
        if len(after) != len(before):
            return [*errors, forbidden(f"spec.{name}", "pod updates may not add or remove containers")]
        errors += [required(f"spec.{name}[{i}].image") for i, container in enumerate(after) if not container.image]
    errors += _validate_deadline(new.spec.active_deadline_seconds, old.spec.active_deadline_seconds)
    errors += _validate_only_added(new.spec.tolerations, old.spec.tolerations)
    errors += _validate_only_opened(new.spec.scheduling_gates, old.spec.scheduling_gates)
    munged = _without_changeable(new.spec, old.spec)
    if old.spec.scheduling_gates:
        errors += _validate_gated(new.spec, old.spec)
        munged = _without_placement(munged, old.spec)
    if munged != old.spec:
        errors.append(forbidden("spec", f"{_FIXED}\n{difference(shown_spec(old.spec), shown_spec(munged))}"))
    return errors


def _validate_mirror(new: Mapping[str, str], old: Mapping[str, str]) -> list[FieldError]:
    path = f"metadata.annotations[{MIRROR_ANNOTATION}]"
    if new.get(MIRROR_ANNOTATION) == old.get(MIRROR_ANNOTATION):
        return []
    if MIRROR_ANNOTATION in old:
        return [forbidden(path, "may not remove or update mirror pod annotation")]
    return [forbidden(path, "may not add mirror pod annotation")]


def _without_changeable(new: PodSpec, old: PodSpec) -> PodSpec:
    """Return the new spec with the fields that may change as they were."""
    update: dict[str, Any] = {
        "containers": _with_old_images(new.containers, old.containers),
        "init_containers": _with_old_images(new.init_containers, old.init_containers),
        "active_deadline_seconds": old.active_deadline_seconds,
        "tolerations": old.tolerations,
        "scheduling_gates": old.scheduling_gates,
    }
    if old.termination_grace_period_seconds < 0 and new.termination_grace_period_seconds == 1:
        update["termination_grace_period_seconds"] = old.termination_grace_period_seconds
    return new.model_copy(update=update)


def _with_old_images(new: Sequence[Container], old: Sequence[Container]) -> tuple[Container, ...]:
    return tuple(
        container.model_copy(update={"image": before.image}) for container, before in zip(new, old, strict=True)
    )


def _validate_deadline(new: int | None, old: int | None) -> list[FieldError]:
    path = "spec.activeDeadlineSeconds"
    if new is None:
        why = "must not update from a positive integer to nil value"
        return [invalid(path, None, why)] if old is not None else []
    if not 0 <= new <= MAX_ID:
        return [invalid(path, new, not_in_range(0, MAX_ID))]
    if old is not None and old < new:
        return [invalid(path, new, "must be less than or equal to previous value")]
    return []


def _validate_only_added(new: Sequence[Toleration], old: Sequence[Toleration]) -> list[FieldError]:
    path = "spec.tolerations"
    present = [toleration.model_copy(update={"toleration_seconds": None}) for toleration in new]
    if any(toleration.model_copy(update={"toleration_seconds": None}) not in present for toleration in old):
        return [forbidden(path, "existing toleration can not be modified except its tolerationSeconds")]
    return validate_tolerations(new, path)


def _validate_only_opened(new: Sequence[PodSchedulingGate], old: Sequence[PodSchedulingGate]) -> list[FieldError]:
    closed = {gate.name for gate in old}
    return [
        forbidden(
            f"spec.schedulingGates[{index}].name",
            f"only deletion is allowed, but found new scheduling gate '{gate.name}'",
        )
        for index, gate in enumerate(new)
        if gate.name not in closed
    ]


def _validate_gated(new: PodSpec, old: PodSpec) -> list[FieldError]:
    """Let a pod that no scheduler looks at yet be narrowed down to fewer nodes."""
    errors = []
    for key, value in old.node_selector.items():
        if new.node_selector.get(key) != value:
            why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
            errors.append(invalid("spec.nodeSelector", new.node_selector, why))
            break
    return errors + _validate_narrowed(_required_terms(new), _required_terms(old))


def _required_terms(spec: PodSpec) -> Sequence[NodeSelectorTerm]:
    affinity = _node_affinity(spec)
    required_terms = affinity.required_during_scheduling_ignored_during_execution if affinity is not None else None
    return required_terms.node_selector_terms if required_terms is not None else ()


def _node_affinity(spec: PodSpec) -> NodeAffinity | None:
    return spec.affinity.node_affinity if spec.affinity is not None else None


def _validate_narrowed(new: Sequence[NodeSelectorTerm], old: Sequence[NodeSelectorTerm]) -> list[FieldError]:
    path = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
    if not old:
        return []
    if len(new) != len(old):
        why = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"
        return [invalid(path, in_go(new), why)]
    errors = []
    for index, (after, before) in enumerate(zip(new, old, strict=True)):
        kept = _begins_with(after.match_expressions, before.match_expressions)
        if not kept or not _begins_with(after.match_fields, before.match_fields):
            why = "only additions are allowed (no mutations or deletions)"
            errors.append(invalid(f"{path}[{index}]", in_go(after), why))
    return errors


def _begins_with(new: Sequence[object], old: Sequence[object]) -> bool:
    return tuple(new[: len(old)]) == tuple(old)


def _without_placement(new: PodSpec, old: PodSpec) -> PodSpec:
    """Return the new spec with the old words on nodes."""
    affinity, wanted = new.affinity, _node_affinity(old)
    if affinity is not None:
        affinity = affinity.model_copy(update={"node_affinity": wanted})
    elif wanted is not None and old.affinity is not None:
        affinity = type(old.affinity)(node_affinity=wanted)
    if old.affinity is None and affinity is not None and affinity == type(affinity)():
        affinity = None
    return new.model_copy(update={"node_selector": old.node_selector, "affinity": affinity})


def shown_spec(spec: PodSpec) -> dict[str, Any]:
    """Return a spec as upstream shows it in a difference."""
    shown = {
        name: value for name, value in in_go(spec).items() if name not in ("ServiceAccount", *_IN_SECURITY_CONTEXT)
    }
    host = {
        "HostNetwork": spec.host_network,
        "HostPID": spec.host_pid,
        "HostIPC": spec.host_ipc,
        "ShareProcessNamespace": spec.share_process_namespace,
        "HostUsers": spec.host_users,
    }
    shown["SecurityContext"] = {**host, **shown["SecurityContext"]}
    return shown


def difference(old: Any, new: Any) -> str:
    """Write what differs between two values, line by line."""
    before, after = (_lines(value) for value in (old, new))
    return "".join(list(difflib.unified_diff(before, after, n=3))[2:])


def _lines(value: Any) -> list[str]:
    two = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    halved = (line[(len(line) - len(line.lstrip(" "))) // 2 :] for line in two.split("\n"))  # one space a level
    return [f"{line}\n" for line in halved]


def validate_ephemeral_update(new: Pod, old: Pod) -> list[FieldError]:
    """Return the faults of adding ephemeral containers; those that are there stay as they are."""
    if MIRROR_ANNOTATION in old.metadata.annotations:
        return [forbidden("", "static pods do not support ephemeral containers")]
    errors = validate_meta_update(new.metadata, old.metadata) + validate_pod_common(new)
    path, named = "spec.ephemeralContainers", {container.name: container for container in new.spec.ephemeral_containers}
    for before in old.spec.ephemeral_containers:
        after = named.get(before.name)
        opening = f'existing ephemeral containers "{before.name}"'
        if after is None:
            errors.append(forbidden(path, f"{opening} may not be removed\n"))
        elif after != before:
            errors.append(forbidden(path, f"{opening} may not be changed\n{difference(in_go(before), in_go(after))}"))
    return errors


def validate_resize(new: Pod, old: Pod) -> list[FieldError]:
    """Return the faults of giving a pod other amounts of CPU and memory."""
    if refusal := _unresizable(new, old):
        return [forbidden("", refusal)]
    errors = validate_meta_update(new.metadata, old.metadata) + validate_pod_common(new)
    if old.status.qos_class != qos_class(new):
        why = "Pod QOS Class may not change as a result of resizing"
        errors.append(invalid("spec", new.status.qos_class, why))
    running = next((s for s in old.status.container_statuses if s.state.running is not None), None)
    if running is not None and running.resources is None:
        errors.append(forbidden("spec", "Pod running on node without support for resize"))
    if reordered := _validate_order(new.spec, old.spec):
        return errors + reordered
    errors += _validate_amounts(new.spec, old.spec)
    munged, immutable = _with_old_amounts(new.spec, old.spec)
    errors += immutable
    if not errors and munged != old.spec:
        errors.append(forbidden("spec", "only cpu and memory resources are mutable"))
    return errors


def _unresizable(new: Pod, old: Pod) -> str:
    """Say why a pod cannot be resized at all."""
    if any(
        spec.resources is not None and (spec.resources.requests or spec.resources.limits)
        for spec in (new.spec, old.spec)
    ):
        return "pods with pod-level resources cannot be resized"
    if MIRROR_ANNOTATION in old.metadata.annotations:
        return "static pods cannot be resized"
    return "windows pods cannot be resized" if old.spec.os is not None and old.spec.os.name == "windows" else ""


def _validate_order(new: PodSpec, old: PodSpec) -> list[FieldError]:
    errors = []
    for name, after, before in (
        ("containers", new.containers, old.containers),
        ("initContainers", new.init_containers, old.init_containers),
    ):
        path = f"spec.{name}"
        if len(after) != len(before):
            errors.append(forbidden(path, f"{name} may not be added or removed on resize"))
            continue
        why = f"{name} may not be renamed or reordered on resize"
        pairs = enumerate(zip(after, before, strict=True))
        errors += [forbidden(f"{path}[{i}].name", why) for i, (one, other) in pairs if one.name != other.name]
    return errors


def _validate_amounts(new: PodSpec, old: PodSpec) -> list[FieldError]:
    errors = []
    for index, (after, before) in enumerate(zip(new.init_containers, old.init_containers, strict=True)):
        if is_sidecar(before):
            errors += _none_removed(after.resources, before.resources, f"spec.initContainers[{index}].resources")
    for index, (after, before) in enumerate(zip(new.containers, old.containers, strict=True)):
        errors += _none_removed(after.resources, before.resources, f"spec.containers[{index}].resources")
    return errors


def _none_removed(new: ResourceRequirements, old: ResourceRequirements, path: str) -> list[FieldError]:
    errors = []
    if old.requests.keys() - new.requests.keys():
        errors.append(forbidden(f"{path}.requests", "resource requests cannot be removed"))
    if old.limits.keys() - new.limits.keys():
        errors.append(forbidden(f"{path}.limits", "resource limits cannot be removed"))
    return errors


def _with_old_amounts(new: PodSpec, old: PodSpec) -> tuple[PodSpec, list[FieldError]]:
    """Return the new spec with the old amounts of CPU and memory, and the faults of containers that differ still."""
    errors = []
    containers = []
    for after, before in zip(new.containers, old.containers, strict=True):
        containers.append(_with_amounts_of(after, before))
        if containers[-1] != before:
            errors.append(forbidden("spec", "only cpu and memory resources are mutable"))
    init_containers = []
    for after, before in zip(new.init_containers, old.init_containers, strict=True):
        init_containers.append(_with_amounts_of(after, before) if is_sidecar(after) else after)
        if init_containers[-1] != before:
            sidecars = "only cpu and memory resources for sidecar containers are mutable"
            others = "resources for non-sidecar init containers are immutable"
            errors.append(forbidden("spec", sidecars if is_sidecar(after) else others))
    update = {"containers": tuple(containers), "init_containers": tuple(init_containers)}
    return new.model_copy(update=update), errors


def _with_amounts_of(new: Container, old: Container) -> Container:
    def merged(after: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
        if not before:
            return {}
        others = {name: amount for name, amount in after.items() if name not in RESIZABLE}
        return {**others, **{name: amount for name, amount in before.items() if name in RESIZABLE}}

    resources = new.resources.model_copy(
        update={
            "limits": merged(new.resources.limits, old.resources.limits),
            "requests": merged(new.resources.requests, old.resources.requests),
        }
    )
    return new.model_copy(update={"resources": resources})


RULES: Final = {Pod: Rules(validate_pod, validate_pod_update, validate_pod_status_update)}
