"""Validation of NetworkPolicies, and of the addresses that Services take.

Source: Kubernetes API reference, networking.k8s.io/v1; the texts are those of upstream's validation.
"""

from collections.abc import Collection, Sequence
from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import IMMUTABLE, each_invalid, forbidden, invalid, not_supported, required
from naru.api.ip_addresses import Network, check_cidr, check_ip, parse_cidr
from naru.api.names import check_dns_subdomain, check_path_segment, check_port, check_port_name
from naru.api.networking_v1 import (
    Ingress,
    IngressClass,
    IPAddress,
    IPBlock,
    NetworkPolicy,
    NetworkPolicyPeer,
    NetworkPolicyPort,
    NetworkPolicySpec,
    ServiceCIDR,
)
from naru.api.validation.ingresses import (
    validate_ingress,
    validate_ingress_class,
    validate_ingress_class_update,
    validate_ingress_status,
    validate_ingress_update,
)
from naru.api.validation.meta import validate_meta, validate_meta_update, validate_selector
from naru.api.validation.rules import Rules

PROTOCOLS: Final = ("TCP", "UDP", "SCTP")
DIRECTIONS: Final = ("Ingress", "Egress")


def validate_network_policy(policy: NetworkPolicy, old: NetworkPolicy | None = None) -> list[FieldError]:
    """Return the faults of a NetworkPolicy; ranges that it had before (``old``) are not judged again."""
    kept = _ranges_of(old.spec) if old is not None else ()
    errors = validate_meta(policy.metadata, namespaced=True, check_name=check_dns_subdomain)
    spec = policy.spec
    errors += validate_selector(spec.pod_selector, "spec.podSelector")
    for index, ingress in enumerate(spec.ingress):
        errors += _validate_rule(ingress.ports, ingress.from_, f"spec.ingress[{index}]", "from", kept)
    for index, egress in enumerate(spec.egress):
        errors += _validate_rule(egress.ports, egress.to, f"spec.egress[{index}]", "to", kept)
    if len(spec.policy_types) > len(DIRECTIONS):
        return [*errors, invalid("spec.policyTypes", spec.policy_types, "may not specify more than two policyTypes")]
    for index, direction in enumerate(spec.policy_types):
        if direction not in DIRECTIONS:
            errors.append(not_supported(f"spec.policyTypes[{index}]", direction, DIRECTIONS))
    return errors


def validate_network_policy_update(new: NetworkPolicy, old: NetworkPolicy) -> list[FieldError]:
    """Return the faults of changing a NetworkPolicy."""
    return validate_meta_update(new.metadata, old.metadata) + validate_network_policy(new, old)


def _ranges_of(spec: NetworkPolicySpec) -> set[str]:
    peers = [peer for rule in spec.ingress for peer in rule.from_] + [peer for rule in spec.egress for peer in rule.to]
    blocks = [peer.ip_block for peer in peers if peer.ip_block is not None]
    return {cidr for block in blocks for cidr in (block.cidr, *block.except_)}


def _validate_rule(
    ports: Sequence[NetworkPolicyPort], peers: Sequence[NetworkPolicyPeer], at: str, name: str, kept: Collection[str]
) -> list[FieldError]:
    errors = []
    for index, port in enumerate(ports):
        errors += _validate_port(port, f"{at}.ports[{index}]")
    for index, peer in enumerate(peers):
        errors += _validate_peer(peer, f"{at}.{name}[{index}]", kept)
    return errors


def _validate_port(port: NetworkPolicyPort, at: str) -> list[FieldError]:
    errors = []
    if port.protocol is not None and port.protocol not in PROTOCOLS:
        errors.append(not_supported(f"{at}.protocol", port.protocol, PROTOCOLS))
    last, path = port.end_port, f"{at}.endPort"
    if isinstance(port.port, int):
        errors += each_invalid(f"{at}.port", port.port, check_port(port.port))
        if last is not None and last < port.port:
            errors.append(invalid(path, last, "must be greater than or equal to `port`"))
        return errors + (each_invalid(path, last, check_port(last)) if last is not None else [])
    if last is not None:
        missing = "not specified" if port.port is None else "non-numeric"
        errors.append(invalid(path, last, f"may not be specified when `port` is {missing}"))
    if port.port is not None:
        errors += each_invalid(f"{at}.port", port.port, check_port_name(port.port))
    return errors


def _validate_peer(peer: NetworkPolicyPeer, at: str, kept: Collection[str]) -> list[FieldError]:
    errors = []
    if peer.pod_selector is not None:
        errors += validate_selector(peer.pod_selector, f"{at}.podSelector")
    if peer.namespace_selector is not None:
        errors += validate_selector(peer.namespace_selector, f"{at}.namespaceSelector")
    if peer.ip_block is not None:
        errors += _validate_block(peer.ip_block, f"{at}.ipBlock", kept)
        if peer.pod_selector is not None or peer.namespace_selector is not None:
            errors.append(forbidden(at, "may not specify both ipBlock and another peer"))
    elif peer.pod_selector is None and peer.namespace_selector is None:
        errors.append(required(at, "must specify a peer"))
    return errors


