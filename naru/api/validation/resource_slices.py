"""Validation of devices, as drivers offer them.

Source: Kubernetes API reference, resource.k8s.io/v1; the texts are those of upstream's validation.
"""

import re
from functools import partial
from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import IMMUTABLE, each_invalid, forbidden, in_go, invalid, required, too_long
from naru.api.names import LABEL_MAX, check_dns_subdomain
from naru.api.quantity import Quantity, int_value, parse_quantity
from naru.api.resource_v1 import (
    CapacityRequestPolicy,
    CapacityRequestPolicyRange,
    Counter,
    CounterSet,
    Device,
    DeviceAttribute,
    DeviceCapacity,
    DeviceCounterConsumption,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from naru.api.validation.devices import (
    MAX_KEY,
    each,
    each_entry,
    each_unique,
    validate_binding,
    validate_driver_name,
    validate_label,
    validate_pool_name,
    validate_qualified_name,
    validate_taint,
)
from naru.api.validation.meta import validate_meta, validate_meta_update
from naru.api.validation.node_selectors import validate_node_selector

MAX_DEVICES: Final = 128
MAX_ADVANCED_DEVICES: Final = 64  # in a slice that has more to say about some of them
MAX_ENTRIES: Final = 32  # attributes and capacities of a device
MAX_COUNTER_SETS: Final = 8
MAX_COUNTERS: Final = 32
MAX_CONSUMPTIONS: Final = 2
MAX_TAINTS: Final = 16
MAX_OPTIONS: Final = 10
MAX_VALUE_BYTES: Final = 64

_NUMBER: Final = r"(0|[1-9]\d*)"
_PRE_RELEASE: Final = r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION: Final = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_PRE_RELEASE}(\.{_PRE_RELEASE})*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?",
    re.ASCII,
)
_WAYS: Final = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
_DEVICE_WAYS: Final = (
    "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true "
    "in the ResourceSlice spec"
)
_TRUE_OR_UNSET: Final = "must be either unset or set to true"


def validate_resource_slice(resource_slice: ResourceSlice) -> list[FieldError]:
    """Return the faults of a new slice."""
    errors = validate_meta(resource_slice.metadata, namespaced=False, check_name=check_dns_subdomain)
    return errors + _validate_spec(resource_slice.spec, None)


def validate_resource_slice_update(new: ResourceSlice, old: ResourceSlice) -> list[FieldError]:
    """Return the faults of changing a slice, which stays with its driver, pool and node."""
    errors = validate_meta_update(new.metadata, old.metadata)
    errors += validate_meta(new.metadata, namespaced=False, check_name=check_dns_subdomain)
    return errors + _validate_spec(new.spec, old.spec)


def _validate_spec(spec: ResourceSliceSpec, old: ResourceSliceSpec | None) -> list[FieldError]:
    errors = validate_driver_name(spec.driver, "spec.driver") + _validate_pool(spec.pool)
    if old is not None:
        fixed = (
            ("pool.name", spec.pool.name, old.pool.name),
            ("driver", spec.driver, old.driver),
            ("nodeName", spec.node_name, old.node_name),
        )
        errors += [invalid(f"spec.{field}", new, IMMUTABLE) for field, new, before in fixed if new != before]
    errors += _validate_reach(spec)
    if spec.shared_counters and spec.devices:
        errors.append(invalid("spec", "", "only one of `sharedCounters` or `devices` is allowed"))
    before = {device.name: device for device in old.devices} if old is not None else {}
    limit = MAX_ADVANCED_DEVICES if any(map(_is_advanced, spec.devices)) else MAX_DEVICES
    check = partial(_validate_device, before, spec.per_device_node_selection is True)
    errors += each_unique(spec.devices, limit, check, lambda device: device.name, "spec.devices")
    counters, path = spec.shared_counters, "spec.sharedCounters"
    return errors + each_unique(counters, MAX_COUNTER_SETS, _validate_counter_set, lambda one: one.name, path)


def _validate_pool(pool: ResourcePool) -> list[FieldError]:
    errors = validate_pool_name(pool.name, "spec.pool.name")
    if pool.resource_slice_count <= 0:
        errors.append(invalid("spec.pool.resourceSliceCount", pool.resource_slice_count, "must be greater than zero"))
    if pool.generation < 0:
        why = "must be greater than or equal to zero"
        errors.append(invalid("spec.pool.generation", pool.generation, why))
    return errors


