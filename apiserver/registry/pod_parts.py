"""Parts of a pod that change through subresources of their own, and what its own labels add to its wishes.

Source: Kubernetes documents, "Ephemeral Containers", "Resize CPU and Memory Resources"; KEPs 3633 and 3243 for the keys
of labels whose values are taken from the pod itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from naru.api.container_v1 import Container
from naru.api.meta import LabelSelector, LabelSelectorRequirement
from naru.api.placement_v1 import PodAffinity, PodAffinityTerm, PodAntiAffinity
from naru.api.pod_v1 import Pod

A = TypeVar("A", PodAffinity, PodAntiAffinity)


def with_ephemeral_containers(new: Pod, old: Pod) -> Pod:
    """Return the old pod with the new ephemeral containers."""
    return old.model_copy(
        update={"spec": old.spec.model_copy(update={"ephemeral_containers": new.spec.ephemeral_containers})}
    )


def with_sizes(new: Pod, old: Pod) -> Pod:
    """Return the old pod with the new amounts of resources."""
    update = {
        "containers": _resized(new.spec.containers, old.spec.containers),
        "init_containers": _resized(new.spec.init_containers, old.spec.init_containers),
    }
    return old.model_copy(update={"spec": old.spec.model_copy(update=update)})


def _resized(new: Sequence[Container], old: Sequence[Container]) -> tuple[Container, ...]:
    """Take over amounts and policies; containers that do not fit the old ones are for validation to find."""
    if [container.name for container in new] != [container.name for container in old]:
        return tuple(new)
    return tuple(
        before.model_copy(update={"resources": after.resources, "resize_policy": after.resize_policy})
        for after, before in zip(new, old, strict=True)
    )


def with_own_labels(pod: Pod) -> Pod:
    """Return a pod whose selectors of other pods say what ``matchLabelKeys`` stand for."""
    spec, labels = pod.spec, pod.metadata.labels
    update: dict[str, Any] = {}
    if any(constraint.match_label_keys for constraint in spec.topology_spread_constraints):
        update["topology_spread_constraints"] = tuple(
            constraint.model_copy(
                update={"label_selector": _merged(constraint.label_selector, constraint.match_label_keys, (), labels)}
            )
            for constraint in spec.topology_spread_constraints
        )
    if (affinity := spec.affinity) is not None:
        update["affinity"] = affinity.model_copy(
            update={
                "pod_affinity": _with_labels(affinity.pod_affinity, labels),
                "pod_anti_affinity": _with_labels(affinity.pod_anti_affinity, labels),
            }
        )
    return pod.model_copy(update={"spec": spec.model_copy(update=update)}) if update else pod


def _with_labels(affinity: A | None, labels: Mapping[str, str]) -> A | None:
    if affinity is None:
        return None
    required = affinity.required_during_scheduling_ignored_during_execution
    preferred = affinity.preferred_during_scheduling_ignored_during_execution
    weighted = (
        term.model_copy(update={"pod_affinity_term": _with_keys(term.pod_affinity_term, labels)}) for term in preferred
    )
    return affinity.model_copy(
        update={
            "required_during_scheduling_ignored_during_execution": tuple(_with_keys(t, labels) for t in required),
            "preferred_during_scheduling_ignored_during_execution": tuple(weighted),
        }
    )


def _with_keys(term: PodAffinityTerm, labels: Mapping[str, str]) -> PodAffinityTerm:
    selector = _merged(term.label_selector, term.match_label_keys, term.mismatch_label_keys, labels)
    return term.model_copy(update={"label_selector": selector})


def _merged(
    selector: LabelSelector | None, match: Sequence[str], mismatch: Sequence[str], labels: Mapping[str, str]
) -> LabelSelector | None:
    """Add the pod's own values of some labels to a selector."""
    if selector is None:
        return None
    wanted = [(key, "In") for key in match] + [(key, "NotIn") for key in mismatch]
    added = [
        LabelSelectorRequirement(key=key, operator=operator, values=(labels[key],))
        for key, operator in wanted
        if key in labels
    ]
    return selector.model_copy(update={"match_expressions": (*selector.match_expressions, *added)})
