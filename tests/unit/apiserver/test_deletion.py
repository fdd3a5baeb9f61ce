"""What a deletion does to an object: marked, held, or gone."""

from datetime import UTC, datetime, timedelta

import pytest

from apiserver.handlers.deletion import check_options, check_preconditions, finalizers_after, plan_delete
from apiserver.registry import strategy_for
from apiserver.storage.store import Keep, Remove
from naru.api.core_v1 import ConfigMap, Container, Event, Namespace, NamespaceSpec, Pod, PodSpec
from naru.api.errors import Conflict
from naru.api.meta import KubeObject, ObjectMeta
from naru.api.options import DeleteOptions, Preconditions
from naru.api.scheme import resource_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pod(node: str = "node-1", **meta: object) -> Pod:
    spec = PodSpec(containers=(Container(name="c", image="i"),), node_name=node)
    return Pod(metadata=ObjectMeta(name="p", namespace="default", generation=1).model_copy(update=meta), spec=spec)


def config(**meta: object) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name="a", namespace="default").model_copy(update=meta))


def plan(obj: KubeObject, **options: object) -> Keep | Remove:
    return plan_at(NOW, obj, **options)


def plan_at(moment: datetime, obj: KubeObject, **options: object) -> Keep | Remove:
    resource = resource_of(type(obj))
    return plan_delete(resource, strategy_for(resource), obj, DeleteOptions().model_copy(update=options), moment)


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
            pytest.param(Namespace(), {}, Keep, id="a namespace is marked first, whoever has to empty it"),
            pytest.param(Namespace(metadata=ObjectMeta(deletion_timestamp=NOW)), {}, Remove, id="an emptied namespace"),
            pytest.param(config(finalizers=("orphan",)), {"propagation_policy": "Background"}, Remove, id="let go"),
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


class TestGrace:
    """A deletion under way can be hurried, never slowed down."""

    @pytest.mark.parametrize(
        ("after_s", "options", "ends_s", "grace_s"),
        [
            pytest.param(5, {}, 30, 30, id="a second time changes nothing"),
            pytest.param(5, {"grace_period_seconds": 60}, 30, 30, id="nor does a longer grace"),
            pytest.param(5, {"grace_period_seconds": 10}, 10, 10, id="a shorter one counts from the first request"),
            pytest.param(20, {"grace_period_seconds": 10}, 20, 1, id="one that is over already leaves a second"),
            pytest.param(20, {"grace_period_seconds": -3}, 20, 1, id="a negative one is a second"),
        ],
    )
    def test_of_a_pod(self, after_s: int, options: dict[str, object], ends_s: int, grace_s: int) -> None:
        once = plan(pod()).obj
        again = plan_at(NOW + timedelta(seconds=after_s), once, **options)
        assert isinstance(again, Keep)
        assert again.obj.metadata.deletion_timestamp == NOW + timedelta(seconds=ends_s)
        assert again.obj.metadata.deletion_grace_period_seconds == grace_s
        assert again.obj.metadata.generation == once.metadata.generation

    def test_finalizers_of_a_deletion_under_way_stay(self) -> None:
        once = plan(pod(finalizers=("orphan",))).obj
        assert plan(once, propagation_policy="Background").obj is once

    def test_the_end_of_time_is_no_fault(self) -> None:
        assert plan(pod(), grace_period_seconds=2**62).obj.metadata.deletion_grace_period_seconds == 2**62

    def test_a_pod_that_goes_at_once_is_shown_as_deleted(self) -> None:
        gone = plan(pod(node=""))
        assert isinstance(gone, Remove)
        assert gone.obj.metadata.deletion_timestamp == NOW
        assert gone.obj.metadata.deletion_grace_period_seconds == 0


class TestMarked:
    def test_an_object_that_waits_for_finalizers_has_no_grace(self) -> None:
        meta = plan(config(finalizers=("x/y",), generation=3)).obj.metadata
        assert (meta.deletion_timestamp, meta.deletion_grace_period_seconds, meta.generation) == (NOW, 0, 4)

    def test_marking_again_changes_nothing(self) -> None:
        once = plan(config(finalizers=("x/y",), generation=3)).obj
        assert plan_at(NOW + timedelta(seconds=5), once).obj == once

    def test_a_namespace_has_no_grace_and_a_second_deletion_changes_nothing(self) -> None:
        once = plan(Namespace(spec=NamespaceSpec(finalizers=("kubernetes",)))).obj
        assert once.metadata.deletion_timestamp == NOW
        assert once.metadata.deletion_grace_period_seconds is None
        assert plan_at(NOW + timedelta(seconds=5), once).obj is once


class TestPreconditions:
    @pytest.mark.parametrize(
        ("obj", "wanted", "message"),
        [
            pytest.param(
                config(uid="a-1"),
                {"uid": "b-2"},
                'Operation cannot be fulfilled on ConfigMap "a": the UID in the precondition (b-2) does not match the '
                "UID in record (a-1). The object might have been deleted and then recreated",
                id="uid",
            ),
            pytest.param(
                config(resource_version="7"),
                {"resource_version": "5"},
                'Operation cannot be fulfilled on ConfigMap "a": the ResourceVersion in the precondition (5) does not '
                "match the ResourceVersion in record (7). The object might have been modified",
                id="resourceVersion",
            ),
            pytest.param(
                Namespace(metadata=ObjectMeta(name="n", uid="a-1")),
                {"uid": "b-2"},
                'Operation cannot be fulfilled on namespaces "n": Precondition failed: UID in precondition: b-2, '
                "UID in object meta: a-1",
                id="of a namespace",
            ),
        ],
    )
    def test_message(self, obj: KubeObject, wanted: dict[str, str], message: str) -> None:
        options = DeleteOptions(preconditions=Preconditions(**wanted))
        with pytest.raises(Conflict) as refused:
            check_preconditions(resource_of(type(obj)), obj.metadata, options)
        assert refused.value.message == message


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            pytest.param(
                DeleteOptions(orphan_dependents=True, propagation_policy="Orphan"),
                'propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both '
                "set",
                id="the older form and the newer one",
            ),
            pytest.param(
                DeleteOptions(propagation_policy="Slowly"),
                'propagationPolicy: Unsupported value: "Slowly": supported values: "Foreground", "Background", '
                '"Orphan", "nil"',
                id="an unknown policy",
            ),
            pytest.param(
                DeleteOptions(dry_run=("All", "Some")),
                'dryRun: Unsupported value: ["All","Some"]: supported values: "All"',
                id="an unknown dry run",
            ),
        ],
    )
    def test_problems(self, options: DeleteOptions, message: str) -> None:
        assert [str(error) for error in check_options(options)] == [message]


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
        meta = ObjectMeta(finalizers=("x/y", "orphan"))
        assert finalizers_after(resource_of(ConfigMap), meta, options) == expected

    def test_events_have_no_dependents(self) -> None:
        assert finalizers_after(resource_of(Event), ObjectMeta(), DeleteOptions(propagation_policy="Orphan")) == ()
