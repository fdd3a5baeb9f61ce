"""Event: a report, kept for an hour or so, of something that happened to an object.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated

from pydantic import Field

from naru.api.meta import KubeObject
from naru.api.model import ALWAYS, Int32, MicroTime, Model, OptionalTime
from naru.api.refs_v1 import ObjectReference


class EventSource(Model):
    """The component that reports, and its host."""

    component: str = ""  # name of the program
    host: str = ""  # node that it runs on, if it matters


class EventSeries(Model):
    """An event that keeps happening."""

    count: Int32 = 0  # occurrences so far
    last_observed_time: MicroTime | None = None  # when it happened last


class Event(KubeObject):
    """Something that happened to an object, for people to read; nothing may depend on it."""

    kind: str = "Event"
    api_version: str = "v1"
    involved_object: ObjectReference  # what it happened to
    reason: str = ""  # what happened, in one CamelCase word for programs, such as FailedScheduling
    message: str = ""  # what happened, in a sentence for people
    source: EventSource = Field(default_factory=EventSource)  # who reports; newer writers fill reportingComponent
    first_timestamp: OptionalTime = None  # when it happened first
    last_timestamp: OptionalTime = None  # when it happened last
    count: Int32 = 0  # how often it happened
    type: str = ""  # Normal, or Warning
    # when it happened, to the microsecond; newer writers use it in place of the timestamps
    event_time: MicroTime | None = None
    series: EventSeries | None = None  # set from the second time on, by writers that use eventTime
    action: str = ""  # what the reporter did or tried about it
    related: ObjectReference | None = None  # a second object that has a part in it
    reporting_component: Annotated[str, ALWAYS] = ""  # name of the program, such as kubelet
    reporting_instance: Annotated[str, ALWAYS] = ""  # which of several instances of the program it was
