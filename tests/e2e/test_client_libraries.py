"""Client libraries other than the official one work on naru: kubernetes_asyncio, and lightkube."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import kubernetes_asyncio
import lightkube
import pytest
from kubernetes_asyncio.client.exceptions import ApiException
from lightkube.core.exceptions import ApiError
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Namespace, Pod
from lightkube.types import PatchType

pytestmark = pytest.mark.root

IMAGE = "naru.local/busybox:1"


def unique(prefix: str) -> str:
    return f"{prefix}-{os.getpid()}-{time.monotonic_ns() % 10**6}"


def a_deployment(namespace: str, replicas: int = 2) -> dict:
    container = {"name": "main", "image": IMAGE, "command": ["sleep", "3600"]}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    template["spec"]["terminationGracePeriodSeconds"] = 0
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    meta = {"name": "web", "namespace": namespace}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


class TestKubernetesAsyncio:
    """The generated client on aiohttp."""

    @pytest.fixture
    async def api(self, cluster) -> AsyncIterator[kubernetes_asyncio.client.ApiClient]:
        configuration = kubernetes_asyncio.client.Configuration()
        await kubernetes_asyncio.config.load_kube_config(str(cluster.kubeconfig), client_configuration=configuration)
        async with kubernetes_asyncio.client.ApiClient(configuration) as api:
            yield api

    @pytest.fixture
    async def namespace(self, api) -> AsyncIterator[str]:
        core, name = kubernetes_asyncio.client.CoreV1Api(api), unique("asyncio")
        await core.create_namespace({"metadata": {"name": name}})
        yield name
        await core.delete_namespace(name)

    async def test_a_deployment_is_created_scaled_watched_and_deleted(self, api, namespace) -> None:
        apps, core = kubernetes_asyncio.client.AppsV1Api(api), kubernetes_asyncio.client.CoreV1Api(api)
        await apps.create_namespaced_deployment(namespace, a_deployment(namespace))
        await apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 3}})
        running: set[str] = set()
        async with kubernetes_asyncio.watch.Watch() as watch:
            async for event in watch.stream(core.list_namespaced_pod, namespace, timeout_seconds=40):
                if event["object"].status.phase == "Running":
                    running.add(event["object"].metadata.name)
                if len(running) == 3:
                    break
        assert len(running) == 3
        await apps.delete_namespaced_deployment("web", namespace, propagation_policy="Foreground")
        deadline_s = time.monotonic() + 30
        while (await core.list_namespaced_pod(namespace)).items:
            assert time.monotonic() < deadline_s
            await asyncio.sleep(0.1)

    async def test_pages_of_a_list_belong_together(self, api, namespace) -> None:
        core = kubernetes_asyncio.client.CoreV1Api(api)
        for number in range(5):
            await core.create_namespaced_config_map(namespace, {"metadata": {"name": f"c{number}"}})
        names, token, revisions = [], None, set()
        while token != "":
            page = await core.list_namespaced_config_map(namespace, limit=2, _continue=token)
            names += [item.metadata.name for item in page.items]
            revisions.add(page.metadata.resource_version)
            token = page.metadata._continue or ""
        assert [name for name in names if name.startswith("c")] == ["c0", "c1", "c2", "c3", "c4"]
        assert len(revisions) == 1

    async def test_refusals_are_told_with_their_reason(self, api, namespace) -> None:
        core = kubernetes_asyncio.client.CoreV1Api(api)
        with pytest.raises(ApiException) as caught:
            await core.create_namespaced_config_map(namespace, {"metadata": {"name": "Not_A_Name"}})
        assert caught.value.status == 422
        assert "metadata.name" in caught.value.body

    async def test_a_token_is_made_for_a_service_account(self, api, namespace) -> None:
        core = kubernetes_asyncio.client.CoreV1Api(api)
        await core.create_namespaced_service_account(namespace, {"metadata": {"name": "robot"}})
        made = await core.create_namespaced_service_account_token("robot", namespace, {"spec": {"audiences": []}})
        assert made.status.token.count(".") == 2


class TestLightkube:
    """The small typed client on httpx."""

    @pytest.fixture
    def client(self, cluster) -> Iterator[lightkube.Client]:
        config = lightkube.KubeConfig.from_file(cluster.kubeconfig)
        with lightkube.Client(config=config, field_manager="lightkube-test") as client:
            yield client

    @pytest.fixture
    def namespace(self, client) -> Iterator[str]:
        name = unique("lightkube")
        client.create(Namespace(metadata=ObjectMeta(name=name)))
        yield name
        client.delete(Namespace, name)

    def test_apply_creates_then_changes_what_it_owns(self, client, namespace) -> None:
        made = client.apply(Deployment.from_dict(a_deployment(namespace, replicas=0)))
        assert made.metadata.managedFields[0].operation == "Apply"
        changed = client.apply(Deployment.from_dict(a_deployment(namespace, replicas=1)))
        assert changed.spec.replicas == 1
        pods = []
        with closing(client.watch(Pod, namespace=namespace, labels={"app": "web"}, server_timeout=40)) as watch:
            for event, pod in watch:
                pods.append((event, pod.status.phase))
                if pod.status.phase == "Running":
                    break
        assert pods[-1][1] == "Running"

    def test_another_manager_is_in_the_way(self, client, namespace) -> None:
        wanted = ConfigMap(metadata=ObjectMeta(name="c", namespace=namespace), data={"a": "1"})
        client.apply(wanted, field_manager="first")
        wanted.data = {"a": "2"}
        with pytest.raises(ApiError) as caught:
            client.apply(wanted, field_manager="second")
        assert caught.value.status.code == 409
        assert 'conflict with "first"' in caught.value.status.message
        assert client.apply(wanted, field_manager="second", force=True).data == {"a": "2"}

    def test_patches_lists_and_waits(self, client, namespace) -> None:
        client.create(ConfigMap(metadata=ObjectMeta(name="c", namespace=namespace, labels={"x": "y"}), data={"a": "1"}))
        client.patch(ConfigMap, "c", {"data": {"b": "2"}}, namespace=namespace, patch_type=PatchType.MERGE)
        [found] = client.list(ConfigMap, namespace=namespace, labels={"x": "y"})
        assert found.data == {"a": "1", "b": "2"}
        client.delete(ConfigMap, "c", namespace=namespace)
        with pytest.raises(ApiError) as caught:
            client.get(ConfigMap, "c", namespace=namespace)
        assert caught.value.status.reason == "NotFound"
