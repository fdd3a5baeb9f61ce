"""Pods of different nodes reach each other through VXLAN; a node that is cut off loses its pods to the others."""

import hashlib
import json
import subprocess
import time

import pytest
from kubernetes import client, config

pytestmark = pytest.mark.root

IMAGE = "naru.local/busybox:1"
NAMESPACE = "default"


@pytest.fixture
def api(cluster):
    with config.new_client_from_config(str(cluster.kubeconfig)) as api_client:
        yield client.CoreV1Api(api_client), client.AppsV1Api(api_client)


def wait_for(what, timeout_s: float = 30.0):
    """Return what ``what`` returns once that is true."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < deadline_s, f"not within {timeout_s} s"
        time.sleep(0.1)


def pod_on(node: str, name: str, command: list[str]) -> client.V1Pod:
    container = client.V1Container(name="main", image=IMAGE, command=command)
    spec = client.V1PodSpec(
        containers=[container],
        node_selector={"kubernetes.io/hostname": node},
        termination_grace_period_seconds=0,
    )
    return client.V1Pod(metadata=client.V1ObjectMeta(name=name), spec=spec)


def run_on(core, node: str, name: str, command: list[str]) -> str:
    """Run a pod on a node; return its address once it runs."""
    core.create_namespaced_pod(NAMESPACE, pod_on(node, name, command))

    def address():
        status = core.read_namespaced_pod(name, NAMESPACE).status
        return status.pod_ip if status.phase == "Running" else None

    return wait_for(address)


def inside(cluster, pod: str, *command: str) -> subprocess.CompletedProcess[str]:
    return cluster.naru("exec", pod, "--", *command, check=False)


def vxlan_packets(cluster, node: str) -> int:
    """Return how many packets the node's VXLAN device has sent."""
    shown = subprocess.run(
        ["ip", "-n", f"naru-{cluster.name}-{node}", "-json", "-stats", "link", "show", "naru-vxlan"],
        capture_output=True,
        check=True,
    )
    return json.loads(shown.stdout)[0]["stats64"]["tx"]["packets"]


def set_underlay_link(cluster, index: int, state: str) -> None:
    """Cut a node off the underlay, or connect it again."""
    link = f"naru{hashlib.sha256(cluster.name.encode()).hexdigest()[:4]}-{index}"
    subprocess.run(["ip", "link", "set", link, state], check=True)


def node_ready(core, node: str) -> str:
    conditions = core.read_node(node).status.conditions
    return next(condition.status for condition in conditions if condition.type == "Ready")


def test_a_pod_fetches_a_page_from_a_pod_on_another_node(cluster, api) -> None:
    core, _ = api
    serve = ["sh", "-c", "mkdir /www && echo ferry > /www/index.html && exec httpd -f -p 8080 -h /www"]
    try:
        address = run_on(core, "node-2", "net-server", serve)
        run_on(core, "node-1", "net-client", ["sleep", "3600"])
        sent_before = vxlan_packets(cluster, "node-1")
        fetched = inside(cluster, "net-client", "timeout", "5", "wget", "-qO-", f"http://{address}:8080/")
        assert (fetched.returncode, fetched.stdout) == (0, "ferry\n")
        assert vxlan_packets(cluster, "node-1") >= sent_before + 4
        from_host = subprocess.run(
            ["curl", "-sS", "-m", "5", f"http://{address}:8080/"], capture_output=True, text=True, check=False
        )
        assert from_host.stdout == "ferry\n", "the host reaches pods, too"
    finally:
        for name in ("net-server", "net-client"):
            core.delete_namespaced_pod(name, NAMESPACE, grace_period_seconds=0)


def test_an_address_that_no_pod_has_is_refused_at_once(cluster, api) -> None:
    core, _ = api
    try:
        address = run_on(core, "node-1", "net-lonely", ["sleep", "3600"])
        nobody = f"{address.rsplit('.', 2)[0]}.77.77"  # inside the pod range, of no node
        started_s = time.monotonic()
        refused = inside(cluster, "net-lonely", "timeout", "10", "wget", "-qO-", f"http://{nobody}/")
        assert refused.returncode != 0
        assert time.monotonic() - started_s < 5
    finally:
        core.delete_namespaced_pod("net-lonely", NAMESPACE, grace_period_seconds=0)


def test_a_node_cut_off_goes_not_ready_and_its_pods_come_up_elsewhere(impatient_cluster) -> None:
    """The cluster of this test evicts after seconds, not after the five minutes that are usual."""
    cluster = impatient_cluster
    with config.new_client_from_config(str(cluster.kubeconfig)) as api_client:
        core, apps = client.CoreV1Api(api_client), client.AppsV1Api(api_client)
        labels = {"app": "moves"}
        template = client.V1PodTemplateSpec(
            metadata=client.V1ObjectMeta(labels=labels), spec=pod_on("", "", ["sleep", "3600"]).spec
        )
        template.spec.node_selector = None
        selector = client.V1LabelSelector(match_labels=labels)
        spec = client.V1DeploymentSpec(replicas=4, selector=selector, template=template)
        apps.create_namespaced_deployment(
            NAMESPACE, client.V1Deployment(metadata=client.V1ObjectMeta(name="moves"), spec=spec)
        )

        def ready() -> int:
            return apps.read_namespaced_deployment("moves", NAMESPACE).status.ready_replicas or 0

        def pods():
            return core.list_namespaced_pod(NAMESPACE, label_selector="app=moves").items

        def running_elsewhere() -> bool:
            live = [pod for pod in pods() if pod.status.phase == "Running" and not pod.metadata.deletion_timestamp]
            return sum(pod.spec.node_name != "node-2" for pod in live) == 4

        wait_for(lambda: ready() == 4)
        address = run_on(core, "node-1", "stays", ["sleep", "3600"])
        on_node_2 = next(pod for pod in pods() if pod.spec.node_name == "node-2").status.pod_ip
        assert inside(cluster, "stays", "ping", "-c1", "-W2", on_node_2).returncode == 0
        set_underlay_link(cluster, 2, "down")
        try:
            assert inside(cluster, "stays", "ping", "-c1", "-W2", on_node_2).returncode != 0
            wait_for(lambda: node_ready(core, "node-2") == "Unknown", 60)
            wait_for(running_elsewhere, 60)
        finally:
            set_underlay_link(cluster, 2, "up")
        wait_for(lambda: node_ready(core, "node-2") == "True", 60)
        wait_for(lambda: len(pods()) == 4 and ready() == 4, 60)
        assert not core.read_node("node-2").spec.taints
        back = run_on(core, "node-2", "back", ["sleep", "3600"])
        assert inside(cluster, "stays", "ping", "-c1", "-W2", back).returncode == 0
        assert address
