"""Netlink by hand: the few messages that connect a pod, packed as the kernel reads them, and the list of links.

A general library takes three times as long to connect a pod (2 ms to 0.6), and a pod waits for its network; for a list
of a hundred links it takes 50 ms, in which the agent does nothing else. What a node does once goes through pyroute2
(links.py).

A message is a header (length, type, flags, sequence number, port), a fixed struct for its type, and attributes, each a
length, a number and a value; attributes nest. The kernel answers within the send, so no reply is ever waited for.

Source: netlink(7), rtnetlink(7); linux/if_link.h, linux/veth.h, linux/netlink.h for the numbers.
"""

import errno
import fcntl
import os
import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from types import TracebackType
from typing import Final, Self

from nodeagent.network.errors import KernelRefusal

RTM_NEWLINK: Final = 16
RTM_GETLINK: Final = 18
RTM_NEWADDR: Final = 20
RTM_NEWROUTE: Final = 24

NLM_F_REQUEST: Final = 0x1
NLM_F_ACK: Final = 0x4
NLM_F_REPLACE: Final = 0x100
NLM_F_DUMP: Final = 0x300
NLM_F_EXCL: Final = 0x200
NLM_F_CREATE: Final = 0x400
NLM_F_CAPPED: Final = 0x100  # in an answer: the request is not repeated behind the code
NLM_F_ACK_TLVS: Final = 0x200  # in an answer: attributes follow

NLMSG_ERROR: Final = 2
NLMSG_DONE: Final = 3
NLMSGERR_ATTR_MSG: Final = 1
SOL_NETLINK: Final = 270
NETLINK_CAP_ACK: Final = 10
NETLINK_EXT_ACK: Final = 11

IFF_UP: Final = 0x1
IFLA_ADDRESS: Final = 1
IFLA_IFNAME: Final = 3
IFLA_MTU: Final = 4
IFLA_MASTER: Final = 10
IFLA_LINKINFO: Final = 18
IFLA_NET_NS_FD: Final = 28
IFLA_EXT_MASK: Final = 29
RTEXT_FILTER_SKIP_STATS: Final = 0x8  # counters are most of the answer
IFLA_INFO_KIND: Final = 1
IFLA_INFO_DATA: Final = 2
VETH_INFO_PEER: Final = 1

IFA_ADDRESS: Final = 1
IFA_LOCAL: Final = 2
IFA_BROADCAST: Final = 4

RTA_DST: Final = 1
RTA_OIF: Final = 4
RTA_GATEWAY: Final = 5
RT_TABLE_MAIN: Final = 254
RTPROT_STATIC: Final = 4
RT_SCOPE_UNIVERSE: Final = 0
RTN_UNICAST: Final = 1

SIOCGIFINDEX: Final = 0x8933
TIMEOUT_S: Final = 2.0  # never reached: answers come with the send
MAX_DATAGRAM_BYTES: Final = 65536
_HEADER: Final = struct.Struct("=IHHII")


def attribute(kind: int, value: bytes) -> bytes:
    """Pack one attribute, padded to four bytes."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _text(kind: int, value: str) -> bytes:
    return attribute(kind, value.encode() + b"\0")


def _number(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


def _link_header(index: int = 0, *, up: bool = True) -> bytes:
    """Pack an ifinfomsg; without an index the kernel picks one."""
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, IFF_UP if up else 0, IFF_UP if up else 0)


def veth_request(name: str, peer: str, netns_fd: int, bridge: int, mac: str, mtu: int) -> tuple[int, int, bytes]:
    """Ask for a veth: one end ``name`` here on the bridge and up, the other ``peer`` straight in ``netns_fd``.

    The far end cannot come up yet: the kernel makes it first, and opens no veth that has no other end (ENOTCONN).
    """
    address = attribute(IFLA_ADDRESS, bytes.fromhex(mac.replace(":", "")))
    far = _link_header(up=False) + _text(IFLA_IFNAME, peer) + address
    far += _number(IFLA_MTU, mtu) + _number(IFLA_NET_NS_FD, netns_fd)
    info = _text(IFLA_INFO_KIND, "veth") + attribute(IFLA_INFO_DATA, attribute(VETH_INFO_PEER, far))
    near = _link_header() + _text(IFLA_IFNAME, name) + _number(IFLA_MTU, mtu) + _number(IFLA_MASTER, bridge)
    return RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, near + attribute(IFLA_LINKINFO, info)


def up_request(link: int) -> tuple[int, int, bytes]:
    """Ask for a link to be up."""
    return RTM_NEWLINK, 0, _link_header(link)


def address_request(link: int, address: IPv4Address, network: IPv4Network) -> tuple[int, int, bytes]:
    """Ask for an address on a link; the kernel adds the route to the link's network itself."""
    body = struct.pack("=BBBBI", socket.AF_INET, network.prefixlen, 0, RT_SCOPE_UNIVERSE, link)
    body += attribute(IFA_LOCAL, address.packed) + attribute(IFA_ADDRESS, address.packed)
    body += attribute(IFA_BROADCAST, network.broadcast_address.packed)
    return RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, body


