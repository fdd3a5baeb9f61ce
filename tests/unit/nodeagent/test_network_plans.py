"""What the network decides, without a network."""

import tempfile
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.api.core_v1 import Node
from nodeagent.network import masquerade
from nodeagent.network.errors import NetworkError
from nodeagent.network.ipam import AddressPool
from nodeagent.network.links import Link, LinkSpec, Route, differing
from nodeagent.network.naming import host_bridge, host_metric, host_veth, pod_mac, veth_name, vtep_mac
from nodeagent.network.underlay import Underlay, find_clash
from nodeagent.network.vxlan import Peer, PeerTables, device_spec, plan_peers, wanted_tables

CLUSTER = IPv4Network("10.244.0.0/16")


def node(
    name: str, address: str = "198.18.0.12", cidr: str = "10.244.2.0/24", created: str = "2026-01-01T00:00:00Z"
) -> Node:
    return Node.model_validate(
        {
            "metadata": {"name": name, "creationTimestamp": created},
            "spec": {"podCIDR": cidr} if cidr else {},
            "status": {"addresses": [{"type": "InternalIP", "address": address}] if address else []},
        }
    )


def peer(name: str, number: int) -> Peer:
    return Peer(name, IPv4Address(f"198.18.0.{10 + number}"), IPv4Network(f"10.244.{number}.0/24"))


class TestPlanPeers:
    """Packets go to the nodes that the API vouches for, and to no range that is not theirs."""

    def test_the_others_are_peers(self) -> None:
        nodes = [node(f"node-{n}", f"198.18.0.{10 + n}", f"10.244.{n}.0/24") for n in (1, 2, 3)]
        assert set(plan_peers(nodes, "node-1", CLUSTER)) == {peer("node-2", 2), peer("node-3", 3)}

    @pytest.mark.parametrize(
        "unready",
        [
            pytest.param(node("node-2", cidr=""), id="no podCIDR yet"),
            pytest.param(node("node-2", address=""), id="no address yet"),
            pytest.param(node("node-2", address="fd00::2"), id="an address of another family"),
            pytest.param(node("node-2", cidr="nonsense"), id="a podCIDR that is none"),
            pytest.param(node("node-2", cidr="0.0.0.0/0"), id="a podCIDR that would take all traffic"),
            pytest.param(node("node-2", cidr="10.96.0.0/24"), id="a podCIDR outside the cluster's"),
        ],
    )
    def test_a_node_is_passed_over(self, unready: Node) -> None:
        assert plan_peers([unready], "node-1", CLUSTER) == ()

    def test_of_two_that_claim_a_range_the_elder_has_it(self) -> None:
        young = node("a", "198.18.0.13", "10.244.2.128/25", "2026-02-01T00:00:00Z")
        assert [found.name for found in plan_peers([young, node("z")], "node-1", CLUSTER)] == ["z"]

    def test_a_peer_needs_one_entry_in_each_table(self) -> None:
        assert wanted_tables([peer("node-2", 2)]) == PeerTables(
            frozenset({(IPv4Address("10.244.2.0"), "0e:6e:c6:12:00:0c")}),
            frozenset({("0e:6e:c6:12:00:0c", IPv4Address("198.18.0.12"))}),
            frozenset({(IPv4Network("10.244.2.0/24"), IPv4Address("10.244.2.0"))}),
        )

    @given(st.sets(st.integers(1, 30)), st.sets(st.integers(1, 30)))
    def test_adding_what_misses_and_removing_what_is_gone_gives_what_is_wanted(
        self, before: set[int], after: set[int]
    ) -> None:
        present, wanted = (wanted_tables([peer(f"n{n}", n) for n in numbers]) for numbers in (before, after))
        gone, missing = present.without(wanted), wanted.without(present)
        assert (present.routes - gone.routes) | missing.routes == wanted.routes
        assert (present.fdb - gone.fdb) | missing.fdb == wanted.fdb
        assert wanted.without(wanted) == PeerTables()


class TestNaming:
    """Names fit the kernel's 15 characters, and MACs follow from addresses."""

    def test_names(self) -> None:
        assert veth_name("0c1a9f6e-7d3b-4c7a-9d0e-5a1f2b3c4d5e") == "naru0c1a9f6e"
        assert len(host_veth("x" * 32, 9999)) <= 15
        assert host_bridge("a") != host_bridge("b")
        assert host_metric("a") != host_metric("b")
        assert 0 < host_metric("any") < 2**32

    @given(st.ip_addresses(v=4))
    def test_macs_are_for_one_card_and_locally_administered(self, address: IPv4Address) -> None:
        for mac in (pod_mac(address), vtep_mac(address)):
            first = int(mac[:2], 16)
            assert first & 0b11 == 0b10
        assert pod_mac(address) != vtep_mac(address)


class TestDrift:
    """What cannot be changed in place is named before the link is made anew."""

    SPEC = device_spec(IPv4Address("198.18.0.11"), 1500)

    def link(self, kind: str = "vxlan", **attributes: object) -> Link:
        return Link(3, "naru-vxlan", kind, self.SPEC.mac, 1450, True, 0, {**self.SPEC.fixed, **attributes})

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({}, ""),
            ({"vxlan_id": 2}, "vxlan_id"),
            ({"vxlan_local": "198.18.0.99"}, "vxlan_local"),
            ({"vxlan_port": 8472}, "vxlan_port"),
            ({"vxlan_learning": True}, "vxlan_learning"),
            ({"kind": "dummy"}, "kind"),
        ],
    )
    def test_difference(self, change: dict[str, object], named: str) -> None:
        assert differing(self.SPEC, self.link(**change)) == named  # type: ignore[arg-type]

    def test_mtu_leaves_room_for_the_outer_headers(self) -> None:
        assert self.SPEC.mtu == 1450


