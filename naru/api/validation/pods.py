"""Validation of pods and of the templates that pods are made from.

Source: Kubernetes API reference, core/v1 Pod; the texts are those of upstream's validation.
"""

from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Final

from naru.api.container_v1 import Container, EphemeralContainer
from naru.api.errors import FieldError
from naru.api.field_errors import duplicate, each_invalid, forbidden, in_go, invalid, not_supported, required, too_long
from naru.api.identity import once_for_same
from naru.api.names import (
    MAX_ID,
    check_dns_label,
    check_dns_subdomain,
    check_label_key,
    not_in_range,
)
from naru.api.pod_status_v1 import ContainerStatus
from naru.api.pod_v1 import Binding, HostAlias, Pod, PodDNSConfig, PodOS, PodResourceClaim, PodSpec, RestartPolicy
from naru.api.resource_requirements_v1 import ResourceRequirements
from naru.api.validation.containers import (
    PodFacts,
    validate_containers,
    validate_ephemeral_containers,
    validate_image,
    validate_init_containers,
    validate_resources,
)
from naru.api.validation.meta import one_of, validate_labels, validate_meta, validate_meta_update
from naru.api.validation.pod_placement import validate_affinity, validate_gates, validate_spread, validate_tolerations
from naru.api.validation.pod_resources import validate_pod_resources
from naru.api.validation.pod_security import (
    validate_host_process,
    validate_host_users,
    validate_pod_security,
    validate_system,
)
from naru.api.validation.volumes import validate_dns_label, validate_volumes
from naru.api.volumes_v1 import Volume

DNS_POLICIES: Final = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
PREEMPTION_POLICIES: Final = ("PreemptLowerPriority", "Never")
MAX_NAMESERVERS: Final = 3
MAX_SEARCHES: Final = 32
MAX_SEARCH_CHARACTERS: Final = 2048
MAX_HOSTNAME: Final = 64
_ADDRESS: Final = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"


