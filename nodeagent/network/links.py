"""The kernel's links, addresses, routes and neighbours, through pyroute2: what a node sets up once and mends.

Flow: node_network.py, underlay.py -> *here* -> rtnetlink. One object speaks for the network namespace that it was made
in. Importing pyroute2 takes 0.15 s, so a process that forks node agents imports this module once, before.

Source: rtnetlink(7), ip-link(8), bridge(8).
"""

import errno
import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any, Final

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError

from nodeagent.network.errors import KernelRefusal

logger = logging.getLogger(__name__)

AF_INET: Final = 2
IFF_UP: Final = 0x1
RTN_UNICAST: Final = 1
RTN_UNREACHABLE: Final = 7
RTPROT_NARU: Final = 110  # free in /etc/iproute2/rt_protos: marks routes to peers as this program's
NUD_PERMANENT: Final = 0x80
NUD_NOARP: Final = 0x40
NTF_SELF: Final = 0x02  # the VXLAN device's own FDB, not that of a bridge above it
_GONE: Final = (errno.ENODEV, errno.ENOENT, errno.ESRCH, errno.EADDRNOTAVAIL)


@dataclass(frozen=True)
class Link:
    """A link as it is."""

    index: int
    name: str
    kind: str
    mac: str
    mtu: int
    is_up: bool
    master: int  # index of the bridge that it is a port of, or 0
    attributes: Mapping[str, Any] = field(default_factory=dict)  # of its kind, as pyroute2 names them


@dataclass(frozen=True)
class LinkSpec:
    """A link as it should be."""

    name: str
    kind: str
    mac: str
    mtu: int
    fixed: Mapping[str, Any] = field(default_factory=dict)  # attributes of its kind that only creation sets


@dataclass(frozen=True)
class Route:
    """A unicast or unreachable IPv4 route of the main table."""

    network: IPv4Network
    gateway: IPv4Address | None = None
    link: int = 0
    metric: int = 0
    protocol: int = 0
    is_unreachable: bool = False


