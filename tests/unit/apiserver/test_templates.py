"""Pods that differ in their name alone are decoded once, and come out as if each had been decoded by itself."""

from typing import Any

import pytest

from apiserver.handlers import templates
from apiserver.handlers.templates import changed_parts, decode_alike, decode_changed
from naru.api import strict
from naru.api.core_v1 import ConfigMap, Pod
from naru.api.meta import KubeObject


def pod(name: str | None = "web-1", **spec: Any) -> dict[str, Any]:
    metadata = {"labels": {"app": "web"}} | ({"name": name} if name is not None else {})
    return {"metadata": metadata, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


class TestAlike:
    @pytest.mark.parametrize("name", ["web-1", "web-2", "", None])
    def test_each_is_as_if_decoded_by_itself(self, name: str | None) -> None:
        found = decode_alike(Pod, pod(name))
        assert found is not None
        assert found.obj == strict.decode(Pod, pod(name))
        assert found.obj.metadata.name == (name or "")

    def test_a_template_is_decoded_once(self) -> None:
        before = templates._template.cache_info()
        first, second = (decode_alike(Pod, pod(name, hostNetwork=True)) for name in ("a", "b"))
        assert templates._template.cache_info().misses == before.misses + 1
        assert first is not None
        assert second is not None
        assert vars(first.obj)["spec"] is vars(second.obj)["spec"]

    def test_fields_without_effect_are_told_of_each(self) -> None:
        for name in ("a", "b"):
            found = decode_alike(Pod, pod(name, dnsPolicy="None"))
            assert found is not None
            assert found.inert == ("spec.dnsPolicy",)

    def test_kind_and_version_may_be_said(self) -> None:
        assert decode_alike(Pod, {"kind": "Pod", "apiVersion": "v1", **pod()}) is not None


class TestOthers:
    """What is not decided here goes the ordinary way, which knows the words for it."""

    @pytest.mark.parametrize(
        "raw",
        [
            pytest.param({"spec": {"containers": []}}, id="no metadata"),
            pytest.param({**pod(), "metadata": []}, id="metadata of a wrong type"),
            pytest.param({**pod(), "metadata": {"name": 1}}, id="a name of a wrong type"),
            pytest.param({**pod(), "kind": "Node"}, id="another kind"),
            pytest.param({**pod(), "apiVersion": "v2"}, id="another version"),
            pytest.param(pod(foo=1), id="an unknown field"),
            pytest.param(pod(hostNetwork="yes"), id="a value of a wrong type"),
            pytest.param(pod(nodeName="x" * templates.MAX_BYTES), id="too large to be kept"),
            pytest.param(pod(activeDeadlineSeconds=1 << 70), id="a number that is too large"),
        ],
    )
    def test_what_is_wrong_or_unusual(self, raw: dict[str, Any]) -> None:
        assert decode_alike(Pod, raw) is None

    def test_repeated_fields(self) -> None:
        body = b'{"metadata":{"name":"a","labels":{"x":"1","x":"1"}},"spec":{"containers":[{"name":"c","image":"i"}]}}'
        assert decode_alike(Pod, strict.parse_repeating(body, {})) is None

    def test_other_kinds(self) -> None:
        assert decode_alike(ConfigMap, {"metadata": {"name": "a"}}) is None


def changed(old: dict[str, Any], new: dict[str, Any]) -> KubeObject | None:
    """Decode a change of a Pod, of which ``old`` is the wire form."""
    return decode_changed(strict.decode(Pod, old), old, new, changed_parts(old, new))


class TestChanges:
    """A new state of an object shares what did not change, and is as if it had been decoded from scratch."""

    def test_what_did_not_change_is_shared(self) -> None:
        old = strict.decode(Pod, pod()).wire()
        obj = strict.decode(Pod, old)
        new = {**old, "metadata": {"name": "web-1", "labels": {"app": "other"}}}
        found = decode_changed(obj, old, new, changed_parts(old, new))
        assert isinstance(found, Pod)
        assert found.spec is obj.spec
        assert found == strict.decode(Pod, new)

    def test_defaults_are_filled_in_where_they_are_missing(self) -> None:
        old = strict.decode(Pod, pod()).wire()
        spec = {**old["spec"], "containers": [{"name": "d", "image": "i:latest"}]}
        found = changed(old, {**old, "spec": spec})
        assert isinstance(found, Pod)
        assert found.spec.containers[0].image_pull_policy == "Always"

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"spec": None}, id="a part that is null"),
            pytest.param({"spec": {"containers": 1}}, id="a value of a wrong type"),
            pytest.param({"kind": "Node"}, id="another kind"),
            pytest.param({"foo": {}}, id="an unknown part"),
        ],
    )
    def test_what_is_wrong_or_unusual_goes_the_ordinary_way(self, change: dict[str, Any]) -> None:
        old = strict.decode(Pod, pod()).wire()
        assert changed(old, {**old, **change}) is None

    def test_a_part_that_has_gone_goes_the_ordinary_way(self) -> None:
        old = strict.decode(Pod, pod()).wire()
        assert changed(old, {name: value for name, value in old.items() if name != "spec"}) is None

    @pytest.mark.parametrize(("before", "after"), [(1, True), (1, 1.0), (0, False), ("1", 1), (1, 1 << 70)])
    def test_equal_numbers_that_are_written_differently_are_changes(self, before: Any, after: Any) -> None:
        assert changed_parts({"a": {"b": before}}, {"a": {"b": after}}) == {"a": {"b": after}}
        assert changed_parts({"a": {"b": before}}, {"a": {"b": before}}) == {}