def validate_pod(pod: Pod) -> list[FieldError]:
    """Return the faults of a new pod."""
    errors = validate_pod_common(pod)
    if pod.spec.ephemeral_containers:
        errors.append(forbidden("spec.ephemeralContainers", "cannot be set on create"))
    if pod.spec.node_name and pod.spec.scheduling_gates:
        errors.append(forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"))
    return errors


def validate_pod_common(pod: Pod) -> list[FieldError]:
    """Return the faults that a pod can have at any time of its life."""
    errors = validate_meta(pod.metadata, namespaced=True, check_name=check_dns_subdomain)
    errors += validate_pod_spec(pod.spec, "spec")
    for index, container in enumerate(pod.spec.containers):
        errors += validate_image(container, f"spec.containers[{index}]")
    for index, container in enumerate(pod.spec.init_containers):
        errors += validate_image(container, f"spec.initContainers[{index}]")
    return errors


def validate_pod_spec(spec: PodSpec, path: str) -> list[FieldError]:
    """Return the faults of a pod's spec, or of a template's."""
    errors = [*_validate_parts(*(getattr(spec, name) for name in _PARTS), path)]
    errors += validate_pod_resources(spec, path)
    errors += _validate_host_network(spec, path)
    errors += one_of(f"{path}.restartPolicy", spec.restart_policy, RestartPolicy)
    errors += one_of(f"{path}.dnsPolicy", spec.dns_policy, DNS_POLICIES)
    errors += validate_labels(spec.node_selector, f"{path}.nodeSelector")
    errors += validate_pod_security(spec, f"{path}.securityContext")
    errors += validate_affinity(spec.affinity, f"{path}.affinity") if spec.affinity is not None else []
    errors += _validate_dns(spec.dns_config, spec.dns_policy, f"{path}.dnsConfig")
    for index, gate in enumerate(spec.readiness_gates):
        at = f"{path}.readinessGates[{index}].conditionType"
        errors += each_invalid(at, gate.condition_type, check_label_key(gate.condition_type))
    errors += validate_gates(spec.scheduling_gates, f"{path}.schedulingGates")
    errors += validate_spread(spec.topology_spread_constraints, f"{path}.topologySpreadConstraints")
    errors += validate_host_process(spec, path)
    errors += validate_host_users(spec, path)
    errors += _validate_hostname(spec, f"{path}.hostnameOverride")
    return errors + _validate_rest(spec, path)


_PARTS: Final = (
    "volumes",
    "resource_claims",
    "containers",
    "init_containers",
    "ephemeral_containers",
    "termination_grace_period_seconds",
    "restart_policy",
    "host_users",
    "os",
)  # what containers are made of, and what has a say in how they may be; most pods of a workload have the very same


@once_for_same(kept=128)
def _validate_parts(
    volumes: tuple[Volume, ...],
    claims: tuple[PodResourceClaim, ...],
    containers: tuple[Container, ...],
    init_containers: tuple[Container, ...],
    ephemeral_containers: tuple[EphemeralContainer, ...],
    grace_s: int,
    restart_policy: str,
    host_users: bool | None,
    system: PodOS | None,
    path: str,
) -> Sequence[FieldError]:
    facts = PodFacts(
        volumes={volume.name: volume for volume in volumes},
        claims=[claim.name for claim in claims if claim.name],
        grace_s=grace_s,
        restart_policy=restart_policy,
        host_users=host_users is not False,
        system=system.name if system is not None else "",
    )
    errors = validate_volumes(volumes, f"{path}.volumes")
    errors += _validate_claims(claims, f"{path}.resourceClaims")
    errors += [] if containers else [required(f"{path}.containers")]
    errors += validate_containers(containers, facts, f"{path}.containers")
    errors += validate_init_containers(init_containers, containers, facts, f"{path}.initContainers")
    at = f"{path}.ephemeralContainers"
    return errors + validate_ephemeral_containers(ephemeral_containers, (*containers, *init_containers), facts, at)


def _validate_rest(spec: PodSpec, path: str) -> list[FieldError]:
    """Check what stands on its own, in upstream's order."""
    errors = _validate_names(
        spec, path, (("serviceAccountName", check_dns_subdomain), ("nodeName", check_dns_subdomain))
    )
    seconds = spec.active_deadline_seconds
    if seconds is not None and not 1 <= seconds <= MAX_ID:
        errors.append(invalid(f"{path}.activeDeadlineSeconds", seconds, not_in_range(1, MAX_ID)))
    errors += _validate_names(spec, path, (("hostname", check_dns_label), ("subdomain", check_dns_label)))
    errors += validate_tolerations(spec.tolerations, f"{path}.tolerations")
    errors += _validate_host_aliases(spec.host_aliases, f"{path}.hostAliases")
    names = (("priorityClassName", check_dns_subdomain), ("runtimeClassName", check_dns_subdomain))
    errors += _validate_names(spec, path, names)
    policy = spec.preemption_policy
    errors += one_of(f"{path}.preemptionPolicy", policy, PREEMPTION_POLICIES) if policy is not None else []
    errors += validate_resources(ResourceRequirements(limits=spec.overhead), f"{path}.overhead")
    return errors + validate_system(spec, path)


_ATTRIBUTES: Final = {
    "serviceAccountName": "service_account_name",
    "nodeName": "node_name",
    "hostname": "hostname",
    "subdomain": "subdomain",
    "priorityClassName": "priority_class_name",
    "runtimeClassName": "runtime_class_name",
}


def _validate_names(
    spec: PodSpec, path: str, names: Sequence[tuple[str, Callable[[str], list[str]]]]
) -> list[FieldError]:
    errors = []
    for name, check in names:
        if value := getattr(spec, _ATTRIBUTES[name]):
            errors += each_invalid(f"{path}.{name}", value, check(value))
    return errors


def _validate_claims(claims: Sequence[PodResourceClaim], path: str) -> list[FieldError]:
    errors, names = [], set()
    for index, claim in enumerate(claims):
        at = f"{path}[{index}]"
        if claim.name in names:
            errors.append(duplicate(f"{at}.name", claim.name))
        else:
            errors += validate_dns_label(claim.name, f"{at}.name")
        names |= {claim.name} - {""}
        made, template = claim.resource_claim_name, claim.resource_claim_template_name
        if made is not None and template is not None:
            why = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            errors.append(invalid(at, in_go(claim), why))
        if made is None and template is None:
            why = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            errors.append(invalid(at, in_go(claim), why))
        for name, value in (("resourceClaimName", made), ("resourceClaimTemplateName", template)):
            errors += each_invalid(f"{at}.{name}", value, check_dns_subdomain(value)) if value is not None else []
    return errors


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


def _validate_dns(config: PodDNSConfig | None, policy: str, path: str) -> list[FieldError]:
    if policy == "None" and config is None:
        return [required(path, "must provide `dnsConfig` when `dnsPolicy` is None")]
    if policy == "None" and config is not None and not config.nameservers:
        why = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        return [required(f"{path}.nameservers", why)]
    if config is None:
        return []
    errors = _validate_nameservers(config.nameservers, f"{path}.nameservers")
    errors += _validate_searches(config.searches, f"{path}.searches")
    for index, option in enumerate(config.options):
        errors += [] if option.name else [required(f"{path}.options[{index}]", "must not be empty")]
    return errors


def _validate_nameservers(servers: Sequence[str], path: str) -> list[FieldError]:
    errors = []
    if len(servers) > MAX_NAMESERVERS:
        errors.append(invalid(path, list(servers), f"must not have more than {MAX_NAMESERVERS} nameservers"))
    for index, server in enumerate(servers):
        errors += _validate_address(server, f"{path}[{index}]")
    return errors


def _validate_searches(searches: Sequence[str], path: str) -> list[FieldError]:
    errors = []
    if len(searches) > MAX_SEARCHES:
        errors.append(invalid(path, list(searches), f"must not have more than {MAX_SEARCHES} search paths"))
    if len(" ".join(searches)) > MAX_SEARCH_CHARACTERS:
        why = f"must not have more than {MAX_SEARCH_CHARACTERS} characters (including spaces) in the search list"
        errors.append(invalid(path, list(searches), why))
    for index, search in enumerate(searches):
        name = search.removesuffix(".")
        if search != ".":  # underscores are taken here, as in names of SRV records
            errors += each_invalid(f"{path}[{index}]", name, check_dns_subdomain(name.replace("_", "a")))
    return errors


def _validate_address(address: str, path: str) -> list[FieldError]:
    try:
        ip_address(address)
    except ValueError:
        return [invalid(path, address, _ADDRESS)]
    return []


def _validate_hostname(spec: PodSpec, path: str) -> list[FieldError]:
    name = spec.hostname_override
    if name is None:
        return []
    errors = []
    if spec.set_hostname_as_fqdn:
        errors.append(forbidden(path, "may not be specified when setHostnameAsFQDN is true"))
    if spec.host_network:
        errors.append(forbidden(path, "may not be specified when hostNetwork is true"))
    errors += [too_long(path, MAX_HOSTNAME)] if len(name) > MAX_HOSTNAME else []
    return errors + each_invalid(path, name, check_dns_subdomain(name))


def _validate_host_aliases(aliases: Sequence[HostAlias], path: str) -> list[FieldError]:
    errors = []
    for index, alias in enumerate(aliases):
        errors += _validate_address(alias.ip, f"{path}[{index}].ip")
        for number, hostname in enumerate(alias.hostnames):
            at = f"{path}[{index}].hostnames[{number}]"
            errors += each_invalid(at, hostname, check_dns_subdomain(hostname))
    return errors


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
