"""Validation of claims on devices, of templates of claims, and of classes of devices.

Source: Kubernetes API reference, resource.k8s.io/v1; the texts are those of upstream's validation.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from ipaddress import ip_interface
from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import IMMUTABLE, forbidden, in_go, invalid, not_supported, required, too_long, too_many
from naru.api.meta import ObjectMeta
from naru.api.names import check_dns_subdomain, check_label_key
from naru.api.resource_v1 import (
    AllocatedDeviceStatus,
    AllocationResult,
    DeviceAllocationConfiguration,
    DeviceClaim,
    DeviceClaimConfiguration,
    DeviceClass,
    DeviceClassConfiguration,
    DeviceConstraint,
    DeviceRequest,
    DeviceRequestAllocationResult,
    DeviceSubRequest,
    ExactDeviceRequest,
    NetworkDeviceData,
    ResourceClaim,
    ResourceClaimConsumerReference,
    ResourceClaimTemplate,
    ResourceSlice,
)
from naru.api.validation.devices import (
    each,
    each_unique,
    validate_binding,
    validate_class_name,
    validate_driver_name,
    validate_full_name,
    validate_label,
    validate_opaque,
    validate_pool_name,
    validate_raw,
    validate_selectors,
    validate_toleration,
    validate_uid,
)
from naru.api.validation.meta import validate_annotations, validate_labels, validate_meta, validate_meta_update
from naru.api.validation.node_selectors import validate_node_selector
from naru.api.validation.policy import validate_conditions
from naru.api.validation.resource_slices import validate_resource_slice, validate_resource_slice_update
from naru.api.validation.rules import Rules

RequestNames = Mapping[str, Collection[str]]  # of a claim: the ways to meet each of them
DeviceKey = tuple[str, str, str, str | None]

MAX_REQUESTS: Final = 32
MAX_CONSTRAINTS: Final = 32
MAX_CONFIGS: Final = 32
MAX_WAYS: Final = 8
MAX_CONSUMERS: Final = 256
MAX_STATUS_CONDITIONS: Final = 8
MAX_IPS: Final = 16
MAX_INTERFACE_BYTES: Final = 256
MAX_HARDWARE_BYTES: Final = 128
MODES: Final = ("All", "ExactCount")
SOURCES: Final = ("FromClaim", "FromClass")
_ONE_OF_TWO: Final = "exactly one of `exactly` or `firstAvailable` is required"
_NO_REQUEST: Final = (
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
)


def validate_resource_claim(claim: ResourceClaim) -> list[FieldError]:
    """Return the faults of a new claim."""
    errors = validate_meta(claim.metadata, namespaced=True, check_name=check_dns_subdomain)
    return errors + _validate_claim(claim.spec.devices, "spec.devices")


def validate_resource_claim_update(new: ResourceClaim, old: ResourceClaim) -> list[FieldError]:
    """Return the faults of changing a claim; what is wanted never changes."""
    errors = validate_meta_update(new.metadata, old.metadata)
    errors += validate_meta(new.metadata, namespaced=True, check_name=check_dns_subdomain)
    return errors if new.spec == old.spec else [*errors, invalid("spec", in_go(new.spec), IMMUTABLE)]


def validate_claim_template(template: ResourceClaimTemplate) -> list[FieldError]:
    """Return the faults of a new template."""
    errors = validate_meta(template.metadata, namespaced=True, check_name=check_dns_subdomain)
    errors += _validate_template_meta(template.spec.metadata, "spec.metadata")
    return errors + _validate_claim(template.spec.spec.devices, "spec.spec.devices")


def _validate_template_meta(meta: ObjectMeta, path: str) -> list[FieldError]:
    errors = validate_annotations(meta.annotations, f"{path}.annotations")
    errors += validate_labels(meta.labels, f"{path}.labels")
    others = (field for field in meta.wire() if field not in ("annotations", "labels"))
    return errors + [forbidden(f"{path}.{field}", "cannot be set") for field in others]


def validate_claim_template_update(new: ResourceClaimTemplate, old: ResourceClaimTemplate) -> list[FieldError]:
    """Return the faults of changing a template, which never changes."""
    errors = validate_meta_update(new.metadata, old.metadata)
    return errors if new.spec == old.spec else [*errors, invalid("spec", in_go(new.spec), IMMUTABLE)]


def _validate_claim(claim: DeviceClaim, at: str) -> list[FieldError]:
    names = _request_names(claim)
    errors = each_unique(
        claim.requests, MAX_REQUESTS, _validate_request, lambda request: request.name, f"{at}.requests"
    )
    constraint = partial(_validate_constraint, names)
    errors += each(claim.constraints, MAX_CONSTRAINTS, constraint, f"{at}.constraints")
    return errors + each(claim.config, MAX_CONFIGS, partial(_validate_config, names), f"{at}.config")


def _request_names(claim: DeviceClaim) -> RequestNames:
    return {request.name: [way.name for way in request.first_available] for request in claim.requests}


def _validate_request(request: DeviceRequest, at: str) -> list[FieldError]:
    errors, ways = validate_label(request.name, f"{at}.name"), request.first_available
    if request.exactly is not None and ways:
        return [*errors, invalid(at, None, f"{_ONE_OF_TWO}, but multiple fields are set")]
    if request.exactly is not None:
        return errors + _validate_way(request.exactly, f"{at}.exactly")
    if not ways:
        return [*errors, required(at, _ONE_OF_TWO)]
    return errors + each_unique(ways, MAX_WAYS, _validate_sub_request, lambda way: way.name, f"{at}.firstAvailable")


def _validate_sub_request(way: DeviceSubRequest, at: str) -> list[FieldError]:
    return validate_label(way.name, f"{at}.name") + _validate_way(way, at)


def _validate_way(way: ExactDeviceRequest | DeviceSubRequest, at: str) -> list[FieldError]:
    errors = validate_class_name(way.device_class_name, f"{at}.deviceClassName")
    errors += validate_selectors(way.selectors, f"{at}.selectors")
    mode, count = way.allocation_mode, way.count
    if mode not in MODES:
        errors.append(not_supported(f"{at}.allocationMode", mode, MODES))
    elif mode == "All" and count:
        errors.append(invalid(f"{at}.count", count, "must not be specified when allocationMode is 'All'"))
    elif mode == "ExactCount" and count <= 0:
        errors.append(invalid(f"{at}.count", count, "must be greater than zero"))
    return errors + each(way.tolerations, None, validate_toleration, f"{at}.tolerations")


def _validate_constraint(names: RequestNames, constraint: DeviceConstraint, at: str) -> list[FieldError]:
    errors = _validate_refs(names, constraint.requests, f"{at}.requests")
    if constraint.match_attribute is not None:
        return errors + validate_full_name(constraint.match_attribute, f"{at}.matchAttribute")
    if constraint.distinct_attribute is not None:
        return errors + validate_full_name(constraint.distinct_attribute, f"{at}.distinctAttribute")
    why = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
    return [*errors, required(at, why)]


def _validate_config(
    names: RequestNames, config: DeviceClaimConfiguration | DeviceAllocationConfiguration, at: str
) -> list[FieldError]:
    errors = _validate_refs(names, config.requests, f"{at}.requests")
    return errors + validate_opaque(config.opaque, f"{at}.opaque")


def _validate_refs(names: RequestNames, refs: Sequence[str], path: str) -> list[FieldError]:
    return each_unique(refs, MAX_REQUESTS, partial(_validate_ref, names), str, path)


def _validate_ref(names: RequestNames, ref: str, path: str) -> list[FieldError]:
    request, slash, way = ref.partition("/")
    if "/" in way:
        return [invalid(path, ref, _NO_REQUEST)]
    errors = [error for part in ref.split("/") for error in validate_label(part, path)]
    known = request in names and (not slash or way in names[request])
    return errors if known else [*errors, invalid(path, ref, _NO_REQUEST)]


def validate_resource_claim_status(new: ResourceClaim, old: ResourceClaim) -> list[FieldError]:
    """Return the faults of a claim's status; what was allocated never changes."""
    status, before = new.status, old.status
    errors = validate_meta_update(new.metadata, old.metadata)
    path = "status.reservedFor"
    errors += each_unique(status.reserved_for, MAX_CONSUMERS, _validate_consumer, lambda one: one.uid, path)
    allocated = {_key(result) for result in status.allocation.devices.results} if status.allocation else set()
    check = partial(_validate_device_status, allocated)
    errors += each_unique(status.devices, None, check, _text, "status.devices")
    if status.reserved_for and status.allocation is None:
        errors.append(forbidden(path, "may not be specified when `allocated` is not set"))
    elif new.metadata.deletion_timestamp is not None and set(status.reserved_for) - set(before.reserved_for):
        why = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set"
        errors.append(forbidden(path, why))
    if status.allocation is None or status.allocation == before.allocation:
        return errors
    if before.allocation is not None:
        return [*errors, invalid("status.allocation", in_go(status.allocation), IMMUTABLE)]
    return errors + _validate_allocation(status.allocation, _request_names(new.spec.devices))


