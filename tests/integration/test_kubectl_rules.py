"""What a person with kubectl sees of the kinds' rules: columns, warnings, and refusals that name the field."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

KUBECTL = shutil.which("kubectl") or "kubectl"
CONTAINER = {"name": "c", "image": "naru.local/busybox:1"}
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p"},
    "spec": {"containers": [CONTAINER]},
}
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [CONTAINER]}},
    },
}


class Kubectl:
    """kubectl in a namespace of its own."""

    def __init__(self, kubeconfig: Path) -> None:
        self._base = [KUBECTL, "--kubeconfig", str(kubeconfig), "--request-timeout=20s"]
        self.namespace = f"rules-{uuid4().hex[:8]}"
        self.home = kubeconfig.parent
        assert self("create", "namespace", self.namespace).returncode == 0

    def __call__(self, *arguments: str, manifest: object = None) -> subprocess.CompletedProcess[str]:
        text = yaml.safe_dump(manifest) if manifest is not None else None
        return subprocess.run(
            [*self._base, "-n", self.namespace, *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "HOME": str(self.home)},
        )

    def apply(self, manifest: object) -> subprocess.CompletedProcess[str]:
        return self("apply", "-f", "-", manifest=manifest)


@pytest.fixture(scope="module")
def kubectl(apiserver: Any) -> Kubectl:
    return Kubectl(apiserver.kubeconfig)


def pod(name: str, **spec: Any) -> dict[str, Any]:
    return {**POD, "metadata": {"name": name}, "spec": {**POD["spec"], **spec}}


@pytest.mark.parametrize(
    ("kind", "header"),
    [
        ("pods", "NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES"),
        ("deployments", "NAME READY UP-TO-DATE AVAILABLE AGE CONTAINERS IMAGES SELECTOR"),
        ("namespaces", "NAME STATUS AGE"),
        ("configmaps", "NAME DATA AGE"),
    ],
)
def test_columns(kubectl: Kubectl, kind: str, header: str) -> None:
    kubectl.apply(pod("shown"))
    kubectl.apply(DEPLOYMENT)
    kubectl("create", "configmap", "shown", "--from-literal=a=b")
    listed = kubectl("get", kind, "-o", "wide")
    assert " ".join(listed.stdout.splitlines()[0].split()) == header, listed.stderr


def test_a_pod_that_nobody_schedules_is_pending(kubectl: Kubectl) -> None:
    kubectl.apply(pod("waiting"))
    line = kubectl("get", "pod", "waiting", "--no-headers").stdout.split()
    assert line[:4] == ["waiting", "0/1", "Pending", "0"]


@pytest.mark.parametrize(
    ("manifest", "complaint"),
    [
        pytest.param(
            {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replicas": -1}},
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            id="negative replicas",
        ),
        pytest.param(
            {**POD, "metadata": {"name": "Not_A_Label"}},
            'metadata.name: Invalid value: "Not_A_Label": a lowercase RFC 1123 subdomain must consist of',
            id="a name that is no DNS name",
        ),
        pytest.param(
            {**POD, "spec": {"containers": [{"name": "c"}]}},
            "spec.containers[0].image: Required value",
            id="a missing field",
        ),
        pytest.param(
            {**POD, "spec": {"containers": [{**CONTAINER, "ports": [{"containerPort": 99999}]}]}},
            "spec.containers[0].ports[0].containerPort: Invalid value: 99999: must be between 1 and 65535, inclusive",
            id="a port out of range",
        ),
        pytest.param(
            {**POD, "spec": {**POD["spec"], "color": "red"}}, 'unknown field "spec.color"', id="an unknown field"
        ),
        pytest.param(
            {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replicas": "three"}},
            "replicas",
            id="a wrong type",
        ),
    ],
)
def test_refusals_name_the_field(kubectl: Kubectl, manifest: dict[str, Any], complaint: str) -> None:
    refused = kubectl.apply(manifest)
    assert refused.returncode == 1
    assert complaint in refused.stderr


def test_a_field_that_naru_does_not_act_on_is_warned_about(kubectl: Kubectl) -> None:
    applied = kubectl.apply(pod("warned", affinity={"nodeAffinity": {}}))
    assert applied.returncode == 0
    assert "Warning: spec.affinity" in applied.stderr
    assert "Warning" not in kubectl.apply(pod("plain")).stderr


def test_the_selector_of_a_deployment_stays(kubectl: Kubectl) -> None:
    kubectl.apply(DEPLOYMENT)
    labels = {"app": "other"}
    spec = {**DEPLOYMENT["spec"], "selector": {"matchLabels": labels}}
    spec["template"] = {**spec["template"], "metadata": {"labels": labels}}
    refused = kubectl.apply({**DEPLOYMENT, "spec": spec})
    assert "spec.selector: Invalid value" in refused.stderr
    assert "field is immutable" in refused.stderr


def test_applying_the_same_again_changes_nothing(kubectl: Kubectl) -> None:
    manifest = {**DEPLOYMENT, "metadata": {"name": "same"}}
    assert kubectl.apply(manifest).stdout.strip() == "deployment.apps/same created"
    assert kubectl.apply(manifest).stdout.strip() == "deployment.apps/same unchanged"


def test_a_namespace_that_does_not_exist_takes_nothing(kubectl: Kubectl) -> None:
    refused = kubectl("-n", "nowhere", "apply", "-f", "-", manifest=POD)
    assert 'namespaces "nowhere" not found' in refused.stderr
