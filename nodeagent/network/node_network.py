"""The network of one node: set up, kept right, and pods connected to it.

Flow: Node objects -> *NodeNetwork* -> bridge, VXLAN, routes; pod worker -> *attach* -> a link and an address.
Owns, in the node's network namespace: the links naru0, naru-vxlan and naru<uid>, routes through them, the nft table
``naru``. Everything may be asked for again at any time: what is right is left alone, what somebody removed comes back.
"""

import asyncio
import errno
import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Final

from naru.api.node_v1 import Node
from nodeagent.network import masquerade, vxlan
from nodeagent.network.errors import KernelRefusal, NetworkError
from nodeagent.network.ipam import AddressPool
from nodeagent.network.links import Link, LinkSpec, Rtnetlink, ensure_link, ensure_unreachable, rtnetlink
from nodeagent.network.naming import (
    BRIDGE,
    UNREACHABLE_METRIC,
    VETH_PREFIX,
    VXLAN,
    VXLAN_OVERHEAD_BYTES,
    pod_mac,
    veth_name,
    vtep_mac,
)
from nodeagent.network.netlink_fast import LinkState, NetlinkSocket, route_request
from nodeagent.network.netns import netlink_in, open_own
from nodeagent.network.pod_link import LinkTaken, PodAddress, Switch, connect

logger = logging.getLogger(__name__)

POD_VETH: Final = re.compile(rf"{VETH_PREFIX}[0-9a-f]{{8}}")
SYSCTLS: Final = {
    "ipv4/ip_forward": "1",
    "ipv4/icmp_ratemask": "6160",  # the default without "unreachable": a pod is told of each address that nobody has
    "ipv4/conf/all/rp_filter": "2",  # loose: a pod's packet to another node comes by the underlay, the answer by VXLAN
}


@dataclass(frozen=True)
class NetworkConfig:
    """What a node's network is made from."""

    node_name: str
    node_ip: IPv4Address
    cluster_cidr: IPv4Network
    service_cidr: IPv4Network
    data_dir: Path  # addresses given out are kept below it
    egress: bool = False
    host_netns: int | None = None  # of a node in a namespace of its own: the machine's, which gets a route to the pods


