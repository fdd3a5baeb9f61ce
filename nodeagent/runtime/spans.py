"""Timing the steps of a start, for the trail and for whoever wants to know where the milliseconds go."""

import time
from types import TracebackType

from nodeagent.runtime.spec import Span


class SpanRecorder:
    """Collects spans: ``with recorder("overlay"): ...``. Steps of one recorder do not nest."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._name = ""
        self._began_ns = 0

    def __call__(self, name: str) -> "SpanRecorder":
        """Name the step that the following ``with`` block is."""
        self._name = name
        return self

    def __enter__(self) -> None:
        """Begin the step."""
        self._began_ns = time.time_ns()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """End it, also when it failed."""
        self.add(self._name, self._began_ns, time.time_ns())

    def add(self, name: str, began_ns: int, ended_ns: int) -> None:
        """Record a step that was timed elsewhere, by the wall clock."""
        self.spans.append(Span(name, began_ns // 1000, (ended_ns - began_ns) // 1000))
