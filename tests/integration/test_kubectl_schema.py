"""Stock kubectl against the API server alone: discovery, explain, apply, patch, diff, edit, and the trail of it all.

No controllers and no nodes: an object stays as it was written.
"""

import asyncio
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp.test_utils import unused_port

from cli.cluster.config import ClusterConfig
from cli.cluster.kubeconfigs import plan_kubeconfig
from cli.cluster.pki import ensure_pki, read_pair

ROOT = Path(__file__).resolve().parents[2]
KUBECTLS = sorted(str(path) for path in (ROOT / ".tools").glob("kubectl-*")) or [shutil.which("kubectl") or "kubectl"]
DEADLINE_S = 20

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [
                    {"name": "web", "image": "naru.local/busybox:1", "ports": [{"containerPort": 80}]},
                    {"name": "side", "image": "naru.local/busybox:1", "env": [{"name": "A", "value": "1"}]},
                ]
            },
        },
    },
}


@dataclass
class Kubectl:
    """One version of kubectl, with its own cache, in a namespace of its own."""

    binary: str
    kubeconfig: Path
    home: Path
    namespace: str
    url: str
    pki: Path

    def run(self, *arguments: str, stdin: str = "", check: bool = True, **environment: str) -> str:
        result = self.result(*arguments, stdin=stdin, **environment)
        assert not check or result.returncode == 0, result.stderr
        return result.stdout

    def result(self, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.binary, f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}", *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), **environment},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def apply(self, obj: dict[str, Any], *flags: str) -> str:
        return self.run("apply", *flags, "-f", "-", stdin=yaml.safe_dump(obj))

    def get(self, *arguments: str) -> Any:
        return json.loads(self.run("get", *arguments, "-o", "json"))


