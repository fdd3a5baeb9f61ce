"""ReplicaSet and Deployment: keep so many pods of one template, and replace them step by step.

Source: Kubernetes API reference, apps/v1.
"""

from typing import Annotated, Any, ClassVar

from naru.api.meta import KubeObject, LabelSelector
from naru.api.model import (
    ALWAYS,
    REPLACE_KEYS,
    REQUIRED,
    Int32,
    IntOrString,
    ListMapKeys,
    MergeKey,
    Model,
    OptionalTime,
)
from naru.api.persistent_volume_claim_v1 import PersistentVolumeClaim
from naru.api.pod_v1 import PodTemplateSpec


class ReplicaSetSpec(Model):
    """How many pods, which ones count, and what a new one looks like."""

    protobuf: ClassVar[str] = "1 4 2 3"

    replicas: Int32 = 1  # how many pods there should be; 0 is allowed
    min_ready_seconds: Int32 = 0  # how long a pod must be ready before it counts as available
    selector: LabelSelector  # which pods count; it must match the template's labels and can never change
    template: PodTemplateSpec  # what a new pod looks like; a change does not touch the pods that exist


class ReplicaSetCondition(Model):
    """One aspect of a ReplicaSet's state."""

    type: str  # ReplicaFailure: pods could not be created or deleted
    status: str  # True, False or Unknown
    last_transition_time: OptionalTime = None  # when status last changed
    reason: str = ""  # why, in one CamelCase word for programs
    message: str = ""  # why, in a sentence for people


