"""Event, as events.k8s.io writes it; stored in the form of the core group.

Source: Kubernetes API reference, events.k8s.io/v1.
"""

from typing import Annotated

from naru.api.event_v1 import EventSource
from naru.api.meta import KubeObject
from naru.api.model import REQUIRED, Int32, MicroTime, Model, OptionalTime
from naru.api.refs_v1 import ObjectReference


class EventSeries(Model):
    """TODO."""

    count: Annotated[Int32, REQUIRED] = 0
    last_observed_time: Annotated[MicroTime | None, REQUIRED] = None


class Event(KubeObject):
    """TODO."""

    kind: str = "Event"
    api_version: str = "events.k8s.io/v1"
    event_time: Annotated[MicroTime | None, REQUIRED] = None
    series: EventSeries | None = None
    reporting_controller: str = ""
    reporting_instance: str = ""
    action: str = ""
    reason: str = ""
    regarding: ObjectReference = ObjectReference()
    related: ObjectReference | None = None
    note: str = ""
    type: str = ""
    deprecated_source: EventSource = EventSource()
    deprecated_first_timestamp: OptionalTime = None
    deprecated_last_timestamp: OptionalTime = None
    deprecated_count: Int32 = 0
