"""What a plugin is: a filter answers with a mask over all nodes, a score with a vector over all nodes.

Source: Kubernetes documentation, "Scheduling Framework".
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from scheduler.cluster import ClusterState, FloatArray, Mask
from scheduler.podinfo import PodInfo


class ClusterEvent(StrEnum):
    """A change that may let a Pod fit that did not fit before."""

    NODE_ADDED = "node added"
    NODE_RESOURCES = "node has other resources"
    NODE_LABELS = "node has other labels"
    NODE_TAINTS = "node has other taints"
    POD_REMOVED = "pod left its node"


@dataclass(frozen=True)
class Rejection:
    """Nodes that a filter turns down for one reason."""

    reason: str  # as in the Pod's condition: "Insufficient cpu", "node(s) didn't match ..."
    nodes: Mask


class Filter(Protocol):
    """Tells which nodes a Pod cannot run on."""

    @property
    def name(self) -> str:
        """The plugin's name, as upstream calls it."""

    @property
    def helped_by(self) -> frozenset[ClusterEvent]:
        """The events after which a rejection may no longer hold."""

    def reject(self, pod: PodInfo, cluster: ClusterState) -> list[Rejection]:
        """Return the nodes that the Pod cannot run on, by reason; a node may have several."""


class Score(Protocol):
    """Tells how well each node suits a Pod."""

    @property
    def name(self) -> str:
        """The plugin's name, as upstream calls it."""

    @property
    def weight(self) -> int:
        """What its score counts beside the others'."""

    def score(self, pod: PodInfo, cluster: ClusterState, feasible: Mask) -> FloatArray:
        """Return a number from 0 to 100 for every node; what it says of nodes that are not feasible is not read."""
