"""Strategies: what becomes of an object when it is created, changed and deleted."""

from datetime import UTC, datetime
from typing import Any

import pytest

from apiserver.authn import User
from apiserver.registry import strategy_for
from apiserver.registry.namespaces import NamespaceStrategy
from apiserver.registry.strategy import Context, generate_name
from apiserver.registry.workloads import DeploymentStrategy
from naru.api.apps_v1 import Deployment
from naru.api.autoscaling_v1 import Scale, ScaleSpec
from naru.api.core_v1 import Namespace, Node, Pod
from naru.api.meta import KubeObject
from naru.api.scheme import RESOURCES, Resource, resource_of
from naru.api.strict import decode

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONTEXT = Context(now=NOW, user=User("admin"))
POD = {"metadata": {"name": "p", "namespace": "default"}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
DEPLOYMENT: dict[str, Any] = {
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": POD["spec"]},
    },
}


def pod(**spec: Any) -> Pod:
    return decode(Pod, {**POD, "spec": {**POD["spec"], **spec}})


def deployment(**spec: Any) -> Deployment:
    return decode(Deployment, {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], **spec}})


def created(obj: KubeObject) -> Any:
    return strategy_for(resource_of(type(obj))).prepare_for_create(obj, CONTEXT)


def updated(new: KubeObject, old: KubeObject) -> Any:
    return strategy_for(resource_of(type(new))).prepare_for_update(new, old)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda r: r.plural)
def test_every_resource_has_a_strategy_with_as_many_cells_as_columns(resource: Resource) -> None:
    raw: dict[str, Any] = {"metadata": {"name": "x", "namespace": "y"}}
    raw |= {"Pod": POD, "ReplicaSet": DEPLOYMENT, "Deployment": DEPLOYMENT, "Event": {"involvedObject": {}}}.get(
        resource.kind, {}
    )
    strategy, obj = strategy_for(resource), decode(resource.model, raw)
    assert len(strategy.row(obj, NOW)) == len(strategy.columns)
    assert strategy.selectable_fields(obj)["metadata.name"] == obj.metadata.name


class TestCreate:
    """A new object gets its identity, and nothing that only time can give it."""

    def test_identity(self) -> None:
        meta = created(pod()).metadata
        assert (len(meta.uid), meta.creation_timestamp, meta.generation) == (36, NOW, 1)

    def test_the_creator_cannot_choose_it(self) -> None:
        raw = {**POD, "metadata": {"name": "p", "uid": "mine", "deletionTimestamp": "2026-01-01T00:00:00Z"}}
        meta = created(decode(Pod, raw)).metadata
        assert meta.uid != "mine"
        assert meta.deletion_timestamp is None

    def test_the_status_of_a_pod_starts_as_pending(self) -> None:
        raw = {**POD, "status": {"phase": "Running", "podIP": "1.2.3.4"}}
        assert created(decode(Pod, raw)).wire()["status"] == {"phase": "Pending", "qosClass": "BestEffort"}

    def test_a_node_brings_its_status(self) -> None:
        node = decode(Node, {"metadata": {"name": "n"}, "status": {"capacity": {"cpu": "2"}}})
        assert created(node).status.capacity == {"cpu": "2"}

    def test_a_name_is_made_from_its_beginning(self) -> None:
        name = created(decode(Pod, {**POD, "metadata": {"generateName": "web-"}})).metadata.name
        assert name.startswith("web-")
        assert len(name) == len("web-") + 5

    def test_a_made_name_is_never_too_long(self) -> None:
        assert len(generate_name("x" * 100)) == 63

    def test_a_namespace_waits_for_its_controller(self) -> None:
        namespace = created(decode(Namespace, {"metadata": {"name": "dev"}}))
        assert namespace.spec.finalizers == ("kubernetes",)
        assert namespace.status.phase == "Active"

    @pytest.mark.parametrize("meta", [{"name": "dev"}, {"generateName": "dev-"}], ids=["named", "generated"])
    def test_a_namespace_carries_its_name_as_a_label(self, meta: dict[str, str]) -> None:
        namespace = created(Namespace.model_validate({"metadata": meta}))
        assert namespace.metadata.labels == {"kubernetes.io/metadata.name": namespace.metadata.name}


