"""Real clients on a real server: kubectl and the official Python client."""

import asyncio
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes import watch as kubernetes_watch

ROOT = Path(__file__).resolve().parents[2]
KUBECTLS = sorted(str(path) for path in (ROOT / ".tools").glob("kubectl-*")) or [shutil.which("kubectl") or "kubectl"]

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: "naru.local/busybox:1", ports: [{containerPort: 80}]}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: blue}
"""


@pytest.fixture(params=KUBECTLS, ids=lambda path: Path(path).name)
def kubectl(request, api, apiserver, tmp_path: Path):
    async def run(*argv: str, stdin: str = "", fails: bool = False) -> str:
        command = [request.param, "--kubeconfig", str(apiserver.kubeconfig), "-n", api.namespace, *argv]
        environment = {**os.environ, "HOME": str(tmp_path)}
        done = await asyncio.to_thread(
            subprocess.run, command, input=stdin, env=environment, capture_output=True, text=True, timeout=60
        )
        assert (done.returncode != 0) is fails, done.stderr
        return done.stderr if fails else done.stdout

    return run


class TestKubectl:
    async def test_apply_changes_and_leaves_alone(self, kubectl):
        created = await kubectl("apply", "-f", "-", stdin=MANIFEST)
        again = await kubectl("apply", "-f", "-", stdin=MANIFEST)
        changed = await kubectl("apply", "-f", "-", stdin=MANIFEST.replace("blue", "red"))
        assert created.split() == ["deployment.apps/web", "created", "configmap/settings", "created"]
        assert again.split() == ["deployment.apps/web", "unchanged", "configmap/settings", "unchanged"]
        assert changed.split() == ["deployment.apps/web", "unchanged", "configmap/settings", "configured"]
        assert await kubectl("get", "cm", "settings", "-o", "jsonpath={.data.colour}") == "red"
        gone = await kubectl("delete", "-f", "-", stdin=MANIFEST)
        assert gone.count("deleted") == 2

    async def test_changes_one_by_one(self, kubectl):
        await kubectl("apply", "-f", "-", stdin=MANIFEST)
        await kubectl("label", "deploy", "web", "tier=front")
        await kubectl("annotate", "deploy", "web", "note=hello")
        await kubectl("scale", "deploy", "web", "--replicas", "5")
        await kubectl("set", "image", "deploy/web", "c=naru.local/busybox:2")
        await kubectl("patch", "deploy", "web", "-p", '{"spec":{"paused":true}}')
        shown = await kubectl("get", "deploy", "-l", "tier=front", "-o", "wide", "--no-headers")
        assert shown.split()[:2] == ["web", "0/5"]
        assert "naru.local/busybox:2" in shown
        paused = await kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.paused}")
        assert paused == "true"

    async def test_objects_made_without_a_manifest(self, kubectl):
        await kubectl("create", "configmap", "made", "--from-literal=a=1")
        await kubectl("create", "secret", "generic", "hidden", "--from-literal=password=x")
        await kubectl("run", "box", "--image=naru.local/busybox:1")
        names = await kubectl("get", "cm/made", "secret/hidden", "pod/box", "-o", "name")
        assert names.split() == ["configmap/made", "secret/hidden", "pod/box"]

    async def test_what_is_wrong_is_said(self, kubectl):
        unknown = MANIFEST.replace("replicas: 2", "replicas: 2\n  colour: red")
        assert 'unknown field "spec.colour"' in await kubectl("apply", "-f", "-", stdin=unknown, fails=True)
        assert 'pods "nope" not found' in await kubectl("get", "pod", "nope", fails=True)
        assert "the server doesn't have a resource type" in await kubectl("get", "rockets", fails=True)

    async def test_watching_and_describing(self, kubectl):
        await kubectl("apply", "-f", "-", stdin=MANIFEST)
        watching = asyncio.create_task(kubectl("get", "cm", "-w", "-o", "name", "--request-timeout=3s", fails=False))
        await asyncio.sleep(1)
        await kubectl("create", "configmap", "late")
        assert "configmap/late" in await watching
        assert "2 desired" in await kubectl("describe", "deploy", "web")


@pytest.fixture
def python_client(apiserver) -> Any:
    configuration = client.Configuration()
    config.load_kube_config(str(apiserver.kubeconfig), client_configuration=configuration)
    with client.ApiClient(configuration) as made:
        yield made


class TestPythonClient:
    async def test_discovery(self, python_client):
        """It asks with a slash at the end of each path."""

        def discover() -> list[str]:
            version = client.VersionApi(python_client).get_code().minor
            core = client.CoreApi(python_client).get_api_versions().versions[0]
            groups = [group.name for group in client.ApisApi(python_client).get_api_versions().groups]
            apps = client.AppsApi(python_client).get_api_group().preferred_version.version
            kinds = client.AppsV1Api(python_client).get_api_resources().resources
            return [version, core, *groups, apps, *(kind.name for kind in kinds if "/" not in kind.name)]

        found = await asyncio.to_thread(discover)
        assert found[:4] == ["36", "v1", "apiregistration.k8s.io", "apps"]
        assert {"coordination.k8s.io", "deployments", "replicasets"} <= set(found)

    async def test_the_life_of_an_object(self, api, python_client):
        await asyncio.to_thread(self._live, client.CoreV1Api(python_client), api.namespace)

    def _live(self, core: client.CoreV1Api, namespace: str) -> None:
        body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="a", labels={"x": "y"}), data={"a": "1"})
        made = core.create_namespaced_config_map(namespace, body)
        assert core.list_namespaced_config_map(namespace, label_selector="x=y").items[0].data == {"a": "1"}
        assert core.patch_namespaced_config_map("a", namespace, {"data": {"b": "2"}}).data == {"a": "1", "b": "2"}
        made.data = {"c": "3"}
        with pytest.raises(client.ApiException) as stale:
            core.replace_namespaced_config_map("a", namespace, made)
        assert stale.value.status == 409
        made.metadata.resource_version = None
        assert core.replace_namespaced_config_map("a", namespace, made).data == {"c": "3"}
        core.delete_namespaced_config_map("a", namespace)
        with pytest.raises(client.ApiException) as gone:
            core.read_namespaced_config_map("a", namespace)
        assert gone.value.status == 404

    async def test_a_watch(self, api, python_client):
        assert await asyncio.to_thread(self._watch, client.CoreV1Api(python_client), api.namespace) == [
            ("ADDED", "a"),
            ("DELETED", "a"),
        ]

    def _watch(self, core: client.CoreV1Api, namespace: str) -> list[tuple[str, str]]:
        def write() -> None:
            core.create_namespaced_config_map(namespace, {"metadata": {"name": "a"}})
            core.delete_namespaced_config_map("a", namespace)

        writer = threading.Timer(0.3, write)
        writer.start()
        seen = []
        for event in kubernetes_watch.Watch().stream(core.list_namespaced_config_map, namespace, timeout_seconds=5):
            seen.append((event["type"], event["object"].metadata.name))
            if len(seen) == 2:
                break
        writer.join()
        return seen

    async def test_deployments_and_their_scale(self, api, python_client):
        def act() -> int:
            apps = client.AppsV1Api(python_client)
            labels = {"app": "web"}
            container = client.V1Container(name="c", image="naru.local/busybox:1")
            pod = client.V1PodTemplateSpec(
                metadata=client.V1ObjectMeta(labels=labels), spec=client.V1PodSpec(containers=[container])
            )
            spec = client.V1DeploymentSpec(selector=client.V1LabelSelector(match_labels=labels), template=pod)
            body = client.V1Deployment(metadata=client.V1ObjectMeta(name="web"), spec=spec)
            apps.create_namespaced_deployment(api.namespace, body)
            apps.patch_namespaced_deployment_scale("web", api.namespace, {"spec": {"replicas": 4}})
            replicas: int = apps.read_namespaced_deployment("web", api.namespace).spec.replicas
            return replicas

        assert await asyncio.to_thread(act) == 4
