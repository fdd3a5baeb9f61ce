from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controllers.node_lifecycle import plan_silent, plan_taints, plan_unready_pods
from controllers.taint_eviction import plan_eviction, tolerates
from naru.api.conditions import find_condition
from naru.api.core_v1 import Node, Pod, Taint, Toleration

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(minutes=5)
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"


def node(ready: str = "True", taints: Any = (), unschedulable: bool = False, **others: str) -> Node:
    conditions = [
        {"type": name, "status": status, "lastTransitionTime": BEFORE}
        for name, status in {"Ready": ready, **others}.items()
        if status
    ]
    spec = {"taints": taints, "unschedulable": unschedulable}
    return Node.model_validate({"metadata": {"name": "n"}, "spec": spec, "status": {"conditions": conditions}})


def pod(tolerations: Any = (), ready: str = "True", **meta: Any) -> Pod:
    spec = {"containers": [{"name": "c", "image": "i"}], "tolerations": tolerations}
    status = {"conditions": [{"type": "Ready", "status": ready}]}
    return Pod.model_validate({"metadata": {"name": "p", **meta}, "spec": spec, "status": status})


class TestPlanSilent:
    """What only the agent knows is Unknown once it is silent."""

    def test_a_node_that_reported(self) -> None:
        conditions = plan_silent(node(MemoryPressure="False"), NOW)
        ready = find_condition(conditions, "Ready")
        assert ready is not None
        assert (ready.status, ready.reason, ready.last_transition_time) == ("Unknown", "NodeStatusUnknown", NOW)
        assert {c.type: c.status for c in conditions} == dict.fromkeys(
            ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure"), "Unknown"
        )

    def test_a_node_that_never_reported(self) -> None:
        assert {c.reason for c in plan_silent(node(ready=""), NOW)} == {"NodeStatusNeverUpdated"}

    def test_said_once_is_enough(self) -> None:
        silent = node(ready="").model_copy(update={})
        conditions = plan_silent(silent, NOW)
        again = silent.model_copy(update={"status": silent.status.model_copy(update={"conditions": conditions})})
        assert plan_silent(again, NOW + timedelta(minutes=1)) == conditions


class TestPlanTaints:
    """Taints follow conditions; those of other makers stay."""

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            pytest.param(node(), set(), id="a ready node has none"),
            pytest.param(
                node("False"), {(NOT_READY, "NoSchedule"), (NOT_READY, "NoExecute")}, id="an agent that says it is not"
            ),
            pytest.param(
                node("Unknown"), {(UNREACHABLE, "NoSchedule"), (UNREACHABLE, "NoExecute")}, id="a silent agent"
            ),
            pytest.param(node(""), {(NOT_READY, "NoSchedule")}, id="a node that has yet to report"),
            pytest.param(
                node(DiskPressure="True"), {("node.kubernetes.io/disk-pressure", "NoSchedule")}, id="a full disk"
            ),
            pytest.param(
                node(unschedulable=True), {("node.kubernetes.io/unschedulable", "NoSchedule")}, id="a cordoned node"
            ),
            pytest.param(
                node(taints=[{"key": "gpu", "effect": "NoSchedule"}, {"key": UNREACHABLE, "effect": "NoExecute"}]),
                {("gpu", "NoSchedule")},
                id="back again: ours go, others stay",
            ),
        ],
    )
    def test_taints(self, given: Node, expected: set[tuple[str, str]]) -> None:
        assert {(t.key, t.effect) for t in plan_taints(given, NOW)} == expected

    def test_the_moment_it_was_added_is_kept(self) -> None:
        old = [{"key": UNREACHABLE, "effect": "NoExecute", "timeAdded": BEFORE}]
        added = {t.effect: t.time_added for t in plan_taints(node("Unknown", old), NOW)}
        assert added == {"NoExecute": BEFORE, "NoSchedule": NOW}

    def test_nothing_to_change_is_the_same_object(self) -> None:
        given = node("Unknown")
        tainted = given.model_copy(update={"spec": given.spec.model_copy(update={"taints": plan_taints(given, NOW)})})
        assert plan_taints(tainted, NOW + timedelta(seconds=9)) is tainted.spec.taints


def test_only_pods_that_count_as_ready_are_taken_out_of_service() -> None:
    ready, unready, leaving = pod(), pod(ready="False"), pod(deletionTimestamp=NOW)
    assert plan_unready_pods([ready, unready, leaving]) == [ready]


class TestTolerates:
    @pytest.mark.parametrize(
        ("toleration", "expected"),
        [
            pytest.param(Toleration(operator="Exists"), True, id="everything"),
            pytest.param(Toleration(key="k", operator="Exists"), True, id="the key, whatever the value"),
            pytest.param(Toleration(key="k", value="v"), True, id="key and value"),
            pytest.param(Toleration(key="k", value="w"), False, id="another value"),
            pytest.param(Toleration(key="l", operator="Exists"), False, id="another key"),
            pytest.param(Toleration(operator="Exists", effect="NoSchedule"), False, id="another effect"),
            pytest.param(Toleration(key="k", value="v", effect="NoExecute"), True, id="the effect too"),
        ],
    )
    def test_tolerates(self, toleration: Toleration, expected: bool) -> None:
        assert tolerates(toleration, Taint(key="k", value="v", effect="NoExecute")) is expected


def patience(seconds: int | None, key: str = UNREACHABLE) -> dict[str, Any]:
    return {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}


class TestPlanEviction:
    """A pod leaves when its patience with one of the taints ends, counted from when that was added."""

    TAINT = Taint(key=UNREACHABLE, effect="NoExecute", time_added=BEFORE)

    @pytest.mark.parametrize(
        ("tolerations", "moment"),
        [
            pytest.param([], NOW, id="no patience at all"),
            pytest.param([patience(300)], BEFORE + timedelta(seconds=300), id="for a while"),
            pytest.param([patience(None)], None, id="for ever"),
            pytest.param([patience(300), patience(10)], BEFORE + timedelta(seconds=10), id="the shortest counts"),
            pytest.param([patience(-5)], BEFORE, id="a negative time is none"),
            pytest.param([patience(300, "other")], NOW, id="patience with something else"),
        ],
    )
    def test_moment(self, tolerations: Any, moment: datetime | None) -> None:
        assert plan_eviction(pod(tolerations), [self.TAINT], NOW) == moment

    def test_other_effects_drive_nobody_out(self) -> None:
        assert plan_eviction(pod(), [Taint(key="k", effect="NoSchedule")], NOW) is None

    def test_of_two_taints_the_sooner(self) -> None:
        taints = [self.TAINT, Taint(key=NOT_READY, effect="NoExecute", time_added=NOW)]
        tolerations = [patience(600), patience(30, NOT_READY)]
        assert plan_eviction(pod(tolerations), taints, NOW) == NOW + timedelta(seconds=30)
