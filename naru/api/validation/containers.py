"""Validation of containers: names, images, ports, environment, resources, probes, rights.

Source: Kubernetes API reference, core/v1 Container; the texts are those of upstream's validation.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from naru.api.container_v1 import Container, ContainerPort, EnvFromSource, EnvVar, EnvVarSource, PullPolicy
from naru.api.errors import FieldError
from naru.api.field_errors import NEGATIVE, duplicate, each_invalid, forbidden, invalid, not_supported, required
from naru.api.model import IntOrString
from naru.api.names import check_config_key, check_env_name, check_id, check_label_key, check_port, check_port_name
from naru.api.pods import is_sidecar
from naru.api.probes_v1 import Lifecycle, LifecycleHandler, Probe, ProbeHandler
from naru.api.quantity import parse_quantity
from naru.api.refs_v1 import ConfigMapKeySelector, SecretKeySelector
from naru.api.resource_requirements_v1 import ResourceRequirements
from naru.api.security_v1 import SecurityContext
from naru.api.validation.meta import not_negative, one_of
from naru.api.validation.volumes import (
    given_fields,
    validate_dns_label,
    validate_field_ref,
    validate_mounts,
    validate_resource_ref,
)

ENV_FIELDS: Final = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
PROTOCOLS: Final = ("SCTP", "TCP", "UDP")
STANDARD_RESOURCES: Final = ("cpu", "memory", "ephemeral-storage")
_MESSAGE_POLICIES: Final = ("File", "FallbackToLogsOnError")
_ONE_SOURCE: Final = "may not have more than one field specified at a time"


def validate_containers(
    containers: Sequence[Container], volumes: Collection[str], path: str, taken: Collection[str] = ()
) -> list[FieldError]:
    """Return the faults of containers that run together; ``taken`` are the names of the pod's other containers."""
    errors, names = [], set(taken)
    for index, container in enumerate(containers):
        at = f"{path}[{index}]"
        errors += validate_dns_label(container.name, f"{at}.name")
        if container.name in names:
            errors.append(duplicate(f"{at}.name", container.name))
        names.add(container.name)
        errors += _validate_container(container, volumes, at)
    return errors


def validate_init_containers(
    containers: Sequence[Container], others: Iterable[Container], volumes: Collection[str], path: str
) -> list[FieldError]:
    """Return the faults of init containers; those that end have no use for probes and hooks."""
    errors = validate_containers(containers, volumes, path, {container.name for container in others})
    for index, container in enumerate(containers):
        errors += validate_host_ports([container], f"{path}[{index}].ports", indexed=False)
        if is_sidecar(container):
            why = "naru does not run sidecars yet: the init container would be waited for without end"
            errors.append(forbidden(f"{path}[{index}].restartPolicy", why))
            continue
        hooks = {
            "lifecycle": container.lifecycle,
            "livenessProbe": container.liveness_probe,
            "readinessProbe": container.readiness_probe,
            "startupProbe": container.startup_probe,
        }
        why = "may not be set for init containers without restartPolicy=Always"
        errors += [forbidden(f"{path}[{index}].{name}", why) for name, hook in hooks.items() if hook is not None]
    return errors


def _validate_container(container: Container, volumes: Collection[str], path: str) -> list[FieldError]:
    privileged = container.security_context is not None and container.security_context.privileged is True
    errors = [] if container.image else [required(f"{path}.image")]
    errors += _validate_ports(container.ports, f"{path}.ports")
    errors += _validate_env(container.env, f"{path}.env")
    errors += _validate_env_from(container.env_from, f"{path}.envFrom")
    errors += validate_mounts(container.volume_mounts, volumes, privileged=privileged, path=f"{path}.volumeMounts")
    errors += one_of(f"{path}.imagePullPolicy", container.image_pull_policy, PullPolicy)
    errors += validate_resources(container.resources, f"{path}.resources")
    errors += _validate_message_policy(container.termination_message_policy, f"{path}.terminationMessagePolicy")
    errors += _validate_probes(container, path)
    if container.lifecycle is not None:
        errors += _validate_lifecycle(container.lifecycle, f"{path}.lifecycle")
    if container.security_context is not None:
        errors += _validate_security(container.security_context, f"{path}.securityContext")
    return errors


def _validate_message_policy(policy: str, path: str) -> list[FieldError]:
    known = policy in _MESSAGE_POLICIES
    return [] if known else [invalid(path, policy, "must be 'File' or 'FallbackToLogsOnError'")]


