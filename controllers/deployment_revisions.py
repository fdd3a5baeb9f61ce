"""A Deployment's history: one ReplicaSet a revision of its pod template, and the annotations that number them.

Pure: what is found, built or annotated here is data; the controller writes it.
A rollback (``kubectl rollout undo``) copies an old ReplicaSet's template into the Deployment: that ReplicaSet then is
the new one again, under the next number.
Source: Kubernetes documentation, "Deployments"; upstream's deployment utilities for the annotations.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from naru.api.apps_v1 import Deployment, ReplicaSet, ReplicaSetSpec
from naru.api.meta import LabelSelector, ObjectMeta
from naru.api.pod_v1 import PodTemplateSpec
from naru.controller.ownership import controller_reference

HASH_LABEL: Final = "pod-template-hash"
REVISION: Final = "deployment.kubernetes.io/revision"
REVISION_HISTORY: Final = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS: Final = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS: Final = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED: Final = frozenset(
    (
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        REVISION,
        REVISION_HISTORY,
        DESIRED_REPLICAS,
        MAX_REPLICAS,
    )
)
_NAME_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"  # without vowels and look-alikes, as generated names have it
_HASH_LENGTH: Final = 10


@dataclass(frozen=True)
class Revisions:
    """A Deployment's ReplicaSets: the one of the current template, if there, and the others, oldest first."""

    new: ReplicaSet | None
    old: tuple[ReplicaSet, ...]

    @property
    def every(self) -> tuple[ReplicaSet, ...]:
        """All of them, the new one last."""
        return self.old if self.new is None else (*self.old, self.new)

    @property
    def number(self) -> int:
        """The current template's number: one more than any before it."""
        return 1 + max((revision_of(rs) for rs in self.old), default=0)


def sort_revisions(deployment: Deployment, replicasets: Iterable[ReplicaSet]) -> Revisions:
    """Find the ReplicaSet of the current template; of several (it can happen), the oldest is taken by everybody."""
    by_age = sorted(replicasets, key=_age)
    new = next((rs for rs in by_age if same_template(rs.spec.template, deployment.spec.template)), None)
    return Revisions(new, tuple(rs for rs in by_age if rs is not new))


def _age(rs: ReplicaSet) -> tuple[float, str]:
    created = rs.metadata.creation_timestamp
    return (created.timestamp() if created else 0.0, rs.metadata.name)


def same_template(a: PodTemplateSpec, b: PodTemplateSpec) -> bool:
    """Whether two templates make the same pods, the label with their hash aside."""
    return _without_hash(a) == _without_hash(b)


def _without_hash(template: PodTemplateSpec) -> PodTemplateSpec:
    labels = {key: value for key, value in template.metadata.labels.items() if key != HASH_LABEL}
    return template.model_copy(update={"metadata": template.metadata.model_copy(update={"labels": labels})})


def template_hash(template: PodTemplateSpec, collision_count: int | None) -> str:
    """Name a template in ten characters; ``collision_count`` salts a second try."""
    salt = "" if collision_count is None else str(collision_count)
    text = json.dumps(template.wire(), sort_keys=True, separators=(",", ":")) + salt
    number, digits = int.from_bytes(hashlib.sha256(text.encode()).digest()), []
    for _ in range(_HASH_LENGTH):
        number, digit = divmod(number, len(_NAME_ALPHABET))
        digits.append(_NAME_ALPHABET[digit])
    return "".join(digits)


def revision_of(rs: ReplicaSet | Deployment) -> int:
    """Read the revision's number; 0 where there is none."""
    return _number(rs.metadata.annotations.get(REVISION)) or 0


def desired_replicas_of(rs: ReplicaSet) -> int | None:
    """Read how many replicas the Deployment wanted when it last scaled this ReplicaSet."""
    return _number(rs.metadata.annotations.get(DESIRED_REPLICAS))


def max_replicas_of(rs: ReplicaSet) -> int | None:
    """Read how many replicas, surge included, the Deployment could have when it last scaled this ReplicaSet."""
    return _number(rs.metadata.annotations.get(MAX_REPLICAS))


def _number(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def new_replicaset(deployment: Deployment, replicas: int, revision: int, max_replicas: int) -> ReplicaSet:
    """Build the ReplicaSet of the current template; its selector sees only pods with the template's hash."""
    spec = deployment.spec
    hashed = template_hash(spec.template, deployment.status.collision_count)
    labels = {**spec.template.metadata.labels, HASH_LABEL: hashed}
    template_meta = spec.template.metadata.model_copy(update={"labels": labels})
    meta = ObjectMeta(
        name=f"{deployment.metadata.name}-{hashed}",
        namespace=deployment.metadata.namespace,
        labels=labels,
        annotations=plan_annotations(deployment, {}, revision) | scale_annotations(spec.replicas, max_replicas),
        owner_references=(controller_reference(deployment),),
    )
    assert spec.selector is not None, "no Deployment is stored without"
    selector = LabelSelector(
        match_labels={**spec.selector.match_labels, HASH_LABEL: hashed},
        match_expressions=spec.selector.match_expressions,
    )
    template = spec.template.model_copy(update={"metadata": template_meta})
    return ReplicaSet(
        metadata=meta,
        spec=ReplicaSetSpec(
            replicas=replicas, min_ready_seconds=spec.min_ready_seconds, selector=selector, template=template
        ),
    )


def plan_annotations(deployment: Deployment, existing: Mapping[str, str], revision: int) -> dict[str, str]:
    """Return the annotations of the new ReplicaSet: the Deployment's own, such as the change cause, and its number.

    A number that the ReplicaSet had before goes into its history; numbers only grow.
    """
    copied = {k: v for k, v in deployment.metadata.annotations.items() if k not in _NOT_COPIED}
    annotations = {**existing, **copied}
    before = _number(existing.get(REVISION))
    if before is None or before < revision:
        annotations[REVISION] = str(revision)
        if before:
            history = [*filter(None, existing.get(REVISION_HISTORY, "").split(",")), str(before)]
            annotations[REVISION_HISTORY] = ",".join(history)
    return annotations


def scale_annotations(desired: int, maximum: int) -> dict[str, str]:
    """Return what a ReplicaSet remembers of the Deployment's size, for proportional scaling later."""
    return {DESIRED_REPLICAS: str(desired), MAX_REPLICAS: str(maximum)}


def plan_cleanup(deployment: Deployment, old: Sequence[ReplicaSet]) -> tuple[ReplicaSet, ...]:
    """Choose the revisions to forget: the lowest numbers beyond the limit, and never one that still has pods."""
    surplus = len(idle := [rs for rs in old if _is_idle(rs)]) - deployment.spec.revision_history_limit
    return tuple(sorted(idle, key=revision_of)[: max(0, surplus)])


def _is_idle(rs: ReplicaSet) -> bool:
    observed = rs.metadata.generation <= rs.status.observed_generation
    return rs.spec.replicas == 0 and rs.status.replicas == 0 and observed and rs.metadata.deletion_timestamp is None
