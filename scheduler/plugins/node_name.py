"""NodeName: a Pod that names its node fits no other."""

import numpy as np

from scheduler.cluster import ClusterState
from scheduler.plugin import ClusterEvent, Rejection
from scheduler.podinfo import PodInfo


class NodeName:
    """Rejects every node but the one in spec.nodeName, if that is set."""

    name = "NodeName"
    helped_by = frozenset({ClusterEvent.NODE_ADDED})

    def reject(self, pod: PodInfo, cluster: ClusterState) -> list[Rejection]:
        """Return the nodes of other names."""
        wanted = pod.pod.spec.node_name
        if not wanted:
            return []
        others = np.ones(cluster.size, dtype=np.bool_)
        if (row := cluster.rows.get(wanted)) is not None:
            others[row] = False
        return [Rejection("node(s) didn't match the requested node name", others)]
