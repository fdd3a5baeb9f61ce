"""Delete pods from Nodes with NoExecute taints, when their patience ends.

Flow: taint on a Node -> *taint eviction* -> delete -> the agent stops the pod; its ReplicaSet makes another elsewhere.
Watches: Pods; Nodes, for their taints.
Decides: when a pod must go (:func:`plan_eviction`): from the moment a taint was added, its tolerationSeconds count.
Writes: the pod's condition DisruptionTarget, then its deletion. On a node that is cut off, the deletion stays pending
    until the node comes back or is removed, for nobody can say that the containers have ended.
Source: Kubernetes documentation, "Taints and Tolerations" (NoExecute).
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final

from controllers.node_lifecycle import NODE_INDEX, node_of
from naru.api.errors import Conflict, NotFound
from naru.api.keys import ObjectKey, key_of
from naru.api.model import now as wall_now
from naru.api.node_v1 import Node, Taint, TaintEffect
from naru.api.placement_v1 import Toleration
from naru.api.pod_v1 import Pod
from naru.client.client import Client
from naru.client.watch import EventType
from naru.controller.controller import Controller, Result
from naru.controller.events import NORMAL, EventRecorder
from naru.controller.informer import InformerFactory
from naru.telemetry.trail import Cause

_LATE_S: Final = 0.05  # look a little after the moment, not before it


def plan_eviction(pod: Pod, taints: Sequence[Taint], now: datetime) -> datetime | None:
    """Return when the pod must leave its node: the earliest end of its patience; None when it may stay."""
    moments = [
        _patience_ends(pod.spec.tolerations, taint, now) for taint in taints if taint.effect == TaintEffect.NO_EXECUTE
    ]
    return min((moment for moment in moments if moment is not None), default=None)


def _patience_ends(tolerations: Sequence[Toleration], taint: Taint, now: datetime) -> datetime | None:
    matching = [toleration for toleration in tolerations if tolerates(toleration, taint)]
    if not matching:
        return now
    limits = [t.toleration_seconds for t in matching if t.toleration_seconds is not None]
    if not limits:
        return None
    return (taint.time_added or now) + timedelta(seconds=max(0, min(limits)))


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether a toleration is for a taint; without a key (and with Exists) it is for every one."""
    if toleration.effect not in ("", taint.effect):
        return False
    if toleration.operator == "Exists":
        return toleration.key in ("", taint.key)
    return toleration.key == taint.key and toleration.value == taint.value


class TaintEvictionController(Controller):
    """Keeps an eye on every pod whose node has NoExecute taints."""

    name: ClassVar[str] = "taint-eviction-controller"

    def __init__(
        self,
        client: Client,
        factory: InformerFactory,
        recorder: EventRecorder,
        *,
        now: Callable[[], datetime] = wall_now,
    ) -> None:
        super().__init__()
        self._client = client.named(self.name)
        self._recorder = recorder
        self._now = now
        nodes = self.needs(factory.informer(Node))
        self._nodes = nodes.store
        pods = self.needs(factory.informer(Pod))
        self._pods = pods.store
        self._pods.add_index(NODE_INDEX, node_of)
        pods.on_event(self._pod_changed)
        nodes.on_event(self._node_changed)

    def _pod_changed(self, event_type: EventType, old: Pod | None, new: Pod | None) -> None:
        """Queue a pod that arrived on a node; what else happens to it does not matter here."""
        if new is not None and new.spec.node_name and (old is None or not old.spec.node_name):
            self.queue.add(key_of(new))

    def _node_changed(self, event_type: EventType, old: Node | None, new: Node | None) -> None:
        """Queue the pods of a node whose taints changed."""
        node = new or old
        before, after = (side.spec.taints if side is not None else () for side in (old, new))
        if node is not None and before != after:
            for pod in self._pods.by_index(NODE_INDEX, node.metadata.name):
                self.queue.add(key_of(pod))

    async def reconcile(self, key: ObjectKey) -> Result:
        """Delete a pod whose patience has ended, or look again when it will."""
        pod = self._pods.get(key)
        node = self._nodes.get(ObjectKey("", pod.spec.node_name)) if pod is not None else None
        if pod is None or node is None or pod.metadata.deletion_timestamp is not None:
            return Result()
        now = self._now()
        moment = plan_eviction(pod, node.spec.taints, now)
        if moment is None:
            return Result()
        if (left_s := (moment - now).total_seconds()) > 0:
            return Result(requeue_after_s=left_s + _LATE_S)
        await self._evict(pod, node)
        return Result()

    async def _evict(self, pod: Pod, node: Node) -> None:
        cause = Cause.of(node, f"pod does not tolerate a taint of {node.metadata.name} any longer")
        self._recorder.event(pod, NORMAL, "TaintManagerEviction", f"Marking for deletion Pod {key_of(pod)}")
        text = "Taint manager: deleting due to NoExecute taint"
        await disrupt(self._client, pod, "DeletionByTaintManager", text, self._now(), cause)


async def disrupt(
    client: Client,
    pod: Pod,
    reason: str,
    message: str,
    now: datetime,
    cause: Cause,
    *,
    grace_period_seconds: int | None = None,
    phase: str = "",
) -> None:
    """Write why a pod is taken away (condition DisruptionTarget), then delete it; a namesake made since is spared."""
    meta = pod.metadata
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": reason,
        "message": message,
        "lastTransitionTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    status = {"conditions": [condition]} | ({"phase": phase} if phase else {})
    patch = {"metadata": {"uid": meta.uid}, "status": status}
    try:
        await client.patch(Pod, meta.name, meta.namespace, patch, "strategic", "status", cause=cause)
        await client.delete(
            Pod, meta.name, meta.namespace, uid=meta.uid, grace_period_seconds=grace_period_seconds, cause=cause
        )
    except (NotFound, Conflict):  # gone, or another pod of that name
        return
