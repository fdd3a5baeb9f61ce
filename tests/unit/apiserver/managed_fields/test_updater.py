"""What writes mean for the owners of fields, and for the object."""

import copy
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.managed_fields.compare import compare
from apiserver.managed_fields.field_sets import FieldSet, Path, intersection, paths, set_of, union
from apiserver.managed_fields.managers import APPLY, UPDATE, Managed, ManagerId
from apiserver.managed_fields.merge import merged
from apiserver.managed_fields.types import type_of
from apiserver.managed_fields.updater import Conflicts, Document, Updater
from apiserver.managed_fields.walk import everything, fields_of_document
from naru.api.model import ATOMIC, ListMapKeys, MergeKey, Model

ONE = ManagerId("one", APPLY)
TWO = ManagerId("two", APPLY)
WRITER = ManagerId("writer", UPDATE, "v1")


class Item(Model):
    """An item with a key that has a default."""

    name: str
    protocol: str = "TCP"
    value: str = ""
    labels: dict[str, str] = {}


class Thing(Model):
    """An object with every kind of field."""

    text: str = ""
    number: int = 0
    labels: dict[str, str] = {}
    whole: Annotated[dict[str, str], ATOMIC] = {}
    items: Annotated[tuple[Item, ...], ListMapKeys(("name", "protocol"))] = ()
    tags: Annotated[tuple[str, ...], MergeKey("")] = ()
    plain: tuple[str, ...] = ()
    inner: "Thing | None" = None


TYPE = type_of(Thing)
UPDATER = Updater(TYPE, "v1")

WORDS = st.sampled_from(["a", "b", "c"])
TEXTS = st.dictionaries(WORDS, WORDS, max_size=3)
ITEM = st.fixed_dictionaries({"name": WORDS}, optional={"protocol": st.just("UDP"), "value": WORDS, "labels": TEXTS})
ITEMS = st.lists(ITEM, max_size=3, unique_by=lambda item: (item["name"], item.get("protocol", "TCP")))
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "text": WORDS,
    "number": st.integers(0, 2),
    "labels": TEXTS,
    "whole": TEXTS,
    "items": ITEMS,
    "tags": st.lists(WORDS, max_size=3, unique=True),
    "plain": st.lists(WORDS, max_size=2),
}
FLAT = st.fixed_dictionaries({}, optional=FIELDS)
DOCUMENTS = st.fixed_dictionaries({}, optional={**FIELDS, "inner": FLAT})


def apply(live: Document, managed: Managed, who: ManagerId, applied: Document) -> tuple[Document, Managed]:
    return UPDATER.apply(live, applied, managed, who, force=True)


def applied_by(*steps: tuple[ManagerId, Document]) -> tuple[Document, Managed]:
    live: Document = {}
    managed: Managed = {}
    for who, document in steps:
        live, managed = apply(live, managed, who, document)
    return live, managed


def conflicts_of(live: Document, managed: Managed, who: ManagerId, applied: Document) -> set[tuple[ManagerId, Path]]:
    """Return what stands in the way of an apply."""
    try:
        UPDATER.apply(live, applied, managed, who, force=False)
    except Conflicts as conflicts:
        return set(conflicts.found)
    return set()


def owned(managed: Managed, who: ManagerId) -> FieldSet:
    return managed[who].fields if who in managed else {}


class TestApply:
    """Properties of an apply, whatever is applied."""

    @given(DOCUMENTS)
    def test_the_first_apply_makes_the_object(self, document: Document) -> None:
        live, managed = applied_by((ONE, document))
        assert compare(TYPE, document, live).touched == {}
        assert owned(managed, ONE) == fields_of_document(TYPE, document)

    @given(DOCUMENTS, DOCUMENTS)
    def test_twice_is_as_once(self, first: Document, second: Document) -> None:
        once = applied_by((ONE, first), (TWO, second))
        assert apply(*once, TWO, second) == once

    @given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
    def test_what_one_manager_drops_stays_if_another_owns_it(
        self, mine: Document, theirs: Document, later: Document
    ) -> None:
        live, managed = applied_by((ONE, mine), (TWO, theirs))
        after, managed_after = apply(live, managed, ONE, later)
        untouched = set(paths(owned(managed_after, TWO)))
        assert untouched <= set(paths(everything(TYPE, after)))

    @given(DOCUMENTS, DOCUMENTS)
    def test_an_apply_of_nothing_takes_away_what_was_applied_alone(self, live: Document, document: Document) -> None:
        after, managed = apply(*applied_by((ONE, document)), ONE, {})
        assert fields_of_document(TYPE, after) == {}
        assert managed == {}

    @given(DOCUMENTS, DOCUMENTS)
    def test_arguments_are_never_changed(self, first: Document, second: Document) -> None:
        live, managed = applied_by((ONE, first))
        before = copy.deepcopy((live, managed, second))
        apply(live, managed, TWO, second)
        assert (live, managed, second) == before

    @given(DOCUMENTS, DOCUMENTS)
    def test_a_conflict_is_about_fields_of_others_that_would_change(self, first: Document, second: Document) -> None:
        live, managed = applied_by((ONE, first))
        changed = compare(TYPE, live, merged(TYPE, live, second)).touched
        expected = set(paths(intersection(owned(managed, ONE), changed)))
        assert conflicts_of(live, managed, TWO, second) == {(ONE, path) for path in expected}


