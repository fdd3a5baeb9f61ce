"""Ranges from which addresses and ports are taken, and where in them to look first.

A range has two bands. What is chosen for a Service comes from the upper one, as long as there is something left of it,
so that people who choose for themselves find the lower one free. Nothing here knows what is taken.

Source: KEP-3070 and KEP-3668.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Final

NODE_PORTS: Final = (30000, 32767)


@dataclass(frozen=True)
class Band:
    """Whole numbers from first to last."""

    first: int
    last: int

    def from_anywhere(self) -> Iterator[int]:
        """Yield every number once, beginning at one by chance: several servers seldom meet."""
        size = self.last - self.first + 1
        start = random.randrange(size) if size > 0 else 0
        return (self.first + (start + step) % size for step in range(size))


def band_size(total: int, least: int, most: int, step: int) -> int:
    """Return how much of a range is kept for those who choose for themselves."""
    return 0 if total <= least else min(max(least, total // step), most)


def port_bands(first: int, last: int) -> tuple[Band, Band]:
    """Return the bands of a range of ports: the preferred one first."""
    low = band_size(last - first + 1, 16, 128, 32)
    return Band(first + low, last), Band(first, first + low - 1)


def address_bands(network: IPv4Network) -> tuple[Band, Band]:
    """Return the bands of a range of addresses; its first and last one are no addresses of anybody."""
    low = band_size(network.num_addresses, 16, 256, 16)
    first, last = int(network.network_address) + 1, int(network.broadcast_address) - 1
    return Band(first + low, last), Band(first, first + low - 1)


def is_usable(address: IPv4Address, network: IPv4Network) -> bool:
    """Tell whether an address of a range may be somebody's."""
    return address in network and address not in (network.network_address, network.broadcast_address)
