"""Decide where one Pod goes: filter, score, choose. Pure: the same cluster, Pod and chance give the same decision."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from scheduler.cluster import ClusterState
from scheduler.plugin import ClusterEvent, Filter, Score
from scheduler.plugins.balanced_allocation import BalancedAllocation
from scheduler.plugins.node_name import NodeName
from scheduler.plugins.node_ports import NodePorts
from scheduler.plugins.node_resources_fit import NodeResourcesFit
from scheduler.plugins.node_selector import NodeSelector
from scheduler.plugins.node_unschedulable import NodeUnschedulable
from scheduler.plugins.taint_toleration import TaintToleration
from scheduler.podinfo import PodInfo

FILTERS: Final[tuple[Filter, ...]] = (
    NodeUnschedulable(),
    NodeName(),
    TaintToleration(),
    NodeSelector(),
    NodePorts(),
    NodeResourcesFit(),
)  # in this order: a node's reasons are those of the first filter that rejects it

SCORES: Final[tuple[Score, ...]] = (TaintToleration(), NodeResourcesFit(), BalancedAllocation())


@dataclass(frozen=True)
class Decision:
    """Where a Pod goes, or why it goes nowhere."""

    nodes: int  # that were looked at
    node_name: str = ""  # empty: it fits nowhere
    feasible: int = 0
    score: int = 0  # of the node chosen
    reasons: Mapping[str, int] = field(default_factory=dict)  # how many nodes were rejected, by reason
    helped_by: frozenset[ClusterEvent] = frozenset()  # events after which it is worth another try

    @property
    def message(self) -> str:
        """The verdict as the Pod's condition and event give it."""
        if not self.nodes:
            return "no nodes available to schedule pods"
        counted = sorted(f"{count} {reason}" for reason, count in self.reasons.items())
        return f"{self.feasible}/{self.nodes} nodes are available: {', '.join(counted)}."

    @property
    def why(self) -> str:
        """The reason of a binding, in words, for the trail."""
        return f"{self.node_name} scored {self.score}, best of {self.feasible} nodes that fit, of {self.nodes}"


def decide(
    pod: PodInfo,
    cluster: ClusterState,
    choose: random.Random,
    filters: Sequence[Filter] = FILTERS,
    scores: Sequence[Score] = SCORES,
) -> Decision:
    """Choose the node for a Pod; among equals, chance decides."""
    feasible = cluster.present
    nodes = int(feasible.sum())
    reasons: dict[str, int] = {}
    helped_by: set[ClusterEvent] = {ClusterEvent.NODE_ADDED}
    for plugin in filters:
        rejected = np.zeros(cluster.size, dtype=np.bool_)
        for rejection in plugin.reject(pod, cluster):
            if count := int((feasible & rejection.nodes).sum()):
                reasons[rejection.reason] = reasons.get(rejection.reason, 0) + count
                helped_by |= plugin.helped_by
            rejected |= rejection.nodes
        feasible &= ~rejected
        if not feasible.any():
            return Decision(nodes, reasons=reasons, helped_by=frozenset(helped_by))
    total = sum((plugin.weight * plugin.score(pod, cluster, feasible) for plugin in scores), np.zeros(cluster.size))
    best = total[feasible].max()
    row = choose.choice(np.flatnonzero(feasible & (total == best)).tolist())
    return Decision(nodes, cluster.name_of(row), int(feasible.sum()), int(best), reasons, frozenset(helped_by))