class TestUpdate:
    """Properties of a plain write."""

    @given(DOCUMENTS, DOCUMENTS)
    def test_the_writer_owns_what_it_changed_and_nobody_else_does(self, old: Document, new: Document) -> None:
        live, managed = applied_by((ONE, old))
        after = UPDATER.update(live, new, managed, WRITER)
        touched = compare(TYPE, live, new).touched
        assert owned(after, WRITER) == touched
        assert intersection(owned(after, ONE), touched) == {}

    @given(DOCUMENTS, DOCUMENTS)
    def test_nobody_owns_what_is_not_there(self, old: Document, new: Document) -> None:
        live, managed = applied_by((ONE, old))
        after = UPDATER.update(live, new, managed, WRITER)
        removed = compare(TYPE, live, new).removed
        everyone = union(owned(after, ONE), owned(after, WRITER))
        assert intersection(everyone, removed) == {}


class TestMerge:
    """The result of a merge has all of the configuration, and what it does not mention."""

    @given(DOCUMENTS, DOCUMENTS)
    def test_all_that_is_applied_is_there(self, live: Document, document: Document) -> None:
        result = merged(TYPE, live, document)
        fields = fields_of_document(TYPE, document)
        missing = compare(TYPE, document, result)
        assert missing.modified == {}
        assert intersection(missing.removed, fields) == {}

    @given(DOCUMENTS)
    def test_nothing_merged_into_it_changes_nothing(self, live: Document) -> None:
        assert merged(TYPE, live, {}) == live

    @pytest.mark.parametrize(
        ("live", "applied", "expected"),
        [
            pytest.param("abc", "ca", "bca", id="shared items take the applied order"),
            pytest.param("abc", "d", "abcd", id="new ones come last"),
            pytest.param("ab", "xb", "axb", id="what only the object has keeps its place before the next shared item"),
            pytest.param("abc", "cb", "acb", id="an item whose turn is later is put off"),
        ],
    )
    def test_the_order_of_lists(self, live: str, applied: str, expected: str) -> None:
        result = merged(TYPE, {"tags": list(live)}, {"tags": list(applied)})
        assert "".join(result["tags"]) == expected


class TestOwnership:
    """Single cases that upstream's documents and tests name."""

    def test_an_item_that_another_manager_filled_stays_with_its_keys(self) -> None:
        live, managed = applied_by(
            (ONE, {"items": [{"name": "a", "value": "1"}]}), (TWO, {"items": [{"name": "a", "labels": {"x": "1"}}]})
        )
        after, _ = apply(live, managed, ONE, {"items": []})
        assert after == {"items": [{"name": "a", "labels": {"x": "1"}}]}

    def test_what_an_updater_put_into_a_removed_item_does_not_keep_it(self) -> None:
        live, managed = applied_by((ONE, {"items": [{"name": "a"}]}))
        new = {"items": [{"name": "a", "value": "set"}]}
        managed = UPDATER.update(live, new, managed, WRITER)
        after, managed = apply(new, managed, ONE, {})
        assert not after["items"]
        assert managed == {}

    def test_an_atomic_map_belongs_to_one_manager(self) -> None:
        live, managed = applied_by((ONE, {"whole": {"a": "1"}}))
        with pytest.raises(Conflicts) as conflicts:
            UPDATER.apply(live, {"whole": {"b": "1"}}, managed, TWO, force=False)
        assert conflicts.value.found == ((ONE, ("f:whole",)),)
        after, managed = apply(live, managed, TWO, {"whole": {"b": "1"}})
        assert after == {"whole": {"b": "1"}}
        assert ONE not in managed

    def test_equal_values_are_shared_without_a_conflict(self) -> None:
        live, managed = applied_by((ONE, {"text": "a"}))
        after, managed = UPDATER.apply(live, {"text": "a"}, managed, TWO, force=False)
        assert after == {"text": "a"}
        assert owned(managed, ONE) == owned(managed, TWO) == set_of([("f:text",)])

    def test_a_key_left_out_means_its_default(self) -> None:
        live, managed = applied_by((ONE, {"items": [{"name": "a", "protocol": "TCP"}]}))
        after, _ = apply(live, managed, TWO, {"items": [{"name": "a", "value": "x"}]})
        assert after == {"items": [{"name": "a", "protocol": "TCP", "value": "x"}]}

    def test_items_that_cannot_be_told_apart_are_one_leaf(self) -> None:
        twice = {"items": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}
        managed = UPDATER.update({}, twice, {}, WRITER)
        element = 'k:{"name":"a","protocol":"TCP"}'
        assert owned(managed, WRITER) == set_of([("f:items",), ("f:items", element)])

    def test_a_version_that_is_served_no_longer_loses_its_managers(self) -> None:
        old = ManagerId("old", UPDATE, "v0")
        live, managed = applied_by((ONE, {"text": "a"}))
        gone = managed[ONE].__class__(set_of([("f:text",)]), "v0")
        _, after = apply(live, {**managed, old: gone}, ONE, {"text": "b"})
        assert old not in after