class TestUpdate:
    """An update changes the spec, and leaves alone what others write."""

    def test_the_status_stays(self) -> None:
        old = deployment().model_copy(update={"status": deployment().status.model_copy(update={"replicas": 3})})
        assert updated(deployment(replicas=5), old).status.replicas == 3

    def test_the_generation_counts_changes_of_the_spec(self) -> None:
        old = created(deployment())
        assert updated(old, old).metadata.generation == 1
        labelled = old.model_copy(update={"metadata": old.metadata.model_copy(update={"labels": {"a": "b"}})})
        assert updated(labelled, old).metadata.generation == 1
        scaled = old.model_copy(update={"spec": old.spec.model_copy(update={"replicas": 9})})
        assert updated(scaled, old).metadata.generation == 2

    def test_what_the_client_leaves_out_of_the_identity_is_filled_in(self) -> None:
        old = created(deployment())
        meta = updated(deployment(), old).metadata
        assert (meta.uid, meta.creation_timestamp) == (old.metadata.uid, NOW)

    def test_the_finalizers_of_a_namespace_have_their_own_subresource(self) -> None:
        old = created(decode(Namespace, {"metadata": {"name": "dev"}}))
        bare = old.model_copy(update={"spec": old.spec.model_copy(update={"finalizers": ()})})
        assert updated(bare, old).spec.finalizers == ("kubernetes",)
        assert NamespaceStrategy().prepare_for_finalize(bare, old).spec.finalizers == ()


class TestStatusUpdate:
    """The status subresource writes the status alone."""

    def test_the_spec_stays(self) -> None:
        old = created(deployment())
        new = deployment(replicas=7).model_copy(update={"status": old.status.model_copy(update={"replicas": 2})})
        written = strategy_for(resource_of(Deployment)).prepare_for_status_update(new, old)
        assert (written.spec, written.status.replicas) == (old.spec, 2)
        assert written.metadata.uid == old.metadata.uid

    def test_the_qos_class_of_a_pod_stays(self) -> None:
        old = created(pod())
        new = old.model_copy(update={"status": old.status.model_copy(update={"qos_class": "", "phase": "Running"})})
        status = strategy_for(resource_of(Pod)).prepare_for_status_update(new, old).status
        assert (status.phase, status.qos_class) == ("Running", "BestEffort")


class TestDelete:
    """How long an object stays, and for whom it waits."""

    @pytest.mark.parametrize(
        ("deleted", "requested", "expected"),
        [
            pytest.param(pod(nodeName="n"), None, 30, id="the pod's own period"),
            pytest.param(pod(nodeName="n", terminationGracePeriodSeconds=5), None, 5, id="as the pod says"),
            pytest.param(pod(nodeName="n"), 3, 3, id="as the request says"),
            pytest.param(pod(nodeName="n"), 0, 0, id="at once"),
            pytest.param(pod(nodeName="n"), -5, 1, id="no time below one second"),
            pytest.param(pod(), None, 0, id="no node runs it"),
        ],
    )
    def test_grace_period_of_a_pod(self, deleted: Pod, requested: int | None, expected: int) -> None:
        assert strategy_for(resource_of(Pod)).grace_period_seconds(deleted, requested) == expected

    def test_a_pod_that_ended_goes_at_once(self) -> None:
        done = decode(Pod, {**pod(nodeName="n").wire(), "status": {"phase": "Succeeded"}})
        assert strategy_for(resource_of(Pod)).grace_period_seconds(done, None) == 0

    def test_other_kinds_go_at_once(self) -> None:
        assert strategy_for(resource_of(Deployment)).grace_period_seconds(deployment(), 30) == 0

    def test_a_namespace_says_that_it_is_going(self) -> None:
        strategy, namespace = NamespaceStrategy(), created(decode(Namespace, {"metadata": {"name": "dev"}}))
        assert strategy.finalizers(namespace) == ("kubernetes",)
        assert strategy.mark_deleted(namespace).status.phase == "Terminating"


def test_a_scale_shows_and_sets_the_replicas() -> None:
    strategy, obj = DeploymentStrategy(), created(deployment(replicas=3))
    scale = strategy.scale_of(obj)
    assert (scale.spec.replicas, scale.status.selector, scale.metadata.uid) == (3, "app=web", obj.metadata.uid)
    assert strategy.with_scale(obj, Scale(spec=ScaleSpec(replicas=0))).spec.replicas == 0
