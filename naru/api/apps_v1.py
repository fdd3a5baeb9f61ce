"""Workloads: kinds that keep pods of one template going, each in its own way.

Source: Kubernetes API reference, apps/v1.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.meta import KubeObject, LabelSelector
from naru.api.model import (
    ALWAYS,
    POINTER,
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
from naru.api.raw_json import RawJson


class ReplicaSetSpec(Model):
    """How many pods, which ones count, and what a new one looks like."""

    protobuf: ClassVar[str] = "1 4 2 3"

    replicas: Int32 = 1  # how many pods there should be; 0 is allowed
    min_ready_seconds: Int32 = 0  # how long a pod must be ready before it counts as available
    # which pods count; it must match the template's labels and can never change
    selector: Annotated[LabelSelector | None, REQUIRED] = None
    # what a new pod looks like; a change does not touch the pods that exist
    template: PodTemplateSpec = Field(default_factory=PodTemplateSpec)


class ReplicaSetCondition(Model):
    """One aspect of a ReplicaSet's state."""

    type: Annotated[str, REQUIRED] = ""  # ReplicaFailure: pods could not be created or deleted
    status: Annotated[str, REQUIRED] = ""  # True, False or Unknown
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
    spec: ReplicaSetSpec = Field(default_factory=ReplicaSetSpec)  # what is wanted
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
    # which pods are its own; it must match the template's labels and can never change
    selector: Annotated[LabelSelector | None, REQUIRED] = None
    # what a new pod looks like; a change starts a rollout
    template: Annotated[PodTemplateSpec, REQUIRED] = Field(default_factory=PodTemplateSpec)
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

    type: Annotated[str, REQUIRED] = ""  # Available, Progressing or ReplicaFailure
    status: Annotated[str, REQUIRED] = ""  # True, False or Unknown
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
    spec: DeploymentSpec = Field(default_factory=DeploymentSpec)  # what is wanted
    # what is there; written by the Deployment controller
    status: DeploymentStatus = DeploymentStatus()


class RollingUpdateStatefulSetStrategy(Model):
    """Which pods of a StatefulSet get a new template, and how many of them at a time."""

    partition: Annotated[Int32, ALWAYS] = 0  # pods with a lower ordinal than this keep the old template
    # so many may be away at once, as a number or a percentage of replicas; off by default in v1.36, and then dropped
    max_unavailable: IntOrString | None = None


class StatefulSetUpdateStrategy(Model):
    """How a change of the template reaches the pods."""

    # RollingUpdate: from the highest ordinal down; OnDelete: when somebody deletes the pod
    type: str = ""
    rolling_update: RollingUpdateStatefulSetStrategy | None = None  # only for type RollingUpdate


class StatefulSetPersistentVolumeClaimRetentionPolicy(Model):
    """What becomes of the claims made from volumeClaimTemplates: Retain or Delete."""

    when_deleted: str = "Retain"  # when the StatefulSet is deleted
    when_scaled: str = "Retain"  # when a claim's pod goes because there are fewer replicas


class StatefulSetOrdinals(Model):
    """Which numbers the pods have."""

    start: Annotated[Int32, ALWAYS] = 0  # number of the first pod


class StatefulSetSpec(Model):
    """How many pods, their identity, their storage, and how they change."""

    replicas: Int32 = 1  # how many pods there should be; 0 is allowed
    # which pods are its own; it must match the template's labels and can never change
    selector: Annotated[LabelSelector | None, REQUIRED] = None
    # what a pod looks like; each one is named after the StatefulSet and its ordinal
    template: Annotated[PodTemplateSpec, REQUIRED] = Field(default_factory=PodTemplateSpec)
    # a claim of each is made for every pod, and found again when the pod comes back
    volume_claim_templates: tuple[PersistentVolumeClaim, ...] = ()
    service_name: Annotated[str, ALWAYS] = ""  # headless Service that gives each pod its DNS name
    # OrderedReady: one pod after the other, each when the one before is ready; Parallel: all at once
    pod_management_policy: str = "OrderedReady"
    # how a change of the template reaches the pods
    update_strategy: StatefulSetUpdateStrategy = StatefulSetUpdateStrategy()
    revision_history_limit: Int32 = 10  # how many old templates stay, to roll back to
    min_ready_seconds: Int32 = 0  # how long a pod must be ready before it counts as available
    # what becomes of the claims; by default they are kept
    persistent_volume_claim_retention_policy: Annotated[StatefulSetPersistentVolumeClaimRetentionPolicy, POINTER] = (
        StatefulSetPersistentVolumeClaimRetentionPolicy()
    )
    ordinals: StatefulSetOrdinals | None = None  # which numbers the pods have; unset: from 0 on


class StatefulSetCondition(Model):
    """One aspect of a StatefulSet's state."""

    type: Annotated[str, REQUIRED] = ""  # which aspect
    status: Annotated[str, REQUIRED] = ""  # True, False or Unknown
    last_transition_time: OptionalTime = None  # when status last changed
    reason: str = ""  # why, in one CamelCase word for programs
    message: str = ""  # why, in a sentence for people


