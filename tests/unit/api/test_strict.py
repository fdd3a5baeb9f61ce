"""Decoding: what does not fit is named by its path."""

from typing import Any

import orjson
import pytest

from naru.api.apps_v1 import Deployment
from naru.api.core_v1 import Node, Pod, Secret
from naru.api.errors import BadRequest
from naru.api.fields import Shape
from naru.api.strict import INERT, OUT_OF_PLACE, decode, oddities, parse_repeating, stored_only_fields, strict_errors


def pod(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "c", "image": "x"}], **spec},
    }


INTO_A_TEXT = "json: cannot unmarshal number into Go value of type string"


def field(value: str, where: str, kind: str) -> str:
    return f"json: cannot unmarshal {value} into Go struct field {where} of type {kind}"


class TestDecode:
    """From what a client sent to a typed object."""

    @pytest.mark.parametrize(
        ("model", "raw", "complaint"),
        [
            (Pod, pod(hostNetwork="yes"), field("string", "PodSpec.spec.hostNetwork", "bool")),
            (Pod, pod(nodeSelector={"a": 1}), field("number", "PodSpec.spec.nodeSelector", "string")),
            (Pod, pod(volumes={}), field("object", "PodSpec.spec.volumes", "[]v1.Volume")),
            (Pod, pod(priority="1"), field("string", "PodSpec.spec.priority", "int32")),
            (Pod, pod(priority=1.5), field("number 1.5", "PodSpec.spec.priority", "int32")),
            (Pod, pod(priority=2**31), field("number 2147483648", "PodSpec.spec.priority", "int32")),
            (
                Pod,
                pod(containers=[{"name": "c", "ports": [{"containerPort": -99999999999}]}]),
                field("number -99999999999", "ContainerPort.spec.containers.ports.containerPort", "int32"),
            ),
            (Pod, pod(containers=["x"]), field("string", "PodSpec.spec.containers", "v1.Container")),
            (Pod, {**pod(), "metadata": {"uid": 1}}, field("number", "ObjectMeta.metadata.uid", "types.UID")),
            (Pod, {**pod(), "spec": []}, field("array", "Pod.spec", "v1.PodSpec")),
            (Secret, {"data": {"a": "?"}}, "illegal base64 data at input byte 0"),
            (
                Pod,
                pod(containers=[{"name": "c", "resources": {"limits": {"cpu": "1x"}}}]),
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            ),
            (
                Pod,
                {**pod(), "metadata": {"creationTimestamp": "soon"}},
                'parsing time "soon" as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"',
            ),
            (
                Pod,
                {**pod(), "metadata": {"creationTimestamp": "2026-13-01T00:00:00Z"}},
                'parsing time "2026-13-01T00:00:00Z": month out of range',
            ),
            (
                Pod,
                {**pod(), "metadata": {"creationTimestamp": "2026-12-01T00:0x:00Z"}},
                'parsing time "2026-12-01T00:0x:00Z" as "2006-01-02T15:04:05Z07:00": cannot parse "0x:00Z" as "04"',
            ),
            (Pod, {**pod(), "metadata": {"creationTimestamp": 5}}, INTO_A_TEXT),
        ],
    )
    def test_a_wrong_type_is_a_bad_request(self, model: type[Pod], raw: dict[str, Any], complaint: str) -> None:
        with pytest.raises(BadRequest) as caught:
            decode(model, raw)
        opening = f'{model.__name__} in version "v1" cannot be handled as a {model.__name__}: '
        assert caught.value.message == opening + complaint

    def test_a_number_beyond_32_bits_is_no_percentage_either(self) -> None:
        strategy = {"rollingUpdate": {"maxSurge": 99999999999}}
        with pytest.raises(BadRequest) as caught:
            decode(Deployment, {"spec": {"strategy": strategy, "selector": {}, "template": pod()}})
        assert caught.value.message.endswith(
            "cannot be handled as a Deployment: json: cannot unmarshal number 99999999999 into Go value of type int32"
        )

    def test_ids_have_64_bits(self) -> None:
        assert decode(Pod, pod(activeDeadlineSeconds=2**31)).spec.active_deadline_seconds == 2**31

    def test_the_first_wrong_value_of_the_document_is_named(self) -> None:
        with pytest.raises(BadRequest, match=r"PodSpec\.spec\.hostPID of type bool"):
            decode(Pod, pod(hostPID=1, hostIPC=1))
        with pytest.raises(BadRequest, match=r"PodSpec\.spec\.hostIPC of type bool"):
            decode(Pod, pod(hostIPC=1, hostPID=1))

    def test_what_is_missing_is_zero_for_validation_to_find(self) -> None:
        assert decode(Pod, pod(containers=[{"image": "x"}])).spec.containers[0].name == ""
        assert decode(Deployment, {}).spec.selector is None

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
        assert strict_errors({**raw, "bar": {}}, Pod) == [
            'unknown field "spec.containers[0].img"',
            'unknown field "spec.foo"',
            'unknown field "bar"',
        ]

    def test_maps_have_no_unknown_keys(self) -> None:
        assert strict_errors({"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}}, Pod) == []

    def test_a_hundred_problems_are_enough(self) -> None:
        assert len(strict_errors({f"f{number}": 1 for number in range(500)}, Pod)) == 100

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
        assert not oddities(pod(**silent), Shape(model=Pod))
        assert len(stored_only_fields(pod(**inert), Pod)) == 1
        assert oddities(pod(**inert), Shape(model=Pod)) == INERT

    @pytest.mark.parametrize(
        ("raw", "found"),
        [
            pytest.param(pod(nodeSelector={"any": "key"}), 0, id="nothing"),
            pytest.param({"bar": {}}, OUT_OF_PLACE, id="at the top"),
            pytest.param(pod(containers=[{"name": "c"}, {"img": "x"}]), OUT_OF_PLACE, id="in a list"),
            pytest.param(pod(volumes=[{"name": "v", "nfs": {"server": "s", "path": "/"}}]), INERT, id="only stored"),
            pytest.param(pod(affinity={"nodeAffinity": {"foo": 1}}), OUT_OF_PLACE | INERT, id="in what is only stored"),
        ],
    )
    def test_a_cheap_look_tells_whether_a_closer_one_is_needed(self, raw: dict[str, Any], found: int) -> None:
        assert oddities(raw, Shape(model=Pod)) == found
        assert bool(strict_errors(raw, Pod)) is bool(found & OUT_OF_PLACE)
        assert bool(stored_only_fields(raw, Pod)) is bool(found & INERT)

    def test_repeated_fields_are_found_in_the_order_of_the_document(self) -> None:
        body = (
            b'{"kind":"Pod","metadata":{"name":"a","labels":{"x":"1","x":"2"},"name":"b"},"foo":1,"kind":"Pod","foo":2}'
        )
        parsed = parse_repeating(body, orjson.loads(body))
        assert strict_errors(parsed, Pod) == [
            'duplicate field "metadata.labels.x"',
            'duplicate field "metadata.name"',
            'unknown field "foo"',
            'duplicate field "kind"',
        ]
        assert oddities(parsed, Shape(model=Pod)) == OUT_OF_PLACE
        assert parsed["metadata"]["name"] == "b"

    @pytest.mark.parametrize(
        "body", [b'{"kind":"\\u0022","kind":"\\u0022"}', b'{"kind":"a","\\u006bind":"b"}', b'{"kind":"\\"","kind":"2"}']
    )
    def test_no_spelling_hides_a_repeated_field(self, body: bytes) -> None:
        assert strict_errors(parse_repeating(body, orjson.loads(body)), Pod) == ['duplicate field "kind"']
