"""Why a write was made: the header that tells, and its encoding.

Flow: reconcile -> Cause -> *Naru-Trail header* -> API server -> its ring of records -> ``naru trail``.
The header holds JSON in ASCII, for example (on one line)::

    {"component": "deployment-controller",
     "cause": {"kind": "Deployment", "apiVersion": "apps/v1", "namespace": "default", "name": "web", "uid": "5f0c...",
               "resourceVersion": "811", "reason": "scaled up web-5d4 from 1 to 3"},
     "spans": [{"name": "pull", "startUnixUs": 1767225600000000, "durationUs": 5300}]}

Other servers ignore the header; other clients do not send it.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self

from naru.api.meta import KubeObject

HEADER: Final = "Naru-Trail"
MAX_HEADER_BYTES: Final = 7_000  # servers commonly refuse header lines of 8 KiB
_MAX_REASON_CHARACTERS: Final = 500


@dataclass(frozen=True)
class Cause:
    """The object whose state made a component write, the revision it saw, and its reason in words."""

    kind: str
    api_version: str
    namespace: str
    name: str
    uid: str
    resource_version: str
    reason: str

    @classmethod
    def of(cls, obj: KubeObject, reason: str) -> Self:
        """Name an object as the cause, at the revision that the caller acted on."""
        meta = obj.metadata
        return cls(obj.kind, obj.api_version, meta.namespace, meta.name, meta.uid, meta.resource_version, reason)

    def wire(self) -> dict[str, str]:
        """Return the cause as the header and the records of the trail hold it."""
        return {
            "kind": self.kind,
            "apiVersion": self.api_version,
            "namespace": self.namespace,
            "name": self.name,
            "uid": self.uid,
            "resourceVersion": self.resource_version,
            "reason": self.reason[:_MAX_REASON_CHARACTERS],
        }

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> Self:
        """Read what :meth:`wire` wrote; a field that is missing is empty."""
        names = ("kind", "apiVersion", "namespace", "name", "uid", "resourceVersion", "reason")
        return cls(*(str(data.get(name, "")) for name in names))


@dataclass(frozen=True)
class Span:
    """One timed step on the way to a write."""

    name: str
    start_unix_us: int
    duration_us: int


@dataclass(frozen=True)
class Trail:
    """What the header says: who writes, why, and what it took."""

    component: str
    cause: Cause | None = None
    spans: tuple[Span, ...] = ()


class Stopwatch:
    """Collects spans: ``with watch.span("overlay"): ...``."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Time the block, also when it raises."""
        wall_us = time.time_ns() // 1_000
        start = time.perf_counter_ns()
        try:
            yield
        finally:
            self.spans.append(Span(name, wall_us, (time.perf_counter_ns() - start) // 1_000))


def encode(component: str, cause: Cause | None = None, spans: Sequence[Span] = ()) -> str:
    """Write the header's value; spans that do not fit into a header are left out, the last ones first."""
    body: dict[str, Any] = {"component": component, "cause": cause.wire() if cause else None, "spans": []}
    room = MAX_HEADER_BYTES - len(_dump(body))
    for span in spans:
        item = {"name": span.name, "startUnixUs": span.start_unix_us, "durationUs": span.duration_us}
        room -= len(_dump(item)) + 1
        if room < 0:
            break
        body["spans"].append(item)
    return _dump(body)


def decode(value: str | None) -> Trail | None:
    """Read a header's value; None when there is none, or when it is not ours: anybody may send anything."""
    if not value or len(value) > 2 * MAX_HEADER_BYTES:
        return None
    try:
        body = json.loads(value)
        cause = Cause.from_wire(body["cause"]) if body.get("cause") else None
        spans = tuple(
            Span(str(item["name"]), int(item["startUnixUs"]), int(item["durationUs"])) for item in body.get("spans", ())
        )
        return Trail(str(body["component"]), cause, spans)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _dump(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=True, separators=(",", ":"))
