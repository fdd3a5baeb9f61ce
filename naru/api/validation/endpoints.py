"""Validation of Endpoints and EndpointSlices.

Source: Kubernetes API reference, core/v1 and discovery.k8s.io/v1; the texts are those of upstream's validation.
"""

from collections.abc import Callable, Sequence
from typing import Final

from naru.api.discovery_v1 import Endpoint, EndpointHints, EndpointSlice
from naru.api.discovery_v1 import EndpointPort as SlicePort
from naru.api.endpoints_v1 import EndpointAddress, EndpointPort, Endpoints
from naru.api.errors import FieldError
from naru.api.field_errors import IMMUTABLE, duplicate, each_invalid, invalid, not_supported, required, too_many
from naru.api.ip_addresses import IPV4, IPV6, check_endpoint_ip, check_ip, family_of
from naru.api.names import check_dns_label, check_dns_subdomain, check_label_key, check_label_value, check_port
from naru.api.validation.meta import one_of, validate_labels, validate_meta, validate_meta_update
from naru.api.validation.rules import Rules
from naru.api.validation.services import PROTOCOLS

FQDN: Final = "FQDN"
ADDRESS_TYPES: Final = (FQDN, IPV4, IPV6)
MAX_ENDPOINTS: Final = 1000
MAX_ADDRESSES: Final = 100  # of one endpoint
MAX_PORTS: Final = 20000
MAX_TOPOLOGY_LABELS: Final = 16
MAX_HINTS: Final = 8


def validate_endpoints(endpoints: Endpoints, old: Endpoints | None = None) -> list[FieldError]:
    """Return the faults of Endpoints; addresses that it had before (``old``) are not judged again."""
    errors = validate_meta(endpoints.metadata, namespaced=True, check_name=check_dns_subdomain)
    if old is not None and old.subsets == endpoints.subsets:
        return errors
    for index, subset in enumerate(endpoints.subsets):
        at = f"subsets[{index}]"
        if not subset.addresses and not subset.not_ready_addresses:
            errors.append(required(at, "must specify `addresses` or `notReadyAddresses`"))
        errors += _validate_addresses(subset.addresses, f"{at}.addresses")
        errors += _validate_addresses(subset.not_ready_addresses, f"{at}.notReadyAddresses")
        errors += _validate_ports(subset.ports, f"{at}.ports")
    return errors


def validate_endpoints_update(new: Endpoints, old: Endpoints) -> list[FieldError]:
    """Return the faults of changing Endpoints."""
    return validate_meta_update(new.metadata, old.metadata) + validate_endpoints(new, old)


def _validate_addresses(addresses: Sequence[EndpointAddress], path: str) -> list[FieldError]:
    errors = []
    for index, address in enumerate(addresses):
        at = f"{path}[{index}]"
        errors += each_invalid(f"{at}.ip", address.ip, check_ip(address.ip))
        if address.hostname:
            errors += each_invalid(f"{at}.hostname", address.hostname, check_dns_label(address.hostname))
        if address.node_name is not None:
            errors += each_invalid(f"{at}.nodeName", address.node_name, check_dns_subdomain(address.node_name))
        errors += each_invalid(f"{at}.ip", address.ip, check_endpoint_ip(address.ip))
    return errors


def _validate_ports(ports: Sequence[EndpointPort], path: str) -> list[FieldError]:
    errors = []
    for index, port in enumerate(ports):
        at = f"{path}[{index}]"
        if port.name:
            errors += each_invalid(f"{at}.name", port.name, check_dns_label(port.name))
        elif len(ports) > 1:
            errors.append(required(f"{at}.name"))
        errors += each_invalid(f"{at}.port", port.port, check_port(port.port))
        errors += one_of(f"{at}.protocol", port.protocol, PROTOCOLS)
        if port.app_protocol is not None:
            errors += each_invalid(f"{at}.appProtocol", port.app_protocol, check_label_key(port.app_protocol))
    return errors


def validate_endpoint_slice(endpoint_slice: EndpointSlice) -> list[FieldError]:
    """Return the faults of an EndpointSlice."""
    errors = validate_meta(endpoint_slice.metadata, namespaced=True, check_name=check_dns_subdomain)
    errors += one_of("addressType", endpoint_slice.address_type, ADDRESS_TYPES)
    if len(endpoint_slice.endpoints) > MAX_ENDPOINTS:
        errors.append(too_many("endpoints", len(endpoint_slice.endpoints), MAX_ENDPOINTS))
    else:
        for index, endpoint in enumerate(endpoint_slice.endpoints):
            errors += _validate_endpoint(endpoint, endpoint_slice.address_type, f"endpoints[{index}]")
    if len(endpoint_slice.ports) > MAX_PORTS:
        return [*errors, too_many("ports", len(endpoint_slice.ports), MAX_PORTS)]
    return errors + _validate_slice_ports(endpoint_slice.ports)


