"""Addresses and ranges of addresses, with the texts by which Kubernetes refuses them.

Two kinds of fields hold addresses: old ones, which take any spelling of an address (but no leading zeros, which some
programs read as octal), and newer ones, which take the canonical spelling alone.

Source: apimachinery, util/validation/ip.go; RFC 5952 for the canonical spelling.
"""

import re
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

IPV4: Final = "IPv4"
IPV6: Final = "IPv6"

NO_ADDRESS: Final = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
NO_RANGE: Final = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"

_DOTTED: Final = re.compile(r"\d{1,8}(\.\d{1,8}){3}", re.ASCII)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def parse_ip(text: str) -> Address | None:
    """Read an address in any spelling, with leading zeros as well; None if it is none."""
    if _DOTTED.fullmatch(text):
        text = ".".join(str(int(octet)) for octet in text.split("."))
    if "%" in text:
        return None
    try:
        return ip_address(text)
    except ValueError:
        return None


def parse_cidr(text: str) -> Network | None:
    """Read a range in any spelling; None if it is none."""
    address, slash, length = text.partition("/")
    base = parse_ip(address)
    if base is None or not slash or not re.fullmatch("[0-9]{1,8}", length):
        return None
    try:
        return ip_network((base, int(length)), strict=False)
    except ValueError:
        return None


def family_of(text: str) -> str:
    """Return the family of an address; an IPv4 address in IPv6 clothes belongs to IPv4."""
    address = parse_ip(text)
    is_mapped = isinstance(address, IPv6Address) and address.ipv4_mapped is not None
    return IPV6 if isinstance(address, IPv6Address) and not is_mapped else IPV4


def check_ip(text: str, *, canonical: bool = False, kept: Collection[str] = ()) -> list[str]:
    """Return the complaints about an address.

    Args:
        canonical: only the canonical spelling will do.
        kept: addresses that the object had before; they stay as they are.
    """
    if text in kept:
        return []
    address = parse_ip(text)
    if address is None:
        return [NO_ADDRESS]
    if isinstance(address, IPv4Address) and text != str(address):
        return ["must not have leading 0s"]
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return ["must not be an IPv4-mapped IPv6 address"]
    if canonical and text != str(address):
        return [f'must be in canonical form ("{address}")']
    return []


def check_cidr(text: str, *, canonical: bool = False, kept: Collection[str] = ()) -> list[str]:
    """Return the complaints about a range of addresses (see :func:`check_ip`)."""
    if text in kept:
        return []
    network = parse_cidr(text)
    if network is None:
        return [NO_RANGE]
    base, _, length = text.partition("/")
    address = parse_ip(base)
    if (isinstance(address, IPv4Address) and base != str(address)) or length != str(int(length)):
        return ["must not have leading 0s in IP or prefix length"]
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return ["must not have an IPv4-mapped IPv6 address"]
    if address != network.network_address:
        return ["must not have bits set beyond the prefix length"]
    if canonical and text != str(network):
        return [f'must be in canonical form ("{network}")']
    return []


def check_endpoint_ip(text: str) -> list[str]:
    """Return why packets for an address would not leave the node that sends them."""
    address = parse_ip(text)
    if address is None:
        return ["must be a valid IP address"]
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    ways = (
        (address.is_unspecified, f"may not be unspecified ({text})"),
        (address.is_loopback, "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (address.is_link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        (_is_link_multicast(address), "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
    )
    return [complaint for wrong, complaint in ways if wrong]


def _is_link_multicast(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return address in IPv4Network("224.0.0.0/24")
    return address.packed[0] == 0xFF and address.packed[1] & 0x0F == 0x02


def spelling_warnings(path: str, text: str) -> list[str]:
    """Return what to tell the writer of an address whose spelling is allowed but not canonical."""
    address = parse_ip(text)
    if isinstance(address, IPv6Address) and text != str(address):
        return [f'{path}: IPv6 address "{text}" should be in RFC 5952 canonical format ("{address}")']
    return []
