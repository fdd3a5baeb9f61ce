"""A cluster comes up whole or not at all, survives the death of each of its processes, and leaves nothing behind."""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

pytestmark = pytest.mark.root

IMAGE = "naru.local/busybox:1"
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: crew}
spec:
  replicas: 4
  selector: {matchLabels: {app: crew}}
  template:
    metadata: {labels: {app: crew}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: main, image: naru.local/busybox:1, command: [sleep, "3600"]}
"""

POLITE = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: polite}
spec:
  replicas: 2
  selector: {matchLabels: {app: polite}}
  template:
    metadata: {labels: {app: polite}}
    spec:
      containers:
      - name: main
        image: naru.local/busybox:1
        command: [sh, -c, "trap 'echo farewell; exit' TERM; echo ready; while :; do sleep 0.1; done"]
"""


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def processes_of(name: str) -> list[str]:
    """List the living processes that a cluster started, or that run for it."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (
                (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes() + (entry / "cgroup").read_bytes()
            )
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            if name.encode() in words and state not in "ZX" and int(entry.name) != os.getpid():
                found.append(f"{entry.name} {(entry / 'comm').read_text().strip()}")
        except OSError:  # gone, or the machine's own init
            continue
    return found


def traces_of(cluster) -> dict[str, list[str]]:
    """List everything in the kernel, and the run directory, that bears the cluster's mark."""
    name = cluster.name
    mark = f"naru{hashlib.sha256(name.encode()).hexdigest()[:4]}"
    cgroups = [path for path in Path("/sys/fs/cgroup").glob(f"*/naru-{name}")] + [Path(f"/sys/fs/cgroup/naru-{name}")]
    return {
        "processes": processes_of(name),
        "namespaces": [path.name for path in Path("/run/netns").glob(f"naru-{name}-*")],
        "links": [
            link["ifname"] for link in json.loads(output("ip", "-json", "link")) if link["ifname"].startswith(mark)
        ],
        "routes": routes_of(cluster),
        "mounts": [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if name in line],
        "cgroups": [str(path) for path in cgroups if path.exists()],
        "tables": [line for line in output("nft", "list", "tables").splitlines() if f"naru-{name}" in line],
        "run": [str(path) for path in Path("/run/naru").glob(f"{name}*")],
    }


def routes_of(cluster) -> list[str]:
    """List the host's routes, local and unreachable ones included, into a cluster's ranges."""
    ranges = [IPv4Network(flag) for flag in cluster.flags if re.fullmatch(r"[\d.]+/\d+", flag)]
    lines = output("ip", "-4", "route", "show", "table", "all").splitlines()
    found = []
    for line in lines:
        target = re.search(r"\b\d+\.\d+\.\d+\.\d+(/\d+)?", line.split(" via ")[0])
        if target and any(IPv4Network(target[0]).overlaps(network) for network in ranges):
            found.append(line.strip())
    return found


@pytest.fixture
def own(clusters) -> Iterator:
    """A running cluster of the test's own."""
    made = clusters()
    made.up()
    return made


@pytest.fixture(scope="module")
def crew(cluster) -> Iterator:
    """The shared cluster, with four pods on it."""
    cluster.naru("apply", "-f", "-", stdin=DEPLOYMENT)
    cluster.naru("rollout", "status", "deployment/crew", "--timeout", "60s")
    yield cluster
    cluster.naru("delete", "deployment", "crew")


def pods(cluster) -> list[dict]:
    return cluster.get("pods", "-l", "app=crew")["items"]


def ready_containers(cluster) -> dict[str, str]:
    """Return pod name -> container id of the pods that are ready."""
    ready = {}
    for pod in pods(cluster):
        statuses = pod.get("status", {}).get("containerStatuses") or []
        if statuses and statuses[0]["ready"] and not pod["metadata"].get("deletionTimestamp"):
            ready[pod["metadata"]["name"]] = statuses[0]["containerID"]
    return ready


def containers_in_kernel(cluster) -> int:
    """Count the container cgroups that hold processes, one controller's tree standing for all."""
    trees = [Path(f"/sys/fs/cgroup/naru-{cluster.name}"), Path(f"/sys/fs/cgroup/pids/naru-{cluster.name}")]
    tree = next(tree for tree in trees if tree.exists())
    holders = (path.parent for path in tree.glob("**/pod*/*/cgroup.procs"))
    return sum(bool((directory / "cgroup.procs").read_text().split()) for directory in holders)


