"""Roll each Deployment's pod template out, revision by revision.

Watches: Deployments; their ReplicaSets; Pods, which Recreate waits for.
Decides: which ReplicaSet is which revision (``deployment_revisions``), how many pods each should have next
    (``deployment_rollout``), what to report (``deployment_status``): all pure.
Writes: ReplicaSets (created, sized, annotated, forgotten), the Deployment's status and revision annotation.
Invariant: a ReplicaSet is changed by an update that names the version it was decided from; a stale one is refused.
Source: Kubernetes documentation, "Deployments"; upstream's deployment controller for reasons and texts.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import ClassVar

from controllers.deployment_revisions import (
    REVISION,
    Revisions,
    new_replicaset,
    plan_annotations,
    plan_cleanup,
    same_template,
    scale_annotations,
    sort_revisions,
)
from controllers.deployment_rollout import Sizes, is_scaling, max_surge, plan_sizes
from controllers.deployment_status import (
    PROGRESSING,
    Conditions,
    Reason,
    plan_paused,
    plan_recheck_s,
    plan_status,
    with_condition,
)
from naru.api.apps_v1 import Deployment, DeploymentStatus, ReplicaSet
from naru.api.conditions import ConditionStatus, find_condition
from naru.api.errors import AlreadyExists, APIError, NotFound
from naru.api.keys import ObjectKey, key_of
from naru.api.model import now as wall_now
from naru.api.pod_v1 import Pod
from naru.api.pods import is_terminal
from naru.api.selectors import matcher
from naru.client.client import Client
from naru.client.watch import EventType
from naru.controller.controller import Controller, Result
from naru.controller.events import NORMAL, WARNING, EventRecorder
from naru.controller.informer import InformerFactory
from naru.controller.ownership import OWNER_INDEX, candidates, claim, controller_of, index_ownership
from naru.controller.store import namespace_of
from naru.telemetry.trail import Cause

NAMESPACE = "namespace"  # an index


class DeploymentController(Controller):
    """Turns a changed template into a new ReplicaSet, and moves the pods over step by step."""

    name: ClassVar[str] = "deployment-controller"

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
        self._deployments = self.watch(factory.informer(Deployment)).store
        self._deployments.add_index(NAMESPACE, namespace_of)
        self._replicasets = self.watch(factory.informer(ReplicaSet), self._concerned).store
        index_ownership(self._replicasets)
        pods = self.needs(factory.informer(Pod))
        self._pods = pods.store
        index_ownership(self._pods)
        pods.on_event(self._pod_changed)

    def _concerned(self, rs: ReplicaSet) -> Iterable[ObjectKey]:
        """Name the Deployment that manages a ReplicaSet, or those that might adopt it."""
        reference = controller_of(rs)
        if reference is not None:
            return [ObjectKey(rs.metadata.namespace, reference.name)] if reference.kind == "Deployment" else []
        neighbours = self._deployments.by_index(NAMESPACE, rs.metadata.namespace)
        return [key_of(d) for d in neighbours if matcher(d.spec.selector).matches(rs.metadata.labels)]

    def _pod_changed(self, event_type: EventType, old: Pod | None, new: Pod | None) -> None:
        """Queue the Deployment of a pod that ended: Recreate goes on when the last one has."""
        pod = new or old
        reference = controller_of(pod) if pod is not None else None
        if pod is None or reference is None or not (event_type is EventType.DELETED or is_terminal(pod)):
            return
        rs = self._replicasets.get(ObjectKey(pod.metadata.namespace, reference.name))
        for key in self._concerned(rs) if rs is not None else ():
            self.queue.add(key)

    async def reconcile(self, key: ObjectKey) -> Result:
        """Bring one Deployment a step nearer to its spec; safe at any time, any number of times."""
        deployment = self._deployments.get(key)
        if deployment is None:
            return Result()
        wanted = matcher(deployment.spec.selector)
        owned = await claim(self._client, deployment, wanted, candidates(self._replicasets, deployment))
        revisions = sort_revisions(deployment, owned)
        rolling = deployment.metadata.deletion_timestamp is None
        if rolling:
            rolling = not deployment.spec.paused and not is_scaling(deployment, revisions)
            deployment = _with_conditions(deployment, plan_paused(deployment, self._now()))
            deployment, revisions = await self._roll(deployment, revisions)
        status = plan_status(deployment, revisions, self._now(), estimate_progress=rolling)
        await self._write_status(key, deployment, status)
        return Result(requeue_after_s=plan_recheck_s(deployment, status, self._now()))

    async def _roll(self, deployment: Deployment, revisions: Revisions) -> tuple[Deployment, Revisions]:
        """Write what the plan says; return both as they are after it."""
        if revisions.new is not None:
            deployment = self._note_found(deployment, revisions.new)
            revisions = Revisions(await self._annotate(deployment, revisions, revisions.new), revisions.old)
        sizes = plan_sizes(deployment, revisions, old_pods_gone=self._old_pods_gone(revisions))
        if sizes.create is not None:
            deployment, new = await self._create(deployment, revisions, sizes.create)
            revisions = Revisions(new, revisions.old)
        else:
            revisions = await self._scale(deployment, revisions, sizes)
        if revisions.new is not None:
            deployment = await self._number(deployment, revisions.new)
        if not sizes.scale:
            await self._forget(deployment, revisions)
        return deployment, revisions

    def _note_found(self, deployment: Deployment, new: ReplicaSet) -> Deployment:
        """Begin to estimate progress where nobody has yet."""
        if find_condition(deployment.status.conditions, PROGRESSING) is not None:
            return deployment
        return self._progressing(deployment, Reason.FOUND, f'Found new replica set "{new.metadata.name}"')

    async def _annotate(self, deployment: Deployment, revisions: Revisions, new: ReplicaSet) -> ReplicaSet:
        """Keep the new ReplicaSet's number, copied annotations and minReadySeconds as the Deployment has them."""
        annotations = plan_annotations(deployment, new.metadata.annotations, revisions.number)
        min_ready_seconds = deployment.spec.min_ready_seconds
        if annotations == new.metadata.annotations and min_ready_seconds == new.spec.min_ready_seconds:
            return new
        changed = new.model_copy(
            update={
                "metadata": new.metadata.model_copy(update={"annotations": annotations}),
                "spec": new.spec.model_copy(update={"min_ready_seconds": min_ready_seconds}),
            }
        )
        reason = f"{new.metadata.name} is revision {annotations[REVISION]}"
        return await self._client.update(changed, cause=Cause.of(deployment, reason))

    async def _create(
        self, deployment: Deployment, revisions: Revisions, replicas: int
    ) -> tuple[Deployment, ReplicaSet]:
        """Create the ReplicaSet of a new revision, and say so."""
        maximum = deployment.spec.replicas + max_surge(deployment)
        planned = new_replicaset(deployment, replicas, revisions.number, maximum)
        name = planned.metadata.name
        try:
            created = await self._client.create(
                planned, cause=Cause.of(deployment, f"new revision {revisions.number}, {name} with {replicas} pods")
            )
        except AlreadyExists:
            return deployment, await self._resolve_collision(deployment, planned)
        except APIError as error:
            await self._report_create_error(deployment, revisions, name, error)
            raise
        if replicas > 0:
            text = f"Scaled up replica set {name} from 0 to {replicas}"
            self._recorder.event(deployment, NORMAL, "ScalingReplicaSet", text)
        return self._progressing(deployment, Reason.CREATED, f'Created new replica set "{name}"'), created

    async def _resolve_collision(self, deployment: Deployment, planned: ReplicaSet) -> ReplicaSet:
        """Take the ReplicaSet that has the name if it is our own, not cached yet; else salt the next try's hash."""
        existing = await self._client.get(ReplicaSet, planned.metadata.name, planned.metadata.namespace)
        owner = controller_of(existing)
        ours = owner is not None and owner.uid == deployment.metadata.uid
        if ours and same_template(existing.spec.template, deployment.spec.template):
            return existing
        count = (deployment.status.collision_count or 0) + 1
        status = deployment.status.model_copy(update={"collision_count": count})
        await self._client.update(deployment.model_copy(update={"status": status}), "status")
        raise AlreadyExists(f"replicaset {key_of(existing)} is another template's: trying again with another name")

    async def _report_create_error(
        self, deployment: Deployment, revisions: Revisions, name: str, error: APIError
    ) -> None:
        text = f'Failed to create new replica set "{name}": {error}'
        self._recorder.event(deployment, WARNING, Reason.CREATE_ERROR, text)
        failed = self._progressing(deployment, Reason.CREATE_ERROR, text, ConditionStatus.FALSE)
        status = plan_status(failed, revisions, self._now(), estimate_progress=False)
        await self._write_status(key_of(deployment), failed, status)

    async def _scale(self, deployment: Deployment, revisions: Revisions, sizes: Sizes) -> Revisions:
        scaled = {
            rs.metadata.name: await self._scale_one(deployment, rs, sizes.scale[rs.metadata.name])
            for rs in revisions.every
            if rs.metadata.name in sizes.scale
        }
        new = revisions.new and scaled.get(revisions.new.metadata.name, revisions.new)
        return Revisions(new, tuple(scaled.get(rs.metadata.name, rs) for rs in revisions.old))

    async def _scale_one(self, deployment: Deployment, rs: ReplicaSet, replicas: int) -> ReplicaSet:
        """Write a size and what it was derived from."""
        name, before = rs.metadata.name, rs.spec.replicas
        remembered = scale_annotations(deployment.spec.replicas, deployment.spec.replicas + max_surge(deployment))
        annotations = rs.metadata.annotations | remembered
        changed = rs.model_copy(
            update={
                "metadata": rs.metadata.model_copy(update={"annotations": annotations}),
                "spec": rs.spec.model_copy(update={"replicas": replicas}),
            }
        )
        verb = "up" if replicas > before else "down"
        reason = f"scaled {verb} {name} from {before} to {replicas}" if replicas != before else f"{name} keeps its size"
        updated = await self._client.update(changed, cause=Cause.of(deployment, reason))
        if replicas != before:
            text = f"Scaled {verb} replica set {name} from {before} to {replicas}"
            self._recorder.event(deployment, NORMAL, "ScalingReplicaSet", text)
        return updated

    def _old_pods_gone(self, revisions: Revisions) -> bool:
        """Whether no pod of another revision runs any more, also none that is still stopping."""
        pods = [pod for rs in revisions.old for pod in self._pods.by_index(OWNER_INDEX, rs.metadata.uid)]
        counted = sum(rs.status.replicas for rs in revisions.old)
        return counted == 0 and all(is_terminal(pod) for pod in pods)

    async def _number(self, deployment: Deployment, new: ReplicaSet) -> Deployment:
        """Give the Deployment the number of its current revision."""
        meta, number = deployment.metadata, new.metadata.annotations.get(REVISION, "")
        if meta.annotations.get(REVISION) == number:
            return deployment
        patch = {"metadata": {"resourceVersion": meta.resource_version, "annotations": {REVISION: number}}}
        cause = Cause.of(deployment, f"{new.metadata.name} is revision {number}")
        answer = await self._client.patch(Deployment, meta.name, meta.namespace, patch, cause=cause)
        return deployment.model_copy(update={"metadata": answer.metadata})

    async def _forget(self, deployment: Deployment, revisions: Revisions) -> None:
        """Delete revisions beyond the history limit."""
        cause = Cause.of(deployment, f"more than {deployment.spec.revision_history_limit} old revisions")
        for rs in plan_cleanup(deployment, revisions.old):
            meta = rs.metadata
            try:
                await self._client.delete(ReplicaSet, meta.name, meta.namespace, uid=meta.uid, cause=cause)
            except NotFound:
                continue

    def _progressing(
        self, deployment: Deployment, reason: Reason, text: str, status: ConditionStatus = ConditionStatus.TRUE
    ) -> Deployment:
        conditions = with_condition(deployment.status.conditions, PROGRESSING, status, reason, text, self._now())
        return _with_conditions(deployment, conditions)

    async def _write_status(self, key: ObjectKey, deployment: Deployment, status: DeploymentStatus) -> None:
        """Write the status if it differs from the stored one."""
        cached = self._deployments.get(key)
        if cached is not None and cached.status == status:
            return
        counts = f"{status.updated_replicas} updated, {status.available_replicas} available"
        updated = deployment.model_copy(update={"status": status})
        cause = Cause.of(deployment, f"of {deployment.spec.replicas} pods {counts}")
        await self._client.update(updated, "status", cause=cause)


def _with_conditions(deployment: Deployment, conditions: Conditions) -> Deployment:
    status = deployment.status.model_copy(update={"conditions": conditions})
    return deployment.model_copy(update={"status": status})
