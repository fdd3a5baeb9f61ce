"""Bind pending Pods to Nodes.

Flow: Pod informer -> SchedulingQueue -> *decide* -> binding subresource -> nodeagent of that Node.
Owns: spec.nodeName (written once, by the binding) and, while a Pod fits nowhere, its PodScheduled condition.
Deciding is synchronous and sees every earlier decision at once; the bindings are written in the background.
"""

import asyncio
import logging
import random
from collections.abc import Coroutine
from typing import Any, Final

from naru.api.errors import APIError
from naru.api.keys import key_of
from naru.api.model import now
from naru.api.node_v1 import Node
from naru.api.pod_v1 import Pod
from naru.client.client import Client
from naru.client.errors import ConnectionFailed
from naru.client.watch import EventType
from naru.controller.events import EventRecorder
from naru.controller.informer import Informer, InformerFactory
from naru.telemetry.trail import Cause
from scheduler.cluster import ClusterState
from scheduler.decide import Decision, decide
from scheduler.events import is_placed, node_events, wants_node
from scheduler.plugin import ClusterEvent
from scheduler.podinfo import PodInfo, new_pod_info
from scheduler.queue import SchedulingQueue, Waiting

logger = logging.getLogger(__name__)

MAX_WRITES: Final = 64  # bindings and reports under way at once; the loop waits for room before it decides more


class Scheduler:
    """Watches Pods and Nodes, keeps the cluster's state, and finds each waiting Pod a node."""

    def __init__(self, client: Client, informers: InformerFactory, recorder: EventRecorder) -> None:
        loop = asyncio.get_running_loop()
        self._client = client
        self._recorder = recorder
        self._cluster = ClusterState()
        self._queue = SchedulingQueue(loop.time)
        self._random = random.Random()
        self._writes = asyncio.Semaphore(MAX_WRITES)
        self._pods: Informer[Pod] = informers.informer(Pod)
        self._nodes: Informer[Node] = informers.informer(Node)
        self._pods.on_event(self._on_pod)
        self._nodes.on_event(self._on_node)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._nodes.wait()  # caches not yet listed look like an empty cluster
        await self._pods.wait()
        async with asyncio.TaskGroup() as writers:
            while True:
                await self._writes.acquire()
                waiting = await self._queue.pop()
                writers.create_task(self._release_after(self._schedule(waiting)))

    def _schedule(self, waiting: Waiting) -> Coroutine[Any, Any, None]:
        """Decide about one Pod now; return what is left to write."""
        info = new_pod_info(waiting.pod)
        decision = decide(info, self._cluster, self._random)
        if not decision.node_name:
            self._queue.park(waiting, decision.helped_by)
            return self._report(waiting.pod, decision)
        self._cluster.place(info, decision.node_name)
        return self._bind(waiting, info, decision)

    async def _release_after(self, write: Coroutine[Any, Any, None]) -> None:
        try:
            await write
        finally:
            self._writes.release()

    async def _bind(self, waiting: Waiting, info: PodInfo, decision: Decision) -> None:
        """Write a binding; when that fails, the room is free again and the Pod waits for its next turn."""
        pod = waiting.pod
        try:
            await self._client.bind(pod, decision.node_name, cause=Cause.of(pod, decision.why))
        except (
            APIError,
            ConnectionFailed,
        ) as error:  # also: gone, or bound by somebody else, as the informer will tell
            logger.warning("binding failed", extra={"pod": info.key, "node": decision.node_name, "error": str(error)})
            self._cluster.forget(info.uid)
            self._restore(pod)
            self._queue.retry_later(waiting)
        else:
            self._queue.remove(info.key)
            logger.info("bound", extra={"pod": info.key, "node": decision.node_name, "score": decision.score})
            message = f"Successfully assigned {info.key} to {decision.node_name}"
            self._recorder.event(pod, "Normal", "Scheduled", message)

    def _restore(self, pod: Pod) -> None:
        """Take over from the cache where a Pod is, if a binding that seemed to fail was in fact stored."""
        cached = self._pods.store.get(key_of(pod))
        if cached is not None and cached.metadata.uid == pod.metadata.uid and is_placed(cached):
            self._cluster.place(new_pod_info(cached), cached.spec.node_name)

    async def _report(self, pod: Pod, decision: Decision) -> None:
        """Tell in condition and event why a Pod fits nowhere; only when that is news."""
        message = decision.message
        known = {c.type: c for c in pod.status.conditions}.get("PodScheduled")
        if known is not None and (known.status, known.message) == ("False", message):
            return
        since = known.last_transition_time if known is not None and known.status == "False" else None
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastTransitionTime": (since or now()).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        meta = pod.metadata
        patch = {"metadata": {"uid": meta.uid}, "status": {"conditions": [condition]}}
        self._recorder.event(pod, "Warning", "FailedScheduling", message)
        try:
            await self._client.patch(
                Pod, meta.name, meta.namespace, patch, "strategic", "status", cause=Cause.of(pod, message)
            )
        except (APIError, ConnectionFailed) as error:
            logger.warning("condition not written", extra={"pod": key_of(pod), "error": str(error)})

    def _on_node(self, kind: EventType, old: Node | None, new: Node | None) -> None:
        if new is None:
            if old is not None:
                self._cluster.remove_node(old.metadata.name)
            return
        self._cluster.set_node(new)
        for event in node_events(old, new):
            self._queue.wake(event)

    def _on_pod(self, kind: EventType, old: Pod | None, new: Pod | None) -> None:
        if new is None:
            if old is not None:
                self._pod_left(old)
                self._queue.remove(key_of(old))
            return
        if wants_node(new):
            if not self._cluster.node_of(new.metadata.uid):  # else it is bound, and this is older news
                self._queue.add(new)
            return
        self._queue.remove(key_of(new))
        if is_placed(new):
            self._cluster.place(new_pod_info(new), new.spec.node_name)
        else:
            self._pod_left(new)

    def _pod_left(self, pod: Pod) -> None:
        if self._cluster.forget(pod.metadata.uid):
            self._queue.wake(ClusterEvent.POD_REMOVED)
