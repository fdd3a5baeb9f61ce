"""What a pod says about the nodes it may run on, beside its resource requests.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.meta import LabelSelector
from naru.api.model import REQUIRED, Int32, Model


class NodeSelectorRequirement(Model):
    """One condition on a label or field of a node."""

    key: Annotated[str, REQUIRED] = ""  # name of the label; in matchFields of the field: metadata.name
    operator: Annotated[str, REQUIRED] = ""  # In, NotIn, Exists, DoesNotExist, Gt or Lt
    values: tuple[str, ...] = ()  # for In and NotIn at least one; for Gt and Lt one whole number; for the others none


class NodeSelectorTerm(Model):
    """Conditions that must all hold; a term without any matches nothing."""

    atomic: ClassVar[bool] = True
    match_expressions: tuple[NodeSelectorRequirement, ...] = ()  # about labels of the node
    match_fields: tuple[NodeSelectorRequirement, ...] = ()  # about fields of the node


class NodeSelector(Model):
    """Terms of which one must match."""

    atomic: ClassVar[bool] = True
    node_selector_terms: Annotated[tuple[NodeSelectorTerm, ...], REQUIRED] = ()  # one of them must match


class PreferredSchedulingTerm(Model):
    """A term, and what a node that matches it gains in score."""

    weight: Annotated[Int32, REQUIRED] = 0  # added to the score of a node that matches, 1 to 100
    preference: Annotated[NodeSelectorTerm, REQUIRED] = Field(default_factory=NodeSelectorTerm)  # which nodes gain


class NodeAffinity(Model):
    """Which nodes a pod must, or would rather, run on."""

    # nodes that do not match are out of question
    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    # nodes that match gain in score
    preferred_during_scheduling_ignored_during_execution: tuple[PreferredSchedulingTerm, ...] = ()


class PodAffinityTerm(Model):
    """The pods that are meant, and the node label that says what counts as near."""

    label_selector: LabelSelector | None = None  # which pods are meant
    # where those pods are; empty, without namespaceSelector: in the pod's own namespace
    namespaces: tuple[str, ...] = ()
    topology_key: Annotated[str, REQUIRED] = ""  # label of nodes; nodes with the same value of it are one place
    namespace_selector: LabelSelector | None = None  # where those pods are, by labels of namespaces, beside namespaces
    match_label_keys: tuple[str, ...] = ()  # labels whose value those pods share with this one
    mismatch_label_keys: tuple[str, ...] = ()  # labels whose value those pods do not share with this one


class WeightedPodAffinityTerm(Model):
    """A term, and what it counts in the score."""

    weight: Annotated[Int32, REQUIRED] = 0  # added to the score of a node that matches, 1 to 100
    pod_affinity_term: Annotated[PodAffinityTerm, REQUIRED] = Field(
        default_factory=PodAffinityTerm
    )  # which pods, and how near


class PodAffinity(Model):
    """The pods that this one must, or would rather, run near."""

    # only nodes near such pods will do
    required_during_scheduling_ignored_during_execution: tuple[PodAffinityTerm, ...] = ()
    # nodes near such pods gain in score
    preferred_during_scheduling_ignored_during_execution: tuple[WeightedPodAffinityTerm, ...] = ()


class PodAntiAffinity(Model):
    """The pods that this one must not, or would rather not, run near."""

    # nodes near such pods are out of question
    required_during_scheduling_ignored_during_execution: tuple[PodAffinityTerm, ...] = ()
    # nodes near such pods lose in score
    preferred_during_scheduling_ignored_during_execution: tuple[WeightedPodAffinityTerm, ...] = ()


class Affinity(Model):
    """Where a pod wants to be, relative to nodes and to other pods."""

    node_affinity: NodeAffinity | None = None  # by labels of the nodes
    pod_affinity: PodAffinity | None = None  # by the pods that run nearby: near them
    pod_anti_affinity: PodAntiAffinity | None = None  # by the pods that run nearby: away from them


class Toleration(Model):
    """The taints that a pod puts up with."""

    key: str = ""  # name of the taint; empty, with operator Exists: every taint
    operator: str = ""  # Equal (also when empty), Exists, Lt, Gt
    value: str = ""  # value of the taint, for operator Equal
    effect: str = ""  # empty: every effect
    toleration_seconds: int | None = None  # how long a NoExecute taint is tolerated; unset: for ever


class TopologySpreadConstraint(Model):
    """How unevenly pods may be spread over zones, hosts or other domains."""

    max_skew: Annotated[Int32, REQUIRED] = 0  # by how many pods two places may differ, at least 1
    topology_key: Annotated[str, REQUIRED] = ""  # label of nodes; nodes with the same value of it are one place
    # DoNotSchedule: the pod waits; ScheduleAnyway: the least uneven place is preferred
    when_unsatisfiable: Annotated[str, REQUIRED] = ""
    label_selector: LabelSelector | None = None  # which pods are counted
    min_domains: Int32 | None = None  # with fewer places than this, the emptiest counts as having 0 pods; unset: 1
    # Honor (also when unset): only nodes that the pod's node selector matches; Ignore: all
    node_affinity_policy: str | None = None
    # Honor: only nodes whose taints the pod tolerates; Ignore (also when unset): all
    node_taints_policy: str | None = None
    match_label_keys: tuple[str, ...] = ()  # count only pods that share the values of these labels with this one
