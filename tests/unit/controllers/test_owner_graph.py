import asyncio
from typing import Any

import pytest

from controllers.owner_graph import Graph, collected, resource_named
from naru.api.errors import NotFound
from naru.api.keys import ObjectKey
from naru.api.meta import KubeObject, ObjectMeta, OwnerReference
from naru.api.scheme import Resource, by_kind
from naru.client.client import Client
from naru.client.config import ClientConfig
from naru.client.metadata import decode
from naru.controller.informer import Informer, InformerFactory


def kind(api_version: str, name: str) -> Resource:
    found = by_kind(api_version, name)
    assert found is not None
    return found


SERVICE, JOB, HPA = kind("v1", "Service"), kind("batch/v1", "Job"), kind("autoscaling/v2", "HorizontalPodAutoscaler")


def reference(api_version: str, kind: str, uid: str = "u") -> OwnerReference:
    return OwnerReference(api_version=api_version, kind=kind, name="owner", uid=uid)


class FakeClient(Client):
    """A server that holds objects of some kinds, and counts how often it is asked for lists."""

    def __init__(self) -> None:
        super().__init__(ClientConfig("http://127.0.0.1:1"))
        self.present: set[str] = set()
        self.unknown: set[str] = set()
        self.lists = 0

    async def raw(self, method: str, path: str, **options: Any) -> Any:
        self.lists += 1
        await asyncio.sleep(0)
        if path in self.unknown:
            raise NotFound("the server could not find the requested resource")
        items = [{"metadata": {"name": "a", "uid": "u"}}] if path in self.present else []
        return {"items": items, "metadata": {"resourceVersion": "1"}}


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def woken() -> dict[Resource, Informer[Any]]:
    return {}


@pytest.fixture
def graph(client: FakeClient, woken: dict[Resource, Informer[Any]]) -> Graph:
    def note(resource: Resource, informer: Informer[Any]) -> None:
        informer.replace(())  # as if it had listed
        woken[resource] = informer

    return Graph(client, InformerFactory(client), note)


class TestCollected:
    """Every kind that is stored takes part, once."""

    def test_one_row_a_kind(self) -> None:
        kinds = [(resource.group, resource.kind) for resource in collected()]
        assert len(kinds) == len(set(kinds))
        assert {("", "Service"), ("batch", "Job"), ("coordination.k8s.io", "Lease")} <= set(kinds)

    def test_neither_events_nor_what_is_only_answered(self) -> None:
        assert {"Event", "TokenReview"}.isdisjoint(resource.kind for resource in collected())

    def test_an_owner_in_another_version_is_the_stored_one(self) -> None:
        assert resource_named(reference("autoscaling/v1", "HorizontalPodAutoscaler")) is HPA
        assert resource_named(reference("example.com/v1", "Unknown")) is None


class TestGraph:
    """Kinds without objects are not followed; none that matters is missed."""

    async def test_kinds_wake_with_their_first_object(
        self, client: FakeClient, graph: Graph, woken: dict[Resource, Informer[Any]]
    ) -> None:
        await graph.complete()
        assert not woken
        client.present.add(SERVICE.path())
        await graph.complete()
        assert list(woken) == [SERVICE]

    async def test_a_kind_that_is_awake_is_not_asked_for_again(self, client: FakeClient, graph: Graph) -> None:
        graph.wake(SERVICE)
        await graph.complete()
        assert client.lists == len(collected()) - 1

    async def test_a_kind_that_the_server_has_not_is_no_trouble(self, client: FakeClient, graph: Graph) -> None:
        client.unknown.add(JOB.path())
        await graph.complete()

    async def test_who_ask_meanwhile_share_the_next_look(self, client: FakeClient, graph: Graph) -> None:
        await asyncio.gather(*(graph.complete() for _ in range(5)))
        assert client.lists == 2 * len(collected())  # the first one's, and one that begins after the others asked

    def test_what_is_followed_whole_is_followed_once(
        self, client: FakeClient, woken: dict[Resource, Informer[Any]]
    ) -> None:
        factory = InformerFactory(client)
        whole = factory.informer(SERVICE.model)
        graph = Graph(client, factory, lambda resource, informer: woken.update({resource: informer}))
        graph.wake_followed()
        assert woken == {SERVICE: whole}

    async def test_dependents_of_all_kinds(self, graph: Graph, woken: dict[Resource, Informer[Any]]) -> None:
        for resource in (SERVICE, JOB):
            graph.wake(resource)
            meta = {"name": "a", "uid": resource.kind, "ownerReferences": [reference("v1", "Pod", "owner").wire()]}
            woken[resource].replace((decode(resource, {"metadata": meta}),))
        assert [resource for resource, _ in graph.dependents("owner")] == [SERVICE, JOB]
        assert graph.dependents("other") == []

    async def test_an_owner_is_known_by_its_uid(self, graph: Graph, woken: dict[Resource, Informer[Any]]) -> None:
        graph.wake(SERVICE)
        service = decode(SERVICE, {"metadata": {"namespace": "default", "name": "a", "uid": "u1"}})
        woken[SERVICE].replace((service,))
        key = ObjectKey("default", "a")
        assert await graph.owner(SERVICE, key, "u1") is service
        assert await graph.owner(SERVICE, key, "u2") is None
        assert await graph.owner(JOB, key, "u1") is None


def test_the_small_form_has_what_collecting_takes() -> None:
    meta = {
        "name": "a",
        "uid": "u",
        "resourceVersion": "7",
        "labels": {"not": "kept"},
        "managedFields": [{"manager": "not kept"}],
        "finalizers": ["orphan"],
        "deletionTimestamp": "2026-01-01T12:00:00Z",
    }
    small = decode(SERVICE, {"kind": "PartialObjectMetadata", "metadata": meta})
    assert isinstance(small, KubeObject)
    assert (small.kind, small.api_version, small.metadata.finalizers) == ("Service", "v1", ("orphan",))
    assert small.metadata.deletion_timestamp is not None
    assert (small.metadata.labels, small.metadata.managed_fields) == ({}, ())
    assert decode(SERVICE, {"metadata": {"resourceVersion": "9"}}).metadata == ObjectMeta(resource_version="9")
