"""NodePorts: two Pods cannot have the same port of one node."""

import numpy as np

from scheduler.cluster import ClusterState
from scheduler.plugin import ClusterEvent, Rejection
from scheduler.podinfo import PodInfo


class NodePorts:
    """Rejects nodes where a hostPort of the Pod is taken."""

    name = "NodePorts"
    helped_by = frozenset({ClusterEvent.NODE_ADDED, ClusterEvent.POD_REMOVED})

    def reject(self, pod: PodInfo, cluster: ClusterState) -> list[Rejection]:
        """Return the nodes where a Pod with a clashing port is placed."""
        if not pod.host_ports:
            return []

        def clashes(row: int) -> bool:
            return any(mine.clashes_with(taken) for taken in cluster.host_ports(row) for mine in pod.host_ports)

        taken = np.fromiter((clashes(row) for row in range(cluster.size)), np.bool_, cluster.size)
        return [Rejection("node(s) didn't have free ports for the requested pod ports", taken)]