def route_request(network: IPv4Network, gateway: IPv4Address, link: int = 0) -> tuple[int, int, bytes]:
    """Ask for a route; without a link the kernel finds the one that the gateway is on."""
    scope = (RT_TABLE_MAIN, RTPROT_STATIC, RT_SCOPE_UNIVERSE, RTN_UNICAST)
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, network.prefixlen, 0, 0, *scope, 0)
    if network.prefixlen:
        body += attribute(RTA_DST, network.network_address.packed)
    body += attribute(RTA_GATEWAY, gateway.packed)
    if link:
        body += _number(RTA_OIF, link)
    return RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, body


@dataclass(frozen=True)
class LinkState:
    """The little of a link that tells whether a pod's is in its place."""

    index: int
    name: str
    is_up: bool
    master: int  # index of the bridge that it is a port of, or 0


class NetlinkSocket:
    """A netlink socket; it belongs for good to the network namespace that its maker was in."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self._socket.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self._socket.settimeout(TIMEOUT_S)
        self._sequence = 0

    def __enter__(self) -> Self:
        """Use it as ``with``."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def link_index(self, name: str) -> int | None:
        """Return a link's index in this socket's namespace; None when there is no such link. Source: netdevice(7)."""
        try:
            answer = fcntl.ioctl(self._socket, SIOCGIFINDEX, struct.pack("16si20x", name.encode(), 0))
        except OSError as error:
            if error.errno == errno.ENODEV:
                return None
            raise
        return int(struct.unpack("16si20x", answer)[1])

    def links(self) -> list[LinkState]:
        """Return all links of this socket's namespace."""
        body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, 0, 0, 0) + _number(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)
        self._sequence += 1
        header = _HEADER.pack(_HEADER.size + len(body), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, self._sequence, 0)
        self._socket.send(header + body)
        links: list[LinkState] = []
        while True:
            datagram = self._socket.recv(MAX_DATAGRAM_BYTES)
            while len(datagram) >= _HEADER.size:
                length, kind, *_ = _HEADER.unpack_from(datagram)
                if kind == NLMSG_DONE:
                    return links
                if kind == RTM_NEWLINK:
                    links.append(_read_link(datagram[_HEADER.size : length]))
                datagram = datagram[length + 3 & ~3 :]

    def request(self, what: str, *requests: tuple[int, int, bytes]) -> None:
        """Send requests, which the kernel carries out in order, and check every answer.

        Args:
            what: names the matter in an error.

        Raises:
            KernelRefusal: the first of the refusals.
        """
        datagram = b""
        for kind, flags, body in requests:
            self._sequence += 1
            length = _HEADER.size + len(body)
            datagram += _HEADER.pack(length, kind, NLM_F_REQUEST | NLM_F_ACK | flags, self._sequence, 0) + body
        self._socket.send(datagram)
        answers = [self._read_answer() for _ in requests]
        for code, detail in answers:
            if code:
                raise KernelRefusal(what, code, detail or os.strerror(code).lower())

    def _read_answer(self) -> tuple[int, str]:
        """Read one answer: its errno (0: done) and, where the kernel gives it, the reason in words."""
        answer = self._socket.recv(MAX_DATAGRAM_BYTES)
        _, kind, flags, _, _ = _HEADER.unpack_from(answer)
        if kind != NLMSG_ERROR:
            raise KernelRefusal("netlink", errno.EPROTO, f"unexpected answer of type {kind}")
        code = -struct.unpack_from("=i", answer, _HEADER.size)[0]
        if not flags & NLM_F_ACK_TLVS:
            return code, ""
        refused_length = struct.unpack_from("=I", answer, _HEADER.size + 4)[0]
        start = _HEADER.size + 4 + (_HEADER.size if flags & NLM_F_CAPPED else refused_length)
        return code, _find_text(answer[start:], NLMSGERR_ATTR_MSG)


def _attributes(packed: bytes) -> Iterator[tuple[int, bytes]]:
    """Unpack attributes: number and value of each."""
    while len(packed) >= 4:
        length, kind = struct.unpack_from("=HH", packed)
        yield kind, packed[4:length]
        packed = packed[max(4, length + 3 & ~3) :]


def _find_text(attributes: bytes, wanted: int) -> str:
    found = (value for kind, value in _attributes(attributes) if kind == wanted)
    return next(found, b"").rstrip(b"\0").decode(errors="replace")


def _read_link(body: bytes) -> LinkState:
    _, _, index, flags, _ = struct.unpack_from("=BxHiII", body)
    attributes = dict(_attributes(body[16:]))
    name = attributes[IFLA_IFNAME].rstrip(b"\0").decode()
    master = int.from_bytes(attributes.get(IFLA_MASTER, b""), sys.byteorder)
    return LinkState(index, name, bool(flags & IFF_UP), master)
