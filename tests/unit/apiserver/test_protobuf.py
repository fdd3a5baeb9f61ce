"""Bodies in protobuf are read as if they had come in JSON."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.openapi.protobuf import message, text, varint
from apiserver.protobuf import decode
from apiserver.protobuf.numbers import numbers_of
from apiserver.protobuf.wire import read_fields, signed
from naru.api.errors import BadRequest
from naru.api.scheme import RESOURCES


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value & 0xFFFF_FFFF_FFFF_FFFF)


def body(kind: str, content: bytes, api_version: str = "v1") -> bytes:
    return b"k8s\0" + message(1, text(1, api_version) + text(2, kind)) + message(2, content)


def decoded(kind: str, content: bytes, api_version: str = "v1") -> dict[str, Any]:
    result = decode(body(kind, content, api_version))
    assert (result.pop("kind"), result.pop("apiVersion")) == (kind, api_version)
    return result


class TestKinds:
    """Every sort of field, as a Go program writes it."""

    def test_texts_and_maps(self) -> None:
        labels = message(11, text(1, "app") + text(2, "web")) + message(11, text(1, "empty"))
        content = message(1, text(1, "c") + text(3, "ns") + labels) + message(2, text(1, "k") + text(2, "v"))
        meta = {"name": "c", "namespace": "ns", "labels": {"app": "web", "empty": ""}}
        assert decoded("ConfigMap", content) == {"metadata": meta, "data": {"k": "v"}}

    def test_bytes(self) -> None:
        assert decoded("Secret", message(2, text(1, "k") + message(2, b"v")))["data"] == {"k": "dg=="}

    def test_what_was_not_set_is_left_out(self) -> None:
        meta = b"\x0a\x00" + number(7, 0) + message(8, b"")  # an empty name, generation 0, the zero time
        assert decoded("ConfigMap", message(1, meta)) == {"metadata": {}}

    def test_a_zero_behind_a_pointer_is_kept(self) -> None:
        assert decoded("Deployment", message(2, number(1, 0)), "apps/v1")["spec"] == {"replicas": 0}

    def test_a_probes_zeros_are_not_set(self) -> None:
        container = text(1, "c") + message(10, number(3, 0) + number(4, 5))
        spec = decoded("Pod", message(2, message(2, container)))["spec"]
        assert spec["containers"] == [{"name": "c", "livenessProbe": {"periodSeconds": 5}}]

    def test_embedded_messages_are_flat(self) -> None:
        volume = text(1, "v") + message(2, message(2, b""))
        assert decoded("Pod", message(2, message(1, volume)))["spec"]["volumes"] == [{"name": "v", "emptyDir": {}}]

    def test_quantities_and_numbers_that_may_be_texts(self) -> None:
        limits = message(1, text(1, "cpu") + message(2, text(1, "500m")))
        probe = message(1, message(2, message(2, number(1, 1) + text(3, "http"))))
        container = text(1, "c") + message(8, limits) + message(10, probe)
        found = decoded("Pod", message(2, message(2, container)))["spec"]["containers"][0]
        assert found["resources"] == {"limits": {"cpu": "500m"}}
        assert found["livenessProbe"]["httpGet"]["port"] == "http"

    def test_times(self) -> None:
        content = message(1, message(8, number(1, 1_700_000_000)))
        assert decoded("ConfigMap", content)["metadata"]["creationTimestamp"] == "2023-11-14T22:13:20Z"

    def test_micro_times(self) -> None:
        content = message(2, message(4, number(1, 1_700_000_000) + number(2, 5_000)))
        found = decoded("Lease", content, "coordination.k8s.io/v1")
        assert found["spec"]["renewTime"] == "2023-11-14T22:13:20.000005Z"

    def test_negative_numbers(self) -> None:
        spec = message(2, message(22, text(1, "x") + number(5, -3)))
        assert decoded("Pod", spec)["spec"]["tolerations"] == [{"key": "x", "tolerationSeconds": -3}]

    def test_lists_as_the_values_of_a_map(self) -> None:
        entry = text(1, "scopes") + message(2, text(1, "a") + text(1, "b"))
        content = message(2, message(6, entry))
        extra = decoded("CertificateSigningRequest", content, "certificates.k8s.io/v1")["spec"]["extra"]
        assert extra == {"scopes": ["a", "b"]}

    def test_delete_options(self) -> None:
        content = number(1, 0) + text(4, "Background")
        assert decoded("DeleteOptions", content) == {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}

    def test_fields_of_later_versions_are_skipped(self) -> None:
        assert decoded("ConfigMap", message(900, b"x") + number(901, 1)) == {}

    @pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.plural)
    def test_every_kind_has_numbers(self, resource: Any) -> None:
        assert numbers_of(resource.model)[1].name == "metadata"


class TestRefusals:
    """Whatever the bytes are, the answer is a 400 with a reason."""

    @pytest.mark.parametrize(
        ("sent", "reason"),
        [
            (b"{}", "does not appear to be a protobuf message"),
            (b"k8s\0\x0a\xff", "cut short"),
            (b"k8s\0" + message(1, text(1, "v1") + text(2, "None")), 'no kind "None" is registered'),
            (body("ConfigMap", number(1, 3)), "a number where bytes belong"),
            (body("ConfigMap", message(1, message(1, b"\xff"))), "can't decode byte"),
            (body("ConfigMap", b"") + text(3, "gzip"), "compressed"),
        ],
    )
    def test_reasons(self, sent: bytes, reason: str) -> None:
        with pytest.raises(BadRequest, match=reason):
            decode(sent)

    @given(content=st.binary(max_size=200), kind=st.sampled_from(["Pod", "Node", "Event", "DeleteOptions"]))
    def test_any_bytes(self, content: bytes, kind: str) -> None:
        with contextlib.suppress(BadRequest):
            assert decode(body(kind, content))["kind"] == kind


class TestNumbers:
    """Numbers come back as they were written."""

    @given(st.integers(-(2**63), 2**63 - 1))
    def test_varints(self, value: int) -> None:
        ((found, raw),) = read_fields(number(5, value))
        assert found == 5
        assert isinstance(raw, int)
        assert signed(raw) == value
