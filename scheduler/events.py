"""What a change in the cluster means for Pods that wait. Pure: old and new in, the events that could help out."""

from naru.api.node_v1 import Node
from naru.api.pod_v1 import Pod
from scheduler.plugin import ClusterEvent

SCHEDULER_NAME = "default-scheduler"  # Pods that name another scheduler are that one's
FINISHED_PHASES = frozenset({"Succeeded", "Failed"})


def node_events(old: Node | None, new: Node) -> list[ClusterEvent]:
    """Name what changed of a node that a waiting Pod could be helped by."""
    if old is None:
        return [ClusterEvent.NODE_ADDED]
    events = []
    if old.status.allocatable != new.status.allocatable:
        events.append(ClusterEvent.NODE_RESOURCES)
    if old.metadata.labels != new.metadata.labels:
        events.append(ClusterEvent.NODE_LABELS)
    if old.spec.taints != new.spec.taints or old.spec.unschedulable != new.spec.unschedulable:
        events.append(ClusterEvent.NODE_TAINTS)
    return events


def is_placed(pod: Pod) -> bool:
    """Tell whether a Pod uses up room on a node."""
    return bool(pod.spec.node_name) and pod.status.phase not in FINISHED_PHASES


def wants_node(pod: Pod) -> bool:
    """Tell whether it is this scheduler's task to find the Pod a node."""
    meta, spec = pod.metadata, pod.spec
    waits = not spec.node_name and meta.deletion_timestamp is None and not spec.scheduling_gates
    return waits and spec.scheduler_name == SCHEDULER_NAME
