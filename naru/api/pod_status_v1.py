"""What was last seen of a pod and of its containers.

Written by the node agent, except the ``PodScheduled`` condition and ``nominatedNodeName``, which are the scheduler's.

Source: Kubernetes API reference, core/v1.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from naru.api.model import ALWAYS, REPLACE_KEYS, ListMapKeys, MergeKey, Model, OptionalTime
from naru.api.quantity import Quantity
from naru.api.resources_v1 import ResourceRequirements


class PodPhase(StrEnum):
    """Where a pod is in its life."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    UNKNOWN = "Unknown"


class PodCondition(Model):
    """One aspect of a pod's state."""

    type: str
    observed_generation: int = 0
    status: str
    last_probe_time: OptionalTime = None
    last_transition_time: OptionalTime = None
    reason: str = ""
    message: str = ""


class HostIP(Model):
    """One address of the pod's node."""

    ip: Annotated[str, ALWAYS] = ""


class PodIP(Model):
    """One address of the pod."""

    ip: Annotated[str, ALWAYS] = ""


class ContainerStateWaiting(Model):
    """Not running yet, or not running again yet."""

    reason: str = ""
    message: str = ""


class ContainerStateRunning(Model):
    """Running."""

    started_at: OptionalTime = None


class ContainerStateTerminated(Model):
    """Ended, and how."""

    exit_code: int  # 128 + n when ended by signal n
    signal: int = 0
    reason: str = ""
    message: str = ""
    started_at: OptionalTime = None
    finished_at: OptionalTime = None
    container_id: str = ""


class ContainerState(Model):
    """Where a container stands: at most one field is set; none means waiting."""

    waiting: ContainerStateWaiting | None = None
    running: ContainerStateRunning | None = None
    terminated: ContainerStateTerminated | None = None


class ImageVolumeStatus(Model):
    """The image that a volume shows."""

    image_ref: str = ""


class VolumeStatus(Model):
    """What is known of a mounted volume."""

    image: ImageVolumeStatus | None = None


class VolumeMountStatus(Model):
    """A mount as it is in the running container."""

    name: str
    mount_path: str
    read_only: bool = False
    recursive_read_only: str | None = None
    volume_status: VolumeStatus | None = None


class LinuxContainerUser(Model):
    """The ids that the container's first process has."""

    uid: int
    gid: int
    supplemental_groups: tuple[int, ...] = ()


class ContainerUser(Model):
    """The user that the container runs as."""

    linux: LinuxContainerUser | None = None


class ResourceHealth(Model):
    """The health of one device."""

    resource_id: str
    health: str = ""
    message: str | None = None


class ResourceStatus(Model):
    """The health of the devices behind one resource."""

    name: str
    resources: Annotated[tuple[ResourceHealth, ...], ListMapKeys(("resourceID",))] = ()


class ContainerStatus(Model):
    """One container as the node sees it."""

    name: str
    state: ContainerState = Field(default_factory=ContainerState)
    last_state: ContainerState = Field(default_factory=ContainerState)
    ready: Annotated[bool, ALWAYS] = False
    restart_count: Annotated[int, ALWAYS] = 0
    image: Annotated[str, ALWAYS] = ""
    image_id: Annotated[str, ALWAYS] = ""
    container_id: str = ""
    started: bool | None = None  # True once running (and past its startup probe)
    allocated_resources: dict[str, Quantity] = {}
    resources: ResourceRequirements | None = None
    volume_mounts: Annotated[tuple[VolumeMountStatus, ...], MergeKey("mountPath"), ListMapKeys(("mountPath",))] = ()
    user: ContainerUser | None = None
    allocated_resources_status: Annotated[tuple[ResourceStatus, ...], MergeKey("name"), ListMapKeys(("name",))] = ()
    stop_signal: str | None = None


class PodResourceClaimStatus(Model):
    """The ResourceClaim made for a claim of the pod."""

    name: str
    resource_claim_name: str | None = None


class ContainerExtendedResourceRequest(Model):
    """The claim's request that stands for a container's extended resource."""

    container_name: str
    resource_name: str
    request_name: str


class PodExtendedResourceClaimStatus(Model):
    """The ResourceClaim made for the pod's extended resources."""

    request_mappings: tuple[ContainerExtendedResourceRequest, ...]
    resource_claim_name: str


class NodeAllocatableResourceClaimStatus(Model):
    """What a claim takes from the node's allocatable resources."""

    resource_claim_name: str
    containers: tuple[str, ...] = ()
    resources: dict[str, Quantity]


class PodStatus(Model):
    """The pod as last seen."""

    observed_generation: int = 0
    phase: str = ""
    conditions: Annotated[tuple[PodCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()
    message: str = ""
    reason: str = ""
    nominated_node_name: str = ""
    host_ip: str = ""
    host_ips: Annotated[tuple[HostIP, ...], MergeKey("ip")] = ()
    pod_ip: str = ""
    pod_ips: Annotated[tuple[PodIP, ...], MergeKey("ip"), ListMapKeys(("ip",))] = ()
    start_time: OptionalTime = None  # when the node agent took the pod, before any image is pulled
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    qos_class: str = ""
    ephemeral_container_statuses: tuple[ContainerStatus, ...] = ()
    resize: str = ""
    resource_claim_statuses: Annotated[
        tuple[PodResourceClaimStatus, ...], MergeKey("name"), REPLACE_KEYS, ListMapKeys(("name",))
    ] = ()
    extended_resource_claim_status: PodExtendedResourceClaimStatus | None = None
    allocated_resources: dict[str, Quantity] = {}
    resources: ResourceRequirements | None = None
    node_allocatable_resource_claim_statuses: tuple[NodeAllocatableResourceClaimStatus, ...] = ()