def _validate_block(block: IPBlock, at: str, kept: Collection[str]) -> list[FieldError]:
    if not block.cidr:
        return [required(f"{at}.cidr")]
    errors = each_invalid(f"{at}.cidr", block.cidr, check_cidr(block.cidr, kept=kept))
    whole = parse_cidr(block.cidr)
    if whole is None:
        return errors
    for index, cidr in enumerate(block.except_):
        path = f"{at}.except[{index}]"
        errors += each_invalid(path, cidr, check_cidr(cidr, kept=kept))
        part = parse_cidr(cidr)
        if part is not None and not _is_part(part, whole):
            errors.append(invalid(path, cidr, "must be a strict subset of `cidr`"))
    return errors


def _is_part(part: Network, whole: Network) -> bool:
    """Tell whether a range lies in another one, and is not all of it."""
    return (
        part.version == whole.version and part.network_address in whole and part.prefixlen > whole.prefixlen
    )  # the whole has fewer bits that are fixed


def _check_address_name(name: str) -> list[str]:
    return check_ip(name, canonical=True)


def validate_ip_address(address: IPAddress) -> list[FieldError]:
    """Return the faults of an IPAddress."""
    errors = validate_meta(address.metadata, namespaced=False, check_name=_check_address_name)
    at, parent = "spec.parentRef", address.spec.parent_ref
    if parent is None:
        return [*errors, required(at)]
    if parent.group:
        errors += each_invalid(f"{at}.group", parent.group, check_dns_subdomain(parent.group))
    for field, value in (("resource", parent.resource), ("name", parent.name)):
        errors += (
            each_invalid(f"{at}.{field}", value, check_path_segment(value)) if value else [required(f"{at}.{field}")]
        )
    return errors + each_invalid(f"{at}.namespace", parent.namespace, check_path_segment(parent.namespace))


def validate_ip_address_update(new: IPAddress, old: IPAddress) -> list[FieldError]:
    """Return the faults of changing an IPAddress, which stays with its owner."""
    errors = validate_meta_update(new.metadata, old.metadata)
    if new.spec.parent_ref != old.spec.parent_ref:
        errors.append(invalid("spec.parentRef", new.spec.parent_ref, IMMUTABLE))
    return errors


def validate_service_cidr(service_cidr: ServiceCIDR) -> list[FieldError]:
    """Return the faults of a ServiceCIDR."""
    errors = validate_meta(service_cidr.metadata, namespaced=False, check_name=check_dns_subdomain)
    return errors + _validate_ranges(service_cidr.spec.cidrs)


def _validate_ranges(cidrs: Sequence[str]) -> list[FieldError]:
    path = "spec.cidrs"
    if not cidrs:
        return [required(path, "at least one CIDR required")]
    if len(cidrs) > 2:
        return [invalid(path, {"CIDRs": cidrs}, "may only hold up to 2 values")]
    errors = []
    for index, cidr in enumerate(cidrs):
        errors += each_invalid(f"{path}[{index}]", cidr, check_cidr(cidr, canonical=True))
    versions = [network.version for network in map(parse_cidr, cidrs) if network is not None]
    if len(versions) == 2 and versions[0] == versions[1]:
        why = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
        errors.append(invalid(path, cidrs, why))
    return errors


def validate_service_cidr_update(new: ServiceCIDR, old: ServiceCIDR) -> list[FieldError]:
    """Return the faults of changing a ServiceCIDR: a range of the other family may be added, and nothing else."""
    errors = validate_meta_update(new.metadata, old.metadata)
    before, after = old.spec.cidrs, new.spec.cidrs
    if (len(before), len(after)) not in ((1, 1), (2, 2), (1, 2)):
        return [*errors, invalid("spec.cidrs", after, IMMUTABLE)]
    changed = [index for index, cidr in enumerate(before) if after[index] != cidr]
    errors += [invalid(f"spec.cidrs[{index}]", after[index], IMMUTABLE) for index in changed]
    return errors + (_validate_ranges(after) if len(after) > len(before) else [])


RULES: Final = {
    Ingress: Rules(validate_ingress, validate_ingress_update, validate_ingress_status),
    IngressClass: Rules(validate_ingress_class, validate_ingress_class_update),
    IPAddress: Rules(validate_ip_address, validate_ip_address_update),
    NetworkPolicy: Rules(validate_network_policy, validate_network_policy_update),
    ServiceCIDR: Rules(validate_service_cidr, validate_service_cidr_update),
}
