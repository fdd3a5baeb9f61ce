"""Notice Nodes whose agent fell silent, and mark them so that pods stay away, or go.

Flow: agent -> Lease, NodeStatus -> *node lifecycle* -> condition Ready Unknown -> taints -> scheduler, taint eviction.
Watches: Nodes; their Leases in kube-node-lease; Pods of silent nodes.
Decides: the conditions of a silent node (:func:`plan_silent`), the taints of any node (:func:`plan_taints`).
Writes: conditions of silent nodes, the Ready condition of their pods, the taints ``node.kubernetes.io/...``.

Silence is measured with this process' monotonic clock, from the last change of the Lease or of the status that it saw:
machines' wall clocks may differ, and a controller that starts gives every node the full time again.
Source: Kubernetes documentation, "Nodes" and "Taints and Tolerations".
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from naru.api.conditions import ConditionStatus, find_condition, set_condition
from naru.api.coordination_v1 import Lease
from naru.api.errors import NotFound
from naru.api.keys import ObjectKey
from naru.api.model import now as wall_now
from naru.api.node_v1 import Node, NodeCondition, Taint, TaintEffect
from naru.api.pod_v1 import Pod
from naru.api.pods import READY, is_ready
from naru.client.client import Client
from naru.client.watch import EventType
from naru.controller.controller import Controller, Result
from naru.controller.events import NORMAL, EventRecorder
from naru.controller.informer import InformerFactory
from naru.controller.workqueue import Clock
from naru.telemetry.trail import Cause

LEASE_NAMESPACE: Final = "kube-node-lease"
GRACE_PERIOD_S: Final = 40.0
NODE_INDEX: Final = "node"  # pods by the node they belong to

NOT_READY: Final = "node.kubernetes.io/not-ready"
UNREACHABLE: Final = "node.kubernetes.io/unreachable"
UNSCHEDULABLE: Final = "node.kubernetes.io/unschedulable"
_PRESSURES: Final = {  # condition -> taint while it is True
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
_OURS: Final = frozenset((NOT_READY, UNREACHABLE, UNSCHEDULABLE, *_PRESSURES.values()))
_REPORTED: Final = (READY, "MemoryPressure", "DiskPressure", "PIDPressure")  # conditions that only the agent can know


def node_of(pod: Pod) -> tuple[str, ...]:
    """Return the node that a pod belongs to (an index function)."""
    return (pod.spec.node_name,) if pod.spec.node_name else ()


def plan_silent(node: Node, now: datetime) -> tuple[NodeCondition, ...]:
    """Return the conditions of a node whose agent fell silent: what only the agent knows is Unknown."""
    conditions = node.status.conditions
    for name in _REPORTED:
        old = find_condition(conditions, name)
        if old is None:
            reason, message = "NodeStatusNeverUpdated", "Kubelet never posted node status."
            fresh = NodeCondition(type=name, status=ConditionStatus.UNKNOWN, reason=reason, message=message)
        elif old.status == ConditionStatus.UNKNOWN:
            continue
        else:
            changes = {
                "status": ConditionStatus.UNKNOWN.value,
                "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
            }
            fresh = old.model_copy(update=changes)
        conditions = set_condition(conditions, fresh, now)
    return conditions


def plan_taints(node: Node, now: datetime) -> tuple[Taint, ...]:
    """Return the node's taints as its conditions want them; taints of other makers are left alone."""
    foreign = [taint for taint in node.spec.taints if taint.key not in _OURS]
    present = {(taint.key, taint.effect): taint for taint in node.spec.taints if taint.key in _OURS}
    wanted = [present.get((t.key, t.effect), t) for t in _wanted_taints(node, now)]  # keeps the moment it was added
    if {(t.key, t.effect) for t in wanted} == set(present):
        return node.spec.taints
    return (*foreign, *wanted)


def _wanted_taints(node: Node, now: datetime) -> list[Taint]:
    taints = [
        Taint(key=key, effect=TaintEffect.NO_SCHEDULE)
        for name, key in _PRESSURES.items()
        if (condition := find_condition(node.status.conditions, name)) and condition.status == ConditionStatus.TRUE
    ]
    if node.spec.unschedulable:
        taints.append(Taint(key=UNSCHEDULABLE, effect=TaintEffect.NO_SCHEDULE, time_added=now))
    ready = find_condition(node.status.conditions, READY)
    if ready is None or ready.status != ConditionStatus.TRUE:
        key = UNREACHABLE if ready is not None and ready.status == ConditionStatus.UNKNOWN else NOT_READY
        taints.append(Taint(key=key, effect=TaintEffect.NO_SCHEDULE, time_added=now))
        if ready is not None:  # a node that has not reported yet has no pods to drive out
            taints.append(Taint(key=key, effect=TaintEffect.NO_EXECUTE, time_added=now))
    return taints


@dataclass
class _Sign:
    """The last sign of life of a node, and when we saw it."""

    seen: tuple[datetime | None, ...]
    at_s: float


