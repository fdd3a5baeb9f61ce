"""Allocation: choose the addresses and node ports of a Service that names none, and check those that it names.

Flow: admission -> *complete* -> prepare -> validate -> one transaction of the Service and its claims (``claims.py``).
Nothing is reserved here, so nothing can leak: what is chosen is held by the transaction alone. Who loses a race for it
comes here again. A dry run is given what upstream gives it: an address and ports that nobody will have.

Source: upstream's pkg/registry/core/service/storage (alloc.go) for the order of things and the texts.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from apiserver.services.claims import PORTS, address_key, port_key
from apiserver.services.families import with_families
from apiserver.services.previous import WITH_NODE_PORTS, in_step, keep_given
from apiserver.services.ranges import Band, address_bands, is_usable, port_bands
from apiserver.state import ServerState
from apiserver.storage.etcd import prefix_end
from naru.api.conditions import find_condition
from naru.api.errors import APIError, InternalError, invalid
from naru.api.field_errors import invalid as invalid_field
from naru.api.keys import ObjectKey
from naru.api.meta import KubeObject
from naru.api.networking_v1 import IPAddress, ServiceCIDR
from naru.api.scheme import resource_of
from naru.api.service_v1 import Service, ServicePort, ServiceSpec
from naru.api.validation.service_addresses import is_headless
from naru.api.validation.services import needs_health_check

FULL: Final = "range is full"
PORT_TAKEN: Final = "provided port is already allocated"
DRY_PORT: Final = 32769  # the first port that a dry run is given
SEARCHED_AT_ONCE: Final = 1000  # addresses, which takes some milliseconds
GUESSES: Final = 8  # ports that are looked at one by one, before all are


async def complete(state: ServerState, service: KubeObject, old: KubeObject | None, *, dry_run: bool) -> Service:
    """Return a new or changed Service (the one kind that claims anything) with everything that it is given.

    Raises:
        Invalid: it names what belongs to another one, or to no range.
        InternalError: nothing is left.
    """
    assert isinstance(service, Service)
    assert isinstance(old, Service | None)
    before = old.spec if old is not None else None
    spec = keep_given(service.spec, before) if before is not None else service.spec
    spec = with_families(in_step(spec, before), before, service.metadata.name)
    if before is None or before.type == "ExternalName":
        spec = await Addresses(state, service.metadata.name, dry_run).given(spec)
    spec = await Ports(state, service.metadata.name, dry_run).given(spec, before)
    return service.model_copy(update={"spec": spec})


@dataclass
class Addresses:
    """The cluster's addresses for Services, as one request sees them."""

    state: ServerState
    name: str
    dry_run: bool

    def networks(self) -> list[IPv4Network]:
        """Return the ranges that addresses are taken from: those of ServiceCIDRs that are ready."""
        found = []
        for service_cidr in self.state.reader.cached_list(resource_of(ServiceCIDR)):
            assert isinstance(service_cidr, ServiceCIDR)
            ready = find_condition(service_cidr.status.conditions, "Ready")
            if service_cidr.metadata.deletion_timestamp is None and (ready is None or ready.status == "True"):
                found += [IPv4Network(cidr) for cidr in service_cidr.spec.cidrs if ":" not in cidr]
        return found or [self.state.config.service_cidr]

    async def given(self, spec: ServiceSpec) -> ServiceSpec:
        """Return the spec with an address for each of its families."""
        if spec.type == "ExternalName" or is_headless(spec):
            return spec
        addresses = list(spec.cluster_ips)
        for index, _ in enumerate(spec.ip_families):
            if index < len(addresses) and addresses[index]:
                await self._check(addresses[index], spec)
            else:
                addresses[index:] = [await self._choose()]
        return spec.model_copy(update={"cluster_ip": addresses[0], "cluster_ips": tuple(addresses)})

    async def _check(self, text: str, spec: ServiceSpec) -> None:
        problem = await self._problem(IPv4Address(text))
        if problem:
            why = f"failed to allocate IP {text}: {problem}"
            raise invalid("", "Service", self.name, [invalid_field("spec.clusterIPs", spec.cluster_ips, why)])

    async def _problem(self, address: IPv4Address) -> str:
        networks = self.networks()
        inside = any(is_usable(address, network) for network in networks)
        if self.dry_run:
            outside = f"the provided IP ({address}) is not in the valid range. The range of valid IPs is {networks[0]}"
            return "" if inside else outside
        if not inside:
            return "the provided network does not match the current range"
        taken = await self.state.etcd.range(address_key(str(address)), count_only=True)
        return "provided IP is already allocated" if taken.count else ""

    async def _choose(self) -> str:
        """Choose an address that is not known to be taken; others get their turn while a full range is searched."""
        networks = self.networks()
        if self.dry_run:
            return str(networks[0].network_address)
        cache = self.state.caches.of(resource_of(IPAddress))
        for network in networks:
            for band in address_bands(network):
                for step, number in enumerate(band.from_anywhere(), 1):
                    if step % SEARCHED_AT_ONCE == 0:
                        await asyncio.sleep(0)
                    address = str(IPv4Address(number))
                    if cache.get(ObjectKey("", address)) is None:
                        return address
        raise InternalError(f"Internal error occurred: failed to allocate a serviceIP: {FULL}")


