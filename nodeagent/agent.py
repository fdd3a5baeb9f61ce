"""The node agent: one process a node, which turns the pods bound to it into containers.

Flow: informer of this node's pods -> one PodWorker a pod -> runtime, network, volumes -> status.
      informer of all nodes -> network (VXLAN, routes).
Order of a start: what an earlier agent left is adopted first, then pods are looked at; only when the first list is
here is anything removed that belongs to no pod. So a container that runs is kept, and none is started twice.
On SIGTERM the agent goes and the containers stay.
"""

import asyncio
import logging
from contextlib import AsyncExitStack
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from naru.api.node_v1 import Node
from naru.api.pod_v1 import Pod
from naru.client import kubeconfig
from naru.client.client import Client
from naru.controller.events import EventRecorder
from naru.controller.informer import InformerFactory
from nodeagent.config import AgentConfig
from nodeagent.images.errors import ImageError
from nodeagent.images.store import ImageStore
from nodeagent.machine import inspect_machine
from nodeagent.network.node_network import NetworkConfig, NodeNetwork
from nodeagent.node_follower import NodeFollower
from nodeagent.objects import ReferencedObjects
from nodeagent.pod_workers import PodWorkers, remove_leftovers
from nodeagent.pods.downward import NodeFacts
from nodeagent.pods.pulls import ImagePuller
from nodeagent.pods.qos import QosClasses
from nodeagent.pods.services import NodeServices
from nodeagent.registration import Registration
from nodeagent.runtime.runtime import Runtime
from nodeagent.server.app import serving

logger = logging.getLogger(__name__)

USER_AGENT: Final = "nodeagent"
EVENT_SOURCE: Final = "kubelet"  # what people and tools know as the reporter of a node's events
STARTING: Final = "container runtime is starting"
NO_POD_CIDR: Final = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: the node has no podCIDR yet"
)


class PodNetworkAdapter:
    """The network as pod workers see it."""

    def __init__(self, network: NodeNetwork) -> None:
        self._network = network

    async def attach(self, pod_uid: str, netns: Path) -> str:
        """Connect a pod; return its address."""
        return str((await self._network.attach(pod_uid, netns)).ip)

    async def release(self, pod_uid: str) -> None:
        """Take a pod's address back."""
        self._network.release(pod_uid)


class Agent:
    """Everything that one node runs, put together."""

    def __init__(self, config: AgentConfig) -> None:
        self._config = config
        self._machine = inspect_machine(config.data_dir)
        self._runtime = Runtime(config.run_dir, config.cgroup_root)
        self._network = NodeNetwork(network_config(config))
        self._images = ImageStore(config.image_dir)
        self._not_ready = STARTING

    async def run(self) -> None:
        """Work until cancelled; containers outlive this."""
        async with AsyncExitStack() as stack:
            config = kubeconfig.load(self._config.kubeconfig)
            client = await stack.enter_async_context(Client(config, user_agent=USER_AGENT))
            group = await stack.enter_async_context(asyncio.TaskGroup())
            registration = Registration(client, self._config, self._machine, self._images.list, lambda: self._not_ready)
            registering = group.create_task(registration.register(), name="register")
            factory = InformerFactory(client)
            nodes = factory.informer(Node)
            group.create_task(factory.run(), name="informers")
            await asyncio.gather(self._runtime.start(), self._network.ensure(), asyncio.to_thread(self._ensure_builtin))
            stack.push_async_callback(self._runtime.close)
            workers = await self._start_workers(client, stack, group)
            self._not_ready = NO_POD_CIDR
            await registering
            nodes.on_event(registration.on_event)
            group.create_task(registration.run(), name="node")
            follower = NodeFollower(
                self._network, nodes, self._config.node_name, lambda: self._on_network_ready(registration)
            )
            group.create_task(follower.run(), name="follow nodes")
            pods = factory.informer(Pod, field_selector=f"spec.nodeName={self._config.node_name}")
            await pods.wait()
            await self._collect({pod.metadata.uid for pod in pods.store.list()})
            pods.on_event(workers.on_event)
            await workers.remove_orphans()
            await asyncio.Event().wait()  # until cancelled

    async def _start_workers(self, client: Client, stack: AsyncExitStack, group: asyncio.TaskGroup) -> PodWorkers:
        """Adopt what runs, and serve; from here on pods may come."""
        services = self._services(client)
        stack.push_async_callback(services.objects.close)
        group.create_task(services.recorder.run(), name="events")
        labels = {"kubernetes.io/hostname": self._config.node_name}
        workers = PodWorkers(services, await self._runtime.adopt(), labels, QosClasses(self._runtime.driver))
        stack.push_async_callback(workers.close)
        await stack.enter_async_context(serving(self._config, workers.find))
        return workers

    def _services(self, client: Client) -> NodeServices:
        recorder = EventRecorder(client, EVENT_SOURCE, host=self._config.node_name)
        return NodeServices(
            config=self._config,
            client=client,
            recorder=recorder,
            runtime=self._runtime,
            network=PodNetworkAdapter(self._network),
            puller=ImagePuller(self._images, recorder, self._config.insecure_registries),
            objects=ReferencedObjects(client),
            facts=NodeFacts(self._config.node_ip, self._machine.allocatable(self._config.max_pods)),
            memory_capacity_bytes=self._machine.memory_bytes,
        )

    def _ensure_builtin(self) -> None:
        """Have the image that the examples use; without it, a node still runs others."""
        try:
            self._images.ensure_builtin()
        except (ImageError, OSError) as error:
            logger.warning("built-in image not made", extra={"node": self._config.node_name, "error": str(error)})

    def _on_network_ready(self, registration: Registration) -> None:
        self._not_ready = ""
        registration.status_changed()

    async def _collect(self, live: set[str]) -> None:
        """Remove what belongs to no pod; after the first list, or all would, and before workers make new things."""
        await self._network.collect(live)
        await asyncio.to_thread(remove_leftovers, self._config, live)


def network_config(config: AgentConfig) -> NetworkConfig:
    """Return the part of the configuration that the network needs."""
    return NetworkConfig(
        node_name=config.node_name,
        node_ip=IPv4Address(config.node_ip),
        cluster_cidr=config.cluster_cidr,
        service_cidr=config.service_cidr,
        data_dir=config.data_dir,
        egress=config.egress,
        host_netns=config.host_netns,
    )
