"""The way to the other nodes' pods: a VXLAN device whose tables follow the Node objects.

Flow: Nodes -> *plan_peers* -> per peer a neighbour, an FDB entry, a route -> packets.

A packet for a pod of node B meets on node A: the route (B's podCIDR is behind the gateway .0 of that range, on
naru-vxlan), the neighbour (.0 has B's VTEP MAC), the FDB (that MAC is behind B's underlay address); then it travels as
the payload of a UDP packet. All three are known beforehand, so the device learns nothing, floods nothing and asks
nobody: a packet for a pod that no Node vouches for has nowhere to go.

Source: RFC 7348; ip-link(8), "VXLAN Type Support"; bridge(8).
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from naru.api.node_v1 import Node
from nodeagent.network.links import RTPROT_NARU, Link, LinkSpec, Route, Rtnetlink
from nodeagent.network.naming import VXLAN, VXLAN_ID, VXLAN_OVERHEAD_BYTES, VXLAN_PORT, vtep_mac

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Peer:
    """Another node, as far as its pods' addresses go."""

    name: str
    address: IPv4Address
    pod_cidr: IPv4Network

    @property
    def gateway(self) -> IPv4Address:
        """The address of the peer's VXLAN device."""
        return self.pod_cidr.network_address


@dataclass(frozen=True)
class PeerTables:
    """The entries of a VXLAN device's three tables."""

    neighbours: frozenset[tuple[IPv4Address, str]] = frozenset()  # gateway, VTEP MAC
    fdb: frozenset[tuple[str, IPv4Address]] = frozenset()  # VTEP MAC, node
    routes: frozenset[tuple[IPv4Network, IPv4Address]] = frozenset()  # podCIDR, gateway

    def without(self, other: "PeerTables") -> "PeerTables":
        """Return the entries that the other does not have."""
        return PeerTables(
            self.neighbours - other.neighbours, self.fdb - other.fdb, self.routes - other.routes
        )  # fmt: skip


def device_spec(node_address: IPv4Address, underlay_mtu: int) -> LinkSpec:
    """Describe this node's VXLAN device."""
    fixed = {
        "vxlan_id": VXLAN_ID,
        "vxlan_local": str(node_address),
        "vxlan_port": VXLAN_PORT,
        "vxlan_learning": False,
    }
    return LinkSpec(VXLAN, "vxlan", vtep_mac(node_address), underlay_mtu - VXLAN_OVERHEAD_BYTES, fixed)


def plan_peers(nodes: Iterable[Node], own_name: str, cluster_cidr: IPv4Network) -> tuple[Peer, ...]:
    """Pick the nodes that packets can be sent to; of two that claim the same range the elder has it.

    A range outside the cluster's is not followed: a Node object must not be able to turn other traffic its way.
    """
    peers: dict[str, Peer] = {}
    for node in sorted(nodes, key=_age):
        peer = _peer(node)
        if node.metadata.name == own_name or peer is None:
            continue
        clash = next((other for other in peers.values() if other.pod_cidr.overlaps(peer.pod_cidr)), None)
        if clash or not peer.pod_cidr.subnet_of(cluster_cidr):
            reason = f"overlaps that of {clash.name}" if clash else f"is not part of {cluster_cidr}"
            logger.warning("podCIDR not followed", extra={"node": peer.name, "cidr": peer.pod_cidr, "reason": reason})
            continue
        peers[peer.name] = peer
    return tuple(peers.values())


def _age(node: Node) -> tuple[float, str]:
    created = node.metadata.creation_timestamp
    return (created.timestamp() if created else 0.0, node.metadata.name)


def _peer(node: Node) -> Peer | None:
    """Read a Node; None while it has no podCIDR or no address, or none that can be read."""
    internal = next((entry.address for entry in node.status.addresses if entry.type == "InternalIP"), "")
    try:
        return Peer(node.metadata.name, IPv4Address(internal), IPv4Network(node.spec.pod_cidr))
    except ValueError:
        return None


def wanted_tables(peers: Sequence[Peer]) -> PeerTables:
    """Return the entries that lead to these peers."""
    return PeerTables(
        frozenset((peer.gateway, vtep_mac(peer.address)) for peer in peers),
        frozenset((vtep_mac(peer.address), peer.address) for peer in peers),
        frozenset((peer.pod_cidr, peer.gateway) for peer in peers),
    )


async def present_tables(kernel: Rtnetlink, device: Link) -> PeerTables:
    """Read the entries that are there."""
    routes = frozenset(
        (route.network, route.gateway)
        for route in await kernel.routes()
        if route.link == device.index and route.gateway is not None
    )
    return PeerTables(frozenset(await kernel.neighbours(device)), frozenset(await kernel.fdb(device)), routes)


async def ensure_peers(kernel: Rtnetlink, device: Link, peers: Sequence[Peer]) -> None:
    """Make the device's tables lead to these peers and to nobody else; what is right stays untouched.

    Order: a route goes first and comes last. From the moment it is there packets flow, and the entries that they
    need are there already.
    """
    wanted, present = wanted_tables(peers), await present_tables(kernel, device)
    gone, missing = present.without(wanted), wanted.without(present)
    for network, gateway in gone.routes:
        await kernel.remove_route(Route(network, gateway, device.index))
    for mac, host in gone.fdb:
        await kernel.remove_fdb(device, mac, host)
    for address, _ in gone.neighbours:
        await kernel.remove_neighbour(device, address)
    for address, mac in missing.neighbours:
        await kernel.add_neighbour(device, address, mac)
    for mac, host in missing.fdb:
        await kernel.add_fdb(device, mac, host)
    for network, gateway in missing.routes:
        await kernel.add_route(Route(network, gateway, device.index, protocol=RTPROT_NARU), onlink=True)
