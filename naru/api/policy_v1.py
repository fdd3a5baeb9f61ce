"""The policy group, ``policy/v1``: asking for a pod to leave its node, and how many may at a time.

Source: Kubernetes API reference, policy/v1.
"""

from typing import Annotated

from naru.api.meta import Condition, KubeObject, LabelSelector
from naru.api.model import ALWAYS, Int32, IntOrString, ListMapKeys, MergeKey, Model, Time
from naru.api.options import DeleteOptions


class Eviction(KubeObject):
    """A deletion that the server may refuse; the body of a pod's ``eviction`` subresource."""

    kind: str = "Eviction"
    api_version: str = "policy/v1"
    delete_options: DeleteOptions | None = None  # how to delete the pod


class PodDisruptionBudgetSpec(Model):
    """Which pods are meant, and how many of them may be missing."""

    min_available: IntOrString | None = None  # how many must stay, as a number or a percentage; excludes maxUnavailable
    selector: LabelSelector | None = None  # the pods that are meant; an empty selector means all of the namespace
    # how many may be missing, as a number or a percentage; excludes minAvailable
    max_unavailable: IntOrString | None = None
    # IfHealthyBudget or AlwaysAllow: whether pods that are not ready may go at any time
    unhealthy_pod_eviction_policy: str | None = None


class PodDisruptionBudgetStatus(Model):
    """How many pods may go at this moment, and why."""

    observed_generation: int = 0  # the metadata.generation that the rest is about
    # pods whose eviction was granted but that are still there, with the time of the grant
    disrupted_pods: dict[str, Time] = {}
    disruptions_allowed: Annotated[Int32, ALWAYS] = 0  # how many pods may be evicted now
    current_healthy: Annotated[Int32, ALWAYS] = 0  # how many of the pods are ready
    desired_healthy: Annotated[Int32, ALWAYS] = 0  # how many of them must be ready
    expected_pods: Annotated[Int32, ALWAYS] = 0  # how many pods there should be
    # aspects of its state; DisruptionAllowed: a pod may go
    conditions: Annotated[tuple[Condition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class PodDisruptionBudget(KubeObject):
    """A bound on how many pods of an application may be missing when nodes are emptied on purpose."""

    kind: str = "PodDisruptionBudget"
    api_version: str = "policy/v1"
    spec: PodDisruptionBudgetSpec = PodDisruptionBudgetSpec()  # which pods are meant, and how many may be missing
    status: PodDisruptionBudgetStatus = PodDisruptionBudgetStatus()  # how many may go at this moment
