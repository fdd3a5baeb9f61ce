"""The API server with a stopwatch in its event loop: how long single steps keep all other requests waiting.

Every callback that the loop runs is timed, by the clock and by the processor time of the thread: on a busy machine only
the latter says what the server itself did. The longest ones go to a file when the server ends.

Usage: python stalls.py FILE [flags of the API server]
"""

import asyncio
import heapq
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

KEPT: Final = 10


class Stopwatch:
    """Remembers the steps that took longest."""

    def __init__(self) -> None:
        self.longest: list[tuple[float, float, str]] = []  # processor ms, wall ms, what ran
        self.over_10_ms = 0

    def note(self, cpu_ms: float, wall_ms: float, handle: asyncio.Handle) -> None:
        """Keep a step if it is among the longest."""
        self.over_10_ms += cpu_ms > 10
        if len(self.longest) < KEPT:
            heapq.heappush(self.longest, (cpu_ms, wall_ms, repr(handle)))
        elif cpu_ms > self.longest[0][0]:
            heapq.heapreplace(self.longest, (cpu_ms, wall_ms, repr(handle)))


def time_callbacks(watch: Stopwatch) -> None:
    """Wrap what the loop calls for each step: a callback, or the next part of a task."""
    handles: Any = asyncio.Handle
    run = handles._run

    def timed(handle: asyncio.Handle) -> None:
        wall, cpu = time.perf_counter(), time.thread_time()
        run(handle)
        watch.note((time.thread_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000, handle)

    handles._run = timed


def main() -> int:
    """Run the API server, then write what was slow."""
    from apiserver.main import main as serve

    watch = Stopwatch()
    time_callbacks(watch)
    code = serve(sys.argv[2:])
    steps = [{"cpu_ms": cpu, "wall_ms": wall, "step": step} for cpu, wall, step in sorted(watch.longest, reverse=True)]
    Path(sys.argv[1]).write_text(json.dumps({"longest": steps, "over_10_ms": watch.over_10_ms}))
    return code


if __name__ == "__main__":
    sys.exit(main())
