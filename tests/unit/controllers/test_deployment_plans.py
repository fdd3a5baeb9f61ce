"""The pure parts of the Deployment controller, and a simulation that carries its plans out."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.deployment_revisions import (
    HASH_LABEL,
    Revisions,
    new_replicaset,
    plan_annotations,
    plan_cleanup,
    scale_annotations,
    sort_revisions,
    template_hash,
)
from controllers.deployment_rollout import Sizes, max_surge, max_unavailable, plan_sizes
from controllers.deployment_status import Reason, plan_paused, plan_recheck_s, plan_status
from naru.api.apps_v1 import Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet
from naru.api.conditions import find_condition

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
REVISION = "deployment.kubernetes.io/revision"


def deployment(
    replicas: int = 10, image: str = "v1", surge: Any = "25%", missing: Any = "25%", **spec: Any
) -> Deployment:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": image}]},
    }
    rolling = {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": missing}}
    body = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    body |= {"strategy": {"type": "RollingUpdate", **rolling}, **spec}
    meta = {"name": "web", "namespace": "default", "uid": "d", "generation": 3}
    return Deployment.model_validate({"metadata": meta, "spec": body})


def replicaset(
    d: Deployment, size: int, available: int | None = None, *, image: str = "v1", age_s: float = 0, **meta: Any
) -> ReplicaSet:
    """A ReplicaSet of a revision of the Deployment, whose pods are all there, and some of them available."""
    of_image = deployment(d.spec.replicas, image)
    made = new_replicaset(of_image, size, 1, d.spec.replicas + max_surge(d))
    available = size if available is None else available
    status = {"replicas": size, "available_replicas": available, "ready_replicas": available}
    created = {"creation_timestamp": NOW - timedelta(seconds=age_s), **meta}
    return made.model_copy(
        update={
            "metadata": made.metadata.model_copy(update=created),
            "status": made.status.model_copy(update=status),
        }
    )


class TestBounds:
    """Percentages of maxSurge round up, of maxUnavailable down; both nought would never move."""

    @pytest.mark.parametrize(
        ("replicas", "surge", "missing", "expected"),
        [
            pytest.param(10, "25%", "25%", (3, 2), id="surge rounds up, unavailable down"),
            pytest.param(4, 1, 0, (1, 0), id="numbers are taken as they are"),
            pytest.param(3, 0, 0, (0, 1), id="both nought: one may be missing"),
            pytest.param(1, 0, "10%", (0, 1), id="both nought after rounding"),
            pytest.param(2, 0, 5, (0, 2), id="no more can be missing than there are"),
            pytest.param(3, "100%", "100%", (3, 3), id="all at once"),
        ],
    )
    def test_bounds(self, replicas: int, surge: Any, missing: Any, expected: tuple[int, int]) -> None:
        d = deployment(replicas, surge=surge, missing=missing)
        assert (max_surge(d), max_unavailable(d)) == expected


class TestPlanSizes:
    """Each step keeps within maxSurge and maxUnavailable."""

    def plan(self, d: Deployment, *sets: ReplicaSet, old_pods_gone: bool = False) -> dict[str, int] | int | None:
        revisions = sort_revisions(d, sets)
        sizes = plan_sizes(d, revisions, old_pods_gone=old_pods_gone)
        if sizes.create is not None:
            return sizes.create
        images = {rs.metadata.name: rs.spec.template.spec.containers[0].image for rs in sets}
        return {images[name]: size for name, size in sizes.scale.items()}

    def test_the_first_revision_starts_in_full(self) -> None:
        assert self.plan(deployment(10)) == 10

    def test_a_new_revision_starts_with_the_surge(self) -> None:
        d = deployment(10, "v2", surge=3)
        assert self.plan(d, replicaset(d, 10)) == 3

    def test_old_pods_go_as_far_as_availability_allows(self) -> None:
        d = deployment(10, "v2", surge=3, missing=2)
        assert self.plan(d, replicaset(d, 10), replicaset(d, 3, 0, image="v2")) == {"v1": 8}

    def test_unhealthy_old_pods_go_first(self) -> None:
        d = deployment(10, "v2", surge=3, missing=2)
        old, older = replicaset(d, 5, 5, age_s=5), replicaset(d, 5, 3, image="v0", age_s=9)
        assert self.plan(d, old, older, replicaset(d, 3, 0, image="v2")) == {"v0": 3}

    def test_pods_that_are_on_their_way_out_are_not_counted_on(self) -> None:
        """The last step made the old revision smaller, and its status does not show it yet."""
        d = deployment(10, "v2", surge=3, missing=2)
        assert self.plan(d, replicaset(d, 8, 10), replicaset(d, 5, 3, image="v2")) == {"v1": 5}
        assert self.plan(d, replicaset(d, 8, 8), replicaset(d, 5, 7, image="v2")) == {"v1": 3}

    def test_a_revision_that_never_gets_ready_stops_the_update(self) -> None:
        d = deployment(10, "v2", surge=3, missing=2)
        assert self.plan(d, replicaset(d, 8), replicaset(d, 5, 0, image="v2")) == {}

    def test_done(self) -> None:
        d = deployment(10, "v2")
        assert self.plan(d, replicaset(d, 0), replicaset(d, 10, image="v2")) == {}

    def test_recreate_first_stops_everything(self) -> None:
        d = deployment(3, "v2", strategy={"type": "Recreate"})
        assert self.plan(d, replicaset(d, 3)) == {"v1": 0}

    def test_recreate_waits_for_the_last_pod(self) -> None:
        d = deployment(3, "v2", strategy={"type": "Recreate"})
        assert self.plan(d, replicaset(d, 0)) == {}
        assert self.plan(d, replicaset(d, 0), old_pods_gone=True) == 3

    def test_a_paused_one_scales_what_it_has(self) -> None:
        d = deployment(5, "v2", paused=True)
        assert self.plan(d, replicaset(deployment(3), 3)) == {"v1": 5}

    def test_scaling_in_the_middle_of_an_update_keeps_the_balance(self) -> None:
        before = deployment(10, "v2", surge=3, missing=2)
        old, new = replicaset(before, 8), replicaset(before, 5, 0, image="v2")
        assert self.plan(deployment(20, "v2", surge=3, missing=2), old, new) == {"v1": 14, "v2": 9}

    def test_scaling_to_nothing_in_the_middle_of_an_update(self) -> None:
        before = deployment(10, "v2", surge=3, missing=2)
        assert self.plan(deployment(0, "v2"), replicaset(before, 8), replicaset(before, 5, image="v2")) == {
            "v1": 0,
            "v2": 0,
        }

    def test_a_new_size_is_remembered_even_where_nothing_changes(self) -> None:
        d = deployment(10)
        rs = replicaset(deployment(9), 10)
        assert self.plan(d, rs) == {"v1": 10}


class World:
    """Carries plans out, as the API server, the ReplicaSet controller and the nodes would."""

    def __init__(self, d: Deployment, sets: list[ReplicaSet]) -> None:
        self.d = d
        self.sets = {rs.metadata.name: rs for rs in sets}

    def step(self) -> Sizes:
        revisions = sort_revisions(self.d, self.sets.values())
        gone = all(rs.status.replicas == 0 for rs in revisions.old)
        sizes = plan_sizes(self.d, revisions, old_pods_gone=gone)
        if sizes.create is not None:
            made = new_replicaset(self.d, sizes.create, revisions.number, self.d.spec.replicas + max_surge(self.d))
            self.sets[made.metadata.name] = made
        remembered = scale_annotations(self.d.spec.replicas, self.d.spec.replicas + max_surge(self.d))
        for name, size in sizes.scale.items():
            rs = self.sets[name]
            meta = rs.metadata.model_copy(update={"annotations": rs.metadata.annotations | remembered})
            spec = rs.spec.model_copy(update={"replicas": size})
            self.sets[name] = rs.model_copy(update={"metadata": meta, "spec": spec})
        return sizes

    def nodes_act(self) -> None:
        for name, rs in self.sets.items():
            size = rs.spec.replicas
            status = rs.status.model_copy(update={"replicas": size, "ready_replicas": size, "available_replicas": size})
            self.sets[name] = rs.model_copy(update={"status": status})

    def scaled_down(self) -> None:
        """Pods that are no longer wanted count out at once, as their controller marks them at once."""
        for name, rs in self.sets.items():
            size = min(rs.spec.replicas, rs.status.replicas)
            fewer = {"replicas": size, "available_replicas": min(size, rs.status.available_replicas)}
            self.sets[name] = rs.model_copy(update={"status": rs.status.model_copy(update=fewer)})

    @property
    def asked(self) -> int:
        return sum(rs.spec.replicas for rs in self.sets.values())

    @property
    def available(self) -> int:
        return sum(rs.status.available_replicas for rs in self.sets.values())

    def run(self) -> Iterator[None]:
        for _ in range(300):
            if self.step() == Sizes() and all(rs.spec.replicas == rs.status.replicas for rs in self.sets.values()):
                return
            self.scaled_down()
            yield
            self.nodes_act()
        pytest.fail("the rollout does not end")


AMOUNTS = st.one_of(st.integers(0, 4), st.sampled_from(["0%", "10%", "25%", "50%", "100%"]))


class TestRolloutProperties:
    """Carried out step by step, any rollout ends on the new revision and keeps its promises on the way."""

    @settings(max_examples=150, deadline=None)
    @given(replicas=st.integers(1, 12), surge=AMOUNTS, missing=AMOUNTS, revisions=st.integers(2, 4))
    def test_rolling_update(self, replicas: int, surge: Any, missing: Any, revisions: int) -> None:
        world = World(deployment(replicas, "v0", surge, missing), [])
        for number in range(revisions):
            world.d = deployment(replicas, f"v{number}", surge, missing)
            for _ in world.run():
                assert world.asked <= replicas + max_surge(world.d)
                if number > 0:
                    assert world.available >= replicas - max_unavailable(world.d)
            sizes = {rs.spec.template.spec.containers[0].image: rs.spec.replicas for rs in world.sets.values()}
            assert sizes.pop(f"v{number}") == replicas
            assert set(sizes.values()) <= {0}

    @settings(max_examples=150, deadline=None)
    @given(first=st.integers(0, 12), then=st.integers(0, 12), steps=st.integers(0, 4), surge=AMOUNTS, missing=AMOUNTS)
    def test_scaled_in_the_middle(self, first: int, then: int, steps: int, surge: Any, missing: Any) -> None:
        world = World(deployment(first, "v0", surge, missing), [])
        for _ in world.run():
            pass
        world.d = deployment(first, "v1", surge, missing)
        running = world.run()
        for _ in range(steps):
            next(running, None)
        world.d = deployment(then, "v1", surge, missing)
        for _ in world.run():
            pass
        sizes = {rs.spec.template.spec.containers[0].image: rs.spec.replicas for rs in world.sets.values()}
        assert {image: size for image, size in sizes.items() if size} == ({"v1": then} if then else {})

    @settings(max_examples=50, deadline=None)
    @given(replicas=st.integers(1, 6))
    def test_recreate_never_mixes_revisions(self, replicas: int) -> None:
        world = World(deployment(replicas, "v0", strategy={"type": "Recreate"}), [])
        for image in ("v0", "v1"):
            world.d = deployment(replicas, image, strategy={"type": "Recreate"})
            for _ in world.run():
                assert len([rs for rs in world.sets.values() if rs.spec.replicas > 0]) <= 1


class TestRevisions:
    """A revision is found by its template, numbered once, and forgotten in time."""

    def test_the_label_with_the_hash_does_not_count(self) -> None:
        d = deployment()
        rs = replicaset(d, 1)
        assert HASH_LABEL in rs.spec.template.metadata.labels
        assert sort_revisions(d, [rs]) == Revisions(rs, ())

    def test_of_two_alike_the_oldest_is_taken(self) -> None:
        d = deployment()
        old, young = replicaset(d, 1, age_s=10, name="b"), replicaset(d, 1, age_s=5, name="a")
        assert sort_revisions(d, [young, old]) == Revisions(old, (young,))

    def test_a_hash_follows_the_template_and_the_salt(self) -> None:
        one, two = deployment(image="v1").spec.template, deployment(image="v2").spec.template
        assert template_hash(one, None) == template_hash(one, None)
        assert len({template_hash(one, None), template_hash(two, None), template_hash(one, 1)}) == 3

    def test_the_change_cause_is_copied_and_bookkeeping_is_not(self) -> None:
        d = deployment()
        given_annotations = {
            "kubernetes.io/change-cause": "new image",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
            REVISION: "9",
        }
        d = d.model_copy(update={"metadata": d.metadata.model_copy(update={"annotations": given_annotations})})
        assert plan_annotations(d, {}, 1) == {"kubernetes.io/change-cause": "new image", REVISION: "1"}

    def test_a_rollback_gives_a_new_number_and_keeps_the_old_ones(self) -> None:
        existing = {REVISION: "3", "deployment.kubernetes.io/revision-history": "1"}
        expected = {REVISION: "5", "deployment.kubernetes.io/revision-history": "1,3"}
        assert plan_annotations(deployment(), existing, 5) == expected

    def test_a_number_is_never_lowered(self) -> None:
        assert plan_annotations(deployment(), {REVISION: "5"}, 2) == {REVISION: "5"}

    def test_cleanup_takes_the_lowest_numbers_and_nothing_that_has_pods(self) -> None:
        d = deployment(revisionHistoryLimit=1)
        sets = [
            replicaset(d, size, image=f"v{number}", annotations={REVISION: str(number)})
            for number, size in ((4, 0), (2, 0), (1, 3), (3, 0))
        ]
        assert [rs.metadata.annotations[REVISION] for rs in plan_cleanup(d, sets)] == ["2", "3"]


def with_status(d: Deployment, status: DeploymentStatus) -> Deployment:
    return d.model_copy(update={"status": status})


class TestPlanStatus:
    """The conditions tell how the rollout goes."""

    def reason(self, status: DeploymentStatus, type_: str = "Progressing") -> tuple[str, str] | None:
        found = find_condition(status.conditions, type_)
        return (found.status, found.reason) if found else None

    def test_available(self) -> None:
        d = deployment(10, missing=2)
        revisions = Revisions(replicaset(d, 10, 8), ())
        assert self.reason(plan_status(d, revisions, NOW, estimate_progress=True), "Available") == (
            "True",
            Reason.ENOUGH,
        )
        revisions = Revisions(replicaset(d, 10, 7), ())
        assert self.reason(plan_status(d, revisions, NOW, estimate_progress=True), "Available") == (
            "False",
            Reason.TOO_FEW,
        )

    def test_counts_over_all_revisions(self) -> None:
        d = deployment(10, "v2")
        status = plan_status(
            d, Revisions(replicaset(d, 3, 1, image="v2"), (replicaset(d, 8, 8),)), NOW, estimate_progress=True
        )
        assert (status.replicas, status.updated_replicas, status.available_replicas) == (11, 3, 9)
        assert (status.unavailable_replicas, status.observed_generation) == (2, 3)

    def test_a_rollout_progresses_completes_and_stays_complete(self) -> None:
        d = deployment(4)
        status = plan_status(d, Revisions(replicaset(d, 4, 2), ()), NOW, estimate_progress=True)
        assert self.reason(status) == ("True", Reason.UPDATED)
        d = with_status(d, status)
        status = plan_status(d, Revisions(replicaset(d, 4, 4), ()), NOW, estimate_progress=True)
        assert self.reason(status) == ("True", Reason.COMPLETE)
        d = with_status(d, status)
        later = NOW + timedelta(hours=1)
        status = plan_status(d, Revisions(replicaset(d, 4, 1), ()), later, estimate_progress=True)
        assert self.reason(status) == ("True", Reason.COMPLETE)

    def test_a_rollout_that_does_not_move_times_out(self) -> None:
        d = deployment(4, progressDeadlineSeconds=60)
        revisions = Revisions(replicaset(d, 4, 2), ())
        d = with_status(d, plan_status(d, revisions, NOW, estimate_progress=True))
        recheck_s = plan_recheck_s(d, d.status, NOW)
        assert recheck_s == 61
        later = NOW + timedelta(seconds=recheck_s)
        status = plan_status(d, revisions, later, estimate_progress=True)
        assert self.reason(status) == ("False", Reason.TIMED_OUT)
        assert plan_recheck_s(d, status, later) is None

    def test_without_a_deadline_there_is_no_such_condition(self) -> None:
        d = deployment(4, progressDeadlineSeconds=2**31 - 1)
        status = plan_status(d, Revisions(replicaset(d, 4, 2), ()), NOW, estimate_progress=True)
        assert self.reason(status) is None

    def test_a_pause_and_its_end_are_noted(self) -> None:
        paused = deployment(paused=True)
        conditions = plan_paused(paused, NOW)
        assert [(c.status, c.reason) for c in conditions] == [("Unknown", Reason.PAUSED)]
        resumed = with_status(deployment(), DeploymentStatus(conditions=conditions))
        assert [(c.status, c.reason) for c in plan_paused(resumed, NOW)] == [("Unknown", Reason.RESUMED)]

    def test_trouble_of_a_replicaset_shows(self) -> None:
        d = deployment(4)
        failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}
        rs = ReplicaSet.model_validate(replicaset(d, 4, 0).wire() | {"status": {"conditions": [failure]}})
        status = plan_status(d, Revisions(rs, ()), NOW, estimate_progress=True)
        assert self.reason(status, "ReplicaFailure") == ("True", "FailedCreate")
        d = with_status(d, status)
        healed = plan_status(d, Revisions(replicaset(d, 4), ()), NOW, estimate_progress=True)
        assert self.reason(healed, "ReplicaFailure") is None

    def test_nothing_new_is_the_same_status(self) -> None:
        d = deployment(4)
        revisions = Revisions(replicaset(d, 4), ())
        d = with_status(d, plan_status(d, revisions, NOW, estimate_progress=True))
        later = NOW + timedelta(seconds=5)
        assert plan_status(d, revisions, later, estimate_progress=True) == d.status


def test_conditions_have_upstream_s_fields() -> None:
    status = plan_status(deployment(1), Revisions(None, ()), NOW, estimate_progress=True)
    (condition,) = status.conditions
    assert isinstance(condition, DeploymentCondition)
    assert condition.last_update_time == condition.last_transition_time == NOW
