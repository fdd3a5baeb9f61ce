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
    """An object of any kind that has a scale."""

    atomic: ClassVar[bool] = True

    kind: Annotated[str, REQUIRED] = ""  # kind of the object
    name: Annotated[str, REQUIRED] = ""  # name of the object
    api_version: str = ""  # group and version of its kind


class HorizontalPodAutoscalerSpec(Model):
    """What is scaled, between which bounds, and the CPU use that is aimed at."""

    # what is scaled
    scale_target_ref: Annotated[CrossVersionObjectReference, REQUIRED] = Field(
        default_factory=CrossVersionObjectReference
    )
    min_replicas: Int32 = 1  # never fewer replicas than this
    max_replicas: Annotated[Int32, REQUIRED] = 0  # never more replicas than this
    # average CPU use of the pods that is aimed at, in percent of their requests
    target_cpu_utilization_percentage: Int32 | None = None


class HorizontalPodAutoscalerStatus(Model):
    """What was last seen and done."""

    observed_generation: int | None = None  # the metadata.generation that this status is about
    last_scale_time: OptionalTime = None  # when the number of replicas was last changed
    current_replicas: Annotated[Int32, REQUIRED] = 0  # replicas that there were
    desired_replicas: Annotated[Int32, REQUIRED] = 0  # replicas that there should be
    # average CPU use of the pods, in percent of their requests
    current_cpu_utilization_percentage: Int32 | None = None


class HorizontalPodAutoscaler(KubeObject):
    """Scales by CPU use; version 2 of the same object knows other measures."""

    kind: str = "HorizontalPodAutoscaler"
    api_version: str = "autoscaling/v1"
    spec: HorizontalPodAutoscalerSpec = HorizontalPodAutoscalerSpec()  # what is wanted
    # what is there; written by the autoscaler
    status: HorizontalPodAutoscalerStatus = HorizontalPodAutoscalerStatus()
