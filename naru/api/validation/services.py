"""Validation of Services.

The address fields hang together so closely that they have a part of their own: :mod:`service_addresses`.

Source: Kubernetes API reference, core/v1 Service; the texts are those of upstream's validation.
"""

from collections.abc import Sequence
from typing import Final

from naru.api.defaults.services import is_externally_accessible
from naru.api.errors import FieldError
from naru.api.field_errors import duplicate, each_invalid, forbidden, invalid, not_supported, quoted, required
from naru.api.ip_addresses import check_cidr, check_endpoint_ip, check_ip, parse_ip
from naru.api.model import IntOrString
from naru.api.names import (
    check_dns_label,
    check_dns_subdomain,
    check_label_key,
    check_port,
    check_port_name,
    check_rfc_1035_label,
)
from naru.api.service_v1 import LoadBalancerStatus, Service, ServicePort, ServiceSpec
from naru.api.validation.meta import one_of, validate_labels, validate_meta, validate_meta_update
from naru.api.validation.rules import Rules
from naru.api.validation.service_addresses import is_headless, validate_addresses, validate_addresses_update

PROTOCOLS: Final = ("SCTP", "TCP", "UDP")
TYPES: Final = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
POLICIES: Final = ("Cluster", "Local")
DISTRIBUTIONS: Final = ("PreferClose", "PreferSameZone", "PreferSameNode")
MAX_AFFINITY_SECONDS: Final = 86400
HINTS: Final = "service.kubernetes.io/topology-aware-hints"
TOPOLOGY_MODE: Final = "service.kubernetes.io/topology-mode"
SOURCE_RANGES: Final = "service.beta.kubernetes.io/load-balancer-source-ranges"
_ONLY_BALANCER: Final = "may only be used when `type` is 'LoadBalancer'"


def validate_service(service: Service, old: Service | None = None) -> list[FieldError]:
    """Return the faults of a Service; addresses that it had before (``old``) are not judged again."""
    spec, annotations = service.spec, service.metadata.annotations
    errors = validate_meta(service.metadata, namespaced=True, check_name=check_rfc_1035_label)
    mode = annotations.get(TOPOLOGY_MODE)
    if mode is not None and annotations.get(HINTS, mode) != mode:
        why = f"must match annotations[{HINTS}] when both are specified"
        errors.append(invalid(f"metadata.annotations[{TOPOLOGY_MODE}]", mode, why))
    errors += _validate_type_needs(spec)
    errors += _validate_ports(spec)
    errors += validate_labels(spec.selector, "spec.selector")
    errors += _validate_affinity(spec)
    errors += validate_addresses(spec, old.spec if old is not None else None)
    errors += _validate_external_ips(spec, old.spec.external_ips if old is not None else ())
    errors += one_of("spec.type", spec.type, TYPES)
    errors += _validate_node_ports(spec)
    errors += _validate_same_ports(spec)
    errors += _validate_source_ranges(service, old)
    errors += _validate_balancer_fields(spec)
    errors += _validate_policies(spec)
    return errors


def needs_health_check(spec: ServiceSpec) -> bool:
    """Tell whether a load balancer asks the nodes if they have pods of a Service."""
    return spec.type == "LoadBalancer" and spec.external_traffic_policy == "Local"


def _validate_type_needs(spec: ServiceSpec) -> list[FieldError]:
    errors = []
    if not spec.ports and not is_headless(spec) and spec.type != "ExternalName":
        errors.append(required("spec.ports"))
    if spec.type in ("LoadBalancer", "NodePort") and is_headless(spec):
        why = f"may not be set to 'None' for {spec.type} services"
        errors.append(invalid("spec.clusterIPs[0]", spec.cluster_ips[0], why))
    if spec.type == "ExternalName":
        errors += _validate_external_name(spec)
    return errors


def _validate_external_name(spec: ServiceSpec) -> list[FieldError]:
    given = {
        "clusterIPs": bool(spec.cluster_ips),
        "ipFamilies": bool(spec.ip_families),
        "ipFamilyPolicy": spec.ip_family_policy is not None,
    }
    why = "may not be set for ExternalName services"
    errors = [forbidden(f"spec.{name}", why) for name, is_given in given.items() if is_given]
    name = spec.external_name.removesuffix(".")
    if not name:
        return [*errors, required("spec.externalName")]
    return errors + each_invalid("spec.externalName", name, check_dns_subdomain(name))


