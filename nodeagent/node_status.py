"""Compute the Node object that this agent registers and keeps current.

Flow: Machine, AgentConfig, what works -> *Node, NodeStatus* -> registration.
Source: Kubernetes documentation, "Nodes", "Node Status"; reasons and messages of the conditions are kubelet's.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from naru.api.meta import ObjectMeta
from naru.api.node_v1 import (
    ContainerImage,
    DaemonEndpoint,
    Node,
    NodeAddress,
    NodeCondition,
    NodeDaemonEndpoints,
    NodeStatus,
    NodeSystemInfo,
)
from nodeagent.config import AgentConfig
from nodeagent.images.store import Image
from nodeagent.machine import Machine

KUBELET_VERSION: Final = "v1.36.0+naru"  # the Kubernetes version whose node API the agent speaks
RUNTIME_VERSION: Final = "naru://0.1.0"
MAX_IMAGES: Final = 50  # as kubelet bounds the list
CONTROLLER_MANAGED: Final = "volumes.kubernetes.io/controller-managed-attach-detach"
_HEALTHY: Final = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


def new_node(config: AgentConfig, machine: Machine, status: NodeStatus) -> Node:
    """Build the object to register."""
    labels = {
        "kubernetes.io/hostname": config.node_name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": machine.architecture,
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": machine.architecture,
    }
    meta = ObjectMeta(name=config.node_name, labels=labels, annotations={CONTROLLER_MANAGED: "true"})
    return Node(metadata=meta, status=status)


def node_status(
    config: AgentConfig,
    machine: Machine,
    images: Sequence[Image],
    not_ready: str,
    old: NodeStatus,
    now: datetime,
) -> NodeStatus:
    """Compute the status.

    Args:
        not_ready: what keeps the node from running pods; empty when nothing does.
        old: the status that the API has, for the times at which conditions changed.
    """
    return NodeStatus(
        capacity=machine.capacity(config.max_pods),
        allocatable=machine.allocatable(config.max_pods),
        conditions=_conditions(not_ready, old, now),
        addresses=(
            NodeAddress(type="InternalIP", address=config.node_ip),
            NodeAddress(type="Hostname", address=config.node_name),
        ),
        daemon_endpoints=NodeDaemonEndpoints(kubelet_endpoint=DaemonEndpoint(port=config.port)),
        node_info=_system_info(machine),
        images=tuple(_image(image) for image in images[:MAX_IMAGES]),
    )


def status_change(old: NodeStatus, new: NodeStatus) -> dict[str, Any] | None:
    """Return the merge patch between two statuses; None when only heartbeat times differ."""
    before, after = old.wire(), new.wire()
    if _without_heartbeats(before) == _without_heartbeats(after):
        return None
    return {key: value for key, value in after.items() if before.get(key) != value}


def _conditions(not_ready: str, old: NodeStatus, now: datetime) -> tuple[NodeCondition, ...]:
    facts = [(name, "False", reason, message) for name, reason, message in _HEALTHY]
    if not_ready:
        facts.append(("Ready", "False", "KubeletNotReady", not_ready))
    else:
        facts.append(("Ready", "True", "KubeletReady", "kubelet is posting ready status"))
    before = {condition.type: condition for condition in old.conditions}
    own = [_condition(*fact, before.get(fact[0]), now) for fact in facts]
    names = {fact[0] for fact in facts}
    return (*(condition for condition in old.conditions if condition.type not in names), *own)


def _condition(
    name: str, status: str, reason: str, message: str, old: NodeCondition | None, now: datetime
) -> NodeCondition:
    since = old.last_transition_time if old is not None and old.status == status else now
    return NodeCondition(
        type=name,
        status=status,
        last_heartbeat_time=now,
        last_transition_time=since,
        reason=reason,
        message=message,
    )


def _system_info(machine: Machine) -> NodeSystemInfo:
    return NodeSystemInfo(
        machine_id=machine.machine_id,
        system_uuid=machine.system_uuid,
        boot_id=machine.boot_id,
        kernel_version=machine.kernel,
        os_image=machine.os_image,
        container_runtime_version=RUNTIME_VERSION,
        kubelet_version=KUBELET_VERSION,
        operating_system="linux",
        architecture=machine.architecture,
    )


def _image(image: Image) -> ContainerImage:
    return ContainerImage(names=image.names or (image.id,), size_bytes=image.size_bytes)


def _without_heartbeats(status: dict[str, Any]) -> dict[str, Any]:
    conditions = [{**condition, "lastHeartbeatTime": None} for condition in status.get("conditions", ())]
    return {**status, "conditions": conditions}
