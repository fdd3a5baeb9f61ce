"""What the parts of one API server share: its configuration, its storage, its caches, its trail.

Built once by ``apiserver.main`` and handed to every module that serves requests. Nothing in it outlives the
process: whatever must last is in etcd, so several servers may run side by side on one etcd.
"""

import asyncio
import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from apiserver.service_accounts.authenticator import TokenAuthenticator
    from apiserver.storage.caches import Caches
    from apiserver.storage.etcd import Etcd
    from apiserver.storage.store import ObjectStore
    from apiserver.trail import TrailRing
    from naru.api.meta import KubeObject
    from naru.api.scheme import Resource


SERVICE_ACCOUNT_ISSUER: Final = "https://kubernetes.default.svc.cluster.local"
SERVICE_CIDR: Final = IPv4Network("10.96.0.0/16")


@dataclass(frozen=True)
class ServerConfig:
    """The flags of the process."""

    etcd: str  # unix:///path or http://host:port
    listen: tuple[tuple[str, int], ...]
    pki_dir: Path
    cluster_name: str = "naru"
    default_toleration_seconds: int = 300
    service_cidr: IPv4Network = SERVICE_CIDR  # of the Services' addresses, until there are more ranges
    node_ports: tuple[int, int] = (30000, 32767)  # the first and the last one
    advertise_address: str = ""  # where clients in the cluster find this server; empty: where it listens
    service_account_issuer: str = SERVICE_ACCOUNT_ISSUER  # whom tokens name as their issuer, and are for
    request_timeout_s: float = 60.0  # until the body of a request must have come
    cache_dir: Path | None = None  # of what can be made again; None: nothing is kept over a restart

    @property
    def advertised(self) -> tuple[str, int]:
        """Address and port of this server for clients in the cluster: not on loopback, if there is another choice."""
        others = [place for place in self.listen if not ip_address(place[0]).is_loopback]
        address, port = (others or list(self.listen))[0]
        return self.advertise_address or address, port

    @property
    def api_audiences(self) -> tuple[str, ...]:
        """Whom a ServiceAccount token has to be for, to be good here."""
        return (self.service_account_issuer,)

    @property
    def service_account_key(self) -> Path:
        """The key that ServiceAccount tokens are signed with."""
        return self.pki_dir / "sa.key"

    @property
    def ca_file(self) -> Path:
        """The cluster's CA: it signs the certificates of clients and of node agents."""
        return self.pki_dir / "ca.crt"

    @property
    def node_client_cert(self) -> tuple[Path, Path]:
        """The certificate and key that the server shows to node agents."""
        return self.pki_dir / "kubelet-client.crt", self.pki_dir / "kubelet-client.key"


class ObjectReader(Protocol):
    """Read access to stored objects, for admission and for the proxies to the nodes."""

    def cached(self, resource: "Resource", namespace: str, name: str) -> "KubeObject | None":
        """Return an object from the watch cache: at once, and perhaps some milliseconds old."""

    async def fresh(self, resource: "Resource", namespace: str, name: str) -> "KubeObject | None":
        """Return an object as new as every write that was acknowledged before this call."""

    def cached_list(self, resource: "Resource", namespace: str = "") -> "Sequence[KubeObject]":
        """Return all objects of the watch cache (of one namespace), ordered by key."""


@dataclass
class ServerState:
    """One per server process, shared by all its requests."""

    config: ServerConfig
    etcd: "Etcd"
    store: "ObjectStore"  # writes
    caches: "Caches"  # reads and watches; also the ObjectReader
    ring: "TrailRing"
    stopping: asyncio.Event = field(default_factory=asyncio.Event)  # set at SIGTERM: long requests end themselves
    started: asyncio.Event = field(default_factory=asyncio.Event)  # set once the system namespaces exist
    _tokens: "TokenAuthenticator | None" = None

    async def tokens(self) -> "TokenAuthenticator":
        """Return who looks through ServiceAccount tokens; loaded beside the loop when the first one comes."""
        if self._tokens is None:
            module = await asyncio.to_thread(importlib.import_module, "apiserver.service_accounts.authenticator")
            self._tokens = module.TokenAuthenticator(self)
        assert self._tokens is not None
        return self._tokens

    @property
    def reader(self) -> ObjectReader:
        """The watch caches, as those see them who only look objects up."""
        return self.caches

    def is_ready(self) -> bool:
        """Tell whether requests can be served: the caches follow etcd, and start-up is done."""
        return self.started.is_set() and self.caches.synced and not self.stopping.is_set()
