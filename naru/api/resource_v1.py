"""Devices, and the claims of pods on them (dynamic resource allocation).

Source: Kubernetes API reference, resource.k8s.io/v1.
"""

from typing import Annotated, Any, ClassVar

from naru.api.meta import Condition, KubeObject, ObjectMeta
from naru.api.model import ALWAYS, REQUIRED, ListMapKeys, MergeKey, Model, OptionalTime
from naru.api.placement_v1 import NodeSelector
from naru.api.quantity import Quantity


class ResourcePool(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""
    generation: Annotated[int, REQUIRED] = 0
    resource_slice_count: Annotated[int, REQUIRED] = 0


class DeviceAttribute(Model):
    """TODO."""

    protobuf: ClassVar[str] = "2-9"

    int_: int | None = None
    bool_: bool | None = None
    string: str | None = None
    version: str | None = None
    ints: tuple[int, ...] = ()
    bools: tuple[bool, ...] = ()
    strings: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()


class CapacityRequestPolicyRange(Model):
    """TODO."""

    min: Quantity | None = None
    max: Quantity | None = None
    step: Quantity | None = None


class CapacityRequestPolicy(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 3 4"

    default: Quantity | None = None
    valid_values: tuple[Quantity, ...] = ()
    valid_range: CapacityRequestPolicyRange | None = None


class DeviceCapacity(Model):
    """TODO."""

    value: Annotated[Quantity, REQUIRED] = Quantity("0")
    request_policy: CapacityRequestPolicy | None = None


class Counter(Model):
    """TODO."""

    value: Annotated[Quantity, REQUIRED] = Quantity("0")


class DeviceCounterConsumption(Model):
    """TODO."""

    counter_set: Annotated[str, REQUIRED] = ""
    counters: dict[str, Counter] = {}


class DeviceTaint(Model):
    """TODO."""

    key: Annotated[str, REQUIRED] = ""
    value: str = ""
    effect: Annotated[str, REQUIRED] = ""
    time_added: OptionalTime = None


class NodeAllocatableResourceMapping(Model):
    """TODO."""

    capacity_key: str | None = None
    allocation_multiplier: Quantity | None = None


class Device(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""
    attributes: dict[str, DeviceAttribute] = {}
    capacity: dict[str, DeviceCapacity] = {}
    consumes_counters: tuple[DeviceCounterConsumption, ...] = ()
    node_name: str | None = None
    node_selector: NodeSelector | None = None
    all_nodes: bool | None = None
    taints: tuple[DeviceTaint, ...] = ()
    binds_to_node: bool | None = None
    binding_conditions: tuple[str, ...] = ()
    binding_failure_conditions: tuple[str, ...] = ()
    allow_multiple_allocations: bool | None = None
    node_allocatable_resource_mappings: dict[str, NodeAllocatableResourceMapping] = {}


class CounterSet(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""
    counters: dict[str, Counter] = {}


class ResourceSliceSpec(Model):
    """TODO."""

    driver: Annotated[str, REQUIRED] = ""
    pool: Annotated[ResourcePool, REQUIRED] = ResourcePool()
    node_name: str | None = None
    node_selector: NodeSelector | None = None
    all_nodes: bool | None = None
    devices: tuple[Device, ...] = ()
    per_device_node_selection: bool | None = None
    shared_counters: tuple[CounterSet, ...] = ()


class ResourceSlice(KubeObject):
    """TODO."""

    kind: str = "ResourceSlice"
    api_version: str = "resource.k8s.io/v1"
    spec: Annotated[ResourceSliceSpec, REQUIRED] = ResourceSliceSpec()


class CELDeviceSelector(Model):
    """TODO."""

    expression: Annotated[str, REQUIRED] = ""


class DeviceSelector(Model):
    """TODO."""

    cel: CELDeviceSelector | None = None


class DeviceToleration(Model):
    """TODO."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""
    toleration_seconds: int | None = None


class CapacityRequirements(Model):
    """TODO."""

    requests: dict[str, Quantity] = {}


class ExactDeviceRequest(Model):
    """TODO."""

    device_class_name: Annotated[str, REQUIRED] = ""
    selectors: tuple[DeviceSelector, ...] = ()
    allocation_mode: str = ""
    count: int = 0
    admin_access: bool | None = None
    tolerations: tuple[DeviceToleration, ...] = ()
    capacity: CapacityRequirements | None = None


class DeviceSubRequest(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""
    device_class_name: Annotated[str, REQUIRED] = ""
    selectors: tuple[DeviceSelector, ...] = ()
    allocation_mode: str = ""
    count: int = 0
    tolerations: tuple[DeviceToleration, ...] = ()
    capacity: CapacityRequirements | None = None


class DeviceRequest(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""
    exactly: ExactDeviceRequest | None = None
    first_available: tuple[DeviceSubRequest, ...] = ()


class DeviceConstraint(Model):
    """TODO."""

    requests: tuple[str, ...] = ()
    match_attribute: str | None = None
    distinct_attribute: str | None = None


class OpaqueDeviceConfiguration(Model):
    """TODO."""

    driver: Annotated[str, REQUIRED] = ""
    parameters: Annotated[Any, REQUIRED] = None


class DeviceConfiguration(Model):
    """TODO."""

    opaque: OpaqueDeviceConfiguration | None = None


class DeviceClaimConfiguration(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 2.1"

    requests: tuple[str, ...] = ()
    opaque: OpaqueDeviceConfiguration | None = None


class DeviceClaim(Model):
    """TODO."""

    requests: Annotated[tuple[DeviceRequest, ...], ALWAYS] = ()
    constraints: tuple[DeviceConstraint, ...] = ()
    config: tuple[DeviceClaimConfiguration, ...] = ()


class ResourceClaimSpec(Model):
    """TODO."""

    devices: DeviceClaim = DeviceClaim()


class DeviceRequestAllocationResult(Model):
    """TODO."""

    request: Annotated[str, REQUIRED] = ""
    driver: Annotated[str, REQUIRED] = ""
    pool: Annotated[str, REQUIRED] = ""
    device: Annotated[str, REQUIRED] = ""
    admin_access: bool | None = None
    tolerations: tuple[DeviceToleration, ...] = ()
    binding_conditions: tuple[str, ...] = ()
    binding_failure_conditions: tuple[str, ...] = ()
    share_id: str | None = None
    consumed_capacity: dict[str, Quantity] = {}


class DeviceAllocationConfiguration(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 2 3.1"

    source: Annotated[str, REQUIRED] = ""
    requests: tuple[str, ...] = ()
    opaque: OpaqueDeviceConfiguration | None = None


class DeviceAllocationResult(Model):
    """TODO."""

    results: tuple[DeviceRequestAllocationResult, ...] = ()
    config: tuple[DeviceAllocationConfiguration, ...] = ()


class AllocationResult(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 3 5"

    devices: DeviceAllocationResult = DeviceAllocationResult()
    node_selector: NodeSelector | None = None
    allocation_timestamp: OptionalTime = None


class ResourceClaimConsumerReference(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 3-5"

    api_group: str = ""
    resource: Annotated[str, REQUIRED] = ""
    name: Annotated[str, REQUIRED] = ""
    uid: Annotated[str, REQUIRED] = ""


class NetworkDeviceData(Model):
    """TODO."""

    interface_name: str = ""
    ips: tuple[str, ...] = ()
    hardware_address: str = ""


class AllocatedDeviceStatus(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1-3 7 4-6"

    driver: Annotated[str, REQUIRED] = ""
    pool: Annotated[str, REQUIRED] = ""
    device: Annotated[str, REQUIRED] = ""
    share_id: str | None = None
    conditions: Annotated[tuple[Condition, ...], ListMapKeys(("type",)), ALWAYS] = ()
    data: Any = None
    network_data: NetworkDeviceData | None = None


class ResourceClaimStatus(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 2 4"

    allocation: AllocationResult | None = None
    reserved_for: Annotated[tuple[ResourceClaimConsumerReference, ...], MergeKey("uid"), ListMapKeys(("uid",))] = ()
    devices: Annotated[
        tuple[AllocatedDeviceStatus, ...],
        ListMapKeys(
            (
                "driver",
                "device",
                "pool",
                "shareID",
            )
        ),
    ] = ()


class ResourceClaim(KubeObject):
    """TODO."""

    kind: str = "ResourceClaim"
    api_version: str = "resource.k8s.io/v1"
    spec: Annotated[ResourceClaimSpec, REQUIRED] = ResourceClaimSpec()
    status: ResourceClaimStatus = ResourceClaimStatus()


class DeviceClassConfiguration(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1.1"

    opaque: OpaqueDeviceConfiguration | None = None


class DeviceClassSpec(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 2 4"

    selectors: tuple[DeviceSelector, ...] = ()
    config: tuple[DeviceClassConfiguration, ...] = ()
    extended_resource_name: str | None = None


class DeviceClass(KubeObject):
    """TODO."""

    kind: str = "DeviceClass"
    api_version: str = "resource.k8s.io/v1"
    spec: Annotated[DeviceClassSpec, REQUIRED] = DeviceClassSpec()


class ResourceClaimTemplateSpec(Model):
    """TODO."""

    metadata: ObjectMeta = ObjectMeta()
    spec: Annotated[ResourceClaimSpec, REQUIRED] = ResourceClaimSpec()


class ResourceClaimTemplate(KubeObject):
    """TODO."""

    kind: str = "ResourceClaimTemplate"
    api_version: str = "resource.k8s.io/v1"
    spec: Annotated[ResourceClaimTemplateSpec, REQUIRED] = ResourceClaimTemplateSpec()
