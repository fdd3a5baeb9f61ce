from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controllers.replicaset import (
    BURST,
    Failure,
    Plan,
    deletion_rank,
    new_pod,
    plan_recheck_s,
    plan_replicas,
    plan_status,
)
from naru.api.apps_v1 import ReplicaSet
from naru.api.core_v1 import Pod

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def replicaset(replicas: int = 3, deleted: bool = False, **spec: Any) -> ReplicaSet:
    meta: dict[str, Any] = {"name": "web-5d4", "namespace": "default", "uid": "rs", "generation": 7}
    if deleted:
        meta["deletionTimestamp"] = NOW
    template = {
        "metadata": {"labels": {"app": "web"}, "annotations": {"note": "x"}},
        "spec": {"containers": [{"name": "web", "image": "busybox"}]},
    }
    body = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template, **spec}
    return ReplicaSet.model_validate({"metadata": meta, "spec": body})


def pod(
    name: str,
    *,
    phase: str = "Running",
    node: str = "node-1",
    ready_s: float | None = 60,
    deleted: bool = False,
    restarts: int = 0,
    age_s: float = 100,
    cost: str = "",
    app: str = "web",
) -> Pod:
    meta: dict[str, Any] = {"name": name, "namespace": "default", "uid": f"uid-{name}", "labels": {"app": app}}
    meta["creationTimestamp"] = NOW - timedelta(seconds=age_s)
    if deleted:
        meta["deletionTimestamp"] = NOW
    if cost:
        meta["annotations"] = {"controller.kubernetes.io/pod-deletion-cost": cost}
    status: dict[str, Any] = {"phase": phase, "containerStatuses": [{"name": "web", "restartCount": restarts}]}
    if ready_s is not None:
        since = NOW - timedelta(seconds=ready_s)
        status["conditions"] = [{"type": "Ready", "status": "True", "lastTransitionTime": since}]
    spec = {"containers": [{"name": "web", "image": "busybox"}], "nodeName": node}
    return Pod.model_validate({"metadata": meta, "spec": spec, "status": status})


class TestPlanReplicas:
    """A ReplicaSet keeps spec.replicas active Pods, whatever happened in between."""

    @pytest.mark.parametrize(
        ("replicas", "pods", "expected"),
        [
            pytest.param(2, [], Plan(create=2), id="a new set creates all its pods"),
            pytest.param(1, [pod("a", phase="Failed")], Plan(create=1), id="a failed pod is replaced"),
            pytest.param(1, [pod("a", phase="Succeeded")], Plan(create=1), id="an ended pod is replaced"),
            pytest.param(1, [pod("a", deleted=True)], Plan(create=1), id="a pod that stops is replaced at once"),
            pytest.param(1, [pod("a")], Plan(), id="enough is enough"),
            pytest.param(0, [pod("a")], Plan(delete=(pod("a"),)), id="scaled to nothing"),
            pytest.param(10_000, [], Plan(create=BURST), id="a huge set grows in bursts"),
        ],
    )
    def test_plan(self, replicas: int, pods: list[Pod], expected: Plan) -> None:
        assert plan_replicas(replicaset(replicas), pods) == expected

    def test_a_set_on_its_way_out_leaves_its_pods_to_the_garbage_collector(self) -> None:
        assert plan_replicas(replicaset(3, deleted=True), [pod("a")]) == Plan()

    @pytest.mark.parametrize(
        ("loser", "keeper"),
        [
            pytest.param(pod("z", node=""), pod("a"), id="unscheduled before scheduled"),
            pytest.param(pod("z", phase="Pending"), pod("a"), id="pending before running"),
            pytest.param(pod("z", ready_s=None), pod("a"), id="unready before ready"),
            pytest.param(pod("z", cost="-5"), pod("a"), id="cheap before dear"),
            pytest.param(pod("z", ready_s=5), pod("a", ready_s=60), id="ready for a short time before ready for long"),
            pytest.param(pod("z", restarts=3), pod("a"), id="often restarted before steady"),
            pytest.param(pod("z", age_s=5), pod("a", age_s=60), id="young before old"),
            pytest.param(pod("a", cost="no number"), pod("z"), id="else by name"),
        ],
    )
    def test_least_is_lost(self, loser: Pod, keeper: Pod) -> None:
        for pods in ([loser, keeper], [keeper, loser]):
            assert plan_replicas(replicaset(1), pods).delete == (loser,)

    def test_crowded_nodes_are_thinned_first(self) -> None:
        pods = [pod("a", node="n1"), pod("b", node="n2"), pod("c", node="n2")]
        assert [p.metadata.name for p in plan_replicas(replicaset(2), pods).delete] == ["b"]

    def test_a_rank_orders_any_two_pods(self) -> None:
        bare = Pod.model_validate({"metadata": {"name": "bare"}, "spec": {"containers": []}})
        assert deletion_rank(bare, 1) < deletion_rank(pod("a"), 1)


class TestPlanStatus:
    """The counts are of active pods; a failure is a condition until a decision succeeds."""

    def test_counts(self) -> None:
        pods = [pod("a"), pod("b", ready_s=5), pod("c", ready_s=None), pod("d", deleted=True), pod("e", app="old")]
        status = plan_status(replicaset(5, minReadySeconds=10), pods, None, NOW)
        assert (status.replicas, status.ready_replicas, status.available_replicas) == (4, 3, 2)
        assert (status.fully_labeled_replicas, status.terminating_replicas) == (3, 1)
        assert status.observed_generation == 7

    def test_a_failure_shows_and_goes(self) -> None:
        failed = plan_status(replicaset(), [], Failure("FailedCreate", "quota", ValueError()), NOW)
        (condition,) = failed.conditions
        assert (condition.type, condition.status, condition.reason) == ("ReplicaFailure", "True", "FailedCreate")
        healed = plan_status(replicaset().model_copy(update={"status": failed}), [], None, NOW)
        assert healed.conditions == ()


class TestPlanRecheck:
    """Becoming available causes no event, so its moment is waited for."""

    @pytest.mark.parametrize(
        ("pods", "wait_s"),
        [
            pytest.param([], None, id="no pods"),
            pytest.param([pod("a", ready_s=60)], None, id="available already"),
            pytest.param([pod("a", ready_s=None)], None, id="not ready: an event will come"),
            pytest.param([pod("a", ready_s=2), pod("b", ready_s=7)], 3.05, id="the first of several"),
        ],
    )
    def test_wait(self, pods: list[Pod], wait_s: float | None) -> None:
        assert plan_recheck_s(replicaset(minReadySeconds=10), pods, NOW) == wait_s


def test_a_new_pod_is_the_template_and_says_whose_it_is() -> None:
    made = new_pod(replicaset())
    meta = made.metadata
    assert (meta.generate_name, meta.labels, meta.annotations) == ("web-5d4-", {"app": "web"}, {"note": "x"})
    (owner,) = meta.owner_references
    assert (owner.kind, owner.uid, owner.controller, owner.block_owner_deletion) == ("ReplicaSet", "rs", True, True)
