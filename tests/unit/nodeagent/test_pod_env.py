"""The environment of a container."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.api.core_v1 import ConfigMap, Pod, Secret
from nodeagent.pods.downward import NodeFacts, PodFacts, format_map
from nodeagent.pods.env import container_env
from nodeagent.pods.expansion import expand, unknown_names
from nodeagent.pods.faults import ConfigFault
from nodeagent.pods.references import References, referenced_names

VALUES = {"A": "1", "B": "two", "EMPTY": ""}


class TestExpand:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            pytest.param("plain", "plain", id="no reference"),
            pytest.param("$(A)-$(B)", "1-two", id="references are replaced"),
            pytest.param("$(EMPTY)x", "x", id="by an empty value too"),
            pytest.param("$(NOPE)", "$(NOPE)", id="an unknown name stays"),
            pytest.param("$$(A)", "$(A)", id="two dollars stand for one"),
            pytest.param("$$$(A)", "$1", id="and then a reference"),
            pytest.param("$(A", "$(A", id="an open reference stays"),
            pytest.param("$A ${A} $", "$A ${A} $", id="a shell's forms are not ours"),
            pytest.param("$($(A))", "$($(A))", id="references do not nest"),
        ],
    )
    def test_rules(self, text: str, expected: str) -> None:
        assert expand(text, VALUES) == expected

    @given(st.text())
    def test_text_without_dollars_is_unchanged(self, text: str) -> None:
        assert expand(text.replace("$", ""), VALUES) == text.replace("$", "")

    def test_unknown_names_are_found(self) -> None:
        assert unknown_names("$(A)/$(X)/$$(Y)", VALUES) == ["X"]


CONFIG = ConfigMap.model_validate({"metadata": {"name": "cfg"}, "data": {"color": "blue", "size": "xl"}})
SECRET = Secret.model_validate(
    {"metadata": {"name": "sec"}, "data": {"password": base64.b64encode(b"s3cret").decode()}}
)
REFERENCES = References({"cfg": CONFIG}, {"sec": SECRET})


def env_of(container: dict[str, Any], references: References = REFERENCES) -> dict[str, str]:
    meta = {"name": "web", "namespace": "ns", "uid": "u1", "labels": {"app": "x"}, "annotations": {"note": "hi"}}
    limits = {"limits": {"cpu": "1500m", "memory": "64Mi"}, "requests": {"cpu": "100m"}}
    body = {"name": "c", "image": "i", "resources": limits, **container}
    spec = {"containers": [body], "nodeName": "n1", "serviceAccountName": "robot"}
    pod = Pod.model_validate({"metadata": meta, "spec": spec})
    facts = PodFacts(pod, NodeFacts("198.18.0.11", {"cpu": "4", "memory": "1Gi"}), "10.244.1.2")
    return container_env(pod.spec.containers[0], facts, references)


def from_field(path: str) -> dict[str, Any]:
    return {"env": [{"name": "V", "valueFrom": {"fieldRef": {"fieldPath": path}}}]}


def from_resource(resource: str, divisor: str = "0") -> dict[str, Any]:
    return {"env": [{"name": "V", "valueFrom": {"resourceFieldRef": {"resource": resource, "divisor": divisor}}}]}


class TestSources:
    def test_values_refer_to_what_came_before(self) -> None:
        env = [
            {"name": "LATE", "value": "$(HOST)"},
            {"name": "HOST", "value": "db"},
            {"name": "URL", "value": "tcp://$(HOST):5432/$(size)"},
        ]
        values = env_of({"env": env, "envFrom": [{"configMapRef": {"name": "cfg"}}]})
        assert values["LATE"] == "$(HOST)"
        assert values["URL"] == "tcp://db:5432/xl"

    def test_env_wins_over_env_from(self) -> None:
        source = {"envFrom": [{"configMapRef": {"name": "cfg"}}], "env": [{"name": "color", "value": "red"}]}
        assert env_of(source) == {"color": "red", "size": "xl"}

    def test_env_from_puts_its_prefix_before_every_name(self) -> None:
        assert env_of({"envFrom": [{"prefix": "S_", "secretRef": {"name": "sec"}}]}) == {"S_password": "s3cret"}

    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("metadata.name", "web"),
            ("metadata.namespace", "ns"),
            ("metadata.uid", "u1"),
            ("metadata.labels['app']", "x"),
            ("metadata.labels['none']", ""),
            ("metadata.annotations['note']", "hi"),
            ("spec.nodeName", "n1"),
            ("spec.serviceAccountName", "robot"),
            ("status.hostIP", "198.18.0.11"),
            ("status.podIP", "10.244.1.2"),
        ],
    )
    def test_field(self, path: str, expected: str) -> None:
        assert env_of(from_field(path)) == {"V": expected}

    @pytest.mark.parametrize(
        ("resource", "divisor", "expected"),
        [
            pytest.param("limits.cpu", "0", "2", id="whole cores, rounded up"),
            pytest.param("limits.cpu", "1m", "1500", id="in millicores"),
            pytest.param("limits.memory", "0", "67108864", id="bytes"),
            pytest.param("limits.memory", "1Mi", "64", id="in mebibytes"),
            pytest.param("requests.cpu", "1m", "100", id="a request"),
            pytest.param("requests.memory", "0", "0", id="no request"),
            pytest.param("limits.ephemeral-storage", "0", "0", id="a limit that nobody knows"),
        ],
    )
    def test_resource(self, resource: str, divisor: str, expected: str) -> None:
        assert env_of(from_resource(resource, divisor)) == {"V": expected}

    def test_without_a_limit_the_node_is_the_limit(self) -> None:
        assert env_of({**from_resource("limits.memory", "1Mi"), "resources": {}}) == {"V": "1024"}

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            pytest.param(
                {"envFrom": [{"configMapRef": {"name": "none"}}]}, 'configmap "none" not found', id="no ConfigMap"
            ),
            pytest.param({"envFrom": [{"secretRef": {"name": "none"}}]}, 'secret "none" not found', id="no Secret"),
            pytest.param(
                {"env": [{"name": "V", "valueFrom": {"configMapKeyRef": {"name": "cfg", "key": "mode"}}}]},
                "couldn't find key mode in ConfigMap ns/cfg",
                id="no such key",
            ),
            pytest.param(
                {"env": [{"name": "V", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k"}}}]},
                'secret "none" not found',
                id="a key of no Secret",
            ),
        ],
    )
    def test_what_is_missing_is_named(self, source: dict[str, Any], message: str) -> None:
        with pytest.raises(ConfigFault, match=message):
            env_of(source)

    @pytest.mark.parametrize(
        "source",
        [
            {"envFrom": [{"configMapRef": {"name": "none", "optional": True}}]},
            {"env": [{"name": "V", "valueFrom": {"configMapKeyRef": {"name": "cfg", "key": "no", "optional": True}}}]},
            {"env": [{"name": "V", "valueFrom": {"secretKeyRef": {"name": "no", "key": "no", "optional": True}}}]},
        ],
    )
    def test_what_is_optional_is_left_out(self, source: dict[str, Any]) -> None:
        assert env_of(source) == {}


def test_a_map_is_written_as_sorted_quoted_lines() -> None:
    assert format_map({"b": 'say "hi"', "a": "ü"}) == 'a="ü"\nb="say \\"hi\\""'


def test_every_reference_of_a_pod_is_found() -> None:
    spec = {
        "containers": [
            {
                "name": "c",
                "image": "i",
                "envFrom": [{"secretRef": {"name": "s1"}}],
                "env": [{"name": "V", "valueFrom": {"configMapKeyRef": {"name": "c1", "key": "k"}}}],
            }
        ],
        "volumes": [
            {"name": "v1", "configMap": {"name": "c2"}},
            {"name": "v2", "secret": {"secretName": "s2"}},
            {"name": "v3", "projected": {"sources": [{"secret": {"name": "s3"}}, {"configMap": {"name": "c1"}}]}},
        ],
    }
    names = referenced_names(Pod.model_validate({"metadata": {"name": "p"}, "spec": spec}))
    assert names.config_maps == {"c1", "c2"}
    assert names.secrets == {"s1", "s2", "s3"}
