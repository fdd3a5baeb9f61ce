"""What `naru up` and `naru doctor` find lacking."""

from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from cli.cluster.config import ClusterConfig
from cli.cluster.host import HostFacts, Route, parse_routes
from cli.cluster.modules import module_names
from cli.cluster.preflight import Finding, plan_findings

GOOD = HostFacts(
    is_root=True,
    programs=frozenset({"etcd", "nft", "busybox"}),
    filesystems=frozenset({"ext4"}),
    modules=frozenset({"overlay", "bridge", "veth", "vxlan", "nf_tables", "nft_chain_nat", "nft_masq"}),
    cgroup_controllers=frozenset({"cpu", "memory", "pids"}),
    cgroup_v2=True,
    routes=(Route(IPv4Network("192.168.1.0/24"), "eth0"),),
    taken_ports=frozenset(),
    free_bytes=10 * 2**30,
    network_namespaces=True,
)


def failures(facts: HostFacts, *, running: bool = False) -> list[Finding]:
    findings = plan_findings(facts, ClusterConfig(), own_device="naru1234", running=running)
    return [finding for finding in findings if not finding.ok]


class TestPlanFindings:
    """Each check names what is lacking and what mends it."""

    def test_a_good_host_lacks_nothing(self) -> None:
        assert failures(GOOD) == []

    @pytest.mark.parametrize(
        ("facts", "message", "remedy"),
        [
            (replace(GOOD, is_root=False), "need root", "sudo naru up"),
            (replace(GOOD, programs=frozenset({"nft", "busybox"})), "etcd is not", "apt-get install -y etcd-server"),
            (replace(GOOD, programs=frozenset({"etcd", "busybox"})), "nft is not", "apt-get install -y nftables"),
            (replace(GOOD, programs=frozenset({"etcd", "nft"})), "busybox", "apt-get install -y busybox-static"),
            (replace(GOOD, modules=frozenset({"overlay", "veth"})), "missing: bridge, vxlan, nf_tables", "reboot"),
            (replace(GOOD, modules=None), "no overlay", "CONFIG_OVERLAY_FS"),
            (replace(GOOD, cgroup_controllers=frozenset({"cpu", "pids"})), "missing: memory", "cgroup_enable=memory"),
            (replace(GOOD, free_bytes=2**20), "only 1 MiB", "NARU_DATA_ROOT"),
            (replace(GOOD, taken_ports=frozenset({("127.0.0.1", 6443)})), "port 6443", "--api-port"),
        ],
    )
    def test_lacking(self, facts: HostFacts, message: str, remedy: str) -> None:
        (finding,) = failures(facts)
        assert message in finding.message
        assert remedy in finding.remedy

    @pytest.mark.parametrize(
        ("network", "flag"),
        [
            pytest.param("10.244.7.0/24", "--pod-cidr", id="inside the pods' range"),
            pytest.param("10.0.0.0/8", "--pod-cidr", id="around the pods' and services' ranges"),
            pytest.param("10.96.0.0/12", "--service-cidr", id="around the services' range"),
            pytest.param("198.18.0.0/15", "--underlay", id="around the underlay"),
        ],
    )
    def test_a_range_that_the_host_routes_is_refused_with_its_flag(self, network: str, flag: str) -> None:
        found = failures(replace(GOOD, routes=(Route(IPv4Network(network), "tun0"),)))
        assert any(flag in finding.remedy and "tun0" in finding.message for finding in found)

    def test_the_clusters_own_routes_and_ports_are_no_clash(self) -> None:
        own = (Route(IPv4Network("198.18.0.0/24"), "naru1234"),)
        assert failures(replace(GOOD, routes=own)) == []
        assert failures(replace(GOOD, taken_ports=frozenset({("127.0.0.1", 6443)})), running=True) == []


class TestModules:
    """What is loaded, built in, or there to be loaded, is one to the kernel: it loads what it needs."""

    def test_a_kernel_that_has_all_built_in_lacks_nothing(self) -> None:
        assert failures(replace(GOOD, modules=None, filesystems=frozenset({"overlay"}))) == []

    def test_names_as_the_lists_have_them(self) -> None:
        listing = (
            "kernel/fs/overlayfs/overlay.ko.xz:\nkernel/net/bridge/bridge.ko: kernel/net/llc/llc.ko\na/snd-pcm.ko\n"
        )
        assert module_names(listing) == {"overlay", "bridge", "snd_pcm"}


class TestParseRoutes:
    """/proc/net/route holds addresses as little-endian numbers."""

    TABLE = """Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
*\t0000F40A\t00000000\t0200\t0\t0\t4096\t0000FFFF\t0\t0\t0
"""

    def test_default_and_unreachable_routes_are_left_out(self) -> None:
        assert parse_routes(self.TABLE) == (Route(IPv4Network("192.0.2.0/24"), "eth0"),)
