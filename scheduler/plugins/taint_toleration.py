"""TaintToleration: keep Pods off nodes whose taints they do not tolerate, and rather off those that ask softly.

Source: Kubernetes documentation, "Taints and Tolerations".
"""

from collections.abc import Iterable
from typing import Final

import numpy as np

from naru.api.node_v1 import Node, Taint
from naru.api.placement_v1 import Toleration
from scheduler.cluster import ClusterState, FloatArray, Mask
from scheduler.plugin import ClusterEvent, Rejection
from scheduler.podinfo import PodInfo

UNSCHEDULABLE_TAINT: Final = Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")
HARD_EFFECTS: Final = ("NoSchedule", "NoExecute")
SOFT_EFFECTS: Final = ("PreferNoSchedule",)


def tolerates(tolerations: Iterable[Toleration], taint: Taint) -> bool:
    """Tell whether one of the tolerations covers the taint."""
    return any(_covers(toleration, taint) for toleration in tolerations)


def _covers(toleration: Toleration, taint: Taint) -> bool:
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if toleration.operator == "Exists":
        return True
    return bool(toleration.key) and toleration.value == taint.value


def intolerable(pod: PodInfo, node: Node | None, effects: tuple[str, ...]) -> int:
    """Count the taints of these effects that the Pod does not tolerate."""
    if node is None:
        return 0
    return sum(taint.effect in effects and not tolerates(pod.tolerations, taint) for taint in node.spec.taints)


class TaintToleration:
    """Rejects nodes with a hard taint that is not tolerated; prefers those with fewer soft ones."""

    name = "TaintToleration"
    weight = 3
    helped_by = frozenset({ClusterEvent.NODE_ADDED, ClusterEvent.NODE_TAINTS})

    def reject(self, pod: PodInfo, cluster: ClusterState) -> list[Rejection]:
        """Return the nodes whose taints keep the Pod off."""
        tainted = np.fromiter((intolerable(pod, n, HARD_EFFECTS) > 0 for n in cluster.nodes), np.bool_, cluster.size)
        return [Rejection("node(s) had untolerated taint(s)", tainted)] if tainted.any() else []

    def score(self, pod: PodInfo, cluster: ClusterState, feasible: Mask) -> FloatArray:
        """Return 100 for the nodes with no soft taint against the Pod, 0 for those with the most."""
        counts = np.fromiter((intolerable(pod, n, SOFT_EFFECTS) for n in cluster.nodes), np.float64, cluster.size)
        most = counts[feasible].max(initial=0.0)
        return 100.0 - 100.0 * counts / most if most else np.full(cluster.size, 100.0)
