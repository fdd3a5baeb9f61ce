"""Defaults of claims on devices, and of devices."""

from typing import Any, Final, TypeVar

from naru.api.quantity import Quantity
from naru.api.resource_v1 import (
    Device,
    DeviceRequest,
    DeviceSubRequest,
    ExactDeviceRequest,
    ResourceClaim,
    ResourceClaimSpec,
    ResourceClaimTemplate,
    ResourceSlice,
)

R = TypeVar("R", ExactDeviceRequest, DeviceSubRequest)

EXACT_COUNT: Final = "ExactCount"


def default_claim(claim: ResourceClaim) -> ResourceClaim:
    """Ask for one device where nobody says how many."""
    return claim.model_copy(update={"spec": _default_spec(claim.spec)})


def default_claim_template(template: ResourceClaimTemplate) -> ResourceClaimTemplate:
    """Fill in the claim that is made from the template."""
    spec = template.spec.model_copy(update={"spec": _default_spec(template.spec.spec)})
    return template.model_copy(update={"spec": spec})


def _default_spec(spec: ResourceClaimSpec) -> ResourceClaimSpec:
    requests = tuple(map(_default_request, spec.devices.requests))
    return spec.model_copy(update={"devices": spec.devices.model_copy(update={"requests": requests})})


def _default_request(request: DeviceRequest) -> DeviceRequest:
    update: dict[str, Any] = {"first_available": tuple(map(_default_way, request.first_available))}
    if request.exactly is not None:
        update["exactly"] = _default_way(request.exactly)
    return request.model_copy(update=update)


def _default_way(way: R) -> R:
    mode = way.allocation_mode or EXACT_COUNT
    return way.model_copy(update={"allocation_mode": mode, "count": way.count or (1 if mode == EXACT_COUNT else 0)})


def default_resource_slice(resource_slice: ResourceSlice) -> ResourceSlice:
    """Let one unit of a device's capacity take one unit of the node's resource."""
    spec = resource_slice.spec
    if not any(device.node_allocatable_resource_mappings for device in spec.devices):
        return resource_slice
    update = {"devices": tuple(map(_default_device, spec.devices))}
    return resource_slice.model_copy(update={"spec": spec.model_copy(update=update)})


def _default_device(device: Device) -> Device:
    mappings = {
        name: mapping.model_copy(update={"allocation_multiplier": mapping.allocation_multiplier or Quantity("1")})
        for name, mapping in device.node_allocatable_resource_mappings.items()
    }
    return device.model_copy(update={"node_allocatable_resource_mappings": mappings})


DEFAULTS: Final = {
    ResourceClaim: default_claim,
    ResourceClaimTemplate: default_claim_template,
    ResourceSlice: default_resource_slice,
}
