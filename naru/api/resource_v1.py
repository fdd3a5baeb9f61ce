"""Devices, and the claims of pods on them (dynamic resource allocation).

Source: Kubernetes API reference, resource.k8s.io/v1.
"""

from typing import Annotated, Any, ClassVar

from naru.api.meta import Condition, KubeObject, ObjectMeta
from naru.api.model import ALWAYS, REQUIRED, ListMapKeys, MergeKey, Model, OptionalTime
from naru.api.placement_v1 import NodeSelector
from naru.api.quantity import Quantity


class ResourcePool(Model):
    """The set of devices that a slice is a part of."""

    name: Annotated[str, REQUIRED] = ""  # name of the pool, often that of the node
    generation: Annotated[int, REQUIRED] = 0  # counts changes of the pool; only the slices of the highest one count
    # how many slices the pool has in this generation; until all are there it is incomplete
    resource_slice_count: Annotated[int, REQUIRED] = 0


class DeviceAttribute(Model):
    """One fact about a device; exactly one member is set."""

    protobuf: ClassVar[str] = "2-9"

    int_: int | None = None  # a whole number
    bool_: bool | None = None  # true or false
    string: str | None = None  # a text
    version: str | None = None  # a version, as semver writes it
    ints: tuple[int, ...] = ()  # several whole numbers
    bools: tuple[bool, ...] = ()  # several of true and false
    strings: tuple[str, ...] = ()  # several texts
    versions: tuple[str, ...] = ()  # several versions


class CapacityRequestPolicyRange(Model):
    """Amounts from min to max in equal steps."""

    min: Quantity | None = None  # the least that can be asked for
    max: Quantity | None = None  # the most; unset: all of the device's capacity
    step: Quantity | None = None  # amounts are min and a multiple of this


class CapacityRequestPolicy(Model):
    """Which amounts of a shared device's capacity can be asked for; others are rounded up to one of them."""

    protobuf: ClassVar[str] = "1 3 4"

    default: Quantity | None = None  # taken by a request that names no amount
    valid_values: tuple[Quantity, ...] = ()  # the amounts that there are
    valid_range: CapacityRequestPolicyRange | None = None  # the amounts as a range; not together with validValues


class DeviceCapacity(Model):
    """How much of something a device has."""

    value: Annotated[Quantity, REQUIRED] = Quantity("0")  # the amount
    # how it may be shared out, if the device can be allocated several times
    request_policy: CapacityRequestPolicy | None = None


class Counter(Model):
    """An amount that devices take from together."""

    value: Annotated[Quantity, REQUIRED] = Quantity("0")  # the amount


class DeviceCounterConsumption(Model):
    """What a device takes from a set of shared counters."""

    counter_set: Annotated[str, REQUIRED] = ""  # name of the set
    counters: dict[str, Counter] = {}  # amounts by the counter's name


class DeviceTaint(Model):
    """Keeps claims away that do not tolerate it."""

    key: Annotated[str, REQUIRED] = ""  # name of the taint
    value: str = ""  # value of the taint
    effect: Annotated[str, REQUIRED] = ""  # None, NoSchedule or NoExecute
    time_added: OptionalTime = None  # when it was put on; set by the server if missing


class NodeAllocatableResourceMapping(Model):
    """How much of a node's ordinary resource a device takes up."""

    capacity_key: str | None = None  # the device's capacity that is counted; unset: each allocation counts as one
    allocation_multiplier: Quantity | None = None  # how much of the node's resource one unit of it takes


