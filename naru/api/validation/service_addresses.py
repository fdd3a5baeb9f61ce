"""Validation of the fields that say which addresses a Service has: clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy.

``clusterIP`` is the first of ``clusterIPs``; each address belongs to the family at its place; an address once given
stays, unless the Service stops having addresses at all.

Source: Kubernetes API reference, core/v1 Service; the texts are those of upstream's validation.
"""

from collections.abc import Sequence
from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import duplicate, invalid, not_supported, required
from naru.api.ip_addresses import IPV4, IPV6, check_ip, family_of
from naru.api.service_v1 import ServiceSpec

NO_ADDRESS: Final = "None"
FAMILIES: Final = (IPV4, IPV6)
SINGLE_STACK: Final = "SingleStack"
PREFER_DUAL_STACK: Final = "PreferDualStack"
REQUIRE_DUAL_STACK: Final = "RequireDualStack"
FAMILY_POLICIES: Final = (PREFER_DUAL_STACK, REQUIRE_DUAL_STACK, SINGLE_STACK)
_IPS: Final = "spec.clusterIPs"
_FIXED: Final = "may not change once set"


def is_headless(spec: ServiceSpec) -> bool:
    """Tell whether a Service wants no address: DNS gives its clients those of the pods."""
    return spec.cluster_ips == (NO_ADDRESS,)


def validate_addresses(spec: ServiceSpec, old: ServiceSpec | None = None) -> list[FieldError]:
    """Return the faults of the address fields; an ExternalName must have none of them, which is checked elsewhere."""
    if spec.type == "ExternalName":
        return []
    errors = _validate_singular(spec) + _validate_families(spec)
    policy = spec.ip_family_policy
    if policy is not None and policy not in FAMILY_POLICIES:
        errors.append(not_supported("spec.ipFamilyPolicy", policy, FAMILY_POLICIES))
    malformed = _validate_each(spec.cluster_ips, old.cluster_ips if old is not None else ())
    errors += malformed
    if len(spec.cluster_ips) > 2:
        errors.append(invalid(_IPS, spec.cluster_ips, "may only hold up to 2 values"))
    return errors if malformed else errors + _validate_stacks(spec)


def _validate_singular(spec: ServiceSpec) -> list[FieldError]:
    if not spec.cluster_ip:
        why = "must be empty when `clusterIP` is not specified"
        return [invalid(_IPS, spec.cluster_ips, why)] if spec.cluster_ips else []
    if not spec.cluster_ips:
        return [required(_IPS)]
    if spec.cluster_ips[0] != spec.cluster_ip:
        return [invalid(_IPS, spec.cluster_ips, "first value must match `clusterIP`")]
    return []


def _validate_families(spec: ServiceSpec) -> list[FieldError]:
    errors = []
    for index, family in enumerate(spec.ip_families):
        at = f"spec.ipFamilies[{index}]"
        errors += [not_supported(at, family, FAMILIES)] if family not in FAMILIES else []
        errors += [duplicate(at, family)] if family in spec.ip_families[:index] else []
    return errors


def _validate_each(addresses: Sequence[str], kept: Sequence[str]) -> list[FieldError]:
    errors = []
    for index, address in enumerate(addresses):
        if index == 0 and address == NO_ADDRESS:
            if len(addresses) > 1:
                errors.append(invalid(_IPS, addresses, "'None' must be the first and only value"))
            continue
        errors += [invalid(f"{_IPS}[{index}]", address, text) for text in check_ip(address, kept=kept)]
    return errors


def _validate_stacks(spec: ServiceSpec) -> list[FieldError]:
    errors = []
    if len(spec.cluster_ips) > 1 and len(set(map(family_of, spec.cluster_ips))) < 2:
        errors.append(invalid(_IPS, spec.cluster_ips, "may specify no more than one IP for each IP family"))
    if is_headless(spec):
        return errors
    for index, (address, family) in enumerate(zip(spec.cluster_ips, spec.ip_families, strict=False)):
        if family in FAMILIES and family_of(address) != family:
            why = f"expected an {family} value as indicated by `ipFamilies[{index}]`"
            errors.append(invalid(f"{_IPS}[{index}]", address, why))
    return errors


def validate_addresses_update(new: ServiceSpec, old: ServiceSpec) -> list[FieldError]:
    """Return the faults of changing addresses or families."""
    if "ExternalName" in (new.type, old.type):
        return []
    return _validate_ips_update(new, old) + _validate_families_update(new, old)


def _validate_ips_update(new: ServiceSpec, old: ServiceSpec) -> list[FieldError]:
    before, after = old.cluster_ips, new.cluster_ips
    if is_headless(old) and is_headless(new):
        return []
    if len(before) == len(after):
        changed = [i for i, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
        return [invalid(f"{_IPS}[{index}]", after, _FIXED) for index in changed]
    errors = []
    if not after:
        errors.append(invalid(f"{_IPS}[0]", None, "primary clusterIP can not be unset"))
    elif before and after[0] != before[0]:
        errors.append(invalid(f"{_IPS}[0]", after, _FIXED))
    if len(after) == 1 < len(before) and new.ip_family_policy != SINGLE_STACK:
        why = "must be set to 'SingleStack' when releasing the secondary clusterIP"
        errors.append(invalid("spec.ipFamilyPolicy", new.ip_family_policy, why))
    return errors


def _validate_families_update(new: ServiceSpec, old: ServiceSpec) -> list[FieldError]:
    path, before, after = "spec.ipFamilies[0]", old.ip_families, new.ip_families
    if is_headless(old) or is_headless(new):
        return []
    if len(before) == len(after):
        changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
        return [invalid(path, after, _FIXED) for _ in changed]
    errors = []
    if len(before) > len(after) and not new.cluster_ips:
        errors.append(invalid(path, after or None, "primary ipFamily can not be unset"))
    if before and after and after[0] != before[0]:
        errors.append(invalid(path, new.cluster_ips, _FIXED))
    if len(after) == 1 < len(before) and new.ip_family_policy != SINGLE_STACK:
        why = "must be set to 'SingleStack' when releasing the secondary ipFamily"
        errors.append(invalid("spec.ipFamilyPolicy", new.ip_family_policy, why))
    return errors
