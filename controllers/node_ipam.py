"""Give each Node its slice of the pod addresses.

Watches: Nodes. Decides: the next free slice (:func:`plan_slice`). Writes: ``spec.podCIDR``, once in a Node's life.
Invariant: no two Nodes have overlapping slices. What is in use is read from the Nodes themselves at every decision, so
a restart forgets nothing; what was just given is remembered until the cache shows it; one worker decides at a time.
Source: Kubernetes API reference, Node; upstream's range allocator for reasons and texts.
"""

import ipaddress
from collections.abc import Iterable
from typing import ClassVar

from naru.api.keys import ObjectKey
from naru.api.node_v1 import Node
from naru.client.client import Client
from naru.controller.controller import Controller, Result
from naru.controller.events import NORMAL, EventRecorder
from naru.controller.informer import InformerFactory
from naru.telemetry.trail import Cause

_FULL_RECHECK_S = 30.0  # when no slice is free: a node that goes is an event of another key


def plan_slice(
    cluster: ipaddress.IPv4Network, prefix_length: int, used: Iterable[ipaddress.IPv4Network]
) -> ipaddress.IPv4Network | None:
    """Return the lowest slice of the cluster's range that overlaps none in use; None when there is none."""
    taken = list(used)
    for candidate in cluster.subnets(new_prefix=prefix_length):
        if not any(candidate.overlaps(other) for other in taken):
            return candidate
    return None


def slices_of(node: Node) -> list[ipaddress.IPv4Network]:
    """Read the slices that a node has; a malformed one occupies nothing."""
    found = []
    for text in {*node.spec.pod_cidrs, node.spec.pod_cidr} - {""}:
        try:
            found.append(ipaddress.IPv4Network(text, strict=False))
        except ValueError:
            continue
    return found


class NodeIpamController(Controller):
    """Hands out slices of the cluster's pod range."""

    name: ClassVar[str] = "node-ipam-controller"

    def __init__(
        self,
        client: Client,
        factory: InformerFactory,
        recorder: EventRecorder,
        *,
        cluster_cidr: ipaddress.IPv4Network,
        prefix_length: int,
    ) -> None:
        super().__init__()
        self._client = client.named(self.name)
        self._recorder = recorder
        self._cluster_cidr = cluster_cidr
        self._prefix_length = prefix_length
        self._given: dict[str, ipaddress.IPv4Network] = {}  # by uid, until the cache shows it
        self._nodes = self.watch(factory.informer(Node)).store

    async def run(self, workers: int = 1) -> None:
        """Work with one worker only: two deciding at once could choose the same slice."""
        await super().run(workers=1)

    async def reconcile(self, key: ObjectKey) -> Result:
        """Give a node a slice if it has none."""
        node = self._nodes.get(key)
        self._forget_shown()
        if node is None or slices_of(node) or node.metadata.deletion_timestamp is not None:
            return Result()
        chosen = self._given.get(node.metadata.uid) or self._choose()
        if chosen is None:
            text = f"Node {node.metadata.name} status is now: CIDRNotAvailable"
            self._recorder.event(node, NORMAL, "CIDRNotAvailable", text)
            return Result(requeue_after_s=_FULL_RECHECK_S)
        await self._write(node, chosen)
        return Result()

    def _forget_shown(self) -> None:
        """Drop what the cache shows by now, and what belonged to nodes that are gone."""
        waiting = {node.metadata.uid for node in self._nodes.list() if not slices_of(node)}
        self._given = {uid: network for uid, network in self._given.items() if uid in waiting}

    def _choose(self) -> ipaddress.IPv4Network | None:
        used = [network for node in self._nodes.list() for network in slices_of(node)]
        return plan_slice(self._cluster_cidr, self._prefix_length, [*used, *self._given.values()])

    async def _write(self, node: Node, network: ipaddress.IPv4Network) -> None:
        """Write the slice, to this very version of the Node; from before that on it is nobody else's."""
        meta = node.metadata
        self._given[meta.uid] = network
        patch = {
            "metadata": {"resourceVersion": meta.resource_version, "uid": meta.uid},
            "spec": {"podCIDR": str(network), "podCIDRs": [str(network)]},
        }
        await self._client.patch(Node, meta.name, "", patch, cause=Cause.of(node, f"pod addresses {network}"))
