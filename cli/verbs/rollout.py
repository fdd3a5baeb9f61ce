"""`naru rollout`: follow, list, undo, restart, pause and resume the rollouts of a Deployment.

A revision is a ReplicaSet of the Deployment; its number is in an annotation that the deployment controller keeps.

Source: Kubernetes documentation, "Deployments" (rolling back, revision history, deployment status).
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cli.faults import ExitCode, Fault
from cli.session import Session
from cli.tables import plain_table
from cli.verbs.names import Target
from cli.verbs.output import render

REVISION: Final = "deployment.kubernetes.io/revision"
CHANGE_CAUSE: Final = "kubernetes.io/change-cause"
RESTARTED_AT: Final = "kubectl.kubernetes.io/restartedAt"
HASH_LABEL: Final = "pod-template-hash"
_STRATEGIC: Final = {"Content-Type": "application/strategic-merge-patch+json"}
_JSON_PATCH: Final = {"Content-Type": "application/json-patch+json"}
_POLL_S: Final = 0.1
_OWN_ANNOTATIONS: Final = (
    REVISION,
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
)

Json = dict[str, Any]


@dataclass(frozen=True)
class Progress:
    """How far a rollout is, in words."""

    done: bool
    message: str
    failed: bool = False


def plan_progress(deployment: Json) -> Progress:
    """Read a Deployment's status; the messages are those of kubectl."""
    metadata, spec, status = deployment["metadata"], deployment["spec"], deployment.get("status", {})
    name = metadata["name"]
    if status.get("observedGeneration", 0) < metadata.get("generation", 0):
        return Progress(False, "Waiting for deployment spec update to be observed...")
    progressing = _condition(status, "Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Progress(False, f'deployment "{name}" exceeded its progress deadline', failed=True)
    wanted, updated = spec.get("replicas", 1), status.get("updatedReplicas", 0)
    total, available = status.get("replicas", 0), status.get("availableReplicas", 0)
    waiting = f'Waiting for deployment "{name}" rollout to finish: '
    if updated < wanted:
        return Progress(False, f"{waiting}{updated} out of {wanted} new replicas have been updated...")
    if total > updated:
        return Progress(False, f"{waiting}{total - updated} old replicas are pending termination...")
    if available < updated:
        return Progress(False, f"{waiting}{available} of {updated} updated replicas are available...")
    return Progress(True, f'deployment "{name}" successfully rolled out')


async def status(session: Session, target: Target, *, watch: bool, timeout_s: float) -> int:
    """Follow a rollout until it is done.

    Raises:
        Fault: it failed, or is not done in time.
    """
    deadline = time.monotonic() + timeout_s if timeout_s else None
    last = ""
    while True:
        progress = plan_progress(await _deployment(session, target))
        if progress.failed:
            raise Fault(progress.message, remedy=f"naru describe {target}")
        if progress.message != last:
            print(progress.message, flush=True)
            last = progress.message
        if progress.done or not watch:
            return ExitCode.OK
        if deadline is not None and time.monotonic() > deadline:
            raise Fault("the rollout is not done in time", remedy=f"naru describe {target}", code=ExitCode.DEADLINE)
        await asyncio.sleep(_POLL_S)


async def history(session: Session, target: Target, revision: int) -> int:
    """List the revisions, or show the pod template of one."""
    deployment = await _deployment(session, target)
    revisions = await _revisions(session, deployment)
    if revision:
        replica_set = _find(revisions, revision, target)
        print(f"{target} with revision #{revision}")
        print(render([_template_of(replica_set)], "yaml", as_list=False))
        return ExitCode.OK
    rows = [[str(number), _annotations(item).get(CHANGE_CAUSE, "<none>")] for number, item in revisions]
    print(f"{target}\n" + plain_table(("REVISION", "CHANGE-CAUSE"), rows))
    return ExitCode.OK


async def undo(session: Session, target: Target, revision: int) -> int:
    """Bring back the pod template of a revision; 0 is the one before the current."""
    deployment = await _deployment(session, target)
    if deployment["spec"].get("paused"):
        raise Fault(f"{target} is paused", remedy=f"naru rollout resume {target}")
    chosen = plan_undo(await _revisions(session, deployment), revision, target)
    if _template_of(chosen) == _comparable(deployment["spec"]["template"]):
        print(f"{target} skipped rollback (current template already matches revision {_number(chosen)})")
        return ExitCode.OK
    await session.client.raw("PATCH", _path(session, target), body=undo_patch(deployment, chosen), headers=_JSON_PATCH)
    print(f"{target} rolled back")
    return ExitCode.OK


def plan_undo(revisions: Sequence[tuple[int, Json]], revision: int, target: Target) -> Json:
    """Choose the ReplicaSet to go back to.

    Raises:
        Fault: there is none.
    """
    if revision:
        return _find(revisions, revision, target)
    if len(revisions) < 2:
        raise Fault(f"{target} has no revision to go back to", remedy=f"naru rollout history {target}")
    return revisions[-2][1]


def undo_patch(deployment: Json, replica_set: Json) -> list[Json]:
    """Return the JSON patch that puts a revision's template, and the notes about it, into a Deployment."""
    kept = {name: value for name, value in _annotations(deployment).items() if name in _OWN_ANNOTATIONS}
    own = {name: value for name, value in _annotations(replica_set).items() if name not in _OWN_ANNOTATIONS}
    last_applied = "kubectl.kubernetes.io/last-applied-configuration"  # what the user applied is still that
    own = {name: value for name, value in own.items() if name != last_applied and not _is_history(name)}
    if last_applied in _annotations(deployment):
        kept[last_applied] = _annotations(deployment)[last_applied]
    return [
        {"op": "test", "path": "/metadata/resourceVersion", "value": deployment["metadata"]["resourceVersion"]},
        {"op": "replace", "path": "/spec/template", "value": _template_of(replica_set)},
        {"op": "add", "path": "/metadata/annotations", "value": own | kept},
    ]


async def restart(session: Session, target: Target) -> int:
    """Replace every pod by a new one, at the pace of the Deployment's strategy."""
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    template = {"metadata": {"annotations": {RESTARTED_AT: moment}}}
    return await _change(session, target, {"spec": {"template": template}}, "restarted")


async def pause(session: Session, target: Target) -> int:
    """Let changes of the template wait."""
    return await _change(session, target, {"spec": {"paused": True}}, "paused")


async def resume(session: Session, target: Target) -> int:
    """Roll out what has changed since the pause."""
    return await _change(session, target, {"spec": {"paused": None}}, "resumed")


async def _change(session: Session, target: Target, patch: Json, verb: str) -> int:
    await _deployment(session, target)  # a kind that has no rollouts is refused before anything is written
    await session.client.raw("PATCH", _path(session, target), body=patch, headers=_STRATEGIC)
    print(f"{target} {verb}")
    return ExitCode.OK


async def _deployment(session: Session, target: Target) -> Json:
    if target.resource.kind != "Deployment":
        raise Fault(f"{target.resource.plural} have no rollouts", code=ExitCode.USAGE)
    body: Json = await session.client.raw("GET", _path(session, target))
    return body


async def _revisions(session: Session, deployment: Json) -> list[tuple[int, Json]]:
    """List the Deployment's ReplicaSets by revision, the oldest first."""
    namespace, uid = deployment["metadata"]["namespace"], deployment["metadata"]["uid"]
    body = await session.client.raw("GET", f"/apis/apps/v1/namespaces/{namespace}/replicasets")
    owned = [item for item in body.get("items") or () if _owner_uid(item) == uid and REVISION in _annotations(item)]
    return sorted(((_number(item), item) for item in owned), key=lambda pair: pair[0])


def _find(revisions: Sequence[tuple[int, Json]], revision: int, target: Target) -> Json:
    for number, item in revisions:
        if number == revision:
            return item
    known = ", ".join(str(number) for number, _ in revisions) or "none"
    raise Fault(f"{target} has no revision {revision}; it has {known}", code=ExitCode.NOT_FOUND)


def _template_of(replica_set: Json) -> Json:
    """Return a revision's template as the Deployment had it, without the label that the controller added."""
    return _comparable(replica_set["spec"]["template"])


def _comparable(template: Json) -> Json:
    metadata = template.get("metadata") or {}
    labels = {name: value for name, value in (metadata.get("labels") or {}).items() if name != HASH_LABEL}
    named = {name: value for name, value in metadata.items() if name != "creationTimestamp"}
    return template | {"metadata": named | {"labels": labels}}


def _path(session: Session, target: Target) -> str:
    return target.resource.path(session.namespace, target.name)


def _number(replica_set: Json) -> int:
    return int(_annotations(replica_set)[REVISION])


def _annotations(item: Json) -> dict[str, str]:
    return item["metadata"].get("annotations") or {}


def _owner_uid(item: Json) -> str:
    owners = item["metadata"].get("ownerReferences") or ()
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), "")


def _is_history(annotation: str) -> bool:
    return annotation.startswith("deployment.kubernetes.io/")


def _condition(status: Json, kind: str) -> Json:
    return next((item for item in status.get("conditions") or () if item["type"] == kind), {})
