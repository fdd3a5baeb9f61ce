"""Validation of LimitRanges and ResourceQuotas.

Source: Kubernetes API reference, core/v1; the texts are those of upstream's validation.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import IMMUTABLE, NEGATIVE, duplicate, each_invalid, forbidden, invalid, required
from naru.api.names import check_dns_subdomain, check_label_key
from naru.api.quantity import int_value, milli_value, parse_quantity
from naru.api.quota_v1 import (
    LimitRange,
    LimitRangeItem,
    ResourceQuota,
    ResourceQuotaSpec,
    ScopedResourceSelectorRequirement,
)
from naru.api.validation.meta import validate_meta, validate_meta_update
from naru.api.validation.rules import Rules

HUGE_PAGES: Final = "hugepages-"
_COMPUTE: Final = ("cpu", "memory", "ephemeral-storage")
_COUNTED: Final = (
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
)  # resources of which there are only whole ones
_QUOTA: Final = frozenset(
    (*_COMPUTE, *_COUNTED, *(f"{side}.{name}" for side in ("requests", "limits") for name in _COMPUTE))
) | {"requests.storage"}
_STANDARD: Final = _QUOTA | {"storage"}
LIMIT_TYPES: Final = ("Container", "PersistentVolumeClaim", "Pod")
_POD_SCOPED: Final = frozenset(
    ("pods", *(f"{side}{name}" for side in ("", "requests.", "limits.") for name in ("cpu", "memory")))
)
_SCOPED: Final[Mapping[str, frozenset[str]]] = {
    "Terminating": _POD_SCOPED,
    "NotTerminating": _POD_SCOPED,
    "NotBestEffort": _POD_SCOPED,
    "PriorityClass": _POD_SCOPED,
    "CrossNamespacePodAffinity": _POD_SCOPED,
    "BestEffort": frozenset({"pods"}),
    "VolumeAttributesClass": frozenset({"persistentvolumeclaims", "requests.storage"}),
}  # by scope: the resources that it makes sense for
_EXISTS_ONLY: Final = ("BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity")
_EXCLUSIVE: Final = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})


def _is_native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name


def _is_extended(name: str) -> bool:
    return not _is_native(name) and not name.startswith("requests.") and not check_label_key(f"requests.{name}")


def _validate_resource(name: str, path: str) -> list[FieldError]:
    if complaints := check_label_key(name):
        return each_invalid(path, name, complaints)
    huge = name.removeprefix("requests.").startswith(HUGE_PAGES)
    if "/" in name or name in _STANDARD or huge:
        return []
    return [invalid(path, name, "must be a standard resource type or fully qualified")]


def _validate_container_resource(name: str, path: str) -> list[FieldError]:
    errors = _validate_resource(name, path)
    if "/" not in name:
        if name not in _COMPUTE and not name.startswith(HUGE_PAGES):
            errors.append(invalid(path, name, "must be a standard resource for containers"))
    elif not _is_native(name) and not _is_extended(name):
        errors.append(invalid(path, name, "doesn't follow extended resource name standard"))
    return errors


def validate_limit_range(limit_range: LimitRange) -> list[FieldError]:
    """Return the faults of a LimitRange."""
    errors = validate_meta(limit_range.metadata, namespaced=True, check_name=check_dns_subdomain)
    types: set[str] = set()
    for index, item in enumerate(limit_range.spec.limits):
        at = f"spec.limits[{index}]"
        errors += _validate_limit_type(item.type, f"{at}.type")
        errors += [duplicate(f"{at}.type", item.type)] if item.type in types else []
        types.add(item.type)
        errors += _validate_item_names(item, at)
        for name in sorted({*item.max, *item.min, *item.max_limit_request_ratio, *_container_keys(item)}):
            errors += _validate_bounds(item, name, at)
    return errors


def _container_keys(item: LimitRangeItem) -> set[str]:
    return {*item.default, *item.default_request} if item.type != "Pod" else set()


def _validate_limit_type(name: str, path: str) -> list[FieldError]:
    if complaints := check_label_key(name):
        return each_invalid(path, name, complaints)
    if "/" in name or name in LIMIT_TYPES:
        return []
    return [invalid(path, name, "must be a standard limit type or fully qualified")]


def _validate_item_names(item: LimitRangeItem, at: str) -> list[FieldError]:
    validate_name = _validate_container_resource if item.type in ("Pod", "Container") else _validate_resource
    errors = [error for name in item.max for error in validate_name(name, f"{at}.max[{name}]")]
    errors += [error for name in item.min for error in validate_name(name, f"{at}.min[{name}]")]
    defaults = {"default": item.default, "defaultRequest": item.default_request}
    for field, amounts in defaults.items():
        if item.type == "Pod" and amounts:
            errors.append(forbidden(f"{at}.{field}", "may not be specified when `type` is 'Pod'"))
        elif item.type != "Pod":
            errors += [error for name in amounts for error in validate_name(name, f"{at}.{field}[{name}]")]
    if item.type == "PersistentVolumeClaim" and "storage" not in item.min and "storage" not in item.max:
        why = "either minimum or maximum storage value is required, but neither was provided"
        errors.append(required(f"{at}.limits", why))
    ratios = item.max_limit_request_ratio
    return errors + [error for name in ratios for error in validate_name(name, f"{at}.maxLimitRequestRatio[{name}]")]


def _validate_bounds(item: LimitRangeItem, name: str, at: str) -> list[FieldError]:
    """Return the faults of the bounds of one resource, which must not contradict each other."""
    low, high = item.min.get(name), item.max.get(name)
    limit = item.default.get(name) if item.type != "Pod" else None
    request = item.default_request.get(name) if item.type != "Pod" else None
    orders = (
        (low, high, "min", low, "min value {} is greater than max value {}"),
        (low, request, "defaultRequest", request, "min value {} is greater than default request value {}"),
        (request, high, "defaultRequest", request, "default request value {} is greater than max value {}"),
        (request, limit, "defaultRequest", request, "default request value {} is greater than default limit value {}"),
        (low, limit, "default", low, "min value {} is greater than default value {}"),
        (limit, high, "default", high, "default value {} is greater than max value {}"),
    )
    errors = [
        invalid(f"{at}.{field}[{name}]", shown, text.format(smaller, larger))
        for smaller, larger, field, shown, text in orders
        if smaller is not None and larger is not None and parse_quantity(smaller) > parse_quantity(larger)
    ]
    errors += _validate_ratio(item.max_limit_request_ratio.get(name), low, high, f"{at}.maxLimitRequestRatio[{name}]")
    overcommitted = _is_native(name) and not name.startswith(HUGE_PAGES)
    if not overcommitted and limit and request and parse_quantity(limit) != parse_quantity(request):
        why = f"default value {limit} must equal to defaultRequest value {request} in {name}"
        errors.append(invalid(f"{at}.defaultRequest[{name}]", request, why))
    return errors


def _validate_ratio(ratio: str | None, low: str | None, high: str | None, path: str) -> list[FieldError]:
    if ratio is None:
        return []
    errors = [invalid(path, ratio, f"ratio {ratio} is less than 1")] if parse_quantity(ratio) < 1 else []
    if low is None or high is None:
        return errors
    widest = Decimal(milli_value(high)) / milli_value(low) if milli_value(low) else Decimal("Infinity")
    if parse_quantity(ratio) > widest:
        errors.append(invalid(path, ratio, f"ratio {ratio} is greater than max/min = {widest:.6f}"))
    return errors


def validate_resource_quota(quota: ResourceQuota) -> list[FieldError]:
    """Return the faults of a ResourceQuota."""
    errors = validate_meta(quota.metadata, namespaced=True, check_name=check_dns_subdomain)
    return errors + _validate_quota_spec(quota.spec) + _validate_quota_status(quota)


def validate_resource_quota_update(new: ResourceQuota, old: ResourceQuota) -> list[FieldError]:
    """Return the faults of changing a ResourceQuota, which goes on to count the same pods."""
    errors = validate_meta_update(new.metadata, old.metadata) + _validate_quota_spec(new.spec)
    if set(new.spec.scopes) != set(old.spec.scopes):
        errors.append(invalid("spec.scopes", new.spec.scopes or None, IMMUTABLE))
    return errors


def validate_resource_quota_status(new: ResourceQuota, old: ResourceQuota) -> list[FieldError]:
    """Return the faults of a ResourceQuota's status."""
    return validate_meta_update(new.metadata, old.metadata) + _validate_quota_status(new)


