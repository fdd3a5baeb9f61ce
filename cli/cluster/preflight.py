"""Can a cluster start here? Every check says what is lacking and the command or flag that mends it.

Flow: HostFacts, ClusterConfig -> *plan_findings* -> `naru up` (refuses on the first) and `naru doctor` (shows all).
"""

import ipaddress
from dataclasses import dataclass
from typing import Final

from cli.cluster.config import ClusterConfig
from cli.cluster.host import HostFacts

MIN_FREE_BYTES: Final = 512 * 1024 * 1024
_NEEDED_CONTROLLERS: Final = ("cpu", "memory", "pids")
_NEEDED_MODULES: Final = ("overlay", "bridge", "veth", "vxlan", "nf_tables", "nft_chain_nat", "nft_masq")
_PACKAGES: Final = {
    "etcd": ("etcd-server", "the store of the API server"),
    "nft": ("nftables", "masquerade and, later, services"),
    "busybox": ("busybox-static", "the built-in image of the examples"),
}


@dataclass(frozen=True)
class Finding:
    """The outcome of one check."""

    check: str
    ok: bool
    message: str
    remedy: str = ""
    fatal: bool = True  # without it no cluster can start


def plan_findings(facts: HostFacts, config: ClusterConfig, *, own_device: str, running: bool) -> list[Finding]:
    """Judge a host.

    Args:
        own_device: the cluster's own bridge, whose routes are no clash.
        running: the cluster is up, and so takes its ports and routes itself.
    """
    findings = [_root(facts), *_programs(facts), *_kernel(facts), _cgroups(facts), _disk(facts)]
    if not running:
        findings += [*_ports(facts), *_ranges(facts, config, own_device)]
    return findings


def _root(facts: HostFacts) -> Finding:
    message = "running as root" if facts.is_root else "namespaces, mounts and cgroups need root"
    return Finding("root", facts.is_root, message, "sudo naru up")


def _programs(facts: HostFacts) -> list[Finding]:
    findings = []
    for program, (package, purpose) in _PACKAGES.items():
        found = program in facts.programs
        message = f"{program} found" if found else f"{program} is not installed: {purpose}"
        findings.append(Finding(program, found, message, f"apt-get install -y {package}"))
    return findings


def _kernel(facts: HostFacts) -> list[Finding]:
    netns = facts.network_namespaces
    netns_message = "network namespaces available" if netns else "the kernel has no network namespaces"
    return [
        _modules(facts) if facts.modules is not None else _overlay(facts),
        Finding("namespaces", netns, netns_message, "use a kernel with CONFIG_NET_NS"),
    ]


def _modules(facts: HostFacts) -> Finding:
    """Judge a kernel with modules, which loads what it needs by itself, if it has it."""
    missing = [name for name in _NEEDED_MODULES if name not in (facts.modules or ())]
    if not missing:
        return Finding("modules", True, f"kernel modules available: {', '.join(_NEEDED_MODULES)}")
    names = ", ".join(missing)
    remedy = (
        "reboot if the kernel was upgraded; else apt-get install linux-image-amd64, or sysctl kernel.modules_disabled"
    )
    return Finding("modules", False, f"kernel modules are missing: {names}", remedy)


def _overlay(facts: HostFacts) -> Finding:
    """Judge a kernel that has everything built in; of what it has, only the file systems are listed."""
    if "overlay" in facts.filesystems:
        return Finding("overlay", True, "overlay file system available")
    return Finding("overlay", False, "the kernel has no overlay file system", "use a kernel with CONFIG_OVERLAY_FS")


def _cgroups(facts: HostFacts) -> Finding:
    missing = [name for name in _NEEDED_CONTROLLERS if name not in facts.cgroup_controllers]
    version = "v2" if facts.cgroup_v2 else "v1"
    if not missing:
        return Finding("cgroups", True, f"cgroup {version} with {', '.join(_NEEDED_CONTROLLERS)}")
    names = ", ".join(missing)
    return Finding(
        "cgroups",
        False,
        f"cgroup controllers are missing: {names}",
        "boot with systemd.unified_cgroup_hierarchy=1 cgroup_enable=memory",
    )


def _disk(facts: HostFacts) -> Finding:
    mib = facts.free_bytes // (1024 * 1024)
    enough = facts.free_bytes >= MIN_FREE_BYTES
    message = f"{mib} MiB free for data" if enough else f"only {mib} MiB free for data; images and etcd need 512"
    return Finding("disk", enough, message, "free some space, or set NARU_DATA_ROOT to a larger disk")


def _ports(facts: HostFacts) -> list[Finding]:
    if not facts.taken_ports:
        return [Finding("ports", True, "the API server's port is free")]
    return [
        Finding("ports", False, f"port {port} on {address} is taken", f"naru up --api-port {port + 1000}")
        for address, port in sorted(facts.taken_ports)
    ]


def _ranges(facts: HostFacts, config: ClusterConfig, own_device: str) -> list[Finding]:
    """Refuse a range that the host already routes somewhere: its traffic would change its way."""
    findings = []
    ranges = {"--underlay": config.underlay, "--pod-cidr": config.pod_cidr, "--service-cidr": config.service_cidr}
    for flag, cidr in ranges.items():
        network = ipaddress.IPv4Network(cidr)
        clashes = [route for route in facts.routes if route.device != own_device and network.overlaps(route.network)]
        findings += [
            Finding(
                "ranges",
                False,
                f"{cidr} clashes with the host's route {route.network} by {route.device}",
                f"naru up {flag} <another range>",
            )
            for route in clashes[:1]
        ]
    return findings or [Finding("ranges", True, "pod, service and underlay ranges are free")]
