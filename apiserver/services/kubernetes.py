"""Service ``default/kubernetes``: the API server itself, for clients in the cluster.

It has the first address of the Services' range. Each server announces itself by a key that ends with it, and lists in
Endpoints and EndpointSlice whoever is announced; all of it is looked at again and again, so what is deleted comes back.

Source: upstream's pkg/controlplane/controller (kubernetesservice, defaultservicecidr) for the objects.
"""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from apiserver.managed_fields.field_manager import field_manager_of
from apiserver.registry import strategy_for
from apiserver.registry.strategy import Context
from apiserver.services.allocation import complete
from apiserver.services.claims import MANAGER
from apiserver.state import ServerState
from apiserver.storage.entry import Entry
from apiserver.storage.etcd import Delete, ModRevisionIs, Put, prefix_end
from apiserver.storage.store import Keep, Taken
from naru.api.defaults import with_defaults
from naru.api.discovery_v1 import Endpoint, EndpointConditions, EndpointSlice
from naru.api.discovery_v1 import EndpointPort as SlicePort
from naru.api.endpoints_v1 import EndpointAddress, EndpointPort, Endpoints, EndpointSubset
from naru.api.errors import AlreadyExists, APIError, ServiceUnavailable
from naru.api.ip_addresses import family_of
from naru.api.keys import ObjectKey
from naru.api.meta import Condition, KubeObject, ObjectMeta
from naru.api.model import now
from naru.api.networking_v1 import ServiceCIDR, ServiceCIDRSpec, ServiceCIDRStatus
from naru.api.scheme import resource_of
from naru.api.service_v1 import Service, ServicePort, ServiceSpec

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=KubeObject)

NAME: Final = "kubernetes"
NAMESPACE: Final = "default"
PORT_NAME: Final = "https"
PORT: Final = 443
SERVERS: Final = b"/naru/apiservers/"  # each server's key, outside of what objects are kept under
TTL_S: Final = 30  # a server that has died is no endpoint any more after that time
EVERY_S: Final = 10.0
RETRY_S: Final = 1.0

Servers = Mapping[int, Sequence[str]]  # addresses, by port


