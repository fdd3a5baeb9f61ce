"""NodeAffinity, as far as it is spec.nodeSelector: every label in it must be on the node."""

import numpy as np

from naru.api.node_v1 import Node
from scheduler.cluster import ClusterState
from scheduler.plugin import ClusterEvent, Rejection
from scheduler.podinfo import PodInfo


class NodeSelector:
    """Rejects nodes that lack a label of spec.nodeSelector."""

    name = "NodeAffinity"
    helped_by = frozenset({ClusterEvent.NODE_ADDED, ClusterEvent.NODE_LABELS})

    def reject(self, pod: PodInfo, cluster: ClusterState) -> list[Rejection]:
        """Return the nodes without the labels asked for."""
        wanted = pod.node_selector.items()
        if not wanted:
            return []

        def lacks(node: Node | None) -> bool:
            return node is None or not wanted <= node.metadata.labels.items()

        others = np.fromiter((lacks(node) for node in cluster.nodes), np.bool_, cluster.size)
        return [Rejection("node(s) didn't match Pod's node affinity/selector", others)]
