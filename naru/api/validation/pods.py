"""Validation of pods and of the templates that pods are made from.

Source: Kubernetes API reference, core/v1 Pod; the texts are those of upstream's validation.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, Final

from naru.api.container_v1 import Container
from naru.api.errors import FieldError
from naru.api.field_errors import duplicate, each_invalid, forbidden, invalid, not_supported, required
from naru.api.identity import once_for_same
from naru.api.names import (
    MAX_ID,
    check_dns_label,
    check_dns_subdomain,
    check_label_key,
    check_label_value,
    check_sysctl_name,
    not_in_range,
)
from naru.api.node_v1 import TaintEffect
from naru.api.placement_v1 import Toleration
from naru.api.pod_status_v1 import ContainerStatus
from naru.api.pod_v1 import Binding, HostAlias, Pod, PodSpec, RestartPolicy
from naru.api.security_v1 import PodSecurityContext
from naru.api.validation.containers import (
    validate_containers,
    validate_host_ports,
    validate_ids,
    validate_init_containers,
)
from naru.api.validation.meta import not_negative, one_of, validate_labels, validate_meta, validate_meta_update
from naru.api.validation.rules import Rules
from naru.api.validation.volumes import validate_volumes
from naru.api.volumes_v1 import Volume

DNS_POLICIES: Final = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
SECCOMP_TYPES: Final = ("Localhost", "RuntimeDefault", "Unconfined")
_OPERATORS: Final = ("Equal", "Exists", "Lt", "Gt")
_SPACES: Final = "must not have leading or trailing whitespace"
_FIXED: Final = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def validate_pod(pod: Pod) -> list[FieldError]:
    """Return the faults of a new pod."""
    errors = validate_meta(pod.metadata, namespaced=True, check_name=check_dns_subdomain)
    errors += validate_pod_spec(pod.spec, "spec")
    errors += _validate_images(pod.spec.containers, "spec.containers")
    return errors + _validate_images(pod.spec.init_containers, "spec.initContainers")


def _validate_images(containers: Sequence[Container], path: str) -> list[FieldError]:
    return [
        invalid(f"{path}[{index}].image", container.image, _SPACES)
        for index, container in enumerate(containers)
        if container.image != container.image.strip()
    ]


def validate_pod_spec(spec: PodSpec, path: str) -> list[FieldError]:
    """Return the faults of a pod's spec, or of a template's."""
    errors = [*_validate_parts(spec.volumes, spec.containers, spec.init_containers, path)]
    errors += one_of(f"{path}.restartPolicy", spec.restart_policy, RestartPolicy)
    errors += one_of(f"{path}.dnsPolicy", spec.dns_policy, DNS_POLICIES)
    errors += validate_labels(spec.node_selector, f"{path}.nodeSelector")
    errors += _validate_security(spec, f"{path}.securityContext")
    errors += _validate_names(spec, path)
    errors += not_negative(f"{path}.terminationGracePeriodSeconds", spec.termination_grace_period_seconds)
    errors += _validate_deadline(spec.active_deadline_seconds, f"{path}.activeDeadlineSeconds", 1)
    errors += validate_tolerations(spec.tolerations, f"{path}.tolerations")
    errors += _validate_host_aliases(spec.host_aliases, f"{path}.hostAliases")
    return errors + _validate_host_network(spec, path)


@once_for_same(kept=128)
def _validate_parts(
    volumes: tuple[Volume, ...], containers: tuple[Container, ...], init_containers: tuple[Container, ...], path: str
) -> Sequence[FieldError]:
    """Return the faults of what pods of one template share, even when admission has changed the rest of their specs."""
    names = {volume.name for volume in volumes}
    errors = validate_volumes(volumes, f"{path}.volumes")
    errors += [] if containers else [required(f"{path}.containers")]
    errors += validate_containers(containers, names, f"{path}.containers")
    errors += validate_host_ports(containers, f"{path}.containers")
    return errors + validate_init_containers(init_containers, containers, names, f"{path}.initContainers")


def _validate_names(spec: PodSpec, path: str) -> list[FieldError]:
    names = (
        ("serviceAccountName", spec.service_account_name, check_dns_subdomain),
        ("nodeName", spec.node_name, check_dns_subdomain),
        ("hostname", spec.hostname, check_dns_label),
        ("subdomain", spec.subdomain, check_dns_label),
        ("priorityClassName", spec.priority_class_name, check_dns_subdomain),
        ("schedulerName", spec.scheduler_name, check_label_key),
    )
    return [
        error for name, value, check in names if value for error in each_invalid(f"{path}.{name}", value, check(value))
    ]


def _validate_deadline(seconds: int | None, path: str, lowest: int) -> list[FieldError]:
    if seconds is None or lowest <= seconds <= MAX_ID:
        return []
    return [invalid(path, seconds, not_in_range(lowest, MAX_ID))]


def _validate_host_network(spec: PodSpec, path: str) -> list[FieldError]:
    """On the host's network a container's port is the host's, so both numbers are the same."""
    if not spec.host_network:
        return []
    why = "must match `containerPort` when `hostNetwork` is true"
    return [
        invalid(f"{path}.containers[{index}].ports[{number}].hostPort", port.host_port, why)
        for index, container in enumerate(spec.containers)
        for number, port in enumerate(container.ports)
        if port.host_port not in (0, port.container_port)  # 0: a template, in which host ports are not filled in
    ]


