"""What this host offers and already uses: facts, gathered once and judged elsewhere (preflight.py).

Source: proc(5) for /proc/filesystems and /proc/net/tcp; Linux' fib_trie.c for the columns of /proc/net/route.
"""

import contextlib
import errno
import ipaddress
import os
import shutil
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cli.cluster.modules import usable_modules

_RTF_REJECT: Final = 0x0200  # an unreachable route: it belongs to nobody's network
_CGROUP: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Route:
    """One IPv4 route of the host's main table."""

    network: ipaddress.IPv4Network
    device: str


@dataclass(frozen=True)
class HostFacts:
    """A look at the host; plain data, so that the checks can be tested with any host."""

    is_root: bool
    programs: frozenset[str]  # those of `programs_wanted` that were found
    filesystems: frozenset[str]  # those that the kernel has now
    modules: frozenset[str] | None  # those that it has or can load; None where all is built in
    cgroup_controllers: frozenset[str]
    cgroup_v2: bool
    routes: tuple[Route, ...]
    taken_ports: frozenset[tuple[str, int]]
    free_bytes: int
    network_namespaces: bool


PROGRAMS: Final = {
    "etcd": ("etcd",),
    "nft": ("nft",),
    "busybox": ("/bin/busybox-static", "/bin/busybox", "/usr/bin/busybox"),
}


def gather(ports: Iterable[tuple[str, int]], data: Path) -> HostFacts:
    """Look at this host: which programs, kernel features, routes, and which of ``ports`` are taken."""
    v2 = (_CGROUP / "cgroup.controllers").exists()
    return HostFacts(
        is_root=os.geteuid() == 0,
        programs=frozenset(name for name, paths in PROGRAMS.items() if find_program(*paths)),
        filesystems=_filesystems(),
        modules=usable_modules(),
        cgroup_controllers=_controllers_v2() if v2 else _controllers_v1(),
        cgroup_v2=v2,
        routes=parse_routes(Path("/proc/net/route").read_text()),
        taken_ports=frozenset(port for port in ports if is_taken(*port)),
        free_bytes=shutil.disk_usage(_existing(data)).free,
        network_namespaces=Path("/proc/self/ns/net").exists(),
    )


def find_program(*candidates: str) -> str | None:
    """Return the first of the candidates (names in PATH, or absolute paths) that can be executed."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"  # nft lives there, and is missing from a user's PATH
    return next((found for name in candidates if (found := shutil.which(name, path=path))), None)


def parse_routes(table: str) -> tuple[Route, ...]:
    """Read /proc/net/route, leaving out the default route and unreachable ones."""
    routes = []
    for line in table.splitlines()[1:]:
        device, destination, _, flags, _, _, _, mask, *_ = line.split()
        network = ipaddress.IPv4Network((_address(destination), _address(mask)))
        if network.prefixlen > 0 and not int(flags, 16) & _RTF_REJECT:
            routes.append(Route(network, device))
    return tuple(routes)


def is_taken(address: str, port: int) -> bool:
    """Tell whether the port cannot be listened on; an address that the host does not have yet takes no port."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection that just ended is no obstacle
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def holder_of(port: int) -> str:
    """Name the process that listens on a TCP port, as ``nginx (pid 812)``; empty when it cannot be told."""
    inodes = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(os.readlink(link) in inodes for link in (entry / "fd").iterdir()):
                return f"{(entry / 'comm').read_text().strip()} (pid {entry.name})"
    return ""


def _listening_inodes(port: int) -> list[str]:
    listening = "0A"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[9] for row in rows if row[3] == listening and int(row[1].partition(":")[2], 16) == port]


def _address(little_endian_hex: str) -> str:
    return str(ipaddress.IPv4Address(int.from_bytes(bytes.fromhex(little_endian_hex), "little")))


def _filesystems() -> frozenset[str]:
    return frozenset(line.split()[-1] for line in Path("/proc/filesystems").read_text().splitlines())


def _controllers_v1() -> frozenset[str]:
    """List the controllers that are mounted; cpu and cpuacct may share a mount."""
    return frozenset(name for path in _CGROUP.glob("*") for name in path.name.split(",") if (path / "tasks").exists())


def _controllers_v2() -> frozenset[str]:
    return frozenset((_CGROUP / "cgroup.controllers").read_text().split())


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
