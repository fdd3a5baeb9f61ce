"""JSON merge patch: RFC 7386."""

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.patch import MERGE_PATCH, apply, patch_type
from apiserver.patch.merge_patch import apply_merge_patch, merged
from naru.api.errors import BadRequest, UnsupportedMediaType
from naru.api.meta import KubeObject


class TestMergePatch:
    """The cases of the RFC's appendix A, as far as both sides are objects."""

    @pytest.mark.parametrize(
        ("original", "patch", "expected"),
        [
            ({"a": "b"}, {"a": "c"}, {"a": "c"}),
            ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
            ({"a": "b"}, {"a": None}, {}),
            ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
            ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
            ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
            ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
            ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
            ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
            ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ],
    )
    def test_appendix(self, original: dict[str, Any], patch: dict[str, Any], expected: dict[str, Any]) -> None:
        assert apply_merge_patch(original, orjson.dumps(patch)) == expected

    @pytest.mark.parametrize(
        ("patch", "message"),
        [
            (b"", "error decoding patch: unexpected end of JSON input"),
            (b"{", "error decoding patch: unexpected end of JSON input"),
            (b"[]", "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"),
            (b"3", "error decoding patch: json: cannot unmarshal number into Go value of type map[string]interface {}"),
            (b"null", "Invalid JSON Patch"),
        ],
    )
    def test_only_an_object_is_a_patch(self, patch: bytes, message: str) -> None:
        with pytest.raises(BadRequest) as error:
            apply_merge_patch({}, patch)
        assert error.value.message == message


VALUES = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text("ab", max_size=2), VALUES, max_size=4)


def difference(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Write the merge patch that makes ``new`` of ``old``."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        current = old.get(key)
        if isinstance(value, dict) and isinstance(current, dict):
            patch[key] = difference(current, value)
        elif current != value or type(current) is not type(value):
            patch[key] = value
    return patch


class TestProperties:
    """What holds for all documents without nulls."""

    @given(old=OBJECTS, new=OBJECTS)
    def test_a_difference_applied_gives_the_new_document(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        before = copy.deepcopy(old)
        assert merged(old, difference(old, new)) == new
        assert old == before

    @given(old=OBJECTS, patch=OBJECTS)
    def test_twice_is_as_once(self, old: dict[str, Any], patch: dict[str, Any]) -> None:
        once = merged(old, patch)
        assert merged(once, patch) == once


class TestContentTypes:
    """The media type picks the engine; parameters do not matter."""

    def test_parameters_are_ignored(self) -> None:
        assert patch_type("application/merge-patch+json; charset=utf-8") == MERGE_PATCH

    def test_the_engine_is_the_one_of_the_type(self) -> None:
        assert apply(MERGE_PATCH, {}, b'{"a":1}', KubeObject) == {"a": 1}

    @pytest.mark.parametrize("content_type", ["application/json", "", "application/apply-patch+cbor", "text/plain"])
    def test_the_refusal_lists_what_is_accepted(self, content_type: str) -> None:
        with pytest.raises(UnsupportedMediaType) as error:
            patch_type(content_type)
        assert error.value.message == (
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, "
            "application/apply-patch+yaml"
        )
