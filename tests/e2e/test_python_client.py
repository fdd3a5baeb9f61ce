"""The official Python client works on naru."""

import time

import pytest
from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException

pytestmark = pytest.mark.root


@pytest.fixture
def core(cluster):
    with config.new_client_from_config(str(cluster.kubeconfig)) as api_client:
        yield client.CoreV1Api(api_client)


@pytest.fixture
def namespace(core):
    name = f"python-{time.monotonic_ns() % 10**9}"
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name)))
    yield name
    core.delete_namespace(name)


def a_pod(name: str) -> client.V1Pod:
    container = client.V1Container(name="main", image="naru.local/busybox:1", command=["sleep", "3600"])
    spec = client.V1PodSpec(containers=[container], termination_grace_period_seconds=0)
    return client.V1Pod(metadata=client.V1ObjectMeta(name=name, labels={"app": "x"}), spec=spec)


def test_a_pod_is_created_watched_patched_and_deleted(core, namespace) -> None:
    created = core.create_namespaced_pod(namespace, a_pod("web"))
    assert created.metadata.uid
    phases = []
    for event in watch.Watch().stream(core.list_namespaced_pod, namespace, timeout_seconds=20):
        phases.append(event["object"].status.phase)
        if phases[-1] == "Running":
            break
    assert phases[-1] == "Running"
    patched = core.patch_namespaced_pod("web", namespace, {"metadata": {"labels": {"tier": "front"}}})
    assert patched.metadata.labels == {"app": "x", "tier": "front"}
    assert [pod.metadata.name for pod in core.list_namespaced_pod(namespace, label_selector="tier=front").items] == [
        "web"
    ]
    core.delete_namespaced_pod("web", namespace)
    deadline_s = time.monotonic() + 20
    while core.list_namespaced_pod(namespace).items:
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def test_a_stale_update_is_a_conflict(core, namespace) -> None:
    core.create_namespaced_config_map(
        namespace, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="c"), data={"a": "1"})
    )
    first = core.read_namespaced_config_map("c", namespace)
    second = core.read_namespaced_config_map("c", namespace)
    first.data = {"a": "2"}
    core.replace_namespaced_config_map("c", namespace, first)
    second.data = {"a": "3"}
    with pytest.raises(ApiException) as caught:
        core.replace_namespaced_config_map("c", namespace, second)
    assert caught.value.status == 409


def test_what_does_not_exist_is_not_found(core, namespace) -> None:
    with pytest.raises(ApiException) as caught:
        core.read_namespaced_pod("nobody", namespace)
    assert caught.value.status == 404
    assert 'pods \\"nobody\\" not found' in caught.value.body
