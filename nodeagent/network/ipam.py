"""Pod addresses of one node: who has which.

Flow: Node's podCIDR -> *one file an address* -> pod_link.py. A file is a symlink named for the address, its target the
pod's uid: it is made in one step with its content, and never by two. Nothing is synced to disk: after a power cut no
pod is left to hold an address, and everything weaker than that leaves the files as they are.
"""

import os
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from nodeagent.network.errors import NetworkError


class AddressPool:
    """The addresses of a podCIDR. .0 is the node's VXLAN device, .1 the bridge, the last one the broadcast address."""

    def __init__(self, directory: Path, network: IPv4Network) -> None:
        if network.num_addresses < 4:
            raise NetworkError(f"podCIDR {network} has no room for pods")
        self._directory = directory
        self.network = network
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._owners: dict[IPv4Address, str] = {}
        self._by_owner: dict[str, IPv4Address] = {}
        self._last = self.gateway
        self._load()

    @property
    def gateway(self) -> IPv4Address:
        """The bridge's address."""
        return self.network[1]

    @property
    def owners(self) -> frozenset[str]:
        """The pods that have an address."""
        return frozenset(self._by_owner)

    def allocate(self, pod_uid: str) -> IPv4Address:
        """Return the pod's address, a free one if it has none.

        Raises:
            NetworkError: all are taken.
        """
        if (address := self._by_owner.get(pod_uid)) is not None:
            return address
        address = self._next_free()
        os.symlink(pod_uid, self._directory / str(address))
        self._record(address, pod_uid)
        return address

    def release(self, pod_uid: str) -> None:
        """Take the pod's address back; a pod without one is no error."""
        if (address := self._by_owner.pop(pod_uid, None)) is not None:
            (self._directory / str(address)).unlink(missing_ok=True)
            del self._owners[address]

    def _next_free(self) -> IPv4Address:
        """Take turns through the range: an address just given back is what others may still remember as another pod."""
        first, count = int(self.network[2]), self.network.num_addresses - 3
        start = int(self._last) - first + 1
        for step in range(count):
            address = IPv4Address(first + (start + step) % count)
            if address not in self._owners:
                return address
        raise NetworkError(f"no address left in podCIDR {self.network}: {count} pods have one")

    def _record(self, address: IPv4Address, pod_uid: str) -> None:
        self._owners[address] = pod_uid
        self._by_owner[pod_uid] = self._last = address

    def _load(self) -> None:
        """Read the files; the newest last, so that taking turns goes on from there."""
        entries = [entry for entry in self._directory.iterdir() if entry.is_symlink()]
        for entry in sorted(entries, key=lambda entry: entry.lstat().st_mtime_ns):
            address, pod_uid = IPv4Address(entry.name), os.readlink(entry)
            if address not in self.network or pod_uid in self._by_owner:
                entry.unlink()  # of an earlier podCIDR
            else:
                self._record(address, pod_uid)
