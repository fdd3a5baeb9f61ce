"""HorizontalPodAutoscaler: as many pods as the load needs.

Source: Kubernetes API reference, autoscaling/v2.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.meta import KubeObject, LabelSelector
from naru.api.model import ALWAYS, REQUIRED, Int32, ListMapKeys, MergeKey, Model, OptionalTime
from naru.api.quantity import Quantity


class CrossVersionObjectReference(Model):
    """An object of any kind."""

    kind: Annotated[str, REQUIRED] = ""  # kind of the object
    name: Annotated[str, REQUIRED] = ""  # name of the object
    api_version: str = ""  # group and version of its kind


class MetricTarget(Model):
    """The value that a metric should have."""

    type: Annotated[str, REQUIRED] = ""  # Utilization, Value or AverageValue
    value: Quantity | None = None  # the value as it is
    average_value: Quantity | None = None  # the value divided by the number of pods
    average_utilization: Int32 | None = None  # the average of the pods, in percent of their requests


class MetricIdentifier(Model):
    """Which metric."""

    name: Annotated[str, REQUIRED] = ""  # name of the metric
    selector: LabelSelector | None = None  # which of its series, if it has several


class ObjectMetricSource(Model):
    """A metric of one object, such as the requests of an Ingress."""

    # the object
    described_object: Annotated[CrossVersionObjectReference, REQUIRED] = Field(
        default_factory=CrossVersionObjectReference
    )
    target: Annotated[MetricTarget, REQUIRED] = MetricTarget()  # the value that it should have
    metric: Annotated[MetricIdentifier, REQUIRED] = MetricIdentifier()  # which metric


class PodsMetricSource(Model):
    """A metric of each pod, averaged."""

    metric: Annotated[MetricIdentifier, REQUIRED] = MetricIdentifier()  # which metric
    target: Annotated[MetricTarget, REQUIRED] = MetricTarget()  # the average that it should have


class ResourceMetricSource(Model):
    """How much the pods use of what they request."""

    name: Annotated[str, REQUIRED] = ""  # the resource, such as cpu
    target: Annotated[MetricTarget, REQUIRED] = MetricTarget()  # the value that it should have


class ContainerResourceMetricSource(Model):
    """How much one container of each pod uses of what it requests."""

    name: Annotated[str, REQUIRED] = ""  # the resource, such as cpu
    target: Annotated[MetricTarget, REQUIRED] = MetricTarget()  # the value that it should have
    container: Annotated[str, REQUIRED] = ""  # name of the container


class ExternalMetricSource(Model):
    """A metric of something outside of the cluster, such as the length of a queue."""

    metric: Annotated[MetricIdentifier, REQUIRED] = MetricIdentifier()  # which metric
    target: Annotated[MetricTarget, REQUIRED] = MetricTarget()  # the value that it should have


class MetricSpec(Model):
    """What to scale by: one measure, in the field that the type names."""

    protobuf: ClassVar[str] = "1-4 7 5"

    type: Annotated[str, REQUIRED] = ""  # Object, Pods, Resource, ContainerResource or External
    object: ObjectMetricSource | None = None  # for type Object
    pods: PodsMetricSource | None = None  # for type Pods
    resource: ResourceMetricSource | None = None  # for type Resource
    container_resource: ContainerResourceMetricSource | None = None  # for type ContainerResource
    external: ExternalMetricSource | None = None  # for type External


class HPAScalingPolicy(Model):
    """How much may change in how long."""

    type: Annotated[str, REQUIRED] = ""  # Pods or Percent
    value: Annotated[Int32, REQUIRED] = 0  # so many pods, or so much percent of them
    period_seconds: Annotated[Int32, REQUIRED] = 0  # in so many seconds, 1800 at most


class HPAScalingRules(Model):
    """How fast the number of replicas may change in one direction."""

    protobuf: ClassVar[str] = "3 1 2 4"

    # the most cautious wish of so many seconds counts; 3600 at most
    stabilization_window_seconds: Int32 | None = None
    select_policy: str | None = None  # which policy counts: Max, Min, or Disabled to not scale at all
    policies: tuple[HPAScalingPolicy, ...] = ()  # how much may change in how long
    # how far from its target a metric may be before anything changes; unset: as the autoscaler says
    tolerance: Quantity | None = None


class HorizontalPodAutoscalerBehavior(Model):
    """How fast the number of replicas may change."""

    scale_up: HPAScalingRules | None = None  # towards more; unset: 4 pods or the double in 15 seconds
    scale_down: HPAScalingRules | None = None  # towards fewer; unset: as fast as is wished, after 5 minutes


class HorizontalPodAutoscalerSpec(Model):
    """What is scaled, between which bounds, by which measures."""

    # what is scaled
    scale_target_ref: Annotated[CrossVersionObjectReference, REQUIRED] = Field(
        default_factory=CrossVersionObjectReference
    )
    min_replicas: Int32 = 1  # never fewer replicas than this
    max_replicas: Annotated[Int32, REQUIRED] = 0  # never more replicas than this
    # what to scale by; the one that asks for most counts; by default 80 % of the requested CPU
    metrics: tuple[MetricSpec, ...] = ()
    behavior: HorizontalPodAutoscalerBehavior | None = None  # how fast the number may change


class MetricValueStatus(Model):
    """The value that a metric has."""

    value: Quantity | None = None  # the value as it is
    average_value: Quantity | None = None  # the value divided by the number of pods
    average_utilization: Int32 | None = None  # the average of the pods, in percent of their requests


class ObjectMetricStatus(Model):
    """A metric of one object as last read."""

    metric: Annotated[MetricIdentifier, REQUIRED] = MetricIdentifier()  # which metric
    current: Annotated[MetricValueStatus, REQUIRED] = MetricValueStatus()  # the value that it has
    # the object
    described_object: Annotated[CrossVersionObjectReference, REQUIRED] = Field(
        default_factory=CrossVersionObjectReference
    )


class PodsMetricStatus(Model):
    """A metric of each pod as last read."""

    metric: Annotated[MetricIdentifier, REQUIRED] = MetricIdentifier()  # which metric
    current: Annotated[MetricValueStatus, REQUIRED] = MetricValueStatus()  # the value that it has


class ResourceMetricStatus(Model):
    """The use of a resource as last read."""

    name: Annotated[str, REQUIRED] = ""  # the resource
    current: Annotated[MetricValueStatus, REQUIRED] = MetricValueStatus()  # the value that it has


class ContainerResourceMetricStatus(Model):
    """The use of a resource by one container of each pod as last read."""

    name: Annotated[str, REQUIRED] = ""  # the resource
    current: Annotated[MetricValueStatus, REQUIRED] = MetricValueStatus()  # the value that it has
    container: Annotated[str, REQUIRED] = ""  # name of the container


class ExternalMetricStatus(Model):
    """A metric of something outside of the cluster as last read."""

    metric: Annotated[MetricIdentifier, REQUIRED] = MetricIdentifier()  # which metric
    current: Annotated[MetricValueStatus, REQUIRED] = MetricValueStatus()  # the value that it has


class MetricStatus(Model):
    """A measure as last read, in the field that the type names."""

    protobuf: ClassVar[str] = "1-4 7 5"

    type: Annotated[str, REQUIRED] = ""  # Object, Pods, Resource, ContainerResource or External
    object: ObjectMetricStatus | None = None  # for type Object
    pods: PodsMetricStatus | None = None  # for type Pods
    resource: ResourceMetricStatus | None = None  # for type Resource
    container_resource: ContainerResourceMetricStatus | None = None  # for type ContainerResource
    external: ExternalMetricStatus | None = None  # for type External


class HorizontalPodAutoscalerCondition(Model):
    """One aspect of an autoscaler's state."""

    type: Annotated[str, REQUIRED] = ""  # AbleToScale, ScalingActive or ScalingLimited
    status: Annotated[str, REQUIRED] = ""  # True, False or Unknown
    last_transition_time: OptionalTime = None  # when status last changed
    reason: str = ""  # why, in one CamelCase word for programs
    message: str = ""  # why, in a sentence for people


class HorizontalPodAutoscalerStatus(Model):
    """What was last seen and done."""

    observed_generation: int | None = None  # the metadata.generation that this status is about
    last_scale_time: OptionalTime = None  # when the number of replicas was last changed
    current_replicas: Int32 = 0  # replicas that there were
    desired_replicas: Annotated[Int32, REQUIRED] = 0  # replicas that there should be
    # the measures as last read
    current_metrics: Annotated[tuple[MetricStatus, ...], ALWAYS] = ()
    # can it scale, does it, and is it held back
    conditions: Annotated[tuple[HorizontalPodAutoscalerCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class HorizontalPodAutoscaler(KubeObject):
    """As many pods as the load needs."""

    kind: str = "HorizontalPodAutoscaler"
    api_version: str = "autoscaling/v2"
    spec: HorizontalPodAutoscalerSpec = HorizontalPodAutoscalerSpec()  # what is wanted
    # what is there; written by the autoscaler
    status: HorizontalPodAutoscalerStatus = HorizontalPodAutoscalerStatus()
