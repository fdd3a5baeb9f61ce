"""What a Deployment reports: counts over its revisions, and how its rollout goes.

Pure: the same ReplicaSets, status and moment give the same status.
Source: Kubernetes documentation, "Deployment status"; upstream's deployment controller for reasons and texts.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from controllers.deployment_revisions import Revisions
from controllers.deployment_rollout import max_unavailable
from naru.api.apps_v1 import Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet
from naru.api.conditions import ConditionStatus, find_condition, without_condition

AVAILABLE: Final = "Available"
PROGRESSING: Final = "Progressing"
REPLICA_FAILURE: Final = "ReplicaFailure"
NO_DEADLINE: Final = 2**31 - 1  # progressDeadlineSeconds that means never

Conditions = tuple[DeploymentCondition, ...]


class Reason(StrEnum):
    """Reasons of the conditions, as kubectl and dashboards know them."""

    ENOUGH = "MinimumReplicasAvailable"
    TOO_FEW = "MinimumReplicasUnavailable"
    CREATED = "NewReplicaSetCreated"
    FOUND = "FoundNewReplicaSet"
    UPDATED = "ReplicaSetUpdated"
    COMPLETE = "NewReplicaSetAvailable"
    TIMED_OUT = "ProgressDeadlineExceeded"
    CREATE_ERROR = "ReplicaSetCreateError"
    PAUSED = "DeploymentPaused"
    RESUMED = "DeploymentResumed"


def plan_status(
    deployment: Deployment, revisions: Revisions, now: datetime, *, estimate_progress: bool
) -> DeploymentStatus:
    """Return the status to write.

    Args:
        estimate_progress: whether a rollout is under way or over, rather than paused, scaled or being deleted.
    """
    status = _count(deployment, revisions)
    conditions = _available(deployment, status, now)
    if not has_deadline(deployment):
        conditions = without_condition(conditions, PROGRESSING)
    elif estimate_progress:
        conditions = _progress(deployment, revisions, status, conditions, now)
    conditions = _failures(conditions, revisions, now) if estimate_progress else conditions
    return status.model_copy(update={"conditions": conditions})


def _count(deployment: Deployment, revisions: Revisions) -> DeploymentStatus:
    every = revisions.every
    available = sum(rs.status.available_replicas for rs in every)
    return DeploymentStatus(
        observed_generation=deployment.metadata.generation,
        replicas=sum(rs.status.replicas for rs in every),
        updated_replicas=revisions.new.status.replicas if revisions.new else 0,
        ready_replicas=sum(rs.status.ready_replicas for rs in every),
        available_replicas=available,
        unavailable_replicas=max(0, sum(rs.spec.replicas for rs in every) - available),
        terminating_replicas=sum(rs.status.terminating_replicas or 0 for rs in every),
        collision_count=deployment.status.collision_count,
    )


def _available(deployment: Deployment, status: DeploymentStatus, now: datetime) -> Conditions:
    if status.available_replicas >= deployment.spec.replicas - max_unavailable(deployment):
        outcome = (ConditionStatus.TRUE, Reason.ENOUGH, "Deployment has minimum availability.")
    else:
        outcome = (ConditionStatus.FALSE, Reason.TOO_FEW, "Deployment does not have minimum availability.")
    return with_condition(deployment.status.conditions, AVAILABLE, *outcome, now)


def _progress(
    deployment: Deployment, revisions: Revisions, status: DeploymentStatus, conditions: Conditions, now: datetime
) -> Conditions:
    """Judge the rollout, unless it is over: then scaling or a lost pod does not make it a rollout again."""
    current = find_condition(conditions, PROGRESSING)
    if current is not None and current.reason == Reason.COMPLETE and status.replicas == status.updated_replicas:
        return conditions
    name = revisions.new.metadata.name if revisions.new else deployment.metadata.name
    subject = f'{"ReplicaSet" if revisions.new else "Deployment"} "{name}"'
    if is_complete(deployment, status):
        text = f"{subject} has successfully progressed."
        return with_condition(conditions, PROGRESSING, ConditionStatus.TRUE, Reason.COMPLETE, text, now)
    if _moved(deployment.status, status):
        text = f"{subject} is progressing."
        return with_condition(conditions, PROGRESSING, ConditionStatus.TRUE, Reason.UPDATED, text, now, always=True)
    if deadline_passed(deployment, current, now):
        text = f"{subject} has timed out progressing."
        return with_condition(conditions, PROGRESSING, ConditionStatus.FALSE, Reason.TIMED_OUT, text, now)
    return conditions


def is_complete(deployment: Deployment, status: DeploymentStatus) -> bool:
    """Whether every wanted pod is there, available, and of the new revision, and no other pod is."""
    wanted = deployment.spec.replicas
    return (
        status.updated_replicas == status.replicas == status.available_replicas == wanted
        and status.observed_generation >= deployment.metadata.generation
    )


def _moved(before: DeploymentStatus, after: DeploymentStatus) -> bool:
    return (
        after.updated_replicas > before.updated_replicas
        or after.replicas - after.updated_replicas < before.replicas - before.updated_replicas
        or after.ready_replicas > before.ready_replicas
        or after.available_replicas > before.available_replicas
    )


def has_deadline(deployment: Deployment) -> bool:
    """Whether the Deployment wants to be told when its rollout is stuck."""
    return deployment.spec.progress_deadline_seconds != NO_DEADLINE


def deadline_passed(deployment: Deployment, progressing: DeploymentCondition | None, now: datetime) -> bool:
    """Whether nothing moved for longer than the Deployment grants."""
    if progressing is None or progressing.reason in (Reason.COMPLETE, Reason.PAUSED):
        return False
    return progressing.reason == Reason.TIMED_OUT or now >= _deadline(deployment, progressing, now)


def plan_recheck_s(deployment: Deployment, status: DeploymentStatus, now: datetime) -> float | None:
    """Return when to look whether the rollout is stuck: a stuck rollout causes no event."""
    progressing = find_condition(status.conditions, PROGRESSING)
    if progressing is None or not has_deadline(deployment) or deployment.spec.paused:
        return None
    if progressing.reason in (Reason.COMPLETE, Reason.TIMED_OUT):
        return None
    return max(1.0, (_deadline(deployment, progressing, now) - now).total_seconds() + 1.0)


def _deadline(deployment: Deployment, progressing: DeploymentCondition, now: datetime) -> datetime:
    return (progressing.last_update_time or now) + timedelta(seconds=deployment.spec.progress_deadline_seconds)


def plan_paused(deployment: Deployment, now: datetime) -> Conditions:
    """Note a pause and its end, so that the time between does not count as lack of progress."""
    conditions = deployment.status.conditions
    current = find_condition(conditions, PROGRESSING)
    if not has_deadline(deployment) or (current is not None and current.reason == Reason.TIMED_OUT):
        return conditions
    noted = current is not None and current.reason == Reason.PAUSED
    if deployment.spec.paused and not noted:
        outcome = (Reason.PAUSED, "Deployment is paused")
    elif noted and not deployment.spec.paused:
        outcome = (Reason.RESUMED, "Deployment is resumed")
    else:
        return conditions
    return with_condition(conditions, PROGRESSING, ConditionStatus.UNKNOWN, *outcome, now)


def _failures(conditions: Conditions, revisions: Revisions, now: datetime) -> Conditions:
    """Show that a ReplicaSet cannot create or delete its pods; the new one's trouble comes first."""
    newest_first: Sequence[ReplicaSet] = revisions.every[::-1]
    for rs in newest_first:
        failure = find_condition(rs.status.conditions, REPLICA_FAILURE)
        if failure is not None:
            status = ConditionStatus(failure.status)
            return with_condition(conditions, REPLICA_FAILURE, status, failure.reason, failure.message, now)
    return without_condition(conditions, REPLICA_FAILURE)


def with_condition(
    conditions: Conditions,
    type_: str,
    status: ConditionStatus,
    reason: str,
    message: str,
    now: datetime,
    *,
    always: bool = False,
) -> Conditions:
    """Set a condition; the same status and reason change nothing, unless ``always`` (the update time is the news)."""
    old = find_condition(conditions, type_)
    if old is not None and (old.status, old.reason) == (status, reason) and not always:
        return conditions
    since = old.last_transition_time if old is not None and old.status == status else now
    condition = DeploymentCondition(
        type=type_, status=status, reason=reason, message=message, last_update_time=now, last_transition_time=since
    )
    return (*without_condition(conditions, type_), condition)
