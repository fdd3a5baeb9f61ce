"""Claims: the keys of etcd that say which Service has an address or a port, one key each.

An address is claimed by an IPAddress object of that name, which clients may read; a port by a private key. Both are
written and removed in one transaction with their Service, so there is none without a Service, and no Service without
them.

Source: KEP-1880 for the IPAddress objects.
"""

from typing import Final

from apiserver.managed_fields.field_manager import field_manager_of
from apiserver.registry import strategy_for
from apiserver.registry.strategy import Context
from apiserver.storage.entry import encode, storage_key
from naru.api.endpoints_v1 import Endpoints
from naru.api.ip_addresses import family_of
from naru.api.keys import ObjectKey
from naru.api.meta import ObjectMeta
from naru.api.model import now
from naru.api.networking_v1 import IPAddress, IPAddressSpec, ParentReference
from naru.api.scheme import resource_of
from naru.api.service_v1 import Service
from naru.api.validation.service_addresses import NO_ADDRESS

PORTS: Final = b"/naru/nodeports/"  # outside of what objects are kept under
MANAGER: Final = "kube-apiserver"  # who writes what the API server makes by itself
FAMILY_LABEL: Final = "ipaddress.kubernetes.io/ip-family"
MANAGED_BY_LABEL: Final = "ipaddress.kubernetes.io/managed-by"
MANAGED_BY: Final = "ipallocator.k8s.io"


def address_key(address: str) -> bytes:
    """Return the key by which an address is claimed."""
    return storage_key(resource_of(IPAddress), ObjectKey("", address))


def port_key(port: int) -> bytes:
    """Return the key by which a node port is claimed."""
    return PORTS + str(port).encode()


def endpoints_key(service: Service) -> bytes:
    """Return the key of the Endpoints of a Service."""
    return storage_key(resource_of(Endpoints), ObjectKey(service.metadata.namespace, service.metadata.name))


def node_ports(service: Service) -> set[int]:
    """Return the node ports that a Service has."""
    ports = {port.node_port for port in service.spec.ports} | {service.spec.health_check_node_port}
    return ports - {0}


def claims_of(service: Service) -> dict[bytes, bytes]:
    """Return the keys that a Service holds, and what is written there."""
    owner = f"{service.metadata.namespace}/{service.metadata.name}".encode()
    addresses = [address for address in service.spec.cluster_ips if address != NO_ADDRESS]
    claims = {address_key(address): encode(new_ip_address(address, service)) for address in addresses}
    return claims | {port_key(port): owner for port in node_ports(service)}


def new_ip_address(address: str, service: Service) -> IPAddress:
    """Build the object that says whose an address is."""
    meta, resource = service.metadata, resource_of(IPAddress)
    parent = ParentReference(resource="services", namespace=meta.namespace, name=meta.name)
    labels = {FAMILY_LABEL: family_of(address), MANAGED_BY_LABEL: MANAGED_BY}
    bare = IPAddress(metadata=ObjectMeta(name=address, labels=labels), spec=IPAddressSpec(parent_ref=parent))
    recorded = field_manager_of(resource, "").record(None, None, bare, MANAGER, now())
    made: IPAddress = strategy_for(resource).prepare_for_create(recorded, Context(now()))
    return made
