"""The watch cache of one resource: its order, its history, and what selectors make of a change."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apiserver.storage.cache import ADDED, DELETED, MODIFIED, Event, WatchCache
from apiserver.storage.entry import Entry, encode, object_key, storage_key, with_revision
from apiserver.storage.filter import Filter
from naru.api.core_v1 import ConfigMap
from naru.api.errors import Gone
from naru.api.keys import ObjectKey
from naru.api.meta import ObjectMeta
from naru.api.scheme import resource_of
from naru.api.selectors import parse_field_selector, parse_label_selector

CONFIGMAPS = resource_of(ConfigMap)
WEB = Filter(labels=parse_label_selector("tier=web"))


def entry(name: str, revision: int, *, namespace: str = "default", **labels: str) -> Entry:
    obj = ConfigMap(metadata=ObjectMeta(name=name, namespace=namespace, labels=labels), data={"metadata": "{"})
    return Entry.stored(CONFIGMAPS, ObjectKey(namespace, name), encode(obj), revision)


class Recorder:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.batches: list[list[Event]] = []
        self.ended: dict[str, Any] | None = None

    def offer(self, events: Any) -> None:
        self.batches.append(list(events))

    def end(self, status: dict[str, Any] | None = None) -> None:
        self.ended = status or {}


class TestEntry:
    def test_the_revision_is_in_the_bytes_and_in_the_object(self) -> None:
        made = entry("a", 17)
        assert b'"metadata":{"resourceVersion":"17",' in made.data
        assert made.obj.metadata.resource_version == "17"

    def test_what_is_stored_has_no_revision(self) -> None:
        assert b"resourceVersion" not in encode(entry("a", 17).obj)
        assert with_revision(encode(entry("a", 17).obj), 17) == entry("a", 17).data

    def test_the_last_state_moves_to_the_revision_of_the_deletion(self) -> None:
        assert entry("a", 17).at(23).data == entry("a", 23).data

    def test_keys_of_etcd_and_back(self) -> None:
        key = storage_key(CONFIGMAPS, ObjectKey("default", "a"))
        assert key == b"/registry/core/configmaps/default/a"
        assert object_key(CONFIGMAPS, b"default/a") == ObjectKey("default", "a")


class TestScan:
    def cache(self) -> WatchCache:
        cache = WatchCache(CONFIGMAPS)
        places = [("a-b", "x"), ("a", "y"), ("a", "x"), ("b", "x")]
        cache.load([entry(name, 5, namespace=namespace, tier=name) for namespace, name in places], 5)
        return cache

    def test_the_order_is_that_of_the_keys_in_etcd(self) -> None:
        paths = [str(found.key) for found in self.cache().scan(Filter())]
        assert paths == ["a-b/x", "a/x", "a/y", "b/x"]

    def test_one_namespace_is_not_its_neighbour(self) -> None:
        assert [str(found.key) for found in self.cache().scan(Filter("a"))] == ["a/x", "a/y"]

    def test_from_a_path_on(self) -> None:
        assert [str(found.key) for found in self.cache().entries(start="a/x\0")] == ["a/y", "b/x"]
        assert [str(found.key) for found in self.cache().entries("a", start="a-b/x")] == ["a/x", "a/y"]

    def test_by_name_without_decoding(self) -> None:
        named = Filter(fields=parse_field_selector("metadata.name=y"))
        broken = Entry(CONFIGMAPS, ObjectKey("a", "x"), b"{", 5)
        assert not named.matches(broken)
        assert [str(found.key) for found in self.cache().scan(named)] == ["a/y"]

    def test_looking_for_a_label_keeps_no_object(self) -> None:
        cache = self.cache()
        list(cache.scan(Filter(labels=parse_label_selector("tier=y"))))
        assert all(found._obj is None for found in cache.entries())

    def test_by_label(self) -> None:
        chosen = Filter(labels=parse_label_selector("tier=y"))
        assert [str(found.key) for found in self.cache().scan(chosen)] == ["a/y"]


class TestSeenThrough:
    """A watcher with a selector sees objects come and go as they begin and cease to match."""

    @pytest.mark.parametrize(
        ("before", "after", "seen"),
        [
            pytest.param(None, "web", ADDED, id="created inside"),
            pytest.param(None, "db", None, id="created outside"),
            pytest.param("web", "web", MODIFIED, id="changed inside"),
            pytest.param("db", "db", None, id="changed outside"),
            pytest.param("db", "web", ADDED, id="moved in"),
            pytest.param("web", "db", DELETED, id="moved out"),
            pytest.param("web", None, DELETED, id="deleted inside"),
            pytest.param("db", None, None, id="deleted outside"),
        ],
    )
    def test_type(self, before: str | None, after: str | None, seen: str | None) -> None:
        old = entry("a", 5, tier=before) if before else None
        new = entry("a", 7, tier=after) if after else None
        result = Event(old, new, 7).seen_through(WEB)
        assert (result[0] if result else None) == seen
        if result:
            assert result[1].obj.metadata.resource_version == "7"
            assert result[1].obj.metadata.labels == {"tier": "web"}

    def test_a_line_is_made_once(self) -> None:
        event = Event(None, entry("a", 5), 5)
        assert event.line(ADDED, entry("a", 5), bytes_of) is event.line(ADDED, entry("a", 5), bytes_of)


def bytes_of(shown: Entry) -> bytes:
    return shown.data


class TestHistory:
    def cache(self, **limits: int) -> WatchCache:
        cache = WatchCache(CONFIGMAPS, **limits)
        cache.load([], 10)
        for revision in range(11, 21):
            cache.apply([(ObjectKey("default", "a"), entry("a", revision), revision)])
        return cache

    def test_changes_after_a_revision(self) -> None:
        assert [event.revision for event in self.cache().events_after(17)] == [18, 19, 20]
        assert self.cache().events_after(20) == []
        assert self.cache().events_after(99) == []

    def test_everything_since_the_list_is_there(self) -> None:
        assert len(self.cache().events_after(10)) == 10

    def test_what_was_before_the_list_is_gone(self) -> None:
        with pytest.raises(Gone, match=r"too old resource version: 9 \(10\)"):
            self.cache().events_after(9)

    @pytest.mark.parametrize("limits", [{"events": 4}, {"size_bytes": 8 * len(entry("a", 20).data)}])
    def test_the_oldest_are_forgotten(self, limits: dict[str, int]) -> None:
        cache = self.cache(**limits)
        assert [event.revision for event in cache.events_after(cache.since)] == [17, 18, 19, 20]
        with pytest.raises(Gone):
            cache.events_after(15)

    def test_a_new_list_ends_the_watches_with_gone(self) -> None:
        cache, watcher = self.cache(), Recorder()
        cache.join(watcher)
        cache.load([], 50)
        assert watcher.ended is not None
        assert watcher.ended["code"] == 410


class TestWatchers:
    def test_changes_of_one_batch_come_together(self) -> None:
        cache, watcher = WatchCache(CONFIGMAPS), Recorder()
        cache.load([], 10)
        cache.join(watcher)
        changes = [(ObjectKey("default", name), entry(name, 11), 11) for name in ("a", "b")]
        cache.apply(changes)
        assert [[str(event.entry.key) for event in batch if event.entry] for batch in watcher.batches] == [
            ["default/a", "default/b"]
        ]

    def test_who_left_is_told_no_more(self) -> None:
        cache, watcher = WatchCache(CONFIGMAPS), Recorder()
        cache.load([], 10)
        cache.join(watcher)
        cache.leave(watcher)
        cache.apply([(ObjectKey("default", "a"), entry("a", 11), 11)])
        assert watcher.batches == []

    def test_the_encoded_list_is_kept_until_an_object_changes(self) -> None:
        cache = WatchCache(CONFIGMAPS)
        cache.load([entry("a", 5)], 5)
        listed = cache.entries()
        cache.keep_pieces(listed, [b"piece"])
        assert cache.pieces_of(cache.entries()) == [b"piece"]
        cache.apply([(ObjectKey("default", "a"), None, 6)])
        assert cache.pieces_of(cache.entries()) is None
        cache.keep_pieces(listed, [b"piece"])  # by a slow reader of the older list
        assert cache.pieces_of(cache.entries()) is None


class TestPast:
    """A list at an older revision is the one that was there then."""

    @settings(max_examples=150, deadline=None)
    @given(
        steps=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["x", "y"]), st.booleans()), max_size=25),
        kept=st.integers(1, 30),
        namespace=st.sampled_from(["", "a", "b"]),
        start=st.sampled_from(["", "a/y", "b", "c/x\0"]),
    )
    def test_every_revision_of_the_history(
        self, steps: list[tuple[str, str, bool]], kept: int, namespace: str, start: str
    ) -> None:
        cache = WatchCache(CONFIGMAPS, events=kept)
        cache.load([], 10)
        now: dict[str, int] = {}
        past = {10: dict(now)}
        for revision, (place, name, is_deletion) in enumerate(steps, start=11):
            made = None if is_deletion else entry(name, revision, namespace=place)
            cache.apply([(ObjectKey(place, name), made, revision)])
            now = {path: at for path, at in now.items() if path != f"{place}/{name}"}
            now |= {} if is_deletion else {f"{place}/{name}": revision}
            past[revision] = now
        for revision, then in past.items():
            if revision < cache.since:
                with pytest.raises(Gone):
                    cache.entries_at(revision)
                continue
            expected = [
                (path, at)
                for path, at in sorted(then.items())
                if path >= start and (not namespace or path.startswith(f"{namespace}/"))
            ]
            found = cache.entries_at(revision, namespace, start)
            assert [(str(each.key), each.revision) for each in found] == expected
