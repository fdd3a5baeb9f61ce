"""Service: a stable address for a changing set of pods.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

from naru.api.meta import Condition, KubeObject
from naru.api.model import ATOMIC, REQUIRED, Int32, IntOrString, ListMapKeys, MergeKey, Model


class ServicePort(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 2 6 3-5"

    name: str = ""
    protocol: str = "TCP"
    app_protocol: str | None = None
    port: Annotated[Int32, REQUIRED] = 0
    target_port: IntOrString = 0
    node_port: Int32 = 0


class ClientIPConfig(Model):
    """TODO."""

    timeout_seconds: Int32 | None = None


class SessionAffinityConfig(Model):
    """TODO."""

    client_ip: ClientIPConfig | None = None


class ServiceSpec(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1-3 18 4 5 7-14 19 17 20-23"

    ports: Annotated[
        tuple[ServicePort, ...],
        MergeKey("port"),
        ListMapKeys(
            (
                "port",
                "protocol",
            )
        ),
    ] = ()
    selector: Annotated[dict[str, str], ATOMIC] = {}
    cluster_ip: str = ""
    cluster_ips: tuple[str, ...] = ()
    type: str = ""
    external_ips: tuple[str, ...] = ()
    session_affinity: str = ""
    load_balancer_ip: str = ""
    load_balancer_source_ranges: tuple[str, ...] = ()
    external_name: str = ""
    external_traffic_policy: str = ""
    health_check_node_port: Int32 = 0
    publish_not_ready_addresses: bool = False
    session_affinity_config: SessionAffinityConfig | None = None
    ip_families: tuple[str, ...] = ()
    ip_family_policy: str | None = None
    allocate_load_balancer_node_ports: bool | None = None
    load_balancer_class: str | None = None
    internal_traffic_policy: str | None = None
    traffic_distribution: str | None = None


class PortStatus(Model):
    """TODO."""

    port: Annotated[Int32, REQUIRED] = 0
    protocol: Annotated[str, REQUIRED] = ""
    error: str | None = None


class LoadBalancerIngress(Model):
    """TODO."""

    ip: str = ""
    hostname: str = ""
    ip_mode: str | None = None
    ports: tuple[PortStatus, ...] = ()


class LoadBalancerStatus(Model):
    """TODO."""

    ingress: tuple[LoadBalancerIngress, ...] = ()


class ServiceStatus(Model):
    """TODO."""

    load_balancer: LoadBalancerStatus = LoadBalancerStatus()
    conditions: Annotated[tuple[Condition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class Service(KubeObject):
    """TODO."""

    kind: str = "Service"
    api_version: str = "v1"
    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()
