"""Where a Pod goes: what keeps it off a node, and which of the nodes that fit is best."""

import random
from typing import Any

import pytest

from naru.api.core_v1 import Node, Pod
from scheduler.cluster import ClusterState
from scheduler.decide import Decision, decide
from scheduler.podinfo import new_pod_info


def node(name: str, cpu: str = "4", memory: str = "8Gi", pods: str = "110", **spec: Any) -> Node:
    labels = spec.pop("labels", {})
    return Node.model_validate(
        {
            "metadata": {"name": name, "labels": labels},
            "spec": spec,
            "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": pods}},
        }
    )


def pod(
    name: str = "web", cpu: str = "", memory: str = "", ports: list[dict[str, Any]] | None = None, **spec: Any
) -> Pod:
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    container = {"name": "c", "image": "i", "ports": ports or [], "resources": {"requests": requests}}
    return Pod.model_validate(
        {
            "metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}"},
            "spec": {"containers": [container], **spec},
        }
    )


def cluster_of(*nodes: Node) -> ClusterState:
    cluster = ClusterState()
    for each in nodes:
        cluster.set_node(each)
    return cluster


def verdict(wanted: Pod, cluster: ClusterState) -> Decision:
    return decide(new_pod_info(wanted), cluster, random.Random(1))


GPU_TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
SOFT_TAINT = {"key": "old", "value": "yes", "effect": "PreferNoSchedule"}


class TestAPodStaysOffNodes:
    @pytest.mark.parametrize(
        ("wanted", "nodes", "message"),
        [
            pytest.param(pod(), [], "no nodes available to schedule pods", id="there is no node"),
            pytest.param(
                pod(cpu="5"), [node("a")], "0/1 nodes are available: 1 Insufficient cpu.", id="too little cpu"
            ),
            pytest.param(
                pod(cpu="5", memory="9Gi"),
                [node("a")],
                "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.",
                id="every lacking resource is named",
            ),
            pytest.param(
                pod(), [node("a", pods="0")], "0/1 nodes are available: 1 Too many pods.", id="the node is full"
            ),
            pytest.param(
                pod(),
                [node("a", unschedulable=True)],
                "0/1 nodes are available: 1 node(s) were unschedulable.",
                id="cordoned",
            ),
            pytest.param(
                pod(),
                [node("a", taints=[GPU_TAINT])],
                "0/1 nodes are available: 1 node(s) had untolerated taint(s).",
                id="tainted",
            ),
            pytest.param(
                pod(nodeSelector={"disk": "ssd"}),
                [node("a"), node("b", labels={"disk": "hdd"})],
                "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
                id="no node has the label",
            ),
            pytest.param(
                pod(cpu="5", nodeSelector={"disk": "ssd"}),
                [node("a"), node("b", labels={"disk": "ssd"})],
                "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match Pod's node affinity/selector.",
                id="a node counts for the first filter that rejects it",
            ),
        ],
    )
    def test_and_the_message_says_why(self, wanted: Pod, nodes: list[Node], message: str) -> None:
        decision = verdict(wanted, cluster_of(*nodes))
        assert (decision.node_name, decision.message) == ("", message)

    def test_a_host_port_is_given_once_a_node(self) -> None:
        cluster = cluster_of(node("a"))
        cluster.place(new_pod_info(pod("first", ports=[{"containerPort": 80, "hostPort": 8080}])), "a")
        second = pod("second", ports=[{"containerPort": 81, "hostPort": 8080}])
        assert "didn't have free ports" in verdict(second, cluster).message

    def test_the_same_port_of_another_protocol_is_free(self) -> None:
        cluster = cluster_of(node("a"))
        cluster.place(new_pod_info(pod("first", ports=[{"containerPort": 80, "hostPort": 8080}])), "a")
        second = pod("second", ports=[{"containerPort": 81, "hostPort": 8080, "protocol": "UDP"}])
        assert verdict(second, cluster).node_name == "a"


class TestAPodGoesTo:
    @pytest.mark.parametrize(
        ("wanted", "nodes", "expected"),
        [
            pytest.param(pod(), [node("a", cpu="1"), node("b", cpu="8")], "b", id="the emptier node"),
            pytest.param(
                pod(tolerations=[{"key": "gpu", "operator": "Exists"}]),
                [node("a", taints=[GPU_TAINT])],
                "a",
                id="a tainted node that it tolerates",
            ),
            pytest.param(
                pod(),
                [node("a", cpu="8", taints=[SOFT_TAINT]), node("b")],
                "b",
                id="a node without a soft taint, though fuller",
            ),
            pytest.param(
                pod(nodeSelector={"disk": "ssd"}),
                [node("a", cpu="64"), node("b", labels={"disk": "ssd"})],
                "b",
                id="the node with the label",
            ),
        ],
    )
    def test_node(self, wanted: Pod, nodes: list[Node], expected: str) -> None:
        assert verdict(wanted, cluster_of(*nodes)).node_name == expected

    def test_pods_without_requests_spread_over_equal_nodes(self) -> None:
        cluster = cluster_of(node("a"), node("b"), node("c"))
        chosen = []
        for number in range(6):
            info = new_pod_info(pod(f"web-{number}"))
            decision = decide(info, cluster, random.Random(number))
            cluster.place(info, decision.node_name)
            chosen.append(decision.node_name)
        assert sorted(chosen) == ["a", "a", "b", "b", "c", "c"]


class TestClusterState:
    def test_a_pod_counts_once_however_often_it_is_placed(self) -> None:
        cluster = cluster_of(node("a"))
        info = new_pod_info(pod(cpu="1"))
        for _ in range(3):
            cluster.place(info, "a")
        assert cluster.requested[0, cluster.columns["cpu"]] == 1000

    def test_a_pod_placed_before_its_node_is_seen_counts_when_the_node_comes(self) -> None:
        cluster = ClusterState()
        cluster.place(new_pod_info(pod(cpu="3")), "a")
        cluster.set_node(node("a"))
        assert "Insufficient cpu" in verdict(pod("other", cpu="2"), cluster).message

    def test_a_node_that_comes_back_brings_its_pods(self) -> None:
        cluster = cluster_of(node("a"), node("b"))
        cluster.place(new_pod_info(pod(cpu="3")), "a")
        cluster.remove_node("a")
        cluster.set_node(node("a"))
        assert cluster.requested[cluster.rows["a"], cluster.columns["cpu"]] == 3000

    def test_a_forgotten_pod_leaves_its_room(self) -> None:
        cluster = cluster_of(node("a"))
        info = new_pod_info(pod(cpu="3"))
        cluster.place(info, "a")
        assert cluster.forget(info.uid)
        assert not cluster.requested.any()
        assert not cluster.forget(info.uid)

    def test_rows_and_columns_grow_with_the_cluster(self) -> None:
        cluster = cluster_of(*(node(f"n{i}") for i in range(20)))
        special = node("special").wire()
        special["status"]["allocatable"]["example.com/gpu"] = "2"
        cluster.set_node(Node.model_validate(special))
        wanted = pod().wire()
        wanted["spec"]["containers"][0]["resources"] = {
            "limits": {"example.com/gpu": "1"},
            "requests": {"example.com/gpu": "1"},
        }
        assert verdict(Pod.model_validate(wanted), cluster).node_name == "special"
