import pytest

from naru.api.config_v1 import ConfigMap
from naru.api.meta import ObjectMeta
from naru.controller.events import Correlator, Pace, RecentlyUsed, Report, reference


def report(message: str, name: str = "web", field_path: str = "") -> Report:
    obj = ConfigMap(metadata=ObjectMeta(name=name, namespace="default", uid=f"u-{name}"))
    return Report(reference(obj, field_path), "Normal", "Scaled", message)


class TestCorrelator:
    """However much happens, few Events are sent."""

    def setup_method(self) -> None:
        self.now_s = 0.0
        self.correlator = Correlator(lambda: self.now_s)

    def test_the_same_report_counts_as_the_same(self) -> None:
        first, second = self.correlator.admit(report("a")), self.correlator.admit(report("a"))
        assert first is not None
        assert first == second

    def test_the_same_report_on_another_part_counts_apart(self) -> None:
        first = self.correlator.admit(report("a", field_path="spec.containers{a}"))
        second = self.correlator.admit(report("a", field_path="spec.containers{b}"))
        assert first is not None
        assert second is not None
        assert first[1] != second[1]

    def test_many_similar_reports_become_one(self) -> None:
        admitted = [self.correlator.admit(report(f"message {n}")) for n in range(12)]
        last, before = admitted[-1], admitted[-2]
        assert last is not None
        assert before is not None
        assert last[0].message == "(combined from similar events): message 11"
        assert last[1] == before[1]

    def test_too_many_about_one_object_are_dropped_until_time_passes(self) -> None:
        for _ in range(25):
            assert self.correlator.admit(report("a")) is not None
        assert self.correlator.admit(report("a")) is None
        assert self.correlator.admit(report("a", "other")) is not None
        self.now_s += 301
        assert self.correlator.admit(report("a")) is not None


class TestPace:
    """Events give way to the work that they tell of."""

    def test_a_report_waits_a_moment(self) -> None:
        assert Pace().wait_s(100.0, 100.0) == pytest.approx(0.25)

    def test_one_that_has_waited_already_goes_at_once(self) -> None:
        assert Pace().wait_s(100.0, 101.0) == 0

    def test_a_burst_is_spread_after_the_first_few(self) -> None:
        pace, now_s, sent_s = Pace(), 100.0, []
        for _ in range(60):
            now_s += pace.wait_s(100.0, now_s)
            sent_s.append(now_s)
        assert sent_s[9] == pytest.approx(100.25)
        assert sent_s[59] - sent_s[10] == pytest.approx(49 * 0.08)

    def test_after_a_silence_the_next_few_go_together_again(self) -> None:
        pace = Pace()
        for _ in range(60):
            pace.wait_s(100.0, 100.0)
        assert [pace.wait_s(200.0, 201.0) for _ in range(10)] == [0] * 10


def test_a_table_forgets_what_was_not_used_for_longest() -> None:
    table: RecentlyUsed[str, list[int]] = RecentlyUsed(2)
    table.take("a", list).append(1)
    table.take("b", list)
    table.take("a", list)
    table.take("c", list)
    assert table.take("a", list) == [1]
    assert table.take("b", lambda: [9]) == [9]
