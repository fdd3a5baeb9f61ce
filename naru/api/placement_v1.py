"""What a pod says about the nodes it may run on, beside its resource requests.

Source: Kubernetes API reference, core/v1.
"""

from naru.api.meta import LabelSelector
from naru.api.model import Model


class NodeSelectorRequirement(Model):
    """One condition on a label or field of a node."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


class NodeSelectorTerm(Model):
    """Conditions that must all hold; a term without any matches nothing."""

    match_expressions: tuple[NodeSelectorRequirement, ...] = ()
    match_fields: tuple[NodeSelectorRequirement, ...] = ()


class NodeSelector(Model):
    """Terms of which one must match."""

    node_selector_terms: tuple[NodeSelectorTerm, ...]


class PreferredSchedulingTerm(Model):
    """A term, and what a node that matches it gains in score."""

    weight: int
    preference: NodeSelectorTerm


class NodeAffinity(Model):
    """Which nodes a pod must, or would rather, run on."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    preferred_during_scheduling_ignored_during_execution: tuple[PreferredSchedulingTerm, ...] = ()


class PodAffinityTerm(Model):
    """The pods that are meant, and the node label that says what counts as near."""

    label_selector: LabelSelector | None = None
    namespaces: tuple[str, ...] = ()
    topology_key: str
    namespace_selector: LabelSelector | None = None
    match_label_keys: tuple[str, ...] = ()
    mismatch_label_keys: tuple[str, ...] = ()


class WeightedPodAffinityTerm(Model):
    """A term, and what it counts in the score."""

    weight: int
    pod_affinity_term: PodAffinityTerm


class PodAffinity(Model):
    """The pods that this one must, or would rather, run near."""

    required_during_scheduling_ignored_during_execution: tuple[PodAffinityTerm, ...] = ()
    preferred_during_scheduling_ignored_during_execution: tuple[WeightedPodAffinityTerm, ...] = ()


class PodAntiAffinity(Model):
    """The pods that this one must not, or would rather not, run near."""

    required_during_scheduling_ignored_during_execution: tuple[PodAffinityTerm, ...] = ()
    preferred_during_scheduling_ignored_during_execution: tuple[WeightedPodAffinityTerm, ...] = ()


class Affinity(Model):
    """Where a pod wants to be, relative to nodes and to other pods."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAntiAffinity | None = None


class Toleration(Model):
    """The taints that a pod puts up with."""

    key: str = ""
    operator: str = ""  # Equal (also when empty), Exists, Lt, Gt
    value: str = ""
    effect: str = ""  # empty: every effect
    toleration_seconds: int | None = None  # for NoExecute; None: for ever


class TopologySpreadConstraint(Model):
    """How unevenly pods may be spread over zones, hosts or other domains."""

    max_skew: int
    topology_key: str
    when_unsatisfiable: str
    label_selector: LabelSelector | None = None
    min_domains: int | None = None
    node_affinity_policy: str | None = None
    node_taints_policy: str | None = None
    match_label_keys: tuple[str, ...] = ()
