"""Names and addresses that follow from others, so that nobody has to exchange or remember them.

Every node can say what MAC another node's VXLAN device has, because it is made from that node's address.
"""

import hashlib
from ipaddress import IPv4Address
from typing import Final

BRIDGE: Final = "naru0"  # in each node: the pods' switch, and their gateway
VXLAN: Final = "naru-vxlan"  # in each node: the way to the other nodes' pods
POD_LINK: Final = "eth0"  # in each pod
NODE_LINK: Final = "eth0"  # in each node of a cluster on one machine
VETH_PREFIX: Final = "naru"

VXLAN_ID: Final = 1
VXLAN_PORT: Final = 4789  # RFC 7348
VXLAN_OVERHEAD_BYTES: Final = 50  # IPv4 20 + UDP 8 + VXLAN 8 + inner MAC 14

UNREACHABLE_METRIC: Final = 0x6E610000  # any other route to the same range wins over one with this metric


def pod_mac(address: IPv4Address) -> str:
    """Return the MAC of a pod's link (or of the bridge): a pod that comes back with an address has its old MAC."""
    return _mac(0x0A58, address)


def vtep_mac(node_address: IPv4Address) -> str:
    """Return the MAC of a node's VXLAN device."""
    return _mac(0x0E6E, node_address)


def _mac(prefix: int, address: IPv4Address) -> str:
    """Append an address to a prefix of two bytes, whose bits say: one card, locally administered."""
    return (prefix.to_bytes(2, "big") + address.packed).hex(":")


def veth_name(pod_uid: str) -> str:
    """Return the name of a pod's link as the node sees it; a link's name has 15 characters at most."""
    return VETH_PREFIX + pod_uid.replace("-", "")[:8]


def cluster_mark(cluster: str) -> str:
    """Return four hex digits that tell a cluster's links on the host from another's."""
    return hashlib.sha256(cluster.encode()).hexdigest()[:4]


def host_bridge(cluster: str) -> str:
    """Return the name of the host's bridge that joins the nodes of a cluster."""
    return f"naru{cluster_mark(cluster)}"


def host_veth(cluster: str, number: int) -> str:
    """Return the name of the host's end of a node's link."""
    return f"{host_bridge(cluster)}-{number}"


def host_metric(cluster: str) -> int:
    """Return the metric of a cluster's unreachable routes on the host: it tells them from those of other clusters."""
    return UNREACHABLE_METRIC + int(cluster_mark(cluster), 16)


def netns_name(cluster: str, node: str) -> str:
    """Return the name of a node's network namespace."""
    return f"naru-{cluster}-{node}"