@dataclass
class Server:
    """A running API server with an etcd of its own."""

    url: str
    pki: Path
    kubeconfig: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("server")
    pki = directory / "pki"
    pki.mkdir()
    ensure_pki(pki, ClusterConfig(name="test", nodes=1))
    port, etcd_port, peer_port = unused_port(), unused_port(), unused_port()
    etcd = [
        *("etcd", f"--data-dir={directory / 'etcd'}", f"--listen-client-urls=http://127.0.0.1:{etcd_port}"),
        *(f"--advertise-client-urls=http://127.0.0.1:{etcd_port}", f"--listen-peer-urls=http://127.0.0.1:{peer_port}"),
    ]
    apiserver = [
        *(sys.executable, "-m", "apiserver", "--etcd", f"http://127.0.0.1:{etcd_port}", "--pki-dir", str(pki)),
        *("--listen", f"127.0.0.1:{port}", "--cluster-name", "test"),
    ]
    url = f"https://127.0.0.1:{port}"
    kubeconfig = directory / "admin.conf"
    content = plan_kubeconfig("test", url, "admin", (pki / "ca.crt").read_bytes(), read_pair(pki / "admin"))
    kubeconfig.write_text(json.dumps(content))
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for number, command in enumerate((etcd, apiserver)):
            with (directory / f"{number}.log").open("wb") as log:
                processes.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT))
        wait_until_ready(port, pki, directory / "1.log", processes)
        yield Server(url, pki, kubeconfig)
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until_ready(port: int, pki: Path, log: Path, processes: list[subprocess.Popen[bytes]]) -> None:
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        assert all(process.poll() is None for process in processes), log.read_text()
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=2)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module", params=KUBECTLS, ids=lambda path: Path(path).name)
def kubectl(request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    name = Path(request.param).name.replace(".", "-")
    home = tmp_path_factory.mktemp(name)
    made = Kubectl(request.param, server.kubeconfig, home, name, server.url, server.pki)
    made.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return made


class TestDiscovery:
    """kubectl learns what there is."""

    def test_versions(self, kubectl: Kubectl) -> None:
        assert "Server Version: v1.36.0+naru" in kubectl.run("version")

    def test_resources(self, kubectl: Kubectl) -> None:
        rows = [line.split() for line in kubectl.run("api-resources", "--no-headers").splitlines()]
        assert ["deployments", "deploy", "apps/v1", "true", "Deployment"] in rows

    def test_the_plain_documents(self, kubectl: Kubectl) -> None:
        assert json.loads(kubectl.run("get", "--raw", "/apis/apps"))["preferredVersion"]["version"] == "v1"
        names = {row["name"] for row in json.loads(kubectl.run("get", "--raw", "/api/v1"))["resources"]}
        assert {"pods", "pods/log", "pods/exec", "namespaces/finalize"} <= names

    def test_an_unknown_group(self, kubectl: Kubectl) -> None:
        result = kubectl.result("get", "--raw", "/apis/none.example.com")
        assert "NotFound" in result.stderr


class TestExplain:
    """The documents of OpenAPI version 3 as people read them."""

    def test_a_field(self, kubectl: Kubectl) -> None:
        text = kubectl.run("explain", "pod.spec.containers")
        assert "FIELD: containers <[]Container>" in text
        assert "resources" in text

    def test_a_kind_of_another_group(self, kubectl: Kubectl) -> None:
        text = kubectl.run("explain", "deployment", "--recursive")
        assert "GROUP:      apps" in text
        assert "maxSurge" in text

    def test_every_field_has_a_description(self, kubectl: Kubectl) -> None:
        for path in ("pod.spec", "pod.status", "deployment.spec", "node.spec", "configmap", "lease.spec", "event"):
            text = kubectl.run("explain", path)
            assert "<no description>" not in text
            assert "DESCRIPTION:" in text

    def test_amounts(self, kubectl: Kubectl) -> None:
        text = kubectl.run("explain", "pod.spec.containers.resources")
        assert "FIELD: resources <ResourceRequirements>" in text
        assert "limits\t<map[string]Quantity>" in text

    def test_an_unknown_field(self, kubectl: Kubectl) -> None:
        assert 'field "nonsense" does not exist' in kubectl.result("explain", "pod.spec.nonsense").stderr


class TestUnknownKinds:
    """A kind that is not served is told as such, whatever the command."""

    ROCKET = "apiVersion: example.com/v1\nkind: Rocket\nmetadata: {name: r}\n"

    @pytest.mark.parametrize("verb", ["apply", "create", "delete", "get"])
    def test_in_a_manifest(self, kubectl: Kubectl, verb: str) -> None:
        result = kubectl.result(verb, "-f", "-", stdin=self.ROCKET)
        assert result.returncode != 0
        assert 'no matches for kind "Rocket" in version "example.com/v1"' in result.stderr
        assert "failed to list" not in result.stderr

    def test_by_name(self, kubectl: Kubectl) -> None:
        assert 'the server doesn\'t have a resource type "rocket"' in kubectl.result("get", "rocket").stderr


class TestApply:
    """The three-way merge that kubectl computes from OpenAPI, and the server carries out."""

    def test_create_change_and_leave(self, kubectl: Kubectl) -> None:
        assert kubectl.apply(DEPLOYMENT) == "deployment.apps/web created\n"
        assert kubectl.apply(DEPLOYMENT) == "deployment.apps/web unchanged\n"
        changed = json.loads(json.dumps(DEPLOYMENT))
        changed["spec"]["replicas"] = 3
        containers = changed["spec"]["template"]["spec"]["containers"]
        del containers[1]
        containers.append({"name": "third", "image": "naru.local/busybox:1"})
        assert kubectl.apply(changed) == "deployment.apps/web configured\n"
        spec = kubectl.get("deployment", "web")["spec"]
        assert spec["replicas"] == 3
        assert [container["name"] for container in spec["template"]["spec"]["containers"]] == ["web", "third"]
        kubectl.run("delete", "deployment", "web")

    def test_what_others_set_stays(self, kubectl: Kubectl) -> None:
        kubectl.apply(DEPLOYMENT)
        kubectl.run("label", "deployment", "web", "by=someone")
        patch = {"spec": {"template": {"spec": {"containers": [{"name": "web", "workingDir": "/tmp"}]}}}}
        kubectl.run("patch", "deployment", "web", "-p", json.dumps(patch))
        kubectl.apply({**DEPLOYMENT, "metadata": {"name": "web", "annotations": {"new": "one"}}})
        found = kubectl.get("deployment", "web")
        assert found["metadata"]["labels"]["by"] == "someone"
        assert found["spec"]["template"]["spec"]["containers"][0]["workingDir"] == "/tmp"
        kubectl.run("delete", "deployment", "web")

    def test_an_unknown_field_is_refused_by_the_server(self, kubectl: Kubectl) -> None:
        wrong = json.loads(json.dumps(DEPLOYMENT))
        wrong["spec"]["replicaz"] = 1
        result = kubectl.result("apply", "-f", "-", stdin=yaml.safe_dump(wrong))
        assert result.returncode != 0
        assert 'unknown field "spec.replicaz"' in result.stderr

    def test_the_members_of_a_list_are_validated_by_kubectl(self, kubectl: Kubectl) -> None:
        member = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "of-a-list"}, "data": {"a": "b"}}
        members = {"apiVersion": "v1", "kind": "List", "items": [member]}
        assert kubectl.apply(members) == "configmap/of-a-list created\n"
        result = kubectl.result(
            "apply", "-f", "-", stdin=yaml.safe_dump({**members, "items": [{**member, "dota": {}}]})
        )
        assert result.returncode != 0
        assert "dota" in result.stderr

    def test_diff(self, kubectl: Kubectl) -> None:
        kubectl.apply(DEPLOYMENT)
        changed = {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replicas": 7}}
        result = kubectl.result("diff", "-f", "-", stdin=yaml.safe_dump(changed))
        assert result.returncode == 1, result.stderr
        assert "+  replicas: 7" in result.stdout
        assert kubectl.get("deployment", "web")["spec"]["replicas"] == 2
        kubectl.run("delete", "deployment", "web")

    def test_edit(self, kubectl: Kubectl) -> None:
        kubectl.apply(DEPLOYMENT)
        kubectl.run("edit", "deployment", "web", EDITOR="sed -i s/replicas:.2/replicas:\\ 5/")
        assert kubectl.get("deployment", "web")["spec"]["replicas"] == 5
        kubectl.run("delete", "deployment", "web")


class TestPatch:
    """Each type of patch, and what the server says to a wrong one."""

    @pytest.fixture(autouse=True)
    def deployment(self, kubectl: Kubectl) -> Iterator[None]:
        kubectl.apply(DEPLOYMENT)
        yield
        kubectl.run("delete", "deployment", "web")

    @pytest.mark.parametrize(
        ("kind", "patch"),
        [
            ("strategic", {"spec": {"replicas": 9}}),
            ("merge", {"spec": {"replicas": 9}}),
            ("json", [{"op": "replace", "path": "/spec/replicas", "value": 9}]),
        ],
    )
    def test_types(self, kubectl: Kubectl, kind: str, patch: Any) -> None:
        kubectl.run("patch", "deployment", "web", f"--type={kind}", "-p", json.dumps(patch))
        assert kubectl.get("deployment", "web")["spec"]["replicas"] == 9

    def test_scale(self, kubectl: Kubectl) -> None:
        kubectl.run("scale", "deployment", "web", "--replicas=4")
        assert kubectl.get("deployment", "web")["spec"]["replicas"] == 4

    def test_set_image(self, kubectl: Kubectl) -> None:
        kubectl.run("set", "image", "deployment/web", "side=naru.local/busybox:2")
        containers = kubectl.get("deployment", "web")["spec"]["template"]["spec"]["containers"]
        assert [container["image"] for container in containers] == ["naru.local/busybox:1", "naru.local/busybox:2"]

    @pytest.mark.parametrize(
        ("kind", "patch", "message"),
        [
            ("json", '[{"op": "test", "path": "/spec/replicas", "value": 8}]', "the server rejected our request"),
            ("merge", "[]", "cannot unmarshal array into Go value"),
            ("strategic", '{"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}}}', "declared merge key: name"),
        ],
    )
    def test_refusals(self, kubectl: Kubectl, kind: str, patch: str, message: str) -> None:
        result = kubectl.result("patch", "deployment", "web", f"--type={kind}", "-p", patch)
        assert result.returncode != 0
        assert message in result.stderr


class TestTrail:
    """Writes are recorded with who made them and what they changed."""

    def test_a_write_is_recorded(self, kubectl: Kubectl) -> None:
        kubectl.apply(DEPLOYMENT)
        kubectl.run("scale", "deployment", "web", "--replicas=3")
        kubectl.run("delete", "deployment", "web")
        items = json.loads(kubectl.run("get", "--raw", "/naru/trail"))["items"]
        mine = [item for item in items if item["object"]["namespace"] == kubectl.namespace]
        mine = [item for item in mine if item["object"]["kind"] == "Deployment"][-3:]
        assert [item["verb"] for item in mine] == ["create", "patch", "delete"]
        assert [item["user"] for item in mine] == ["kubernetes-admin"] * 3
        assert mine[1]["summary"].startswith("spec.replicas 2 -> 3")
        assert mine[1]["component"].startswith("kubectl")

    async def test_followers_hear_of_writes_as_they_happen(self, kubectl: Kubectl) -> None:
        context = ssl.create_default_context(cafile=str(kubectl.pki / "ca.crt"))
        context.load_cert_chain(kubectl.pki / "admin.crt", kubectl.pki / "admin.key")
        since = time.time_ns() // 1_000
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
            session.get(f"{kubectl.url}/naru/trail?watch=1&since={since}") as following,
        ):
            heard_of = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "heard-of"}}
            await asyncio.to_thread(kubectl.apply, heard_of)
            async for line in following.content:
                record = json.loads(line)
                if record["object"]["name"] == "heard-of":
                    break
            assert (record["verb"], record["summary"]) == ("create", "created")
        await asyncio.to_thread(kubectl.run, "delete", "configmap", "heard-of")