class TestAddressPool:
    """No address twice, also across a restart."""

    NETWORK = IPv4Network("10.244.1.0/28")

    def test_gateway_and_ends_are_never_given_out(self, tmp_path: Path) -> None:
        pool = AddressPool(tmp_path, self.NETWORK)
        given_out = [str(pool.allocate(f"uid-{number}")) for number in range(13)]
        assert given_out == [f"10.244.1.{number}" for number in range(2, 15)]
        with pytest.raises(NetworkError, match=r"no address left in podCIDR 10\.244\.1\.0/28: 13 pods have one"):
            pool.allocate("one-more")

    def test_a_pod_keeps_its_address(self, tmp_path: Path) -> None:
        address = AddressPool(tmp_path, self.NETWORK).allocate("uid")
        assert AddressPool(tmp_path, self.NETWORK).allocate("uid") == address

    def test_an_address_given_back_rests_before_it_is_given_again(self, tmp_path: Path) -> None:
        pool = AddressPool(tmp_path, self.NETWORK)
        first = pool.allocate("a")
        pool.release("a")
        assert [pool.allocate(f"b{number}") for number in range(12)].count(first) == 0
        assert pool.allocate("last") == first

    def test_a_restart_goes_on_where_it_was(self, tmp_path: Path) -> None:
        pool = AddressPool(tmp_path, self.NETWORK)
        kept, taken = pool.allocate("a"), pool.allocate("b")
        pool.release("a")
        restarted = AddressPool(tmp_path, self.NETWORK)
        assert restarted.owners == {"b"}
        assert restarted.allocate("c") not in {kept, taken}

    def test_releasing_twice_is_no_error(self, tmp_path: Path) -> None:
        pool = AddressPool(tmp_path, self.NETWORK)
        pool.allocate("a")
        pool.release("a")
        pool.release("a")
        assert list(tmp_path.iterdir()) == []

    def test_addresses_of_an_earlier_range_are_forgotten(self, tmp_path: Path) -> None:
        AddressPool(tmp_path, self.NETWORK).allocate("a")
        moved = AddressPool(tmp_path, IPv4Network("10.244.9.0/28"))
        assert moved.owners == frozenset()
        assert list(tmp_path.iterdir()) == []

    def test_a_range_without_room_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(NetworkError, match="no room for pods"):
            AddressPool(tmp_path, IPv4Network("10.244.1.0/31"))

    @given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=60))
    def test_whatever_happens_no_two_pods_share_an_address(self, steps: list[tuple[bool, int]]) -> None:
        with tempfile.TemporaryDirectory() as directory:
            pool = AddressPool(Path(directory), IPv4Network("10.244.1.0/27"))
            held = {}
            for is_allocation, number in steps:
                if is_allocation:
                    held[number] = pool.allocate(str(number))
                else:
                    pool.release(str(number))
                    held.pop(number, None)
                assert len(set(held.values())) == len(held)
            assert AddressPool(Path(directory), pool.network).owners == {str(number) for number in held}


class TestFindClash:
    """A range that the host routes somewhere is refused with the flag that changes it."""

    WANTED = Underlay("naru", IPv4Network("198.18.0.0/24"), CLUSTER, IPv4Network("10.96.0.0/16"), (), egress=False)
    LINKS = (
        Link(1, "eth0", "", "", 1500, True, 0),
        Link(2, host_bridge("naru"), "bridge", "", 1500, True, 0),
    )

    @pytest.mark.parametrize(
        ("route", "said"),
        [
            (Route(IPv4Network("0.0.0.0/0"), IPv4Address("192.0.2.1"), 1), ""),
            (Route(IPv4Network("192.0.2.0/24"), link=1), ""),
            (Route(IPv4Network("198.18.0.0/24"), link=2), ""),
            (Route(CLUSTER, is_unreachable=True), ""),
            (Route(IPv4Network("10.240.0.0/12"), link=1), "--pod-cidr 10.244.0.0/16"),
            (Route(IPv4Network("10.96.7.0/24"), link=1), "--service-cidr 10.96.0.0/16"),
            (Route(IPv4Network("198.18.0.0/15"), link=1), "--underlay 198.18.0.0/24"),
        ],
    )
    def test_clash(self, route: Route, said: str) -> None:
        clash = find_clash(self.WANTED, [route], self.LINKS)
        assert clash == (f"{said} clashes with the host's route {route.network} by eth0" if said else "")


def test_masquerading_spares_the_cluster_itself() -> None:
    script = masquerade.rules("naru", CLUSTER, [CLUSTER, IPv4Network("198.18.0.0/24")])
    assert "ip saddr 10.244.0.0/16 ip daddr != { 10.244.0.0/16, 198.18.0.0/24 } masquerade" in script
    assert script.startswith("table ip naru\ndelete table ip naru\n")


def test_a_link_spec_says_what_only_creation_sets() -> None:
    assert LinkSpec("x", "bridge", "", 1500).fixed == {}
