"""What processes cost: their processor time to the nanosecond, their memory, and who else is busy.

Source: clock_getcpuclockid(3) and the kernel's posix-timers.h for the clock of another process; proc(5) for
smaps_rollup and stat.
"""

import os
import time
from pathlib import Path
from typing import Final

SCHEDULED: Final = 2  # CPUCLOCK_SCHED: all threads, user and system time


def cpu_ns(pid: int) -> int:
    """Return the processor time that a process has used so far, with all its threads."""
    return time.clock_gettime_ns((~pid << 3) | SCHEDULED)


def memory_mb(pid: int) -> dict[str, float]:
    """Return the resident memory of a process (RSS), and its share of it (PSS)."""
    fields = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value, *_ = line.split()
        fields[name.rstrip(":")] = int(value) / 1024
    return {"rss": fields["Rss"], "pss": fields["Pss"]}


def machine_busy_s() -> float:
    """Return the processor time that the whole machine has used since it started."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


class Window:
    """What happened between two moments: wall time, processor time of some processes and of all others."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self._start = self._now()

    def _now(self) -> dict[str, float]:
        used = {name: cpu_ns(pid) / 1e9 for name, pid in self._pids.items()}
        return {**used, "own": time.process_time(), "wall": time.perf_counter(), "machine": machine_busy_s()}

    def close(self) -> dict[str, float]:
        """Return the seconds of each since the window opened; ``others_percent`` is of all processors."""
        spent = {name: now - self._start[name] for name, now in self._now().items()}
        ours = sum(spent[name] for name in (*self._pids, "own"))
        capacity = spent["wall"] * (os.cpu_count() or 1)
        spent["others_percent"] = max(0.0, spent.pop("machine") - ours) / capacity * 100
        return spent
