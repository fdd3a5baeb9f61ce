"""Events: those of the core group are stored; events.k8s.io has other names for the same fields."""

from typing import Any, Final

from naru.api import event_v1 as core
from naru.api import events_v1 as events

# What is called differently: by the attribute in the core group, the one in events.k8s.io.
_NAMES: Final = {
    "involved_object": "regarding",
    "message": "note",
    "source": "deprecated_source",
    "first_timestamp": "deprecated_first_timestamp",
    "last_timestamp": "deprecated_last_timestamp",
    "count": "deprecated_count",
    "reporting_component": "reporting_controller",
}
_SAME: Final = ("metadata", "event_time", "reporting_instance", "action", "reason", "related", "type")


def to_core(event: events.Event) -> core.Event:
    """Return the event as the core group writes it."""
    fields: dict[str, Any] = {name: getattr(event, name) for name in _SAME}
    fields |= {ours: getattr(event, theirs) for ours, theirs in _NAMES.items()}
    if (series := event.series) is not None:
        fields["series"] = core.EventSeries(count=series.count, last_observed_time=series.last_observed_time)
    return core.Event.model_construct(**fields)


def from_core(event: core.Event) -> events.Event:
    """Return the event as events.k8s.io writes it."""
    fields: dict[str, Any] = {name: getattr(event, name) for name in _SAME}
    fields |= {theirs: getattr(event, ours) for ours, theirs in _NAMES.items()}
    if (series := event.series) is not None:
        fields["series"] = events.EventSeries(count=series.count, last_observed_time=series.last_observed_time)
    return events.Event.model_construct(**fields)


CONVERSIONS: Final = {("events.k8s.io/v1", "v1"): to_core, ("v1", "events.k8s.io/v1"): from_core}
