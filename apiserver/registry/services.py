"""Services and the lists of their endpoints.

What a Service is given (addresses, node ports) is chosen in :mod:`apiserver.services` before its strategy sees it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import AGE, NAME, NONE, Column, labels_text
from apiserver.registry.strategy import Context, Strategy, kept_meta, with_meta
from apiserver.services.claims import claims_of, endpoints_key
from apiserver.services.previous import without_stale
from naru.api.discovery_v1 import EndpointSlice
from naru.api.durations import human_age
from naru.api.endpoints_v1 import Endpoints
from naru.api.ip_addresses import spelling_warnings
from naru.api.service_v1 import LoadBalancerStatus, Service, ServicePort, ServiceSpec

UNSET: Final = "<unset>"
SHOWN: Final = 3  # of a list in a cell
HINTS: Final = "service.kubernetes.io/topology-aware-hints"
TOPOLOGY_MODE: Final = "service.kubernetes.io/topology-mode"


def listed(items: Sequence[str], none: str = NONE) -> str:
    """Show the first items of a list, and how many there are besides."""
    if not items:
        return none
    shown = ",".join(items[:SHOWN])
    return f"{shown} + {len(items) - SHOWN} more..." if len(items) > SHOWN else shown


class ServiceStrategy(Strategy[Service]):
    """The rules of Services."""

    has_status = True
    claims = True
    allows_create_on_update = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Type", "How the Service is reached."),
        Column("Cluster-IP", "Address of the Service in the cluster."),
        Column("External-IP", "Addresses and names that it is reached by from outside."),
        Column("Port(s)", "Ports of the Service, each with its node port."),
        AGE,
        Column("Selector", "Labels of the pods behind the Service.", wide=True),
    )

    def prepare_for_update(self, new: Service, old: Service) -> Service:
        """Drop what belongs to the old type of the Service."""
        kept = super().prepare_for_update(new, old)
        prepared = kept.model_copy(update={"spec": without_stale(kept.spec, old.spec)})
        if prepared.spec.type == "LoadBalancer" or not prepared.status.load_balancer.ingress:
            return prepared
        status = prepared.status.model_copy(update={"load_balancer": LoadBalancerStatus()})
        return prepared.model_copy(update={"status": status})

    def claimed(self, obj: Service) -> Mapping[bytes, bytes]:
        """Hold addresses and node ports."""
        return claims_of(obj)

    def left_behind(self, obj: Service) -> Sequence[bytes]:
        """Take the Endpoints along, so that a later Service of the name does not begin with old ones."""
        return (endpoints_key(obj),)

    def warnings(self, obj: Service, old: Service | None) -> Sequence[str]:
        """Tell of fields that have no effect, or soon none any more."""
        told = []
        if HINTS in obj.metadata.annotations:
            told.append(f"annotation {HINTS} is deprecated, please use {TOPOLOGY_MODE} instead")
        return told + _spelling(obj.spec) + _without_effect(obj.spec)

    def selectable_fields(self, obj: Service) -> dict[str, str]:
        """Let clients ask for an address or a type."""
        more = {"spec.clusterIP": obj.spec.cluster_ip, "spec.type": obj.spec.type}
        return {**super().selectable_fields(obj), **more}

    def row(self, obj: Service, now: datetime) -> list[Any]:
        """Show where the Service is reached."""
        spec = obj.spec
        return [
            obj.metadata.name,
            spec.type,
            spec.cluster_ips[0] if spec.cluster_ips else NONE,
            _external(obj),
            ",".join(map(_port_text, spec.ports)) or NONE,
            human_age(obj.metadata.creation_timestamp, now),
            labels_text(spec.selector),
        ]


def _spelling(spec: ServiceSpec) -> list[str]:
    named = [(f"spec.clusterIPs[{index}]", ip) for index, ip in enumerate(spec.cluster_ips)]
    named += [(f"spec.externalIPs[{index}]", ip) for index, ip in enumerate(spec.external_ips)]
    named += [("spec.loadBalancerIP", spec.load_balancer_ip)] if spec.load_balancer_ip else []
    return [told for path, ip in named for told in spelling_warnings(path, ip)]


def _without_effect(spec: ServiceSpec) -> list[str]:
    headless, nameless = spec.type == "ClusterIP" and spec.cluster_ip == "None", spec.type != "ExternalName"
    told = {
        "spec.loadBalancerIP is ignored for headless services": headless and spec.load_balancer_ip,
        "spec.externalIPs is ignored for headless services": headless and spec.external_ips,
        "spec.SessionAffinity is ignored for headless services": headless and spec.session_affinity != "None",
        "spec.externalIPs is deprecated and may no longer be implemented in some clusters": (
            spec.external_ips and not headless and nameless
        ),
        'spec.externalIPs is ignored when spec.type is "ExternalName"': spec.external_ips and not nameless,
        'spec.externalName is ignored when spec.type is not "ExternalName"': spec.external_name and nameless,
        'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"': (
            spec.traffic_distribution == "PreferClose"
        ),
    }
    return [text for text, applies in told.items() if applies]


def _external(service: Service) -> str:
    spec = service.spec
    if spec.type == "ExternalName":
        return spec.external_name
    if spec.type != "LoadBalancer":
        return ",".join(spec.external_ips) or NONE
    ways = [way.ip or way.hostname for way in service.status.load_balancer.ingress]
    return ",".join([*sorted(filter(None, set(ways))), *spec.external_ips]) or "<pending>"


def _port_text(port: ServicePort) -> str:
    number = f"{port.port}:{port.node_port}" if port.node_port else str(port.port)
    return f"{number}/{port.protocol}"


class EndpointsStrategy(Strategy[Endpoints]):
    """The rules of Endpoints."""

    allows_create_on_update = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Endpoints", "Addresses that are ready, with their ports."),
        AGE,
    )

    def row(self, obj: Endpoints, now: datetime) -> list[Any]:
        """Show the first addresses."""
        shown = []
        for subset in obj.subsets:
            if not subset.ports:
                shown += [address.ip for address in subset.addresses]
            for port in subset.ports:
                shown += [_host_port(address.ip, port.port) for address in subset.addresses]
        return [obj.metadata.name, listed(shown), human_age(obj.metadata.creation_timestamp, now)]


def _host_port(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class EndpointSliceStrategy(Strategy[EndpointSlice]):
    """The rules of EndpointSlices: their generation counts every change, as they are nothing but a spec."""

    counts_generations = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("AddressType", "What all addresses of the slice are."),
        Column("Ports", "Ports of all endpoints."),
        Column("Endpoints", "Addresses of the endpoints."),
        AGE,
    )

    def prepare_for_create(self, obj: EndpointSlice, context: Context) -> EndpointSlice:
        """Drop what only older versions of the kind knew."""
        return _without_topology(super().prepare_for_create(obj, context), None)

    def prepare_for_update(self, new: EndpointSlice, old: EndpointSlice) -> EndpointSlice:
        """Count the change."""
        prepared = _without_topology(with_meta(new, kept_meta(new.metadata, old.metadata)), old)
        same = prepared.model_copy(update={"metadata": old.metadata}) == old
        if same and new.metadata.labels == old.metadata.labels:
            return prepared
        return with_meta(prepared, {"generation": old.metadata.generation + 1})

    def row(self, obj: EndpointSlice, now: datetime) -> list[Any]:
        """Show the first ports and addresses."""
        ports = ["*" if port.port is None else str(port.port) for port in obj.ports]
        addresses = [address for endpoint in obj.endpoints for address in endpoint.addresses]
        age = human_age(obj.metadata.creation_timestamp, now)
        return [obj.metadata.name, obj.address_type, listed(ports, UNSET), listed(addresses, UNSET), age]


def _without_topology(new: EndpointSlice, old: EndpointSlice | None) -> EndpointSlice:
    """Take ``deprecatedTopology`` out of the endpoints, unless it was there before."""
    before = old.endpoints if old is not None else ()
    if not any(endpoint.deprecated_topology for endpoint in new.endpoints):
        return new
    known = [endpoint.deprecated_topology for endpoint in before]
    endpoints = tuple(
        endpoint if endpoint.deprecated_topology in known else endpoint.model_copy(update={"deprecated_topology": {}})
        for endpoint in new.endpoints
    )
    return new.model_copy(update={"endpoints": endpoints})


STRATEGIES: Final = {
    "endpoints": EndpointsStrategy(),
    "endpointslices.discovery.k8s.io": EndpointSliceStrategy(),
    "services": ServiceStrategy(),
}