def _validate_quota_spec(spec: ResourceQuotaSpec) -> list[FieldError]:
    return _validate_amounts(spec.hard, "spec.hard") + _validate_scopes(spec) + _validate_scope_selector(spec)


def _validate_quota_status(quota: ResourceQuota) -> list[FieldError]:
    return _validate_amounts(quota.status.hard, "status.hard") + _validate_amounts(quota.status.used, "status.used")


def _validate_amounts(amounts: Mapping[str, str], path: str) -> list[FieldError]:
    errors = []
    for name, amount in amounts.items():
        at = f"{path}[{name}]"
        errors += _validate_resource(name, at)
        huge = name.removeprefix("requests.").startswith(HUGE_PAGES)
        if "/" not in name and name not in _QUOTA and not huge:
            errors.append(invalid(at, name, "must be a standard resource for quota"))
        if parse_quantity(amount) < 0:
            errors.append(invalid(at, amount, NEGATIVE))
        is_whole = milli_value(amount) == 1000 * int_value(amount)
        if (name in _COUNTED or _is_extended(name)) and not is_whole:
            errors.append(invalid(at, amount, "must be an integer"))
    return errors


def _validate_scopes(spec: ResourceQuotaSpec) -> list[FieldError]:
    path, errors = "spec.scopes", []
    for scope in spec.scopes:
        if scope not in _SCOPED:
            errors.append(invalid(path, spec.scopes, "unsupported scope"))
        why = "unsupported scope applied to resource"
        errors += [invalid(path, spec.scopes, why) for _ in _misplaced(scope, spec)]
    return errors + _validate_conflicts(spec.scopes, spec.scopes)


