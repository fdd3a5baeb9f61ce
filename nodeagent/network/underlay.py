"""The machine's side of a cluster whose nodes are network namespaces: a bridge, a namespace and a link per node.

::

    host:    naruXXXX (bridge, 198.18.0.1)      routes: podCIDR of node-N via 198.18.0.1N, put there by the node agents
               |-- naruXXXX-1 -- eth0 (198.18.0.11) in naru-CLUSTER-node-1
               |-- naruXXXX-2 -- eth0 (198.18.0.12) in naru-CLUSTER-node-2

Order: first the unreachable routes under all ranges of the cluster, links after them; taken away last. So at no moment
does a packet to a pod, service or node leave by the machine's default route. Every verb may be repeated, and `down`
needs no record: names and metrics say what is the cluster's.

Called as a program, ``python -m nodeagent.network.underlay VERB ...``, or through :func:`main` in a process of its own.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Final

from nodeagent.network import masquerade, netns
from nodeagent.network.errors import NetworkError
from nodeagent.network.links import (
    Link,
    LinkSpec,
    Route,
    Rtnetlink,
    disable_ipv6,
    ensure_link,
    ensure_unreachable,
    rtnetlink,
)
from nodeagent.network.naming import (
    NODE_LINK,
    UNREACHABLE_METRIC,
    cluster_mark,
    host_bridge,
    host_metric,
    host_veth,
    netns_name,
    pod_mac,
)

MTU_BYTES: Final = 1500
FORWARDING: Final = Path("/proc/sys/net/ipv4/ip_forward")
EVERYWHERE: Final = IPv4Network("0.0.0.0/0")


@dataclass(frozen=True)
class Underlay:
    """What `up` is to make."""

    cluster: str
    network: IPv4Network
    pod_cidr: IPv4Network
    service_cidr: IPv4Network
    nodes: tuple[tuple[str, IPv4Address], ...]
    egress: bool

    @property
    def gateway(self) -> IPv4Address:
        """The host's address."""
        return self.network[1]

    @property
    def ranges(self) -> tuple[tuple[str, IPv4Network], ...]:
        """The cluster's ranges, with the flags that change them."""
        return ("--pod-cidr", self.pod_cidr), ("--service-cidr", self.service_cidr), ("--underlay", self.network)

    @property
    def networks(self) -> tuple[IPv4Network, ...]:
        """The cluster's ranges."""
        return tuple(network for _, network in self.ranges)


def find_clash(wanted: Underlay, routes: Iterable[Route], links: Iterable[Link]) -> str:
    """Say which range the host already routes somewhere, and which flag changes it; empty when none is."""
    names = {link.index: link.name for link in links}
    for route in routes:
        name = names.get(route.link, "")
        if route.is_unreachable or route.network == EVERYWHERE or name == host_bridge(wanted.cluster):
            continue
        for flag, network in wanted.ranges:
            if network.overlaps(route.network):
                return f"{flag} {network} clashes with the host's route {route.network} by {name}"
    return ""


async def check(wanted: Underlay) -> None:
    """Refuse ranges that would change the way of the host's own traffic.

    Raises:
        NetworkError: naming the flag.
    """
    async with rtnetlink() as kernel:
        if clash := find_clash(wanted, await kernel.routes(), await kernel.links()):
            raise NetworkError(clash)


def up(wanted: Underlay, state_dir: Path) -> None:
    """Make the underlay, or what of it is missing.

    Raises:
        NetworkError: a range is taken, or the kernel refuses.
    """
    asyncio.run(_make_host_side(wanted))
    for number, (name, address) in enumerate(wanted.nodes, 1):
        path = netns.create(netns_name(wanted.cluster, name))
        netns.run_in(path, partial(_make_floor, wanted.networks))
        asyncio.run(_make_veth(wanted, number, path, address))
        netns.run_in(path, partial(_make_node_side, wanted, address))
    if wanted.egress:
        open_egress(wanted, state_dir)
    else:
        close_egress(wanted.cluster, state_dir)


async def _make_host_side(wanted: Underlay) -> None:
    await check(wanted)
    async with rtnetlink() as kernel:
        await ensure_unreachable(kernel, host_metric(wanted.cluster), *wanted.networks)
        spec = LinkSpec(host_bridge(wanted.cluster), "bridge", pod_mac(wanted.gateway), MTU_BYTES, {"br_stp_state": 0})
        bridge = await ensure_link(kernel, spec)
        await kernel.ensure_addresses(bridge, IPv4Interface(f"{wanted.gateway}/{wanted.network.prefixlen}"))


async def _make_floor(networks: Sequence[IPv4Network]) -> None:
    async with rtnetlink() as kernel:
        await ensure_unreachable(kernel, UNREACHABLE_METRIC, *networks)


async def _make_veth(wanted: Underlay, number: int, path: Path, address: IPv4Address) -> None:
    """Join a node's namespace to the bridge; the far end is made right inside it."""
    name = host_veth(wanted.cluster, number)
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        async with rtnetlink() as kernel:
            bridge = await _need(kernel, host_bridge(wanted.cluster))
            link = await kernel.link(name)
            if link is None:
                far = {"ifname": NODE_LINK, "net_ns_fd": fd, "address": pod_mac(address), "mtu": MTU_BYTES}
                link = await kernel.add_link(name, "veth", peer=far, mtu=MTU_BYTES)
                disable_ipv6(name)
            await kernel.set_link(link.index, master=bridge.index, state="up")
    finally:
        os.close(fd)