class Rtnetlink:
    """Requests to the kernel. Every method raises :class:`KernelRefusal` when it says no."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    async def links(self) -> list[Link]:
        """Return all links."""
        return [_link(message) async for message in await self._socket.link("dump")]

    async def link(self, name: str) -> Link | None:
        """Return one link, or None."""
        return await self._find(ifname=name)

    async def link_at(self, index: int) -> Link | None:
        """Return the link with an index, or None."""
        return await self._find(index=index)

    async def _find(self, **by: Any) -> Link | None:
        try:
            return _link((await self._socket.link("get", **by))[0])
        except NetlinkError as error:
            if error.code == errno.ENODEV:
                return None
            raise _refusal(f"get link {by}", error) from error

    async def add_link(self, name: str, kind: str, **attributes: Any) -> Link:
        """Make a link, down."""
        await self._call(f"add link {name}", "link", "add", ifname=name, kind=kind, **attributes)
        if (link := await self.link(name)) is None:
            raise KernelRefusal(f"add link {name}", errno.ENODEV, "it vanished")
        return link

    async def set_link(self, index: int, **attributes: Any) -> None:
        """Change a link."""
        await self._call(f"change link {index}: {attributes}", "link", "set", index=index, **attributes)

    async def remove_link(self, index: int) -> None:
        """Remove a link; one that has gone already is no error."""
        await self._call(f"remove link {index}", "link", "del", ignore=_GONE, index=index)

    async def addresses(self, link: Link | None = None) -> list[tuple[int, IPv4Interface]]:
        """Return the IPv4 addresses, of one link or of all, with their links' indexes."""
        messages = [message async for message in await self._socket.addr("dump", family=AF_INET)]
        return [
            (message["index"], IPv4Interface(f"{message.get('local')}/{message['prefixlen']}"))
            for message in messages
            if link is None or message["index"] == link.index
        ]

    async def ensure_addresses(self, link: Link, *wanted: IPv4Interface) -> None:
        """Give a link these addresses and no others."""
        present = {address for _, address in await self.addresses(link)}
        for address in present - set(wanted):
            arguments = _address_arguments(link, address)
            await self._call(f"remove address {address}", "addr", "del", ignore=_GONE, **arguments)
        for address in set(wanted) - present:
            arguments = _address_arguments(link, address)
            if address.network.prefixlen < 31:
                arguments["broadcast"] = str(address.network.broadcast_address)
            await self._call(f"add address {address} to {link.name}", "addr", "replace", **arguments)

    async def routes(self) -> list[Route]:
        """Return the unicast and unreachable IPv4 routes of the main table."""
        messages = [message async for message in await self._socket.route("dump", family=AF_INET, table=254)]
        return [_route(message) for message in messages if message["type"] in (RTN_UNICAST, RTN_UNREACHABLE)]

    async def add_route(self, route: Route, *, onlink: bool = False) -> None:
        """Add a route or replace the one to the same network with the same metric."""
        await self._call(f"add route to {route.network}", "route", "replace", **_route_arguments(route, onlink))

    async def remove_route(self, route: Route) -> None:
        """Remove a route; one that has gone already is no error."""
        arguments = _route_arguments(route, onlink=False)
        await self._call(f"remove route to {route.network}", "route", "del", ignore=_GONE, **arguments)

    async def neighbours(self, link: Link) -> set[tuple[IPv4Address, str]]:
        """Return the permanent IPv4 neighbours on a link: address and MAC."""
        messages = [message async for message in await self._socket.neigh("dump", family=AF_INET)]
        ours = [message for message in messages if message["ifindex"] == link.index]
        return {
            (IPv4Address(message.get("dst")), message.get("lladdr"))
            for message in ours
            if message["state"] == NUD_PERMANENT
        }

    async def add_neighbour(self, link: Link, address: IPv4Address, mac: str) -> None:
        """Say which MAC an address has, for good."""
        arguments: dict[str, Any] = {"ifindex": link.index, "dst": str(address), "lladdr": mac, "state": NUD_PERMANENT}
        await self._call(f"add neighbour {address}", "neigh", "replace", **arguments)

    async def remove_neighbour(self, link: Link, address: IPv4Address) -> None:
        """Forget a neighbour."""
        arguments: dict[str, Any] = {"ifindex": link.index, "dst": str(address)}
        await self._call(f"remove neighbour {address}", "neigh", "del", ignore=_GONE, **arguments)

    async def fdb(self, link: Link) -> set[tuple[str, IPv4Address]]:
        """Return a VXLAN device's FDB: which MAC is behind which host."""
        messages = [message async for message in await self._socket.fdb("dump", ifindex=link.index)]
        return {(message.get("lladdr"), IPv4Address(message.get("dst"))) for message in messages if message.get("dst")}

    async def add_fdb(self, link: Link, mac: str, host: IPv4Address) -> None:
        """Say behind which host a MAC is."""
        await self._call(f"add FDB entry {mac}", "fdb", "replace", **_fdb_arguments(link, mac, host))

    async def remove_fdb(self, link: Link, mac: str, host: IPv4Address) -> None:
        """Forget where a MAC is."""
        await self._call(f"remove FDB entry {mac}", "fdb", "del", ignore=_GONE, **_fdb_arguments(link, mac, host))

    async def _call(self, what: str, method: str, verb: str, *, ignore: tuple[int, ...] = (), **arguments: Any) -> None:
        try:
            await getattr(self._socket, method)(verb, **arguments)
        except NetlinkError as error:
            if error.code not in ignore:
                raise _refusal(what, error) from error


@asynccontextmanager
async def rtnetlink() -> AsyncIterator[Rtnetlink]:
    """Open a socket for a few requests; short-lived, because one that nobody reads fills up."""
    async with AsyncIPRoute(strict_check=True) as socket:  # strict: the kernel filters what a dump asks for
        yield Rtnetlink(socket)


