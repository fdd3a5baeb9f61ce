"""What a deletion does to an object: marked, held, or gone."""

from datetime import UTC, datetime, timedelta

import pytest

from apiserver.handlers.delete import plan_delete
from apiserver.handlers.metadata import condemned, finalizers_after
from apiserver.registry import strategy_for
from apiserver.storage.store import Keep, Remove
from naru.api.core_v1 import ConfigMap, Container, Namespace, NamespaceSpec, Pod, PodSpec
from naru.api.meta import KubeObject, ObjectMeta
from naru.api.options import DeleteOptions
from naru.api.scheme import resource_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pod(node: str = "node-1", **meta: object) -> Pod:
    spec = PodSpec(containers=(Container(name="c", image="i"),), node_name=node)
    return Pod(metadata=ObjectMeta(name="p", namespace="default", generation=1).model_copy(update=meta), spec=spec)


def config(**meta: object) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name="a", namespace="default").model_copy(update=meta))


def plan(obj: KubeObject, **options: object) -> Keep | Remove:
    strategy = strategy_for(resource_of(type(obj)))
    return plan_delete(strategy, obj, DeleteOptions().model_copy(update=options), NOW)


class TestPlanDelete:
    @pytest.mark.parametrize(
        ("obj", "options", "decision"),
        [
            pytest.param(config(), {}, Remove, id="nothing holds it"),
            pytest.param(config(finalizers=("x/y",)), {}, Keep, id="a finalizer holds it"),
            pytest.param(config(), {"propagation_policy": "Foreground"}, Keep, id="its dependents go first"),
            pytest.param(config(), {"propagation_policy": "Background"}, Remove, id="its dependents go later"),
            pytest.param(pod(), {}, Keep, id="its node must end the pod first"),
            pytest.param(pod(), {"grace_period_seconds": 0}, Remove, id="by force"),
            pytest.param(pod(node=""), {}, Remove, id="no node has the pod"),
            pytest.param(Namespace(spec=NamespaceSpec(finalizers=("kubernetes",))), {}, Keep, id="to be emptied"),
            pytest.param(Namespace(), {}, Remove, id="a namespace that nobody has to empty"),
        ],
    )
    def test_decision(self, obj: KubeObject, options: dict[str, object], decision: type) -> None:
        assert isinstance(plan(obj, **options), decision)

    def test_a_marked_pod_has_its_grace(self) -> None:
        meta = plan(pod()).obj.metadata
        assert meta.deletion_timestamp == NOW + timedelta(seconds=30)
        assert meta.deletion_grace_period_seconds == 30
        assert meta.generation == 2

    def test_a_marked_namespace_is_terminating(self) -> None:
        marked = plan(Namespace(spec=NamespaceSpec(finalizers=("kubernetes",)))).obj
        assert isinstance(marked, Namespace)
        assert marked.status.phase == "Terminating"


class TestCondemned:
    def test_a_second_time_changes_nothing(self) -> None:
        once = condemned(pod(), NOW, 30)
        assert condemned(once, NOW + timedelta(seconds=5), 30) is once

    def test_a_shorter_grace_counts_from_the_first_request(self) -> None:
        meta = condemned(condemned(pod(), NOW, 30), NOW + timedelta(seconds=5), 10).metadata
        assert meta.deletion_timestamp == NOW + timedelta(seconds=10)
        assert meta.deletion_grace_period_seconds == 10


class TestFinalizersAfter:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            pytest.param(DeleteOptions(), ("x/y", "orphan"), id="an earlier wish stands"),
            pytest.param(DeleteOptions(propagation_policy="Background"), ("x/y",), id="background"),
            pytest.param(DeleteOptions(propagation_policy="Orphan"), ("x/y", "orphan"), id="orphan"),
            pytest.param(
                DeleteOptions(propagation_policy="Foreground"), ("x/y", "foregroundDeletion"), id="foreground"
            ),
            pytest.param(DeleteOptions(orphan_dependents=False), ("x/y",), id="the older form"),
        ],
    )
    def test_names(self, options: DeleteOptions, expected: tuple[str, ...]) -> None:
        assert finalizers_after(ObjectMeta(finalizers=("x/y", "orphan")), options) == expected
