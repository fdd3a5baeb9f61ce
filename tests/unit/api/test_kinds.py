"""The kinds on the wire: what is left out, what is always there, which defaults appear."""

import importlib
from typing import Any

import pytest

from naru.api.apps_v1 import Deployment
from naru.api.core_v1 import ConfigMap, DaemonEndpoint, Namespace, Node, Pod, Secret
from naru.api.defaults import with_defaults
from naru.api.defaults.pods import pull_policy_of
from naru.api.model import Model
from naru.api.scheme import RESOURCES, Resource
from naru.api.strict import decode

POD: dict[str, Any] = {
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"containers": [{"name": "c", "image": "registry:5000/web"}]},
}


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda r: r.kind)
def test_a_kind_knows_its_name_and_its_version(resource: Resource) -> None:
    fields = resource.model.model_fields
    assert (fields["kind"].default, fields["api_version"].default) == (resource.kind, resource.api_version)


def test_every_type_of_the_core_group_is_built_without_a_hitch() -> None:
    core = importlib.import_module("naru.api.core_v1")
    for name in core.__all__:
        declared = getattr(core, name)
        if isinstance(declared, type) and issubclass(declared, Model):
            assert declared.model_rebuild() is not False, name


def test_a_pod_gets_the_defaults_of_upstream() -> None:
    spec = decode(Pod, POD).wire()["spec"]
    assert spec == {
        "containers": [
            {
                "name": "c",
                "image": "registry:5000/web",
                "imagePullPolicy": "Always",
                "resources": {},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
            }
        ],
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": True,
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    }


def test_a_deployment_gets_the_defaults_of_upstream() -> None:
    raw = {"metadata": {"name": "web"}, "spec": {"selector": {}, "template": {"spec": POD["spec"]}, "strategy": {}}}
    spec = decode(Deployment, raw).wire()["spec"]
    assert {name: spec[name] for name in spec if name != "template"} == {
        "progressDeadlineSeconds": 600,
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "selector": {},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
    }


def test_a_template_gets_no_defaults_that_are_for_pods_alone() -> None:
    raw = {"metadata": {"name": "web"}, "spec": {"selector": {}, "template": {"spec": POD["spec"]}}}
    assert "enableServiceLinks" not in decode(Deployment, raw).wire()["spec"]["template"]["spec"]


def test_defaults_change_nothing_the_second_time() -> None:
    once = decode(Pod, POD)
    assert with_defaults(once) == once


def test_zero_is_kept_where_it_says_something() -> None:
    raw = {"metadata": {"name": "web"}, "spec": {"replicas": 0, "selector": {}, "template": {"spec": POD["spec"]}}}
    assert decode(Deployment, raw).wire()["spec"]["replicas"] == 0


def test_a_volume_without_a_source_is_an_empty_directory() -> None:
    raw = {**POD, "spec": {**POD["spec"], "volumes": [{"name": "v"}]}}
    assert decode(Pod, raw).wire()["spec"]["volumes"] == [{"name": "v", "emptyDir": {}}]


def test_requests_follow_limits() -> None:
    container = {"name": "c", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}}
    decoded = decode(Pod, {**POD, "spec": {"containers": [container]}})
    assert decoded.spec.containers[0].resources.requests == {"cpu": "500m", "memory": "1Gi"}


def test_ports_on_the_hosts_network_are_host_ports() -> None:
    spec = {"hostNetwork": True, "containers": [{"name": "c", "ports": [{"containerPort": 80}]}]}
    assert decode(Pod, {**POD, "spec": spec}).spec.containers[0].ports[0].host_port == 80


def test_the_old_name_of_the_account_is_kept_equal() -> None:
    spec = decode(Pod, {**POD, "spec": {**POD["spec"], "serviceAccount": "robot"}}).spec
    assert (spec.service_account_name, spec.service_account) == ("robot", "robot")


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("web", "Always"),
        ("web:latest", "Always"),
        ("web:1", "IfNotPresent"),
        ("registry:5000/web", "Always"),
        ("registry:5000/web:1", "IfNotPresent"),
        ("web@sha256:abc", "IfNotPresent"),
    ],
)
def test_an_image_that_moves_is_pulled_every_time(image: str, policy: str) -> None:
    assert pull_policy_of(image) == policy


def test_text_of_a_secret_becomes_bytes() -> None:
    secret = decode(Secret, {"data": {"a": "eA=="}, "stringData": {"b": "y"}})
    assert secret.data == {"a": b"x", "b": b"y"}
    assert secret.wire()["data"] == {"a": "eA==", "b": "eQ=="}
    assert "stringData" not in secret.wire()


def test_bytes_of_a_config_map_travel_in_base64() -> None:
    assert ConfigMap(binary_data={"a": b"\xff"}).wire()["binaryData"] == {"a": "/w=="}


def test_a_namespace_carries_its_name_as_a_label() -> None:
    namespace = decode(Namespace, {"metadata": {"name": "dev"}})
    assert namespace.metadata.labels == {"kubernetes.io/metadata.name": "dev"}


def test_the_one_capital_first_letter() -> None:
    assert DaemonEndpoint(port=10250).wire() == {"Port": 10250}
    assert Node.model_validate({"status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": 7}}}}).wire()["status"][
        "daemonEndpoints"
    ] == {"kubeletEndpoint": {"Port": 7}}
