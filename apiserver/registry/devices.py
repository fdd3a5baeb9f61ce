"""Devices, and the claims of pods on them."""

from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import AGE, NAME, Column
from apiserver.registry.strategy import Context, Strategy, status_alone
from naru.api.durations import human_age
from naru.api.model import now as current_time
from naru.api.resource_v1 import (
    DeviceClass,
    DeviceRequestAllocationResult,
    ResourceClaim,
    ResourceClaimStatus,
    ResourceClaimTemplate,
    ResourceSlice,
)


class ResourceClaimStrategy(Strategy[ResourceClaim]):
    """The rules of claims."""

    has_status = True
    columns: ClassVar[tuple[Column, ...]] = (NAME, Column("State", "How far it has come: pending, allocated..."), AGE)

    def prepare_for_status_update(self, new: ResourceClaim, old: ResourceClaim) -> ResourceClaim:
        """Keep everything but the status, and forget what was told of devices that the claim has no more."""
        prepared = status_alone(new, old)
        gone = _devices(old.status) - _devices(new.status)
        left = (d for d in new.status.devices if (d.driver, d.pool, d.device) not in gone)
        return prepared.model_copy(update={"status": new.status.model_copy(update={"devices": tuple(left)})})

    def row(self, obj: ResourceClaim, now: datetime) -> list[Any]:
        """Show how far the claim has come."""
        return [obj.metadata.name, _state(obj), human_age(obj.metadata.creation_timestamp, now)]


def _devices(status: ResourceClaimStatus) -> set[tuple[str, str, str]]:
    results: tuple[DeviceRequestAllocationResult, ...] = ()
    if status.allocation is not None:
        results = status.allocation.devices.results
    return {(result.driver, result.pool, result.device) for result in results}


def _state(claim: ResourceClaim) -> str:
    states = ["deleted"] if claim.metadata.deletion_timestamp is not None else []
    if claim.status.allocation is None:
        return ",".join(states or ["pending"])
    return ",".join([*states, "allocated", *(["reserved"] if claim.status.reserved_for else [])])


class ResourceClaimTemplateStrategy(Strategy[ResourceClaimTemplate]):
    """The rules of templates of claims."""


class DeviceClassStrategy(Strategy[DeviceClass]):
    """The rules of classes of devices."""

    counts_generations = True


class ResourceSliceStrategy(Strategy[ResourceSlice]):
    """The rules of what drivers offer."""

    counts_generations = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Node", "The node that the devices are at."),
        Column("Driver", "Who offers the devices."),
        Column("Pool", "The pool that the slice is a part of."),
        AGE,
    )

    def prepare_for_create(self, obj: ResourceSlice, context: Context) -> ResourceSlice:
        """Note when each taint was put on."""
        return _timed(super().prepare_for_create(obj, context), context.now)

    def prepare_for_update(self, new: ResourceSlice, old: ResourceSlice) -> ResourceSlice:
        """Note when each new taint was put on."""
        return super().prepare_for_update(_timed(new, current_time()), old)

    def selectable_fields(self, obj: ResourceSlice) -> dict[str, str]:
        """Let a node and a driver ask for their own."""
        spec = obj.spec
        own = {"spec.nodeName": spec.node_name or "", "spec.driver": spec.driver}
        return {**super().selectable_fields(obj), **own}

    def row(self, obj: ResourceSlice, now: datetime) -> list[Any]:
        """Show whose devices they are."""
        spec, age = obj.spec, human_age(obj.metadata.creation_timestamp, now)
        return [obj.metadata.name, spec.node_name or "", spec.driver, spec.pool.name, age]


def _timed(resource_slice: ResourceSlice, moment: datetime) -> ResourceSlice:
    spec = resource_slice.spec
    if all(taint.time_added is not None for device in spec.devices for taint in device.taints):
        return resource_slice
    devices = (
        device.model_copy(
            update={
                "taints": tuple(
                    taint.model_copy(update={"time_added": taint.time_added or moment}) for taint in device.taints
                )
            }
        )
        for device in spec.devices
    )
    return resource_slice.model_copy(update={"spec": spec.model_copy(update={"devices": tuple(devices)})})


STRATEGIES: Final = {
    "deviceclasses.resource.k8s.io": DeviceClassStrategy(),
    "resourceclaims.resource.k8s.io": ResourceClaimStrategy(),
    "resourceclaimtemplates.resource.k8s.io": ResourceClaimTemplateStrategy(),
    "resourceslices.resource.k8s.io": ResourceSliceStrategy(),
}
