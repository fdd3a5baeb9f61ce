"""Admission: what the cluster adds to a pod, and what it refuses."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from apiserver.admission.chain import admit
from apiserver.authn import User
from apiserver.state import ServerConfig, ServerState
from naru.api.core_v1 import Namespace, Pod, ServiceAccount
from naru.api.errors import Forbidden, NotFound
from naru.api.meta import KubeObject
from naru.api.scheduling_v1 import PriorityClass
from naru.api.scheme import Resource, resource_of
from naru.api.strict import decode

POD = {"metadata": {"name": "p", "namespace": "dev"}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
DEV = decode(Namespace, {"metadata": {"name": "dev"}})
GOING = decode(Namespace, {"metadata": {"name": "dev", "deletionTimestamp": "2026-01-01T00:00:00Z"}})
ROBOT = decode(ServiceAccount, {"metadata": {"name": "robot", "namespace": "dev"}})


class Reader:
    """Objects of which the watch cache has heard, and those that only etcd has."""

    def __init__(self, seen: Sequence[KubeObject], unseen: Sequence[KubeObject] = ()) -> None:
        self._seen, self._all = seen, [*seen, *unseen]

    def cached(self, resource: Resource, namespace: str, name: str) -> KubeObject | None:
        return _find(self._seen, resource, namespace, name)

    def cached_list(self, resource: Resource, namespace: str = "") -> list[KubeObject]:
        return [obj for obj in self._seen if obj.kind == resource.kind]

    async def fresh(self, resource: Resource, namespace: str, name: str) -> KubeObject | None:
        return _find(self._all, resource, namespace, name)


def _find(objects: Sequence[KubeObject], resource: Resource, namespace: str, name: str) -> KubeObject | None:
    wanted = (resource.kind, namespace, name)
    return next((o for o in objects if (o.kind, o.metadata.namespace, o.metadata.name) == wanted), None)


async def admitted(obj: KubeObject, operation: str = "create", reader: Reader | None = None) -> Any:
    config = ServerConfig(etcd="", listen=(), pki_dir=Path("/"), default_toleration_seconds=7)
    state = cast(ServerState, SimpleNamespace(config=config, reader=reader or Reader([DEV])))
    return await admit(operation, resource_of(type(obj)), obj, None, User("admin"), state)


def pod(**spec: Any) -> Pod:
    return decode(Pod, {**POD, "spec": {**POD["spec"], **spec}})


class TestNamespaces:
    """Nothing is made in a namespace that does not exist or is going away."""

    async def test_a_namespace_that_only_etcd_knows_is_good_enough(self) -> None:
        await admitted(pod(), reader=Reader([], [DEV]))

    async def test_a_missing_namespace(self) -> None:
        with pytest.raises(NotFound, match='namespaces "dev" not found'):
            await admitted(pod(), reader=Reader([]))

    async def test_a_namespace_that_is_being_emptied(self) -> None:
        with pytest.raises(Forbidden, match="because it is being terminated") as caught:
            await admitted(pod(), reader=Reader([GOING]))
        assert caught.value.details["causes"][0]["reason"] == "NamespaceTerminating"

    async def test_objects_in_it_can_still_be_changed(self) -> None:
        await admitted(pod(), "update", Reader([GOING]))

    async def test_the_clusters_own_namespaces_stay(self) -> None:
        with pytest.raises(Forbidden, match='namespaces "default" is forbidden: this namespace may not be deleted'):
            await admitted(decode(Namespace, {"metadata": {"name": "default"}}), "delete")

    async def test_others_may_go(self) -> None:
        await admitted(DEV, "delete")


class TestPods:
    """What every new pod gets."""

    async def test_an_account(self) -> None:
        spec = (await admitted(pod())).spec
        assert (spec.service_account_name, spec.service_account) == ("default", "default")

    async def test_an_account_that_is_named_must_exist(self) -> None:
        named = pod(serviceAccountName="robot")
        assert (await admitted(named, reader=Reader([DEV, ROBOT]))).spec.service_account_name == "robot"
        with pytest.raises(Forbidden, match='serviceaccount "robot" not found'):
            await admitted(named)

    async def test_a_priority(self) -> None:
        assert (await admitted(pod())).spec.priority == 0
        high = decode(PriorityClass, {"metadata": {"name": "high"}, "value": 9, "preemptionPolicy": "Never"})
        spec = (await admitted(pod(priorityClassName="high"), reader=Reader([DEV], [high]))).spec
        assert (spec.priority, spec.preemption_policy) == (9, "Never")

    async def test_the_default_class_of_the_lowest_priority_counts(self) -> None:
        classes = [
            decode(PriorityClass, {"metadata": {"name": f"p{value}"}, "value": value, "globalDefault": True})
            for value in (7, 3)
        ]
        spec = (await admitted(pod(), reader=Reader([DEV, *classes]))).spec
        assert (spec.priority, spec.priority_class_name) == (3, "p3")
        with pytest.raises(Forbidden, match="PriorityClass p3 is already marked as default"):
            await admitted(classes[0], reader=Reader(classes))

    async def test_a_priority_class_must_exist_and_says_the_number(self) -> None:
        with pytest.raises(Forbidden, match="no PriorityClass with name high was found"):
            await admitted(pod(priorityClassName="high"))
        with pytest.raises(Forbidden, match=r"the integer value of priority \(5\) must not be provided"):
            await admitted(pod(priority=5))
        with pytest.raises(Forbidden, match=r"the string value of PreemptionPolicy \(Never\) must not be provided"):
            await admitted(pod(preemptionPolicy="Never"))

    async def test_patience_with_failing_nodes(self) -> None:
        tolerations = (await admitted(pod())).wire()["spec"]["tolerations"]
        assert tolerations == [
            {
                "key": f"node.kubernetes.io/{taint}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 7,
            }
            for taint in ("not-ready", "unreachable")
        ]

    async def test_a_pod_with_its_own_patience_keeps_it(self) -> None:
        own = [{"operator": "Exists"}]
        assert (await admitted(pod(tolerations=own))).wire()["spec"]["tolerations"] == own

    async def test_an_update_adds_nothing(self) -> None:
        assert await admitted(pod(), "update") == pod()
