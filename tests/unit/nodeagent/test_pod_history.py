"""A container's attempts and how long it waits between them."""

from typing import Any

import pytest

from naru.api.core_v1 import ContainerStatus
from nodeagent.pods.backoff import BackOff
from nodeagent.pods.faults import ConfigFault, StartFault
from nodeagent.pods.history import LOST, ContainerHistory
from nodeagent.runtime.spec import ContainerPhase, ContainerState


def attempt(
    number: int, phase: ContainerPhase = ContainerPhase.RUNNING, ended_at: float = 0.0, **more: Any
) -> ContainerState:
    return ContainerState(f"id{number}", "c", number, phase, finished_at_us=int(ended_at * 1e6), **more)


def ended(number: int, at: float, code: int = 1) -> ContainerState:
    return attempt(number, ContainerPhase.EXITED, at, exit_code=code)


class TestBackOff:
    def test_the_first_failure_waits_for_nothing_the_next_ones_longer_and_longer(self) -> None:
        back_off, now, waits = BackOff(), 1000.0, []
        for _ in range(8):
            due = back_off.due(now)
            waits.append(due - now)
            back_off.record(now, due)
            now = due + 1  # it runs for a second and fails again
        assert waits == [0, 10, 20, 40, 80, 160, 300, 300]

    def test_who_ran_long_enough_starts_over(self) -> None:
        back_off = BackOff()
        back_off.record(0.0, 0.0)
        back_off.record(10.0, 20.0)
        assert back_off.due(620.0) == 640.0
        assert back_off.due(621.0) == 621.0


class TestAttempts:
    def test_a_restart_keeps_the_end_before_it(self) -> None:
        history = ContainerHistory("c")
        assert not history.observe(attempt(0), 0.0)
        assert history.observe(ended(0, 5.0), 5.0)
        assert history.next_attempt == 1
        history.observe(attempt(1), 6.0)
        view = history.view()
        assert view.state is not None
        assert view.previous is not None
        assert (view.state.attempt, view.previous.attempt) == (1, 0)

    def test_an_end_is_told_once(self) -> None:
        history = ContainerHistory("c")
        history.observe(attempt(0), 0.0)
        assert history.observe(ended(0, 5.0), 5.0)
        assert not history.observe(ended(0, 5.0), 6.0)

    def test_crashes_back_off(self) -> None:
        history = ContainerHistory("c")
        history.observe(ended(0, 5.0), 5.0)
        assert history.view().due_at == 5.0
        assert history.view().back_off_s == 0
        history.begin(5.0)
        history.observe(ended(1, 7.0), 7.0)
        assert history.view().due_at == 17.0
        assert history.view().back_off_s == 10.0

    def test_a_start_that_came_to_nothing_is_no_crash(self) -> None:
        history = ContainerHistory("c")
        history.begin(0.0)
        history.fail(StartFault("ErrImagePull", "no", retry_after_s=3.0), 1.0)
        assert history.view().due_at == 4.0
        assert history.view().back_off_s == 0
        assert history.next_attempt == 0

    def test_what_waits_for_configuration_may_be_tried_at_once(self) -> None:
        history = ContainerHistory("c")
        history.fail(ConfigFault('configmap "x" not found'), 100.0)
        history.retry_now()
        assert history.view().due_at == 0.0

    def test_a_program_that_cannot_be_executed_counts_as_an_attempt(self) -> None:
        history = ContainerHistory("c")
        history.observe_failed_start("id0", "no such file", 1_000_000, 2_000_000)
        view = history.view()
        assert view.exited is not None
        assert view.exited.exit_code == 128
        assert (view.ending.reason, view.ending.message) == ("StartError", "no such file")
        assert history.next_attempt == 1

    def test_who_goes_with_the_sandbox_is_lost(self) -> None:
        history = ContainerHistory("c")
        history.observe(attempt(0), 0.0)
        history.lose_sandbox(9.0)
        view = history.view()
        assert not view.current
        assert view.exited is not None
        assert view.exited.exit_code == 137
        assert view.ending == LOST


RUNNING = {"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
END = {
    "exitCode": 3,
    "reason": "Error",
    "message": "why",
    "containerID": "naru://old",
    "finishedAt": "2026-01-01T00:00:09Z",
}


class TestRecall:
    def status(self, **more: Any) -> ContainerStatus:
        body = {"name": "c", "restartCount": 4, "containerID": "naru://now", "imageID": "sha256:1", **more}
        return ContainerStatus.model_validate(body)

    def test_what_ran_when_the_host_went_down_is_lost_and_attempts_go_on(self) -> None:
        history = ContainerHistory("c")
        history.recall(self.status(**RUNNING), 50.0)
        assert history.next_attempt == 5
        assert history.view().ending == LOST
        assert not history.view().current

    @pytest.mark.parametrize(
        "state",
        [
            pytest.param({"state": {"terminated": END}}, id="ended"),
            pytest.param({"state": {"waiting": {}}, "lastState": {"terminated": END}}, id="waiting for its restart"),
        ],
    )
    def test_an_end_is_remembered_as_it_was(self, state: dict[str, Any]) -> None:
        history = ContainerHistory("c")
        history.recall(self.status(**state), 50.0)
        view = history.view()
        assert view.exited is not None
        assert (view.exited.id, view.exited.exit_code, view.exited.attempt) == ("old", 3, 4)
        assert (view.ending.reason, view.ending.message) == ("Error", "why")

    def test_the_node_knows_better(self) -> None:
        history = ContainerHistory("c")
        history.observe(attempt(4), 0.0)
        history.recall(self.status(**RUNNING, lastState={"terminated": END}), 50.0)
        view = history.view()
        assert view.running
        assert view.previous is not None
        assert (view.previous.id, view.previous.attempt) == ("old", 3)

    def test_a_container_that_never_started_leaves_nothing(self) -> None:
        history = ContainerHistory("c")
        history.recall(self.status(containerID=""), 50.0)
        assert history.next_attempt == 0
