"""Decoding: what does not fit is named by its path."""

from typing import Any

import pytest

from naru.api.apps_v1 import Deployment
from naru.api.core_v1 import Node, Pod, Secret
from naru.api.errors import BadRequest, Invalid
from naru.api.fields import Shape
from naru.api.strict import decode, duplicate_fields, is_ordinary, stored_only_fields, unknown_fields


def pod(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "c", "image": "x"}], **spec},
    }


class TestDecode:
    """From what a client sent to a typed object."""

    @pytest.mark.parametrize(
        ("model", "raw", "complaint"),
        [
            (Pod, pod(hostNetwork="yes"), 'spec.hostNetwork: expected true or false, got the string "yes"'),
            (Pod, pod(nodeSelector={"a": 1}), "spec.nodeSelector[a]: expected a string, got the number 1"),
            (Pod, pod(volumes={}), "spec.volumes: expected a list, got an object"),
            (Pod, pod(priority="1"), 'spec.priority: expected a whole number, got the string "1"'),
            (Pod, pod(priority=1.5), "spec.priority: expected a whole number, got the number 1.5"),
            (
                Pod,
                pod(priority=2**31),
                "spec.priority: expected a whole number of 32 bits, got the number 2147483648",
            ),
            (
                Pod,
                pod(containers=[{"name": "c", "ports": [{"containerPort": -99999999999}]}]),
                "ports[0].containerPort: expected a whole number of 32 bits, got the number -99999999999",
            ),
            (Pod, pod(containers=["x"]), 'spec.containers[0]: expected an object, got the string "x"'),
            (Secret, {"data": {"a": "?"}}, "data[a]: illegal base64 data"),
            (
                Pod,
                pod(containers=[{"name": "c", "resources": {"limits": {"cpu": "1x"}}}]),
                "spec.containers[0].resources.limits[cpu]: quantities must match the regular expression",
            ),
        ],
    )
    def test_a_wrong_type_is_a_bad_request(self, model: type[Pod], raw: dict[str, Any], complaint: str) -> None:
        with pytest.raises(BadRequest) as caught:
            decode(model, raw)
        assert f'{model.__name__} in version "v1" cannot be handled as a {model.__name__}: ' in caught.value.message
        assert complaint in caught.value.message

    def test_a_number_beyond_32_bits_is_no_percentage_either(self) -> None:
        strategy = {"rollingUpdate": {"maxSurge": 99999999999}}
        with pytest.raises(BadRequest) as caught:
            decode(Deployment, {"spec": {"strategy": strategy, "selector": {}, "template": pod()}})
        assert caught.value.message.endswith(
            "maxSurge: expected a whole number of 32 bits, or a string, got the number 99999999999"
        )

    def test_ids_have_64_bits(self) -> None:
        assert decode(Pod, pod(activeDeadlineSeconds=2**31)).spec.active_deadline_seconds == 2**31

    def test_every_wrong_value_is_named_at_once(self) -> None:
        with pytest.raises(BadRequest, match=r"spec\.hostPID.*spec\.hostIPC"):
            decode(Pod, pod(hostPID=1, hostIPC=1))

    def test_a_missing_field_makes_the_object_invalid(self) -> None:
        with pytest.raises(Invalid) as caught:
            decode(Pod, pod(containers=[{"image": "x"}]))
        assert caught.value.message == 'Pod "web" is invalid: spec.containers[0].name: Required value'

    def test_of_a_missing_object_the_required_fields_are_named(self) -> None:
        with pytest.raises(Invalid) as caught:
            decode(Deployment, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}})
        assert caught.value.message == (
            'Deployment.apps "web" is invalid: '
            "[spec.selector: Required value, spec.template.spec.containers: Required value]"
        )

    def test_null_stands_for_a_missing_value(self) -> None:
        decoded = decode(Pod, pod(volumes=None, nodeSelector=None, hostNetwork=None, restartPolicy=None))
        assert decoded.spec.restart_policy == "Always"
        assert decoded.spec.volumes == ()

    def test_a_quantity_may_be_a_number(self) -> None:
        container = {"name": "c", "resources": {"limits": {"cpu": 0.5, "memory": 1024}}}
        assert decode(Pod, pod(containers=[container])).spec.containers[0].resources.limits == {
            "cpu": "500m",
            "memory": "1024",
        }

    def test_times_are_read(self) -> None:
        node = decode(Node, {"metadata": {"name": "n", "creationTimestamp": "2026-01-02T03:04:05Z"}})
        assert node.wire()["metadata"]["creationTimestamp"] == "2026-01-02T03:04:05Z"


