"""The histories of a pod's containers, and the questions about them that the worker and the node server ask.

Flow: shim's events, status in the API -> *ContainerRecords* -> views (plan, status), log files and ids (node server).
"""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from naru.api.container_v1 import Container
from naru.api.errors import BadRequest, NotFound
from naru.api.pod_v1 import Pod
from nodeagent.config import PodHome
from nodeagent.pods.faults import before_start
from nodeagent.pods.history import ContainerHistory
from nodeagent.pods.messages import termination_message
from nodeagent.pods.observed import ContainerView, Ending
from nodeagent.runtime.spec import ContainerPhase, ContainerState


class ContainerRecords:
    """One history a container, init containers included."""

    def __init__(self, pod: Pod, home: PodHome) -> None:
        self._pod_name = pod.metadata.name
        self._before_start = before_start(pod)
        self._home = home
        self._containers = {c.name: c for c in (*pod.spec.init_containers, *pod.spec.containers)}
        self._histories = {name: ContainerHistory(name) for name in self._containers}

    def __getitem__(self, name: str) -> ContainerHistory:
        """Return the history of a container of the pod."""
        return self._histories[name]

    def container(self, name: str) -> Container | None:
        """Return the container of that name."""
        return self._containers.get(name)

    def views(self) -> Mapping[str, ContainerView]:
        """Return the picture that plan and status work with."""
        return {name: history.view() for name, history in self._histories.items()}

    def any_busy(self) -> bool:
        """Tell whether a start is under way."""
        return any(history.busy for history in self._histories.values())

    def observe(self, states: Iterable[ContainerState]) -> list[ContainerState]:
        """Take what the shim says; return the attempts that have ended since."""
        ended = []
        for state in sorted(states, key=lambda state: state.attempt):
            history = self._histories.get(state.name)
            if history is not None and history.observe(state, time.time()):
                ended.append(state)
                if state.id not in history.endings:
                    history.endings[state.id] = Ending("", self._last_message(state))
        return ended

    def recall(self, pod: Pod) -> None:
        """Take from the API what the node does not know any more."""
        for status in (*pod.status.init_container_statuses, *pod.status.container_statuses):
            if (history := self._histories.get(status.name)) is not None:
                history.recall(status, time.time())

    def lose_sandbox(self) -> None:
        """Note that every container went with its sandbox."""
        for history in self._histories.values():
            history.lose_sandbox(time.time())

    def retry_now(self) -> None:
        """Let starts that waited for configuration be tried at once."""
        for history in self._histories.values():
            history.retry_now()

    def starts_cancelled(self) -> None:
        """Note that no start is under way any more."""
        for history in self._histories.values():
            history.busy = False

    def log_of(self, name: str, *, previous: bool) -> tuple[Path, Callable[[], bool]]:
        """Return the log of a container's newest attempt, or of the one before, and whether it may still grow.

        Raises:
            BadRequest: there is no such attempt.
        """
        history = self._asked(name)
        state = history.previous if previous else history.newest
        if state is None and previous:
            raise BadRequest(f'previous terminated container "{name}" in pod "{self._pod_name}" not found')
        if state is None:
            reason = history.waiting.reason if history.waiting else self._before_start
            raise BadRequest(f'container "{name}" in pod "{self._pod_name}" is waiting to start: {reason}')
        number = state.attempt
        return self._home.log(name, number), lambda: history.runs(number)

    def running_id(self, name: str) -> str:
        """Return the id of a running container.

        Raises:
            NotFound: it does not run.
        """
        state = self._asked(name).newest
        if state is None or state.phase is not ContainerPhase.RUNNING:
            raise NotFound(f'container not found ("{name}")')
        return state.id

    def _asked(self, name: str) -> ContainerHistory:
        if name not in self._histories:
            raise BadRequest(f"container {name} is not valid for pod {self._pod_name}")
        return self._histories[name]

    def _last_message(self, state: ContainerState) -> str:
        message, log = self._home.message(state.name, state.attempt), self._home.log(state.name, state.attempt)
        return termination_message(self._containers[state.name], state.exit_code, message, log)
