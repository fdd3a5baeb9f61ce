"""When the supervisor starts a component, and starts it again."""

import pytest

from cli.cluster.components import Component, Gate
from cli.cluster.processes import ProcessRecord
from cli.cluster.slots import MAX_DELAY_S, STABLE_AFTER_S, Slot, SlotState, backoff_s, describe_exit

RECORD = ProcessRecord("apiserver", 100, 5000, "boot")


def slot(*, once: bool = False) -> Slot:
    return Slot(Component("apiserver", "naru-apiserver", (), "m:f", gates=(Gate.PKI, Gate.UNDERLAY), once=once))


class TestSlot:
    """A component waits for its gates once, and for its back-off every time."""

    def test_waits_until_all_gates_are_open(self) -> None:
        assert not slot().ready(0, {Gate.PKI})
        assert slot().ready(0, {Gate.PKI, Gate.UNDERLAY})

    def test_a_restart_does_not_wait_for_gates(self) -> None:
        tested = slot()
        tested.started(0, RECORD)
        tested.ended(1, 9)
        assert not tested.ready(1, set())
        assert tested.ready(tested.due_at, set())

    def test_counts_restarts_not_starts(self) -> None:
        tested = slot()
        tested.started(0, RECORD)
        assert tested.restarts == 0
        tested.ended(1, 9)
        tested.started(2, RECORD)
        assert tested.restarts == 1

    def test_delays_grow_while_it_keeps_failing_and_shrink_after_a_stable_run(self) -> None:
        tested, now, delays = slot(), 0.0, []
        for _ in range(4):
            tested.started(now, RECORD)
            tested.ended(now, 256)
            delays.append(tested.due_at - now)
            now = tested.due_at
        assert delays == sorted(delays)
        assert len(set(delays)) == 4
        tested.started(now, RECORD)
        tested.ended(now + STABLE_AFTER_S, 256)
        assert tested.due_at - now - STABLE_AFTER_S == pytest.approx(delays[0])

    def test_a_job_that_ends_well_is_done(self) -> None:
        tested = slot(once=True)
        tested.started(0, RECORD)
        tested.ended(1, 0)
        assert tested.state is SlotState.DONE

    def test_a_job_that_fails_is_tried_again(self) -> None:
        tested = slot(once=True)
        tested.started(0, RECORD)
        tested.ended(1, 256)
        assert tested.state is SlotState.BACKOFF

    def test_the_delay_is_bounded(self) -> None:
        assert backoff_s(1000) == MAX_DELAY_S


@pytest.mark.parametrize(
    ("status", "text"),
    [(0, "exit code 0"), (256, "exit code 1"), (9, "killed by SIGKILL"), (None, "ended")],
)
def test_describe_exit(status: int | None, text: str) -> None:
    assert describe_exit(status) == text