def _validate_reach(spec: ResourceSliceSpec) -> list[FieldError]:
    """Return the faults of how the nodes are named that reach the devices of a slice."""
    errors, ways = [], []
    if spec.node_name:
        ways.append("`nodeName`")
        errors += each_invalid("spec.nodeName", spec.node_name, check_dns_subdomain(spec.node_name))
    elif spec.node_name is not None:
        errors.append(invalid("spec.nodeName", "", "must be either unset or set to a non-empty string"))
    if spec.node_selector is not None:
        ways.append("`nodeSelector`")
        errors += validate_node_selector(spec.node_selector, "spec.nodeSelector")
        terms = spec.node_selector.node_selector_terms
        if len(terms) != 1:
            why = "must have exactly one node selector term"
            errors.append(invalid("spec.nodeSelector.nodeSelectorTerms", in_go(terms), why))
    for field, value in (
        ("allNodes", spec.all_nodes),
        ("perDeviceNodeSelection", spec.per_device_node_selection),
    ):
        ways += [f"`{field}`"] if value else []
        errors += [invalid(f"spec.{field}", value, _TRUE_OR_UNSET)] if value is False else []
    if not ways:
        return [*errors, required("spec", _WAYS)]
    if len(ways) > 1:
        errors.append(invalid("spec", f"{{{', '.join(ways)}}}", f"{_WAYS}, but multiple fields are set"))
    return errors


def _is_advanced(device: Device) -> bool:
    lists = any(a.ints or a.bools or a.strings or a.versions for a in device.attributes.values())
    return bool(device.taints or device.consumes_counters or lists)


def _validate_counter_set(counters: CounterSet, at: str) -> list[FieldError]:
    errors = validate_label(counters.name, f"{at}.name") if counters.name else [required(f"{at}.name")]
    return errors + _validate_counters(counters, at)


def _validate_counters(counters: CounterSet | DeviceCounterConsumption, at: str) -> list[FieldError]:
    path = f"{at}.counters"
    if not counters.counters:
        return [required(path)]
    return each_entry(counters.counters, MAX_COUNTERS, validate_label, _validate_counter, path, shown=LABEL_MAX)


def _validate_counter(counter: Counter, path: str) -> list[FieldError]:
    return []  # any amount will do


def _validate_device(before: dict[str, Device], chooses: bool, device: Device, at: str) -> list[FieldError]:
    errors = validate_label(device.name, f"{at}.name")
    entries = len(device.attributes) + len(device.capacity)
    if entries > MAX_ENTRIES:
        why = f"the total number of attributes and capacities must not exceed {MAX_ENTRIES}"
        errors.append(invalid(at, entries, why))
    name, path = validate_qualified_name, f"{at}.attributes"
    errors += each_entry(device.attributes, None, name, _validate_attribute, path, shown=MAX_KEY)
    capacity = partial(_validate_capacity, device.allow_multiple_allocations is True)
    errors += each_entry(device.capacity, None, name, capacity, f"{at}.capacity", shown=MAX_KEY)
    old = before.get(device.name)
    if old is None or old.taints != device.taints:
        errors += each(device.taints, MAX_TAINTS, validate_taint, f"{at}.taints")
    errors += each_unique(
        device.consumes_counters,
        MAX_CONSUMPTIONS,
        _validate_consumption,
        lambda one: one.counter_set,
        f"{at}.consumesCounters",
    )
    errors += _validate_device_reach(device, at) if chooses else _validate_no_reach(device, at)
    return errors + validate_binding(device.binding_conditions, device.binding_failure_conditions, at)


def _validate_consumption(consumption: DeviceCounterConsumption, at: str) -> list[FieldError]:
    name, path = consumption.counter_set, f"{at}.counterSet"
    return (validate_label(name, path) if name else [required(path)]) + _validate_counters(consumption, at)


def _validate_device_reach(device: Device, at: str) -> list[FieldError]:
    """Return the faults of how the nodes are named that reach one device."""
    errors, ways = [], []
    if device.node_name:
        ways.append("`nodeName`")
        errors += each_invalid(f"{at}.nodeName", device.node_name, check_dns_subdomain(device.node_name))
    elif device.node_name is not None:
        errors.append(invalid(f"{at}.nodeName", "", "must not be empty"))
    if device.node_selector is not None:
        ways.append("`nodeSelector`")
        errors += validate_node_selector(device.node_selector, f"{at}.nodeSelector")
    if device.all_nodes:
        ways.append("`allNodes`")
    elif device.all_nodes is not None:
        errors.append(invalid(f"{at}.allNodes", False, _TRUE_OR_UNSET))
    if not ways:
        return [*errors, required(at, _DEVICE_WAYS)]
    return errors if len(ways) == 1 else [*errors, invalid(at, f"{{{', '.join(ways)}}}", _DEVICE_WAYS)]


