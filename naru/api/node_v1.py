"""Node: a host as the cluster sees it, its capacity, its health, its slice of the pod addresses.

Source: Kubernetes API reference, core/v1.
"""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.meta import KubeObject
from naru.api.model import ALWAYS, STORED, Int32, ListMapKeys, MergeKey, Model, OptionalTime
from naru.api.quantity import Quantity


class TaintEffect(StrEnum):
    """What a taint does to the pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Taint(Model):
    """A mark on a node that keeps pods away which do not tolerate it."""

    key: str  # name of the taint, written as a label's
    value: str = ""  # value of the taint, written as a label's
    effect: str  # NoSchedule: no new pods; PreferNoSchedule: rather none; NoExecute: running ones leave, too
    time_added: OptionalTime = None  # from here tolerationSeconds count


class ConfigMapNodeConfigSource(Model):
    """A ConfigMap with a kubelet's configuration (no longer acted on upstream)."""

    namespace: str  # namespace of the ConfigMap
    name: str  # name of the ConfigMap
    uid: str = ""  # uid of the ConfigMap; only in a status
    resource_version: str = ""  # revision of the ConfigMap; only in a status
    kubelet_config_key: str  # key of the ConfigMap with the configuration


class NodeConfigSource(Model):
    """Where a kubelet's configuration comes from (no longer acted on upstream)."""

    protobuf: ClassVar[str] = "2"

    config_map: ConfigMapNodeConfigSource | None = None


class NodeSpec(Model):
    """What the cluster decided about the node."""

    protobuf: ClassVar[str] = "1 7 3-6 2"

    pod_cidr: str = ""  # written once, by the controller that hands out the ranges
    pod_cidrs: Annotated[tuple[str, ...], MergeKey("")] = ()  # the same with one range for each IP family
    provider_id: str = ""  # id of the machine with its cloud, as PROVIDER://ID
    unschedulable: bool = False  # true (cordoned): no new pods
    taints: tuple[Taint, ...] = ()  # which pods are kept away
    # a kubelet configuration to fetch; upstream has removed it
    config_source: Annotated[NodeConfigSource | None, STORED] = None
    external_id: Annotated[str, STORED] = ""  # an old name of the machine, no longer used


class NodeCondition(Model):
    """One aspect of a node's state."""

    type: str  # Ready, MemoryPressure, DiskPressure, PIDPressure or NetworkUnavailable
    status: str  # True, False or Unknown (nothing was heard of the node)
    last_heartbeat_time: OptionalTime = None  # when the node last reported it
    last_transition_time: OptionalTime = None  # when status last changed
    reason: str = ""  # why, in one CamelCase word for programs
    message: str = ""  # why, in a sentence for people


class NodeAddress(Model):
    """One address or name of the node."""

    type: str  # InternalIP, ExternalIP, Hostname, InternalDNS or ExternalDNS
    address: str  # the address or name itself


class DaemonEndpoint(Model):
    """A port."""

    port: Annotated[Int32, ALWAYS, Field(alias="Port")] = 0  # number of the port (the one name with a capital)


class NodeDaemonEndpoints(Model):
    """Where the node agent listens."""

    # port of the node agent's HTTPS server: logs, exec, attach
    kubelet_endpoint: DaemonEndpoint = Field(default_factory=DaemonEndpoint)


class NodeSwapStatus(Model):
    """How much swap the node has, in bytes."""

    capacity: int | None = None  # size of the swap, in bytes


