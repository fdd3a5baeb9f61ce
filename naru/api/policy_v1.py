"""The policy group, ``policy/v1``: asking for a pod to leave its node.

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
    """TODO."""

    min_available: IntOrString | None = None
    selector: LabelSelector | None = None
    max_unavailable: IntOrString | None = None
    unhealthy_pod_eviction_policy: str | None = None


class PodDisruptionBudgetStatus(Model):
    """TODO."""

    observed_generation: int = 0
    disrupted_pods: dict[str, Time] = {}
    disruptions_allowed: Annotated[Int32, ALWAYS] = 0
    current_healthy: Annotated[Int32, ALWAYS] = 0
    desired_healthy: Annotated[Int32, ALWAYS] = 0
    expected_pods: Annotated[Int32, ALWAYS] = 0
    conditions: Annotated[tuple[Condition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class PodDisruptionBudget(KubeObject):
    """TODO."""

    kind: str = "PodDisruptionBudget"
    api_version: str = "policy/v1"
    spec: PodDisruptionBudgetSpec = PodDisruptionBudgetSpec()
    status: PodDisruptionBudgetStatus = PodDisruptionBudgetStatus()
