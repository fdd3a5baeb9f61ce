"""NodeUnschedulable: keep Pods off cordoned nodes (``kubectl cordon``)."""

import numpy as np

from scheduler.cluster import ClusterState
from scheduler.plugin import ClusterEvent, Rejection
from scheduler.plugins.taint_toleration import UNSCHEDULABLE_TAINT, tolerates
from scheduler.podinfo import PodInfo


class NodeUnschedulable:
    """Rejects nodes with spec.unschedulable, unless the Pod tolerates the taint that stands for it."""

    name = "NodeUnschedulable"
    helped_by = frozenset({ClusterEvent.NODE_ADDED, ClusterEvent.NODE_TAINTS})

    def reject(self, pod: PodInfo, cluster: ClusterState) -> list[Rejection]:
        """Return the cordoned nodes."""
        cordoned = np.fromiter((n is not None and n.spec.unschedulable for n in cluster.nodes), np.bool_, cluster.size)
        if not cordoned.any() or tolerates(pod.tolerations, UNSCHEDULABLE_TAINT):
            return []
        return [Rejection("node(s) were unschedulable", cordoned)]