def _validate_consumer(consumer: ResourceClaimConsumerReference, at: str) -> list[FieldError]:
    fields = (("resource", consumer.resource), ("name", consumer.name), ("uid", consumer.uid))
    return [required(f"{at}.{field}") for field, value in fields if not value]


def _key(device: DeviceRequestAllocationResult | AllocatedDeviceStatus) -> DeviceKey:
    return device.driver, device.pool, device.device, device.share_id


def _text(device: AllocatedDeviceStatus) -> str:
    return "/".join(part for part in _key(device) if part)


def _validate_allocation(allocation: AllocationResult, names: RequestNames) -> list[FieldError]:
    path, devices = "status.allocation", allocation.devices
    errors = each(devices.results, MAX_REQUESTS, partial(_validate_result, names), f"{path}.devices.results")
    config = partial(_validate_allocated_config, names)
    errors += each(devices.config, 2 * MAX_CONFIGS, config, f"{path}.devices.config")
    if allocation.node_selector is not None:
        errors += validate_node_selector(allocation.node_selector, f"{path}.nodeSelector")
    return errors


def _validate_result(names: RequestNames, result: DeviceRequestAllocationResult, at: str) -> list[FieldError]:
    errors = _validate_ref(names, result.request, f"{at}.request")
    errors += _validate_device(result, at)
    errors += validate_binding(result.binding_conditions, result.binding_failure_conditions, at)
    return errors + _validate_share(result, at)


