"""Node: a host as the cluster sees it, its capacity, its health, its slice of the pod addresses.

Source: Kubernetes API reference, core/v1.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from naru.api.meta import KubeObject
from naru.api.model import ALWAYS, STORED, ListMapKeys, MergeKey, Model, OptionalTime
from naru.api.quantity import Quantity


class TaintEffect(StrEnum):
    """What a taint does to the pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Taint(Model):
    """A mark on a node that keeps pods away which do not tolerate it."""

    key: str
    value: str = ""
    effect: str
    time_added: OptionalTime = None  # from here tolerationSeconds count


class ConfigMapNodeConfigSource(Model):
    """A ConfigMap with a kubelet's configuration (no longer acted on upstream)."""

    namespace: str
    name: str
    uid: str = ""
    resource_version: str = ""
    kubelet_config_key: str


class NodeConfigSource(Model):
    """Where a kubelet's configuration comes from (no longer acted on upstream)."""

    config_map: ConfigMapNodeConfigSource | None = None


class NodeSpec(Model):
    """What the cluster decided about the node."""

    pod_cidr: str = ""  # written once, by the controller that hands out the ranges
    pod_cidrs: Annotated[tuple[str, ...], MergeKey("")] = ()
    provider_id: str = ""
    unschedulable: bool = False
    taints: tuple[Taint, ...] = ()
    config_source: Annotated[NodeConfigSource | None, STORED] = None
    external_id: Annotated[str, STORED] = ""


class NodeCondition(Model):
    """One aspect of a node's state."""

    type: str
    status: str
    last_heartbeat_time: OptionalTime = None
    last_transition_time: OptionalTime = None
    reason: str = ""
    message: str = ""


class NodeAddress(Model):
    """One address or name of the node."""

    type: str
    address: str


class DaemonEndpoint(Model):
    """A port."""

    port: Annotated[int, ALWAYS, Field(alias="Port")] = 0  # the one capital first letter of the API


class NodeDaemonEndpoints(Model):
    """Where the node agent listens."""

    kubelet_endpoint: DaemonEndpoint = Field(default_factory=DaemonEndpoint)


class NodeSwapStatus(Model):
    """How much swap the node has, in bytes."""

    capacity: int | None = None


class NodeSystemInfo(Model):
    """What runs on the node, down to the kernel."""

    machine_id: Annotated[str, ALWAYS] = ""
    system_uuid: Annotated[str, ALWAYS] = ""
    boot_id: Annotated[str, ALWAYS] = ""
    kernel_version: Annotated[str, ALWAYS] = ""
    os_image: Annotated[str, ALWAYS] = ""
    container_runtime_version: Annotated[str, ALWAYS] = ""
    kubelet_version: Annotated[str, ALWAYS] = ""
    kube_proxy_version: Annotated[str, ALWAYS] = ""
    operating_system: Annotated[str, ALWAYS] = ""
    architecture: Annotated[str, ALWAYS] = ""
    swap: NodeSwapStatus | None = None


class ContainerImage(Model):
    """An image that the node holds."""

    names: Annotated[tuple[str, ...], ALWAYS] = ()
    size_bytes: int = 0


class AttachedVolume(Model):
    """A volume attached to the node."""

    name: str
    device_path: str


class NodeConfigStatus(Model):
    """The state of dynamic kubelet configuration (no longer acted on upstream)."""

    assigned: NodeConfigSource | None = None
    active: NodeConfigSource | None = None
    last_known_good: NodeConfigSource | None = None
    error: str = ""


class NodeRuntimeHandlerFeatures(Model):
    """What a runtime handler can do."""

    recursive_read_only_mounts: bool | None = None
    user_namespaces: bool | None = None


class NodeRuntimeHandler(Model):
    """A way of running containers that the node offers."""

    name: Annotated[str, ALWAYS] = ""
    features: NodeRuntimeHandlerFeatures | None = None


class NodeFeatures(Model):
    """What the node's runtime can do."""

    supplemental_groups_policy: bool | None = None


class NodeStatus(Model):
    """The node as its agent last reported it, and its conditions."""

    capacity: dict[str, Quantity] = {}
    allocatable: dict[str, Quantity] = {}
    phase: str = ""
    conditions: Annotated[tuple[NodeCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()
    addresses: Annotated[tuple[NodeAddress, ...], MergeKey("type"), ListMapKeys(("type",))] = ()
    daemon_endpoints: NodeDaemonEndpoints = Field(default_factory=NodeDaemonEndpoints)
    node_info: NodeSystemInfo = Field(default_factory=NodeSystemInfo)
    images: tuple[ContainerImage, ...] = ()
    volumes_in_use: tuple[str, ...] = ()
    volumes_attached: tuple[AttachedVolume, ...] = ()
    config: NodeConfigStatus | None = None
    runtime_handlers: tuple[NodeRuntimeHandler, ...] = ()
    features: NodeFeatures | None = None
    declared_features: tuple[str, ...] = ()


class Node(KubeObject):
    """A host of the cluster."""

    kind: str = "Node"
    api_version: str = "v1"
    spec: NodeSpec = Field(default_factory=NodeSpec)
    status: NodeStatus = Field(default_factory=NodeStatus)
