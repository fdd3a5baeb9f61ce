"""Field sets: an algebra of paths that is kept in the form of the wire."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.managed_fields.elements import MalformedElement, canonical, display, key_element, order, value_element
from apiserver.managed_fields.field_sets import (
    FieldSet,
    MalformedSet,
    Path,
    decode,
    difference,
    encode,
    has,
    intersection,
    path_text,
    paths,
    set_of,
    union,
    without,
)
from apiserver.managed_fields.reset_fields import ANY, only

ELEMENTS = st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}', "v:1", 'v:"1"'])
PATHS = st.lists(ELEMENTS, min_size=1, max_size=4).map(tuple)
PATH_SETS: st.SearchStrategy[frozenset[Path]] = st.frozensets(PATHS, max_size=8)


def members(fields: FieldSet) -> frozenset[Path]:
    return frozenset(paths(fields))


class TestAlgebra:
    """The operations do to trees what the same operations do to sets of paths."""

    @given(PATH_SETS)
    def test_a_set_holds_the_paths_it_was_made_of(self, left: frozenset[Path]) -> None:
        fields = set_of(left)
        assert members(fields) == left
        assert all(has(fields, path) for path in left)

    @given(PATH_SETS, PATH_SETS)
    def test_union_intersection_and_difference(self, left: frozenset[Path], right: frozenset[Path]) -> None:
        ours, theirs = set_of(left), set_of(right)
        assert members(union(ours, theirs)) == left | right
        assert members(intersection(ours, theirs)) == left & right
        assert members(difference(ours, theirs)) == left - right

    @given(PATH_SETS, PATH_SETS)
    def test_without_takes_what_is_inside_away_too(self, left: frozenset[Path], right: frozenset[Path]) -> None:
        inside = {path for path in left if any(path[: len(gone)] == gone for gone in right)}
        assert members(without(set_of(left), set_of(right))) == left - inside

    @given(PATH_SETS, PATH_SETS)
    def test_arguments_are_never_changed(self, left: frozenset[Path], right: frozenset[Path]) -> None:
        ours, theirs = set_of(left), set_of(right)
        before = encode(ours), encode(theirs)
        for operation in (union, intersection, difference, without):
            operation(ours, theirs)
        assert (encode(ours), encode(theirs)) == before

    @given(PATH_SETS, PATH_SETS)
    def test_equal_sets_have_equal_trees(self, left: frozenset[Path], right: frozenset[Path]) -> None:
        ours, theirs = set_of(left), set_of(right)
        assert union(difference(ours, theirs), intersection(ours, theirs)) == ours
        assert union(ours, theirs) == union(theirs, ours)

    @given(PATH_SETS)
    def test_what_is_encoded_decodes_to_the_same(self, left: frozenset[Path]) -> None:
        assert decode(encode(set_of(left))) == set_of(left)


class TestWireForm:
    """The trees are fieldsV1 as upstream writes and reads it."""

    def test_a_field_beside_its_content_is_marked_by_a_dot(self) -> None:
        fields = set_of([("f:data",), ("f:data", "f:a")])
        assert orjson.loads(encode(fields)) == {"f:data": {".": {}, "f:a": {}}}

    @pytest.mark.parametrize(
        ("written", "read"),
        [
            pytest.param({"f:a": {".": {}}}, {"f:a": {}}, id="a dot alone is a leaf"),
            pytest.param({"x:a": {}, "f:b": {}}, {"f:b": {}}, id="elements of later versions are ignored"),
            pytest.param({'k:{"b":1,"a":2}': {}}, {'k:{"a":2,"b":1}': {}}, id="keys are sorted"),
            pytest.param({"f:a": None}, {"f:a": {}}, id="null is a leaf"),
            pytest.param({".": {}}, {}, id="nobody owns the whole object"),
        ],
    )
    def test_other_writings_of_a_set(self, written: Any, read: FieldSet) -> None:
        assert decode(orjson.dumps(written)) == read

    @pytest.mark.parametrize("text", [b"[]", b"1", b"{", b'{"a":{}}', b'{"k:1":{}}', b'{"v:x":{}}', b'{"i:x":{}}'])
    def test_what_is_no_set(self, text: bytes) -> None:
        with pytest.raises(MalformedSet):
            decode(text)


class TestElements:
    """Steps are compared as texts, so each has one."""

    def test_items_are_named_by_their_keys_in_order(self) -> None:
        assert key_element({"protocol": "TCP", "containerPort": 80}) == 'k:{"containerPort":80,"protocol":"TCP"}'
        assert value_element("a<b") == 'v:"a\\u003cb"'

    def test_paths_read_as_in_messages(self) -> None:
        path = ("f:spec", key_element({"name": "web"}), value_element(1), "i:0")
        assert path_text(path) == '.spec[name="web"][=1][0]'
        assert display(key_element({"b": True, "a": "x"})) == '[a="x",b=true]'

    def test_numbers_are_ordered_as_numbers(self) -> None:
        ports = [key_element({"containerPort": port}) for port in (443, 80)]
        assert sorted(["v:1", *ports, "f:z", "f:a"], key=order) == ["f:a", "f:z", ports[1], ports[0], "v:1"]

    def test_what_is_no_element(self) -> None:
        with pytest.raises(MalformedElement):
            canonical("spec")


class TestOnly:
    """Some subresources own what matches a pattern alone."""

    def test_what_matches_is_kept_with_all_that_is_in_it(self) -> None:
        item = ("f:spec", "f:containers", 'k:{"name":"a"}')
        kept = [item, (*item, "f:resources", "f:limits"), (*item, "f:resources")]
        fields = set_of([*kept, (*item, "f:image"), ("f:spec", "f:nodeName"), ("f:metadata", "f:labels")])
        pattern = ("f:spec", "f:containers", ANY, "f:resources")
        assert members(only(fields, [pattern])) == frozenset(kept)