def _validate_no_reach(device: Device, at: str) -> list[FieldError]:
    if device.node_name is None and device.node_selector is None and device.all_nodes is None:
        return []
    why = (
        "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the "
        "ResourceSlice spec"
    )
    return [invalid(at, None, why)]


def _validate_attribute(attribute: DeviceAttribute, at: str) -> list[FieldError]:
    errors = []
    if attribute.string is not None and len(attribute.string.encode()) > MAX_VALUE_BYTES:
        errors.append(too_long(f"{at}.string", MAX_VALUE_BYTES))
    if attribute.version is not None:
        if not _VERSION.fullmatch(attribute.version):
            why = "must be a string compatible with semver.org spec 2.0.0"
            errors.append(invalid(f"{at}.version", attribute.version, why))
        if len(attribute.version.encode()) > MAX_VALUE_BYTES:
            errors.append(too_long(f"{at}.version", MAX_VALUE_BYTES))
    count = len(attribute.wire())
    if count == 1:
        return errors
    return [*errors, invalid(at, in_go(attribute) if count else "", "exactly one value must be specified")]


def _validate_capacity(shared: bool, capacity: DeviceCapacity, at: str) -> list[FieldError]:
    policy, path = capacity.request_policy, f"{at}.requestPolicy"
    if policy is None:
        return []
    if not shared:
        return [forbidden(path, "allowMultipleAllocations must be true")]
    if policy.valid_values and policy.valid_range is not None:
        why = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
        return [forbidden(path, why)]
    field = "validValues" if policy.valid_values else "validRange"
    if not policy.valid_values and policy.valid_range is None:
        return []
    if policy.default is None:
        return [required(f"{path}.default", f"required when {field} is defined")]
    if policy.valid_range is not None:
        return _validate_range(policy.valid_range, policy.default, capacity.value, f"{path}.validRange")
    return _validate_values(policy, policy.default, capacity.value, f"{path}.validValues")


def _validate_values(
    policy: CapacityRequestPolicy, default: Quantity, capacity: Quantity, path: str
) -> list[FieldError]:
    values = policy.valid_values
    errors = [
        invalid(f"{path}[{index}]", value, "values must be sorted in ascending order")
        for index, value in enumerate(values)
        if index and parse_quantity(values[index - 1]) > parse_quantity(value)
    ]

    def check(value: Quantity, at: str) -> list[FieldError]:
        fits = parse_quantity(value) <= parse_quantity(capacity)
        return [] if fits else [invalid(at, value, f"option is larger than capacity value: {capacity}")]

    errors += each_unique(values, MAX_OPTIONS, check, lambda value: str(int_value(value)), path)
    if parse_quantity(default) in map(parse_quantity, values):
        return errors
    return [*errors, invalid(path, default, "default value is not valid according to the requestPolicy")]


def _validate_range(
    allowed: CapacityRequestPolicyRange, default: Quantity, capacity: Quantity, at: str
) -> list[FieldError]:
    if allowed.min is None:
        return [required(f"{at}.min", "required when validRange is defined")]
    low, usual, whole = parse_quantity(allowed.min), parse_quantity(default), parse_quantity(capacity)
    errors = []
    if low > whole:
        errors.append(invalid(f"{at}.min", allowed.min, f"min is larger than capacity value: {capacity}"))
    if usual < low:
        errors.append(invalid(f"{at}.min", default, f"default is less than min: {allowed.min}"))
    if allowed.max is not None:
        high = parse_quantity(allowed.max)
        faults = (
            (low > high, allowed.min, f"min is larger than max: {allowed.max}"),
            (high > whole, allowed.max, f"max is larger than capacity value: {capacity}"),
            (usual > high, default, f"default is more than max: {allowed.max}"),
        )
        errors += [invalid(f"{at}.max", value, why) for wrong, value, why in faults if wrong]
    return errors + _validate_step(allowed, allowed.min, default, capacity, f"{at}.step")


def _validate_step(
    allowed: CapacityRequestPolicyRange, low: Quantity, default: Quantity, capacity: Quantity, path: str
) -> list[FieldError]:
    step, errors = allowed.step, []
    if step is None:
        return []
    first = parse_quantity(low) + parse_quantity(step)
    if first > parse_quantity(capacity):
        why = f"one step {first} is larger than capacity value: {capacity}"
        errors.append(invalid(path, step, why))
    size = int_value(step)
    for value in (default, *((allowed.max,) if allowed.max is not None else ())):
        if size and (int_value(value) - int_value(low)) % size:
            errors.append(invalid(path, value, f"value is not a multiple of a given step ({step}) from ({low})"))
    return errors
