import pytest

from naru.api.config_v1 import ConfigMap
from naru.api.keys import ObjectKey, key_of
from naru.api.meta import ObjectMeta, OwnerReference
from naru.client.client import Client
from naru.client.config import ClientConfig
from naru.client.watch import EventType, WatchEvent
from naru.controller.informer import Informer, InformerFactory
from naru.controller.list_watch import WholeObjects
from naru.controller.ownership import OWNER_INDEX
from naru.controller.store import Store, controller_uid


def config_map(name: str, version: str = "1", uid: str = "", owner: str = "") -> ConfigMap:
    owners = (OwnerReference(api_version="v1", kind="Pod", name="o", uid=owner, controller=True),) if owner else ()
    meta = ObjectMeta(
        name=name, namespace="default", resource_version=version, uid=uid or f"uid-{name}", owner_references=owners
    )
    return ConfigMap(metadata=meta)


class TestStore:
    """Objects are found by key and by index, and indexes follow every change."""

    def test_an_index_follows(self) -> None:
        store: Store[ConfigMap] = Store()
        store.put(config_map("a", owner="u1"))
        store.add_index(OWNER_INDEX, controller_uid)
        store.put(config_map("b", owner="u1"))
        assert [obj.metadata.name for obj in store.by_index(OWNER_INDEX, "u1")] == ["a", "b"]
        store.put(config_map("a", owner="u2"))
        store.remove(ObjectKey("default", "b"))
        assert not store.by_index(OWNER_INDEX, "u1")
        assert [obj.metadata.name for obj in store.by_index(OWNER_INDEX, "u2")] == ["a"]

    def test_the_same_index_may_be_asked_for_again(self) -> None:
        store: Store[ConfigMap] = Store()
        store.add_index(OWNER_INDEX, controller_uid)
        store.add_index(OWNER_INDEX, controller_uid)
        with pytest.raises(ValueError, match="exists with another function"):
            store.add_index(OWNER_INDEX, lambda _: ())

    def test_an_index_may_name_a_value_twice(self) -> None:
        store: Store[ConfigMap] = Store()
        store.add_index("twice", lambda _: ("x", "x"))
        store.put(config_map("a"))
        store.remove(ObjectKey("default", "a"))
        assert not store.by_index("twice", "x")


Heard = list[tuple[EventType, str, str]]


@pytest.fixture
def client() -> Client:
    return Client(ClientConfig("http://127.0.0.1:1"))  # never connected: the tests play the reflector


@pytest.fixture
def informer(client: Client) -> Informer[ConfigMap]:
    return Informer(WholeObjects(client, ConfigMap))


@pytest.fixture
def heard(informer: Informer[ConfigMap]) -> Heard:
    calls: Heard = []

    def listen(event_type: EventType, old: ConfigMap | None, new: ConfigMap | None) -> None:
        versions = [obj.metadata.resource_version if obj else "-" for obj in (old, new)]
        calls.append((event_type, *versions))  # type: ignore[arg-type]

    informer.on_event(listen)
    return calls


class TestInformer:
    """The store is what the server held, and every difference is told once."""

    async def test_the_first_list(self, informer: Informer[ConfigMap], heard: Heard) -> None:
        assert not informer.synced
        informer.replace((config_map("a"),))
        await informer.wait()
        assert heard == [(EventType.ADDED, "-", "1")]

    async def test_an_empty_list_syncs_too(self, informer: Informer[ConfigMap]) -> None:
        informer.replace(())
        assert informer.synced

    def test_a_later_list_tells_what_went_unseen(self, informer: Informer[ConfigMap], heard: Heard) -> None:
        informer.replace((config_map("a"), config_map("b", "2"), config_map("c", "3")))
        heard.clear()
        informer.replace((config_map("b", "2"), config_map("c", "9"), config_map("d", "8")))
        expected = [(EventType.DELETED, "1", "-"), (EventType.MODIFIED, "3", "9"), (EventType.ADDED, "-", "8")]
        assert heard == expected

    def test_a_namesake_is_another_object(self, informer: Informer[ConfigMap], heard: Heard) -> None:
        informer.replace((config_map("a", "1", "u1"),))
        heard.clear()
        informer.replace((config_map("a", "2", "u2"),))
        assert heard == [(EventType.DELETED, "1", "-"), (EventType.ADDED, "-", "2")]

    def test_watch_events(self, informer: Informer[ConfigMap], heard: Heard) -> None:
        informer.apply(WatchEvent(EventType.ADDED, config_map("a", "1")))
        informer.apply(WatchEvent(EventType.MODIFIED, config_map("a", "2")))
        informer.apply(WatchEvent(EventType.DELETED, config_map("a", "3")))
        informer.apply(WatchEvent(EventType.DELETED, config_map("a", "3")))
        expected = [(EventType.ADDED, "-", "1"), (EventType.MODIFIED, "1", "2"), (EventType.DELETED, "3", "-")]
        assert heard == expected
        assert len(informer.store) == 0

    def test_an_event_seen_again_is_not_told_again(self, informer: Informer[ConfigMap], heard: Heard) -> None:
        for _ in range(2):
            informer.apply(WatchEvent(EventType.ADDED, config_map("a", "1")))
        assert heard == [(EventType.ADDED, "-", "1")]

    def test_a_late_listener_hears_what_exists(self, informer: Informer[ConfigMap]) -> None:
        informer.replace((config_map("a"),))
        keys: list[ObjectKey] = []
        informer.on_event(lambda _, old, new: keys.append(key_of(new)) if new else None)
        assert keys == [ObjectKey("default", "a")]

    def test_a_failing_listener_does_not_starve_the_others(
        self, informer: Informer[ConfigMap], caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("boom")

        keys: list[ObjectKey] = []
        informer.on_event(fail)
        informer.on_event(lambda _, old, new: keys.append(key_of(new)) if new else None)
        informer.replace((config_map("a"),))
        assert keys == [ObjectKey("default", "a")]
        assert "informer callback failed" in caplog.text


def test_a_factory_shares_informers_of_one_scope(client: Client) -> None:
    factory = InformerFactory(client)
    assert factory.informer(ConfigMap) is factory.informer(ConfigMap)
    assert factory.informer(ConfigMap) is not factory.informer(ConfigMap, "default")
