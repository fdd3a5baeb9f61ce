"""The API server with a stopwatch in its event loop: how long single steps keep all other requests waiting.

Every callback that the loop runs is timed, by the clock and by the processor time of the thread: on a busy machine only
the latter says what the server itself did. The longest ones go to a file when the server ends; SIGUSR1 forgets those
before it, such as what is imported while the server starts.

Usage: python stalls.py FILE [flags of the API server]
"""

import asyncio
import heapq
import json
import signal
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

    def note(self, cpu_ms: float, wall_ms: float, callback: object) -> None:
        """Keep a step if it is among the longest."""
        self.over_10_ms += cpu_ms > 10
        if len(self.longest) < KEPT:
            heapq.heappush(self.longest, (cpu_ms, wall_ms, named(callback)))
        elif cpu_ms > self.longest[0][0]:
            heapq.heapreplace(self.longest, (cpu_ms, wall_ms, named(callback)))

    def forget(self) -> None:
        """Begin anew."""
        self.longest.clear()
        self.over_10_ms = 0


def named(callback: object) -> str:
    """Name a step: the coroutine of its task, or the function that was called."""
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, asyncio.tasks.Task):
        return getattr(owner.get_coro(), "__qualname__", repr(owner))
    return repr(callback)


def time_callbacks(watch: Stopwatch) -> None:
    """Wrap what the loop calls for each step: a callback, or the next part of a task."""
    handles: Any = asyncio.Handle
    tasks: Any = asyncio.tasks
    tasks.Task = tasks._PyTask  # the one in C does not tell what it is about to run
    run = handles._run

    def timed(handle: Any) -> None:
        callback = handle._callback
        wall, cpu = time.perf_counter(), time.thread_time()
        run(handle)
        watch.note((time.thread_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000, callback)

    handles._run = timed


def main() -> int:
    """Run the API server, then write what was slow."""
    from apiserver.main import main as serve

    watch = Stopwatch()
    time_callbacks(watch)
    signal.signal(signal.SIGUSR1, lambda *_: watch.forget())
    code = serve(sys.argv[2:])
    steps = [{"cpu_ms": cpu, "wall_ms": wall, "step": step} for cpu, wall, step in sorted(watch.longest, reverse=True)]
    Path(sys.argv[1]).write_text(json.dumps({"longest": steps, "over_10_ms": watch.over_10_ms}))
    return code


if __name__ == "__main__":
    sys.exit(main())
