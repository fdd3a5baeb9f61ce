"""Rollouts as `naru rollout` reads them."""

from typing import Any

import pytest

from cli.faults import Fault
from cli.verbs.names import Target, parse_targets
from cli.verbs.rollout import plan_progress, plan_undo, undo_patch

DEPLOYMENT = Target(parse_targets(["deploy"])[0].resource, "web")


def deployment(generation: int = 1, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "web", "generation": generation},
        "spec": {"replicas": 3},
        "status": {"observedGeneration": 1, **status},
    }


def revision(number: int) -> tuple[int, dict[str, Any]]:
    annotations = {"deployment.kubernetes.io/revision": str(number)}
    template = {"metadata": {"labels": {"app": "web", "pod-template-hash": "x"}}, "spec": {"n": number}}
    return number, {"metadata": {"annotations": annotations}, "spec": {"template": template}}


class TestPlanProgress:
    """The steps of a rollout, in kubectl's words."""

    @pytest.mark.parametrize(
        ("obj", "message"),
        [
            (deployment(generation=2), "spec update to be observed"),
            (deployment(updatedReplicas=1), "1 out of 3 new replicas have been updated"),
            (deployment(updatedReplicas=3, replicas=4), "1 old replicas are pending termination"),
            (deployment(updatedReplicas=3, replicas=3, availableReplicas=2), "2 of 3 updated replicas are available"),
        ],
    )
    def test_under_way(self, obj: dict[str, Any], message: str) -> None:
        progress = plan_progress(obj)
        assert not progress.done
        assert message in progress.message

    def test_done(self) -> None:
        assert plan_progress(deployment(updatedReplicas=3, availableReplicas=3)).done

    def test_failed(self) -> None:
        condition = {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "status": "False"}
        assert plan_progress(deployment(conditions=[condition])).failed


class TestUndo:
    """Going back takes the template of an earlier revision, and only that."""

    def test_the_one_before_is_the_default(self) -> None:
        assert plan_undo([revision(1), revision(2), revision(3)], 0, DEPLOYMENT)["spec"]["template"]["spec"] == {"n": 2}

    def test_a_revision_that_is_gone_is_refused(self) -> None:
        with pytest.raises(Fault, match="no revision 9; it has 1, 2"):
            plan_undo([revision(1), revision(2)], 9, DEPLOYMENT)

    def test_the_first_revision_has_nothing_before_it(self) -> None:
        with pytest.raises(Fault, match="no revision to go back to"):
            plan_undo([revision(1)], 0, DEPLOYMENT)

    def test_the_controllers_label_does_not_come_back_with_the_template(self) -> None:
        current = {"metadata": {"resourceVersion": "5", "annotations": {"mine": "x"}}}
        replace = next(step for step in undo_patch(current, revision(1)[1]) if step["path"] == "/spec/template")
        assert replace["value"]["metadata"]["labels"] == {"app": "web"}


class TestParseTargets:
    """Objects as people name them."""

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            (["pods"], ["pod"]),
            (["deploy/web", "po/a"], ["deployment.apps/web", "pod/a"]),
            (["pod", "a", "b"], ["pod/a", "pod/b"]),
            (["rs,po"], ["replicaset.apps", "pod"]),
        ],
    )
    def test_understood(self, arguments: list[str], expected: list[str]) -> None:
        assert [str(target) for target in parse_targets(arguments)] == expected

    def test_all_is_every_workload_once(self) -> None:
        named = [str(target) for target in parse_targets(["all"])]
        assert {"pod", "service", "deployment.apps", "statefulset.apps", "job.batch"} <= set(named)
        assert len(named) == len(set(named))

    @pytest.mark.parametrize("arguments", [[], ["nope"], ["pod/a", "b"], ["pod/"], ["pod/a/b"]])
    def test_refused(self, arguments: list[str]) -> None:
        with pytest.raises(Fault):
            parse_targets(arguments)