@dataclass
class Ports:
    """The node ports of the cluster, as one request sees them."""

    state: ServerState
    name: str
    dry_run: bool
    own: set[int] = field(default_factory=set)  # those that the Service had before, and may keep
    chosen: set[int] = field(default_factory=set)  # those that the Service gets

    @property
    def range(self) -> tuple[int, int]:
        """The first and the last node port."""
        return self.state.config.node_ports

    async def given(self, spec: ServiceSpec, old: ServiceSpec | None) -> ServiceSpec:
        """Return the spec with its node ports, and the port of its health check if it needs one."""
        if old is not None:
            self.own = {port.node_port for port in old.ports} - {0}
        if spec.type in WITH_NODE_PORTS:
            ports = await (self._new(spec) if old is None else self._changed(spec))
            spec = spec.model_copy(update={"ports": ports})
        if needs_health_check(spec) and not (old is not None and needs_health_check(old)):
            spec = spec.model_copy(update={"health_check_node_port": await self._health_check(spec)})
        return spec

    async def _new(self, spec: ServiceSpec) -> tuple[ServicePort, ...]:
        """Give node ports to the ports of a new Service; those of one number, such as TCP and UDP, share theirs."""
        shared: dict[int, int] = {}
        ports = []
        for index, port in enumerate(spec.ports):
            number = port.node_port
            if number or _allocates(spec):
                asked = next((p.node_port for p in spec.ports if p.port == port.port and p.node_port), 0)
                if port.port not in shared:
                    number = await self._take(asked, f"spec.ports[{index}].nodePort") if asked else await self._choose()
                    shared[port.port] = number
                elif number and number != shared[port.port]:
                    await self._take(number, f"spec.ports[{index}].nodePort")
                number = number or shared[port.port]
            ports.append(port.model_copy(update={"node_port": number}))
        return tuple(ports)

    async def _changed(self, spec: ServiceSpec) -> tuple[ServicePort, ...]:
        """Give node ports to the ports of a changed Service that have none, and check those that are new."""
        ports: list[ServicePort] = []
        for index, port in enumerate(spec.ports):
            number = port.node_port
            if not number and not _allocates(spec):
                ports.append(port)
                continue
            if not number:
                number = await self._choose()
            elif number not in self.own | self.chosen:
                await self._take(number, f"spec.ports[{index}].nodePort")
            if any((p.protocol, p.node_port) == (port.protocol, number) for p in ports):
                raise APIError(f"duplicate nodePort: {{{port.protocol} {number}}}", code=500, reason="")
            ports.append(port.model_copy(update={"node_port": number}))
        return tuple(ports)

    async def _health_check(self, spec: ServiceSpec) -> int:
        port = spec.health_check_node_port
        if port and (problem := await self._problem(port)):
            why = f"failed to allocate requested HealthCheck NodePort {port}: {problem}"
            raise InternalError(f"Internal error occurred: {why}")
        return port or await self._choose()

    async def _take(self, port: int, path: str) -> int:
        if problem := await self._problem(port):
            raise invalid("", "Service", self.name, [invalid_field(path, port, problem)])
        self.chosen.add(port)
        return port

    async def _problem(self, port: int) -> str:
        first, last = self.range
        if not first <= port <= last and not self.dry_run:
            return f"provided port is not in the valid range. The range of valid ports is {first}-{last}"
        taken = port in self.chosen or (port not in self.own and await self._is_taken(port))
        return PORT_TAKEN if taken else ""

    async def _is_taken(self, port: int) -> bool:
        return bool((await self.state.etcd.range(port_key(port), count_only=True)).count)

    async def _choose(self) -> int:
        """Choose a port that is not taken: by guessing, and once that has failed some times, by reading all."""
        if self.dry_run:
            port = max(self.chosen, default=DRY_PORT - 1) + 1
            self.chosen.add(port)
            return port
        bands = port_bands(*self.range)
        for _, port in zip(range(GUESSES), self._free(bands, set()), strict=False):
            if not await self._is_taken(port):
                self.chosen.add(port)
                return port
        found = await self.state.etcd.range(PORTS, prefix_end(PORTS))
        for port in self._free(bands, {int(item.key.removeprefix(PORTS)) for item in found.items}):
            self.chosen.add(port)
            return port
        raise InternalError(f"Internal error occurred: failed to allocate a nodePort: {FULL}")

    def _free(self, bands: tuple[Band, Band], taken: set[int]) -> Iterator[int]:
        """Yield the ports that nobody is known to have."""
        numbers = (port for band in bands for port in band.from_anywhere())
        return (port for port in numbers if port not in taken | self.chosen | self.own)


def _allocates(spec: ServiceSpec) -> bool:
    return spec.type == "NodePort" or (spec.type == "LoadBalancer" and bool(spec.allocate_load_balancer_node_ports))
