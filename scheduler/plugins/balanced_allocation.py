"""NodeResourcesBalancedAllocation: a node should not run out of memory while half its cpu lies idle.

Source: kube-scheduler's documentation of the plugin: the score is one minus the standard deviation of the shares used.
"""

import numpy as np

from scheduler.cluster import SCORED_CPU, SCORED_MEMORY, ClusterState, FloatArray, Mask
from scheduler.podinfo import CPU, MEMORY, PodInfo


class BalancedAllocation:
    """Prefers nodes where cpu and memory would be used to the same degree."""

    name = "NodeResourcesBalancedAllocation"
    weight = 1

    def score(self, pod: PodInfo, cluster: ClusterState, feasible: Mask) -> FloatArray:
        """Return 100 where both shares are equal, less the further they lie apart."""
        cpu = _used_share(cluster, CPU, SCORED_CPU, pod.scored_cpu_milli)
        memory = _used_share(cluster, MEMORY, SCORED_MEMORY, pod.scored_memory_bytes)
        deviation = np.abs(cpu - memory) / 2  # the standard deviation of two numbers
        return np.floor(100.0 * (1.0 - deviation))


def _used_share(cluster: ClusterState, resource: str, scored_column: int, added: int) -> FloatArray:
    offered = cluster.allocatable[:, cluster.columns[resource]].astype(np.float64)
    used = cluster.scored[:, scored_column] + float(added)
    share: FloatArray = np.divide(used, offered, out=np.ones_like(offered), where=offered > 0)
    return share.clip(0.0, 1.0)
