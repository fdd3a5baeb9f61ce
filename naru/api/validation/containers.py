"""Validation of containers: names, images, ports, environment, resources, probes, rights.

Source: Kubernetes API reference, core/v1 Container; the texts are those of upstream's validation.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from naru.api.container_v1 import (
    Container,
    ContainerPort,
    ContainerResizePolicy,
    ContainerRestartRule,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    EphemeralContainer,
    PullPolicy,
)
from naru.api.errors import FieldError
from naru.api.field_errors import (
    NEGATIVE,
    duplicate,
    each_invalid,
    forbidden,
    invalid,
    not_found,
    not_supported,
    required,
    too_long,
)
from naru.api.names import check_config_key, check_env_name, check_label_key, check_port, check_port_name
from naru.api.pods import is_sidecar
from naru.api.quantity import parse_quantity
from naru.api.refs_v1 import ConfigMapKeySelector, SecretKeySelector
from naru.api.resource_requirements_v1 import ResourceClaim, ResourceRequirements
from naru.api.validation.meta import one_of
from naru.api.validation.mounts import validate_devices, validate_mounts
from naru.api.validation.pod_security import validate_security
from naru.api.validation.probes import validate_lifecycle, validate_probes
from naru.api.validation.volumes import (
    given_fields,
    validate_dns_label,
    validate_field_ref,
    validate_resource_ref,
)
from naru.api.volumes_v1 import Volume

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
RESIZABLE: Final = ("cpu", "memory")
_MESSAGE_POLICIES: Final = ("File", "FallbackToLogsOnError")
_RESIZE_POLICIES: Final = ("NotRequired", "RestartContainer")
_RESTART_POLICIES: Final = ("Always", "Never", "OnFailure")
_RULE_ACTIONS: Final = ("Restart", "RestartAllContainers")
_CODE_OPERATORS: Final = ("In", "NotIn")
_MAX_RULES: Final = 20
_MAX_CODES: Final = 255
_FOR_EPHEMERAL: Final = "cannot be set for an Ephemeral Container"
_NOT_EPHEMERAL: Final = (
    ("ports", "ports"),
    ("resources", "resources"),
    ("resizePolicy", "resize_policy"),
    ("restartPolicy", "restart_policy"),
    ("restartPolicyRules", "restart_policy_rules"),
    ("livenessProbe", "liveness_probe"),
    ("readinessProbe", "readiness_probe"),
    ("startupProbe", "startup_probe"),
    ("lifecycle", "lifecycle"),
)  # what an ephemeral container cannot have: name on the wire, attribute
_NOTHING: Final = (None, (), ResourceRequirements())
_ONE_SOURCE: Final = "may not have more than one field specified at a time"


@dataclass(frozen=True)
class PodFacts:
    """What a container has to fit: the rest of its pod."""

    volumes: Mapping[str, Volume]
    claims: Collection[str]
    grace_s: int
    restart_policy: str
    host_users: bool
    system: str  # the operating system that the pod names; empty: none


def validate_containers(containers: Sequence[Container], facts: PodFacts, path: str) -> list[FieldError]:
    """Return the faults of containers that run together."""
    errors, names = [], set()
    for index, container in enumerate(containers):
        at = f"{path}[{index}]"
        errors += validate_container(container, facts, at)
        errors += [duplicate(f"{at}.name", container.name)] if container.name in names else []
        names.add(container.name)
        errors += _validate_hooks(container, facts, at)
        errors += _validate_restart_policy(container, at)
    return errors + validate_host_ports(containers, path)


def validate_init_containers(
    containers: Sequence[Container], others: Iterable[Container], facts: PodFacts, path: str
) -> list[FieldError]:
    """Return the faults of init containers; those that end have no use for probes and hooks."""
    errors, names = [], {container.name for container in others}
    for index, container in enumerate(containers):
        at = f"{path}[{index}]"
        errors += validate_container(container, facts, at)
        if is_sidecar(container):
            why = "naru does not run sidecars yet: the init container would be waited for without end"
            errors.append(forbidden(f"{at}.restartPolicy", why))
        elif container.restart_policy is not None:
            errors += _validate_restart_policy(container, at)
        errors += [duplicate(f"{at}.name", container.name)] if container.name in names else []
        names |= {container.name} - {""}
        errors += validate_host_ports([container], path)
        errors += _validate_hooks(container, facts, at) if is_sidecar(container) else _without_hooks(container, at)
    return errors


def _without_hooks(container: Container, path: str) -> list[FieldError]:
    hooks = {
        "lifecycle": container.lifecycle,
        "livenessProbe": container.liveness_probe,
        "readinessProbe": container.readiness_probe,
        "startupProbe": container.startup_probe,
    }
    why = "may not be set for init containers without restartPolicy=Always"
    return [forbidden(f"{path}.{name}", why) for name, hook in hooks.items() if hook is not None]


def validate_ephemeral_containers(
    containers: Sequence[EphemeralContainer], others: Iterable[Container], facts: PodFacts, path: str
) -> list[FieldError]:
    """Return the faults of containers that are added to look into a running pod."""
    targets = {container.name for container in others}
    errors, names = [], set(targets)
    for index, container in enumerate(containers):
        at = f"{path}[{index}]"
        errors += validate_container(container, facts, at) + validate_image(container, at)
        errors += [duplicate(f"{at}.name", container.name)] if container.name in names else []
        names.add(container.name)
        target = container.target_container_name
        errors += [not_found(f"{at}.targetContainerName", target)] if target and target not in targets else []
        given = [name for name, attribute in _NOT_EPHEMERAL if getattr(container, attribute) not in _NOTHING]
        errors += [forbidden(f"{at}.{name}", _FOR_EPHEMERAL) for name in given]
        for number, mount in enumerate(container.volume_mounts):
            parts = (("subPath", mount.sub_path), ("subPathExpr", mount.sub_path_expr))
            mounted = f"{at}.volumeMounts[{number}]"
            errors += [forbidden(f"{mounted}.{name}", _FOR_EPHEMERAL) for name, value in parts if value]
    return errors


def validate_image(container: Container, path: str) -> list[FieldError]:
    """Return the fault of an image with spaces around it; a template may have one."""
    if container.image == container.image.strip():
        return []
    return [invalid(f"{path}.image", container.image, "must not have leading or trailing whitespace")]


def validate_container(container: Container, facts: PodFacts, path: str) -> list[FieldError]:
    """Return the faults that any kind of container can have."""
    privileged = container.security_context is not None and container.security_context.privileged is True
    errors = validate_dns_label(container.name, f"{path}.name")
    errors += [] if container.image else [required(f"{path}.image")]
    errors += one_of(f"{path}.terminationMessagePolicy", container.termination_message_policy, _MESSAGE_POLICIES)
    errors += _validate_ports(container.ports, f"{path}.ports")
    errors += _validate_env(container.env, f"{path}.env")
    errors += _validate_env_from(container.env_from, f"{path}.envFrom")
    mounts, devices = container.volume_mounts, container.volume_devices
    errors += validate_mounts(mounts, devices, facts.volumes, privileged=privileged, path=f"{path}.volumeMounts")
    errors += validate_devices(devices, mounts, facts.volumes, f"{path}.volumeDevices")
    errors += one_of(f"{path}.imagePullPolicy", container.image_pull_policy, PullPolicy)
    errors += validate_resources(container.resources, f"{path}.resources")
    errors += _validate_claims(container.resources.claims, facts.claims, f"{path}.resources.claims")
    errors += _validate_resize_policy(container.resize_policy, facts.restart_policy, f"{path}.resizePolicy")
    if container.security_context is not None:
        at = f"{path}.securityContext"
        errors += validate_security(container.security_context, at, host_users=facts.host_users)
    return errors


def _validate_claims(claims: Sequence[ResourceClaim], known: Collection[str], path: str) -> list[FieldError]:
    errors, seen = [], set()
    for index, claim in enumerate(claims):
        at, key = f"{path}[{index}]", f"{claim.name}/{claim.request}".removesuffix("/")
        if not claim.name:
            errors.append(required(at))
            continue
        if claim.request:
            errors += validate_dns_label(claim.request, f"{at}.request")
        errors += [duplicate(at, key)] if key in seen or claim.name in seen else []
        seen.add(key)
        if claim.name not in known:
            listed = ": " + ", ".join(sorted(known)) if known else " which is empty"
            errors.append(not_found(at, claim.name, f"must be one of the names in pod.spec.resourceClaims{listed}"))
    return errors


def _validate_resize_policy(
    policies: Sequence[ContainerResizePolicy], restart_policy: str, path: str
) -> list[FieldError]:
    errors, seen = [], set()
    for index, policy in enumerate(policies):
        errors += [duplicate(f"{path}[{index}]", policy.resource_name)] if policy.resource_name in seen else []
        seen.add(policy.resource_name)
        errors += one_of(path, policy.resource_name, RESIZABLE)
        errors += one_of(path, policy.restart_policy, _RESIZE_POLICIES)
        if restart_policy == "Never" and policy.restart_policy != "NotRequired":
            why = "must be 'NotRequired' when `restartPolicy` is 'Never'"
            errors.append(invalid(path, policy.restart_policy, why))
    return errors


def _validate_restart_policy(container: Container, path: str) -> list[FieldError]:
    policy, rules = container.restart_policy, container.restart_policy_rules
    errors = []
    if policy is None and rules:
        why = "must specify restartPolicy when restart rules are used"
        errors.append(required(f"{path}.restartPolicy", why))
    elif policy is not None and policy not in _RESTART_POLICIES:
        errors.append(not_supported(f"{path}.restartPolicy", policy, _RESTART_POLICIES))
    if len(rules) > _MAX_RULES:
        errors.append(too_long(f"{path}.restartPolicyRules", _MAX_RULES))
    for index, rule in enumerate(rules):
        errors += _validate_restart_rule(rule, f"{path}.restartPolicyRules[{index}]")
    return errors


def _validate_restart_rule(rule: ContainerRestartRule, path: str) -> list[FieldError]:
    errors = [] if rule.action in _RULE_ACTIONS else [not_supported(f"{path}.action", rule.action, _RULE_ACTIONS)]
    if rule.exit_codes is None:
        return [*errors, required(f"{path}.exitCodes", "must be specified")]
    operator, at = rule.exit_codes.operator, f"{path}.exitCodes"
    if operator not in _CODE_OPERATORS:
        errors.append(not_supported(f"{at}.operator", operator, _CODE_OPERATORS))
    too_many = len(rule.exit_codes.values) > _MAX_CODES
    return [*errors, too_long(f"{at}.values", _MAX_CODES)] if too_many else errors


def _validate_hooks(container: Container, facts: PodFacts, path: str) -> list[FieldError]:
    errors = []
    if container.lifecycle is not None:
        errors += validate_lifecycle(container.lifecycle, facts.grace_s, facts.system, f"{path}.lifecycle")
    return errors + validate_probes(container, facts.grace_s, path)


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


def _validate_port(port: int, path: str) -> list[FieldError]:
    return each_invalid(path, port, check_port(port)) if port else [required(path)]


def validate_host_ports(containers: Iterable[Container], path: str) -> list[FieldError]:
    """Return the host ports that two containers, which run at the same time, both want."""
    errors, taken = [], set()
    for index, container in enumerate(containers):
        for number, port in enumerate(container.ports):
            wanted = f"{port.protocol}/{port.host_ip}/{port.host_port}"
            if port.host_port and wanted in taken:
                errors.append(duplicate(f"{path}[{index}].ports[{number}].hostPort", wanted))
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
            errors.append(invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif source.config_map_ref is not None and source.secret_ref is not None:
            errors.append(invalid(path, "", _ONE_SOURCE))
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