class TestUpAndDown:
    """What `naru up` makes, `naru down` takes away."""

    def test_nothing_is_left(self, clusters) -> None:
        cluster = clusters()
        nothing = {kind: [] for kind in traces_of(cluster)}
        assert traces_of(cluster) == nothing
        cluster.up()
        during = traces_of(cluster)
        assert all(during[kind] for kind in ("processes", "namespaces", "links", "routes", "run"))
        cluster.naru("apply", "-f", "-", stdin=DEPLOYMENT)
        cluster.naru("rollout", "status", "deployment/crew", "--timeout", "30s")
        assert len(processes_of(cluster.name)) > len(during["processes"])
        cluster.down()
        assert traces_of(cluster) == nothing
        assert Path(f"/var/lib/naru/{cluster.name}/etcd").exists(), "the data stays"
        cluster.down("--purge")
        assert not Path(f"/var/lib/naru/{cluster.name}").exists()

    def test_a_second_up_is_quick_and_changes_nothing(self, own) -> None:
        before = {component["name"]: component["pid"] for component in own.status()["components"]}
        assert "was up already" in own.up().stdout
        assert {component["name"]: component["pid"] for component in own.status()["components"]} == before

    def test_objects_are_there_again_after_down_and_up(self, own) -> None:
        own.naru("apply", "-f", "-", stdin=DEPLOYMENT)
        own.naru("rollout", "status", "deployment/crew", "--timeout", "30s")
        own.down()
        own.naru("up")
        own.naru("rollout", "status", "deployment/crew", "--timeout", "60s")
        assert len(ready_containers(own)) == 4

    def test_containers_may_say_farewell(self, own, eventually) -> None:
        def said() -> list[str]:
            logs = Path(f"/var/lib/naru/{own.name}/nodes").glob("*/logs/default_polite-*/main/0.log")
            return [" ".join(line.split()[-1] for line in log.read_text().splitlines()) for log in logs]

        own.naru("apply", "-f", "-", stdin=POLITE)
        eventually(lambda: said() == ["ready"] * 2, "both run")
        own.down("--grace-period", "30s")
        assert said() == ["ready farewell"] * 2

    def test_down_twice_is_harmless(self, own) -> None:
        own.down()
        own.down("--purge")
        assert f"there was no cluster {own.name}" in own.down("--purge").stdout

    def test_down_takes_away_a_cluster_whose_processes_were_all_killed(self, own) -> None:
        own.naru("apply", "-f", "-", stdin=DEPLOYMENT)
        own.naru("rollout", "status", "deployment/crew", "--timeout", "30s")
        for component in own.status()["components"]:  # the supervisor comes first
            os.kill(component["pid"], signal.SIGKILL)
        own.down("--purge")
        assert {kind: things for kind, things in traces_of(own).items() if things} == {}


class TestRefused:
    """A start that cannot work says why, and makes nothing."""

    def test_a_port_that_is_taken(self, clusters) -> None:
        cluster = clusters()
        with socket.socket() as other:
            other.bind(("127.0.0.1", cluster.api_port))
            other.listen()
            refused = cluster.up(check=False)
        assert refused.returncode == 1
        assert f"port {cluster.api_port} on 127.0.0.1 is taken" in refused.stderr
        assert f"(pid {os.getpid()})" in refused.stderr
        assert not Path(f"/var/lib/naru/{cluster.name}").exists()

    def test_a_range_that_the_host_uses(self, clusters) -> None:
        known = json.loads(output("ip", "-json", "route"))
        device = next(route["dev"] for route in known if route["dst"] == "default")
        taken = next(route["dst"] for route in known if route.get("dev") == device and "/" in route["dst"])
        around = IPv4Network(taken).supernet(new_prefix=min(22, IPv4Network(taken).prefixlen))
        cluster = clusters("--pod-cidr", str(around))
        refused = cluster.up(check=False)
        assert refused.returncode == 1
        assert "clashes with the host's route" in refused.stderr
        assert "--pod-cidr <another range>" in refused.stderr
        assert traces_of(cluster)["processes"] == []

    def test_flags_that_differ_from_those_of_the_running_cluster(self, own) -> None:
        refused = own.naru("up", "--nodes", "5", check=False)
        assert "running with other flags: nodes 3, not 5" in refused.stderr

    def test_a_component_that_cannot_run_shows_its_log_and_nothing_stays(self, own) -> None:
        own.down()
        data = Path(f"/var/lib/naru/{own.name}")
        (data / "etcd" / "member" / "snap" / "db").write_bytes(b"no database")
        refused = own.naru("up", check=False)
        assert refused.returncode == 1
        assert "etcd does not start" in refused.stderr
        assert f"{data}/logs/etcd.log" in refused.stderr
        assert processes_of(own.name) == []


