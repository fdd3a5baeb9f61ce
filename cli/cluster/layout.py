"""Where a cluster keeps its things on the host.

Two directories a cluster: *data* outlives a stop (etcd, certificates, images, logs), *run* does not (pids, sockets,
the nodes' live state). Tests move both away with NARU_DATA_ROOT and NARU_RUN_ROOT.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Layout:
    """The paths of one cluster."""

    name: str
    data: Path
    run: Path

    @classmethod
    def of(cls, name: str, environ: Mapping[str, str] = os.environ) -> Self:
        """Return the paths of the cluster with that name."""
        data_root = Path(environ.get("NARU_DATA_ROOT", "/var/lib/naru"))
        run_root = Path(environ.get("NARU_RUN_ROOT", "/run/naru"))
        return cls(name, data_root / name, run_root / name)

    @property
    def config(self) -> Path:
        """The flags that the cluster was made with."""
        return self.data / "cluster.json"

    @property
    def etcd(self) -> Path:
        """Where etcd keeps its data."""
        return self.data / "etcd"

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.data / "pki"

    @property
    def cache(self) -> Path:
        """What the API server can make again, and would rather not."""
        return self.data / "cache"

    @property
    def images(self) -> Path:
        """The image store that all nodes of this machine share."""
        return self.data / "images"

    @property
    def admin_kubeconfig(self) -> Path:
        """The kubeconfig of the person who runs the cluster."""
        return self.kubeconfig("admin")

    @property
    def supervisor_state(self) -> Path:
        """What the supervisor last knew of the components."""
        return self.run / "supervisor.json"

    @property
    def pids(self) -> Path:
        """One record a process: its pid and when it started."""
        return self.run / "pids"

    @property
    def etcd_socket(self) -> str:
        """The address of etcd's unix socket, relative to the run directory.

        etcd 3.4 insists on ``host:port`` in every URL; of ``unix://etcd.sock:0`` it makes a socket with just that
        name in its working directory, and so do its successors.
        """
        return "unix://etcd.sock:0"

    @property
    def etcd_target(self) -> str:
        """The same socket as a client names it from anywhere."""
        return f"unix://{self.run}/etcd.sock:0"

    def kubeconfig(self, user: str) -> Path:
        """The kubeconfig of a user or component."""
        return self.data / "kubeconfig" / f"{user}.conf"

    def log(self, component: str) -> Path:
        """A component's log file."""
        return self.data / "logs" / f"{component}.log"

    def node_data(self, node: str) -> Path:
        """Where a node keeps what outlives it: containers' logs, volumes, addresses given out."""
        return self.data / "nodes" / node

    def node_run(self, node: str) -> Path:
        """Where a node keeps its live state: the pods' sockets and namespaces."""
        return self.run / "nodes" / node

    def netns_name(self, node: str) -> str:
        """The name of a node's network namespace, as `ip netns` shows it."""
        return f"naru-{self.name}-{node}"

    def netns(self, node: str) -> Path:
        """The file that pins a node's network namespace."""
        return Path("/run/netns") / self.netns_name(node)

    @property
    def bridge(self) -> str:
        """The host's bridge of the underlay; a link's name has at most 15 characters, hence the digest."""
        return f"naru{hashlib.sha256(self.name.encode()).hexdigest()[:4]}"

    @property
    def cgroup_root(self) -> str:
        """The cluster's cgroup, below each controller's mount."""
        return f"naru-{self.name}"

    def make(self) -> None:
        """Create the directories; only root may look into those with keys."""
        for directory, mode in (
            (self.data, 0o755),
            (self.data / "logs", 0o755),
            (self.data / "nodes", 0o711),
            (self.images, 0o755),
            (self.etcd, 0o700),
            (self.pki, 0o700),
            (self.data / "kubeconfig", 0o700),
            (self.run, 0o755),
            (self.pids, 0o755),
            (self.run / "nodes", 0o711),
        ):
            directory.mkdir(mode=mode, parents=True, exist_ok=True)
