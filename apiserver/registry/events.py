"""Events: forgotten after an hour."""

from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import NAME, Column
from apiserver.registry.converted import ConvertedStrategy
from apiserver.registry.strategy import Strategy
from naru.api.durations import human_age
from naru.api.errors import FieldError
from naru.api.event_v1 import Event
from naru.api.events_v1 import Event as StrictEvent
from naru.api.meta import KubeObject
from naru.api.scheme import resource_of
from naru.api.validation.events import validate_strictly, validate_update_strictly


class EventStrategy(Strategy[Event]):
    """The rules of events."""

    allows_create_on_update = True
    ttl_seconds = 3600
    columns: ClassVar[tuple[Column, ...]] = (
        Column("Last Seen", "When it happened last."),
        Column("Type", "Normal or Warning."),
        Column("Reason", "Why, in a word for programs."),
        Column("Object", "The object that it happened to."),
        Column("Subobject", "The part of the object that it happened to.", wide=True),
        Column("Source", "The component that reports it.", wide=True),
        Column("Message", "What happened, for people."),
        Column("First Seen", "When it happened first.", wide=True),
        Column("Count", "How often it happened.", wide=True),
        Column(NAME.name, NAME.description, format="name", wide=True),
    )

    def selectable_fields(self, obj: Event) -> dict[str, str]:
        """Let clients ask for the events of one object, as ``kubectl describe`` does."""
        involved = obj.involved_object
        return {
            **super().selectable_fields(obj),
            "involvedObject.kind": involved.kind,
            "involvedObject.namespace": involved.namespace,
            "involvedObject.name": involved.name,
            "involvedObject.uid": involved.uid,
            "involvedObject.apiVersion": involved.api_version,
            "involvedObject.resourceVersion": involved.resource_version,
            "involvedObject.fieldPath": involved.field_path,
            "reason": obj.reason,
            "reportingComponent": obj.reporting_component,
            "source": obj.source.component or obj.reporting_component,
            "type": obj.type,
        }

    def row(self, obj: Event, now: datetime) -> list[Any]:
        """Tell the event in a line."""
        first = obj.first_timestamp or obj.event_time
        last, times = obj.last_timestamp or first, obj.count or 1
        if obj.series is not None:
            last, times = obj.series.last_observed_time, obj.series.count
        involved = obj.involved_object
        return [
            human_age(last, now),
            obj.type,
            obj.reason,
            "/".join(part for part in (involved.kind.lower(), involved.name) if part),
            involved.field_path,
            _source(obj),
            obj.message.strip(),
            human_age(first, now),
            times,
            obj.metadata.name,
        ]


def _source(event: Event) -> str:
    component = event.source.component or event.reporting_component
    host = event.source.host or event.reporting_instance
    return f"{component}, {host}" if host else component


class StrictEventStrategy(ConvertedStrategy):
    """The rules of events through events.k8s.io, by its names of their fields."""

    def validate(self, obj: KubeObject) -> list[FieldError]:
        """Take only what writers of the new kind send."""
        return validate_strictly(self.in_stored(obj))

    def validate_update(self, new: KubeObject, old: KubeObject) -> list[FieldError]:
        """Let nothing but the series change."""
        return validate_update_strictly(self.in_stored(new), self.in_stored(old))

    def selectable_fields(self, obj: KubeObject) -> dict[str, str]:
        """Let clients ask for the events of one object."""
        stored = super().selectable_fields(obj)
        return {theirs: stored[ours] for ours, theirs in _FIELDS.items()}


_FIELDS: Final = {
    "metadata.name": "metadata.name",
    "metadata.namespace": "metadata.namespace",
    "involvedObject.kind": "regarding.kind",
    "involvedObject.namespace": "regarding.namespace",
    "involvedObject.name": "regarding.name",
    "involvedObject.uid": "regarding.uid",
    "involvedObject.apiVersion": "regarding.apiVersion",
    "involvedObject.resourceVersion": "regarding.resourceVersion",
    "involvedObject.fieldPath": "regarding.fieldPath",
    "reason": "reason",
    "reportingComponent": "reportingController",
    "type": "type",
}  # by the name of the core group

_CORE: Final = EventStrategy()
STRATEGIES: Final = {
    "events": _CORE,
    "events.events.k8s.io": StrictEventStrategy(_CORE, resource_of(StrictEvent)),
}
