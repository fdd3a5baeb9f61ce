"""Scale: the number of replicas of any kind that has one, read and written through ``/scale``.

Source: Kubernetes API reference, autoscaling/v1.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.meta import KubeObject
from naru.api.model import ALWAYS, REQUIRED, Int32, Model, OptionalTime


class ScaleSpec(Model):
    """How many replicas are wanted."""

    replicas: Int32 = 0  # how many there should be


class ScaleStatus(Model):
    """How many replicas there are, and the selector that finds them."""

    replicas: Annotated[Int32, ALWAYS] = 0  # how many there are
    selector: str = ""  # in the string form of a selector


class Scale(KubeObject):
    """The one number that scalers of any kind read and write."""

    kind: str = "Scale"
    api_version: str = "autoscaling/v1"
    spec: ScaleSpec = ScaleSpec()  # what is wanted
    status: ScaleStatus = ScaleStatus()  # what is there


class CrossVersionObjectReference(Model):
    """TODO."""

    atomic: ClassVar[bool] = True

    kind: Annotated[str, REQUIRED] = ""
    name: Annotated[str, REQUIRED] = ""
    api_version: str = ""


class HorizontalPodAutoscalerSpec(Model):
    """TODO."""

    scale_target_ref: Annotated[CrossVersionObjectReference, REQUIRED] = Field(
        default_factory=CrossVersionObjectReference
    )
    min_replicas: Int32 | None = None
    max_replicas: Annotated[Int32, REQUIRED] = 0
    target_cpu_utilization_percentage: Int32 | None = None


class HorizontalPodAutoscalerStatus(Model):
    """TODO."""

    observed_generation: int | None = None
    last_scale_time: OptionalTime = None
    current_replicas: Annotated[Int32, REQUIRED] = 0
    desired_replicas: Annotated[Int32, REQUIRED] = 0
    current_cpu_utilization_percentage: Int32 | None = None


class HorizontalPodAutoscaler(KubeObject):
    """TODO."""

    kind: str = "HorizontalPodAutoscaler"
    api_version: str = "autoscaling/v1"
    spec: HorizontalPodAutoscalerSpec = HorizontalPodAutoscalerSpec()
    status: HorizontalPodAutoscalerStatus = HorizontalPodAutoscalerStatus()