class TestFieldsOutOfPlace:
    """Fields that the kind does not have, gives twice, or does not act on."""

    def test_unknown_fields_are_found_at_any_depth(self) -> None:
        raw = pod(containers=[{"name": "c", "img": "x"}], foo=1, nodeSelector={"any": "key"})
        assert unknown_fields({**raw, "bar": {}}, Pod) == ["spec.containers[0].img", "spec.foo", "bar"]

    def test_maps_have_no_unknown_keys(self) -> None:
        assert unknown_fields({"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}}, Pod) == []

    def test_fields_that_are_only_stored_are_found(self) -> None:
        raw = pod(affinity={"nodeAffinity": {}}, volumes=[{"name": "v", "nfs": {"server": "s", "path": "/"}}])
        assert stored_only_fields(raw, Pod) == ["spec.affinity", "spec.volumes[0].nfs"]

    def test_a_default_sent_back_is_nothing_to_warn_about(self) -> None:
        assert stored_only_fields(decode(Pod, pod()).wire(), Pod) == []

    @pytest.mark.parametrize(
        ("inert", "silent"),
        [
            ({"dnsPolicy": "None"}, {"dnsPolicy": "Default"}),
            ({"hostUsers": False}, {"hostUsers": True}),
            ({"os": {"name": "windows"}}, {"os": {"name": "linux"}}),
            ({"preemptionPolicy": "Sometimes"}, {"preemptionPolicy": "PreemptLowerPriority"}),
            ({"automountServiceAccountToken": True}, {"automountServiceAccountToken": False}),
            ({"affinity": {"nodeAffinity": {}}}, {"affinity": {}}),
        ],
    )
    def test_what_naru_does_anyway_is_nothing_to_warn_about(
        self, inert: dict[str, Any], silent: dict[str, Any]
    ) -> None:
        assert stored_only_fields(pod(**silent), Pod) == []
        assert is_ordinary(pod(**silent), Shape(model=Pod))
        assert len(stored_only_fields(pod(**inert), Pod)) == 1
        assert not is_ordinary(pod(**inert), Shape(model=Pod))

    @pytest.mark.parametrize(
        "raw",
        [
            pytest.param({"bar": {}}, id="at the top"),
            pytest.param(pod(containers=[{"name": "c"}, {"img": "x"}]), id="in a list"),
            pytest.param(pod(volumes=[{"name": "v", "nfs": {"server": "s", "path": "/"}}]), id="only stored"),
        ],
    )
    def test_a_document_with_such_a_field_is_not_ordinary(self, raw: dict[str, Any]) -> None:
        assert is_ordinary(pod(nodeSelector={"any": "key"}), Shape(model=Pod))
        assert not is_ordinary(raw, Shape(model=Pod))

    def test_repeated_fields_are_found(self) -> None:
        body = b'{"a":1,"b":{"c":1,"c":2,"d":[{"x":1,"x":1}]},"a":2}'
        assert duplicate_fields(body) == ["a", "b.c", "b.d[0].x"]

    @pytest.mark.parametrize("body", [b'{"a":"\\u0022","a":"\\u0022"}', b'{"a":1,"\\u0061":2}', b'{"a":"\\"","a":2}'])
    def test_no_spelling_hides_a_repeated_field(self, body: bytes) -> None:
        assert duplicate_fields(body) == ["a"]
