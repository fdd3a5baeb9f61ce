"""The files under /etc that the node writes for a pod: hosts, hostname, resolv.conf.

Source: Kubernetes documentation, "Adding entries to Pod /etc/hosts with HostAliases"; hosts(5), resolv.conf(5).
"""

from pathlib import Path
from typing import Final

from naru.api.pod_v1 import Pod
from nodeagent.runtime.spec import Mount

MAX_HOSTNAME_LENGTH: Final = 63
_NAMES: Final = ("hosts", "hostname", "resolv.conf")
_LOCAL: Final = (
    ("127.0.0.1", "localhost"),
    ("::1", "localhost ip6-localhost ip6-loopback"),
    ("fe00::0", "ip6-localnet"),
    ("fe00::0", "ip6-mcastprefix"),
    ("fe00::1", "ip6-allnodes"),
    ("fe00::2", "ip6-allrouters"),
)


def hostname_of(pod: Pod, node_name: str) -> str:
    """Return the name that the pod's processes see as their host's."""
    if pod.spec.hostname_override:
        return pod.spec.hostname_override
    if pod.spec.host_network:
        return node_name
    return pod.spec.hostname or pod.metadata.name[:MAX_HOSTNAME_LENGTH].rstrip("-.")


def hosts_file(pod: Pod, hostname: str, pod_ip: str) -> str:
    """Write /etc/hosts: the local names, the pod's own, then ``hostAliases``."""
    lines = ["# written by naru's node agent for this pod"]
    lines += [f"{address}\t{names}" for address, names in _LOCAL]
    if pod_ip:
        lines.append(f"{pod_ip}\t{hostname}")
    if pod.spec.host_aliases:
        lines += ["", "# hostAliases of the pod"]
        lines += ["\t".join((alias.ip, *alias.hostnames)) for alias in pod.spec.host_aliases]
    return "\n".join(lines) + "\n"


def write_etc_files(directory: Path, pod: Pod, hostname: str, pod_ip: str, resolver: Path) -> None:
    """Write the files into ``directory``, in place and only when they differ: running containers have them mounted.

    Args:
        resolver: the host's resolv.conf; until the cluster has a DNS of its own, every pod uses it.
    """
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    text = resolver.read_text(errors="replace") if resolver.exists() else ""
    contents = {"hosts": hosts_file(pod, hostname, pod_ip), "hostname": hostname + "\n", "resolv.conf": text}
    for name, content in contents.items():
        path = directory / name
        if not path.exists() or path.read_text() != content:
            path.write_text(content)


def etc_mounts(directory: Path, taken: set[str]) -> list[Mount]:
    """Mount the files, except where the pod mounts something itself."""
    return [Mount(f"/etc/{name}", directory / name) for name in _NAMES if f"/etc/{name}" not in taken]


def make_mount_points(layer: Path) -> None:
    """Make a layer to lie beneath all of an image: places for the files, where the image has none.

    Otherwise each container would get places of its own, in its upper directory: seven operations of the file system.
    """
    directory = layer / "etc"
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    for name in _NAMES:
        (directory / name).touch(mode=0o644)
