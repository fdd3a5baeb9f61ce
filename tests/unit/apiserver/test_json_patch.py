"""JSON patch: RFC 6902, with the leniency that clients of Kubernetes rely on."""

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.patch.json_patch import apply_json_patch
from naru.api.errors import BadRequest, Invalid, RequestEntityTooLarge

DOCUMENT: dict[str, Any] = {
    "metadata": {"name": "web", "labels": {"app": "web", "a/b": "slash", "m~n": "tilde"}},
    "spec": {"replicas": 3, "list": [1, 2, 3], "flag": True},
}


def apply(*operations: dict[str, Any], document: dict[str, Any] | None = None) -> dict[str, Any]:
    return apply_json_patch(DOCUMENT if document is None else document, orjson.dumps(list(operations)))


class TestOperations:
    """Each operation does what section 4 of the RFC says."""

    @pytest.mark.parametrize(
        ("operation", "path", "expected"),
        [
            pytest.param({"op": "add", "path": "/spec/x", "value": 1}, ("spec", "x"), 1, id="add makes a member"),
            pytest.param(
                {"op": "add", "path": "/spec/replicas", "value": 9}, ("spec", "replicas"), 9, id="add replaces"
            ),
            pytest.param(
                {"op": "add", "path": "/spec/list/1", "value": 9},
                ("spec", "list"),
                [1, 9, 2, 3],
                id="add inserts in a list",
            ),
            pytest.param(
                {"op": "add", "path": "/spec/list/-", "value": 9}, ("spec", "list"), [1, 2, 3, 9], id="a dash appends"
            ),
            pytest.param({"op": "remove", "path": "/spec/list/0"}, ("spec", "list"), [2, 3], id="remove from a list"),
            pytest.param({"op": "remove", "path": "/spec/list/-1"}, ("spec", "list"), [1, 2], id="negative index"),
            pytest.param(
                {"op": "replace", "path": "/spec/list/0", "value": [0]},
                ("spec", "list"),
                [[0], 2, 3],
                id="replace an item",
            ),
            pytest.param(
                {"op": "replace", "path": "/spec/none", "value": 1},
                ("spec", "none"),
                1,
                id="replace makes a missing member",
            ),
            pytest.param(
                {"op": "copy", "from": "/spec/list", "path": "/spec/again"}, ("spec", "again"), [1, 2, 3], id="copy"
            ),
            pytest.param({"op": "move", "from": "/spec/flag", "path": "/moved"}, ("moved",), True, id="move"),
            pytest.param(
                {"op": "replace", "path": "/metadata/labels/a~1b", "value": "x"},
                ("metadata", "labels", "a/b"),
                "x",
                id="~1 is a slash",
            ),
            pytest.param(
                {"op": "replace", "path": "/metadata/labels/m~0n", "value": "x"},
                ("metadata", "labels", "m~n"),
                "x",
                id="~0 is a tilde",
            ),
        ],
    )
    def test_result(self, operation: dict[str, Any], path: tuple[str, ...], expected: Any) -> None:
        result: Any = apply(operation)
        for token in path:
            result = result[token]
        assert result == expected

    def test_a_moved_value_is_gone_from_its_old_place(self) -> None:
        assert "flag" not in apply({"op": "move", "from": "/spec/flag", "path": "/moved"})["spec"]

    @pytest.mark.parametrize("wanted", [{"path": "/spec/replicas", "value": 3}, {"path": "/spec/none", "value": None}])
    def test_a_test_that_holds_changes_nothing(self, wanted: dict[str, Any]) -> None:
        assert apply({"op": "test", **wanted}) == DOCUMENT

    def test_an_edit_after_a_copy_leaves_the_source_alone(self) -> None:
        result = apply(
            {"op": "copy", "from": "/spec/list", "path": "/spec/again"},
            {"op": "add", "path": "/spec/again/-", "value": 4},
        )
        assert (result["spec"]["list"], result["spec"]["again"]) == ([1, 2, 3], [1, 2, 3, 4])


