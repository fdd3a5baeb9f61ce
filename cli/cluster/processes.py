"""Processes by pid *and* start time: a pid alone may by now belong to somebody else.

Flow: a component starts -> *ProcessRecord* in the run directory -> the next supervisor, `naru status`, `naru down`.
Source: proc(5) for the fields of ``/proc/PID/stat``, pidfd_open(2).
"""

import json
import os
import select
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from cli.cluster.config import write_atomically

MARK: Final = "NARU_CLUSTER_RUN"  # in the environment of the supervisor, and so of all that it starts
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class ProcessRecord:
    """A process that was started for a component."""

    name: str
    pid: int
    start_ticks: int  # since boot: field 22 of /proc/PID/stat
    boot_id: str

    @classmethod
    def of(cls, name: str, pid: int) -> Self:
        """Describe a living process.

        Raises:
            ProcessLookupError: it is gone.
        """
        start = start_ticks(pid)
        if start is None:
            raise ProcessLookupError(f"process {pid} of {name} is gone")
        return cls(name, pid, start, boot_id())

    def save(self, directory: Path) -> None:
        """Write ``DIRECTORY/NAME.json``."""
        write_atomically(directory / f"{self.name}.json", json.dumps(asdict(self)).encode(), 0o644)

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Read a record; None when there is none, or a damaged one."""
        try:
            return cls(**json.loads(path.read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def open(self) -> int | None:
        """Return a pidfd of this very process; None when it is gone."""
        if self.boot_id != boot_id():
            return None
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        if start_ticks(self.pid) == self.start_ticks:
            return descriptor
        os.close(descriptor)
        return None

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return self.boot_id == boot_id() and start_ticks(self.pid) == self.start_ticks

    @property
    def uptime_s(self) -> float:
        """How long it has been running."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) - self.start_ticks / _TICKS_PER_S


def records(directory: Path) -> list[ProcessRecord]:
    """Read every record of a directory."""
    found = (ProcessRecord.load(path) for path in sorted(directory.glob("[!.]*.json")))
    return [record for record in found if record is not None]


def boot_id() -> str:
    """Return what tells this boot of the machine from the next."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_ticks(pid: int) -> int | None:
    """Return when a process started; None when it is gone or waits to be reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def pss_bytes(pid: int) -> int:
    """Return a process's share of memory, pages used by n processes counted as 1/n; 0 when it cannot be read."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    sizes = [int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")]
    return sum(sizes) * 1024


def marked(run: Path) -> list[int]:
    """Find every process that was started on behalf of the cluster with this run directory, whatever became of it."""
    mark = f"{MARK}={run}".encode()
    return [pid for pid in _pids() if pid != os.getpid() and mark in _environ(pid)]


def stop(targets: Iterable[ProcessRecord], timeout_s: float) -> list[ProcessRecord]:
    """Ask processes to stop, and kill those that have not after ``timeout_s``; return the ones that were killed."""
    opened = {fd: record for record in targets if (fd := record.open()) is not None}
    try:
        for descriptor in opened:
            _signal(descriptor, signal.SIGTERM)
        stubborn = wait_gone(opened, timeout_s)
        for descriptor in stubborn:
            _signal(descriptor, signal.SIGKILL)
        wait_gone(stubborn, timeout_s)
        return [opened[descriptor] for descriptor in stubborn]
    finally:
        for descriptor in opened:
            os.close(descriptor)


def kill(pids: Iterable[int], timeout_s: float) -> None:
    """Kill processes and wait until they are gone."""
    descriptors = []
    for pid in pids:
        try:
            descriptors.append(os.pidfd_open(pid))
        except ProcessLookupError:
            continue
        _signal(descriptors[-1], signal.SIGKILL)
    wait_gone(descriptors, timeout_s)
    for descriptor in descriptors:
        os.close(descriptor)


def wait_gone(pidfds: Iterable[int], timeout_s: float) -> list[int]:
    """Wait until all these processes have ended; return those that have not in time."""
    poller = select.poll()
    waiting = set(pidfds)
    for descriptor in waiting:
        poller.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + timeout_s
    while waiting and (left := deadline - time.monotonic()) > 0:
        for descriptor, _ in poller.poll(left * 1000):
            poller.unregister(descriptor)
            waiting.discard(descriptor)
    return sorted(waiting)


def _signal(pidfd: int, signum: int) -> None:
    try:
        signal.pidfd_send_signal(pidfd, signum)
    except ProcessLookupError:
        return


def _pids() -> Iterator[int]:
    return (int(entry) for entry in os.listdir("/proc") if entry.isdigit())


def _environ(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
