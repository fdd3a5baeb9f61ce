"""ReplicaSet and Deployment: keep so many pods of one template, and replace them step by step.

Source: Kubernetes API reference, apps/v1.
"""

from typing import Annotated

from pydantic import Field

from naru.api.meta import KubeObject, LabelSelector
from naru.api.model import ALWAYS, REPLACE_KEYS, IntOrString, ListMapKeys, MergeKey, Model, OptionalTime
from naru.api.pod_v1 import PodTemplateSpec


class ReplicaSetSpec(Model):
    """How many pods, which ones count, and what a new one looks like."""

    replicas: int = 1
    min_ready_seconds: int = 0
    selector: LabelSelector
    template: PodTemplateSpec


class ReplicaSetCondition(Model):
    """One aspect of a ReplicaSet's state."""

    type: str
    status: str
    last_transition_time: OptionalTime = None
    reason: str = ""
    message: str = ""


class ReplicaSetStatus(Model):
    """The pods as last counted."""

    replicas: Annotated[int, ALWAYS] = 0
    fully_labeled_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    terminating_replicas: int | None = None
    observed_generation: int = 0
    conditions: Annotated[tuple[ReplicaSetCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class ReplicaSet(KubeObject):
    """Keeps a number of pods of one template."""

    kind: str = "ReplicaSet"
    api_version: str = "apps/v1"
    spec: ReplicaSetSpec
    status: ReplicaSetStatus = Field(default_factory=ReplicaSetStatus)


class RollingUpdateDeployment(Model):
    """How many pods may be missing, and how many more than wanted, during an update."""

    max_unavailable: IntOrString = "25%"
    max_surge: IntOrString = "25%"


class DeploymentStrategy(Model):
    """How old pods give way to new ones."""

    type: str = "RollingUpdate"
    rolling_update: RollingUpdateDeployment | None = None


def new_default_strategy() -> DeploymentStrategy:
    """Return the strategy of a Deployment that names none."""
    return DeploymentStrategy(rolling_update=RollingUpdateDeployment())


class DeploymentSpec(Model):
    """How many pods, of which template, and how to get from one template to the next."""

    replicas: int = 1
    selector: LabelSelector
    template: PodTemplateSpec
    strategy: Annotated[DeploymentStrategy, REPLACE_KEYS] = Field(default_factory=new_default_strategy)
    min_ready_seconds: int = 0
    revision_history_limit: int = 10
    paused: bool = False
    progress_deadline_seconds: int = 600


class DeploymentCondition(Model):
    """One aspect of a Deployment's state."""

    type: str
    status: str
    last_update_time: OptionalTime = None
    last_transition_time: OptionalTime = None
    reason: str = ""
    message: str = ""


class DeploymentStatus(Model):
    """The pods of all revisions as last counted."""

    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    unavailable_replicas: int = 0
    terminating_replicas: int | None = None
    conditions: Annotated[tuple[DeploymentCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()
    collision_count: int | None = None  # salts the hash in ReplicaSet names after a collision


class Deployment(KubeObject):
    """Pods of one template, replaced step by step when the template changes."""

    kind: str = "Deployment"
    api_version: str = "apps/v1"
    spec: DeploymentSpec
    status: DeploymentStatus = Field(default_factory=DeploymentStatus)
