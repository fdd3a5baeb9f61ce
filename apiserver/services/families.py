"""Families: IPv4 or IPv6, one or both, as a Service wants it and the cluster has it.

The cluster has IPv4 alone. Pure: same Service, same answer.

Source: upstream's documents, "IPv4/IPv6 dual-stack"; pkg/registry/core/service/storage for the texts.
"""

from typing import Final

from naru.api.errors import FieldError, invalid
from naru.api.field_errors import invalid as invalid_field
from naru.api.ip_addresses import IPV4, IPV6, family_of
from naru.api.service_v1 import ServiceSpec
from naru.api.validation.service_addresses import (
    NO_ADDRESS,
    PREFER_DUAL_STACK,
    REQUIRE_DUAL_STACK,
    SINGLE_STACK,
    validate_addresses,
)

CONFIGURED: Final = (IPV4,)  # the families of the cluster's ranges
_POLICY: Final = "spec.ipFamilyPolicy"


def with_families(spec: ServiceSpec, old: ServiceSpec | None, name: str) -> ServiceSpec:
    """Return the spec of a Service with its families and its policy about them.

    Raises:
        Invalid: it wants what contradicts itself, or what the cluster does not have.
    """
    if spec.type == "ExternalName" or (old is not None and _stays_as_it_is(spec, old)):
        return spec
    spec = spec.model_copy(update={"ip_family_policy": spec.ip_family_policy or _usual_policy(spec, old)})
    _refuse(name, validate_addresses(spec, old))
    spec, errors = _reduced(spec, old) if old is not None else (spec, [])
    errors += _too_many_for_one_stack(spec)
    families, missing = _inferred(spec)
    _refuse(name, errors + missing)
    spec = spec.model_copy(update={"ip_families": families})
    if spec.cluster_ip == NO_ADDRESS and not spec.selector:
        return spec.model_copy(update={"ip_families": _of_anybody(spec)})
    _refuse(name, _not_configured(spec))
    return spec.model_copy(update={"ip_families": spec.ip_families or CONFIGURED[:1]})


def _refuse(name: str, errors: list[FieldError]) -> None:
    if errors:
        raise invalid("", "Service", name, errors)


def _stays_as_it_is(spec: ServiceSpec, old: ServiceSpec) -> bool:
    """Tell whether a Service with one or two addresses, as there were when it was made, keeps what it has."""
    same = (spec.type, spec.cluster_ips, spec.ip_families) == (old.type, old.cluster_ips, old.ip_families)
    return same and spec.ip_family_policy == PREFER_DUAL_STACK and old.ip_family_policy in (None, PREFER_DUAL_STACK)


def _usual_policy(spec: ServiceSpec, old: ServiceSpec | None) -> str:
    if old is not None and old.ip_family_policy is not None:
        return old.ip_family_policy
    return REQUIRE_DUAL_STACK if spec.cluster_ip == NO_ADDRESS and not spec.selector else SINGLE_STACK


def _reduced(spec: ServiceSpec, old: ServiceSpec) -> tuple[ServiceSpec, list[FieldError]]:
    """Give up the second address and family if that is what the policy says; find fault if only the lists say so."""
    policy = spec.ip_family_policy
    if policy == SINGLE_STACK:
        addresses = spec.cluster_ips[:1] if spec.cluster_ips == old.cluster_ips else spec.cluster_ips
        families = spec.ip_families[:1] if spec.ip_families == old.ip_families else spec.ip_families
        return spec.model_copy(update={"cluster_ips": addresses, "ip_families": families}), []
    errors = []
    if 0 < len(spec.cluster_ips) < len(old.cluster_ips):
        errors.append(invalid_field(_POLICY, policy, "must be 'SingleStack' to release the secondary cluster IP"))
    if 0 < len(spec.ip_families) < len(old.ip_families):
        errors.append(invalid_field(_POLICY, policy, "must be 'SingleStack' to release the secondary IP family"))
    return spec, errors


def _too_many_for_one_stack(spec: ServiceSpec) -> list[FieldError]:
    if spec.ip_family_policy != SINGLE_STACK:
        return []
    lists = (("cluster IPs", spec.cluster_ips), ("IP families", spec.ip_families))
    why = "must be 'RequireDualStack' or 'PreferDualStack' when multiple {} are specified"
    return [invalid_field(_POLICY, SINGLE_STACK, why.format(what)) for what, given in lists if len(given) == 2]


def _inferred(spec: ServiceSpec) -> tuple[tuple[str, ...], list[FieldError]]:
    """Return the families, completed by those of the addresses that were given without one."""
    families, errors = list(spec.ip_families), []
    for index, address in enumerate(spec.cluster_ips):
        if address == NO_ADDRESS:
            break
        family = family_of(address)
        if index < len(families):
            continue
        if family in CONFIGURED:
            families.append(family)
        else:
            why = f"{family} is not configured on this cluster"
            errors.append(invalid_field(f"spec.clusterIPs[{index}]", spec.cluster_ips, why))
    return tuple(families), errors


def _of_anybody(spec: ServiceSpec) -> tuple[str, ...]:
    """Return the families of a Service whose endpoints are not the cluster's business."""
    families = spec.ip_families or CONFIGURED[:1]
    if len(families) > 1 or spec.ip_family_policy == SINGLE_STACK:
        return families
    return (*families, IPV6 if families[0] == IPV4 else IPV4)


def _not_configured(spec: ServiceSpec) -> list[FieldError]:
    errors = []
    if spec.ip_family_policy == REQUIRE_DUAL_STACK and len(CONFIGURED) < 2:
        why = "this cluster is not configured for dual-stack services"
        errors.append(invalid_field(_POLICY, spec.ip_family_policy, why))
    for index, family in enumerate(spec.ip_families):
        if family not in CONFIGURED:
            errors.append(invalid_field(f"spec.ipFamilies[{index}]", family, "not configured on this cluster"))
    return errors
