"""How a pod is summed up in one line: the STATUS, READY and RESTARTS columns of ``kubectl get pods``.

The status is the word that says most: why a container waits or how it ended, rather than the phase, which hides
it (a pod whose container crashes again and again is in phase Running).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from naru.api.conditions import find_condition, is_true
from naru.api.durations import human_age
from naru.api.pod_status_v1 import ContainerStateTerminated, ContainerStatus
from naru.api.pod_v1 import Pod
from naru.api.pods import is_ready, is_sidecar, is_terminal

NODE_LOST: Final = "NodeLost"  # status.reason of a pod on a node that does not answer


@dataclass(frozen=True)
class Summary:
    """The line so far."""

    reason: str
    ready: int = 0
    restarts: int = 0
    last_restart: datetime | None = None

    def counting(self, status: ContainerStatus) -> "Summary":
        """Add the restarts of one container."""
        ended = status.last_state.terminated
        moments = [self.last_restart, ended.finished_at if ended is not None else None]
        last = max((moment for moment in moments if moment is not None), default=None)
        return replace(self, restarts=self.restarts + status.restart_count, last_restart=last)

    def restarts_text(self, now: datetime) -> str:
        """Write the count and, if there was one, how long the last restart is ago."""
        if not self.restarts or self.last_restart is None:
            return str(self.restarts)
        return f"{self.restarts} ({human_age(self.last_restart, now)} ago)"


def summarize(pod: Pod) -> Summary:
    """Sum a pod up: what its init containers say if they are not through, else what its containers say."""
    summary, initializing = _after_init(pod, Summary(reason=_opening(pod)))
    if not initializing or is_true(pod.status.conditions, "Initialized"):
        summary = _after_containers(pod, summary)
    return replace(summary, reason=_closing(pod, summary.reason))


def total_containers(pod: Pod) -> int:
    """Return how many containers have to be ready: sidecars count, other init containers do not."""
    return len(pod.spec.containers) + sum(is_sidecar(container) for container in pod.spec.init_containers)


def _opening(pod: Pod) -> str:
    scheduled = find_condition(pod.status.conditions, "PodScheduled")
    if scheduled is not None and scheduled.reason == "SchedulingGated":
        return "SchedulingGated"
    return pod.status.reason or pod.status.phase


def _closing(pod: Pod, reason: str) -> str:
    """Let a deletion have the last word."""
    if pod.metadata.deletion_timestamp is None:
        return reason
    if pod.status.reason == NODE_LOST:
        return "Unknown"
    return reason if is_terminal(pod) else "Terminating"


def _after_init(pod: Pod, start: Summary) -> tuple[Summary, bool]:
    """Go through the init containers up to the first that is not done; tell whether there is one."""
    sidecars = {container.name for container in pod.spec.init_containers if is_sidecar(container)}
    every = start  # counts all restarts: shown while initializing
    lasting = start  # counts the sidecars' alone: shown afterwards
    for index, status in enumerate(pod.status.init_container_statuses):
        every = every.counting(status)
        if status.name in sidecars:
            lasting = lasting.counting(status)
        ended = status.state.terminated
        if ended is not None and ended.exit_code == 0:
            continue
        if status.name in sidecars and status.started:
            lasting = replace(lasting, ready=lasting.ready + status.ready)
            every = replace(every, ready=lasting.ready)
            continue
        reason = _init_reason(status, index, len(pod.spec.init_containers))
        if is_true(pod.status.conditions, "Initialized"):
            return replace(lasting, reason=reason), True
        return replace(every, reason=reason), True
    return lasting, False


def _init_reason(status: ContainerStatus, index: int, total: int) -> str:
    waiting, ended = status.state.waiting, status.state.terminated
    if ended is not None:
        return f"Init:{_ended_reason(ended)}"
    if waiting is not None and waiting.reason not in ("", "PodInitializing"):
        return f"Init:{waiting.reason}"
    return f"Init:{index}/{total}"


def _ended_reason(ended: ContainerStateTerminated) -> str:
    if ended.reason:
        return ended.reason
    return f"Signal:{ended.signal}" if ended.signal else f"ExitCode:{ended.exit_code}"


def _after_containers(pod: Pod, start: Summary) -> Summary:
    """Go through the containers from the last to the first, so that the first one's word stays."""
    summary, running = start, False
    for status in reversed(pod.status.container_statuses):
        summary = summary.counting(status)
        waiting, ended = status.state.waiting, status.state.terminated
        if waiting is not None and waiting.reason:
            summary = replace(summary, reason=waiting.reason)
        elif ended is not None:
            summary = replace(summary, reason=_ended_reason(ended))
        elif status.ready and status.state.running is not None:
            running = True
            summary = replace(summary, ready=summary.ready + 1)
    if summary.reason == "Completed" and running:  # one container is done, another is not
        return replace(summary, reason="Running" if is_ready(pod) else "NotReady")
    return summary
