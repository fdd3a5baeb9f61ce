"""Keep the node's network in step with the Node objects: the own podCIDR, and the ways to the others.

Flow: informer of all nodes -> *NodeFollower* -> NodeNetwork (bridge, VXLAN, routes).
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from naru.api.keys import ObjectKey
from naru.api.node_v1 import Node
from naru.client.watch import EventType
from naru.controller.informer import Informer

logger = logging.getLogger(__name__)

RESYNC_S: Final = 60.0  # how long something that somebody deleted by hand may stay away
RETRY_S: Final = 1.0


class Network(Protocol):
    """The node's network, as far as it depends on Nodes."""

    async def ensure(self) -> None:
        """Make or repair what does not depend on other nodes."""

    async def set_pod_cidr(self, cidr: str) -> None:
        """Take the range that the cluster gave this node."""

    async def sync_nodes(self, nodes: Sequence[Node]) -> None:
        """Make the ways to the other nodes, and remove those to nodes that are gone."""


class NodeFollower:
    """Looks at all Nodes whenever one changes in a way that matters to the network."""

    def __init__(self, network: Network, nodes: Informer[Node], node_name: str, on_ready: Callable[[], None]) -> None:
        self._network = network
        self._nodes = nodes
        self._node_name = node_name
        self._on_ready = on_ready
        self._changed = asyncio.Event()
        self.ready = False  # pods can be connected
        nodes.on_event(self._on_event)

    async def run(self) -> None:
        """Follow until cancelled."""
        await self._nodes.wait()
        while True:
            self._changed.clear()
            try:
                await self._sync()
                wait_s = RESYNC_S
            except Exception:
                logger.exception("network not in step with the nodes", extra={"node": self._node_name})
                wait_s = RETRY_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                await self._repair()

    async def _sync(self) -> None:
        own = self._nodes.store.get(ObjectKey("", self._node_name))
        if own is not None and own.spec.pod_cidr:
            await self._network.set_pod_cidr(own.spec.pod_cidr)
            if not self.ready:
                self.ready = True
                self._on_ready()
        await self._network.sync_nodes(self._nodes.store.list())

    async def _repair(self) -> None:
        try:
            await self._network.ensure()
        except Exception:
            logger.exception("network not repaired", extra={"node": self._node_name})

    def _on_event(self, _: EventType, old: Node | None, new: Node | None) -> None:
        if old is None or new is None or _network_part(old) != _network_part(new):
            self._changed.set()


def _network_part(node: Node) -> tuple[object, ...]:
    """Return what the network depends on; heartbeats change other things."""
    return node.spec.pod_cidr, node.status.addresses