def validate_endpoint_slice_update(new: EndpointSlice, old: EndpointSlice) -> list[FieldError]:
    """Return the faults of changing an EndpointSlice, whose addresses stay of one type."""
    errors = validate_meta_update(new.metadata, old.metadata) + validate_endpoint_slice(new)
    if new.address_type != old.address_type:
        errors.append(invalid("addressType", new.address_type, IMMUTABLE))
    return errors


def _validate_endpoint(endpoint: Endpoint, address_type: str, at: str) -> list[FieldError]:
    errors = []
    if not endpoint.addresses:
        errors.append(required(f"{at}.addresses", "must contain at least 1 address"))
    elif len(endpoint.addresses) > MAX_ADDRESSES:
        errors.append(too_many(f"{at}.addresses", len(endpoint.addresses), MAX_ADDRESSES))
    for index, address in enumerate(endpoint.addresses):
        errors += _validate_slice_address(address, address_type, f"{at}.addresses[{index}]")
    if endpoint.node_name is not None:
        errors += each_invalid(f"{at}.nodeName", endpoint.node_name, check_dns_subdomain(endpoint.node_name))
    topology = endpoint.deprecated_topology
    if len(topology) > MAX_TOPOLOGY_LABELS:
        errors.append(too_many(f"{at}.deprecatedTopology", len(topology), MAX_TOPOLOGY_LABELS))
    errors += validate_labels(topology, f"{at}.deprecatedTopology")
    if endpoint.hostname is not None:
        errors += each_invalid(f"{at}.hostname", endpoint.hostname, check_dns_label(endpoint.hostname))
    return errors + (_validate_hints(endpoint.hints, f"{at}.hints") if endpoint.hints is not None else [])


def _validate_slice_address(address: str, address_type: str, path: str) -> list[FieldError]:
    if address_type == FQDN:
        return _validate_domain(address, path)
    if address_type not in (IPV4, IPV6):
        return []
    if complaints := check_ip(address):
        return each_invalid(path, address, complaints)
    errors = []
    if family_of(address) != address_type:
        errors.append(invalid(path, address, f"must be an {address_type} address"))
    return errors + each_invalid(path, address, check_endpoint_ip(address))


def _validate_domain(name: str, path: str) -> list[FieldError]:
    """Return the fault of a name that is not complete, from its first label to the top."""
    if not name:
        return [required(path)]
    domain = name.removesuffix(".")
    if complaints := check_dns_subdomain(domain):
        return [invalid(path, domain, ",".join(complaints))]
    labels = domain.split(".")
    if len(labels) < 2:
        return [invalid(path, domain, "should be a domain with at least two segments separated by dots")]
    wrong = ((label, check_dns_label(label)) for label in labels)
    return [invalid(path, label, ",".join(complaints)) for label, complaints in wrong if complaints][:1]


def _validate_slice_ports(ports: Sequence[SlicePort]) -> list[FieldError]:
    errors, names = [], set()
    for index, port in enumerate(ports):
        at, name = f"ports[{index}]", port.name or ""
        if name:
            errors += each_invalid(f"{at}.name", name, check_dns_label(name))
        errors += [duplicate(f"{at}.name", name)] if name in names else []
        names.add(name)
        if port.protocol is None:
            errors.append(required(f"{at}.protocol"))
        elif port.protocol not in PROTOCOLS:
            errors.append(not_supported(f"{at}.protocol", port.protocol, PROTOCOLS))
        if port.app_protocol is not None:
            errors += each_invalid(f"{at}.appProtocol", port.app_protocol, check_label_key(port.app_protocol))
    return errors


def _validate_hints(hints: EndpointHints, at: str) -> list[FieldError]:
    zones, nodes = [zone.name for zone in hints.for_zones], [node.name for node in hints.for_nodes]
    errors = _validate_names(zones, check_label_value, f"{at}.forZones")
    return errors + _validate_names(nodes, check_dns_subdomain, f"{at}.forNodes")


def _validate_names(names: Sequence[str], check: Callable[[str], list[str]], path: str) -> list[FieldError]:
    if len(names) > MAX_HINTS:
        return [too_many(path, len(names), MAX_HINTS)]
    errors = []
    for index, name in enumerate(names):
        at = f"{path}[{index}].name"
        errors += [duplicate(at, name)] if name in names[:index] else []
        errors += each_invalid(at, name, check(name))
    return errors


RULES: Final = {
    Endpoints: Rules(validate_endpoints, validate_endpoints_update),
    EndpointSlice: Rules(validate_endpoint_slice, validate_endpoint_slice_update),
}
