"""Connect one pod: a veth from the node's bridge straight into the pod's network namespace, address, default route.

This is on the way of every pod's start, so it is five netlink messages and no process, and nothing is removed:
the kernel takes a veth away with the pod's namespace (removing one by hand takes it 12 ms).
"""

import errno
import os
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Final

from nodeagent.network.errors import KernelRefusal, NetworkError
from nodeagent.network.naming import POD_LINK, pod_mac, veth_name
from nodeagent.network.netlink_fast import NetlinkSocket, address_request, route_request, up_request, veth_request
from nodeagent.network.netns import netlink_in, open_own

EVERYWHERE: Final = IPv4Network("0.0.0.0/0")


class LinkTaken(NetworkError):
    """A link with the pod's name is there already, and leads elsewhere."""


@dataclass(frozen=True)
class PodAddress:
    """What a pod is reached by."""

    ip: IPv4Address
    prefix_len: int
    gateway: IPv4Address
    mac: str
    mtu: int


@dataclass(frozen=True)
class Switch:
    """The node's bridge, as far as connecting a pod needs to know it."""

    index: int
    mtu: int
    network: IPv4Network
    gateway: IPv4Address


def connect(pod_uid: str, netns: Path, switch: Switch, address: IPv4Address) -> PodAddress:
    """Connect a pod, or complete what an earlier attempt left; blocks for less than a millisecond.

    Raises:
        KernelRefusal: the kernel said no (ENODEV: the bridge has gone).
        LinkTaken: a link with the pod's name leads to another namespace.
    """
    mac = pod_mac(address)
    own_fd, netns_fd = open_own(), os.open(netns, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with NetlinkSocket() as node, netlink_in(netns_fd, own_fd) as pod:
            index = pod.link_index(POD_LINK)
            if index is None:
                index = _add_veth(node, pod, veth_name(pod_uid), netns_fd, switch, mac)
            pod.request(
                f"configure {POD_LINK} of pod {pod_uid}",
                up_request(index),
                address_request(index, address, switch.network),
                route_request(EVERYWHERE, switch.gateway, index),
            )
    finally:
        os.close(own_fd)
        os.close(netns_fd)
    return PodAddress(address, switch.network.prefixlen, switch.gateway, mac, switch.mtu)


def _add_veth(node: NetlinkSocket, pod: NetlinkSocket, name: str, netns_fd: int, switch: Switch, mac: str) -> int:
    try:
        node.request(f"add link {name}", veth_request(name, POD_LINK, netns_fd, switch.index, mac, switch.mtu))
    except KernelRefusal as refusal:
        if refusal.code != errno.EEXIST:
            raise
        raise LinkTaken(f"link {name} leads to another network namespace") from refusal
    index = pod.link_index(POD_LINK)
    if index is None:
        raise NetworkError(f"link {name} has no other end")
    return index
