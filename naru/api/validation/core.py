"""Validation of the other kinds: namespaces, nodes, configuration, accounts, leases.

Source: Kubernetes API reference, core/v1 and coordination.k8s.io/v1; the texts are those of upstream's validation.
"""

from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Final

from naru.api.config_v1 import ConfigMap, Secret
from naru.api.coordination_v1 import Lease
from naru.api.errors import FieldError
from naru.api.field_errors import IMMUTABLE, duplicate, each_invalid, forbidden, invalid, required, too_long
from naru.api.names import check_config_key, check_dns_label, check_dns_subdomain, check_label_key, check_label_value
from naru.api.namespace_v1 import Namespace
from naru.api.node_v1 import Node, Taint, TaintEffect
from naru.api.service_account_v1 import ServiceAccount
from naru.api.validation.containers import STANDARD_RESOURCES
from naru.api.validation.meta import not_negative, one_of, validate_meta, validate_meta_update
from naru.api.validation.rules import Rules

MAX_DATA_BYTES: Final = 1 << 20
_FROZEN: Final = "field is immutable when `immutable` is set"
_REQUIRED_KEYS: Final = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}  # of a Secret, by its type
_ACCOUNT_TOKEN: Final = "kubernetes.io/service-account-token"
_ACCOUNT_NAME: Final = "kubernetes.io/service-account.name"


def validate_namespace(namespace: Namespace) -> list[FieldError]:
    """Return the faults of a namespace."""
    errors = validate_meta(namespace.metadata, namespaced=False, check_name=check_dns_label)
    for name in namespace.spec.finalizers:
        errors += each_invalid("spec.finalizers", name, check_label_key(name))
    return errors


def validate_node(node: Node) -> list[FieldError]:
    """Return the faults of a node."""
    errors = validate_meta(node.metadata, namespaced=False, check_name=check_dns_subdomain)
    errors += _validate_taints(node.spec.taints, "spec.taints")
    for index, cidr in enumerate(node.spec.pod_cidrs):
        errors += _validate_cidr(cidr, f"spec.podCIDRs[{index}]")
    for name in node.status.capacity:
        if "/" not in name and name not in (*STANDARD_RESOURCES, "pods") and not name.startswith("hugepages-"):
            why = "must be a standard resource type or fully qualified"
            errors.append(invalid(f"status.capacity[{name}]", name, why))
    return errors


def _validate_cidr(cidr: str, path: str) -> list[FieldError]:
    try:
        ip_network(cidr)
    except ValueError:
        return [invalid(path, cidr, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
    return []


def _validate_taints(taints: Sequence[Taint], path: str) -> list[FieldError]:
    errors, seen = [], set()
    for index, taint in enumerate(taints):
        at = f"{path}[{index}]"
        errors += each_invalid(f"{at}.key", taint.key, check_label_key(taint.key))
        errors += each_invalid(f"{at}.value", taint.value, check_label_value(taint.value))
        errors += one_of(f"{at}.effect", taint.effect, TaintEffect)
        if (taint.key, taint.effect) in seen:
            errors.append(duplicate(at, taint))
        seen.add((taint.key, taint.effect))
    return errors


def validate_node_update(new: Node, old: Node) -> list[FieldError]:
    """Return the faults of changing a node: its pod addresses are given once."""
    errors = validate_meta_update(new.metadata, old.metadata) + validate_node(new)
    if old.spec.pod_cidrs and new.spec.pod_cidrs != old.spec.pod_cidrs:
        why = 'node updates may not change podCIDR except from "" to valid'
        errors.append(forbidden("spec.podCIDRs", why))
    if old.spec.provider_id and new.spec.provider_id != old.spec.provider_id:
        why = 'node updates may not change providerID except from "" to valid'
        errors.append(forbidden("spec.providerID", why))
    return errors


def validate_config_map(config_map: ConfigMap) -> list[FieldError]:
    """Return the faults of a ConfigMap."""
    errors = validate_meta(config_map.metadata, namespaced=True, check_name=check_dns_subdomain)
    errors += _validate_keys(config_map.data, "data") + _validate_keys(config_map.binary_data, "binaryData")
    for key in config_map.data.keys() & config_map.binary_data.keys():
        errors.append(invalid(f"data[{key}]", key, "duplicate of key present in binaryData"))
    size = sum(len(value.encode()) for value in config_map.data.values())
    size += sum(map(len, config_map.binary_data.values()))
    return [*errors, too_long("data", MAX_DATA_BYTES)] if size > MAX_DATA_BYTES else errors


def validate_config_map_update(new: ConfigMap, old: ConfigMap) -> list[FieldError]:
    """Return the faults of changing a ConfigMap."""
    errors = validate_meta_update(new.metadata, old.metadata)
    if old.immutable:
        errors += [forbidden("immutable", _FROZEN)] if not new.immutable else []
        errors += [forbidden("data", _FROZEN)] if new.data != old.data else []
        errors += [forbidden("binaryData", _FROZEN)] if new.binary_data != old.binary_data else []
    return errors + validate_config_map(new)


def _validate_keys(data: Mapping[str, object], path: str) -> list[FieldError]:
    return [error for key in data for error in each_invalid(f"{path}[{key}]", key, check_config_key(key))]


def validate_secret(secret: Secret) -> list[FieldError]:
    """Return the faults of a Secret; its type may demand certain keys."""
    errors = validate_meta(secret.metadata, namespaced=True, check_name=check_dns_subdomain)
    errors += _validate_keys(secret.data, "data")
    if sum(map(len, secret.data.values())) > MAX_DATA_BYTES:
        errors.append(too_long("data", MAX_DATA_BYTES))
    missing = [key for key in _REQUIRED_KEYS.get(secret.type, ()) if key not in secret.data]
    errors += [required(f"data[{key}]") for key in missing]
    if secret.type == _ACCOUNT_TOKEN and not secret.metadata.annotations.get(_ACCOUNT_NAME):
        errors.append(required(f"metadata.annotations[{_ACCOUNT_NAME}]"))
    return errors


def validate_secret_update(new: Secret, old: Secret) -> list[FieldError]:
    """Return the faults of changing a Secret."""
    errors = validate_meta_update(new.metadata, old.metadata)
    errors += [invalid("type", new.type, IMMUTABLE)] if new.type != old.type else []
    if old.immutable:
        errors += [forbidden("immutable", _FROZEN)] if not new.immutable else []
        errors += [forbidden("data", _FROZEN)] if new.data != old.data else []
    return errors + validate_secret(new)


def validate_service_account(account: ServiceAccount) -> list[FieldError]:
    """Return the faults of a ServiceAccount."""
    return validate_meta(account.metadata, namespaced=True, check_name=check_dns_subdomain)


def validate_lease(lease: Lease) -> list[FieldError]:
    """Return the faults of a lease."""
    errors = validate_meta(lease.metadata, namespaced=True, check_name=check_dns_subdomain)
    duration = lease.spec.lease_duration_seconds
    if duration is not None and duration <= 0:
        errors.append(invalid("spec.leaseDurationSeconds", duration, "must be greater than 0"))
    return errors + not_negative("spec.leaseTransitions", lease.spec.lease_transitions)


RULES: Final = {
    ConfigMap: Rules(validate_config_map, validate_config_map_update),
    Lease: Rules(validate_lease),
    Namespace: Rules(validate_namespace),
    Node: Rules(validate_node, validate_node_update),
    Secret: Rules(validate_secret, validate_secret_update),
    ServiceAccount: Rules(validate_service_account),
}
