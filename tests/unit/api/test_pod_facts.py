"""Facts about pods: readiness, requests, QoS; and the conditions and durations that tell of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from naru.api.conditions import find_condition, is_true, set_condition, without_condition
from naru.api.core_v1 import Pod, PodCondition
from naru.api.durations import human_age, human_duration
from naru.api.pods import container_path, is_active, is_available, is_ready, pod_requests, qos_class

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pod(containers: list[dict[str, Any]], init: list[dict[str, Any]] | None = None, **rest: Any) -> Pod:
    named = [{"name": f"c{i}", **c} for i, c in enumerate(containers)]
    named_init = [{"name": f"i{i}", **c} for i, c in enumerate(init or [])]
    return Pod.model_validate({"spec": {"containers": named, "initContainers": named_init, **rest}})


def cpu(request: str, **more: Any) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": request}}, **more}


def with_status(**status: Any) -> Pod:
    return pod([{}]).model_copy(
        update={"status": Pod.model_validate({"spec": {"containers": []}, "status": status}).status}
    )


class TestPodRequests:
    """The node must have free what the pod needs at its most demanding moment."""

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            pytest.param(pod([cpu("100m"), cpu("200m")]), "300m", id="containers run together"),
            pytest.param(pod([cpu("100m")], [cpu("1"), cpu("500m")]), "1", id="init containers run one by one"),
            pytest.param(pod([cpu("1")], [cpu("500m")]), "1", id="the larger moment counts"),
            pytest.param(
                pod([cpu("1")], [cpu("500m", restartPolicy="Always")]), "1500m", id="a sidecar runs beside containers"
            ),
            pytest.param(
                pod([cpu("100m")], [cpu("500m", restartPolicy="Always"), cpu("1")]),
                "1500m",
                id="a sidecar runs beside later init containers",
            ),
            pytest.param(
                pod([cpu("100m")], [cpu("1"), cpu("500m", restartPolicy="Always")]),
                "1",
                id="a sidecar does not run beside earlier init containers",
            ),
            pytest.param(pod([cpu("1")], overhead={"cpu": "250m"}), "1250m", id="overhead comes on top"),
        ],
    )
    def test_requests(self, asked: Pod, expected: str) -> None:
        assert pod_requests(asked) == {"cpu": expected}

    def test_a_limit_alone_is_a_request(self) -> None:
        limited = pod([{"resources": {"limits": {"memory": "1024Mi"}}}])
        assert pod_requests(limited) == {"memory": "1Gi"}


BOTH = {"cpu": "1", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (pod([{}]), "BestEffort"),
        (pod([cpu("1")]), "Burstable"),
        (pod([{"resources": {"limits": BOTH}}]), "Guaranteed"),
        (pod([{"resources": {"limits": BOTH, "requests": BOTH}}, {}]), "Burstable"),
        (pod([{"resources": {"limits": BOTH, "requests": {**BOTH, "cpu": "500m"}}}]), "Burstable"),
        (pod([{"resources": {"limits": {"cpu": "1"}}}]), "Burstable"),
        (pod([{"resources": {"limits": BOTH}}], [{}]), "Burstable"),
        (pod([cpu("0")]), "BestEffort"),
    ],
)
def test_qos_class(asked: Pod, expected: str) -> None:
    assert qos_class(asked) == expected


def test_a_pod_that_ended_or_is_deleted_is_not_active() -> None:
    assert is_active(with_status(phase="Running"))
    assert not is_active(with_status(phase="Failed"))
    running = with_status(phase="Running")
    deleted = running.metadata.model_copy(update={"deletion_timestamp": NOW})
    assert not is_active(running.model_copy(update={"metadata": deleted}))


def test_a_pod_is_available_when_ready_for_long_enough() -> None:
    ready = with_status(conditions=[{"type": "Ready", "status": "True", "lastTransitionTime": "2025-12-31T23:59:50Z"}])
    assert is_ready(ready)
    assert is_available(ready, 0, NOW)
    assert is_available(ready, 10, NOW)
    assert not is_available(ready, 11, NOW)
    assert not is_available(with_status(), 0, NOW)


class TestConditions:
    """One condition a type; its last transition is the moment when its status changed."""

    def test_a_new_condition_is_dated(self) -> None:
        (condition,) = set_condition((), PodCondition(type="Ready", status="True"), NOW)
        assert condition.last_transition_time == NOW

    def test_the_date_is_kept_while_the_status_stays(self) -> None:
        before = set_condition((), PodCondition(type="Ready", status="False", reason="A"), NOW)
        after = set_condition(before, PodCondition(type="Ready", status="False", reason="B"), NOW + timedelta(hours=1))
        assert after == (before[0].model_copy(update={"reason": "B"}),)

    def test_the_date_moves_when_the_status_changes(self) -> None:
        before = set_condition((), PodCondition(type="Ready", status="False"), NOW)
        later = NOW + timedelta(hours=1)
        after = set_condition(before, PodCondition(type="Ready", status="True"), later)
        assert is_true(after, "Ready")
        assert after[0].last_transition_time == later

    def test_other_conditions_stay_where_they_are(self) -> None:
        both = (PodCondition(type="A", status="True"), PodCondition(type="B", status="True"))
        assert [c.type for c in set_condition(both, PodCondition(type="A", status="False"), NOW)] == ["A", "B"]
        assert without_condition(both, "A") == both[1:]
        assert find_condition(both, "C") is None


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "<invalid>"),
        (-0.5, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (185, "3m5s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (5 * 3600 + 120, "5h2m"),
        (30 * 3600, "30h"),
        (2 * 86400, "2d"),
        (3 * 86400 + 7200, "3d2h"),
        (100 * 86400, "100d"),
        (800 * 86400, "2y70d"),
        (10 * 365 * 86400, "10y"),
    ],
)
def test_durations_are_written_as_kubectl_writes_them(seconds: float, expected: str) -> None:
    assert human_duration(seconds) == expected


def test_an_age_needs_a_beginning() -> None:
    assert human_age(None, NOW) == "<unknown>"
    assert human_age(NOW - timedelta(seconds=90), NOW) == "90s"


@pytest.mark.parametrize(("name", "path"), [("c1", "spec.containers{c1}"), ("i0", "spec.initContainers{i0}")])
def test_a_container_has_a_path_within_its_pod(name: str, path: str) -> None:
    assert container_path(pod([{}, {}], [{}]), name) == path