class NodeNetwork:
    """One node's network. The calling process must be in the node's network namespace."""

    def __init__(self, config: NetworkConfig) -> None:
        self._config = config
        self._lock = asyncio.Lock()  # one at a time sets things up
        self._peers: tuple[vxlan.Peer, ...] = ()
        self._pool: AddressPool | None = None
        self._switch: Switch | None = None

    @property
    def ready(self) -> bool:
        """Whether pods can be connected."""
        return self._switch is not None

    async def ensure(self) -> None:
        """Set up what is missing and mend what differs, in an order in which no packet goes astray.

        Raises:
            NetworkError: something cannot be had.
        """
        async with self._lock, rtnetlink() as kernel:
            await self._ensure(kernel)

    async def set_pod_cidr(self, cidr: str) -> None:
        """Take the range that the cluster gave this node; from then on pods can be connected.

        Raises:
            NetworkError: the range is none, or not one of the cluster's.
        """
        try:
            network = IPv4Network(cidr)
        except ValueError as error:
            raise NetworkError(f"podCIDR {cidr!r} of this node is no IPv4 range") from error
        if not network.subnet_of(self._config.cluster_cidr):
            raise NetworkError(f"podCIDR {cidr} is not part of the cluster's {self._config.cluster_cidr}")
        if self._pool is None or self._pool.network != network:
            self._pool = AddressPool(self._config.data_dir / "addresses", network)
        await self.ensure()

    async def sync_nodes(self, nodes: Sequence[Node]) -> None:
        """Make the other nodes' pods reachable, and forget nodes that are gone."""
        peers = vxlan.plan_peers(nodes, self._config.node_name, self._config.cluster_cidr)
        async with self._lock:
            self._peers = peers
            async with rtnetlink() as kernel:
                device = await kernel.link(VXLAN)
                if device is None:
                    await self._ensure(kernel)
                else:
                    await vxlan.ensure_peers(kernel, device, peers)

    async def attach(self, pod_uid: str, netns: Path) -> PodAddress:
        """Connect a pod's network namespace; asked again, it returns the same address.

        Raises:
            NetworkError: the pod cannot be connected now.
        """
        if self._pool is None or self._switch is None:
            raise NetworkError("network is not ready: this node has no podCIDR yet")
        address = self._pool.allocate(pod_uid)
        try:
            return connect(pod_uid, netns, self._switch, address)
        except LinkTaken:
            await self._remove_stale_link(pod_uid)
        except KernelRefusal as refusal:
            if refusal.code != errno.ENODEV:
                raise
            await self.ensure()  # the bridge has been removed behind our back
        return connect(pod_uid, netns, self._switch, address)

    def release(self, pod_uid: str) -> None:
        """Take a pod's address back. Its link goes with its network namespace."""
        if self._pool is not None:
            self._pool.release(pod_uid)

    async def collect(self, live_uids: set[str]) -> None:
        """Take back what pods had that are no more: addresses, and links whose namespace something still holds."""
        if self._pool is not None:
            for pod_uid in self._pool.owners - live_uids:
                self._pool.release(pod_uid)
        live_names = {veth_name(pod_uid) for pod_uid in live_uids}
        dead = [link for link in pod_links() if link.name not in live_names]
        async with rtnetlink() as kernel:
            for link in dead:
                await kernel.remove_link(link.index)

    async def _ensure(self, kernel: Rtnetlink) -> None:
        config = self._config
        await ensure_unreachable(kernel, UNREACHABLE_METRIC, config.cluster_cidr, config.service_cidr)
        for name, value in SYSCTLS.items():
            set_sysctl(name, value)
        underlay_mtu, underlay = await self._find_underlay(kernel)
        if config.egress:
            await self._ensure_egress(underlay)
        device = await ensure_link(kernel, vxlan.device_spec(config.node_ip, underlay_mtu))
        bridge = await ensure_link(kernel, self._bridge_spec(underlay_mtu))
        await ensure_ports(kernel, bridge)
        if (pool := self._pool) is not None:
            pods, gateway = pool.network, pool.gateway
            await kernel.ensure_addresses(device, IPv4Interface(f"{pods.network_address}/32"))
            await kernel.ensure_addresses(bridge, IPv4Interface(f"{gateway}/{pods.prefixlen}"))
            self._ensure_host_route(pods)
            self._switch = Switch(bridge.index, underlay_mtu - VXLAN_OVERHEAD_BYTES, pods, gateway)
        await vxlan.ensure_peers(kernel, device, self._peers)  # after the addresses: routes fall with a link's last one

    def _bridge_spec(self, underlay_mtu: int) -> LinkSpec:
        mac = pod_mac(self._pool.gateway) if self._pool else vtep_mac(self._config.node_ip)
        return LinkSpec(BRIDGE, "bridge", mac, underlay_mtu - VXLAN_OVERHEAD_BYTES, {"br_stp_state": 0})

    async def _find_underlay(self, kernel: Rtnetlink) -> tuple[int, IPv4Network]:
        """Find the link that has the node's address: its MTU and network."""
        for index, address in await kernel.addresses():
            if address.ip == self._config.node_ip:
                link = await kernel.link_at(index)
                if link is not None:
                    return link.mtu, address.network
        raise NetworkError(f"no link has this node's address {self._config.node_ip}")

    async def _ensure_egress(self, underlay: IPv4Network) -> None:
        """Masquerade what pods send out of the cluster; nodes and pods see each other's own addresses."""
        config = self._config
        inside = (config.cluster_cidr, config.service_cidr, underlay)
        await masquerade.apply_async(masquerade.rules(masquerade.TABLE, config.cluster_cidr, inside))

    def _ensure_host_route(self, pods: IPv4Network) -> None:
        """Show the machine the way to this node's pods, where the node is but a namespace on it."""
        if self._config.host_netns is None:
            return
        own_fd = open_own()
        try:
            with netlink_in(self._config.host_netns, own_fd) as host:
                host.request(f"add route to {pods} on the host", route_request(pods, self._config.node_ip))
        finally:
            os.close(own_fd)

    async def _remove_stale_link(self, pod_uid: str) -> None:
        """Remove the link of an earlier sandbox of the same pod, which the kernel has not come to yet."""
        name = veth_name(pod_uid)
        others = self._pool.owners if self._pool else frozenset()
        if any(veth_name(other) == name for other in others - {pod_uid}):
            raise NetworkError(f"link {name} belongs to another pod, whose uid begins alike")
        async with rtnetlink() as kernel:
            if (link := await kernel.link(name)) is not None:
                await kernel.remove_link(link.index)


async def ensure_ports(kernel: Rtnetlink, bridge: Link) -> None:
    """Put the pods' links back on the bridge, and up."""
    for link in pod_links():
        if link.master != bridge.index:
            await kernel.set_link(link.index, master=bridge.index)
        if not link.is_up:
            await kernel.set_link(link.index, state="up")


def pod_links() -> list[LinkState]:
    """Return the pods' links, told from the node's own by their names."""
    with NetlinkSocket() as socket:
        return [link for link in socket.links() if POD_VETH.fullmatch(link.name)]


def set_sysctl(name: str, value: str) -> None:
    """Set a network sysctl of the namespace that the caller is in, unless it is right."""
    path = Path("/proc/sys/net") / name
    if path.read_text().strip() != value:
        path.write_text(value)