async def _make_node_side(wanted: Underlay, address: IPv4Address) -> None:
    """Configure the namespace that the calling thread is in."""
    async with rtnetlink() as kernel:
        link = await _need(kernel, NODE_LINK)
        disable_ipv6(NODE_LINK)
        await kernel.set_link((await _need(kernel, "lo")).index, state="up")
        await kernel.ensure_addresses(link, IPv4Interface(f"{address}/{wanted.network.prefixlen}"))
        await kernel.set_link(link.index, state="up")
        way_out = Route(EVERYWHERE, wanted.gateway, link.index)
        if wanted.egress:
            await kernel.add_route(way_out)
        else:
            await kernel.remove_route(way_out)


async def _need(kernel: Rtnetlink, name: str) -> Link:
    if (link := await kernel.link(name)) is None:
        raise NetworkError(f"link {name} has gone; remove the cluster and start it anew")
    return link


def down(cluster: str, node_names: Iterable[str], state_dir: Path) -> None:
    """Take a cluster's underlay away, whole or half; what is not there is no error."""
    close_egress(cluster, state_dir)
    for name in {*find_namespaces(cluster), *(netns_name(cluster, node) for node in node_names)}:
        netns.remove(netns.PINNED / name)
    asyncio.run(_remove_host_side(cluster))


def find_namespaces(cluster: str) -> list[str]:
    """Return the names of a cluster's pinned namespaces, and not those of a cluster whose name begins alike."""
    pattern = re.compile(re.escape(netns_name(cluster, "node-")) + r"\d+")
    names = (path.name for path in netns.PINNED.iterdir()) if netns.PINNED.is_dir() else ()
    return [name for name in names if pattern.fullmatch(name)]


async def _remove_host_side(cluster: str) -> None:
    bridge, ports = host_bridge(cluster), re.compile(rf"naru{cluster_mark(cluster)}-\d+")
    async with rtnetlink() as kernel:
        links = await kernel.links()
        for link in links:
            if link.kind == "veth" and ports.fullmatch(link.name):
                await kernel.remove_link(link.index)
        for link in links:
            if link.name == bridge:
                await kernel.remove_link(link.index)
        for route in await kernel.routes():
            if route.is_unreachable and route.metric == host_metric(cluster):
                await kernel.remove_route(route)


async def ensure_pod_route(cluster: str, pod_cidr: IPv4Network, node_address: IPv4Address) -> None:
    """Show the host the way to a node's pods, and drop the way to a range that the node no longer has."""
    async with rtnetlink() as kernel:
        bridge = await _need(kernel, host_bridge(cluster))
        for route in await kernel.routes():
            if route.link == bridge.index and route.gateway == node_address and route.network != pod_cidr:
                await kernel.remove_route(route)
        await kernel.add_route(Route(pod_cidr, node_address, bridge.index))


def table_name(cluster: str) -> str:
    """Return the name of the host's nft table of a cluster."""
    return f"naru-{cluster}"


def open_egress(wanted: Underlay, state_dir: Path) -> None:
    """Let the nodes out: the host forwards, under its own address. What forwarding was before is remembered first."""
    memory = state_dir / "ip_forward"  # one for all clusters of the machine
    if not memory.exists():
        state_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
        memory.write_text(FORWARDING.read_text())
    masquerade.apply(masquerade.rules(table_name(wanted.cluster), wanted.network, wanted.networks))
    FORWARDING.write_text("1")


def close_egress(cluster: str, state_dir: Path) -> None:
    """Undo :func:`open_egress`; forwarding goes back to what it was when no other cluster needs it."""
    memory = state_dir / "ip_forward"
    if not memory.exists():
        return  # no cluster of this machine has been let out
    tables = masquerade.tables()
    if table_name(cluster) in tables:
        masquerade.apply(masquerade.removal(table_name(cluster)))
    if not any(table.startswith("naru-") for table in tables - {table_name(cluster)}):
        FORWARDING.write_text(memory.read_text())
        memory.unlink()


def new_parser() -> argparse.ArgumentParser:
    """Build the command line."""
    parser = argparse.ArgumentParser(prog="python -m nodeagent.network.underlay", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("check", "up", "down"):
        command = verbs.add_parser(verb)
        command.add_argument("--cluster-name", required=True)
        command.add_argument("--underlay", type=IPv4Network, default="198.18.0.0/24")
        command.add_argument("--pod-cidr", type=IPv4Network, default="10.244.0.0/16")
        command.add_argument("--service-cidr", type=IPv4Network, default="10.96.0.0/16")
        command.add_argument("--egress", action=argparse.BooleanOptionalAction, default=False)
        command.add_argument("--node", type=_node, action="append", default=[], metavar="NAME=ADDRESS")
    route = verbs.add_parser("route")
    route.add_argument("--cluster-name", required=True)
    route.add_argument("--node-ip", type=IPv4Address, required=True)
    route.add_argument("--pod-cidr", type=IPv4Network, required=True)
    return parser


def _node(text: str) -> tuple[str, IPv4Address]:
    name, _, address = text.partition("=")
    return name, IPv4Address(address)


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one verb; return 0, or 1 with the reason on standard error."""
    options = new_parser().parse_args(argv)
    state_dir = Path(os.environ.get("NARU_RUN_ROOT", "/run/naru"))
    try:
        _run(options, state_dir)
    except (NetworkError, OSError, subprocess.SubprocessError) as error:
        print(f"{error}", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace, state_dir: Path) -> None:
    name = options.cluster_name
    if options.verb == "route":
        asyncio.run(ensure_pod_route(name, options.pod_cidr, options.node_ip))
        return
    if options.verb == "down":
        down(name, [node for node, _ in options.node], state_dir)
        return
    ranges = (options.underlay, options.pod_cidr, options.service_cidr)
    wanted = Underlay(name, *ranges, nodes=tuple(options.node), egress=options.egress)
    if options.verb == "check":
        asyncio.run(check(wanted))
    else:
        up(wanted, state_dir)


if __name__ == "__main__":
    sys.exit(main())
