"""Pods that cannot work say why; one pod's failure never touches another's."""

import subprocess
import time

import pytest
from kubernetes import client, config

pytestmark = pytest.mark.root

IMAGE = "naru.local/busybox:1"
NAMESPACE = "default"


@pytest.fixture
def core(cluster):
    with config.new_client_from_config(str(cluster.kubeconfig)) as api_client:
        yield client.CoreV1Api(api_client)


@pytest.fixture
def run(core):
    """Run pods of one container; they are gone after the test."""
    names: list[str] = []

    def create(name: str, command: list[str], image: str = IMAGE, **container) -> None:
        spec = client.V1PodSpec(
            containers=[client.V1Container(name="main", image=image, command=command, **container)],
            termination_grace_period_seconds=0,
        )
        core.create_namespaced_pod(NAMESPACE, client.V1Pod(metadata=client.V1ObjectMeta(name=name), spec=spec))
        names.append(name)

    yield create
    for name in names:
        core.delete_namespaced_pod(name, NAMESPACE, grace_period_seconds=0)


def wait_for(what, timeout_s: float = 30.0):
    """Return what ``what`` returns once that is true."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < deadline_s, f"not within {timeout_s} s"
        time.sleep(0.05)


def container_state(core, name: str):
    statuses = core.read_namespaced_pod(name, NAMESPACE).status.container_statuses
    return statuses[0] if statuses else None


def waiting_reason(core, name: str) -> str:
    status = container_state(core, name)
    return status.state.waiting.reason if status and status.state.waiting else ""


def test_an_image_that_does_not_exist_backs_off_with_the_reason(core, run) -> None:
    run("fault-image", ["true"], image="127.0.0.1:9/nothing/here:1")
    wait_for(lambda: waiting_reason(core, "fault-image") == "ErrImagePull")
    assert "127.0.0.1:9/nothing/here:1" in container_state(core, "fault-image").state.waiting.message
    wait_for(lambda: waiting_reason(core, "fault-image") == "ImagePullBackOff")


def test_a_command_that_does_not_exist_says_so(core, run) -> None:
    run("fault-command", ["/no/such/command"])
    wait_for(lambda: waiting_reason(core, "fault-command") == "CrashLoopBackOff")
    ended = container_state(core, "fault-command").last_state.terminated
    assert ended.reason == "StartError"
    assert "/no/such/command" in ended.message
    assert "no such file or directory" in ended.message


def test_a_container_that_fails_is_restarted_with_back_off(core, run) -> None:
    run("fault-exit", ["sh", "-c", "exit 3"])
    status = wait_for(lambda: (s := container_state(core, "fault-exit")) and s.restart_count >= 1 and s)
    assert status.last_state.terminated.exit_code == 3
    wait_for(lambda: waiting_reason(core, "fault-exit") == "CrashLoopBackOff")


def test_a_memory_hog_is_oom_killed_and_its_neighbour_lives(core, run) -> None:
    run("fault-neighbour", ["sleep", "3600"])
    wait_for(lambda: (s := container_state(core, "fault-neighbour")) and s.state.running)
    hog = ["sh", "-c", "x=a; while true; do x=$x$x; done"]
    limits = client.V1ResourceRequirements(limits={"memory": "32Mi"})
    run("fault-memory", hog, resources=limits)

    def ended():
        status = container_state(core, "fault-memory")
        return status and (status.state.terminated or status.last_state.terminated)

    terminated = wait_for(ended)
    assert (terminated.reason, terminated.exit_code) == ("OOMKilled", 137)
    assert container_state(core, "fault-neighbour").restart_count == 0


def test_a_cpu_hog_gets_no_more_than_its_limit(cluster, core, run) -> None:
    limits = client.V1ResourceRequirements(limits={"cpu": "100m"})
    run("fault-cpu", ["sh", "-c", "while true; do :; done"], resources=limits)
    wait_for(lambda: (s := container_state(core, "fault-cpu")) and s.state.running)

    def used_s() -> float:
        shown = cluster.naru("exec", "fault-cpu", "--", "cat", "/proc/1/stat").stdout
        user, system = shown.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / 100

    before_s, started_s = used_s(), time.monotonic()
    time.sleep(3)
    share = (used_s() - before_s) / (time.monotonic() - started_s)
    assert share < 0.25


def test_a_missing_config_map_is_named_and_the_pod_starts_once_it_is_there(core, run) -> None:
    source = client.V1EnvFromSource(config_map_ref=client.V1ConfigMapEnvSource(name="late"))
    run("fault-config", ["sleep", "3600"], env_from=[source])
    wait_for(lambda: waiting_reason(core, "fault-config") == "CreateContainerConfigError")
    assert 'configmap "late" not found' in container_state(core, "fault-config").state.waiting.message
    core.create_namespaced_config_map(NAMESPACE, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="late")))
    try:
        wait_for(lambda: (s := container_state(core, "fault-config")) and s.state.running, 60)
    finally:
        core.delete_namespaced_config_map("late", NAMESPACE)


def test_a_pod_that_fits_nowhere_says_what_is_lacking(core, run) -> None:
    run("fault-large", ["true"], resources=client.V1ResourceRequirements(requests={"cpu": "1000"}))

    def condition():
        found = core.read_namespaced_pod("fault-large", NAMESPACE).status.conditions or []
        return next((c for c in found if c.type == "PodScheduled" and c.status == "False"), None)

    assert wait_for(condition).message == "0/3 nodes are available: 3 Insufficient cpu."
    assert condition().reason == "Unschedulable"

    def event():
        events = core.list_namespaced_event(NAMESPACE, field_selector="involvedObject.name=fault-large").items
        return [item for item in events if item.reason == "FailedScheduling"]

    assert wait_for(event)


def test_a_container_sees_nothing_of_the_host(cluster, core, run) -> None:
    run("fault-curious", ["sleep", "3600"])
    wait_for(lambda: (s := container_state(core, "fault-curious")) and s.state.running)

    def inside(script: str) -> subprocess.CompletedProcess[str]:
        return cluster.naru("exec", "fault-curious", "--", "sh", "-c", script, check=False)

    assert inside("hostname").stdout == "fault-curious\n"
    assert inside("cat /proc/1/cmdline | tr '\\0' ' '").stdout == "sleep 3600 "
    assert len(inside("ls /proc | grep -c '^[0-9]'").stdout) <= 3, "only its own processes"
    assert inside("ls /sys/class/net").stdout.split() == ["eth0", "lo"]
    assert inside("cat /proc/mounts | grep -c ext4").stdout.strip() in ("0", "1", "2", "3", "4")
    assert inside("test -e /work || test -e /root/.bashrc").returncode != 0
    assert inside("mknod /tmp/disk b 254 0 && head -c1 /tmp/disk").returncode != 0
    assert inside("mount -t tmpfs none /mnt").returncode != 0
    assert inside("echo 1 > /proc/sys/kernel/sysrq").returncode != 0
    assert inside("dd if=/proc/kcore bs=1 count=1 2>/dev/null | wc -c").stdout.strip() == "0"
