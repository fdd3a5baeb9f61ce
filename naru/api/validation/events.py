"""Validation of events: lenient through the core group, where old writers come, strict through events.k8s.io.

Source: Kubernetes API reference, core/v1 and events.k8s.io/v1; the texts are those of upstream's validation, which
names the fields of the core group in both.
"""

from typing import Final

from naru.api.errors import FieldError
from naru.api.event_v1 import Event
from naru.api.field_errors import IMMUTABLE, each_invalid, invalid, required
from naru.api.names import check_dns_subdomain, check_label_key, check_path_segment
from naru.api.validation.meta import validate_meta, validate_meta_update
from naru.api.validation.rules import Rules

MAX_CHARACTERS: Final = {"reportingInstance": 128, "action": 128, "reason": 128, "message": 1024}
TYPES: Final = ("Normal", "Warning")
CLUSTER_WIDE: Final = ("default", "kube-system")  # where events about objects without namespace may be
_OLD_FIELDS: Final = "needs to be unset"


def validate_event(event: Event) -> list[FieldError]:
    """Return the faults of an event that comes through the core group."""
    errors = _validate_fields(event, "reportingComponent")
    return errors or validate_meta(event.metadata, namespaced=True, check_name=check_path_segment)


def validate_event_update(new: Event, old: Event) -> list[FieldError]:
    """Return the faults of changing an event through the core group; all of it may change."""
    return validate_meta_update(new.metadata, old.metadata) + _validate_fields(new, "reportingComponent")


def _validate_fields(event: Event, reporter: str) -> list[FieldError]:
    """Check what holds for all events; more of it for those that have an eventTime, and so a writer of the new kind."""
    namespace, about = event.metadata.namespace, event.involved_object.namespace
    if event.event_time is None:
        matches = about == namespace if about else namespace in ("", "default")
    else:
        matches = bool(about) or namespace in CLUSTER_WIDE
    errors = [] if matches else [invalid("involvedObject.namespace", about, "does not match event.namespace")]
    if event.event_time is not None:
        errors += _validate_new(event, reporter)
    return errors + each_invalid("namespace", namespace, check_dns_subdomain(namespace))


def _validate_new(event: Event, reporter: str) -> list[FieldError]:
    component = event.reporting_component
    errors = [] if component else [required(reporter)]
    errors += each_invalid(reporter, component, check_label_key(component))
    texts = {
        "reportingInstance": event.reporting_instance,
        "action": event.action,
        "reason": event.reason,
        "message": event.message,
    }
    for name, text in texts.items():
        if not text and name != "message":
            errors.append(required(name))
        if len(text.encode()) > MAX_CHARACTERS[name]:
            errors.append(invalid(name, "", f"can have at most {MAX_CHARACTERS[name]} characters"))
    return errors


def validate_strictly(event: Event) -> list[FieldError]:
    """Return the faults of an event that comes through events.k8s.io."""
    errors = _validate_fields(event, "reportingController")
    errors += validate_meta(event.metadata, namespaced=True, check_name=check_dns_subdomain)
    errors += _validate_series(event)
    errors += [] if event.event_time is not None else [required("eventTime")]
    if event.type not in TYPES:
        errors.append(invalid("type", "", f"has invalid value: {event.type}"))
    old = {
        "firstTimestamp": event.first_timestamp,
        "lastTimestamp": event.last_timestamp,
        "count": event.count,
        "source": event.source.component or event.source.host,
    }
    return errors + [invalid(name, "", _OLD_FIELDS) for name, value in old.items() if value]


def _validate_series(event: Event) -> list[FieldError]:
    if event.series is None:
        return []
    errors = [invalid("series.count", "", "should be at least 2")] if event.series.count < 2 else []
    return errors + ([required("series.lastObservedTime")] if event.series.last_observed_time is None else [])


# What an update through events.k8s.io may not change: name on the wire, attribute.
_FIXED: Final = (
    ("involvedObject", "involved_object"),
    ("reason", "reason"),
    ("message", "message"),
    ("source", "source"),
    ("firstTimestamp", "first_timestamp"),
    ("lastTimestamp", "last_timestamp"),
    ("count", "count"),
    ("reason", "reason"),
    ("type", "type"),
    ("eventTime", "event_time"),
    ("action", "action"),
    ("related", "related"),
    ("reportingController", "reporting_component"),
    ("reportingInstance", "reporting_instance"),
)


def validate_update_strictly(new: Event, old: Event) -> list[FieldError]:
    """Return the faults of changing an event through events.k8s.io: only its series goes on."""
    errors = _validate_fields(new, "reportingController") + validate_meta_update(new.metadata, old.metadata)
    if new.series != old.series:
        errors += _validate_series(new)
    wire = new.wire()
    for name, attribute in _FIXED:
        if getattr(new, attribute) != getattr(old, attribute):
            shown = "reportingComponent" if name == "reportingController" else name
            errors.append(invalid(name, wire.get(shown), IMMUTABLE))
    return errors


RULES: Final = {Event: Rules(validate_event, validate_event_update)}
