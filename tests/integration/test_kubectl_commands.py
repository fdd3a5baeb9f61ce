"""kubectl's own commands, on a server without controllers and nodes: what they are warned of, drain, logs."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
KUBECTLS = sorted(str(path) for path in (ROOT / ".tools").glob("kubectl-*")) or [shutil.which("kubectl") or "kubectl"]
DEADLINE_S = 30
IMAGE = "--image=naru.local/busybox:1"


class Kubectl:
    """One version of kubectl, in a namespace of its own."""

    def __init__(self, binary: str, kubeconfig: Path, home: Path) -> None:
        self.binary, self.kubeconfig, self.home = binary, kubeconfig, home
        self.namespace = Path(binary).name.replace(".", "-")
        self("create", "namespace", self.namespace)

    def __call__(self, *arguments: str, stdin: object = None, code: int = 0) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [self.binary, f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}", *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(self.home)},
            input="" if stdin is None else json.dumps(stdin),
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert result.returncode == code, result.stderr
        return result

    def get(self, *arguments: str) -> Any:
        return json.loads(self("get", *arguments, "-o", "json").stdout)

    def apply(self, obj: dict[str, Any]) -> str:
        return self("apply", "-f", "-", stdin=obj).stderr


@pytest.fixture(scope="module", params=KUBECTLS, ids=lambda path: Path(path).name)
def kubectl(request: pytest.FixtureRequest, apiserver: Any, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    return Kubectl(request.param, apiserver.kubeconfig, tmp_path_factory.mktemp("home"))


def deployment(name: str, **container: Any) -> dict[str, Any]:
    labels = {"app": name}
    containers = [{"name": "c", "image": "naru.local/busybox:1", **container}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


class TestWarnings:
    """kubectl warns of what naru does not do, and of nothing else."""

    @pytest.mark.parametrize(
        "command",
        [
            ("run", "alone", IMAGE),
            ("run", "job", IMAGE, "--restart=Never", "--port=80", "--env=A=1", "--labels=a=b"),
            ("create", "deployment", "web", IMAGE, "--replicas=2", "--port=80"),
            ("set", "image", "deployment/web", "busybox=naru.local/busybox:2"),
            ("set", "env", "deployment/web", "A=2"),
            ("set", "resources", "deployment/web", "--limits=cpu=1"),
            ("scale", "deployment/web", "--replicas=3"),
            ("rollout", "restart", "deployment/web"),
            ("create", "serviceaccount", "robot"),
        ],
        ids=lambda command: " ".join(command[:2]),
    )
    def test_commands_that_need_none(self, kubectl: Kubectl, command: tuple[str, ...]) -> None:
        assert kubectl(*command).stderr == ""

    def test_an_object_read_and_written_back_needs_none(self, kubectl: Kubectl) -> None:
        kubectl("run", "again", IMAGE)
        assert kubectl("replace", "-f", "-", stdin=kubectl.get("pod", "again")).stderr == ""

    def test_a_field_without_effect_is_told_once(self, kubectl: Kubectl) -> None:
        probed = deployment("probed", livenessProbe={"tcpSocket": {"port": 80}})
        path = "spec.template.spec.containers[0].livenessProbe"
        assert kubectl.apply(probed) == f"Warning: {path}: naru stores this field, but does not act on it yet\n"
        assert kubectl.apply({**probed, "metadata": {"name": "probed", "labels": {"new": "one"}}}) == ""

    @pytest.mark.parametrize(
        "spec",
        [
            {"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}},
            {
                "topologySpreadConstraints": [
                    {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}
                ]
            },
            {"hostUsers": False},
        ],
        ids=lambda spec: next(iter(spec)),
    )
    def test_fields_of_the_pod(self, kubectl: Kubectl, spec: dict[str, Any]) -> None:
        name = next(iter(spec))
        made = deployment(f"of-{name.lower()}")
        made["spec"]["template"]["spec"].update(spec)
        assert kubectl.apply(made) == (
            f"Warning: spec.template.spec.{name}: naru stores this field, but does not act on it yet\n"
        )


def test_a_number_beyond_32_bits_is_refused(kubectl: Kubectl) -> None:
    refused = kubectl("create", "-f", "-", stdin={**deployment("many"), "spec": {"replicas": 99999999999}}, code=1)
    said = "json: cannot unmarshal number 99999999999 into Go struct field DeploymentSpec.spec.replicas of type int32"
    assert said in refused.stderr


class TestNodeCommands:
    """A pod on a node whose agent is away: it can be evicted, and stays until its agent lets go of it."""

    @pytest.fixture
    def node(self, kubectl: Kubectl) -> Iterator[str]:
        node = f"node-of-{kubectl.namespace}"
        kubectl.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}})
        kubectl("run", "guest", IMAGE, "--overrides", json.dumps({"spec": {"nodeName": node}}))
        yield node
        self.let_go(kubectl)
        kubectl("delete", "node", node)

    def let_go(self, kubectl: Kubectl) -> None:
        """Do what the node's agent does once the containers have ended."""
        kubectl("delete", "pod", "guest", "--force", "--grace-period=0", "--ignore-not-found")

    def test_drain_evicts_with_the_pods_grace(self, kubectl: Kubectl, node: str) -> None:
        drained = kubectl("drain", node, "--force", "--timeout=1s", code=1)
        assert f"evicting pod {kubectl.namespace}/guest" in drained.stdout
        assert kubectl.get("pod", "guest")["metadata"]["deletionGracePeriodSeconds"] == 30
        assert kubectl.get("node", node)["spec"]["unschedulable"] is True
        records = json.loads(kubectl("get", "--raw", "/naru/trail").stdout)["items"]
        guests = [
            r for r in records if r["object"]["namespace"] == kubectl.namespace and r["object"]["name"] == "guest"
        ]
        assert (guests[-1]["subresource"], guests[-1]["summary"]) == ("eviction", "deletion asked for, grace 30 s")

    def test_drain_ends_when_the_pods_are_gone(self, kubectl: Kubectl, node: str) -> None:
        with ThreadPoolExecutor() as pool:
            draining = pool.submit(kubectl, "drain", node, "--force", "--timeout=20s")
            kubectl("wait", "pod/guest", "--for=jsonpath={.metadata.deletionTimestamp}", "--timeout=10s")
            self.let_go(kubectl)
            assert f"node/{node} drained" in draining.result().stdout
        kubectl("uncordon", node)
        assert "unschedulable" not in kubectl.get("node", node)["spec"]


def test_the_log_of_a_pod_without_a_node_is_empty(kubectl: Kubectl) -> None:
    kubectl("run", "nowhere", IMAGE)
    assert kubectl("logs", "nowhere").stdout == ""
    assert kubectl("logs", "-f", "nowhere").stdout == ""


def test_manifests_may_be_yaml_of_a_real_cluster(kubectl: Kubectl, tmp_path: Path) -> None:
    """The defaults that upstream writes into an object are naru's too, so they are nothing to warn about."""
    exported = """
        apiVersion: v1
        kind: Pod
        metadata: {name: exported, creationTimestamp: null}
        spec:
          containers:
          - name: c
            image: naru.local/busybox:1
            imagePullPolicy: IfNotPresent
            resources: {}
            terminationMessagePath: /dev/termination-log
            terminationMessagePolicy: File
          dnsPolicy: ClusterFirst
          enableServiceLinks: true
          preemptionPolicy: PreemptLowerPriority
          priority: 0
          restartPolicy: Always
          schedulerName: default-scheduler
          securityContext: {}
          serviceAccount: default
          serviceAccountName: default
          terminationGracePeriodSeconds: 30
        status: {}
    """
    assert kubectl.apply(yaml.safe_load(exported)) == ""
