"""HorizontalPodAutoscaler: as many pods as the load needs.

Source: Kubernetes API reference, autoscaling/v2.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.meta import KubeObject, LabelSelector
from naru.api.model import ALWAYS, REQUIRED, Int32, ListMapKeys, MergeKey, Model, OptionalTime
from naru.api.quantity import Quantity


class CrossVersionObjectReference(Model):
    """TODO."""

    kind: Annotated[str, REQUIRED] = ""
    name: Annotated[str, REQUIRED] = ""
    api_version: str = ""


class MetricTarget(Model):
    """TODO."""

    type: Annotated[str, REQUIRED] = ""
    value: Quantity | None = None
    average_value: Quantity | None = None
    average_utilization: Int32 | None = None


class MetricIdentifier(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""
    selector: LabelSelector | None = None


class ObjectMetricSource(Model):
    """TODO."""

    described_object: Annotated[CrossVersionObjectReference, REQUIRED] = Field(
        default_factory=CrossVersionObjectReference
    )
    target: Annotated[MetricTarget, REQUIRED] = MetricTarget()
    metric: Annotated[MetricIdentifier, REQUIRED] = MetricIdentifier()


class PodsMetricSource(Model):
    """TODO."""

    metric: Annotated[MetricIdentifier, REQUIRED] = MetricIdentifier()
    target: Annotated[MetricTarget, REQUIRED] = MetricTarget()


class ResourceMetricSource(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""
    target: Annotated[MetricTarget, REQUIRED] = MetricTarget()


class ContainerResourceMetricSource(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""
    target: Annotated[MetricTarget, REQUIRED] = MetricTarget()
    container: Annotated[str, REQUIRED] = ""


class ExternalMetricSource(Model):
    """TODO."""

    metric: Annotated[MetricIdentifier, REQUIRED] = MetricIdentifier()
    target: Annotated[MetricTarget, REQUIRED] = MetricTarget()


class MetricSpec(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1-4 7 5"

    type: Annotated[str, REQUIRED] = ""
    object: ObjectMetricSource | None = None
    pods: PodsMetricSource | None = None
    resource: ResourceMetricSource | None = None
    container_resource: ContainerResourceMetricSource | None = None
    external: ExternalMetricSource | None = None


class HPAScalingPolicy(Model):
    """TODO."""

    type: Annotated[str, REQUIRED] = ""
    value: Annotated[Int32, REQUIRED] = 0
    period_seconds: Annotated[Int32, REQUIRED] = 0


class HPAScalingRules(Model):
    """TODO."""

    protobuf: ClassVar[str] = "3 1 2 4"

    stabilization_window_seconds: Int32 | None = None
    select_policy: str | None = None
    policies: tuple[HPAScalingPolicy, ...] = ()
    tolerance: Quantity | None = None


class HorizontalPodAutoscalerBehavior(Model):
    """TODO."""

    scale_up: HPAScalingRules | None = None
    scale_down: HPAScalingRules | None = None


class HorizontalPodAutoscalerSpec(Model):
    """TODO."""

    scale_target_ref: Annotated[CrossVersionObjectReference, REQUIRED] = Field(
        default_factory=CrossVersionObjectReference
    )
    min_replicas: Int32 | None = None
    max_replicas: Annotated[Int32, REQUIRED] = 0
    metrics: tuple[MetricSpec, ...] = ()
    behavior: HorizontalPodAutoscalerBehavior | None = None


class MetricValueStatus(Model):
    """TODO."""

    value: Quantity | None = None
    average_value: Quantity | None = None
    average_utilization: Int32 | None = None


class ObjectMetricStatus(Model):
    """TODO."""

    metric: Annotated[MetricIdentifier, REQUIRED] = MetricIdentifier()
    current: Annotated[MetricValueStatus, REQUIRED] = MetricValueStatus()
    described_object: Annotated[CrossVersionObjectReference, REQUIRED] = Field(
        default_factory=CrossVersionObjectReference
    )


class PodsMetricStatus(Model):
    """TODO."""

    metric: Annotated[MetricIdentifier, REQUIRED] = MetricIdentifier()
    current: Annotated[MetricValueStatus, REQUIRED] = MetricValueStatus()


class ResourceMetricStatus(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""
    current: Annotated[MetricValueStatus, REQUIRED] = MetricValueStatus()


class ContainerResourceMetricStatus(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""
    current: Annotated[MetricValueStatus, REQUIRED] = MetricValueStatus()
    container: Annotated[str, REQUIRED] = ""


class ExternalMetricStatus(Model):
    """TODO."""

    metric: Annotated[MetricIdentifier, REQUIRED] = MetricIdentifier()
    current: Annotated[MetricValueStatus, REQUIRED] = MetricValueStatus()


class MetricStatus(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1-4 7 5"

    type: Annotated[str, REQUIRED] = ""
    object: ObjectMetricStatus | None = None
    pods: PodsMetricStatus | None = None
    resource: ResourceMetricStatus | None = None
    container_resource: ContainerResourceMetricStatus | None = None
    external: ExternalMetricStatus | None = None


class HorizontalPodAutoscalerCondition(Model):
    """TODO."""

    type: Annotated[str, REQUIRED] = ""
    status: Annotated[str, REQUIRED] = ""
    last_transition_time: OptionalTime = None
    reason: str = ""
    message: str = ""


class HorizontalPodAutoscalerStatus(Model):
    """TODO."""

    observed_generation: int | None = None
    last_scale_time: OptionalTime = None
    current_replicas: Int32 = 0
    desired_replicas: Annotated[Int32, REQUIRED] = 0
    current_metrics: Annotated[tuple[MetricStatus, ...], ALWAYS] = ()
    conditions: Annotated[tuple[HorizontalPodAutoscalerCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class HorizontalPodAutoscaler(KubeObject):
    """TODO."""

    kind: str = "HorizontalPodAutoscaler"
    api_version: str = "autoscaling/v2"
    spec: HorizontalPodAutoscalerSpec = HorizontalPodAutoscalerSpec()
    status: HorizontalPodAutoscalerStatus = HorizontalPodAutoscalerStatus()
