"""A pod's status is written when it differs, the newest state only, by one writer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from naru.api.core_v1 import Pod, PodStatus
from naru.client.client import Client
from nodeagent.pods.reporter import StatusReporter


class PatchedPod:
    """Stands for the API server: keeps one pod, and what was asked of it."""

    def __init__(self) -> None:
        meta = {"name": "web", "namespace": "default", "uid": "u"}
        self.pod = Pod.model_validate({"metadata": meta, "spec": {"containers": [{"name": "main"}]}})
        self.patches: list[dict[str, Any]] = []

    async def patch(self, *arguments: Any, **_: Any) -> Pod:
        """Take a status patch; all of these tests' patches replace what they name."""
        change = arguments[3]["status"]
        self.patches.append(change)
        status = PodStatus.model_validate(self.pod.status.wire() | change)
        self.pod = self.pod.model_copy(update={"status": status})
        return self.pod


class Node:
    """A worker's side: how the pod stands now."""

    def __init__(self, server: PatchedPod) -> None:
        self.status = PodStatus()
        self.reporter = StatusReporter(
            cast(Client, server), lambda: server.pod, lambda: self.status, on_written=lambda _: None
        )

    def become(self, *, urgent: bool, **fields: Any) -> None:
        """Change how the pod stands, and say so."""
        self.status = PodStatus.model_validate(self.status.wire() | fields)
        self.reporter.changed(urgent=urgent)


@asynccontextmanager
async def reporting() -> AsyncIterator[tuple[Node, PatchedPod]]:
    """A reporter at work."""
    server = PatchedPod()
    node = Node(server)
    running = asyncio.create_task(node.reporter.run())
    try:
        async with asyncio.timeout(10):
            yield node, server
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_the_steps_of_a_start_are_one_patch() -> None:
    async with reporting() as (node, server):
        node.become(urgent=False, phase="Pending")
        node.become(urgent=False, podIP="10.1.2.3")
        node.become(urgent=True, phase="Running")
        await node.reporter.flush()
        assert server.patches == [server.pod.status.wire()]
        assert server.pod.status.pod_ip == "10.1.2.3"


async def test_what_comes_after_a_patch_makes_another() -> None:
    async with reporting() as (node, server):
        node.become(urgent=True, phase="Running")
        await node.reporter.flush()
        node.become(urgent=True, phase="Succeeded")
        await node.reporter.flush()
        assert [patch["phase"] for patch in server.patches] == ["Running", "Succeeded"]


async def test_what_the_server_has_already_is_not_sent() -> None:
    async with reporting() as (node, server):
        node.become(urgent=True, phase="Running")
        await node.reporter.flush()
        node.reporter.changed(urgent=True)
        await node.reporter.flush()
        assert len(server.patches) == 1