class Device(Model):
    """One thing that can be allocated, and all that claims can choose it by."""

    name: Annotated[str, REQUIRED] = ""  # name of the device, unique in its pool
    attributes: dict[str, DeviceAttribute] = {}  # facts about it, by name
    capacity: dict[str, DeviceCapacity] = {}  # amounts that it has, by name
    # what it takes from counters that it shares with other devices
    consumes_counters: tuple[DeviceCounterConsumption, ...] = ()
    node_name: str | None = None  # the node that it is at; only if the slice leaves that to its devices
    node_selector: NodeSelector | None = None  # the nodes that reach it; as above
    all_nodes: bool | None = None  # true: every node reaches it; as above
    taints: tuple[DeviceTaint, ...] = ()  # what keeps claims away
    binds_to_node: bool | None = None  # true: once allocated, the claim is bound to the node that was chosen
    # conditions of the allocated device that must be true before a pod is bound
    binding_conditions: tuple[str, ...] = ()
    binding_failure_conditions: tuple[str, ...] = ()  # conditions that end the attempt to bind
    # true: it can be allocated more than once, by shares of its capacity
    allow_multiple_allocations: bool | None = None
    # ordinary resources of the node that it takes up, by name
    node_allocatable_resource_mappings: dict[str, NodeAllocatableResourceMapping] = {}


class CounterSet(Model):
    """Counters that several devices of a pool take from."""

    name: Annotated[str, REQUIRED] = ""  # name of the set
    counters: dict[str, Counter] = {}  # amounts by name


class ResourceSliceSpec(Model):
    """Some devices of one driver, and the nodes that reach them."""

    driver: Annotated[str, REQUIRED] = ""  # name of the driver, as a DNS subdomain
    pool: Annotated[ResourcePool, REQUIRED] = ResourcePool()  # the pool that the slice is a part of
    node_name: str | None = None  # the node that the devices are at; exactly one of the four ways is chosen
    node_selector: NodeSelector | None = None  # the nodes that reach them
    all_nodes: bool | None = None  # true: every node reaches them
    devices: tuple[Device, ...] = ()  # the devices
    per_device_node_selection: bool | None = None  # true: each device says itself which nodes reach it
    shared_counters: tuple[CounterSet, ...] = ()  # counters that the pool's devices take from


class ResourceSlice(KubeObject):
    """Devices that a driver offers."""

    kind: str = "ResourceSlice"
    api_version: str = "resource.k8s.io/v1"
    spec: Annotated[ResourceSliceSpec, REQUIRED] = ResourceSliceSpec()  # the devices


class CELDeviceSelector(Model):
    """A condition in CEL that a device must meet."""

    expression: Annotated[str, REQUIRED] = ""  # the expression; device has driver, attributes and capacity


class DeviceSelector(Model):
    """A condition that a device must meet."""

    cel: CELDeviceSelector | None = None  # the condition, in CEL


class DeviceToleration(Model):
    """Lets a request have devices with a certain taint."""

    key: str = ""  # name of the taint; empty: every one, with operator Exists
    operator: str = "Equal"  # Equal or Exists
    value: str = ""  # value of the taint, for Equal
    effect: str = ""  # effect of the taint; empty: any
    toleration_seconds: int | None = None  # for how long NoExecute is tolerated; unset: forever


class CapacityRequirements(Model):
    """How much of a device's capacities is needed."""

    requests: dict[str, Quantity] = {}  # amounts by name


class ExactDeviceRequest(Model):
    """Devices of one class."""

    device_class_name: Annotated[str, REQUIRED] = ""  # name of the DeviceClass
    selectors: tuple[DeviceSelector, ...] = ()  # conditions that a device must meet beside those of the class
    allocation_mode: str = ""  # ExactCount or All
    count: int = 0  # how many devices; 1 if not said
    # true: for looking after the devices, also those in use; the namespace must allow it
    admin_access: bool | None = None
    tolerations: tuple[DeviceToleration, ...] = ()  # taints that do not matter
    capacity: CapacityRequirements | None = None  # how much of each device is needed


