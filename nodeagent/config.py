"""What one node agent is told at its start, and where it keeps things.

Layout below the data directory (durable)::

    pods/<uid>/            etc/ volumes/ subpaths/ roots/<container id>/ messages/<container>/<attempt>
    logs/<namespace>_<name>_<uid>/<container>/<attempt>.log
    mount-points/          what a root needs besides its image, see pods/etc_files.py

and below the run directory (gone with the host's boot, like what it describes)::

    pods/<uid>/            the shim's socket, the pinned network namespace, exit codes
"""

from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from naru.api.pod_v1 import Pod

NODE_PORT = 10250  # where the API server looks for a node's agent


@dataclass(frozen=True)
class AgentConfig:
    """The flags of the agent."""

    kubeconfig: Path
    node_name: str
    node_ip: str
    data_dir: Path
    run_dir: Path
    image_dir: Path
    cluster_cidr: IPv4Network
    service_cidr: IPv4Network
    tls_cert: Path
    tls_key: Path
    client_ca: Path
    cgroup_root: str
    egress: bool = True
    insecure_registries: frozenset[str] = frozenset()
    pod_pids_limit: int = 4096
    max_pods: int = 110
    port: int = NODE_PORT
    resolver: Path = Path("/etc/resolv.conf")
    host_netns: int | None = None  # where the node is a namespace of a machine: a descriptor of the machine's own

    @property
    def pods_run_dir(self) -> Path:
        """Where the sandboxes' run directories are."""
        return self.run_dir / "pods"

    @property
    def pods_dir(self) -> Path:
        """Where the pods' directories are."""
        return self.data_dir / "pods"

    @property
    def logs_dir(self) -> Path:
        """Where the containers' logs are."""
        return self.data_dir / "logs"

    @property
    def mount_points(self) -> Path:
        """The layer beneath every image."""
        return self.data_dir / "mount-points"

    def home(self, pod: Pod) -> "PodHome":
        """Return where a pod keeps its things."""
        meta = pod.metadata
        logs = self.logs_dir / f"{meta.namespace}_{meta.name}_{meta.uid}"
        return PodHome(self.pods_dir / meta.uid, self.pods_run_dir / meta.uid, logs)


@dataclass(frozen=True)
class PodHome:
    """The directories of one pod."""

    directory: Path
    run_dir: Path
    log_dir: Path

    @property
    def etc(self) -> Path:
        """The files that the containers see in /etc."""
        return self.directory / "etc"

    @property
    def roots(self) -> Path:
        """Where what the containers write to their roots is."""
        return self.directory / "roots"

    def log(self, container: str, attempt: int) -> Path:
        """Return the log of one attempt of a container."""
        return self.log_dir / container / f"{attempt}.log"

    def message(self, container: str, attempt: int) -> Path:
        """Return the file in which one attempt of a container may leave a last message."""
        return self.directory / "messages" / container / str(attempt)
