"""What one container went through on this node: its attempts, its back-off, why it waits.

Flow: ContainerState from the shim, StartFault from a start -> *ContainerHistory* -> ContainerView -> plan, status.
"""

from dataclasses import replace
from typing import Final

from naru.api.pod_status_v1 import ContainerStateTerminated, ContainerStatus
from nodeagent.images.store import Image
from nodeagent.pods.backoff import BackOff
from nodeagent.pods.faults import CONFIG_REASON, StartFault, Waiting
from nodeagent.pods.observed import ContainerView, Ending
from nodeagent.runtime.spec import ContainerPhase, ContainerState

LOST_EXIT_CODE: Final = 137  # as if killed: 128 + SIGKILL
LOST: Final = Ending("ContainerStatusUnknown", "The container could not be located when the pod was terminated")
START_ERROR_EXIT_CODE: Final = 128  # as container runtimes report a container that could not be executed


class ContainerHistory:
    """The mutable record behind a ContainerView."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.newest: ContainerState | None = None
        self.previous: ContainerState | None = None
        self.current = True
        self.busy = False
        self.waiting: Waiting | None = None
        self.retry_at = 0.0
        self.image_id = ""
        self.endings: dict[str, Ending] = {}  # by container id
        self.back_off = BackOff()

    @property
    def next_attempt(self) -> int:
        """The number of the next attempt; it is the restart count that the status will show."""
        return 0 if self.newest is None else self.newest.attempt + 1

    def runs(self, attempt: int) -> bool:
        """Tell whether this attempt may still do something."""
        newest = self.newest
        return newest is not None and newest.attempt == attempt and newest.phase is not ContainerPhase.EXITED

    def observe(self, state: ContainerState, now: float) -> bool:
        """Take what the shim says of an attempt; tell whether it has just ended."""
        if state.error:  # of a container that went with its shim: nobody saw the end
            state = replace(state, finished_at_us=state.finished_at_us or _unix_us(now))
            self.endings[state.id] = LOST
        if self.newest is None or state.attempt > self.newest.attempt:
            self.previous, self.newest = self.newest, state
            self.current, self.waiting = True, None
            return state.phase is ContainerPhase.EXITED
        if state.attempt < self.newest.attempt:
            if self.previous is None or state.attempt > self.previous.attempt:
                self.previous = state
            return False
        ended = self.newest.phase is not ContainerPhase.EXITED and state.phase is ContainerPhase.EXITED
        self.newest = state
        return ended

    def observe_failed_start(self, container_id: str, message: str, began_us: int, ended_us: int) -> None:
        """Note an attempt whose program could not be executed: it counts as one that ended."""
        state = ContainerState(
            id=container_id,
            name=self.name,
            attempt=self.next_attempt,
            phase=ContainerPhase.EXITED,
            started_at_us=began_us,
            finished_at_us=ended_us,
            exit_code=START_ERROR_EXIT_CODE,
        )
        self.endings[container_id] = Ending("StartError", message)
        self.observe(state, ended_us / 1e6)

    def begin(self, now: float) -> None:
        """Note that a start begins; one that follows an end makes the next back-off longer."""
        ended = self._ended()
        if ended is not None and self.current and self.waiting is None:
            self.back_off.record(ended.finished_at_us / 1e6, now)
        self.busy = True

    def fail(self, fault: StartFault, now: float) -> None:
        """Note that a start came to nothing."""
        self.waiting, self.retry_at = Waiting(fault.reason, fault.message), now + fault.retry_after_s

    def note_image(self, image: Image) -> None:
        """Note which image the next attempt runs."""
        self.image_id = image.repo_digest

    def retry_now(self) -> None:
        """Let a start that came to nothing be tried at once: what it waited for may have come."""
        if self.waiting is not None and self.waiting.reason == CONFIG_REASON:
            self.retry_at = 0.0

    def lose_sandbox(self, now: float) -> None:
        """Note that the sandbox died under the container."""
        self.current = False
        if self.newest is not None and self.newest.phase is not ContainerPhase.EXITED:
            ended_us = _unix_us(now)
            phase, code = ContainerPhase.EXITED, LOST_EXIT_CODE
            self.newest = replace(self.newest, phase=phase, pid=0, exit_code=code, finished_at_us=ended_us)
            self.endings[self.newest.id] = LOST

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
        self.current = False

    def _recalled(
        self, status: ContainerStatus, ended: ContainerStateTerminated | None, attempt: int, now: float
    ) -> ContainerState:
        """Build the record of an end that only the API remembers; None: nobody saw the end."""
        container_id = ((ended.container_id if ended else "") or status.container_id).rpartition("/")[2]
        self.endings[container_id] = Ending(ended.reason, ended.message) if ended else LOST
        return ContainerState(
            id=container_id,
            name=status.name,
            attempt=attempt,
            phase=ContainerPhase.EXITED,
            started_at_us=_unix_us(ended.started_at.timestamp() if ended and ended.started_at else now),
            finished_at_us=_unix_us(ended.finished_at.timestamp() if ended and ended.finished_at else now),
            exit_code=ended.exit_code if ended else LOST_EXIT_CODE,
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
            busy=self.busy,
            waiting=self.waiting,
            due_at=due_at,
            back_off_s=delay_s,
            image_id=self.image_id,
            ending=self._ending(self.newest),
            previous_ending=self._ending(self.previous),
        )

    def _ended(self) -> ContainerState | None:
        return self.newest if self.newest is not None and self.newest.phase is ContainerPhase.EXITED else None

    def _ending(self, state: ContainerState | None) -> Ending:
        return self.endings.get(state.id, Ending()) if state is not None else Ending()


def _unix_us(seconds: float) -> int:
    return int(seconds * 1_000_000)