class DeviceSubRequest(Model):
    """One of several ways to meet a request."""

    name: Annotated[str, REQUIRED] = ""  # name of the way, unique in the request
    device_class_name: Annotated[str, REQUIRED] = ""  # name of the DeviceClass
    selectors: tuple[DeviceSelector, ...] = ()  # conditions that a device must meet beside those of the class
    allocation_mode: str = ""  # ExactCount or All
    count: int = 0  # how many devices; 1 if not said
    tolerations: tuple[DeviceToleration, ...] = ()  # taints that do not matter
    capacity: CapacityRequirements | None = None  # how much of each device is needed


class DeviceRequest(Model):
    """Devices that a claim needs; either exactly or firstAvailable is set."""

    name: Annotated[str, REQUIRED] = ""  # name of the request, for constraints, configuration and containers
    exactly: ExactDeviceRequest | None = None  # the one way to meet it
    first_available: tuple[DeviceSubRequest, ...] = ()  # several ways, the best one first


class DeviceConstraint(Model):
    """What the devices of several requests must have in common, or not."""

    requests: tuple[str, ...] = ()  # names of the requests; none: all of the claim
    match_attribute: str | None = None  # the attribute that must be the same for all devices
    distinct_attribute: str | None = None  # the attribute that must be different for each


class OpaqueDeviceConfiguration(Model):
    """Parameters that only the driver understands."""

    driver: Annotated[str, REQUIRED] = ""  # name of the driver
    parameters: Annotated[Any, REQUIRED] = None  # an object of the driver's own


class DeviceConfiguration(Model):
    """How a device is set up."""

    opaque: OpaqueDeviceConfiguration | None = None  # parameters for the driver


class DeviceClaimConfiguration(Model):
    """How the devices of some requests are set up."""

    protobuf: ClassVar[str] = "1 2.1"

    requests: tuple[str, ...] = ()  # names of the requests; none: all of the claim
    opaque: OpaqueDeviceConfiguration | None = None  # parameters for the driver


class DeviceClaim(Model):
    """The devices that are needed, and how they are set up."""

    requests: Annotated[tuple[DeviceRequest, ...], ALWAYS] = ()  # which devices
    constraints: tuple[DeviceConstraint, ...] = ()  # what they must have in common
    config: tuple[DeviceClaimConfiguration, ...] = ()  # how they are set up


class ResourceClaimSpec(Model):
    """What is claimed."""

    devices: DeviceClaim = DeviceClaim()  # the devices


class DeviceRequestAllocationResult(Model):
    """A device that a request got."""

    request: Annotated[str, REQUIRED] = ""  # name of the request, or REQUEST/WAY
    driver: Annotated[str, REQUIRED] = ""  # driver of the device
    pool: Annotated[str, REQUIRED] = ""  # pool of the device
    device: Annotated[str, REQUIRED] = ""  # name of the device
    admin_access: bool | None = None  # as in the request
    tolerations: tuple[DeviceToleration, ...] = ()  # those of the request, at the time of allocation
    binding_conditions: tuple[str, ...] = ()  # those of the device, at that time
    binding_failure_conditions: tuple[str, ...] = ()  # those of the device, at that time
    share_id: str | None = None  # tells the shares of one device apart
    consumed_capacity: dict[str, Quantity] = {}  # how much of the device this share takes


class DeviceAllocationConfiguration(Model):
    """A configuration that goes with the allocated devices."""

    protobuf: ClassVar[str] = "1 2 3.1"

    source: Annotated[str, REQUIRED] = ""  # FromClass or FromClaim
    requests: tuple[str, ...] = ()  # names of the requests; none: all
    opaque: OpaqueDeviceConfiguration | None = None  # parameters for the driver


class DeviceAllocationResult(Model):
    """The devices that were allocated."""

    results: tuple[DeviceRequestAllocationResult, ...] = ()  # the devices
    # how they are set up, that of classes before that of the claim
    config: tuple[DeviceAllocationConfiguration, ...] = ()


class AllocationResult(Model):
    """What a claim got."""

    protobuf: ClassVar[str] = "1 3 5"

    devices: DeviceAllocationResult = DeviceAllocationResult()  # the devices
    node_selector: NodeSelector | None = None  # the nodes that can use them; unset: all
    allocation_timestamp: OptionalTime = None  # when they were allocated