class KubernetesService:
    """Makes and keeps the Service and what belongs to it."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        address, port = state.config.advertised
        self._key, self._revision = SERVERS + f"{address} {port}".encode(), 0

    async def keep(self) -> None:
        """Look after all of it until cancelled; then say that this server is one no more."""
        try:
            while True:
                pause_s = await self._look_after()
                await asyncio.sleep(pause_s)
        finally:
            with contextlib.suppress(APIError, TimeoutError):
                farewell = self._state.etcd.txn(ModRevisionIs(self._key, self._revision), Delete(self._key))
                await asyncio.wait_for(farewell, RETRY_S)

    async def _look_after(self) -> float:
        try:
            await self.ensure()
        except APIError as error:
            logger.warning("cannot look after Service kubernetes", extra={"error": error.message})
            return RETRY_S if isinstance(error, ServiceUnavailable) else EVERY_S
        return EVERY_S

    async def ensure(self) -> None:
        """Make what is missing, and list the servers that there are."""
        config = self._state.config
        await self._ensure(new_service_cidr(str(config.service_cidr)))
        await self._state.caches.catch_up()
        await self._ensure_service()
        servers = await self._announce()
        if not servers:  # others wrote the key of this server all the time
            return
        await self._ensure(new_endpoints(servers), "subsets")
        await self._ensure(new_endpoint_slice(servers), "address_type", "endpoints", "ports")

    async def _announce(self) -> Servers:
        """Renew the key of this server, and return all servers."""
        etcd = self._state.etcd
        put = Put(self._key, b"", await etcd.lease(TTL_S))
        result = await etcd.txn(ModRevisionIs(self._key, self._revision), put)
        if not result.succeeded:  # another life of this server wrote it, or it ended
            seen = result.current.mod_revision if result.current is not None else 0
            result = await etcd.txn(ModRevisionIs(self._key, seen), put)
        self._revision = result.revision
        servers: dict[int, list[str]] = {}
        for item in (await etcd.range(SERVERS, prefix_end(SERVERS))).items:
            address, port = item.key.removeprefix(SERVERS).decode().split()
            servers.setdefault(int(port), []).append(address)
        return dict(sorted(servers.items()))

    async def _ensure_service(self) -> None:
        config, resource = self._state.config, resource_of(Service)
        if self._state.reader.cached(resource, NAMESPACE, NAME) is not None:
            return
        service = new_service(str(config.service_cidr[1]), config.advertised[1])
        try:
            completed = await complete(self._state, service, None, dry_run=False)
            await self._state.store.create(resource, prepared(completed))
        except AlreadyExists:
            logger.debug("another server was faster")
        except Taken:
            logger.warning("the first address of the Services is taken")  # by then, or else complete had said so

    async def _ensure(self, wanted: M, *fields: str) -> None:
        """Make an object unless it exists, and give it the wanted fields."""
        resource, meta = resource_of(type(wanted)), wanted.metadata
        current = self._state.reader.cached(resource, meta.namespace, meta.name)
        if current is None:
            try:
                await self._state.store.create(resource, prepared(wanted))
            except AlreadyExists:
                logger.debug("another server was faster")
            return
        update: dict[str, Any] = {name: getattr(wanted, name) for name in fields}

        async def decide(entry: Entry) -> Keep:
            return Keep(entry.obj.model_copy(update=update))

        if any(getattr(current, name) != value for name, value in update.items()):
            await self._state.store.modify(resource, ObjectKey(meta.namespace, meta.name), decide)


def prepared(obj: M) -> M:
    """Return an object as a create leaves it, with the API server as its writer."""
    resource = resource_of(type(obj))
    recorded = field_manager_of(resource, "").record(None, None, obj, MANAGER, now())
    made: M = strategy_for(resource).prepare_for_create(recorded, Context(now()))
    status = getattr(obj, "status", None)
    return made if status is None else made.model_copy(update={"status": status})


def new_service_cidr(cidr: str) -> ServiceCIDR:
    """Build the range that the cluster begins with."""
    ready = Condition(
        type="Ready",
        status="True",
        message="Kubernetes default Service CIDR is ready",
        last_transition_time=now(),
    )
    return ServiceCIDR(
        metadata=ObjectMeta(name=NAME),
        spec=ServiceCIDRSpec(cidrs=(cidr,)),
        status=ServiceCIDRStatus(conditions=(ready,)),
    )


def new_service(address: str, target_port: int) -> Service:
    """Build the Service of the API server."""
    labels = {"component": "apiserver", "provider": "kubernetes"}
    ports = (ServicePort(name=PORT_NAME, port=PORT, target_port=target_port),)
    spec = ServiceSpec(cluster_ip=address, ports=ports)
    return with_defaults(Service(metadata=ObjectMeta(name=NAME, namespace=NAMESPACE, labels=labels), spec=spec))


def new_endpoints(servers: Servers) -> Endpoints:
    """Build the list of the servers in its old form."""
    labels = {"endpointslice.kubernetes.io/skip-mirror": "true"}
    subsets = tuple(
        EndpointSubset(
            addresses=tuple(EndpointAddress(ip=address) for address in addresses),
            ports=(EndpointPort(name=PORT_NAME, port=port),),
        )
        for port, addresses in servers.items()
    )
    return Endpoints(metadata=ObjectMeta(name=NAME, namespace=NAMESPACE, labels=labels), subsets=subsets)


def new_endpoint_slice(servers: Servers) -> EndpointSlice:
    """Build the list of the servers in its new form, which has room for one port: the lowest."""
    port, addresses = next(iter(servers.items()))
    labels = {"kubernetes.io/service-name": NAME}
    ready = EndpointConditions(ready=True)
    return EndpointSlice(
        metadata=ObjectMeta(name=NAME, namespace=NAMESPACE, labels=labels),
        address_type=family_of(addresses[0]),
        endpoints=tuple(Endpoint(addresses=(address,), conditions=ready) for address in addresses),
        ports=(SlicePort(name=PORT_NAME, protocol="TCP", port=port),),
    )