class TestKilled:
    """Each process comes back by itself; the pods do not notice."""

    @pytest.mark.parametrize("name", ["etcd", "apiserver", "scheduler", "controllers", "node-1"])
    def test_a_component_comes_back_and_containers_stay(self, crew, eventually, name: str) -> None:
        before, containers = crew.component(name), ready_containers(crew)
        assert len(containers) == 4
        os.kill(before["pid"], signal.SIGKILL)

        def is_back() -> bool:
            component = crew.component(name)
            return component["state"] == "running" and component["pid"] not in (0, before["pid"])

        eventually(is_back, f"{name} runs again", 30)
        eventually(lambda: crew.naru("get", "nodes", check=False).returncode == 0, "the API answers", 30)
        assert crew.component(name)["restarts"] == before["restarts"] + 1
        assert ready_containers(crew) == containers
        crew.naru("scale", "deployment/crew", "--replicas", "6")
        crew.naru("rollout", "status", "deployment/crew", "--timeout", "60s")
        crew.naru("scale", "deployment/crew", "--replicas", "4")
        eventually(lambda: len(pods(crew)) == 4 and containers_in_kernel(crew) == 4, "no container too many", 30)

    def test_a_zygote_comes_back_and_containers_stay(self, crew, eventually) -> None:
        containers = ready_containers(crew)
        agent = crew.component("node-2")["pid"]
        zygote = int(Path(f"/proc/{agent}/task/{agent}/children").read_text().split()[0])
        os.kill(zygote, signal.SIGKILL)
        eventually(
            lambda: Path(f"/proc/{agent}/task/{agent}/children").read_text().split() not in ([], [str(zygote)]),
            "another zygote",
        )
        assert ready_containers(crew) == containers
        crew.naru("scale", "deployment/crew", "--replicas", "9")
        crew.naru("rollout", "status", "deployment/crew", "--timeout", "60s")
        crew.naru("scale", "deployment/crew", "--replicas", "4")
        eventually(lambda: len(pods(crew)) == 4 and containers_in_kernel(crew) == 4, "no container too many", 30)

    def test_the_supervisors_death_is_noticed_by_nobody_and_the_next_one_adopts(self, crew, eventually) -> None:
        pids = {component["name"]: component["pid"] for component in crew.status()["components"]}
        os.kill(pids.pop("supervisor"), signal.SIGKILL)
        assert crew.naru("get", "nodes").returncode == 0
        crew.naru("up")
        after = {component["name"]: component["pid"] for component in crew.status()["components"]}
        assert after.pop("supervisor")
        assert after == pids
        os.kill(after["scheduler"], signal.SIGKILL)
        eventually(
            lambda: crew.component("scheduler")["pid"] not in (0, after["scheduler"]),
            "the new one restarts an adopted one",
        )

    def test_killed_while_scaling(self, crew, eventually) -> None:
        for turn, name in enumerate(("apiserver", "node-3", "controllers", "etcd", "scheduler", "node-1")):
            eventually(lambda: crew.naru("get", "nodes", check=False).returncode == 0, "the API answers")
            crew.naru("scale", "deployment/crew", "--replicas", "9" if turn % 2 == 0 else "2")
            os.kill(crew.component(name)["pid"], signal.SIGKILL)
        eventually(lambda: crew.status()["running"], "everything runs again")
        eventually(lambda: crew.naru("get", "nodes", check=False).returncode == 0, "the API answers")
        crew.naru("scale", "deployment/crew", "--replicas", "4")
        eventually(
            lambda: len(pods(crew)) == 4 and len(ready_containers(crew)) == 4 and containers_in_kernel(crew) == 4,
            "four pods, four containers",
            60,
        )
