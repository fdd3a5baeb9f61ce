"""The client and the controller toolkit against a real API server that is killed, paused and restarted."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, ClassVar

import pytest

from naru.api.coordination_v1 import Lease
from naru.api.core_v1 import ConfigMap, Event, Namespace
from naru.api.errors import AlreadyExists, Conflict, Invalid, NotFound
from naru.api.keys import ObjectKey
from naru.api.meta import LabelSelector, ObjectMeta
from naru.api.selectors import matcher
from naru.client.client import Client
from naru.client.kubeconfig import load
from naru.client.watch import EventType
from naru.controller.controller import Controller, Result
from naru.controller.events import NORMAL, EventRecorder
from naru.controller.identity import ProcessIdentity
from naru.controller.informer import Informer, InformerFactory
from naru.controller.leader_election import LeaderElector
from naru.controller.ownership import candidates, claim, controller_of, index_ownership
from naru.telemetry.trail import Cause

from .conftest import ApiServer, EtcdServer, Pki, running_apiserver

PATIENCE_S = 15.0


@pytest.fixture(scope="module")
def apiserver(etcd: EtcdServer, pki: Pki) -> Iterator[ApiServer]:
    with running_apiserver(etcd, pki) as server:
        yield server


@pytest.fixture
async def client(apiserver: ApiServer) -> AsyncIterator[Client]:
    async with Client(load(apiserver.kubeconfig), user_agent="toolkit-test") as client:
        yield client


@pytest.fixture
async def namespace(client: Client) -> AsyncIterator[str]:
    name = f"t-{time.time_ns():x}"
    await client.create(Namespace(metadata=ObjectMeta(name=name)))
    yield name
    await client.delete(Namespace, name)


async def until(look: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not look():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)


def config_map(name: str, namespace: str, data: str = "", **meta: Any) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name=name, namespace=namespace, **meta), data={"x": data})


class TestClient:
    """The verbs do what they say, and refusals keep their words."""

    async def test_an_object_s_life(self, client: Client, namespace: str) -> None:
        created = await client.create(config_map("a", namespace, "1"))
        updated = await client.update(created.model_copy(update={"data": {"x": "2"}}))
        patched = await client.patch(ConfigMap, "a", namespace, {"data": {"y": "3"}})
        assert patched.data == {"x": "2", "y": "3"}
        with pytest.raises(Conflict, match="the object has been modified"):
            await client.update(created)
        with pytest.raises(Conflict):
            await client.delete(ConfigMap, "a", namespace, uid="another")
        await client.delete(ConfigMap, "a", namespace, uid=updated.metadata.uid)
        with pytest.raises(NotFound, match='configmaps "a" not found'):
            await client.get(ConfigMap, "a", namespace)

    async def test_refusals(self, client: Client, namespace: str) -> None:
        await client.create(config_map("a", namespace))
        with pytest.raises(AlreadyExists):
            await client.create(config_map("a", namespace))
        with pytest.raises(Invalid, match=r"metadata\.name"):
            await client.create(config_map("No Name", namespace))

    async def test_dry_run_stores_nothing(self, client: Client, namespace: str) -> None:
        await client.create(config_map("a", namespace), dry_run=True)
        with pytest.raises(NotFound):
            await client.get(ConfigMap, "a", namespace)

    async def test_pages(self, client: Client, namespace: str) -> None:
        for number in range(5):
            await client.create(config_map(f"c{number}", namespace, labels={"page": "yes"}))
        names, token = [], ""
        while True:
            page = await client.list(ConfigMap, namespace, label_selector="page=yes", limit=2, continue_=token)
            names += [item.metadata.name for item in page.items]
            token = page.metadata.continue_
            if not token:
                break
        assert names == [f"c{number}" for number in range(5)]

    async def test_delete_collection(self, client: Client, namespace: str) -> None:
        for name, label in (("a", "x"), ("b", "y")):
            await client.create(config_map(name, namespace, labels={"l": label}))
        await client.delete_collection(ConfigMap, namespace, label_selector="l=x")
        left = (await client.list(ConfigMap, namespace, label_selector="l")).items
        assert [item.metadata.name for item in left] == ["b"]

    async def test_a_write_s_cause_is_on_the_trail(self, client: Client, namespace: str) -> None:
        owner = await client.create(config_map("owner", namespace))
        await client.create(config_map("child", namespace), cause=Cause.of(owner, "needs a child"))
        records = (await client.raw("GET", "/naru/trail"))["items"]
        (record,) = [r for r in records if r["object"]["name"] == "child" and r["object"]["namespace"] == namespace]
        assert record["component"] == "toolkit-test"
        assert record["cause"]["uid"] == owner.metadata.uid
        assert record["cause"]["resourceVersion"] == owner.metadata.resource_version
        assert record["cause"]["reason"] == "needs a child"


@contextlib.asynccontextmanager
async def following(client: Client, namespace: str) -> AsyncIterator[Informer[ConfigMap]]:
    factory = InformerFactory(client)
    informer = factory.informer(ConfigMap, namespace)
    task = asyncio.create_task(factory.run())
    try:
        await informer.wait()
        yield informer
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def data_of(informer: Informer[ConfigMap], name: str, namespace: str) -> str | None:
    obj = informer.store.get(ObjectKey(namespace, name))
    return obj.data["x"] if obj is not None else None


class TestInformer:
    """The cache follows the server through whatever happens to it."""

    async def test_follows(self, client: Client, namespace: str) -> None:
        await client.create(config_map("a", namespace, "1"))
        async with following(client, namespace) as informer:
            assert data_of(informer, "a", namespace) == "1"
            await client.patch(ConfigMap, "a", namespace, {"data": {"x": "2"}})
            await until(lambda: data_of(informer, "a", namespace) == "2")
            await client.delete(ConfigMap, "a", namespace)
            await until(lambda: data_of(informer, "a", namespace) is None)

    async def test_survives_a_killed_server(self, client: Client, namespace: str, apiserver: ApiServer) -> None:
        await client.create(config_map("stays", namespace, "1"))
        await client.create(config_map("goes", namespace, "1"))
        told: list[tuple[EventType, str]] = []
        async with following(client, namespace) as informer:
            informer.on_event(lambda kind, old, new: told.append((kind, (new or old).metadata.name)))  # type: ignore[union-attr]
            told.clear()
            for round_ in range(3):
                apiserver.end(signal.SIGKILL)
                await asyncio.sleep(0.2)
                await asyncio.to_thread(apiserver.start)
                await client.patch(ConfigMap, "stays", namespace, {"data": {"x": f"round {round_}"}})
                await until(lambda now=round_: data_of(informer, "stays", namespace) == f"round {now}")  # type: ignore[misc]
            await client.delete(ConfigMap, "goes", namespace)
            await until(lambda: data_of(informer, "goes", namespace) is None)
            assert told.count((EventType.DELETED, "goes")) == 1
            assert (EventType.DELETED, "stays") not in told

    async def test_learns_what_it_missed(
        self, client: Client, namespace: str, apiserver: ApiServer, etcd: EtcdServer, pki: Pki
    ) -> None:
        """While its server hangs, another one takes writes; then it catches up, with or without the history."""
        await client.create(config_map("old", namespace, "1"))
        async with following(client, namespace) as informer:
            with running_apiserver(etcd, pki) as second:
                os.kill(apiserver.pid, signal.SIGSTOP)
                try:
                    async with Client(load(second.kubeconfig)) as other:
                        await other.delete(ConfigMap, "old", namespace)
                        await other.create(config_map("new", namespace, "2"))
                finally:
                    os.kill(apiserver.pid, signal.SIGCONT)
            await until(lambda: data_of(informer, "new", namespace) == "2")
            assert data_of(informer, "old", namespace) is None


class Copier(Controller):
    """Copies data of ``source-N`` into ``copy-N``, and fails the first time that it sees each."""

    name: ClassVar[str] = "copier"

    def __init__(self, client: Client, factory: InformerFactory, namespace: str) -> None:
        super().__init__()
        self.client = client
        self.failed: set[ObjectKey] = set()
        self.working: set[ObjectKey] = set()
        self.store = self.watch(factory.informer(ConfigMap, namespace)).store

    async def reconcile(self, key: ObjectKey) -> Result:
        assert key not in self.working
        self.working.add(key)
        try:
            return await self.copy(key)
        finally:
            self.working.discard(key)

    async def copy(self, key: ObjectKey) -> Result:
        source = self.store.get(key)
        if source is None or not key.name.startswith("source-"):
            return Result()
        if key not in self.failed:
            self.failed.add(key)
            raise Conflict("the first try fails")
        wanted = config_map(key.name.replace("source", "copy"), key.namespace, source.data["x"])
        existing = self.store.get(ObjectKey(key.namespace, wanted.metadata.name))
        if existing is None:
            await self.client.create(wanted)
        elif existing.data != wanted.data:
            await self.client.update(existing.model_copy(update={"data": wanted.data}))
        return Result()


async def test_a_controller_converges_through_failures_and_restarts(
    client: Client, namespace: str, apiserver: ApiServer
) -> None:
    factory = InformerFactory(client)
    copier = Copier(client, factory, namespace)
    tasks = [asyncio.create_task(factory.run()), asyncio.create_task(copier.run())]

    async def copies() -> dict[str, str]:
        items = (await client.list(ConfigMap, namespace)).items
        return {o.metadata.name: o.data["x"] for o in items if o.metadata.name.startswith("copy-")}

    try:
        for number in range(10):
            await client.create(config_map(f"source-{number}", namespace, "1"))
        apiserver.end(signal.SIGKILL)
        await asyncio.to_thread(apiserver.start)
        for number in range(10):
            await client.patch(ConfigMap, f"source-{number}", namespace, {"data": {"x": "2"}})
        deadline = time.monotonic() + PATIENCE_S
        while await copies() != {f"copy-{number}": "2" for number in range(10)}:
            assert time.monotonic() < deadline, await copies()
            await asyncio.sleep(0.05)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def elector(client: Client, identity: str, lease: str) -> LeaderElector:
    return LeaderElector(
        client, lease, identity=identity, lease_duration_s=1.5, renew_deadline_s=1.0, renew_interval_s=0.2
    )


class Candidate:
    """Leads until told to resign, and tells whether it does."""

    def __init__(self, elector_: LeaderElector) -> None:
        self.elector = elector_
        self.leading = False
        self.terms = 0

    async def lead(self) -> None:
        self.leading = True
        self.terms += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.leading = False

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Candidate"]:
        task = asyncio.create_task(self.elector.run(self.lead))
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def lease_name() -> str:
    return f"office-{time.time_ns():x}"


class TestLeaderElection:
    """One leads, and when it goes another does."""

    async def test_a_clean_end_hands_over_at_once(self, client: Client, lease_name: str) -> None:
        second = Candidate(elector(client, "b", lease_name))
        async with Candidate(elector(client, "a", lease_name)).running() as first:
            await until(lambda: first.leading)
            async with second.running():
                await asyncio.sleep(0.3)
                assert not second.leading
        lease = await client.get(Lease, lease_name, "kube-system")
        assert lease.spec.holder_identity == ""
        async with second.running():
            await until(lambda: second.leading)
        lease = await client.get(Lease, lease_name, "kube-system")
        assert lease.spec.lease_transitions == 1

    async def test_a_lapsed_lease_is_taken(self, client: Client, lease_name: str) -> None:
        assert await elector(client, "vanished", lease_name)._try_lease()
        async with Candidate(elector(client, "b", lease_name)).running() as candidate:
            await asyncio.sleep(0.5)
            assert not candidate.leading
            await until(lambda: candidate.leading)

    async def test_a_dead_holder_on_this_machine_is_not_waited_for(self, client: Client, lease_name: str) -> None:
        dead = ProcessIdentity(**{**vars(ProcessIdentity.own()), "start_ticks": 1})
        assert await LeaderElector(client, lease_name, identity=str(dead))._try_lease()  # for 15 s
        async with Candidate(LeaderElector(client, lease_name, identity="b")).running() as candidate:
            await until(lambda: candidate.leading, 5)

    async def test_two_never_lead_at_once(self, client: Client, lease_name: str, apiserver: ApiServer) -> None:
        """Also not when the server hangs for longer than the renewal may take."""
        async with (
            Candidate(elector(client, "a", lease_name)).running() as a,
            Candidate(elector(client, "b", lease_name)).running() as b,
        ):
            await until(lambda: a.leading or b.leading)
            for _ in range(2):
                os.kill(apiserver.pid, signal.SIGSTOP)
                try:
                    await until(lambda: not a.leading and not b.leading)
                finally:
                    os.kill(apiserver.pid, signal.SIGCONT)
                deadline = time.monotonic() + PATIENCE_S
                while not (a.leading or b.leading):
                    assert time.monotonic() < deadline
                    await asyncio.sleep(0.005)
                for _ in range(50):
                    assert not (a.leading and b.leading)
                    await asyncio.sleep(0.01)
        assert a.terms + b.terms >= 3

    async def test_what_lead_raises_comes_out_and_the_office_is_given_up(self, client: Client, lease_name: str) -> None:
        async def fail() -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await elector(client, "a", lease_name).run(fail)
        assert (await client.get(Lease, lease_name, "kube-system")).spec.holder_identity == ""


async def test_events_are_counted_up_and_lost_ones_made_again(client: Client, namespace: str) -> None:
    recorder = EventRecorder(client, "tester")
    task = asyncio.create_task(recorder.run())
    about = await client.create(config_map("a", namespace))

    async def counts() -> list[tuple[str, int]]:
        events = (await client.list(Event, namespace, field_selector="involvedObject.name=a")).items
        return [(event.message, event.count) for event in events]

    async def eventually(expected: list[tuple[str, int]]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while await counts() != expected:
            assert time.monotonic() < deadline, await counts()
            await asyncio.sleep(0.02)

    try:
        for _ in range(3):
            recorder.event(about, NORMAL, "Tested", "it was tested")
        await eventually([("it was tested", 3)])
        await client.delete_collection(Event, namespace)
        recorder.event(about, NORMAL, "Tested", "it was tested")
        await eventually([("it was tested", 1)])
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_orphans_are_adopted_and_strays_released(client: Client, namespace: str) -> None:
    owner = await client.create(config_map("owner", namespace))
    await client.create(config_map("match", namespace, labels={"app": "web"}))
    await client.create(config_map("other", namespace, labels={"app": "db"}))
    wanted = matcher(LabelSelector(match_labels={"app": "web"}))
    async with following(client, namespace) as informer:
        index_ownership(informer.store)
        adopted = await claim(client, owner, wanted, candidates(informer.store, owner))
        assert [obj.metadata.name for obj in adopted] == ["match"]
        await client.patch(ConfigMap, "match", namespace, {"metadata": {"labels": {"app": "db"}}})
        await until(lambda: candidates(informer.store, owner)[0].metadata.labels == {"app": "db"})
        assert await claim(client, owner, wanted, candidates(informer.store, owner)) == []
    assert controller_of(await client.get(ConfigMap, "match", namespace)) is None


async def test_an_owner_that_is_gone_adopts_nothing(client: Client, namespace: str) -> None:
    owner = await client.create(config_map("owner", namespace))
    orphan = await client.create(config_map("match", namespace, labels={"app": "web"}))
    await client.delete(ConfigMap, "owner", namespace)
    wanted = matcher(LabelSelector(match_labels={"app": "web"}))
    assert await claim(client, owner, wanted, [orphan]) == []