def _validate_device(device: DeviceRequestAllocationResult | AllocatedDeviceStatus, at: str) -> list[FieldError]:
    errors = validate_driver_name(device.driver, f"{at}.driver")
    return errors + validate_pool_name(device.pool, f"{at}.pool") + validate_label(device.device, f"{at}.device")


def _validate_share(device: DeviceRequestAllocationResult | AllocatedDeviceStatus, at: str) -> list[FieldError]:
    return [] if device.share_id is None else validate_uid(device.share_id, f"{at}.shareID")


def _validate_allocated_config(names: RequestNames, config: DeviceAllocationConfiguration, at: str) -> list[FieldError]:
    errors = []
    if not config.source:
        errors.append(required(f"{at}.source"))
    elif config.source not in SOURCES:
        errors.append(not_supported(f"{at}.source", config.source, SOURCES))
    return errors + _validate_config(names, config, at)


def _validate_device_status(
    allocated: Collection[DeviceKey], device: AllocatedDeviceStatus, at: str
) -> list[FieldError]:
    errors = _validate_device(device, at) + _validate_share(device, at)
    if _key(device) not in allocated:
        errors.append(invalid(at, _text(device), "must be an allocated device in the claim"))
    if len(device.conditions) > MAX_STATUS_CONDITIONS:
        errors.append(too_many(f"{at}.conditions", len(device.conditions), MAX_STATUS_CONDITIONS))
    errors += validate_conditions(device.conditions, f"{at}.conditions")
    errors += [] if device.data is None else validate_raw(device.data, f"{at}.data")
    return errors + ([] if device.network_data is None else _validate_network(device.network_data, f"{at}.networkData"))


def _validate_network(data: NetworkDeviceData, at: str) -> list[FieldError]:
    fields = (
        ("interfaceName", data.interface_name, MAX_INTERFACE_BYTES),
        ("hardwareAddress", data.hardware_address, MAX_HARDWARE_BYTES),
    )
    errors = [too_long(f"{at}.{field}", limit) for field, text, limit in fields if len(text.encode()) > limit]
    return errors + each_unique(data.ips, MAX_IPS, _validate_interface_address, str, f"{at}.ips")


def _validate_interface_address(text: str, path: str) -> list[FieldError]:
    try:
        interface = ip_interface(text if re.search(r"/\d+$", text) else "")
    except ValueError:
        why = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)"
        return [invalid(path, text, why)]
    canonical = interface.with_prefixlen
    return [] if text == canonical else [invalid(path, text, f'must be in canonical form ("{canonical}")')]


def validate_device_class(device_class: DeviceClass) -> list[FieldError]:
    """Return the faults of a class of devices."""
    spec = device_class.spec
    errors = validate_meta(device_class.metadata, namespaced=False, check_name=check_dns_subdomain)
    errors += validate_selectors(spec.selectors, "spec.selectors")
    errors += each(spec.config, MAX_CONFIGS, _validate_class_config, "spec.config")
    name = spec.extended_resource_name
    if name is not None and not _is_extended_resource(name):
        errors.append(invalid("spec.extendedResourceName", name, "must be a valid extended resource name"))
    return errors


def _validate_class_config(config: DeviceClassConfiguration, at: str) -> list[FieldError]:
    return validate_opaque(config.opaque, f"{at}.opaque")


def _is_extended_resource(name: str) -> bool:
    """Tell whether a resource may be one that is not Kubernetes' own; a quota must be able to name it too."""
    native = "/" not in name or "kubernetes.io/" in name
    return not native and not name.startswith("requests.") and not check_label_key(f"requests.{name}")


RULES: Final = {
    DeviceClass: Rules(validate_device_class),
    ResourceClaim: Rules(validate_resource_claim, validate_resource_claim_update, validate_resource_claim_status),
    ResourceClaimTemplate: Rules(validate_claim_template, validate_claim_template_update),
    ResourceSlice: Rules(validate_resource_slice, validate_resource_slice_update),
}
