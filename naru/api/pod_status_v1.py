"""What was last seen of a pod and of its containers.

Written by the node agent, except the ``PodScheduled`` condition and ``nominatedNodeName``, which are the scheduler's.

Source: Kubernetes API reference, core/v1.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.model import ALWAYS, REPLACE_KEYS, REQUIRED, SET, Int32, ListMapKeys, MergeKey, Model, OptionalTime
from naru.api.quantity import Quantity
from naru.api.resource_requirements_v1 import ResourceRequirements


class PodPhase(StrEnum):
    """Where a pod is in its life."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    UNKNOWN = "Unknown"


class PodCondition(Model):
    """One aspect of a pod's state."""

    protobuf: ClassVar[str] = "1 7 2-6"

    # PodScheduled, Initialized, ContainersReady, Ready, DisruptionTarget, or a readiness gate's
    type: Annotated[str, REQUIRED] = ""
    observed_generation: int = 0  # the metadata.generation that the condition is about
    status: Annotated[str, REQUIRED] = ""  # True, False or Unknown
    last_probe_time: OptionalTime = None  # when it was last looked at; rarely set
    last_transition_time: OptionalTime = None  # when status last changed
    reason: str = ""  # why, in one CamelCase word for programs
    message: str = ""  # why, in a sentence for people


class HostIP(Model):
    """One address of the pod's node."""

    ip: Annotated[str, ALWAYS] = ""  # an address of the node


class PodIP(Model):
    """One address of the pod."""

    ip: Annotated[str, ALWAYS] = ""  # an address of the pod


class ContainerStateWaiting(Model):
    """Not running yet, or not running again yet."""

    reason: str = ""  # why, in one word: ContainerCreating, ImagePullBackOff, CrashLoopBackOff
    message: str = ""  # why, in a sentence for people


class ContainerStateRunning(Model):
    """Running."""

    started_at: OptionalTime = None  # when the process was started


class ContainerStateTerminated(Model):
    """Ended, and how."""

    exit_code: Annotated[Int32, REQUIRED] = 0  # 128 + n when ended by signal n
    signal: Int32 = 0  # number of the signal that ended it; 0: none
    reason: str = ""  # why, in one word: Completed, Error, OOMKilled
    message: str = ""  # the termination message that the container left, or what the runtime says
    started_at: OptionalTime = None  # when the process was started
    finished_at: OptionalTime = None  # when it ended
    container_id: str = ""  # id that the runtime gave it, as RUNTIME://ID


class ContainerState(Model):
    """Where a container stands: at most one field is set; none means waiting."""

    waiting: ContainerStateWaiting | None = None
    running: ContainerStateRunning | None = None
    terminated: ContainerStateTerminated | None = None


class ImageVolumeStatus(Model):
    """The image that a volume shows."""

    image_ref: str = ""  # digest of the image


class VolumeStatus(Model):
    """What is known of a mounted volume."""

    image: ImageVolumeStatus | None = None


class VolumeMountStatus(Model):
    """A mount as it is in the running container."""

    name: Annotated[str, REQUIRED] = ""  # name of the volume
    mount_path: Annotated[str, REQUIRED] = ""  # where the container sees it
    read_only: bool = False  # mounted read-only
    recursive_read_only: str | None = None  # Enabled: what is mounted below is read-only too; Disabled otherwise
    volume_status: VolumeStatus | None = None


class LinuxContainerUser(Model):
    """The ids that the container's first process has."""

    uid: Annotated[int, REQUIRED] = 0  # user id
    gid: Annotated[int, REQUIRED] = 0  # group id
    supplemental_groups: tuple[int, ...] = ()  # ids of further groups


class ContainerUser(Model):
    """The user that the container runs as."""

    linux: LinuxContainerUser | None = None


class ResourceHealth(Model):
    """The health of one device."""

    protobuf: ClassVar[str] = "1 2 6"

    resource_id: Annotated[str, REQUIRED] = ""  # id of the device
    health: str = ""  # Healthy, Unhealthy or Unknown
    message: str | None = None  # more about health, for people


class ResourceStatus(Model):
    """The health of the devices behind one resource."""

    name: Annotated[str, REQUIRED] = ""  # name of the resource
    resources: Annotated[tuple[ResourceHealth, ...], ListMapKeys(("resourceID",))] = ()  # one entry for each device