def _validate_security(spec: PodSpec, path: str) -> list[FieldError]:
    context: PodSecurityContext = spec.security_context
    errors = validate_ids(
        path, runAsUser=context.run_as_user, runAsGroup=context.run_as_group, fsGroup=context.fs_group
    )
    for index, group in enumerate(context.supplemental_groups):
        errors += validate_ids(path, **{f"supplementalGroups[{index}]": group})
    names: set[str] = set()
    for index, sysctl in enumerate(context.sysctls):
        at = f"{path}.sysctls[{index}].name"
        errors += each_invalid(at, sysctl.name, check_sysctl_name(sysctl.name)) if sysctl.name else [required(at)]
        errors += [duplicate(at, sysctl.name)] if sysctl.name in names else []
        names.add(sysctl.name)
    if context.seccomp_profile is not None:
        errors += one_of(f"{path}.seccompProfile.type", context.seccomp_profile.type, SECCOMP_TYPES)
    if spec.share_process_namespace and spec.host_pid:
        why = "ShareProcessNamespace and HostPID cannot both be enabled"
        errors.append(invalid(f"{path}.shareProcessNamespace", True, why))
    return errors


def validate_tolerations(tolerations: Sequence[Toleration], path: str) -> list[FieldError]:
    """Return the faults of tolerations."""
    errors = []
    for index, toleration in enumerate(tolerations):
        errors += _validate_toleration(toleration, f"{path}[{index}]")
    return errors


def _validate_toleration(toleration: Toleration, path: str) -> list[FieldError]:
    errors = []
    if toleration.key:
        errors += each_invalid(f"{path}.key", toleration.key, check_label_key(toleration.key))
    elif toleration.operator != "Exists":
        why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        errors.append(invalid(f"{path}.operator", toleration.operator, why))
    if toleration.toleration_seconds is not None and toleration.effect != TaintEffect.NO_EXECUTE:
        why = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        errors.append(invalid(f"{path}.effect", toleration.effect, why))
    if toleration.operator in ("", "Equal"):
        errors += each_invalid(f"{path}.operator", toleration.value, check_label_value(toleration.value))
    elif toleration.operator == "Exists":
        why = "value must be empty when `operator` is 'Exists'"
        errors += [invalid(f"{path}.operator", toleration, why)] if toleration.value else []
    elif toleration.operator not in _OPERATORS:
        errors.append(not_supported(f"{path}.operator", toleration.operator, _OPERATORS[:2]))
    if toleration.effect:
        errors += one_of(f"{path}.effect", toleration.effect, TaintEffect)
    return errors


def _validate_host_aliases(aliases: Sequence[HostAlias], path: str) -> list[FieldError]:
    errors = []
    for index, alias in enumerate(aliases):
        try:
            ip_address(alias.ip)
        except ValueError:
            errors.append(
                invalid(
                    f"{path}[{index}].ip", alias.ip, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
                )
            )
        for number, hostname in enumerate(alias.hostnames):
            at = f"{path}[{index}].hostnames[{number}]"
            errors += each_invalid(at, hostname, check_dns_subdomain(hostname))
    return errors


