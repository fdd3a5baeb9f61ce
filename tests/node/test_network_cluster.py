"""Three nodes on a machine, all of them network namespaces: pods reach each other over VXLAN, and nothing gets out.

The "machine" is a namespace as well, with a default route to an "outside" that counts what reaches it. So no packet of
these tests can leave, and what `down` leaves behind can be told exactly.
"""

import asyncio
import errno
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from naru.api.core_v1 import Node
from nodeagent.network import netns
from nodeagent.network.errors import NetworkError
from nodeagent.network.naming import host_bridge, host_veth, netns_name, veth_name
from nodeagent.network.node_network import NetworkConfig, NodeNetwork
from nodeagent.network.pod_link import PodAddress

pytestmark = pytest.mark.root

REPOSITORY = Path(__file__).parents[2]
UNDERLAY, PODS, SERVICES = "198.18.0.0/24", "10.244.0.0/16", "10.96.0.0/16"
OUTSIDE_IP, MACHINE_IP = "203.0.113.1", "203.0.113.2"
NODES = (1, 2, 3)
COUNTER = itertools.count()


def run(where: Path, *command: str, timeout_s: float = 20) -> subprocess.CompletedProcess[str]:
    """Run a command in a network namespace."""
    full = ["nsenter", f"--net={where}", *command]
    return subprocess.run(full, capture_output=True, text=True, timeout=timeout_s, check=False)


def ip(where: Path, *arguments: str) -> Any:
    done = run(where, "ip", "-json", "-details", "-statistics", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "null")


def state_of(where: Path) -> dict[str, Any]:
    """All that naru could change in a namespace, but for counters and ages."""
    links = sorted((link["ifname"], tuple(link["flags"])) for link in ip(where, "link"))
    done = run(where, "nft", "list", "ruleset")
    assert done.returncode == 0, done.stderr
    forwarding = run(where, "cat", "/proc/sys/net/ipv4/ip_forward").stdout
    routes = run(where, "ip", "route", "show", "table", "all", "type", "unicast").stdout
    floors = run(where, "ip", "route", "show", "type", "unreachable").stdout
    return {"links": links, "routes": routes, "floors": floors, "nft": done.stdout, "forwarding": forwarding}


@contextmanager
def namespace(name: str) -> Iterator[Path]:
    path = netns.create(name)
    try:
        yield path
    finally:
        netns.remove(path)