def _validate_ports(spec: ServiceSpec) -> list[FieldError]:
    errors, names = [], set()
    for index, port in enumerate(spec.ports):
        at = f"spec.ports[{index}]"
        if port.name:
            errors += each_invalid(f"{at}.name", port.name, check_dns_label(port.name))
            errors += [duplicate(f"{at}.name", port.name)] if port.name in names else []
            names.add(port.name)
        elif len(spec.ports) > 1:
            errors.append(required(f"{at}.name"))
        errors += each_invalid(f"{at}.port", port.port, check_port(port.port))
        errors += one_of(f"{at}.protocol", port.protocol, PROTOCOLS)
        errors += validate_port_reference(port.target_port, f"{at}.targetPort")
        if port.app_protocol is not None:
            errors += each_invalid(f"{at}.appProtocol", port.app_protocol, check_label_key(port.app_protocol))
    return errors


def validate_port_reference(port: IntOrString, path: str) -> list[FieldError]:
    """Return the faults of a port's number or name."""
    return each_invalid(path, port, check_port(port) if isinstance(port, int) else check_port_name(port))


def _validate_affinity(spec: ServiceSpec) -> list[FieldError]:
    errors = one_of("spec.sessionAffinity", spec.session_affinity, ("ClientIP", "None"))
    path, config = "spec.sessionAffinityConfig", spec.session_affinity_config
    if spec.session_affinity == "None" and config is not None:
        return [*errors, forbidden(path, "must not be set when session affinity is None")]
    if spec.session_affinity != "ClientIP":
        return errors
    why = "when session affinity type is ClientIP"
    if config is None:
        return [*errors, required(path, why)]
    if config.client_ip is None:
        return [*errors, required(f"{path}.clientIP", why)]
    seconds, at = config.client_ip.timeout_seconds, f"{path}.clientIP.timeoutSeconds"
    if seconds is None:
        return [*errors, required(at, why)]
    if not 0 < seconds <= MAX_AFFINITY_SECONDS:
        errors.append(invalid(at, seconds, f"must be greater than 0 and less than {MAX_AFFINITY_SECONDS}"))
    return errors


def _validate_external_ips(spec: ServiceSpec, kept: Sequence[str]) -> list[FieldError]:
    errors = []
    for index, address in enumerate(spec.external_ips):
        complaints = check_ip(address, kept=kept) or check_endpoint_ip(address)
        errors += each_invalid(f"spec.externalIPs[{index}]", address, complaints)
    return errors


def _validate_node_ports(spec: ServiceSpec) -> list[FieldError]:
    errors, seen = [], set()
    for index, port in enumerate(spec.ports):
        if port.node_port and spec.type == "ClusterIP":
            why = "may not be used when `type` is 'ClusterIP'"
            errors.append(forbidden(f"spec.ports[{index}].nodePort", why))
    for index, port in enumerate(spec.ports):
        key = (port.protocol, port.node_port)
        if port.node_port and key in seen:
            errors.append(duplicate(f"spec.ports[{index}].nodePort", port.node_port))
        seen.add(key)
    return errors


def _validate_same_ports(spec: ServiceSpec) -> list[FieldError]:
    errors, seen = [], set()
    for index, port in enumerate(spec.ports):
        key = (port.protocol, port.port)
        if key in seen:
            errors.append(FieldError(f"spec.ports[{index}]", "FieldValueDuplicate", _as_upstream_shows(port)))
        seen.add(key)
    return errors


def _as_upstream_shows(port: ServicePort) -> str:
    """Write the port as upstream does, by the fields of its internal type."""
    shown = {"Name": "", "Protocol": port.protocol, "AppProtocol": None, "Port": port.port}
    return f"Duplicate value: {quoted({**shown, 'TargetPort': 0, 'NodePort': 0})}"


def _validate_source_ranges(service: Service, old: Service | None) -> list[FieldError]:
    spec, errors = service.spec, []
    noted = service.metadata.annotations.get(SOURCE_RANGES)
    path = "spec.LoadBalancerSourceRanges" if noted is None else f"metadata.annotations[{SOURCE_RANGES}]"
    if spec.load_balancer_source_ranges:
        path = "spec.LoadBalancerSourceRanges"
    elif noted is None:
        return []
    if spec.type != "LoadBalancer":
        errors.append(forbidden(path, _ONLY_BALANCER))
    if spec.load_balancer_source_ranges:
        kept = [cidr.strip() for cidr in old.spec.load_balancer_source_ranges] if old is not None else []
        for index, cidr in enumerate(map(str.strip, spec.load_balancer_source_ranges)):
            errors += each_invalid(f"{path}[{index}]", cidr, check_cidr(cidr, kept=kept))
    elif noted and noted.strip() and (old is None or old.metadata.annotations.get(SOURCE_RANGES) != noted):
        for cidr in map(str.strip, noted.split(",")):
            errors += each_invalid(path, cidr, check_cidr(cidr))
    return errors


