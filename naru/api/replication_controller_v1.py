"""PodTemplate and ReplicationController: how pods were multiplied before ReplicaSets.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

from naru.api.meta import KubeObject
from naru.api.model import ATOMIC, REQUIRED, Int32, ListMapKeys, MergeKey, Model, OptionalTime
from naru.api.pod_v1 import PodTemplateSpec


class PodTemplate(KubeObject):
    """TODO."""

    kind: str = "PodTemplate"
    api_version: str = "v1"
    template: PodTemplateSpec


class ReplicationControllerSpec(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 4 2 3"

    replicas: Int32 | None = 1
    min_ready_seconds: Int32 = 0
    selector: Annotated[dict[str, str], ATOMIC] = {}
    template: PodTemplateSpec | None = None


class ReplicationControllerCondition(Model):
    """TODO."""

    type: Annotated[str, REQUIRED] = ""
    status: Annotated[str, REQUIRED] = ""
    last_transition_time: OptionalTime = None
    reason: str = ""
    message: str = ""


class ReplicationControllerStatus(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 2 4 5 3 6"

    replicas: Annotated[Int32, REQUIRED] = 0
    fully_labeled_replicas: Int32 = 0
    ready_replicas: Int32 = 0
    available_replicas: Int32 = 0
    observed_generation: int = 0
    conditions: Annotated[tuple[ReplicationControllerCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class ReplicationController(KubeObject):
    """TODO."""

    kind: str = "ReplicationController"
    api_version: str = "v1"
    spec: ReplicationControllerSpec = ReplicationControllerSpec()
    status: ReplicationControllerStatus = ReplicationControllerStatus()
