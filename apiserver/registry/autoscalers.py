"""HorizontalPodAutoscalers, in the version that is stored."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import AGE, NAME, NONE, Column
from apiserver.registry.strategy import Strategy
from naru.api.autoscaling_v2 import (
    HorizontalPodAutoscaler,
    MetricSpec,
    MetricStatus,
    MetricTarget,
    MetricValueStatus,
)
from naru.api.durations import UNKNOWN, human_age

SHOWN_METRICS: Final = 2
_ATTRIBUTES: Final = {
    "External": "external",
    "Pods": "pods",
    "Object": "object",
    "Resource": "resource",
    "ContainerResource": "container_resource",
}


class AutoscalerStrategy(Strategy[HorizontalPodAutoscaler]):
    """The rules of autoscalers."""

    has_status = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Reference", "What is scaled."),
        Column("Targets", "What is measured, and what is aimed at."),
        Column("MinPods", "The fewest replicas that there may be."),
        Column("MaxPods", "The most replicas that there may be."),
        Column("Replicas", "How many replicas there are."),
        AGE,
    )

    def row(self, obj: HorizontalPodAutoscaler, now: datetime) -> list[Any]:
        """Show what is measured."""
        target = obj.spec.scale_target_ref
        return [
            obj.metadata.name,
            f"{target.kind}/{target.name}",
            metrics_text(obj.spec.metrics, obj.status.current_metrics),
            str(obj.spec.min_replicas),
            obj.spec.max_replicas,
            obj.status.current_replicas,
            human_age(obj.metadata.creation_timestamp, now),
        ]


def metrics_text(wanted: Sequence[MetricSpec], seen: Sequence[MetricStatus]) -> str:
    """Write the first measures as ``cpu: 12%/80%``."""
    if not wanted:
        return NONE
    texts = [_metric_text(metric, seen[index] if index < len(seen) else None) for index, metric in enumerate(wanted)]
    more = len(texts) - SHOWN_METRICS
    return ", ".join(texts[:SHOWN_METRICS]) + (f" + {more} more..." if more > 0 else "")


def _metric_text(metric: MetricSpec, status: MetricStatus | None) -> str:
    attribute = _ATTRIBUTES.get(metric.type, "")
    source = getattr(metric, attribute, None)
    if source is None:
        return "<unknown type>"
    last = getattr(status, attribute, None)
    current = last.current if last is not None else MetricValueStatus()
    if attribute in ("resource", "container_resource"):
        return f"{source.name}: {_resource_text(source.target, current)}"
    return _plain_text(source.target, current, marked=attribute != "pods")


def _resource_text(target: MetricTarget, current: MetricValueStatus) -> str:
    if target.average_value is not None:
        return f"{current.average_value or UNKNOWN}/{target.average_value}"
    seen = UNKNOWN if current.average_utilization is None else f"{current.average_utilization}%"
    aim = "<auto>" if target.average_utilization is None else f"{target.average_utilization}%"
    return f"{seen}/{aim}"


def _plain_text(target: MetricTarget, current: MetricValueStatus, *, marked: bool) -> str:
    if target.average_value is not None:
        return f"{current.average_value or UNKNOWN}/{target.average_value}" + (" (avg)" if marked else "")
    return f"{current.value or UNKNOWN}/{target.value}"


STRATEGIES: Final = {"horizontalpodautoscalers.autoscaling": AutoscalerStrategy()}