class ContainerStatus(Model):
    """One container as the node sees it."""

    name: Annotated[str, REQUIRED] = ""  # name of the container in the spec
    state: ContainerState = Field(default_factory=ContainerState)  # where it stands now
    last_state: ContainerState = Field(default_factory=ContainerState)  # how its run before this one ended
    # true once its probes agree; an init container is ready when it has succeeded
    ready: Annotated[bool, ALWAYS] = False
    restart_count: Annotated[Int32, ALWAYS] = 0  # how often it was started again
    image: Annotated[str, ALWAYS] = ""  # reference of the image that runs, perhaps another tag of it than the spec's
    image_id: Annotated[str, ALWAYS] = ""  # digest of the image
    container_id: str = ""  # id that the runtime gave it, as RUNTIME://ID
    started: bool | None = None  # True once running (and past its startup probe)
    allocated_resources: dict[str, Quantity] = {}  # requests that the node has granted
    resources: ResourceRequirements | None = None  # requests and limits that are in force
    # mounts as they came out
    volume_mounts: Annotated[tuple[VolumeMountStatus, ...], MergeKey("mountPath"), ListMapKeys(("mountPath",))] = ()
    user: ContainerUser | None = None  # ids that the process was started with
    # health of the devices it got
    allocated_resources_status: Annotated[tuple[ResourceStatus, ...], MergeKey("name"), ListMapKeys(("name",))] = ()
    stop_signal: str | None = None  # signal that asks it to end, such as SIGTERM


class PodResourceClaimStatus(Model):
    """The ResourceClaim made for a claim of the pod."""

    name: Annotated[str, REQUIRED] = ""  # name of the entry in spec.resourceClaims
    resource_claim_name: str | None = None  # name of the ResourceClaim; unset: none was needed


class ContainerExtendedResourceRequest(Model):
    """The claim's request that stands for a container's extended resource."""

    container_name: Annotated[str, REQUIRED] = ""  # name of the container
    resource_name: Annotated[str, REQUIRED] = ""  # name of the extended resource
    request_name: Annotated[str, REQUIRED] = ""  # name of the request in the claim


class PodExtendedResourceClaimStatus(Model):
    """The ResourceClaim made for the pod's extended resources."""

    # which request stands for which container's resource
    request_mappings: Annotated[tuple[ContainerExtendedResourceRequest, ...], REQUIRED] = ()
    resource_claim_name: Annotated[str, REQUIRED] = ""  # name of the ResourceClaim


class NodeAllocatableResourceClaimStatus(Model):
    """What a claim takes from the node's allocatable resources."""

    resource_claim_name: Annotated[str, REQUIRED] = ""  # name of the ResourceClaim
    containers: Annotated[tuple[str, ...], SET] = ()  # names of the containers that use the claim
    resources: dict[str, Quantity]  # how much it takes, by resource


class PodStatus(Model):
    """The pod as last seen."""

    protobuf: ClassVar[str] = "17 1-4 11 5 16 6 12 7 10 8 9 13-15 18-21"

    observed_generation: int = 0  # the metadata.generation that this status is about
    phase: str = ""  # Pending, Running, Succeeded, Failed or Unknown: a summary; conditions tell more
    # aspects of the pod's state
    conditions: Annotated[tuple[PodCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()
    message: str = ""  # why the pod is in this state, in a sentence for people
    reason: str = ""  # why the pod is in this state, in one word, such as Evicted
    nominated_node_name: str = ""  # node on which room is being made for the pod; not a promise
    host_ip: str = ""  # address of the node; empty until the pod has one
    host_ips: Annotated[tuple[HostIP, ...], MergeKey("ip")] = ()  # addresses of the node, one for each IP family
    pod_ip: str = ""  # address of the pod, reachable from every node; empty until it has one
    # addresses of the pod, one for each IP family
    pod_ips: Annotated[tuple[PodIP, ...], MergeKey("ip"), ListMapKeys(("ip",))] = ()
    start_time: OptionalTime = None  # when the node agent took the pod, before any image is pulled
    init_container_statuses: tuple[ContainerStatus, ...] = ()  # init containers, in the order in which they run
    container_statuses: tuple[ContainerStatus, ...] = ()  # the containers
    qos_class: str = ""  # Guaranteed, Burstable or BestEffort: from requests and limits; says who gives way first
    ephemeral_container_statuses: tuple[ContainerStatus, ...] = ()  # containers added to look into the pod
    resize: str = ""  # no longer used; conditions tell of resizes
    resource_claim_statuses: Annotated[
        tuple[PodResourceClaimStatus, ...], MergeKey("name"), REPLACE_KEYS, ListMapKeys(("name",))
    ] = ()  # claims that were made for the pod
    extended_resource_claim_status: PodExtendedResourceClaimStatus | None = None
    allocated_resources: dict[str, Quantity] = {}  # requests that the node has granted to the pod as a whole
    resources: ResourceRequirements | None = None  # requests and limits that are in force for the pod as a whole
    # what claims take from the node's allocatable resources
    node_allocatable_resource_claim_statuses: tuple[NodeAllocatableResourceClaimStatus, ...] = ()