def _misplaced(scope: str, spec: ResourceQuotaSpec) -> list[str]:
    """Return the resources of a quota that the scope makes no sense for; an unknown scope fits all."""
    fitting = _SCOPED.get(scope, _QUOTA)
    return [name for name in sorted(spec.hard) if name in _QUOTA and name not in fitting]


def _validate_conflicts(scopes: Sequence[str], shown: Sequence[str]) -> list[FieldError]:
    conflicts = [pair for pair in _EXCLUSIVE if pair <= set(scopes)]
    return [invalid("spec.scopes", shown or None, "conflicting scopes") for _ in conflicts]


def _validate_scope_selector(spec: ResourceQuotaSpec) -> list[FieldError]:
    if spec.scope_selector is None:
        return []
    path, errors = "spec.scopeSelector.matchExpressions", []
    for requirement in spec.scope_selector.match_expressions:
        if requirement.scope_name not in _SCOPED:
            errors.append(invalid(f"{path}.scopeName", requirement.scope_name, "unsupported scope"))
        for _ in _misplaced(requirement.scope_name, spec):
            shown = {"MatchExpressions": [_as_upstream_shows(r) for r in spec.scope_selector.match_expressions]}
            errors.append(invalid(path, shown, "unsupported scope applied to resource"))
        errors += _validate_requirement(requirement, path)
    names = [requirement.scope_name for requirement in spec.scope_selector.match_expressions]
    return errors + _validate_conflicts(names, spec.scopes)


def _as_upstream_shows(requirement: ScopedResourceSelectorRequirement) -> dict[str, object]:
    """Write a requirement as upstream does, by the fields of its internal type."""
    values = requirement.values or None
    return {"ScopeName": requirement.scope_name, "Operator": requirement.operator, "Values": values}


def _validate_requirement(requirement: ScopedResourceSelectorRequirement, path: str) -> list[FieldError]:
    operator, values, errors = requirement.operator, requirement.values, []
    if requirement.scope_name in _EXISTS_ONLY and operator != "Exists":
        why = (
            "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
            "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
            "ResourceQuotaScopeCrossNamespacePodAffinity"
        )
        errors.append(invalid(f"{path}.operator", operator, why))
    if operator in ("In", "NotIn"):
        why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
        errors += [] if values else [required(f"{path}.values", why)]
    elif operator in ("Exists", "DoesNotExist"):
        why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
        errors += [invalid(f"{path}.values", values, why)] if values else []
    else:
        errors.append(invalid(f"{path}.operator", operator, "not a valid selector operator"))
    return errors


RULES: Final = {
    LimitRange: Rules(validate_limit_range),
    ResourceQuota: Rules(validate_resource_quota, validate_resource_quota_update, validate_resource_quota_status),
}