class StatefulSetStatus(Model):
    """The pods as last counted, and the two templates that they may be made from."""

    protobuf: ClassVar[str] = "1-7 9-11"

    observed_generation: int = 0  # the metadata.generation that this status is about
    replicas: Annotated[Int32, REQUIRED] = 0  # pods that were there at the last count
    ready_replicas: Int32 = 0  # those of them whose Ready condition is True
    current_replicas: Int32 = 0  # those of them made from currentRevision
    updated_replicas: Int32 = 0  # those of them made from updateRevision
    current_revision: str = ""  # name of the ControllerRevision that the update goes away from
    update_revision: str = ""  # name of the ControllerRevision that the update goes to
    collision_count: Int32 | None = None  # salts the hash in names of ControllerRevisions after a collision
    # what goes wrong; empty while all is well
    conditions: Annotated[tuple[StatefulSetCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()
    available_replicas: Annotated[Int32, ALWAYS] = 0  # pods that have been ready for minReadySeconds


class StatefulSet(KubeObject):
    """Pods that keep their name and their storage wherever they run."""

    kind: str = "StatefulSet"
    api_version: str = "apps/v1"
    spec: StatefulSetSpec = Field(default_factory=StatefulSetSpec)  # what is wanted
    # what is there; written by the StatefulSet controller
    status: StatefulSetStatus = StatefulSetStatus()


class RollingUpdateDaemonSet(Model):
    """How many nodes may be without a pod, or have two, during an update."""

    max_unavailable: IntOrString = 1  # so many nodes may be without; a percentage is rounded up; 0 only with maxSurge
    # so many nodes may have an old pod and a new one; a percentage is rounded up
    max_surge: Annotated[IntOrString, ALWAYS] = 0


class DaemonSetUpdateStrategy(Model):
    """How a change of the template reaches the pods."""

    # RollingUpdate: node by node; OnDelete: when somebody deletes the pod
    type: str = "RollingUpdate"
    rolling_update: RollingUpdateDaemonSet | None = None  # only for type RollingUpdate


def new_daemon_strategy() -> DaemonSetUpdateStrategy:
    """Return the strategy of a DaemonSet that names none."""
    return DaemonSetUpdateStrategy(rolling_update=RollingUpdateDaemonSet())


class DaemonSetSpec(Model):
    """What runs on each node that the template's pods may run on."""

    protobuf: ClassVar[str] = "1-4 6"

    # which pods are its own; it must match the template's labels and can never change
    selector: Annotated[LabelSelector | None, REQUIRED] = None
    # what a pod looks like; its nodeSelector and affinity choose the nodes
    template: Annotated[PodTemplateSpec, REQUIRED] = Field(default_factory=PodTemplateSpec)
    # how a change of the template reaches the pods
    update_strategy: DaemonSetUpdateStrategy = new_daemon_strategy()
    min_ready_seconds: Int32 = 0  # how long a pod must be ready before it counts as available
    revision_history_limit: Int32 = 10  # how many old templates stay, to roll back to


class DaemonSetCondition(Model):
    """One aspect of a DaemonSet's state."""

    type: Annotated[str, REQUIRED] = ""  # which aspect
    status: Annotated[str, REQUIRED] = ""  # True, False or Unknown
    last_transition_time: OptionalTime = None  # when status last changed
    reason: str = ""  # why, in one CamelCase word for programs
    message: str = ""  # why, in a sentence for people


class DaemonSetStatus(Model):
    """The nodes as last counted: those that should have a pod, and those that have one."""

    current_number_scheduled: Annotated[Int32, REQUIRED] = 0  # nodes that should have a pod, and have one
    number_misscheduled: Annotated[Int32, REQUIRED] = 0  # nodes that have a pod, and should not
    desired_number_scheduled: Annotated[Int32, REQUIRED] = 0  # nodes that should have a pod
    number_ready: Annotated[Int32, REQUIRED] = 0  # nodes whose pod is ready
    observed_generation: int = 0  # the metadata.generation that this status is about
    updated_number_scheduled: Int32 = 0  # nodes whose pod is of the current template
    number_available: Int32 = 0  # nodes whose pod has been ready for minReadySeconds
    number_unavailable: Int32 = 0  # nodes that should have an available pod, and have none
    collision_count: Int32 | None = None  # salts the hash in names of ControllerRevisions after a collision
    # what goes wrong; empty while all is well
    conditions: Annotated[tuple[DaemonSetCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class DaemonSet(KubeObject):
    """One pod on each node, or on each node of some."""

    kind: str = "DaemonSet"
    api_version: str = "apps/v1"
    spec: DaemonSetSpec = Field(default_factory=DaemonSetSpec)  # what is wanted
    # what is there; written by the DaemonSet controller
    status: DaemonSetStatus = DaemonSetStatus()


class ControllerRevision(KubeObject):
    """A template as it once was: what StatefulSets and DaemonSets roll back to."""

    kind: str = "ControllerRevision"
    api_version: str = "apps/v1"
    data: RawJson | None = None  # what is remembered, in a form of the controller's choice; it never changes
    revision: Annotated[int, REQUIRED] = 0  # number of the revision; a later one is higher
