"""PodTemplate and ReplicationController: how pods were multiplied before ReplicaSets.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.meta import KubeObject
from naru.api.model import ATOMIC, REQUIRED, Int32, ListMapKeys, MergeKey, Model, OptionalTime
from naru.api.pod_v1 import PodTemplateSpec


class PodTemplate(KubeObject):
    """A template on its own, for controllers that look it up."""

    kind: str = "PodTemplate"
    api_version: str = "v1"
    template: PodTemplateSpec = Field(default_factory=PodTemplateSpec)  # what a pod made from it looks like


class ReplicationControllerSpec(Model):
    """How many pods, which ones count, and what a new one looks like."""

    protobuf: ClassVar[str] = "1 4 2 3"

    replicas: Int32 = 1  # how many pods there should be; 0 is allowed
    min_ready_seconds: Int32 = 0  # how long a pod must be ready before it counts as available
    selector: Annotated[dict[str, str], ATOMIC] = {}  # labels of the pods that count; by default those of the template
    template: PodTemplateSpec | None = None  # what a new pod looks like; it must be there


class ReplicationControllerCondition(Model):
    """One aspect of a ReplicationController's state."""

    type: Annotated[str, REQUIRED] = ""  # ReplicaFailure: pods could not be created or deleted
    status: Annotated[str, REQUIRED] = ""  # True, False or Unknown
    last_transition_time: OptionalTime = None  # when status last changed
    reason: str = ""  # why, in one CamelCase word for programs
    message: str = ""  # why, in a sentence for people


class ReplicationControllerStatus(Model):
    """The pods as last counted."""

    protobuf: ClassVar[str] = "1 2 4 5 3 6"

    replicas: Annotated[Int32, REQUIRED] = 0  # pods that were there at the last count
    fully_labeled_replicas: Int32 = 0  # those of them that carry every label of the template
    ready_replicas: Int32 = 0  # those of them whose Ready condition is True
    available_replicas: Int32 = 0  # those of them that have been ready for minReadySeconds
    observed_generation: int = 0  # the metadata.generation that this status is about
    # what goes wrong; empty while all is well
    conditions: Annotated[tuple[ReplicationControllerCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class ReplicationController(KubeObject):
    """Keeps a number of pods of one template; ReplicaSets do the same, with better selectors."""

    kind: str = "ReplicationController"
    api_version: str = "v1"
    spec: ReplicationControllerSpec = ReplicationControllerSpec()  # what is wanted
    # what is there; written by the ReplicationController controller
    status: ReplicationControllerStatus = ReplicationControllerStatus()