def validate_pod_update(new: Pod, old: Pod) -> list[FieldError]:
    """Return the faults of changing a pod: little of its spec can change once it exists."""
    errors = validate_meta_update(new.metadata, old.metadata)
    errors += validate_meta(new.metadata, namespaced=True, check_name=check_dns_subdomain)
    for name, after, before in (
        ("containers", new.spec.containers, old.spec.containers),
        ("initContainers", new.spec.init_containers, old.spec.init_containers),
    ):
        path = f"spec.{name}"
        if len(after) != len(before):
            return [*errors, forbidden(path, "pod updates may not add or remove containers")]
        errors += [required(f"{path}[{i}].image") for i, container in enumerate(after) if not container.image]
        errors += _validate_images(after, path)
    errors += _validate_deadline_update(new.spec.active_deadline_seconds, old.spec.active_deadline_seconds)
    errors += _validate_only_added(new.spec.tolerations, old.spec.tolerations)
    if _without_changeable(new.spec, old.spec) != old.spec:
        errors.append(forbidden("spec", _FIXED + _differing(new.spec, old.spec)))
    return errors


def _without_changeable(new: PodSpec, old: PodSpec) -> PodSpec:
    """Return the new spec with the fields that may change as they were."""
    update: dict[str, Any] = {
        "containers": _with_old_images(new.containers, old.containers),
        "init_containers": _with_old_images(new.init_containers, old.init_containers),
        "active_deadline_seconds": old.active_deadline_seconds,
        "tolerations": old.tolerations,
    }
    if old.termination_grace_period_seconds < 0 and new.termination_grace_period_seconds == 1:
        update["termination_grace_period_seconds"] = old.termination_grace_period_seconds
    return new.model_copy(update=update)


def _with_old_images(new: Sequence[Container], old: Sequence[Container]) -> tuple[Container, ...]:
    return tuple(
        container.model_copy(update={"image": before.image}) for container, before in zip(new, old, strict=True)
    )


def _differing(new: PodSpec, old: PodSpec) -> str:
    """Name the fields that were not to change."""
    after, before = _without_changeable(new, old).wire(), old.wire()
    names = sorted(name for name in after.keys() | before.keys() if after.get(name) != before.get(name))
    return f": {', '.join(f'spec.{name}' for name in names)}"


def _validate_deadline_update(new: int | None, old: int | None) -> list[FieldError]:
    path = "spec.activeDeadlineSeconds"
    if new is None:
        why = "must not update from a positive integer to nil value"
        return [invalid(path, None, why)] if old is not None else []
    if errors := _validate_deadline(new, path, 0):
        return errors
    if old is not None and old < new:
        return [invalid(path, new, "must be less than or equal to previous value")]
    return []


def _validate_only_added(new: Sequence[Toleration], old: Sequence[Toleration]) -> list[FieldError]:
    path = "spec.tolerations"
    present = [toleration.model_copy(update={"toleration_seconds": None}) for toleration in new]
    if any(toleration.model_copy(update={"toleration_seconds": None}) not in present for toleration in old):
        return [forbidden(path, "existing toleration can not be modified except its tolerationSeconds")]
    return validate_tolerations(new, path)


def validate_pod_status_update(new: Pod, old: Pod) -> list[FieldError]:
    """Return the faults of a new status: what has ended for good cannot run again."""
    errors = validate_meta_update(new.metadata, old.metadata)
    if old.spec.restart_policy == RestartPolicy.ALWAYS:
        return errors
    sidecars = {c.name for c in old.spec.init_containers if c.restart_policy is not None}
    after, before = new.status, old.status
    errors += _validate_transitions(after.container_statuses, before.container_statuses, old, "containerStatuses")
    init_before = [status for status in before.init_container_statuses if status.name not in sidecars]
    return errors + _validate_transitions(after.init_container_statuses, init_before, old, "initContainerStatuses")


def _validate_transitions(
    new: Sequence[ContainerStatus], old: Sequence[ContainerStatus], pod: Pod, name: str
) -> list[FieldError]:
    running = {status.name for status in new if status.state.terminated is None}
    errors = []
    for index, status in enumerate(old):
        ended = status.state.terminated
        may_restart = ended is None or (ended.exit_code != 0 and pod.spec.restart_policy == RestartPolicy.ON_FAILURE)
        if not may_restart and status.name in running:
            why = "may not be transitioned to non-terminated state"
            errors.append(forbidden(f"status.{name}[{index}].state", why))
    return errors


def validate_binding(binding: Binding) -> list[FieldError]:
    """Return the faults of a binding."""
    errors = []
    if binding.target.kind not in ("", "Node"):
        errors.append(not_supported("target.kind", binding.target.kind, ("Node", "<empty>")))
    return errors if binding.target.name else [*errors, required("target.name")]


RULES: Final = {Pod: Rules(validate_pod, validate_pod_update, validate_pod_status_update)}