@dataclass
class Machine:
    """A machine with a cluster on it."""

    cluster: str
    path: Path
    outside: Path
    directory: Path
    nodes: dict[int, NodeNetwork] = field(default_factory=dict)

    def underlay(self, verb: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Call the program as `naru up` does, inside the machine."""
        nodes = [f"--node=node-{number}=198.18.0.{10 + number}" for number in NODES]
        ranges = ["--underlay", UNDERLAY, "--pod-cidr", PODS, "--service-cidr", SERVICES]
        arguments = [verb, "--cluster-name", self.cluster, *([*ranges, *nodes] if verb != "route" else []), *more]
        command = ["env", f"PYTHONPATH={REPOSITORY}", f"NARU_RUN_ROOT={self.directory}/run"]
        return run(self.path, *command, sys.executable, "-m", "nodeagent.network.underlay", *arguments)

    def node(self, number: int) -> Path:
        """The namespace of a node."""
        return netns.PINNED / netns_name(self.cluster, f"node-{number}")

    def start_nodes(self, *, egress: bool = False) -> None:
        """Do what the node agents do."""
        host_fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        for number in NODES:
            config = NetworkConfig(
                f"node-{number}",
                IPv4Address(f"198.18.0.{10 + number}"),
                IPv4Network(PODS),
                IPv4Network(SERVICES),
                self.directory / f"node-{number}",
                egress,
                host_fd,
            )
            self.nodes[number] = NodeNetwork(config)
            self.inside(number, self.nodes[number].ensure)
            self.inside(number, lambda number=number: self.nodes[number].set_pod_cidr(f"10.244.{number}.0/24"))
        self.sync(*NODES)

    def sync(self, *known: int) -> None:
        """Tell every node which nodes there are."""
        for number in NODES:
            self.inside(number, lambda number=number: self.nodes[number].sync_nodes([api_node(n) for n in known]))

    def inside(self, number: int, work: Callable[[], Any]) -> Any:
        """Run a coroutine where a node's agent would run it."""
        return netns.run_in(self.node(number), work)

    def leaked(self) -> int:
        """Count the packets that have reached the outside, but for the talk of neighbours."""
        (link,) = ip(self.outside, "link", "show", "eth0")
        return int(link["stats64"]["rx"]["packets"])


def api_node(number: int) -> Node:
    addresses = [{"type": "InternalIP", "address": f"198.18.0.{10 + number}"}]
    spec = {"podCIDR": f"10.244.{number}.0/24"}
    return Node.model_validate(
        {"metadata": {"name": f"node-{number}"}, "spec": spec, "status": {"addresses": addresses}}
    )


@contextmanager
def new_machine(directory: Path) -> Iterator[Machine]:
    cluster = f"t{os.getpid()}-{next(COUNTER)}"
    with namespace(f"naru-{cluster}-machine") as path, namespace(f"naru-{cluster}-outside") as outside:
        run(path, "ip", "link", "set", "lo", "up")
        run(outside, "ip", "link", "set", "lo", "up")
        ends = ["link", "add", "out0", "type", "veth", "peer", "name", "eth0", "netns", outside.name]
        assert run(path, "ip", *ends).returncode == 0
        for where, link, address in ((path, "out0", MACHINE_IP), (outside, "eth0", OUTSIDE_IP)):
            run(where, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
            run(where, "ip", "address", "add", f"{address}/24", "dev", link)
            run(where, "ip", "link", "set", link, "up")
        run(path, "ip", "route", "add", "default", "via", OUTSIDE_IP)
        machine = Machine(cluster, path, outside, directory)
        try:
            yield machine
        finally:
            machine.underlay("down")


@dataclass(frozen=True)
class Pod:
    """A network namespace that stands for a pod."""

    uid: str
    path: Path
    address: PodAddress

    @property
    def ip(self) -> str:
        return str(self.address.ip)

    def fetch(self, address: str, timeout_s: int = 4) -> str:
        """Fetch a page with busybox, which says why it could not."""
        return fetch(self.path, address, timeout_s)


def fetch(where: Path, address: str, timeout_s: int = 4) -> str:
    wget = [
        "busybox",
        "wget",
        "-q",
        "-O",
        "-",
        f"http://{address}/",
    ]  # Debian's dies of a -T, so another keeps the time
    done = run(where, "busybox", "timeout", str(timeout_s), *wget)
    return done.stdout or done.stderr


@contextmanager
def pod_on(machine: Machine, number: int) -> Iterator[Pod]:
    uid = str(uuid4())
    with namespace(f"naru-{machine.cluster}-pod-{uid[:8]}") as path:
        run(path, "ip", "link", "set", "lo", "up")
        address = machine.inside(number, lambda: machine.nodes[number].attach(uid, path))
        yield Pod(uid, path, address)
        machine.nodes[number].release(uid)


async def listens() -> bool:
    """Tell whether somebody serves in the namespace that this runs in."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", 80)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


@contextmanager
def httpd(where: Path, directory: Path, text: str) -> Iterator[None]:
    (directory / text).mkdir(exist_ok=True)
    (directory / text / "index.html").write_text(text)
    command = ["nsenter", f"--net={where}", "busybox", "httpd", "-f", "-p", "80", "-h", str(directory / text)]
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 5
        while not netns.run_in(where, listens) and time.monotonic() < deadline:
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with new_machine(tmp_path_factory.mktemp("naru-net")) as machine:
        done = machine.underlay("up")
        assert done.returncode == 0, done.stderr
        machine.start_nodes()
        yield machine


@pytest.fixture(scope="module")
def near(machine: Machine) -> Iterator[Pod]:
    """A pod on node 1."""
    with pod_on(machine, 1) as pod:
        yield pod


@pytest.fixture(scope="module")
def far(machine: Machine) -> Iterator[Pod]:
    """A pod on node 2 that serves a page."""
    with pod_on(machine, 2) as pod, httpd(pod.path, machine.directory, "far"):
        yield pod


def vxlan_packets(machine: Machine, number: int) -> tuple[int, int]:
    (link,) = ip(machine.node(number), "link", "show", "naru-vxlan")
    return link["stats64"]["tx"]["packets"], link["stats64"]["rx"]["packets"]


class TestReach:
    """Pods, nodes and the machine reach each other by address."""

    def test_a_pod_fetches_a_page_from_another_node_over_vxlan(self, machine: Machine, near: Pod, far: Pod) -> None:
        before = [vxlan_packets(machine, number) for number in NODES]
        assert near.fetch(far.ip) == "far"
        after = [vxlan_packets(machine, number) for number in NODES]
        for number in (0, 1):
            assert after[number][0] >= before[number][0] + 4
            assert after[number][1] >= before[number][1] + 4
        assert after[2] == before[2]

    def test_pods_of_one_node_reach_each_other(self, machine: Machine, near: Pod) -> None:
        with pod_on(machine, 1) as other, httpd(other.path, machine.directory, "neighbour"):
            assert near.fetch(other.ip) == "neighbour"

    def test_the_machine_reaches_a_pod(self, machine: Machine, far: Pod) -> None:
        assert fetch(machine.path, far.ip) == "far"

    def test_a_pod_reaches_the_machine_and_other_nodes_under_its_own_address(self, machine: Machine, near: Pod) -> None:
        for where, address in ((machine.path, "198.18.0.1"), (machine.node(2), "198.18.0.12")):
            with httpd(where, machine.directory, "host"):
                assert near.fetch(address) == "host"

    def test_a_full_packet_crosses_without_fragments(self, near: Pod, far: Pod) -> None:
        assert near.address.mtu == 1450
        whole = run(near.path, "busybox", "ping", "-c1", "-W2", "-s", str(1450 - 28), far.ip)
        assert whole.returncode == 0, whole.stdout

    def test_a_pod_has_what_it_was_told(self, near: Pod) -> None:
        (link,) = ip(near.path, "link", "show", "eth0")
        assert (link["address"], link["mtu"]) == (near.address.mac, 1450)
        (route,) = ip(near.path, "route", "show", "default")
        assert route["gateway"] == "10.244.1.1"


class TestNothingGetsOut:
    """An address that nobody has is refused at once, and no packet for it reaches the outside."""

    @pytest.mark.parametrize("address", ["10.244.77.7", "10.96.0.10", "198.18.0.200"])
    def test_from_the_machine_a_node_and_a_pod(self, machine: Machine, near: Pod, address: str) -> None:
        before = machine.leaked()
        for where in (machine.path, machine.node(1), near.path):
            begun = time.monotonic()
            done = run(where, "busybox", "ping", "-c1", "-W1", address, timeout_s=10)
            assert done.returncode != 0
            if address != "198.18.0.200":  # that one is looked for on the underlay itself
                assert time.monotonic() - begun < 4
        assert machine.leaked() == before

    def test_refusal_is_immediate(self, machine: Machine) -> None:
        for where in (machine.path, machine.node(1)):
            for address in ("10.244.77.7", "10.96.0.10"):
                done = run(where, "ip", "route", "get", address)
                assert os.strerror(errno.EHOSTUNREACH) in done.stderr

    def test_the_outside_is_unreachable_without_egress(self, machine: Machine, near: Pod) -> None:
        before = machine.leaked()
        assert "unreachable" in near.fetch(OUTSIDE_IP)
        assert machine.leaked() == before


class TestFaults:
    """Links cut, entries deleted, nodes gone: everything settles."""

    def test_a_cut_link_cuts_the_pods_off_until_it_is_back(self, machine: Machine, near: Pod, far: Pod) -> None:
        link = host_veth(machine.cluster, 2)
        run(machine.path, "ip", "link", "set", link, "down")
        try:
            assert near.fetch(far.ip, timeout_s=1) != "far"
        finally:
            run(machine.path, "ip", "link", "set", link, "up")
        deadline = time.monotonic() + 10
        while (answer := near.fetch(far.ip, timeout_s=1)) != "far" and time.monotonic() < deadline:
            pass
        assert answer == "far"

    def test_a_node_that_is_gone_is_forgotten(self, machine: Machine, near: Pod, far: Pod) -> None:
        try:
            machine.sync(1, 3)
            assert not [route for route in ip(machine.node(1), "route") if route["dst"] == "10.244.2.0/24"]
            assert "198.18.0.12" not in run(machine.node(1), "bridge", "fdb", "show", "dev", "naru-vxlan").stdout
            assert "10.244.2.0" not in run(machine.node(1), "ip", "neighbour").stdout
            assert near.fetch(far.ip) != "far"
        finally:
            machine.sync(*NODES)
        assert near.fetch(far.ip) == "far"

    @pytest.mark.parametrize(
        "damage",
        [
            pytest.param("ip link delete naru-vxlan", id="VXLAN device deleted"),
            pytest.param("ip link delete naru0", id="bridge deleted"),
            pytest.param("ip link set naru0 down", id="bridge down"),
            pytest.param("ip address flush dev naru0", id="gateway address gone"),
            pytest.param("ip address flush dev naru-vxlan", id="VTEP address gone, and its routes with it"),
            pytest.param("ip route flush proto 110", id="peer routes gone"),
            pytest.param("ip neighbour flush dev naru-vxlan nud permanent", id="neighbours gone"),
            pytest.param("bridge fdb del 0e:6e:c6:12:00:0c dev naru-vxlan dst 198.18.0.12", id="FDB entry gone"),
            pytest.param("sysctl -qw net.ipv4.ip_forward=0", id="forwarding off"),
            pytest.param("ip link set naru-vxlan mtu 1300", id="MTU changed"),
            pytest.param(
                "ip link delete naru-vxlan; ip link add naru-vxlan type vxlan id 9 dstport 4789",
                id="device of another VNI",
            ),
        ],
    )
    def test_drift_is_mended(self, machine: Machine, near: Pod, far: Pod, damage: str) -> None:
        done = run(machine.node(1), "sh", "-ec", damage)
        assert done.returncode == 0, done.stderr
        machine.inside(1, machine.nodes[1].ensure)
        assert near.fetch(far.ip) == "far"

    def test_the_floor_is_mended(self, machine: Machine) -> None:
        run(machine.node(1), "ip", "route", "del", "unreachable", PODS)
        machine.inside(1, machine.nodes[1].ensure)
        assert "No route to host" in run(machine.node(1), "ip", "route", "get", "10.244.77.7").stderr

    def test_what_is_right_is_left_alone(self, machine: Machine) -> None:
        """A second look changes nothing: no message of the kernel tells of a change."""
        command = ["nsenter", f"--net={machine.node(1)}", "ip", "monitor", "link", "address", "route", "neigh"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            time.sleep(0.2)
            machine.inside(1, machine.nodes[1].ensure)
            time.sleep(0.1)
        finally:
            process.terminate()
            told, _ = process.communicate(timeout=10)
        assert [
            line for line in told.splitlines() if "naru" in line and "STALE" not in line and "REACH" not in line
        ] == []


class TestPods:
    """A pod is connected once, however often it is asked for, and forgotten when it is gone."""

    def test_asked_again_it_has_the_same_address(self, machine: Machine, near: Pod, far: Pod) -> None:
        again = machine.inside(1, lambda: machine.nodes[1].attach(near.uid, near.path))
        assert again == near.address
        assert near.fetch(far.ip) == "far"

    def test_a_new_sandbox_of_the_same_pod_is_connected_though_the_old_link_lingers(
        self, machine: Machine, far: Pod
    ) -> None:
        uid, name = str(uuid4()), f"naru-{machine.cluster}-sandbox"
        with namespace(f"{name}-1") as old, namespace(f"{name}-2") as new:
            first = machine.inside(1, lambda: machine.nodes[1].attach(uid, old))
            second = machine.inside(1, lambda: machine.nodes[1].attach(uid, new))
            assert first == second
            assert fetch(new, far.ip) == "far"
            machine.nodes[1].release(uid)

    def test_a_link_that_belongs_to_another_pod_is_never_taken(self, machine: Machine, near: Pod) -> None:
        twin = near.uid[:8] + str(uuid4())[8:]
        with (
            namespace(f"naru-{machine.cluster}-twin") as path,
            pytest.raises(NetworkError, match="belongs to another pod"),
        ):
            machine.inside(1, lambda: machine.nodes[1].attach(twin, path))
        machine.nodes[1].release(twin)

    def test_a_restarted_agent_gives_no_address_twice(self, machine: Machine, near: Pod) -> None:
        restarted = NodeNetwork(machine.nodes[1]._config)
        with pytest.raises(NetworkError, match="no podCIDR yet"):
            machine.inside(1, lambda: restarted.attach("uid", near.path))
        machine.inside(1, lambda: restarted.set_pod_cidr("10.244.1.0/24"))
        machine.inside(1, lambda: restarted.sync_nodes([api_node(number) for number in NODES]))
        uid = str(uuid4())
        with namespace(f"naru-{machine.cluster}-later") as path:
            other = machine.inside(1, lambda: restarted.attach(uid, path))
            assert other.ip != near.address.ip
            assert machine.inside(1, lambda: restarted.attach(near.uid, near.path)) == near.address
            restarted.release(uid)

    def test_dead_pods_are_collected_and_live_ones_are_not(self, machine: Machine, far: Pod) -> None:
        dead, name = str(uuid4()), f"naru-{machine.cluster}-dead"
        with namespace(name) as path:
            address = machine.inside(2, lambda: machine.nodes[2].attach(dead, path))
            machine.inside(2, lambda: machine.nodes[2].collect({far.uid}))
            names = {link["ifname"] for link in ip(machine.node(2), "link")}
            assert veth_name(dead) not in names
            assert veth_name(far.uid) in names
            files = {entry.name for entry in (machine.directory / "node-2/addresses").iterdir()}
            assert str(address.ip) not in files
            assert far.ip in files

    @pytest.mark.parametrize("cidr", ["", "10.96.0.0/24", "10.244.1.0", "0.0.0.0/0"])
    def test_a_pod_cidr_that_cannot_be_is_refused(self, machine: Machine, cidr: str) -> None:
        with pytest.raises(NetworkError, match="podCIDR"):
            machine.inside(3, lambda: machine.nodes[3].set_pod_cidr(cidr))


class TestLife:
    """Up and down, whole or half, any number of times."""

    def test_up_and_down_leave_the_machine_as_it_was(self, tmp_path: Path) -> None:
        with new_machine(tmp_path) as machine:
            before = state_of(machine.path)
            for _ in range(2):
                assert machine.underlay("up").returncode == 0
            machine.start_nodes()
            route = machine.underlay("route", "--node-ip", "198.18.0.13", "--pod-cidr", "10.244.30.0/24")
            assert route.returncode == 0, route.stderr
            routes = run(machine.path, "ip", "route").stdout
            assert "10.244.30.0/24 via 198.18.0.13" in routes
            assert "10.244.3.0/24" not in routes  # of the same node, before
            with pod_on(machine, 1):
                done = machine.underlay("down")
            assert done.returncode == 0, done.stderr
            assert state_of(machine.path) == before
            assert not list(netns.PINNED.glob(f"naru-{machine.cluster}-node-*"))
            assert machine.underlay("down").returncode == 0

    @pytest.mark.parametrize("rest", ["bridge", "namespace", "link", "floor"])
    def test_half_a_cluster_is_removed_and_mended(self, tmp_path: Path, rest: str) -> None:
        with new_machine(tmp_path) as machine:
            before = state_of(machine.path)
            assert machine.underlay("up").returncode == 0
            bridge = host_bridge(machine.cluster)
            if rest == "bridge":
                run(machine.path, "ip", "link", "delete", bridge)
            elif rest == "namespace":
                netns.remove(machine.node(2))
            elif rest == "link":
                run(machine.path, "ip", "link", "delete", host_veth(machine.cluster, 2))
            else:
                run(machine.path, "ip", "route", "flush", "type", "unreachable")
            done = machine.underlay("up")
            assert done.returncode == 0, done.stderr
            assert run(machine.path, "busybox", "ping", "-c1", "-W2", "198.18.0.12").returncode == 0
            assert run(machine.node(2), "ip", "route", "get", "10.96.0.10").returncode != 0
            assert machine.underlay("down").returncode == 0
            assert state_of(machine.path) == before

    def test_a_range_that_is_taken_is_refused_and_nothing_is_made(self, tmp_path: Path) -> None:
        with new_machine(tmp_path) as machine:
            run(machine.path, "ip", "route", "add", "10.240.0.0/12", "via", OUTSIDE_IP)
            before = state_of(machine.path)
            for verb in ("check", "up"):
                done = machine.underlay(verb)
                assert done.returncode == 1
                assert done.stderr == f"--pod-cidr {PODS} clashes with the host's route 10.240.0.0/12 by out0\n"
            assert state_of(machine.path) == before
            assert not list(netns.PINNED.glob(f"naru-{machine.cluster}-node-*"))


class TestEgress:
    """With egress pods reach the outside under the machine's address; afterwards nothing of it is left."""

    def test_masqueraded_out_and_undone(self, tmp_path: Path) -> None:
        with new_machine(tmp_path) as machine:
            run(machine.path, "sysctl", "-qw", "net.ipv4.ip_forward=0")
            before = state_of(machine.path)
            done = machine.underlay("up", "--egress")
            assert done.returncode == 0, done.stderr
            machine.start_nodes(egress=True)
            with pod_on(machine, 1) as pod, httpd(machine.outside, tmp_path, "world"):
                assert pod.fetch(OUTSIDE_IP) == "world"
                leaked = machine.leaked()
                assert "No route to host" in pod.fetch("10.244.77.7")
                assert "No route to host" in pod.fetch("10.96.0.10")
                assert machine.leaked() == leaked
            assert machine.underlay("up", "--no-egress").returncode == 0
            assert "default" not in run(machine.node(1), "ip", "route").stdout
            assert machine.underlay("down").returncode == 0
            assert state_of(machine.path) == before
            assert not (tmp_path / "run/ip_forward").exists()
