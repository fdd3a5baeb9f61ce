"""Make the node known, and keep it known: the Node object, its status, and the Lease that says it lives.

Flow: agent -> *register, then a Lease every 10 s and the status when it changed* -> API server.
A Node that somebody deleted is registered again.

Source: Kubernetes documentation, "Nodes", heartbeats; KEP-589 (node leases).
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from naru.api.coordination_v1 import Lease, LeaseSpec
from naru.api.errors import AlreadyExists, APIError, Conflict, NotFound
from naru.api.meta import ObjectMeta, OwnerReference
from naru.api.model import now
from naru.api.node_v1 import Node, NodeStatus
from naru.client.client import Client
from naru.client.errors import ConnectionFailed
from naru.client.watch import EventType
from naru.telemetry.trail import Cause
from nodeagent.config import AgentConfig
from nodeagent.images.store import Image
from nodeagent.machine import Machine
from nodeagent.node_status import new_node, node_status, status_change

logger = logging.getLogger(__name__)

LEASE_NAMESPACE: Final = "kube-node-lease"
LEASE_DURATION_S: Final = 40
RENEW_INTERVAL_S: Final = 10.0
REPORT_INTERVAL_S: Final = 300.0  # a status that did not change is written this often all the same
RETRY_S: Final = 1.0
REQUEST_TIMEOUT_S: Final = 8.0  # a renewal that takes longer is better tried anew than waited for


class Registration:
    """The node's presence in the API."""

    def __init__(
        self,
        client: Client,
        config: AgentConfig,
        machine: Machine,
        images: Callable[[], Sequence[Image]],
        not_ready: Callable[[], str],
    ) -> None:
        """Prepare.

        Args:
            images: what the node holds.
            not_ready: what keeps the node from running pods; empty when nothing does.
        """
        self._client = client
        self._config = config
        self._machine = machine
        self._images = images
        self._not_ready = not_ready
        self._changed = asyncio.Event()
        self._reported_at = 0.0
        self._deleted = False  # by somebody else
        self.node = Node(metadata=ObjectMeta(name=config.node_name))

    def status_changed(self) -> None:
        """Have the status looked at now."""
        self._changed.set()

    def on_event(self, _: EventType, old: Node | None, new: Node | None) -> None:
        """Take what the API has of the Nodes: others write to ours too, that it was not heard of for long, say."""
        node = new or old
        if node is None or node.metadata.name != self._config.node_name:
            return
        if new is None:
            self._deleted = True
            self.status_changed()
        elif int(new.metadata.resource_version) >= int(self.node.metadata.resource_version or 0):
            self.node = new
            if status_change(new.status, self._status(new.status)) is not None:
                self.status_changed()

    async def register(self) -> None:
        """Create the Node, or take over the one of that name; again and again until the API server answers."""
        while True:
            try:
                self._deleted = False
                self.node = await self._create_or_update()
                return
            except (APIError, ConnectionFailed) as error:
                logger.warning("node not registered yet", extra={"node": self._config.node_name, "error": str(error)})
                await asyncio.sleep(RETRY_S)

    async def run(self) -> None:
        """Keep status and Lease current until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._renew_leases(), name="node lease")
            group.create_task(self._report(), name="node status")

    async def _create_or_update(self) -> Node:
        """Create the Node, or bring labels of the one there is up to date.

        What an earlier agent said of its health stands until this one knows better: it would be a false alarm to call
        the node not ready each time its agent is restarted.
        """
        wanted = new_node(self._config, self._machine, self._status(NodeStatus()))
        try:
            node = await self._client.create(wanted)
        except AlreadyExists:
            meta = {"labels": wanted.metadata.labels, "annotations": wanted.metadata.annotations}
            return await self._client.patch(Node, self._config.node_name, "", {"metadata": meta})
        return await self._write_status(node, force=True)

    def _status(self, old: NodeStatus) -> NodeStatus:
        return node_status(self._config, self._machine, self._images(), self._not_ready(), old, now())

    async def _write_status(self, node: Node, *, force: bool = False) -> Node:
        status = self._status(node.status)
        change = status_change(node.status, status)
        if change is None and not force:
            return node
        reason = self._not_ready() or "kubelet is posting ready status"
        patch = {
            "metadata": {"uid": node.metadata.uid},
            "status": change or {"conditions": status.wire()["conditions"]},
        }
        self._reported_at = asyncio.get_running_loop().time()
        return await self._client.patch(
            Node,
            self._config.node_name,
            "",
            patch,
            "strategic",
            "status",
            cause=Cause.of(node, reason),
            timeout_s=REQUEST_TIMEOUT_S,
        )

    async def _report(self) -> None:
        while True:
            try:
                async with asyncio.timeout(RENEW_INTERVAL_S):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            if self._deleted:
                await self.register()
                continue
            overdue = asyncio.get_running_loop().time() - self._reported_at > REPORT_INTERVAL_S
            try:
                self.node = await self._write_status(self.node, force=overdue)
            except (NotFound, Conflict):
                await self.register()
            except (APIError, ConnectionFailed) as error:
                logger.warning("node status not written", extra={"node": self._config.node_name, "error": str(error)})
                await asyncio.sleep(RETRY_S)
                self._changed.set()

    async def _renew_leases(self) -> None:
        while True:
            try:
                await self._renew_lease()
                await asyncio.sleep(RENEW_INTERVAL_S)
            except (APIError, ConnectionFailed) as error:
                logger.warning("node lease not renewed", extra={"node": self._config.node_name, "error": str(error)})
                await asyncio.sleep(RETRY_S)

    async def _renew_lease(self) -> None:
        """Renew the Lease; nobody else writes it, so it needs no reading before."""
        spec = LeaseSpec(
            holder_identity=self._config.node_name,
            lease_duration_seconds=LEASE_DURATION_S,
            renew_time=datetime.now(UTC),
        )
        name = self._config.node_name
        patch = {"spec": spec.wire()}
        try:
            await self._client.patch(Lease, name, LEASE_NAMESPACE, patch, timeout_s=REQUEST_TIMEOUT_S)
        except NotFound:
            owner = OwnerReference(api_version="v1", kind="Node", name=name, uid=self.node.metadata.uid)
            meta = ObjectMeta(name=name, namespace=LEASE_NAMESPACE, owner_references=(owner,))
            await self._client.create(Lease(metadata=meta, spec=spec))