class ResourceClaimConsumerReference(Model):
    """Who uses a claim."""

    protobuf: ClassVar[str] = "1 3-5"

    api_group: str = ""  # API group of the user; empty for the core group
    resource: Annotated[str, REQUIRED] = ""  # resource of the user, such as pods
    name: Annotated[str, REQUIRED] = ""  # name of the user
    uid: Annotated[str, REQUIRED] = ""  # uid of the user


class NetworkDeviceData(Model):
    """What is known of a device that is a network interface."""

    interface_name: str = ""  # name of the interface in the pod
    ips: tuple[str, ...] = ()  # its addresses, each with the length of its network
    hardware_address: str = ""  # its hardware address


class AllocatedDeviceStatus(Model):
    """What a driver tells of an allocated device."""

    protobuf: ClassVar[str] = "1-3 7 4-6"

    driver: Annotated[str, REQUIRED] = ""  # driver of the device
    pool: Annotated[str, REQUIRED] = ""  # pool of the device
    device: Annotated[str, REQUIRED] = ""  # name of the device
    share_id: str | None = None  # the share, of a device that is shared
    conditions: Annotated[tuple[Condition, ...], ListMapKeys(("type",)), ALWAYS] = ()  # its conditions, one of a type
    data: Any = None  # whatever the driver wants to tell
    network_data: NetworkDeviceData | None = None  # of network interfaces: names and addresses


class ResourceClaimStatus(Model):
    """What a claim got, and who uses it."""

    protobuf: ClassVar[str] = "1 2 4"

    allocation: AllocationResult | None = None  # the devices; unset: none yet
    # who may use the claim, at most 256
    reserved_for: Annotated[tuple[ResourceClaimConsumerReference, ...], MergeKey("uid"), ListMapKeys(("uid",))] = ()
    # what drivers tell of the devices
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
    """A request for devices, and what came of it."""

    kind: str = "ResourceClaim"
    api_version: str = "resource.k8s.io/v1"
    spec: Annotated[ResourceClaimSpec, REQUIRED] = ResourceClaimSpec()  # what is wanted; it never changes
    status: ResourceClaimStatus = ResourceClaimStatus()  # what is there


class DeviceClassConfiguration(Model):
    """A configuration for all devices of a class."""

    protobuf: ClassVar[str] = "1.1"

    opaque: OpaqueDeviceConfiguration | None = None  # parameters for the driver


class DeviceClassSpec(Model):
    """Which devices belong to the class, and how they are set up."""

    protobuf: ClassVar[str] = "1 2 4"

    selectors: tuple[DeviceSelector, ...] = ()  # conditions that a device must meet
    config: tuple[DeviceClassConfiguration, ...] = ()  # configuration that every claim of the class gets
    # an ordinary resource name by which containers can ask for devices of the class
    extended_resource_name: str | None = None


class DeviceClass(KubeObject):
    """A name for devices of a sort, given by who runs the cluster."""

    kind: str = "DeviceClass"
    api_version: str = "resource.k8s.io/v1"
    spec: Annotated[DeviceClassSpec, REQUIRED] = DeviceClassSpec()  # what is wanted


class ResourceClaimTemplateSpec(Model):
    """The claim that is made for a pod."""

    metadata: ObjectMeta = ObjectMeta()  # labels and annotations of the claim
    spec: Annotated[ResourceClaimSpec, REQUIRED] = ResourceClaimSpec()  # what is claimed


class ResourceClaimTemplate(KubeObject):
    """A pattern from which each pod gets a claim of its own."""

    kind: str = "ResourceClaimTemplate"
    api_version: str = "resource.k8s.io/v1"
    spec: Annotated[ResourceClaimTemplateSpec, REQUIRED] = ResourceClaimTemplateSpec()  # the pattern; it never changes