class ReplicaSetStatus(Model):
    """The pods as last counted."""

    protobuf: ClassVar[str] = "1 2 4 5 7 3 6"

    replicas: Annotated[Int32, ALWAYS] = 0  # pods that were there at the last count
    fully_labeled_replicas: Int32 = 0  # those of them that carry every label of the template
    ready_replicas: Int32 = 0  # those of them whose Ready condition is True
    available_replicas: Int32 = 0  # those of them that have been ready for minReadySeconds
    terminating_replicas: Int32 | None = None  # pods that are being deleted but still there; not part of replicas
    observed_generation: int = 0  # the metadata.generation that this status is about
    # what goes wrong; empty while all is well
    conditions: Annotated[tuple[ReplicaSetCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class ReplicaSet(KubeObject):
    """Keeps a number of pods of one template."""

    kind: str = "ReplicaSet"
    api_version: str = "apps/v1"
    spec: ReplicaSetSpec  # what is wanted
    # what is there; written by the ReplicaSet controller
    status: ReplicaSetStatus = ReplicaSetStatus()


class RollingUpdateDeployment(Model):
    """How many pods may be missing, and how many more than wanted, during an update."""

    max_unavailable: IntOrString = "25%"  # as a number or as a percentage of replicas, rounded down
    max_surge: IntOrString = "25%"  # as a number or as a percentage of replicas, rounded up


class DeploymentStrategy(Model):
    """How old pods give way to new ones."""

    # RollingUpdate: step by step; Recreate: all old pods end before the first new one starts
    type: str = "RollingUpdate"
    rolling_update: RollingUpdateDeployment | None = None  # only for type RollingUpdate


def new_default_strategy() -> DeploymentStrategy:
    """Return the strategy of a Deployment that names none."""
    return DeploymentStrategy(rolling_update=RollingUpdateDeployment())


class DeploymentSpec(Model):
    """How many pods, of which template, and how to get from one template to the next."""

    protobuf: ClassVar[str] = "1-7 9"

    replicas: Int32 = 1  # how many pods there should be; 0 is allowed
    selector: LabelSelector  # which pods are its own; it must match the template's labels and can never change
    template: PodTemplateSpec  # what a new pod looks like; a change starts a rollout
    # how a change of the template reaches the pods
    strategy: Annotated[DeploymentStrategy, REPLACE_KEYS] = new_default_strategy()
    min_ready_seconds: Int32 = 0  # how long a pod must be ready before the rollout counts it as available
    revision_history_limit: Int32 = 10  # how many old ReplicaSets stay, to roll back to
    paused: bool = False  # true holds rollouts back; scaling goes on
    # without progress for so long, a rollout counts as failed (and goes on trying)
    progress_deadline_seconds: Int32 = 600


class DeploymentCondition(Model):
    """One aspect of a Deployment's state."""

    protobuf: ClassVar[str] = "1 2 6 7 4 5"

    type: str  # Available, Progressing or ReplicaFailure
    status: str  # True, False or Unknown
    last_update_time: OptionalTime = None  # when anything in the condition last changed
    last_transition_time: OptionalTime = None  # when status last changed
    reason: str = ""  # why, in one CamelCase word for programs
    message: str = ""  # why, in a sentence for people


class DeploymentStatus(Model):
    """The pods of all revisions as last counted."""

    protobuf: ClassVar[str] = "1-3 7 4 5 9 6 8"

    observed_generation: int = 0  # the metadata.generation that this status is about
    replicas: Int32 = 0  # pods of all revisions that were there at the last count
    updated_replicas: Int32 = 0  # those of them made from the current template
    ready_replicas: Int32 = 0  # those of them whose Ready condition is True
    available_replicas: Int32 = 0  # those of them that have been ready for minReadySeconds
    unavailable_replicas: Int32 = 0  # how many are missing or not available yet
    terminating_replicas: Int32 | None = None  # pods that are being deleted but still there; not part of replicas
    # is it available, and how the rollout goes
    conditions: Annotated[tuple[DeploymentCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()
    collision_count: Int32 | None = None  # salts the hash in ReplicaSet names after a collision


class Deployment(KubeObject):
    """Pods of one template, replaced step by step when the template changes."""

    kind: str = "Deployment"
    api_version: str = "apps/v1"
    spec: DeploymentSpec  # what is wanted
    # what is there; written by the Deployment controller
    status: DeploymentStatus = DeploymentStatus()


class RollingUpdateStatefulSetStrategy(Model):
    """TODO."""

    partition: Int32 | None = None
    max_unavailable: IntOrString | None = None


class StatefulSetUpdateStrategy(Model):
    """TODO."""

    type: str = ""
    rolling_update: RollingUpdateStatefulSetStrategy | None = None


class StatefulSetPersistentVolumeClaimRetentionPolicy(Model):
    """TODO."""

    when_deleted: str = ""
    when_scaled: str = ""


class StatefulSetOrdinals(Model):
    """TODO."""

    start: Annotated[Int32, ALWAYS] = 0


class StatefulSetSpec(Model):
    """TODO."""

    replicas: Int32 | None = None
    selector: LabelSelector | None = None
    template: PodTemplateSpec
    volume_claim_templates: tuple[PersistentVolumeClaim, ...] = ()
    service_name: Annotated[str, ALWAYS] = ""
    pod_management_policy: str = ""
    update_strategy: StatefulSetUpdateStrategy = StatefulSetUpdateStrategy()
    revision_history_limit: Int32 | None = None
    min_ready_seconds: Int32 = 0
    persistent_volume_claim_retention_policy: StatefulSetPersistentVolumeClaimRetentionPolicy | None = None
    ordinals: StatefulSetOrdinals | None = None


class StatefulSetCondition(Model):
    """TODO."""

    type: Annotated[str, REQUIRED] = ""
    status: Annotated[str, REQUIRED] = ""
    last_transition_time: OptionalTime = None
    reason: str = ""
    message: str = ""


class StatefulSetStatus(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1-7 9-11"

    observed_generation: int = 0
    replicas: Annotated[Int32, REQUIRED] = 0
    ready_replicas: Int32 = 0
    current_replicas: Int32 = 0
    updated_replicas: Int32 = 0
    current_revision: str = ""
    update_revision: str = ""
    collision_count: Int32 | None = None
    conditions: Annotated[tuple[StatefulSetCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()
    available_replicas: Annotated[Int32, ALWAYS] = 0


class StatefulSet(KubeObject):
    """TODO."""

    kind: str = "StatefulSet"
    api_version: str = "apps/v1"
    spec: StatefulSetSpec
    status: StatefulSetStatus = StatefulSetStatus()


class RollingUpdateDaemonSet(Model):
    """TODO."""

    max_unavailable: IntOrString | None = None
    max_surge: IntOrString | None = None


class DaemonSetUpdateStrategy(Model):
    """TODO."""

    type: str = ""
    rolling_update: RollingUpdateDaemonSet | None = None


class DaemonSetSpec(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1-4 6"

    selector: LabelSelector | None = None
    template: PodTemplateSpec
    update_strategy: DaemonSetUpdateStrategy = DaemonSetUpdateStrategy()
    min_ready_seconds: Int32 = 0
    revision_history_limit: Int32 | None = None


class DaemonSetCondition(Model):
    """TODO."""

    type: Annotated[str, REQUIRED] = ""
    status: Annotated[str, REQUIRED] = ""
    last_transition_time: OptionalTime = None
    reason: str = ""
    message: str = ""


class DaemonSetStatus(Model):
    """TODO."""

    current_number_scheduled: Annotated[Int32, REQUIRED] = 0
    number_misscheduled: Annotated[Int32, REQUIRED] = 0
    desired_number_scheduled: Annotated[Int32, REQUIRED] = 0
    number_ready: Annotated[Int32, REQUIRED] = 0
    observed_generation: int = 0
    updated_number_scheduled: Int32 = 0
    number_available: Int32 = 0
    number_unavailable: Int32 = 0
    collision_count: Int32 | None = None
    conditions: Annotated[tuple[DaemonSetCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class DaemonSet(KubeObject):
    """TODO."""

    kind: str = "DaemonSet"
    api_version: str = "apps/v1"
    spec: DaemonSetSpec
    status: DaemonSetStatus = DaemonSetStatus()


class ControllerRevision(KubeObject):
    """TODO."""

    kind: str = "ControllerRevision"
    api_version: str = "apps/v1"
    data: Any = None
    revision: Annotated[int, REQUIRED] = 0
