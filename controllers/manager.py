"""Run every controller, on one set of informers, while this process leads.

Flow: LeaderElector -> *manager* -> informers + controllers + event recorders, until the lead is lost.
Each term starts from nothing: fresh caches, empty queues and expectations. What a controller knew is in the API server.
"""

import asyncio
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from controllers.deployment import DeploymentController
from controllers.garbage_collector import GarbageCollector
from controllers.namespace import NamespaceController
from controllers.node_ipam import NodeIpamController
from controllers.node_lifecycle import GRACE_PERIOD_S, NodeLifecycleController
from controllers.pod_gc import QUARANTINE_S, TERMINATED_THRESHOLD, PodGarbageCollector
from controllers.replicaset import ReplicaSetController
from controllers.root_ca import RootCertificatePublisher
from controllers.service_account import ServiceAccountController
from controllers.taint_eviction import TaintEvictionController
from naru.client.client import Client
from naru.controller.controller import Controller
from naru.controller.events import EventRecorder
from naru.controller.informer import InformerFactory


@dataclass(frozen=True)
class Options:
    """What the controllers are told by the command line."""

    cluster_cidr: ipaddress.IPv4Network
    node_cidr_mask_size: int
    ca_pem: str
    node_monitor_grace_period_s: float = GRACE_PERIOD_S
    terminated_pod_gc_threshold: int = TERMINATED_THRESHOLD
    pod_gc_quarantine_s: float = QUARANTINE_S
    workers: int = 4


class Manager:
    """The controllers of one term."""

    def __init__(self, client: Client, options: Options) -> None:
        self._options = options
        self._client = client
        self._factory = InformerFactory(client)
        self._recorders: list[EventRecorder] = []
        self._controllers = list(self._new_controllers())
        self._garbage_collector = GarbageCollector(client, self._factory)

    def _new_controllers(self) -> Iterable[Controller]:
        client, factory, options = self._client, self._factory, self._options
        yield NodeIpamController(
            client,
            factory,
            self._recorder(NodeIpamController.name),
            cluster_cidr=options.cluster_cidr,
            prefix_length=options.node_cidr_mask_size,
        )
        yield NodeLifecycleController(
            client,
            factory,
            self._recorder(NodeLifecycleController.name),
            grace_period_s=options.node_monitor_grace_period_s,
        )
        yield TaintEvictionController(client, factory, self._recorder(TaintEvictionController.name))
        yield DeploymentController(client, factory, self._recorder(DeploymentController.name))
        yield ReplicaSetController(client, factory, self._recorder(ReplicaSetController.name))
        yield ServiceAccountController(client, factory)
        yield RootCertificatePublisher(client, factory, ca_pem=options.ca_pem)
        yield NamespaceController(client, factory)
        yield PodGarbageCollector(
            client,
            factory,
            threshold=options.terminated_pod_gc_threshold,
            quarantine_s=options.pod_gc_quarantine_s,
        )

    def _recorder(self, component: str) -> EventRecorder:
        recorder = EventRecorder(self._client, component)
        self._recorders.append(recorder)
        return recorder

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._factory.run(), name="informers")
            for recorder in self._recorders:
                group.create_task(recorder.run(), name="events")
            for controller in self._controllers:
                group.create_task(controller.run(self._options.workers), name=controller.name)
            group.create_task(self._garbage_collector.run(self._options.workers), name="garbage-collector")
