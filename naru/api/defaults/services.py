"""Defaults of Services, and of what lists their endpoints."""

from typing import Any, Final

from naru.api.discovery_v1 import EndpointPort, EndpointSlice
from naru.api.service_v1 import ClientIPConfig, Service, ServicePort, ServiceSpec, SessionAffinityConfig

AFFINITY_SECONDS: Final = 10800  # three hours
WITH_ADDRESS: Final = ("ClusterIP", "NodePort", "LoadBalancer")


def is_externally_accessible(spec: ServiceSpec) -> bool:
    """Tell whether packets from outside the cluster are meant to reach a Service."""
    return spec.type in ("NodePort", "LoadBalancer") or (spec.type == "ClusterIP" and bool(spec.external_ips))


def default_service(service: Service) -> Service:
    """Fill in the type, the ports, and the policies that the type has."""
    spec = service.spec.model_copy(update={"type": service.spec.type or "ClusterIP"})
    affinity = spec.session_affinity or "None"
    update: dict[str, Any] = {
        "session_affinity": affinity,
        "session_affinity_config": _affinity_config(affinity, spec.session_affinity_config),
        "ports": tuple(map(_default_port, spec.ports)),
    }
    if is_externally_accessible(spec):
        update["external_traffic_policy"] = spec.external_traffic_policy or "Cluster"
    if spec.type in WITH_ADDRESS and spec.internal_traffic_policy is None:
        update["internal_traffic_policy"] = "Cluster"
    if spec.type == "LoadBalancer" and spec.allocate_load_balancer_node_ports is None:
        update["allocate_load_balancer_node_ports"] = True
    defaulted = service.model_copy(update={"spec": spec.model_copy(update=update)})
    return _default_ways_in(defaulted) if spec.type == "LoadBalancer" else defaulted


def _affinity_config(affinity: str, config: SessionAffinityConfig | None) -> SessionAffinityConfig | None:
    if affinity == "None":
        return None
    given = config is not None and config.client_ip is not None and config.client_ip.timeout_seconds is not None
    if affinity != "ClientIP" or given:
        return config
    return SessionAffinityConfig(client_ip=ClientIPConfig(timeout_seconds=AFFINITY_SECONDS))


def _default_port(port: ServicePort) -> ServicePort:
    return port.model_copy(update={"protocol": port.protocol or "TCP", "target_port": port.target_port or port.port})


def _default_ways_in(service: Service) -> Service:
    """Take packets for a load balancer's address to arrive with that address, unless its writer says otherwise."""
    balancer = service.status.load_balancer
    if all(way.ip_mode is not None or not way.ip for way in balancer.ingress):
        return service
    ways = (
        way.model_copy(update={"ip_mode": "VIP"}) if way.ip and way.ip_mode is None else way for way in balancer.ingress
    )
    status = service.status.model_copy(
        update={"load_balancer": balancer.model_copy(update={"ingress": tuple(ways)})},
    )
    return service.model_copy(update={"status": status})


def default_endpoint_slice(endpoint_slice: EndpointSlice) -> EndpointSlice:
    """Fill in the ports."""
    if all(port.name is not None and port.protocol is not None for port in endpoint_slice.ports):
        return endpoint_slice
    return endpoint_slice.model_copy(update={"ports": tuple(map(_default_endpoint_port, endpoint_slice.ports))})


def _default_endpoint_port(port: EndpointPort) -> EndpointPort:
    name = "" if port.name is None else port.name
    return port.model_copy(update={"name": name, "protocol": "TCP" if port.protocol is None else port.protocol})


DEFAULTS: Final = {EndpointSlice: default_endpoint_slice, Service: default_service}
