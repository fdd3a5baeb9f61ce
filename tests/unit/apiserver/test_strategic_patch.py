"""Strategic merge patch: lists merge by key, sets of scalars grow, directives are obeyed."""

import copy
from typing import Annotated, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.patch.strategic import apply_strategic_patch
from naru.api.errors import APIError, BadRequest, InternalError, Invalid
from naru.api.meta import ObjectMeta
from naru.api.model import REPLACE_KEYS, MergeKey, Model


class Port(Model):
    """A port, known by its number."""

    container_port: int
    protocol: str = "TCP"


class Item(Model):
    """An item known by its name."""

    name: str
    image: str = ""
    args: tuple[str, ...] = ()
    ports: Annotated[tuple[Port, ...], MergeKey("containerPort")] = ()


class Strategy(Model):
    """An object of which one field at a time is set."""

    type: str = ""
    rolling: dict[str, int] = {}


class Spec(Model):
    """Lists that merge, and one that does not."""

    items: Annotated[tuple[Item, ...], MergeKey("name")] = ()
    plain: tuple[Item, ...] = ()
    strategy: Annotated[Strategy | None, REPLACE_KEYS] = None
    by_name: dict[str, Item] = {}


class Thing(Model):
    """An object as the engine meets it."""

    metadata: ObjectMeta = ObjectMeta()
    spec: Spec | None = None