class NodeLifecycleController(Controller):
    """Watches over the nodes' signs of life."""

    name: ClassVar[str] = "node-lifecycle-controller"

    def __init__(
        self,
        client: Client,
        factory: InformerFactory,
        recorder: EventRecorder,
        *,
        grace_period_s: float = GRACE_PERIOD_S,
        clock: Clock = time.monotonic,
        now: Callable[[], datetime] = wall_now,
    ) -> None:
        super().__init__()
        self._client = client.named(self.name)
        self._recorder = recorder
        self._grace_period_s = grace_period_s
        self._clock = clock
        self._now = now
        self._signs: dict[str, _Sign] = {}  # by the node's uid
        nodes = self.watch(factory.informer(Node))
        self._nodes = nodes.store
        nodes.on_event(self._node_changed)
        leases = factory.informer(Lease, LEASE_NAMESPACE)
        self._leases = self.watch(leases, lambda lease: (ObjectKey("", lease.metadata.name),)).store
        self._pods = self.needs(factory.informer(Pod)).store
        self._pods.add_index(NODE_INDEX, node_of)

    def _node_changed(self, event_type: EventType, old: Node | None, new: Node | None) -> None:
        """Tell of nodes that come and go."""
        if event_type is EventType.ADDED and new is not None:
            text = f"Node {new.metadata.name} event: Registered Node {new.metadata.name} in Controller"
            self._recorder.event(new, NORMAL, "RegisteredNode", text)
        elif event_type is EventType.DELETED and old is not None:
            self._signs.pop(old.metadata.uid, None)
            text = f"Node {old.metadata.name} event: Removing Node {old.metadata.name} from Controller"
            self._recorder.event(old, NORMAL, "RemovingNode", text)

    async def reconcile(self, key: ObjectKey) -> Result:
        """Judge one node, and look again when its time would be up."""
        node = self._nodes.get(key)
        if node is None or node.metadata.deletion_timestamp is not None:
            return Result()
        left_s = self._observe(node) + self._grace_period_s - self._clock()
        if left_s <= 0:
            node = await self._mark_silent(node)
        await self._taint(node)
        if left_s <= 0:
            await self._mark_pods(node)
        return Result(requeue_after_s=left_s + 0.01 if left_s > 0 else None)

    def _observe(self, node: Node) -> float:
        """Return when the node last gave a sign of life, by our clock."""
        lease = self._leases.get(ObjectKey(LEASE_NAMESPACE, node.metadata.name))
        ready = find_condition(node.status.conditions, READY)
        heartbeat = ready.last_heartbeat_time if ready is not None else None
        seen = (lease.spec.renew_time if lease is not None else None, heartbeat)
        sign = self._signs.get(node.metadata.uid)
        if sign is None or sign.seen != seen:
            sign = self._signs[node.metadata.uid] = _Sign(seen, self._clock())
        return sign.at_s

    async def _mark_silent(self, node: Node) -> Node:
        conditions = plan_silent(node, self._now())
        if conditions == node.status.conditions:
            return node
        if _is_ready(node):
            text = f"Node {node.metadata.name} status is now: NodeNotReady"
            self._recorder.event(node, NORMAL, "NodeNotReady", text)
        status = node.status.model_copy(update={"conditions": conditions})
        cause = Cause.of(node, f"no sign of life for {self._grace_period_s:g} s")
        return await self._client.update(node.model_copy(update={"status": status}), "status", cause=cause)

    async def _taint(self, node: Node) -> None:
        taints = plan_taints(node, self._now())
        if taints == node.spec.taints:
            return
        meta = node.metadata
        patch = {
            "metadata": {"resourceVersion": meta.resource_version},
            "spec": {"taints": [taint.wire() for taint in taints]},
        }
        cause = Cause.of(node, f"taints as its conditions want them: {_describe(taints)}")
        await self._client.patch(Node, meta.name, "", patch, cause=cause)

    async def _mark_pods(self, node: Node) -> None:
        """Take the pods of a silent node out of service: nobody there can say that they are ready."""
        cause = Cause.of(node, f"node {node.metadata.name} is silent")
        for pod in plan_unready_pods(self._pods.by_index(NODE_INDEX, node.metadata.name)):
            meta = pod.metadata
            since = self._now().strftime("%Y-%m-%dT%H:%M:%SZ")
            condition = {"type": READY, "status": ConditionStatus.FALSE.value, "lastTransitionTime": since}
            patch = {"metadata": {"uid": meta.uid}, "status": {"conditions": [condition]}}
            try:
                await self._client.patch(Pod, meta.name, meta.namespace, patch, "strategic", "status", cause=cause)
            except NotFound:
                continue


def plan_unready_pods(pods: Iterable[Pod]) -> Sequence[Pod]:
    """Choose the pods of a silent node that still count as ready."""
    return [pod for pod in pods if is_ready(pod) and pod.metadata.deletion_timestamp is None]


def _is_ready(node: Node) -> bool:
    ready = find_condition(node.status.conditions, READY)
    return ready is not None and ready.status == ConditionStatus.TRUE


def _describe(taints: Sequence[Taint]) -> str:
    return ", ".join(f"{taint.key}:{taint.effect}" for taint in taints) or "none"
