"""Metrics of autoscalers in the form of version 1, in which they stand in its annotations; wire forms in and out.

Version 1 spreads over flat fields what version 2 gathers in ``metric``, ``target`` and ``current``.
"""

from collections.abc import Callable
from typing import Any, Final

Wire = dict[str, Any]
Rewrite = Callable[[Wire], Wire]


def _kept(fields: Wire) -> Wire:
    """Leave out what is not there."""
    return {name: value for name, value in fields.items() if value is not None}


def _object_to_v1(source: Wire, value: Wire, name: str) -> Wire:
    metric = source.get("metric", {})
    return {
        "target": source.get("describedObject", {}),
        "metricName": metric.get("name", ""),
        name: value.get("value", "0"),
        "selector": metric.get("selector"),
        "averageValue": value.get("averageValue"),
    }


def _pods_to_v1(source: Wire, value: Wire, name: str) -> Wire:
    metric = source.get("metric", {})
    return {
        "metricName": metric.get("name", ""),
        name: value.get("averageValue", "0"),
        "selector": metric.get("selector"),
    }


def _external_to_v1(source: Wire, value: Wire, prefix: str, absent: str | None) -> Wire:
    metric = source.get("metric", {})
    return {
        "metricName": metric.get("name", ""),
        "metricSelector": metric.get("selector"),
        f"{prefix}Value": value.get("value", absent),
        f"{prefix}AverageValue": value.get("averageValue"),
    }


def _resource_to_v1(source: Wire, value: Wire, prefix: str, absent: str | None) -> Wire:
    return {
        "name": source.get("name", ""),
        f"{prefix}AverageUtilization": value.get("averageUtilization"),
        f"{prefix}AverageValue": value.get("averageValue", absent),
        "container": source.get("container"),
    }


def spec_to_v1(metric: Wire) -> Wire:
    """Write a metric to scale by as version 1 does."""

    def rewrite(kind: str, source: Wire) -> Wire:
        target = source.get("target", {})
        match kind:
            case "object":
                return _object_to_v1(source, target, "targetValue")
            case "pods":
                return _pods_to_v1(source, target, "targetAverageValue")
            case "external":
                return _external_to_v1(source, target, "target", None)
            case _:
                return _resource_to_v1(source, target, "target", None)

    return _each_source(metric, rewrite)


def status_to_v1(metric: Wire) -> Wire:
    """Write a metric as last read as version 1 does."""

    def rewrite(kind: str, source: Wire) -> Wire:
        current = source.get("current", {})
        match kind:
            case "object":
                return _object_to_v1(source, current, "currentValue")
            case "pods":
                return _pods_to_v1(source, current, "currentAverageValue")
            case "external":
                return _external_to_v1(source, current, "current", "0")
            case _:
                return _resource_to_v1(source, current, "current", "0")

    return _each_source(metric, rewrite)


_SOURCES: Final = ("object", "pods", "resource", "containerResource", "external")


def _each_source(metric: Wire, rewrite: Callable[[str, Wire], Wire]) -> Wire:
    sources = {kind: _kept(rewrite(kind, metric[kind])) for kind in _SOURCES if metric.get(kind) is not None}
    return {"type": metric.get("type", ""), **sources}


def _metric_of(source: Wire) -> Wire:
    selector = source.get("selector", source.get("metricSelector"))
    return _kept({"name": source.get("metricName", ""), "selector": selector})


def spec_to_v2(metric: Wire) -> Wire:
    """Read a metric to scale by as version 1 writes it."""

    def rewrite(kind: str, source: Wire) -> Wire:
        value, average = source.get("targetValue"), source.get("targetAverageValue")
        utilization = source.get("targetAverageUtilization")
        match kind:
            case "object":
                average = source.get("averageValue")
                target = {"type": "Value" if average is None else "AverageValue", "value": value or "0"}
                target["averageValue"] = average
                return {"describedObject": source.get("target", {}), "metric": _metric_of(source), "target": target}
            case "pods":
                return {
                    "metric": _metric_of(source),
                    "target": {"type": "AverageValue", "averageValue": average or "0"},
                }
            case "external":
                kind = "AverageValue" if value is None else "Value"
                target = {"type": kind, "value": value, "averageValue": average}
                return {"metric": _metric_of(source), "target": target}
            case _:
                kind = "AverageValue" if utilization is None else "Utilization"
                target = {"type": kind, "averageValue": average, "averageUtilization": utilization}
                return {"name": source.get("name", ""), "container": source.get("container"), "target": target}

    return _each_source(metric, lambda kind, source: _without_none(rewrite(kind, source)))


def status_to_v2(metric: Wire) -> Wire:
    """Read a metric as last read as version 1 writes it."""

    def rewrite(kind: str, source: Wire) -> Wire:
        value, average = source.get("currentValue", "0"), source.get("currentAverageValue")
        match kind:
            case "object":
                current = {"value": value, "averageValue": source.get("averageValue")}
                return {"describedObject": source.get("target", {}), "metric": _metric_of(source), "current": current}
            case "pods":
                return {"metric": _metric_of(source), "current": {"averageValue": average or "0"}}
            case "external":
                return {"metric": _metric_of(source), "current": {"value": value, "averageValue": average}}
            case _:
                utilization = source.get("currentAverageUtilization")
                current = {"averageValue": average or "0", "averageUtilization": utilization}
                return {"name": source.get("name", ""), "container": source.get("container"), "current": current}

    return _each_source(metric, lambda kind, source: _without_none(rewrite(kind, source)))


def _without_none(source: Wire) -> Wire:
    return _kept({name: _kept(value) if isinstance(value, dict) else value for name, value in source.items()})