class NodeSystemInfo(Model):
    """What runs on the node, down to the kernel."""

    machine_id: Annotated[str, ALWAYS] = ""  # what /etc/machine-id says, the same as long as the installation
    system_uuid: Annotated[str, ALWAYS] = ""  # UUID of the machine, from its firmware
    boot_id: Annotated[str, ALWAYS] = ""  # new with every boot
    kernel_version: Annotated[str, ALWAYS] = ""  # release of the kernel, as uname -r says
    os_image: Annotated[str, ALWAYS] = ""  # name of the distribution, from /etc/os-release
    container_runtime_version: Annotated[str, ALWAYS] = ""  # name and version of the runtime, as NAME://VERSION
    kubelet_version: Annotated[str, ALWAYS] = ""  # version of the node agent
    kube_proxy_version: Annotated[str, ALWAYS] = ""  # no longer used upstream, and empty here
    operating_system: Annotated[str, ALWAYS] = ""  # name of the kernel: linux
    architecture: Annotated[str, ALWAYS] = ""  # as Go names it: amd64, arm64
    swap: NodeSwapStatus | None = None  # swap space of the node


class ContainerImage(Model):
    """An image that the node holds."""

    names: Annotated[tuple[str, ...], ALWAYS] = ()  # every tag and digest that the node knows the image by
    size_bytes: int = 0  # size of the image on the node


class AttachedVolume(Model):
    """A volume attached to the node."""

    name: str  # name of the volume, with its driver's
    device_path: str  # device of the volume on the node


class NodeConfigStatus(Model):
    """The state of dynamic kubelet configuration (no longer acted on upstream)."""

    assigned: NodeConfigSource | None = None  # configuration that was to be used next
    active: NodeConfigSource | None = None  # configuration in use
    last_known_good: NodeConfigSource | None = None  # configuration to fall back on
    error: str = ""  # why assigned is not in use


class NodeRuntimeHandlerFeatures(Model):
    """What a runtime handler can do."""

    recursive_read_only_mounts: bool | None = None  # can mounts below a read-only mount be read-only too
    user_namespaces: bool | None = None  # can pods have a user namespace of their own


class NodeRuntimeHandler(Model):
    """A way of running containers that the node offers."""

    name: Annotated[str, ALWAYS] = ""  # name of the handler; empty: the default one
    features: NodeRuntimeHandlerFeatures | None = None  # what it can do


class NodeFeatures(Model):
    """What the node's runtime can do."""

    supplemental_groups_policy: bool | None = None  # is a pod's supplementalGroupsPolicy acted on


class NodeStatus(Model):
    """The node as its agent last reported it, and its conditions."""

    capacity: dict[str, Quantity] = {}  # what the node has, by resource: cpu, memory, pods, ephemeral-storage
    allocatable: dict[str, Quantity] = {}  # what of it pods may request; the rest is the system's
    phase: str = ""  # no longer used; see conditions
    # aspects of the node's health
    conditions: Annotated[tuple[NodeCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()
    # how the node is reached
    addresses: Annotated[tuple[NodeAddress, ...], MergeKey("type"), ListMapKeys(("type",))] = ()
    daemon_endpoints: NodeDaemonEndpoints = Field(default_factory=NodeDaemonEndpoints)  # where the node agent listens
    node_info: NodeSystemInfo = Field(default_factory=NodeSystemInfo)  # versions and ids, down to the kernel
    images: tuple[ContainerImage, ...] = ()  # what the node need not pull
    volumes_in_use: tuple[str, ...] = ()  # volumes that the node has mounted
    volumes_attached: tuple[AttachedVolume, ...] = ()  # volumes that are attached to the machine
    config: NodeConfigStatus | None = None  # state of a mechanism that upstream has removed
    runtime_handlers: tuple[NodeRuntimeHandler, ...] = ()  # ways of running containers
    features: NodeFeatures | None = None  # what the node's runtime can do
    declared_features: tuple[str, ...] = ()  # names of the features that the node agent says it has


class Node(KubeObject):
    """A host of the cluster."""

    kind: str = "Node"
    api_version: str = "v1"
    spec: NodeSpec = Field(default_factory=NodeSpec)  # what users and controllers decide
    # what the node agent reports; Unknown conditions are the node controller's
    status: NodeStatus = Field(default_factory=NodeStatus)
