"""What the supervisor knows of one component, and when it starts it (again). No process is touched here.

=========  ==================================================================================
waiting    not started yet in this supervisor's life: its gates are not all open
running    alive: started by this supervisor, or adopted from one before
backoff    ended, and to be started again at ``due_at``
done       a job that ended well
=========  ==================================================================================
"""

import os
import signal
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from cli.cluster.components import Component, Gate
from cli.cluster.processes import ProcessRecord

FIRST_DELAY_S: Final = 0.05
MAX_DELAY_S: Final = 10.0
STABLE_AFTER_S: Final = 10.0  # who ran this long is started anew without the delays of earlier failures


class SlotState(StrEnum):
    """Where a component stands: see the table of this module."""

    WAITING = "waiting"
    RUNNING = "running"
    BACKOFF = "backoff"
    DONE = "done"


@dataclass
class Slot:
    """One component under supervision; times are of the monotonic clock."""

    component: Component
    state: SlotState = SlotState.WAITING
    record: ProcessRecord | None = None
    restarts: int = 0
    last_exit: str = ""
    due_at: float = 0.0
    _failures: int = 0  # in a row, without a stable run between them
    _started_at: float = 0.0

    def ready(self, now: float, open_gates: Collection[Gate]) -> bool:
        """Tell whether it is time to start the component."""
        if self.state is SlotState.WAITING:
            return all(gate in open_gates for gate in self.component.gates)
        return self.state is SlotState.BACKOFF and now >= self.due_at

    def started(self, now: float, record: ProcessRecord) -> None:
        """Note that a process of the component lives."""
        if self.state is SlotState.BACKOFF:
            self.restarts += 1
        self.state, self.record, self._started_at = SlotState.RUNNING, record, now

    def ended(self, now: float, wait_status: int | None) -> None:
        """Note that the process is gone; the status of an adopted one is not known (None)."""
        self.record = None
        self.last_exit = describe_exit(wait_status)
        if self.component.once and wait_status == 0:
            self.state = SlotState.DONE
            return
        self._failures = 1 if now - self._started_at >= STABLE_AFTER_S else self._failures + 1
        self.state, self.due_at = SlotState.BACKOFF, now + backoff_s(self._failures)

    def report(self) -> dict[str, Any]:
        """Return what ``supervisor.json`` says of the component."""
        pid = self.record.pid if self.record else 0
        return {"state": self.state.value, "pid": pid, "restarts": self.restarts, "lastExit": self.last_exit}


def backoff_s(failures: int) -> float:
    """Return how long to wait before the next start: at once after the first failure, then doubling."""
    return float(min(FIRST_DELAY_S * 2 ** min(failures - 1, 20), MAX_DELAY_S))


def describe_exit(wait_status: int | None) -> str:
    """Say how a process ended, from what waitpid(2) told."""
    if wait_status is None:
        return "ended"
    code = os.waitstatus_to_exitcode(wait_status)
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
