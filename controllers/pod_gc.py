"""Remove pods that nobody else will: those of nodes that no longer exist, and the oldest of too many ended ones.

Watches: Pods and Nodes.
Decides: :func:`plan_garbage`.
Writes: deletions without grace; an orphaned pod is marked Failed first.
A node counts as gone only after it was missing for a while, and the API server itself says so: a cache may be late, and
an agent that starts anew may register its Node again.
Source: Kubernetes documentation, "Pod Lifecycle" (garbage collection of Pods); upstream's pod garbage collector.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from controllers.node_lifecycle import NODE_INDEX, node_of
from controllers.taint_eviction import disrupt
from naru.api.errors import NotFound
from naru.api.keys import ObjectKey
from naru.api.model import now as wall_now
from naru.api.node_v1 import Node
from naru.api.pod_v1 import Pod
from naru.api.pods import is_terminal
from naru.client.client import Client
from naru.client.watch import EventType
from naru.controller.controller import Controller, Result
from naru.controller.informer import InformerFactory
from naru.controller.workqueue import Clock
from naru.telemetry.trail import Cause

TERMINATED_THRESHOLD: Final = 12_500
QUARANTINE_S: Final = 40.0
_PERIOD_S: Final = 20.0
_EVERYTHING: Final = ObjectKey("", "pods")  # the one key: the decision is about all pods together


@dataclass(frozen=True)
class Garbage:
    """The pods to remove, and why."""

    orphaned: tuple[Pod, ...] = ()  # their node is gone
    unscheduled: tuple[Pod, ...] = ()  # deleted before they got a node: no agent will confirm
    surplus: tuple[Pod, ...] = ()  # ended, and too many


def plan_garbage(pods: Sequence[Pod], gone_nodes: Collection[str], threshold: int) -> Garbage:
    """Sort out the pods that nobody else removes."""
    orphaned = [pod for pod in pods if pod.spec.node_name in gone_nodes]
    unscheduled = [pod for pod in pods if not pod.spec.node_name and pod.metadata.deletion_timestamp is not None]
    ended = [pod for pod in pods if is_terminal(pod) and pod.spec.node_name not in gone_nodes]
    oldest_first = sorted(ended, key=_age)
    return Garbage(tuple(orphaned), tuple(unscheduled), tuple(oldest_first[: max(0, len(ended) - threshold)]))


def _age(pod: Pod) -> tuple[float, str]:
    created = pod.metadata.creation_timestamp
    return (created.timestamp() if created else 0.0, pod.metadata.name)


class PodGarbageCollector(Controller):
    """Looks at all pods every now and then, and when a node goes."""

    name: ClassVar[str] = "pod-garbage-collector"

    def __init__(
        self,
        client: Client,
        factory: InformerFactory,
        *,
        threshold: int = TERMINATED_THRESHOLD,
        quarantine_s: float = QUARANTINE_S,
        clock: Clock = time.monotonic,
        now: Callable[[], datetime] = wall_now,
    ) -> None:
        super().__init__()
        self._client = client.named(self.name)
        self._threshold = threshold
        self._quarantine_s = quarantine_s
        self._clock = clock
        self._now = now
        self._missing_since: dict[str, float] = {}  # node names that pods have and no Node has
        nodes = self.needs(factory.informer(Node))
        self._nodes = nodes.store
        nodes.on_event(self._node_changed)
        pods = self.needs(factory.informer(Pod))
        self._pods = pods.store
        self._pods.add_index(NODE_INDEX, node_of)
        pods.on_event(self._pod_changed)
        self.queue.add(_EVERYTHING)

    def _node_changed(self, event_type: EventType, old: Node | None, new: Node | None) -> None:
        if event_type is EventType.DELETED:
            self.queue.add(_EVERYTHING)

    def _pod_changed(self, event_type: EventType, old: Pod | None, new: Pod | None) -> None:
        if new is not None and new.metadata.deletion_timestamp is not None and not new.spec.node_name:
            self.queue.add(_EVERYTHING)

    async def reconcile(self, key: ObjectKey) -> Result:
        """Remove what has to go, and look again soon."""
        gone = [name for name in self._out_of_quarantine() if await self._is_gone(name)]
        garbage = plan_garbage(self._pods.list(), gone, self._threshold)
        for pod in garbage.orphaned:
            cause = Cause.of(pod, f"node {pod.spec.node_name} no longer exists")
            text = "PodGC: node no longer exists"
            phase = "" if is_terminal(pod) else "Failed"
            await disrupt(
                self._client, pod, "DeletionByPodGC", text, self._now(), cause, grace_period_seconds=0, phase=phase
            )
        for pod in garbage.unscheduled:
            await self._delete(pod, "deleted before it got a node")
        for pod in garbage.surplus:
            await self._delete(pod, f"more than {self._threshold} ended pods")
        return Result(requeue_after_s=_PERIOD_S)

    def _out_of_quarantine(self) -> list[str]:
        """Note since when nodes are missing; return those that have been for long enough."""
        named = {pod.spec.node_name for pod in self._pods.list() if pod.spec.node_name}
        missing = {name for name in named if self._nodes.get(ObjectKey("", name)) is None}
        now_s = self._clock()
        self._missing_since = {name: self._missing_since.get(name, now_s) for name in missing}
        for since_s in self._missing_since.values():
            if (left_s := since_s + self._quarantine_s - now_s) > 0:
                self.queue.add_after(_EVERYTHING, left_s + 0.01)
        return [name for name, since_s in self._missing_since.items() if now_s - since_s >= self._quarantine_s]

    async def _is_gone(self, name: str) -> bool:
        try:
            await self._client.get(Node, name)
        except NotFound:
            return True
        return False

    async def _delete(self, pod: Pod, reason: str) -> None:
        meta, cause = pod.metadata, Cause.of(pod, reason)
        try:
            await self._client.delete(Pod, meta.name, meta.namespace, uid=meta.uid, grace_period_seconds=0, cause=cause)
        except NotFound:
            return
