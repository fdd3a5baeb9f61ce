"""HorizontalPodAutoscalers: version 2 is stored; version 1 keeps in annotations what it has no fields for.

The annotations hold JSON in forms of upstream's own: metrics and conditions as version 1 would write them, the behavior
by the names of the fields in Go.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import orjson
from pydantic import ValidationError

from naru.api import autoscaling_v1 as v1
from naru.api import autoscaling_v2 as v2
from naru.api.conversion import hpa_metrics
from naru.api.defaults.autoscaling import CPU_METRIC
from naru.api.field_errors import in_go
from naru.api.meta import ObjectMeta

T = TypeVar("T")

_PREFIX: Final = "autoscaling.alpha.kubernetes.io/"
METRICS: Final = f"{_PREFIX}metrics"
CURRENT_METRICS: Final = f"{_PREFIX}current-metrics"
BEHAVIOR: Final = f"{_PREFIX}behavior"
CONDITIONS: Final = f"{_PREFIX}conditions"
_ANNOTATIONS: Final = (METRICS, CURRENT_METRICS, BEHAVIOR, CONDITIONS)


def _without_annotations(meta: ObjectMeta) -> ObjectMeta:
    if not any(name in meta.annotations for name in _ANNOTATIONS):
        return meta
    kept = {name: text for name, text in meta.annotations.items() if name not in _ANNOTATIONS}
    return meta.model_copy(update={"annotations": kept})


def to_v1(autoscaler: v2.HorizontalPodAutoscaler) -> v1.HorizontalPodAutoscaler:
    """Return the autoscaler in version 1."""
    spec, status = autoscaler.spec, autoscaler.status
    meta = _without_annotations(autoscaler.metadata)
    annotations = {**meta.annotations, **_annotations(spec, status)}
    cpu = [metric.resource.target.average_utilization for metric in spec.metrics if _is_cpu(metric) and metric.resource]
    return v1.HorizontalPodAutoscaler(
        metadata=meta.model_copy(update={"annotations": annotations}),
        spec=v1.HorizontalPodAutoscalerSpec(
            scale_target_ref=v1.CrossVersionObjectReference(**dict(spec.scale_target_ref)),
            min_replicas=spec.min_replicas,
            max_replicas=spec.max_replicas,
            target_cpu_utilization_percentage=cpu[0] if cpu else None,
        ),
        status=v1.HorizontalPodAutoscalerStatus(
            observed_generation=status.observed_generation,
            last_scale_time=status.last_scale_time,
            current_replicas=status.current_replicas,
            desired_replicas=status.desired_replicas,
            current_cpu_utilization_percentage=_current_cpu(status.current_metrics),
        ),
    )


def _annotations(spec: v2.HorizontalPodAutoscalerSpec, status: v2.HorizontalPodAutoscalerStatus) -> dict[str, str]:
    """Write what version 1 cannot say otherwise."""
    others = [hpa_metrics.spec_to_v1(metric.wire()) for metric in spec.metrics if not _is_cpu(metric)]
    current = [hpa_metrics.status_to_v1(metric.wire()) for metric in status.current_metrics]
    behavior = in_go(spec.behavior) if spec.behavior is not None else None
    conditions = [condition.wire() for condition in status.conditions]
    said = {METRICS: others, CURRENT_METRICS: current, BEHAVIOR: behavior, CONDITIONS: conditions}
    return {name: orjson.dumps(value).decode() for name, value in said.items() if value}


def _is_cpu(metric: v2.MetricSpec) -> bool:
    """Tell whether it is the one metric that version 1 has a field for."""
    resource = metric.resource
    if metric.type != "Resource" or resource is None or resource.name != "cpu":
        return False
    return resource.target.average_utilization is not None


def _current_cpu(metrics: Iterable[v2.MetricStatus]) -> int | None:
    found = [
        metric.resource.current.average_utilization
        for metric in metrics
        if metric.type == "Resource" and metric.resource is not None and metric.resource.name == "cpu"
    ]
    return next((utilization for utilization in reversed(found) if utilization is not None), None)


def to_v2(autoscaler: v1.HorizontalPodAutoscaler) -> v2.HorizontalPodAutoscaler:
    """Return the autoscaler in version 2; annotations that cannot be read count as none."""
    spec, status, annotations = autoscaler.spec, autoscaler.status, autoscaler.metadata.annotations
    metrics = _read(annotations.get(METRICS), _metrics) or ()
    current = _read(annotations.get(CURRENT_METRICS), _current_metrics)
    if spec.target_cpu_utilization_percentage is not None:
        metrics = (*metrics, _cpu_metric(spec.target_cpu_utilization_percentage))
    return v2.HorizontalPodAutoscaler(
        metadata=_without_annotations(autoscaler.metadata),
        spec=v2.HorizontalPodAutoscalerSpec(
            scale_target_ref=v2.CrossVersionObjectReference(**dict(spec.scale_target_ref)),
            min_replicas=spec.min_replicas,
            max_replicas=spec.max_replicas,
            metrics=metrics or (CPU_METRIC,),
            behavior=_read(annotations.get(BEHAVIOR), _behavior),
        ),
        status=v2.HorizontalPodAutoscalerStatus(
            observed_generation=status.observed_generation,
            last_scale_time=status.last_scale_time,
            current_replicas=status.current_replicas,
            desired_replicas=status.desired_replicas,
            current_metrics=_cpu_status(status.current_cpu_utilization_percentage) if current is None else current,
            conditions=_read(annotations.get(CONDITIONS), _conditions) or (),
        ),
    )


def _read(text: str | None, make: Callable[[Any], T]) -> T | None:
    if text is None:
        return None
    try:
        return make(orjson.loads(text))
    except (orjson.JSONDecodeError, ValidationError, TypeError, AttributeError):
        return None


def _metrics(value: Any) -> tuple[v2.MetricSpec, ...]:
    return tuple(v2.MetricSpec.model_validate(hpa_metrics.spec_to_v2(metric)) for metric in value)


def _current_metrics(value: Any) -> tuple[v2.MetricStatus, ...]:
    return tuple(v2.MetricStatus.model_validate(hpa_metrics.status_to_v2(metric)) for metric in value)


def _conditions(value: Any) -> tuple[v2.HorizontalPodAutoscalerCondition, ...]:
    return tuple(v2.HorizontalPodAutoscalerCondition.model_validate(condition) for condition in value)


def _behavior(value: Any) -> v2.HorizontalPodAutoscalerBehavior | None:
    behavior = v2.HorizontalPodAutoscalerBehavior.model_validate(_from_go(value))
    return behavior if behavior != v2.HorizontalPodAutoscalerBehavior() else None


def _from_go(value: Any) -> Any:
    """Undo ``in_go``."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _from_go(item) for name, item in value.items() if item is not None}
    return [_from_go(item) for item in value] if isinstance(value, list) else value


def _cpu_metric(utilization: int) -> v2.MetricSpec:
    target = v2.MetricTarget(type="Utilization", average_utilization=utilization)
    return v2.MetricSpec(type="Resource", resource=v2.ResourceMetricSource(name="cpu", target=target))


def _cpu_status(utilization: int | None) -> tuple[v2.MetricStatus, ...]:
    if utilization is None:
        return ()
    current = v2.MetricValueStatus(average_utilization=utilization)
    return (v2.MetricStatus(type="Resource", resource=v2.ResourceMetricStatus(name="cpu", current=current)),)


CONVERSIONS: Final = {("autoscaling/v1", "autoscaling/v2"): to_v2, ("autoscaling/v2", "autoscaling/v1"): to_v1}
