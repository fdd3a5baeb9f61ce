"""Event: a report, kept for an hour or so, of something that happened to an object.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated

from pydantic import Field

from naru.api.meta import KubeObject
from naru.api.model import ALWAYS, MicroTime, Model, OptionalTime
from naru.api.refs_v1 import ObjectReference


class EventSource(Model):
    """The component that reports, and its host."""

    component: str = ""
    host: str = ""


class EventSeries(Model):
    """An event that keeps happening."""

    count: int = 0  # occurrences so far
    last_observed_time: MicroTime | None = None


class Event(KubeObject):
    """Something that happened to an object, for people to read; nothing may depend on it."""

    kind: str = "Event"
    api_version: str = "v1"
    involved_object: ObjectReference
    reason: str = ""
    message: str = ""
    source: EventSource = Field(default_factory=EventSource)
    first_timestamp: OptionalTime = None
    last_timestamp: OptionalTime = None
    count: int = 0
    type: str = ""
    event_time: MicroTime | None = None
    series: EventSeries | None = None
    action: str = ""
    related: ObjectReference | None = None
    reporting_component: Annotated[str, ALWAYS] = ""
    reporting_instance: Annotated[str, ALWAYS] = ""
