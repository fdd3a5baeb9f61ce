"""NodeResourcesFit: what a Pod requests must be free on the node; emptier nodes are better (least allocated)."""

import numpy as np

from scheduler.cluster import SCORED_CPU, SCORED_MEMORY, ClusterState, FloatArray, Mask
from scheduler.plugin import ClusterEvent, Rejection
from scheduler.podinfo import CPU, MEMORY, PODS, PodInfo


class NodeResourcesFit:
    """Compares requests with what is allocatable and not yet requested."""

    name = "NodeResourcesFit"
    weight = 1
    helped_by = frozenset({ClusterEvent.NODE_ADDED, ClusterEvent.NODE_RESOURCES, ClusterEvent.POD_REMOVED})

    def reject(self, pod: PodInfo, cluster: ClusterState) -> list[Rejection]:
        """Return, for each resource requested, the nodes that have too little of it left."""
        wanted = cluster.vector(pod)
        too_little = (cluster.requested + wanted > cluster.allocatable) & (wanted > 0)
        return [
            Rejection("Too many pods" if resource == PODS else f"Insufficient {resource}", too_little[:, column])
            for resource, column in cluster.columns.items()
            if too_little[:, column].any()
        ]

    def score(self, pod: PodInfo, cluster: ClusterState, feasible: Mask) -> FloatArray:
        """Return the share of cpu and memory that would stay free, in percent, averaged."""
        cpu = _free_percent(cluster, CPU, SCORED_CPU, pod.scored_cpu_milli)
        memory = _free_percent(cluster, MEMORY, SCORED_MEMORY, pod.scored_memory_bytes)
        return np.floor((cpu + memory) / 2)


def _free_percent(cluster: ClusterState, resource: str, scored_column: int, added: int) -> FloatArray:
    offered = cluster.allocatable[:, cluster.columns[resource]].astype(np.float64)
    free = offered - cluster.scored[:, scored_column] - added
    share: FloatArray = np.divide(free, offered, out=np.zeros_like(offered), where=offered > 0)
    return np.floor(100.0 * share.clip(0.0, 1.0))