def apply(original: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    before = copy.deepcopy(original)
    result = apply_strategic_patch(original, orjson.dumps(patch), Thing)
    assert original == before
    return result


def spec(original: dict[str, Any], patch: dict[str, Any]) -> Any:
    return apply({"spec": original}, {"spec": patch})["spec"]


A = {"name": "a", "image": "1"}
B = {"name": "b", "image": "1"}
C = {"name": "c", "image": "1"}


class TestLists:
    """A declared key merges a list; without one it is replaced."""

    @pytest.mark.parametrize(
        ("original", "patch", "expected"),
        [
            pytest.param([A, B], [{"name": "b", "image": "2"}], [A, {"name": "b", "image": "2"}], id="merged by key"),
            pytest.param([A], [C, B], [C, B, A], id="new items come first, as upstream has it"),
            pytest.param([A, B], [{"name": "a", "$patch": "delete"}], [B], id="$patch: delete"),
            pytest.param([A, B], [C, {"$patch": "replace"}], [C], id="$patch: replace"),
            pytest.param([A, B], [{"$patch": "replace"}], [], id="replaced with nothing"),
            pytest.param([A], [{"name": "a", "image": None}], [{"name": "a"}], id="null removes a field"),
            pytest.param([A], [{"name": "b", "image": None}], [{"name": "b", "image": None}, A], id="a new item"),
            pytest.param([A, B], [{"name": "b"}, {"name": "a"}], [B, A], id="the patch's order wins"),
            pytest.param(
                [A, B, C], [{"name": "c"}, {"name": "a"}], [B, C, A], id="unnamed items stay before what followed"
            ),
        ],
    )
    def test_keyed(self, original: list[Any], patch: list[Any], expected: list[Any]) -> None:
        assert spec({"items": original}, {"items": patch}) == {"items": expected}

    def test_a_list_without_a_key_is_replaced(self) -> None:
        assert spec({"plain": [A, B]}, {"plain": [C]}) == {"plain": [C]}

    def test_lists_inside_items_merge_too(self) -> None:
        original = {"items": [{**A, "args": ["x"], "ports": [{"containerPort": 80}]}]}
        patch = {"items": [{"name": "a", "args": ["y"], "ports": [{"containerPort": 80, "protocol": "UDP"}]}]}
        assert spec(original, patch)["items"] == [
            {**A, "args": ["y"], "ports": [{"containerPort": 80, "protocol": "UDP"}]}
        ]

    def test_items_of_a_map_are_typed(self) -> None:
        original = {"byName": {"x": {"name": "x", "ports": [{"containerPort": 1}]}}}
        result = spec(original, {"byName": {"x": {"ports": [{"containerPort": 2}]}}})
        assert result["byName"]["x"]["ports"] == [{"containerPort": 2}, {"containerPort": 1}]

    def test_a_set_of_scalars_grows(self) -> None:
        result = apply({"metadata": {"finalizers": ["a", "b"]}}, {"metadata": {"finalizers": ["c", "a"]}})
        assert result["metadata"]["finalizers"] == ["c", "a", "b"]

    def test_a_set_shrinks_by_directive(self) -> None:
        patch = {
            "$deleteFromPrimitiveList/finalizers": ["a"],
            "finalizers": ["c"],
            "$setElementOrder/finalizers": ["c", "b"],
        }
        result = apply({"metadata": {"finalizers": ["a", "b"]}}, {"metadata": patch})
        assert result["metadata"] == {"finalizers": ["c", "b"]}


class TestOrder:
    """``$setElementOrder`` is what kubectl apply sends to keep the manifest's order."""

    def test_the_list_takes_the_order(self) -> None:
        patch = {"$setElementOrder/items": [{"name": "c"}, {"name": "a"}], "items": [C]}
        assert spec({"items": [A]}, patch)["items"] == [C, A]

    def test_items_of_others_keep_their_place(self) -> None:
        patch = {"$setElementOrder/items": [{"name": "b"}, {"name": "c"}], "items": [C]}
        assert spec({"items": [A, B]}, patch)["items"] == [A, B, C]

    def test_order_alone(self) -> None:
        assert spec({"items": [A, B]}, {"$setElementOrder/items": [{"name": "b"}, {"name": "a"}]})["items"] == [B, A]

    def test_order_of_a_list_that_is_not_there(self) -> None:
        assert spec({}, {"$setElementOrder/items": [{"name": "b"}]}) == {}

    def test_a_patch_in_another_order_is_refused(self) -> None:
        patch = {"$setElementOrder/items": [{"name": "b"}, {"name": "a"}], "items": [{"name": "a"}, {"name": "b"}]}
        with pytest.raises(InternalError) as error:
            spec({"items": [A, B]}, patch)
        assert error.value.message == (
            "The order in patch list:\n[map[name:a] map[name:b]]\n doesn't match $setElementOrder list:\n"
            "[map[name:b] map[name:a]]\n"
        )


class TestObjects:
    """Objects merge member by member, unless told otherwise."""

    @pytest.mark.parametrize(
        ("patch", "expected"),
        [
            pytest.param({"rolling": {"max": 2}}, {"type": "R", "rolling": {"max": 2, "min": 0}}, id="merge"),
            pytest.param({"$patch": "replace", "type": "X"}, {"type": "X"}, id="$patch: replace"),
            pytest.param({"$patch": "delete"}, {}, id="$patch: delete"),
            pytest.param({"$retainKeys": ["type"], "type": "X"}, {"type": "X"}, id="$retainKeys"),
            pytest.param({"$retainKeys": ["rolling"]}, {"rolling": {"max": 1, "min": 0}}, id="$retainKeys alone"),
        ],
    )
    def test_strategy(self, patch: dict[str, Any], expected: dict[str, Any]) -> None:
        original = {"strategy": {"type": "R", "rolling": {"max": 1, "min": 0}}}
        assert spec(original, {"strategy": patch})["strategy"] == expected

    def test_null_removes(self) -> None:
        assert spec({"strategy": {"type": "R"}, "plain": []}, {"strategy": None}) == {"plain": []}

    def test_a_new_object_has_no_nulls(self) -> None:
        assert spec({}, {"strategy": {"type": "X", "rolling": None}}) == {"strategy": {"type": "X"}}

    @pytest.mark.parametrize("directive", ["delete", "replace", "merge"])
    def test_a_directive_about_what_is_not_there_makes_nothing(self, directive: str) -> None:
        assert spec({}, {"strategy": {"$patch": directive, "type": "X"}}) == {}

    def test_unknown_fields_pass_for_the_decoder_to_judge(self) -> None:
        assert spec({}, {"foo": {"bar": [1]}}) == {"foo": {"bar": [1]}}


class TestRefusals:
    """Upstream's texts; what its engine did not foresee is an internal error there."""

    @pytest.mark.parametrize(
        ("patch", "error", "message"),
        [
            ({"items": [["a"]]}, Invalid, "the server rejected our request due to an error in our request"),
            ({"$retainKeys": ["strategy"], "plain": []}, BadRequest, "invalid patch format of retainKeys"),
            ({"$setElementOrder": []}, BadRequest, "invalid patch format of setElementOrder list"),
            ({"$deleteFromPrimitiveList": []}, BadRequest, "invalid patch format of primitive list"),
            (
                {"items": [{"image": "x"}]},
                InternalError,
                "map: map[image:x] does not contain declared merge key: name",
            ),
            (
                {"items": ["a"]},
                InternalError,
                "list element types are not identical: [[map[image:1 name:a]] [a]]",
            ),
            (
                {"items": [{"name": "a", "$patch": "x"}]},
                InternalError,
                "unknown patch type: x in map: map[$patch:x name:a]",
            ),
            (
                {"items": [{"name": "a", "$patch": "merge"}]},
                InternalError,
                "merging lists cannot yet be specified in the patch",
            ),
            ({"strategy": {"$patch": "no"}}, InternalError, "unknown patch type: no in map: map[$patch:no]"),
            ({"$setElementOrder/items": 3}, InternalError, "expected a []interface {}, but received a int64"),
            (
                {"$setElementOrder/none": []},
                InternalError,
                'unable to find api field in struct Spec for the json field "none"',
            ),
        ],
    )
    def test_message(self, patch: dict[str, Any], error: type[APIError], message: str) -> None:
        with pytest.raises(error) as raised:
            spec({"items": [A], "strategy": {"type": "R"}}, patch)
        assert raised.value.message == message

    @pytest.mark.parametrize(
        ("patch", "message"),
        [
            (b"[]", "json: cannot unmarshal array into Go value of type map[string]interface {}"),
            (b"{", "unexpected end of JSON input"),
        ],
    )
    def test_what_is_no_patch(self, patch: bytes, message: str) -> None:
        with pytest.raises(BadRequest) as error:
            apply_strategic_patch({}, patch, Thing)
        assert error.value.message == message


NAMES = st.lists(st.sampled_from("abcdefg"), unique=True)


def named(names: list[str], image: str = "") -> list[dict[str, str]]:
    return [{"name": name, "image": image} for name in names]


class TestProperties:
    """What holds for all keyed lists."""

    @given(live=NAMES, patch=NAMES)
    def test_a_merge_loses_and_doubles_nothing(self, live: list[str], patch: list[str]) -> None:
        merged = [item["name"] for item in spec({"items": named(live)}, {"items": named(patch)})["items"]]
        assert sorted(merged) == sorted({*live, *patch})
        assert [name for name in merged if name in patch] == patch

    @given(live=NAMES, patch=NAMES)
    def test_twice_is_as_once(self, live: list[str], patch: list[str]) -> None:
        once = spec({"items": named(live)}, {"items": named(patch, "2")})
        assert spec(once, {"items": named(patch, "2")}) == once

    @given(live=NAMES, wanted=NAMES, manifest=NAMES)
    def test_apply_brings_the_manifest_and_its_order(
        self, live: list[str], wanted: list[str], manifest: list[str]
    ) -> None:
        """A patch as kubectl apply writes it: what the last manifest had and this one lacks is deleted."""
        gone = [{"name": name, "$patch": "delete"} for name in manifest if name not in wanted]
        order = [{"name": name} for name in wanted]
        result = spec({"items": named(live)}, {"$setElementOrder/items": order, "items": [*named(wanted), *gone]})[
            "items"
        ]
        names = [item["name"] for item in result]
        assert [name for name in names if name in wanted] == wanted
        assert set(names) == (set(live) - set(manifest)) | set(wanted)
