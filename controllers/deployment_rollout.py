"""How many pods of each revision a Deployment should have next.

Pure arithmetic on the sizes of ReplicaSets. Within a rolling update two promises hold at every step:
    at most   replicas + maxSurge       pods are asked for, over all revisions
    at least  replicas - maxUnavailable pods are available, as far as that is ours to say
Source: Kubernetes documentation, "Deployments" (rolling update, proportional scaling); upstream's controller.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from controllers.deployment_revisions import Revisions, desired_replicas_of, max_replicas_of
from naru.api.apps_v1 import Deployment, ReplicaSet, RollingUpdateDeployment
from naru.api.model import IntOrString


class StrategyType(StrEnum):
    """How old pods give way to new ones."""

    ROLLING_UPDATE = "RollingUpdate"
    RECREATE = "Recreate"


@dataclass(frozen=True)
class Sizes:
    """The sizes to write: ``create`` for a new ReplicaSet that is not there yet, ``scale`` by name for the others."""

    create: int | None = None
    scale: dict[str, int] = field(default_factory=dict)


def max_surge(deployment: Deployment) -> int:
    """Return how many pods more than wanted an update may have."""
    return _bounds(deployment)[0]


def max_unavailable(deployment: Deployment) -> int:
    """Return how many of the wanted pods may be missing during an update."""
    return min(_bounds(deployment)[1], deployment.spec.replicas)


def _bounds(deployment: Deployment) -> tuple[int, int]:
    if deployment.spec.strategy.type == StrategyType.RECREATE:
        return 0, 0
    rolling = deployment.spec.strategy.rolling_update or RollingUpdateDeployment()
    surge = _amount(rolling.max_surge, deployment.spec.replicas, round_up=True)
    unavailable = _amount(rolling.max_unavailable, deployment.spec.replicas, round_up=False)
    return (surge, unavailable) if surge or unavailable else (0, 1)  # with both 0 an update could not move


def _amount(value: IntOrString, total: int, *, round_up: bool) -> int:
    """Read a number or a percentage of ``total``."""
    if isinstance(value, int):
        return value
    hundredths = int(value.removesuffix("%")) * total
    return math.ceil(hundredths / 100) if round_up else hundredths // 100


def is_scaling(deployment: Deployment, revisions: Revisions) -> bool:
    """Whether ``replicas`` changed since the ReplicaSets with pods were last sized: then sizes change in proportion."""
    active = [rs for rs in revisions.every if rs.spec.replicas > 0]
    return any(desired_replicas_of(rs) not in (None, deployment.spec.replicas) for rs in active)


def plan_sizes(deployment: Deployment, revisions: Revisions, *, old_pods_gone: bool) -> Sizes:
    """Decide the next sizes; carried out and looked at again, they end with everything on the new revision."""
    if deployment.spec.paused or is_scaling(deployment, revisions):
        return plan_scaling(deployment, revisions)
    if deployment.spec.strategy.type == StrategyType.RECREATE:
        return plan_recreate(deployment, revisions, old_pods_gone=old_pods_gone)
    return plan_rolling_update(deployment, revisions)


def plan_recreate(deployment: Deployment, revisions: Revisions, *, old_pods_gone: bool) -> Sizes:
    """Stop every old pod, and only when the last has ended start the new ones."""
    stop = {rs.metadata.name: 0 for rs in revisions.old if rs.spec.replicas > 0}
    if stop or not old_pods_gone:
        return Sizes(scale=stop)
    return _new_at(revisions, deployment.spec.replicas)


def plan_rolling_update(deployment: Deployment, revisions: Revisions) -> Sizes:
    """Start new pods as far as surge allows; else stop old ones as far as availability allows."""
    wanted, new_size = deployment.spec.replicas, revisions.new.spec.replicas if revisions.new else 0
    room = wanted + max_surge(deployment) - _total(revisions.every)
    target = wanted if new_size > wanted else new_size + max(0, min(room, wanted - new_size))
    if revisions.new is None or target != new_size:
        return _new_at(revisions, target)
    return Sizes(scale=_plan_scale_down(deployment, revisions, revisions.new))


def _new_at(revisions: Revisions, size: int) -> Sizes:
    if revisions.new is None:
        return Sizes(create=size)
    return Sizes(scale={} if revisions.new.spec.replicas == size else {revisions.new.metadata.name: size})


def _plan_scale_down(deployment: Deployment, revisions: Revisions, new: ReplicaSet) -> dict[str, int]:
    """Shrink old revisions, oldest first: their unhealthy pods, which nobody misses, and then healthy ones."""
    least = deployment.spec.replicas - max_unavailable(deployment)
    new_unavailable = new.spec.replicas - _available(new)
    budget = _total(revisions.every) - least - new_unavailable
    shrinkable = [rs for rs in revisions.old if rs.spec.replicas > 0]
    if budget <= 0:
        return {}
    sizes = {rs.metadata.name: rs.spec.replicas for rs in shrinkable}
    for rs in shrinkable:
        unhealthy = min(budget, rs.spec.replicas - _available(rs))
        sizes[rs.metadata.name] -= unhealthy
        budget -= unhealthy
    spare = sum(map(_available, revisions.every)) - least
    for name in sizes:
        fewer = max(0, min(sizes[name], spare))
        sizes[name] -= fewer
        spare -= fewer
    return {
        rs.metadata.name: sizes[rs.metadata.name] for rs in shrinkable if sizes[rs.metadata.name] != rs.spec.replicas
    }


def _available(rs: ReplicaSet) -> int:
    """Return how many pods are available and stay: a status may still count those that the last step gave up."""
    return min(rs.status.available_replicas, rs.spec.replicas)


def plan_scaling(deployment: Deployment, revisions: Revisions) -> Sizes:
    """Grow or shrink what is there after ``replicas`` changed, without going on with an update."""
    active = [rs for rs in revisions.every if rs.spec.replicas > 0]
    if len(active) <= 1:
        only = active[0] if active else revisions.new or (revisions.old[-1] if revisions.old else None)
        return Sizes(scale={} if only is None else _differing([only], [deployment.spec.replicas], deployment))
    if revisions.new is not None and _is_saturated(deployment, revisions.new):
        return Sizes(scale={rs.metadata.name: 0 for rs in revisions.old if rs.spec.replicas > 0})
    if deployment.spec.strategy.type == StrategyType.RECREATE:
        return Sizes()
    return Sizes(scale=_plan_proportional(deployment, active))


def _is_saturated(deployment: Deployment, rs: ReplicaSet) -> bool:
    """Whether the new revision already has all the pods, so that the old ones are only in the way."""
    wanted = deployment.spec.replicas
    return desired_replicas_of(rs) == wanted and rs.spec.replicas == wanted == rs.status.available_replicas


def _plan_proportional(deployment: Deployment, active: Sequence[ReplicaSet]) -> dict[str, int]:
    """Share the difference among the revisions by their sizes: an update interrupted by scaling keeps its balance."""
    wanted = deployment.spec.replicas
    allowed = wanted + max_surge(deployment) if wanted > 0 else 0
    to_add = allowed - _total(active)
    newest_first = list(reversed(active)) if to_add > 0 else list(active)
    largest_first = sorted(newest_first, key=lambda rs: -rs.spec.replicas)
    added, sizes = 0, []
    for rs in largest_first:
        share = _share(deployment, rs)
        left = to_add - added
        part = min(share, left) if to_add > 0 else max(share, left)
        part = part if to_add else 0
        sizes.append(rs.spec.replicas + part)
        added += part
    sizes[0] = max(0, sizes[0] + to_add - added)  # what rounding left over
    return _differing(largest_first, sizes, deployment)


def _share(deployment: Deployment, rs: ReplicaSet) -> int:
    """Return by how much a revision would change if every one changed alike."""
    if deployment.spec.replicas == 0:
        return -rs.spec.replicas
    before = max_replicas_of(rs) or deployment.status.replicas
    if before == 0:
        return 0
    after = deployment.spec.replicas + max_surge(deployment)
    return math.floor(rs.spec.replicas * after / before + 0.5) - rs.spec.replicas


def _differing(replicasets: Sequence[ReplicaSet], sizes: Sequence[int], deployment: Deployment) -> dict[str, int]:
    """Leave out what need not be written: the same size, remembered for the same Deployment."""
    return {
        rs.metadata.name: size
        for rs, size in zip(replicasets, sizes, strict=True)
        if size != rs.spec.replicas or (size > 0 and desired_replicas_of(rs) != deployment.spec.replicas)
    }


def _total(replicasets: Sequence[ReplicaSet]) -> int:
    return sum(rs.spec.replicas for rs in replicasets)
