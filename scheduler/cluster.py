"""ClusterState: the nodes and what is placed on them, as numpy arrays that are updated in place.

Flow: Node and Pod informers -> *ClusterState* -> filters (a mask over all nodes), scores (a vector over all nodes).
Invariant: ``requested[row]`` is the sum over the Pods placed on that node; a Pod counts on one node at most. A Pod
that the scheduler has just placed counts at once (*assumed*), before the informer shows it bound.
"""

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from naru.api.node_v1 import Node
from scheduler.podinfo import CPU, MEMORY, PODS, HostPort, PodInfo, amount_of

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

FIRST_COLUMNS: Final = (CPU, MEMORY, PODS, "ephemeral-storage")
SCORED_CPU: Final = 0
SCORED_MEMORY: Final = 1


class ClusterState:
    """One row a node, one column a resource; rows and columns are added as nodes and resources turn up."""

    def __init__(self) -> None:
        self.columns: dict[str, int] = {name: index for index, name in enumerate(FIRST_COLUMNS)}
        self.rows: dict[str, int] = {}  # by node name
        self.nodes: list[Node | None] = []  # by row; None: a free row
        self._allocatable: IntArray = np.zeros((8, len(self.columns)), dtype=np.int64)
        self._requested: IntArray = np.zeros((8, len(self.columns)), dtype=np.int64)
        self._scored: IntArray = np.zeros((8, 2), dtype=np.int64)
        self._placed: dict[str, dict[str, PodInfo]] = {}  # by node name, then Pod uid; also for nodes not seen yet
        self._node_of: dict[str, str] = {}  # by Pod uid

    # What filters and scores read: views on the rows in use.

    @property
    def size(self) -> int:
        """The number of rows in use, free ones among them."""
        return len(self.nodes)

    @property
    def present(self) -> Mask:
        """Which rows hold a node."""
        return np.fromiter((node is not None for node in self.nodes), dtype=np.bool_, count=self.size)

    @property
    def allocatable(self) -> IntArray:
        """What each node offers Pods: cpu in thousandths, the others in whole units."""
        return self._allocatable[: self.size]

    @property
    def requested(self) -> IntArray:
        """What the Pods placed on each node request."""
        return self._requested[: self.size]

    @property
    def scored(self) -> IntArray:
        """Requested cpu and memory as scoring counts them (columns ``SCORED_CPU`` and ``SCORED_MEMORY``)."""
        return self._scored[: self.size]

    def name_of(self, row: int) -> str:
        """Return the name of the node in a row, or an empty text for a free row."""
        node = self.nodes[row]
        return node.metadata.name if node else ""

    def host_ports(self, row: int) -> set[HostPort]:
        """Return the host ports taken on a node."""
        placed = self._placed.get(self.name_of(row), {})
        return {port for info in placed.values() for port in info.host_ports}

    def node_of(self, uid: str) -> str:
        """Return the node that a Pod is placed on, or an empty text."""
        return self._node_of.get(uid, "")

    # What informers and the scheduler write.

    def set_node(self, node: Node) -> None:
        """Add a node, or take over what changed of it."""
        name = node.metadata.name
        offered = {resource: amount_of(resource, amount) for resource, amount in node.status.allocatable.items()}
        for resource in offered:
            self._ensure_column(resource)
        row = self.rows.get(name)
        if row is None:
            row = self.rows[name] = self._free_row()
            for info in self._placed.get(name, {}).values():
                self._count(row, info, 1)
        self.nodes[row] = node
        self._allocatable[row] = 0
        for resource, amount in offered.items():
            self._allocatable[row, self.columns[resource]] = amount

    def remove_node(self, name: str) -> None:
        """Free the row of a node; the Pods on it stay known, in case it comes back."""
        row = self.rows.pop(name, None)
        if row is not None:
            self.nodes[row] = None
            self._allocatable[row] = self._requested[row] = 0
            self._scored[row] = 0

    def place(self, info: PodInfo, node_name: str) -> None:
        """Count a Pod on a node, once however often it is said."""
        if self._node_of.get(info.uid) == node_name:
            return
        self.forget(info.uid)
        self._node_of[info.uid] = node_name
        self._placed.setdefault(node_name, {})[info.uid] = info
        if (row := self.rows.get(node_name)) is not None:
            self._count(row, info, 1)

    def forget(self, uid: str) -> bool:
        """Count a Pod no longer; tells whether it was counted."""
        node_name = self._node_of.pop(uid, None)
        if node_name is None:
            return False
        placed = self._placed[node_name]
        info = placed.pop(uid)
        if not placed:
            del self._placed[node_name]
        if (row := self.rows.get(node_name)) is not None:
            self._count(row, info, -1)
        return True

    def vector(self, info: PodInfo) -> IntArray:
        """Return a Pod's requests as a row of the arrays."""
        for resource in info.requests:
            self._ensure_column(resource)
        vector = np.zeros(len(self.columns), dtype=np.int64)
        for resource, amount in info.requests.items():
            vector[self.columns[resource]] = amount
        return vector

    def _count(self, row: int, info: PodInfo, sign: int) -> None:
        self._requested[row] += sign * self.vector(info)
        self._scored[row, SCORED_CPU] += sign * info.scored_cpu_milli
        self._scored[row, SCORED_MEMORY] += sign * info.scored_memory_bytes

    def _free_row(self) -> int:
        if None in self.nodes:
            return self.nodes.index(None)
        self.nodes.append(None)
        if len(self.nodes) > len(self._allocatable):
            self._allocatable = _grown(self._allocatable, rows=len(self._allocatable))
            self._requested = _grown(self._requested, rows=len(self._requested))
            self._scored = _grown(self._scored, rows=len(self._scored))
        return len(self.nodes) - 1

    def _ensure_column(self, resource: str) -> None:
        if resource not in self.columns:
            self.columns[resource] = len(self.columns)
            self._allocatable = _grown(self._allocatable, columns=1)
            self._requested = _grown(self._requested, columns=1)


def _grown(array: IntArray, rows: int = 0, columns: int = 0) -> IntArray:
    """Return the array with zeros added below or to the right."""
    return np.pad(array, ((0, rows), (0, columns)))
