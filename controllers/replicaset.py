"""Keep each ReplicaSet's number of pods.

Watches: ReplicaSets; Pods, through their managing controller (or, of orphans, through every selector that matches).
Decides: how many pods to create, which to delete (:func:`plan_replicas`), what to report (:func:`plan_status`).
Writes: Pods, and the status of ReplicaSets.
Invariant: no second decision before the cache shows the first one's writes (see Expectations).
Source: Kubernetes documentation, "ReplicaSet"; upstream's replicaset controller for reasons and texts.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final

from naru.api.apps_v1 import ReplicaSet, ReplicaSetCondition, ReplicaSetStatus
from naru.api.conditions import ConditionStatus, find_condition, set_condition, without_condition
from naru.api.errors import APIError, NotFound
from naru.api.keys import ObjectKey, key_of
from naru.api.meta import ObjectMeta
from naru.api.model import now as wall_now
from naru.api.pod_status_v1 import PodPhase
from naru.api.pod_v1 import Pod
from naru.api.pods import READY, is_active, is_available, is_ready, is_terminal, restart_count
from naru.api.selectors import matcher
from naru.client.client import Client
from naru.client.errors import ConnectionFailed, namespace_terminates
from naru.client.watch import EventType
from naru.controller.controller import Controller, Result
from naru.controller.events import NORMAL, WARNING, EventRecorder
from naru.controller.expectations import Expectations
from naru.controller.informer import InformerFactory
from naru.controller.ownership import (
    OWNER_INDEX,
    candidates,
    claim,
    controller_of,
    controller_reference,
    index_ownership,
)
from naru.controller.store import namespace_of
from naru.telemetry.trail import Cause

BURST: Final = 500  # pods created or deleted by one decision, as upstream
POD_EVENTS_DELAY_S: Final = 0.02  # pods change in flocks: one look, and one status, for a flock
REPLICA_FAILURE: Final = "ReplicaFailure"
DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"
NAMESPACE: Final = "namespace"  # an index


@dataclass(frozen=True)
class Plan:
    """The writes one ReplicaSet needs. Plain data, so deciding and doing are tested apart."""

    create: int = 0
    delete: tuple[Pod, ...] = ()


def plan_replicas(rs: ReplicaSet, pods: Sequence[Pod]) -> Plan:
    """Compare desired with observed. No I/O, no clock, no await: same input, same plan."""
    if rs.metadata.deletion_timestamp is not None:
        return Plan()  # the garbage collector takes the children, through their ownerReferences
    active = [pod for pod in pods if is_active(pod)]
    if (missing := rs.spec.replicas - len(active)) >= 0:
        return Plan(create=min(missing, BURST))
    crowd = Counter(pod.spec.node_name for pod in active)
    surplus = sorted(active, key=lambda pod: deletion_rank(pod, crowd[pod.spec.node_name]))[:-missing]
    return Plan(delete=tuple(surplus[:BURST]))


def deletion_rank(pod: Pod, on_same_node: int) -> tuple[object, ...]:
    """Order pods by how little is lost with them: the first goes first.

    Unscheduled, pending, unready; then the cheaper by annotation, the more crowded, the shorter ready, the more often
    restarted, the younger.
    """
    ready = find_condition(pod.status.conditions, READY)
    ready_since = ready.last_transition_time if ready is not None and is_ready(pod) else None
    created = pod.metadata.creation_timestamp
    return (
        bool(pod.spec.node_name),
        {PodPhase.PENDING: 0, PodPhase.UNKNOWN: 1, PodPhase.RUNNING: 2}.get(PodPhase(pod.status.phase or "Pending"), 0),
        is_ready(pod),
        deletion_cost(pod),
        -on_same_node,
        -ready_since.timestamp() if ready_since else -math.inf,
        -restart_count(pod),
        -created.timestamp() if created else -math.inf,
        pod.metadata.name,
    )


def deletion_cost(pod: Pod) -> int:
    """Read the annotation by which users say which pods they would rather keep; what is no number counts as 0."""
    try:
        return int(pod.metadata.annotations.get(DELETION_COST, "0"))
    except ValueError:
        return 0


def plan_status(rs: ReplicaSet, pods: Sequence[Pod], failure: "Failure | None", now: datetime) -> ReplicaSetStatus:
    """Count the pods, and say whether the last writes failed."""
    active = [pod for pod in pods if is_active(pod)]
    wanted = rs.spec.template.metadata.labels.items()
    conditions = rs.status.conditions
    if failure is None:
        conditions = without_condition(conditions, REPLICA_FAILURE)
    elif find_condition(conditions, REPLICA_FAILURE) is None:
        condition = ReplicaSetCondition(
            type=REPLICA_FAILURE, status=ConditionStatus.TRUE, reason=failure.reason, message=failure.message
        )
        conditions = set_condition(conditions, condition, now)
    return ReplicaSetStatus(
        replicas=len(active),
        fully_labeled_replicas=sum(wanted <= pod.metadata.labels.items() for pod in active),
        ready_replicas=sum(map(is_ready, active)),
        available_replicas=sum(is_available(pod, rs.spec.min_ready_seconds, now) for pod in active),
        terminating_replicas=sum(pod.metadata.deletion_timestamp is not None and not is_terminal(pod) for pod in pods),
        observed_generation=rs.metadata.generation,
        conditions=conditions,
    )


def plan_recheck_s(rs: ReplicaSet, pods: Iterable[Pod], now: datetime) -> float | None:
    """Return when the next ready pod becomes available: time passes without an event."""
    waits = []
    for pod in pods:
        ready = find_condition(pod.status.conditions, READY)
        if ready is None or not is_ready(pod) or not is_active(pod) or ready.last_transition_time is None:
            continue
        left_s = rs.spec.min_ready_seconds - (now - ready.last_transition_time).total_seconds()
        if left_s > 0:
            waits.append(left_s)
    return min(waits) + 0.05 if waits else None  # not a moment too early: times are kept in whole seconds


def new_pod(rs: ReplicaSet) -> Pod:
    """Build a pod of the template."""
    template = rs.spec.template
    meta = ObjectMeta(
        generate_name=f"{rs.metadata.name}-",
        namespace=rs.metadata.namespace,
        labels=template.metadata.labels,
        annotations=template.metadata.annotations,
        finalizers=template.metadata.finalizers,
        owner_references=(controller_reference(rs),),
    )
    return Pod(metadata=meta, spec=template.spec)


@dataclass(frozen=True)
class Failure:
    """Why writes failed: what the ReplicaFailure condition says, and what is raised once that is written."""

    reason: str  # FailedCreate or FailedDelete
    message: str
    error: Exception


class ReplicaSetController(Controller):
    """Turns the difference between ``spec.replicas`` and the pods that are there into creations and deletions."""

    name: ClassVar[str] = "replicaset-controller"

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
        self._expectations: Expectations[ObjectKey] = Expectations()
        self._replicasets = self.watch(factory.informer(ReplicaSet)).store
        self._replicasets.add_index(NAMESPACE, namespace_of)
        pods = self.needs(factory.informer(Pod))
        self._pods = pods.store
        index_ownership(self._pods)
        pods.on_event(self._pod_changed)

    def _pod_changed(self, event_type: EventType, old: Pod | None, new: Pod | None) -> None:
        """Tick off what was expected, and queue the ReplicaSets that the pod concerns."""
        pod = new or old
        assert pod is not None, "an event has a state before or after it"
        for key in self._concerned(pod):
            if event_type is EventType.ADDED:
                self._expectations.creation_observed(key)
            if new is None or new.metadata.deletion_timestamp is not None:
                self._expectations.deletion_observed(key, pod.metadata.uid)
            self.queue.add_after(key, 0 if new is None else POD_EVENTS_DELAY_S)
        if old is not None and new is not None and controller_of(old) != controller_of(new):
            for key in self._concerned(old):
                self.queue.add(key)

    def _concerned(self, pod: Pod) -> Iterable[ObjectKey]:
        """Name the ReplicaSet that manages a pod, or those that might adopt it."""
        reference = controller_of(pod)
        if reference is not None:
            return [ObjectKey(pod.metadata.namespace, reference.name)] if reference.kind == "ReplicaSet" else []
        neighbours = self._replicasets.by_index(NAMESPACE, pod.metadata.namespace)
        return [key_of(rs) for rs in neighbours if matcher(rs.spec.selector).matches(pod.metadata.labels)]

    async def reconcile(self, key: ObjectKey) -> Result:
        """Bring one ReplicaSet a step nearer to its spec; safe at any time, any number of times."""
        rs = self._replicasets.get(key)  # from the cache: perhaps stale, never modified
        if rs is None:
            self._expectations.forget(key)
            return Result()
        pods = await claim(self._client, rs, matcher(rs.spec.selector), candidates(self._pods, rs))
        failure = None
        plan = plan_replicas(rs, pods) if self._expectations.met(key) else Plan()  # our own last writes come first
        if plan != Plan():
            failure = await self._carry_out(rs, plan)
            if failure is None:
                return Result(requeue_after_s=POD_EVENTS_DELAY_S)  # report what the cache will show by then
        await self._write_status(rs, plan_status(rs, pods, failure, self._now()))
        if failure is not None:
            raise failure.error
        return Result(requeue_after_s=plan_recheck_s(rs, pods, self._now()))

    async def _carry_out(self, rs: ReplicaSet, plan: Plan) -> Failure | None:
        if plan.create:
            return await self._create(rs, plan.create)
        if plan.delete:
            return await self._delete(rs, plan.delete)
        return None

    async def _create(self, rs: ReplicaSet, count: int) -> Failure | None:
        """Create pods in growing batches: when all would fail alike, few are tried."""
        key, done = key_of(rs), 0
        self._expectations.expect_creations(key, count)
        while done < count:
            batch = min(count - done, max(1, done))
            errors = await _gather([lambda: self._create_one(rs) for _ in range(batch)])
            done += batch
            if errors:
                for _ in range(count - done + len(errors)):
                    self._expectations.creation_observed(key)  # never tried, or failed: no event will come
                return _creation_failure(errors[0])
        return None

    async def _create_one(self, rs: ReplicaSet) -> None:
        count = f"{len(self._pods.by_index(OWNER_INDEX, rs.metadata.uid))} of {rs.spec.replicas}"
        try:
            pod = await self._client.create(new_pod(rs), cause=Cause.of(rs, f"{count} pods there"))
        except (APIError, ConnectionFailed) as error:
            if not namespace_terminates(error):
                self._recorder.event(rs, WARNING, "FailedCreate", f"Error creating: {error}")
            raise
        self._recorder.event(rs, NORMAL, "SuccessfulCreate", f"Created pod: {pod.metadata.name}")

    async def _delete(self, rs: ReplicaSet, pods: Sequence[Pod]) -> Failure | None:
        self._expectations.expect_deletions(key_of(rs), [pod.metadata.uid for pod in pods])
        errors = await _gather([lambda pod=pod: self._delete_one(rs, pod) for pod in pods])  # type: ignore[misc]
        return Failure("FailedDelete", str(errors[0]), errors[0]) if errors else None

    async def _delete_one(self, rs: ReplicaSet, pod: Pod) -> None:
        """Delete a pod by name and uid, to spare a namesake made since."""
        meta, cause = pod.metadata, Cause.of(rs, f"only {rs.spec.replicas} pods wanted")
        try:
            await self._client.delete(Pod, meta.name, meta.namespace, uid=meta.uid, cause=cause)
        except (APIError, ConnectionFailed) as error:
            self._expectations.deletion_observed(key_of(rs), meta.uid)
            if isinstance(error, NotFound):
                return
            self._recorder.event(rs, WARNING, "FailedDelete", f"Error deleting: {error}")
            raise
        self._recorder.event(rs, NORMAL, "SuccessfulDelete", f"Deleted pod: {meta.name}")

    async def _write_status(self, rs: ReplicaSet, status: ReplicaSetStatus) -> None:
        if status == rs.status:
            return
        reason = f"{status.ready_replicas} of {rs.spec.replicas} pods ready"
        updated = rs.model_copy(update={"status": status})
        await self._client.update(updated, "status", cause=Cause.of(rs, reason))


async def _gather(calls: Sequence[Callable[[], Awaitable[None]]]) -> list[Exception]:
    """Run writes side by side; return the refusals, raise anything else."""
    results = await asyncio.gather(*(call() for call in calls), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, (APIError, ConnectionFailed)):
            raise result
    return [result for result in results if isinstance(result, (APIError, ConnectionFailed))]


def _creation_failure(error: Exception) -> Failure | None:
    """Judge a refused creation: in a namespace that terminates there is nothing to create, and nothing wrong."""
    return None if namespace_terminates(error) else Failure("FailedCreate", str(error), error)
