"""Event, as events.k8s.io writes it; stored in the form of the core group.

Source: Kubernetes API reference, events.k8s.io/v1.
"""

from typing import Annotated

from naru.api.event_v1 import EventSource
from naru.api.meta import KubeObject
from naru.api.model import REQUIRED, Int32, MicroTime, Model, OptionalTime
from naru.api.refs_v1 import ObjectReference


class EventSeries(Model):
    """An event that keeps happening."""

    count: Annotated[Int32, REQUIRED] = 0  # occurrences so far
    last_observed_time: Annotated[MicroTime | None, REQUIRED] = None  # when it happened last


class Event(KubeObject):
    """Something that happened to an object, for people to read; the same object as the Event of the core group."""

    kind: str = "Event"
    api_version: str = "events.k8s.io/v1"
    event_time: Annotated[MicroTime | None, REQUIRED] = None  # when it happened first
    series: EventSeries | None = None  # set from the second time on
    reporting_controller: str = ""  # name of the program that reports, such as kubernetes.io/kubelet
    reporting_instance: str = ""  # which of several instances of the program it was
    action: str = ""  # what the reporter did or tried about it
    reason: str = ""  # what happened, in one CamelCase word for programs; 128 characters at most
    regarding: ObjectReference = ObjectReference()  # what it happened to
    related: ObjectReference | None = None  # a second object that has a part in it
    note: str = ""  # what happened, in a sentence for people; 1 kB at most
    type: str = ""  # Normal, or Warning
    deprecated_source: EventSource = EventSource()  # who reports, as older writers say it
    deprecated_first_timestamp: OptionalTime = None  # when it happened first, as older writers say it
    deprecated_last_timestamp: OptionalTime = None  # when it happened last, as older writers say it
    deprecated_count: Int32 = 0  # how often it happened, as older writers say it
