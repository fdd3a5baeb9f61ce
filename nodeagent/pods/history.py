"""What one container went through on this node: its attempts, its back-off, why it waits.

Flow: ContainerState from the shim, StartFault from a start -> *ContainerHistory* -> ContainerView -> plan, status.
"""

from dataclasses import replace
from typing import Final

from naru.api.core_v1 import ContainerStateTerminated, ContainerStatus
from nodeagent.pods.backoff import BackOff
from nodeagent.pods.faults import CONFIG_REASON, StartFault, Waiting
from nodeagent.pods.observed import ContainerView
from nodeagent.runtime.spec import ContainerPhase, ContainerState

LOST_REASON: Final = "ContainerStatusUnknown"
LOST_EXIT_CODE: Final = 137  # as if killed: 128 + SIGKILL


class ContainerHistory:
    """The mutable record behind a ContainerView."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.newest: ContainerState | None = None
        self.previous: ContainerState | None = None
        self.current = True
        self.lost = False
        self.busy = False
        self.waiting: Waiting | None = None
        self.retry_at = 0.0
        self.image_id = ""
        self.messages: dict[str, str] = {}  # termination messages by container id
        self.back_off = BackOff()

    @property
    def next_attempt(self) -> int:
        """The number of the next attempt; it is the restart count that the status will show."""
        return 0 if self.newest is None else self.newest.attempt + 1

    def observe(self, state: ContainerState) -> bool:
        """Take what the shim says of an attempt; tell whether it has just ended."""
        if self.newest is None or state.attempt > self.newest.attempt:
            self.previous, self.newest = self.newest, state
            self.current, self.lost, self.waiting = True, False, None
            return state.phase is ContainerPhase.EXITED
        if state.attempt < self.newest.attempt:
            if self.previous is None or state.attempt > self.previous.attempt:
                self.previous = state
            return False
        ended = self.newest.phase is not ContainerPhase.EXITED and state.phase is ContainerPhase.EXITED
        self.newest = state
        return ended

    def begin(self, now: float) -> None:
        """Note that a start begins; one that follows an end makes the next back-off longer."""
        ended = self._ended()
        if ended is not None and self.current and self.waiting is None:
            self.back_off.record(ended.finished_at_us / 1e6, now)
        self.busy = True

    def fail(self, fault: StartFault, now: float) -> None:
        """Note that a start came to nothing."""
        self.waiting, self.retry_at = Waiting(fault.reason, fault.message), now + fault.retry_after_s

    def retry_now(self) -> None:
        """Let a start that came to nothing be tried at once: what it waited for may have come."""
        if self.waiting is not None and self.waiting.reason == CONFIG_REASON:
            self.retry_at = 0.0

    def lose_sandbox(self, now: float) -> None:
        """Note that the sandbox died under the container."""
        self.current = False
        if self.newest is not None and self.newest.phase is not ContainerPhase.EXITED:
            self.lost = True
            self.newest = _lost(self.newest, now)

    def recall(self, status: ContainerStatus, now: float) -> None:
        """Take from the API what the node has forgotten (its host was restarted, say): attempts go on from there."""
        if not status.container_id:
            return
        self.image_id = self.image_id or status.image_id
        last, ended = status.last_state.terminated, status.state.terminated
        if self.newest is None and status.state.waiting is not None:
            self._recall_newest(status, last, now)  # it waits for its restart: the last end is the newest there is
        elif self.newest is None:
            self._recall_newest(status, ended, now)
            self.previous = self._recalled(status, last, status.restart_count - 1, now) if last else None
        elif self.previous is None and last is not None and self.newest.attempt > 0:
            self.previous = self._recalled(status, last, self.newest.attempt - 1, now)

    def _recall_newest(self, status: ContainerStatus, ended: ContainerStateTerminated | None, now: float) -> None:
        self.newest = self._recalled(status, ended, status.restart_count, now)
        self.current, self.lost = False, ended is None or ended.reason == LOST_REASON

    def _recalled(
        self, status: ContainerStatus, ended: ContainerStateTerminated | None, attempt: int, now: float
    ) -> ContainerState:
        """Build the record of an end that only the API remembers; None: nobody saw the end."""
        container_id = ((ended.container_id if ended else "") or status.container_id).rpartition("/")[2]
        self.messages[container_id] = ended.message if ended else ""
        return ContainerState(
            id=container_id,
            name=status.name,
            attempt=attempt,
            phase=ContainerPhase.EXITED,
            started_at_us=_unix_us(ended.started_at.timestamp() if ended and ended.started_at else now),
            finished_at_us=_unix_us(ended.finished_at.timestamp() if ended and ended.finished_at else now),
            exit_code=ended.exit_code if ended else LOST_EXIT_CODE,
            oom_killed=ended is not None and ended.reason == "OOMKilled",
            error=ended.message if ended is not None and ended.reason == "StartError" else "",
        )

    def view(self) -> ContainerView:
        """Return the picture that plan and status work with."""
        ended = self._ended()
        due_at, delay_s = 0.0, 0.0
        if self.waiting is not None:
            due_at = self.retry_at
        elif ended is not None and self.current:
            ended_at = ended.finished_at_us / 1e6
            due_at = self.back_off.due(ended_at)
            delay_s = self.back_off.delay_s if self.back_off.waits(ended_at) else 0.0
        return ContainerView(
            state=self.newest,
            previous=self.previous,
            current=self.current,
            lost=self.lost,
            busy=self.busy,
            waiting=self.waiting,
            due_at=due_at,
            back_off_s=delay_s,
            image_id=self.image_id,
            message=self.messages.get(self.newest.id, "") if self.newest else "",
            previous_message=self.messages.get(self.previous.id, "") if self.previous else "",
        )

    def _ended(self) -> ContainerState | None:
        return self.newest if self.newest is not None and self.newest.phase is ContainerPhase.EXITED else None


def _lost(state: ContainerState, now: float) -> ContainerState:
    return replace(
        state, phase=ContainerPhase.EXITED, pid=0, finished_at_us=_unix_us(now), exit_code=LOST_EXIT_CODE, signal=9
    )


def _unix_us(seconds: float) -> int:
    return int(seconds * 1_000_000)
