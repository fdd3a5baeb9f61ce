"""Which pods a node takes, and what it tells of itself."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from naru.api.core_v1 import NodeStatus, Pod
from nodeagent.config import AgentConfig
from nodeagent.machine import Machine
from nodeagent.node_status import node_status, status_change
from nodeagent.pods.admission import admit
from nodeagent.pods.stopper import stop_signal

ALLOCATABLE = {"cpu": "2", "memory": "1Gi", "pods": "3"}
LABELS = {"kubernetes.io/hostname": "node-1"}


def new_pod(name: str, phase: str = "", selector: dict[str, str] | None = None, **requests: str) -> Pod:
    container = {"name": "c", "image": "i", "resources": {"requests": requests}}
    spec: dict[str, Any] = {"containers": [container], "nodeSelector": selector or {}}
    body = {"metadata": {"name": name, "uid": name}, "spec": spec, "status": {"phase": phase}}
    return Pod.model_validate(body)


@pytest.mark.parametrize(
    ("pod", "others", "reason"),
    [
        pytest.param(new_pod("a", cpu="2"), [], None, id="all of the node"),
        pytest.param(new_pod("a", cpu="1"), [new_pod("b", cpu="1500m")], "OutOfcpu", id="too little cpu left"),
        pytest.param(new_pod("a", cpu="1"), [new_pod("b", "Failed", cpu="2")], None, id="who has ended takes nothing"),
        pytest.param(new_pod("a", memory="2Gi"), [], "OutOfmemory", id="too little memory"),
        pytest.param(new_pod("a"), [new_pod("b"), new_pod("c"), new_pod("d")], "OutOfpods", id="too many pods"),
        pytest.param(new_pod("a", selector={"disk": "ssd"}), [], "NodeAffinity", id="not the node it selects"),
        pytest.param(new_pod("a"), [new_pod("b", cpu="9")], None, id="who asks for nothing is taken"),
    ],
)
def test_admission(pod: Pod, others: list[Pod], reason: str | None) -> None:
    verdict = admit(pod, others, ALLOCATABLE, LABELS)
    assert (verdict.reason if verdict else None) == reason


def test_a_refusal_gives_the_numbers() -> None:
    verdict = admit(new_pod("a", cpu="1"), [new_pod("b", cpu="1500m")], ALLOCATABLE, LABELS)
    assert verdict is not None
    text = "Node didn't have enough resource: cpu, requested: 1000, used: 1500, capacity: 2000"
    assert verdict.message == f"Pod was rejected: {text}"


@pytest.mark.parametrize(
    ("sysctl", "changes", "message"),
    [
        pytest.param("net.ipv4.tcp_syncookies", {}, None, id="a safe one"),
        pytest.param("net/ipv4/tcp_syncookies", {}, None, id="a safe one, in the other spelling"),
        pytest.param("kernel.shm_rmid_forced", {"hostNetwork": True}, None, id="one of another namespace"),
        pytest.param("kernel.panic", {}, "not allowlisted", id="one of the whole host"),
        pytest.param("net.ipv4.ip_forward", {}, "not allowlisted", id="of the pod's own namespace, yet not known safe"),
        pytest.param("../../etc/passwd", {}, "not allowlisted", id="a way out of /proc/sys"),
        pytest.param("net.ipv4.tcp_rmem", {"hostNetwork": True}, "host net", id="of the network of the node"),
        pytest.param("kernel.shm_rmid_forced", {"hostIPC": True}, "host ipc", id="of the memory of the node"),
    ],
)
def test_only_safe_sysctls_are_taken(sysctl: str, changes: dict[str, Any], message: str | None) -> None:
    context = {"sysctls": [{"name": sysctl, "value": "1"}]}
    spec = {"containers": [{"name": "c", "image": "i"}], "securityContext": context, **changes}
    pod = Pod.model_validate({"metadata": {"name": "a", "uid": "a"}, "spec": spec})
    verdict = admit(pod, [], ALLOCATABLE, LABELS)
    if message is None:
        assert verdict is None
    else:
        assert verdict is not None
        assert verdict.reason == "SysctlForbidden"
        assert message in verdict.message


MACHINE = Machine(2, 4 << 30, 100 << 30, "m", "s", "b", "6.1", "Debian", "amd64")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def status(not_ready: str = "", old: NodeStatus | None = None, now: datetime = NOW) -> NodeStatus:
    files = {name: Path("/x") for name in ("kubeconfig", "data_dir", "run_dir", "image_dir")}
    config = AgentConfig(
        **files,
        node_name="node-1",
        node_ip="198.18.0.11",
        cluster_cidr=IPv4Network("10.244.0.0/16"),
        service_cidr=IPv4Network("10.96.0.0/16"),
        tls_cert=Path("/x"),
        tls_key=Path("/x"),
        client_ca=Path("/x"),
        cgroup_root="naru/node-1",
    )
    return node_status(config, MACHINE, [], not_ready, old or NodeStatus(), now)


def conditions(found: NodeStatus) -> dict[str, tuple[str, str]]:
    return {condition.type: (condition.status, condition.reason) for condition in found.conditions}


class TestNodeStatus:
    def test_ready(self) -> None:
        assert conditions(status()) == {
            "MemoryPressure": ("False", "KubeletHasSufficientMemory"),
            "DiskPressure": ("False", "KubeletHasNoDiskPressure"),
            "PIDPressure": ("False", "KubeletHasSufficientPID"),
            "Ready": ("True", "KubeletReady"),
        }

    def test_not_ready_says_why(self) -> None:
        ready = next(condition for condition in status("no network").conditions if condition.type == "Ready")
        assert (ready.status, ready.reason, ready.message) == ("False", "KubeletNotReady", "no network")

    def test_what_pods_may_use_is_less_than_what_there_is(self) -> None:
        found = status()
        assert found.capacity["memory"] == "4Gi"
        assert found.allocatable["memory"] == "3996Mi"
        assert found.allocatable["cpu"] == "2"

    def test_a_heartbeat_alone_is_no_change(self) -> None:
        old = status()
        assert status_change(old, status(old=old, now=NOW + timedelta(minutes=1))) is None

    def test_becoming_ready_is(self) -> None:
        old = status("starting")
        change = status_change(old, status(old=old, now=NOW + timedelta(minutes=1)))
        assert change is not None
        assert set(change) == {"conditions"}


@pytest.mark.parametrize(
    ("name", "number"), [("", 15), ("SIGQUIT", 3), ("quit", 3), ("9", 9), ("SIGRTMIN+3", 37), ("nonsense", 15)]
)
def test_stop_signals_are_read_in_every_spelling(name: str, number: int) -> None:
    assert stop_signal(name) == number
