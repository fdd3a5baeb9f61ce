"""What pod workers use of the node: the runtime and the network as they need them, and what they share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from naru.client.client import Client
from naru.controller.events import EventRecorder
from nodeagent.config import AgentConfig
from nodeagent.objects import ReferencedObjects
from nodeagent.pods.downward import NodeFacts
from nodeagent.pods.pulls import ImagePuller
from nodeagent.runtime.spec import ContainerSpec, ContainerState, SandboxSpec, SandboxState
from nodeagent.runtime.streams import ExecProcess, ProcessStreams


class Sandbox(Protocol):
    """A pod's namespaces and containers, kept by its shim."""

    on_change: Callable[[], None] | None

    @property
    def state(self) -> SandboxState:
        """What the shim last told."""

    @property
    def alive(self) -> bool:
        """Whether the shim still lives; once False, its containers are dead."""

    async def start_container(self, spec: ContainerSpec) -> ContainerState:
        """Start a container, or raise RuntimeFault."""

    async def signal(self, container_id: str, signum: int) -> None:
        """Send a signal to a container's first process."""

    async def kill_all(self) -> None:
        """Kill every container."""

    async def exec(
        self,
        container_id: str,
        args: Sequence[str],
        *,
        tty: bool = False,
        stdin: bool = False,
        stdout: bool = True,
        stderr: bool = True,
    ) -> ExecProcess:
        """Run a command in a container."""

    async def attach(self, container_id: str, *, stdin: bool = False) -> ProcessStreams:
        """Join the streams of a container's first process."""

    async def remove_container(self, container_id: str) -> None:
        """Forget an ended container, but for its log."""

    async def remove(self) -> None:
        """Kill what runs, and leave nothing."""


class SandboxMaker(Protocol):
    """The runtime, as far as a pod needs it."""

    async def create_sandbox(self, spec: SandboxSpec) -> Sandbox:
        """Make the namespaces of a pod."""


class PodNetwork(Protocol):
    """The node's network, as far as a pod needs it."""

    async def attach(self, pod_uid: str, netns: Path) -> str:
        """Give a network namespace an address and a link; return the address. It may be asked for again."""

    async def release(self, pod_uid: str) -> None:
        """Take the address back."""


@dataclass(frozen=True)
class NodeServices:
    """What the workers of one node share."""

    config: AgentConfig
    client: Client
    recorder: EventRecorder
    runtime: SandboxMaker
    network: PodNetwork
    puller: ImagePuller
    objects: ReferencedObjects
    facts: NodeFacts
    memory_capacity_bytes: int
