"""What claims on devices and the devices themselves have in common: names, lists, taints, parameters.

Source: Kubernetes API reference, resource.k8s.io/v1; the texts are those of upstream's validation.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import orjson

from naru.api.errors import FieldError
from naru.api.field_errors import (
    duplicate,
    each_invalid,
    invalid,
    not_supported,
    required,
    too_long,
    too_many,
)
from naru.api.names import (
    LABEL_MAX,
    SUBDOMAIN_MAX,
    check_dns_label,
    check_dns_subdomain,
    check_label_key,
    check_label_value,
)
from naru.api.resource_v1 import DeviceSelector, DeviceTaint, DeviceToleration, OpaqueDeviceConfiguration
from naru.api.validation.volume_sources import validate_csi_driver_name

T = TypeVar("T")
Check = Callable[[T, str], list[FieldError]]

MAX_ID: Final = 32
MAX_KEY: Final = LABEL_MAX + 1 + MAX_ID  # DOMAIN/ID
MAX_RAW_BYTES: Final = 10 << 10  # of parameters, of what drivers tell, and of expressions
MAX_SELECTORS: Final = 32
MAX_CONDITIONS: Final = 4
TAINT_EFFECTS: Final = ("NoExecute", "NoSchedule", "None")
_C_IDENTIFIER: Final = "[A-Za-z_][A-Za-z0-9_]*"

validate_driver_name = validate_csi_driver_name  # what is allowed is the same


def each(items: Sequence[T], limit: int | None, check: Check[T], path: str) -> list[FieldError]:
    """Return the faults of the items of a list; of a list that is too long only that."""
    if limit is not None and len(items) > limit:
        return [too_many(path, len(items), limit)]
    return [error for index, item in enumerate(items) for error in check(item, f"{path}[{index}]")]


def each_unique(
    items: Sequence[T], limit: int | None, check: Check[T], key: Callable[[T], str], path: str
) -> list[FieldError]:
    """Return the faults of the items of a list, and which of them come twice."""
    errors = each(items, limit, check, path)
    if limit is not None and len(items) > limit:
        return errors
    keys = [key(item) for item in items]
    return errors + [duplicate(f"{path}[{index}]", found) for index, found in enumerate(keys) if found in keys[:index]]


def each_entry(
    entries: Mapping[str, T], limit: int | None, check_key: Check[str], check: Check[T], path: str, *, shown: int
) -> list[FieldError]:
    """Return the faults of a map; of a key that is too long only ``shown`` letters stand in the path."""
    if limit is not None and len(entries) > limit:
        return [too_many(path, len(entries), limit)]
    errors = []
    for key, value in entries.items():
        at = f"{path}[{_shortened(key, shown)}]"
        errors += check_key(key, at) + check(value, at)
    return errors


def _shortened(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    rest = length - len("...")
    return text[: (rest + 1) // 2] + "..." + text[len(text) - rest // 2 :]


def validate_label(name: str, path: str) -> list[FieldError]:
    """Return the faults of the name of a device, a request, a counter."""
    return each_invalid(path, name, check_dns_label(name))


def validate_class_name(name: str, path: str) -> list[FieldError]:
    """Return the faults of the name of a class, as a reference to it."""
    return each_invalid(path, name, check_dns_subdomain(name)) if name else [required(path)]


def validate_pool_name(name: str, path: str) -> list[FieldError]:
    """Return the faults of the name of a pool, which may have several parts."""
    if not name:
        return [required(path)]
    errors = [too_long(path, SUBDOMAIN_MAX)] if len(name) > SUBDOMAIN_MAX else []
    parts = name.split("/")
    return errors + [error for part in parts for error in each_invalid(path, part, check_dns_subdomain(part))]


def validate_qualified_name(name: str, path: str) -> list[FieldError]:
    """Return the faults of the name of an attribute or capacity: ID or DOMAIN/ID."""
    domain, slash, identifier = name.rpartition("/")
    if "/" in domain:
        return []  # as upstream
    errors: list[FieldError] = []
    if slash:
        no_domain = [invalid(path, "", "the domain must not be empty")]
        errors += validate_driver_name(domain, path) if domain else no_domain
        if not identifier:
            return [*errors, invalid(path, "", "the name must not be empty")]
    if len(identifier) > MAX_ID:
        errors.append(too_long(path, MAX_ID))
    if not re.fullmatch(_C_IDENTIFIER, identifier):
        why = (
            "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric "
            f"characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is "
            f"'{_C_IDENTIFIER}')"
        )
        errors.append(invalid(path, identifier, why))
    return errors


def validate_full_name(name: str, path: str) -> list[FieldError]:
    """Return the faults of the name of an attribute with its domain."""
    errors = validate_qualified_name(name, path)
    why = "a fully qualified name must be a domain and a name separated by a slash"
    return errors if "/" in name else [*errors, invalid(path, name, why)]


def validate_uid(uid: str, path: str) -> list[FieldError]:
    """Return the faults of the id of a share."""
    bare = uid.removeprefix("urn:uuid:") if len(uid) == 45 else uid[1:-1] if len(uid) == 38 else uid
    if len(uid) not in (32, 36, 38, 45):
        return [invalid(path, uid, f"error validating uid: invalid UUID length: {len(uid)}")]
    if not re.fullmatch("(?i)[0-9a-f]{8}(-?)([0-9a-f]{4}\\1){3}[0-9a-f]{12}", bare):
        return [invalid(path, uid, "error validating uid: invalid UUID format")]
    if len(uid) == 36 and uid == uid.lower():
        return []
    why = "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal"
    return [invalid(path, uid, f"{why} characters")]


def validate_selectors(selectors: Sequence[DeviceSelector], path: str) -> list[FieldError]:
    """Return the faults of conditions on devices; what their CEL says is not looked at."""
    return each(selectors, MAX_SELECTORS, _validate_selector, path)


def _validate_selector(selector: DeviceSelector, at: str) -> list[FieldError]:
    if selector.cel is None:
        return [required(f"{at}.cel")]
    path, expression = f"{at}.cel.expression", selector.cel.expression
    if len(expression.encode()) > MAX_RAW_BYTES:
        return [too_long(path, MAX_RAW_BYTES)]
    return [] if expression.strip() else [required(path)]


def validate_opaque(opaque: OpaqueDeviceConfiguration | None, path: str) -> list[FieldError]:
    """Return the faults of parameters that only a driver understands."""
    if opaque is None:
        return [required(path)]
    return validate_driver_name(opaque.driver, f"{path}.driver") + validate_raw(opaque.parameters, f"{path}.parameters")


def validate_raw(value: Any, path: str) -> list[FieldError]:
    """Return the faults of an object of whatever form."""
    if value is None:
        return [required(path)]
    if len(orjson.dumps(value)) > MAX_RAW_BYTES:
        return [too_long(path, MAX_RAW_BYTES)]
    return [] if isinstance(value, dict) else [invalid(path, "<value omitted>", "must be a valid JSON object")]


def validate_binding(conditions: Sequence[str], failures: Sequence[str], at: str) -> list[FieldError]:
    """Return the faults of the conditions that a pod waits for before it is bound."""
    wanted, unwanted = f"{at}.bindingConditions", f"{at}.bindingFailureConditions"
    errors = each(conditions, MAX_CONDITIONS, _validate_label_key, wanted)
    errors += each(failures, MAX_CONDITIONS, _validate_label_key, unwanted)
    for index, name in enumerate(conditions):
        errors += [duplicate(f"{wanted}[{index}]", name)] if name in conditions[:index] else []
    for index, name in enumerate(failures):
        errors += [duplicate(f"{unwanted}[{index}]", name)] if name in failures[:index] else []
        if name in conditions:
            why = "bindingFailureConditions must not overlap with bindingConditions"
            errors.append(invalid(f"{unwanted}[{index}]", name, why))
    if failures and not conditions:
        errors.append(invalid(wanted, None, "bindingConditions are required to use bindingFailureConditions"))
    if conditions and not failures:
        errors.append(invalid(unwanted, None, "bindingFailureConditions are required to use bindingConditions"))
    return errors


def _validate_label_key(name: str, path: str) -> list[FieldError]:
    return each_invalid(path, name, check_label_key(name))


def validate_taint(taint: DeviceTaint, at: str) -> list[FieldError]:
    """Return the faults of a taint of a device."""
    errors = _validate_label_key(taint.key, f"{at}.key")
    errors += each_invalid(f"{at}.value", taint.value, check_label_value(taint.value))
    if not taint.effect:
        return [*errors, required(f"{at}.effect")]
    return errors + _validate_effect(taint.effect, at)


def validate_toleration(toleration: DeviceToleration, at: str) -> list[FieldError]:
    """Return the faults of what tolerates taints."""
    operator, value = toleration.operator, toleration.value
    errors = _validate_label_key(toleration.key, f"{at}.key") if toleration.key else []
    if operator == "Exists":
        if value:
            errors.append(invalid(f"{at}.value", value, "must be empty for operator `Exists`"))
    elif operator == "Equal":
        errors += each_invalid(f"{at}.value", value, check_label_value(value))
    elif operator:
        errors.append(not_supported(f"{at}.operator", operator, ("Equal", "Exists")))
    else:
        errors.append(required(f"{at}.operator"))
    return errors + _validate_effect(toleration.effect, at)


def _validate_effect(effect: str, at: str) -> list[FieldError]:
    known = not effect or effect in TAINT_EFFECTS
    return [] if known else [not_supported(f"{at}.effect", effect, TAINT_EFFECTS)]
