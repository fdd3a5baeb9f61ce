"""The three-way merge of `naru apply`, against the patch engine that the API server applies it with."""

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.patch.strategic import apply_strategic_patch
from cli.verbs.shapes import Shape
from cli.verbs.three_way import plan_patch
from naru.api.apps_v1 import Deployment
from naru.api.core_v1 import Pod

Json = dict[str, Any]


def container(name: str, **fields: object) -> Json:
    return {"name": name, "image": "naru.local/busybox:1", **fields}


def pod(*containers: Json, **metadata: object) -> Json:
    return {"metadata": {"name": "p", **metadata}, "spec": {"containers": list(containers)}}


def plan(original: Json, modified: Json, current: Json, model: type[Pod] | type[Deployment] = Pod) -> Json:
    return plan_patch(original, modified, current, Shape.of(model))


def applied(original: Json, modified: Json, current: Json, model: type[Pod] | type[Deployment] = Pod) -> Json:
    patch = plan(original, modified, current, model)
    return apply_strategic_patch(copy.deepcopy(current), orjson.dumps(patch), model)


class TestPlanPatch:
    """What the manifest says wins, what it no longer says goes, what others wrote stays."""

    def test_nothing_to_do(self) -> None:
        assert plan(pod(container("a")), pod(container("a")), pod(container("a"))) == {}

    def test_a_default_that_the_server_added_stays(self) -> None:
        current = pod(container("a", imagePullPolicy="IfNotPresent"))
        assert plan(pod(container("a")), pod(container("a")), current) == {}

    def test_a_changed_field_is_sent_alone(self) -> None:
        patch = plan(pod(container("a")), pod(container("a", image="b:2")), pod(container("a", tty=True)))
        assert patch["spec"]["containers"] == [{"name": "a", "image": "b:2"}]

    def test_a_field_no_longer_given_is_removed(self) -> None:
        before = pod(container("a"), labels={"x": "1", "y": "2"})
        assert plan(before, pod(container("a"), labels={"x": "1"}), before) == {"metadata": {"labels": {"y": None}}}

    def test_a_field_that_somebody_else_added_stays(self) -> None:
        current = pod(container("a"), labels={"x": "1", "theirs": "2"})
        original = pod(container("a"), labels={"x": "1"})
        assert plan(original, original, current) == {}

    def test_a_container_no_longer_given_is_removed(self) -> None:
        both, one = pod(container("a"), container("b")), pod(container("a"))
        assert applied(both, one, both)["spec"]["containers"] == [container("a")]

    def test_a_container_that_was_injected_stays(self) -> None:
        one = pod(container("a"))
        current = pod(container("a"), container("injected"))
        changed = pod(container("a", image="b:2"))
        names = [item["name"] for item in applied(one, changed, current)["spec"]["containers"]]
        assert names == ["a", "injected"]

    def test_the_order_of_the_manifest_is_kept(self) -> None:
        ab, ba = pod(container("a"), container("b")), pod(container("b"), container("a"))
        assert applied(ab, ba, ab)["spec"]["containers"] == ba["spec"]["containers"]

    def test_a_set_of_scalars_loses_only_what_the_manifest_dropped(self) -> None:
        original = pod(container("a"), finalizers=["mine", "old"])
        modified = pod(container("a"), finalizers=["mine", "new"])
        current = pod(container("a"), finalizers=["mine", "old", "theirs"])
        assert set(applied(original, modified, current)["metadata"]["finalizers"]) == {"mine", "new", "theirs"}

    def test_another_strategy_takes_the_old_ones_settings_away(self) -> None:
        rolling = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
        recreate = {"spec": {"strategy": {"type": "Recreate"}}}
        after = applied({"spec": {"strategy": {}}}, recreate, rolling, Deployment)
        assert after["spec"]["strategy"] == {"type": "Recreate"}

    def test_an_atomic_list_is_replaced_whole(self) -> None:
        before, after = pod(container("a", command=["x", "y"])), pod(container("a", command=["x"]))
        assert applied(before, after, before) == after

    def test_null_in_a_manifest_removes_the_field(self) -> None:
        current = pod(container("a"), labels={"x": "1"})
        assert plan({}, pod(container("a"), labels=None), current)["metadata"]["labels"] is None


names = st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True, min_size=1, max_size=4)
fields = st.dictionaries(st.sampled_from(["image", "workingDir", "command"]), st.sampled_from(["1", "2"]))
labels = st.dictionaries(st.sampled_from(["x", "y", "z"]), st.sampled_from(["1", "2"]), max_size=3)


@st.composite
def pods(draw: st.DrawFn) -> Json:
    containers = []
    for name in draw(names):
        chosen = draw(fields)
        if "command" in chosen:
            chosen["command"] = [chosen["command"]]
        containers.append({"name": name, **chosen})
    return {"metadata": {"name": "p", "labels": draw(labels)}, "spec": {"containers": containers}}


class TestProperties:
    """Whatever came before, one apply reaches the manifest, and a second finds nothing to do."""

    @given(original=pods(), modified=pods())
    def test_what_only_the_manifest_wrote_becomes_the_manifest(self, original: Json, modified: Json) -> None:
        assert applied(original, modified, original) == modified

    @given(original=pods(), modified=pods(), current=pods())
    def test_applying_twice_is_applying_once(self, original: Json, modified: Json, current: Json) -> None:
        once = applied(original, modified, current)
        assert plan(modified, modified, once) == {}


@pytest.mark.parametrize(("field", "key"), [("containers", "name"), ("volumes", "name"), ("imagePullSecrets", "name")])
def test_shapes_know_the_merge_keys(field: str, key: str) -> None:
    assert Shape.of(Pod).member("spec").member(field).merge_key == key