def _validate_ports(ports: Sequence[ContainerPort], path: str) -> list[FieldError]:
    errors, names = [], set()
    for index, port in enumerate(ports):
        at = f"{path}[{index}]"
        if port.name:
            complaints = check_port_name(port.name)
            errors += each_invalid(f"{at}.name", port.name, complaints)
            if not complaints and port.name in names:
                errors.append(duplicate(f"{at}.name", port.name))
            names.add(port.name)
        errors += _validate_port(port.container_port, f"{at}.containerPort")
        errors += each_invalid(f"{at}.hostPort", port.host_port, check_port(port.host_port)) if port.host_port else []
        errors += one_of(f"{at}.protocol", port.protocol, PROTOCOLS)
    return errors


def _validate_port(port: IntOrString, path: str) -> list[FieldError]:
    if isinstance(port, str):
        return each_invalid(path, port, check_port_name(port))
    return each_invalid(path, port, check_port(port)) if port else [required(path)]


def validate_host_ports(containers: Iterable[Container], path: str, *, indexed: bool = True) -> list[FieldError]:
    """Return the host ports that two containers, which run at the same time, both want."""
    errors, taken = [], set()
    for index, container in enumerate(containers):
        for number, port in enumerate(container.ports):
            wanted = f"{port.protocol}/{port.host_ip}/{port.host_port}"
            if port.host_port and wanted in taken:
                ports = f"{path}[{index}].ports" if indexed else path
                errors.append(duplicate(f"{ports}[{number}].hostPort", wanted))
            taken.add(wanted)
    return errors


def _validate_env(variables: Sequence[EnvVar], path: str) -> list[FieldError]:
    errors = []
    for index, variable in enumerate(variables):
        at = f"{path}[{index}]"
        if not variable.name:
            errors.append(required(f"{at}.name"))
        else:
            errors += each_invalid(f"{at}.name", variable.name, check_env_name(variable.name))
        if variable.value_from is not None:
            errors += _validate_value_from(variable.value_from, bool(variable.value), f"{at}.valueFrom")
    return errors


def _validate_value_from(source: EnvVarSource, has_value: bool, path: str) -> list[FieldError]:
    errors = []
    if source.field_ref is not None:
        errors += validate_field_ref(source.field_ref, ENV_FIELDS, f"{path}.fieldRef")
    if source.resource_field_ref is not None:
        errors += validate_resource_ref(source.resource_field_ref, f"{path}.resourceFieldRef", in_volume=False)
    if source.config_map_key_ref is not None:
        errors += _validate_key_ref(source.config_map_key_ref, f"{path}.configMapKeyRef")
    if source.secret_key_ref is not None:
        errors += _validate_key_ref(source.secret_key_ref, f"{path}.secretKeyRef")
    given = given_fields(source)
    if not given:
        choices = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        errors.append(invalid(path, "", f"must specify one of: {choices}"))
    elif has_value:
        errors.append(invalid(path, "", "may not be specified when `value` is not empty"))
    elif len(given) > 1:
        errors.append(invalid(path, "", _ONE_SOURCE))
    return errors


def _validate_key_ref(ref: ConfigMapKeySelector | SecretKeySelector, path: str) -> list[FieldError]:
    errors = [] if ref.name else [required(f"{path}.name")]
    return errors + (
        each_invalid(f"{path}.key", ref.key, check_config_key(ref.key)) if ref.key else [required(f"{path}.key")]
    )