def _validate_balancer_fields(spec: ServiceSpec) -> list[FieldError]:
    errors, is_balancer = [], spec.type == "LoadBalancer"
    if spec.allocate_load_balancer_node_ports is not None and not is_balancer:
        errors.append(forbidden("spec.allocateLoadBalancerNodePorts", _ONLY_BALANCER))
    if spec.allocate_load_balancer_node_ports is None and is_balancer:
        errors.append(required("allocateLoadBalancerNodePorts"))
    return errors + _validate_class(spec)


def _validate_class(spec: ServiceSpec) -> list[FieldError]:
    name, path = spec.load_balancer_class, "spec.loadBalancerClass"
    if name is None:
        return []
    if spec.type != "LoadBalancer":
        return [forbidden(path, _ONLY_BALANCER)]
    return each_invalid(path, name, check_label_key(name))


def _validate_policies(spec: ServiceSpec) -> list[FieldError]:
    errors = []
    if is_externally_accessible(spec):
        errors += one_of("spec.externalTrafficPolicy", spec.external_traffic_policy, POLICIES)
    elif spec.external_traffic_policy:
        why = "may only be set for externally-accessible services"
        errors.append(invalid("spec.externalTrafficPolicy", spec.external_traffic_policy, why))
    errors += _validate_health_check(spec)
    internal, path = spec.internal_traffic_policy, "spec.internalTrafficPolicy"
    if internal is None:
        errors += [required(path)] if spec.type in ("ClusterIP", "LoadBalancer", "NodePort") else []
    elif internal not in POLICIES:
        errors.append(not_supported(path, internal, POLICIES))
    distribution = spec.traffic_distribution
    if distribution is not None and distribution not in DISTRIBUTIONS:
        errors.append(not_supported("spec.trafficDistribution", distribution, DISTRIBUTIONS))
    return errors


def _validate_health_check(spec: ServiceSpec) -> list[FieldError]:
    port, path = spec.health_check_node_port, "spec.healthCheckNodePort"
    if needs_health_check(spec):
        return each_invalid(path, port, check_port(port)) if port else [required(path)]
    why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
    return [invalid(path, port, why)] if port else []


def validate_service_update(new: Service, old: Service) -> list[FieldError]:
    """Return the faults of changing a Service."""
    errors = validate_meta_update(new.metadata, old.metadata) + validate_addresses_update(new.spec, old.spec)
    was, name = old.spec.load_balancer_class, new.spec.load_balancer_class
    if old.spec.type == new.spec.type == "LoadBalancer" and name != was:
        errors.append(invalid("spec.loadBalancerClass", name, "may not change once set"))
    errors += _validate_class(new.spec)
    both = needs_health_check(old.spec) and needs_health_check(new.spec)
    if both and new.spec.health_check_node_port != old.spec.health_check_node_port:
        errors.append(forbidden("spec.healthCheckNodePort", "field is immutable"))
    return errors + validate_service(new, old)


def validate_service_status(new: Service, old: Service) -> list[FieldError]:
    """Return the faults of a Service's status."""
    errors = validate_meta_update(new.metadata, old.metadata)
    kept = [way.ip for way in old.status.load_balancer.ingress]
    return errors + _validate_ways_in(new.status.load_balancer, new.spec.type, kept)


def _validate_ways_in(status: LoadBalancerStatus, service_type: str, kept: Sequence[str]) -> list[FieldError]:
    path, errors = "status.loadBalancer.ingress", []
    if service_type != "LoadBalancer" and status.ingress:
        return [forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")]
    for index, way in enumerate(status.ingress):
        at = f"{path}[{index}]"
        if way.ip:
            errors += each_invalid(f"{at}.ip", way.ip, check_ip(way.ip, kept=kept))
        if way.ip_mode is None and way.ip:
            errors.append(required(f"{at}.ipMode", "must be specified when `ip` is set"))
        elif way.ip_mode is not None and not way.ip:
            errors.append(forbidden(f"{at}.ipMode", "may not be specified when `ip` is not set"))
        elif way.ip_mode is not None and way.ip_mode not in ("Proxy", "VIP"):
            errors.append(not_supported(f"{at}.ipMode", way.ip_mode, ("Proxy", "VIP")))
        errors += validate_way_in_name(way.hostname, f"{at}.hostname")
    return errors


def validate_way_in_name(name: str, path: str) -> list[FieldError]:
    """Return the faults of the host name of a load balancer."""
    if not name:
        return []
    errors = each_invalid(path, name, check_dns_subdomain(name))
    if parse_ip(name) is not None:
        errors.append(invalid(path, name, "must be a DNS name, not an IP address"))
    return errors


RULES: Final = {Service: Rules(validate_service, validate_service_update, validate_service_status)}