class TestRefusals:
    """A malformed patch is a 400, one that does not fit a 422 with upstream's sentence, which says no more."""

    @pytest.mark.parametrize(
        "operation",
        [
            pytest.param({"op": "test", "path": "/spec/replicas", "value": 4}, id="a test that fails"),
            pytest.param({"op": "test", "path": "/spec/flag", "value": 1}, id="true is not 1"),
            pytest.param({"op": "test", "path": "/spec/replicas", "value": 3.0}, id="3.0 is not 3"),
            pytest.param({"op": "test", "path": "/none/x", "value": None}, id="a test below nothing"),
            pytest.param({"op": "remove", "path": "/spec/none"}, id="remove of nothing"),
            pytest.param({"op": "add", "path": "/none/x", "value": 1}, id="add below nothing"),
            pytest.param({"op": "add", "path": "/spec/replicas/x", "value": 1}, id="add below a scalar"),
            pytest.param({"op": "add", "path": "/spec/list/4", "value": 1}, id="add beyond the end"),
            pytest.param({"op": "add", "path": "/spec/list/x", "value": 1}, id="bad index"),
            pytest.param({"op": "add", "path": "", "value": {}}, id="add of the document"),
            pytest.param({"op": "remove", "path": ""}, id="remove of the document"),
            pytest.param({"op": "replace", "path": "", "value": 7}, id="a document that is a number"),
            pytest.param({"op": "move", "from": "/spec", "path": "/spec/x"}, id="move into itself"),
            pytest.param({"op": "grow", "path": "/a"}, id="no such operation"),
            pytest.param({"path": "/a"}, id="no operation"),
            pytest.param({"op": "remove"}, id="no path"),
            pytest.param({"op": "add", "path": "a", "value": 1}, id="no pointer"),
            pytest.param({"op": "move", "path": "/a"}, id="no source"),
        ],
    )
    def test_what_does_not_fit(self, operation: dict[str, Any]) -> None:
        with pytest.raises(Invalid) as error:
            apply(operation)
        assert error.value.message == "the server rejected our request due to an error in our request"

    @pytest.mark.parametrize(
        ("patch", "problem"),
        [
            (b"{", "unexpected end of JSON input"),
            (b"[x", "invalid character 'x' looking for beginning of value"),
            (b"{}", "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"),
            (b"[1]", "json: cannot unmarshal number into Go value of type handlers.jsonPatchOp"),
            (b'[{"op":1}]', "json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string"),
        ],
    )
    def test_what_is_malformed(self, patch: bytes, problem: str) -> None:
        with pytest.raises(BadRequest) as error:
            apply_json_patch(DOCUMENT, patch)
        assert error.value.message == f"error decoding patch: {problem}"

    def test_too_many_operations(self) -> None:
        with pytest.raises(RequestEntityTooLarge, match="10000, got 10001"):
            apply(*[{"op": "test", "path": "/a", "value": None}] * 10_001)

    def test_copies_of_copies(self) -> None:
        grow = [{"op": "copy", "from": "/l", "path": "/l/-"}] * 60
        with pytest.raises(Invalid):
            apply(*grow, document={"l": ["x" * 100]})


class TestLeniency:
    """What the RFC forbids and upstream's library lets pass."""

    @pytest.mark.parametrize(
        ("operation", "path", "expected"),
        [
            pytest.param({"op": "add", "path": "/spec/x"}, ("spec", "x"), None, id="a missing value is null"),
            pytest.param({"op": "copy", "from": "/none", "path": "/x"}, ("x",), None, id="a copy of nothing is null"),
            pytest.param(
                {"op": "add", "path": "spec/replicas", "value": 4}, ("replicas",), 4, id="no slash at the start"
            ),
            pytest.param({"op": "add", "path": "/spec/a~2", "value": 4}, ("spec", "a~2"), 4, id="a strange escape"),
        ],
    )
    def test_result(self, operation: dict[str, Any], path: tuple[str, ...], expected: Any) -> None:
        result: Any = apply(operation)
        for token in path:
            result = result[token]
        assert result == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab/~", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~-0", max_size=2), inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text("ab/~-0", max_size=2), JSON, max_size=4)


def difference(old: Any, new: Any, path: str = "") -> list[dict[str, Any]]:
    """Write the patch that makes ``new`` of ``old``, member by member."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return [{"op": "replace", "path": path, "value": new}]
    operations = []
    for key in old.keys() | new.keys():
        pointer = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
        if key not in new:
            operations.append({"op": "remove", "path": pointer})
        elif key not in old:
            operations.append({"op": "add", "path": pointer, "value": new[key]})
        else:
            operations += difference(old[key], new[key], pointer)
    return operations


class TestProperties:
    """What holds for all documents."""

    @given(old=OBJECTS, new=OBJECTS)
    def test_a_difference_applied_gives_the_new_document(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        before = copy.deepcopy(old)
        assert apply_json_patch(old, orjson.dumps(difference(old, new))) == new
        assert old == before