def _validate_env_from(sources: Sequence[EnvFromSource], path: str) -> list[FieldError]:
    errors = []
    for index, source in enumerate(sources):
        at = f"{path}[{index}]"
        if source.prefix:
            errors += each_invalid(f"{at}.prefix", source.prefix, check_env_name(source.prefix))
        if source.config_map_ref is not None and not source.config_map_ref.name:
            errors.append(required(f"{at}.configMapRef.name"))
        if source.secret_ref is not None and not source.secret_ref.name:
            errors.append(required(f"{at}.secretRef.name"))
        if source.config_map_ref is None and source.secret_ref is None:
            errors.append(invalid(at, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif source.config_map_ref is not None and source.secret_ref is not None:
            errors.append(invalid(at, "", _ONE_SOURCE))
    return errors


def validate_resources(resources: ResourceRequirements, path: str) -> list[FieldError]:
    """Return the faults of requests and limits."""
    errors = _validate_amounts(resources.limits, f"{path}.limits")
    errors += _validate_amounts(resources.requests, f"{path}.requests")
    for name, request in resources.requests.items():
        limit = resources.limits.get(name)
        if limit is not None and parse_quantity(request) > parse_quantity(limit):
            why = f"must be less than or equal to {name} limit of {limit}"
            errors.append(invalid(f"{path}.requests", request, why))
        elif limit is None and _is_extended(name):
            errors.append(required(f"{path}.limits", "Limit must be set for non overcommitable resources"))
    return errors


def _validate_amounts(amounts: Mapping[str, str], path: str) -> list[FieldError]:
    errors = []
    for name, quantity in amounts.items():
        at = f"{path}[{name}]"
        errors += each_invalid(at, name, check_label_key(name))
        if "/" not in name and name not in STANDARD_RESOURCES and not name.startswith("hugepages-"):
            errors.append(invalid(at, name, "must be a standard resource for containers"))
        amount = parse_quantity(quantity)
        if amount < 0:
            errors.append(invalid(at, quantity, NEGATIVE))
        if _is_extended(name) and amount != amount.to_integral_value():
            errors.append(invalid(at, quantity, "must be an integer"))
    return errors


def _is_extended(name: str) -> bool:
    """Tell whether a resource is neither the node's own nor Kubernetes' (a device, say), and so never overcommitted."""
    return "/" in name and not name.partition("/")[0].endswith("kubernetes.io")


def _validate_probes(container: Container, path: str) -> list[FieldError]:
    probes = {
        "livenessProbe": container.liveness_probe,
        "readinessProbe": container.readiness_probe,
        "startupProbe": container.startup_probe,
    }
    errors = []
    for name, probe in probes.items():
        if probe is None:
            continue
        errors += _validate_probe(probe, f"{path}.{name}")
        if name != "readinessProbe" and probe.success_threshold != 1:
            errors.append(invalid(f"{path}.{name}.successThreshold", probe.success_threshold, "must be 1"))
    return errors


def _validate_probe(probe: Probe, path: str) -> list[FieldError]:
    numbers = {
        "initialDelaySeconds": probe.initial_delay_seconds,
        "timeoutSeconds": probe.timeout_seconds,
        "periodSeconds": probe.period_seconds,
        "successThreshold": probe.success_threshold,
        "failureThreshold": probe.failure_threshold,
    }
    errors = _validate_handler(probe, path)
    return errors + [error for name, number in numbers.items() for error in not_negative(f"{path}.{name}", number)]


def _validate_handler(handler: ProbeHandler | LifecycleHandler, path: str) -> list[FieldError]:
    given = [name for name in given_fields(handler) if name in ("exec", "httpGet", "tcpSocket", "grpc", "sleep")]
    if not given:
        return [required(path, "must specify a handler type")]
    if len(given) > 1:
        return [forbidden(f"{path}.{name}", "may not specify more than 1 handler type") for name in given[1:]]
    if handler.exec is not None:
        return [] if handler.exec.command else [required(f"{path}.exec.command")]
    if handler.http_get is not None:
        return _validate_port(handler.http_get.port, f"{path}.httpGet.port")
    if handler.tcp_socket is not None:
        return _validate_port(handler.tcp_socket.port, f"{path}.tcpSocket.port")
    return []


def _validate_lifecycle(lifecycle: Lifecycle, path: str) -> list[FieldError]:
    hooks = {"postStart": lifecycle.post_start, "preStop": lifecycle.pre_stop}
    return [
        error for name, hook in hooks.items() if hook is not None for error in _validate_handler(hook, f"{path}.{name}")
    ]


def _validate_security(context: SecurityContext, path: str) -> list[FieldError]:
    errors = validate_ids(path, runAsUser=context.run_as_user, runAsGroup=context.run_as_group)
    if context.allow_privilege_escalation is False:
        why = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        if context.privileged:
            errors.append(invalid(path, context, why))
        elif context.capabilities is not None and "SYS_ADMIN" in (
            re.sub("^CAP_", "", c) for c in context.capabilities.add
        ):
            why = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
            errors.append(invalid(path, context, why))
    if context.proc_mount not in (None, "Default", "Unmasked"):
        errors.append(not_supported(f"{path}.procMount", context.proc_mount or "", ("Default", "Unmasked")))
    return errors


def validate_ids(path: str, **numbers: int | None) -> list[FieldError]:
    """Return the faults of user and group numbers, by the names of their fields."""
    return [
        error
        for name, number in numbers.items()
        if number is not None
        for error in each_invalid(f"{path}.{name}", number, check_id(number))
    ]