async def ensure_link(kernel: Rtnetlink, spec: LinkSpec) -> Link:
    """Have a link as it should be, and up; what cannot be changed in place is made anew."""
    link = await kernel.link(spec.name)
    if link is not None and (difference := differing(spec, link)):
        logger.warning("link is made anew", extra={"link": spec.name, "attribute": difference})
        await kernel.remove_link(link.index)
        link = None
    if link is None:
        link = await kernel.add_link(spec.name, spec.kind, address=spec.mac, **spec.fixed)
        disable_ipv6(spec.name)
    if link.mac != spec.mac:
        await kernel.set_link(link.index, address=spec.mac)
    if link.mtu != spec.mtu:
        await kernel.set_link(link.index, mtu=spec.mtu)
    if not link.is_up:
        await kernel.set_link(link.index, state="up")
    return link


def differing(spec: LinkSpec, link: Link) -> str:
    """Name an attribute that only making the link anew would set right; empty when there is none."""
    if link.kind != spec.kind:
        return "kind"
    return next((name for name, value in spec.fixed.items() if link.attributes.get(name, value) != value), "")


def disable_ipv6(name: str) -> None:
    """Keep a link of naru's own free of IPv6, which would send its discoveries to nobody."""
    path = Path("/proc/sys/net/ipv6/conf") / name / "disable_ipv6"
    if path.exists():  # it is not, on a kernel without IPv6
        path.write_text("1")


async def ensure_unreachable(kernel: Rtnetlink, metric: int, *networks: IPv4Network) -> None:
    """Put a floor under ranges: what has no better route is refused at once instead of leaving by the default route."""
    present = {route.network for route in await kernel.routes() if route.is_unreachable and route.metric == metric}
    for network in networks:
        if network not in present:
            await kernel.add_route(Route(network, metric=metric, is_unreachable=True))


def _link(message: Any) -> Link:
    info = message.get(("linkinfo", "data"))
    kind = message.get(("linkinfo", "kind")) or ""
    attributes = {_short_name(name): value for name, value in info["attrs"]} if info and "attrs" in info else {}
    return Link(
        index=message["index"],
        name=message.get("ifname"),
        kind=kind,
        mac=message.get("address") or "",
        mtu=message.get("mtu") or 0,
        is_up=bool(message["flags"] & IFF_UP),
        master=message.get("master") or 0,
        attributes=attributes,
    )


def _short_name(name: str) -> str:
    """Name an attribute as it is named when it is set: IFLA_VXLAN_ID is vxlan_id."""
    return name.removeprefix("IFLA_").lower()


def _route(message: Any) -> Route:
    network = IPv4Network(f"{message.get('dst') or '0.0.0.0'}/{message['dst_len']}")
    gateway = message.get("gateway")
    return Route(
        network,
        IPv4Address(gateway) if gateway else None,
        message.get("oif") or 0,
        message.get("priority") or 0,
        message["proto"],
        message["type"] == RTN_UNREACHABLE,
    )


def _route_arguments(route: Route, onlink: bool) -> dict[str, Any]:
    arguments: dict[str, Any] = {"dst": str(route.network)}
    if route.is_unreachable:
        arguments["type"] = "unreachable"
    if route.gateway is not None:
        arguments["gateway"] = str(route.gateway)
    if route.link:
        arguments["oif"] = route.link
    if route.metric:
        arguments["priority"] = route.metric
    if route.protocol:
        arguments["proto"] = route.protocol
    if onlink:
        arguments["flags"] = ["onlink"]
    return arguments


def _address_arguments(link: Link, address: IPv4Interface) -> dict[str, Any]:
    return {"index": link.index, "address": str(address.ip), "prefixlen": address.network.prefixlen}


def _fdb_arguments(link: Link, mac: str, host: IPv4Address) -> dict[str, Any]:
    state = NUD_PERMANENT | NUD_NOARP
    return {"ifindex": link.index, "lladdr": mac, "dst": str(host), "state": state, "flags": NTF_SELF}


def _refusal(what: str, error: Any) -> KernelRefusal:
    return KernelRefusal(what, error.code, os.strerror(error.code).lower())
