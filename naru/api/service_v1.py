"""Service: a stable address for a changing set of pods.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

from naru.api.meta import Condition, KubeObject
from naru.api.model import ATOMIC, REQUIRED, Int32, IntOrString, ListMapKeys, MergeKey, Model


class ServicePort(Model):
    """One port of a Service, and where its packets go."""

    protobuf: ClassVar[str] = "1 2 6 3-5"

    name: str = ""  # name of the port, unique in the Service; needed as soon as there are two
    protocol: str = "TCP"  # TCP, UDP or SCTP
    app_protocol: str | None = None  # what is spoken on the connection, such as kubernetes.io/h2c; a hint only
    port: Annotated[Int32, REQUIRED] = 0  # number that clients of the Service connect to
    target_port: IntOrString = 0  # number, or name, of the pods' port; unset: the same as port
    node_port: Int32 = 0  # number under which every node offers the port, for NodePort and LoadBalancer


class ClientIPConfig(Model):
    """How long a client stays with the pod that it got."""

    timeout_seconds: Int32 | None = None  # forgotten after so many seconds without a connection; 10800 if unset


class SessionAffinityConfig(Model):
    """Details of sessionAffinity."""

    client_ip: ClientIPConfig | None = None  # for sessionAffinity ClientIP


class ServiceSpec(Model):
    """What a Service is reached by, and which pods are behind it."""

    protobuf: ClassVar[str] = "1-3 18 4 5 7-14 19 17 20-23"

    # the ports of the Service; only one without an address, or an ExternalName, can do without
    ports: Annotated[tuple[ServicePort, ...], MergeKey("port"), ListMapKeys(("port", "protocol"))] = ()
    selector: Annotated[dict[str, str], ATOMIC] = {}  # labels of the pods behind it; empty: somebody else lists them
    cluster_ip: str = ""  # its address in the cluster; empty: one is chosen, None: it has none, DNS gives the pods'
    cluster_ips: tuple[str, ...] = ()  # its addresses, at most one a family; the first one is clusterIP
    type: str = "ClusterIP"  # ClusterIP, NodePort, LoadBalancer or ExternalName
    external_ips: tuple[str, ...] = ()  # further addresses, which others lead to the nodes
    session_affinity: str = "None"  # ClientIP: connections of one client go to one pod
    load_balancer_ip: str = ""  # address asked of a cloud's load balancer; a hint that many ignore
    load_balancer_source_ranges: tuple[str, ...] = ()  # who may use the load balancer, as CIDRs; empty: everybody
    external_name: str = ""  # for type ExternalName: the name that DNS answers with, as a CNAME
    external_traffic_policy: str = ""  # Cluster: from outside to any pod; Local: to pods of the same node alone
    health_check_node_port: Int32 = 0  # port where a load balancer asks nodes whether they have pods of it
    publish_not_ready_addresses: bool = False  # true: pods that are not ready count as well
    session_affinity_config: SessionAffinityConfig | None = None  # details of sessionAffinity
    ip_families: tuple[str, ...] = ()  # IPv4 or IPv6, in the order of clusterIPs; empty: the cluster's own
    ip_family_policy: str | None = None  # SingleStack, PreferDualStack or RequireDualStack
    allocate_load_balancer_node_ports: bool | None = None  # false: a LoadBalancer gets no node ports of its own
    load_balancer_class: str | None = None  # which load balancer is meant, if not the cluster's usual one
    internal_traffic_policy: str | None = None  # Cluster: to any pod; Local: to pods of the client's node alone
    traffic_distribution: str | None = None  # PreferSameZone, PreferSameNode or PreferClose: which pods are preferred


class PortStatus(Model):
    """How one port of a load balancer fares."""

    port: Annotated[Int32, REQUIRED] = 0  # number of the port
    protocol: Annotated[str, REQUIRED] = ""  # TCP, UDP or SCTP
    error: str | None = None  # why it does not work, in one CamelCase word


class LoadBalancerIngress(Model):
    """One way into a load balancer."""

    ip: str = ""  # its address, if it has one
    hostname: str = ""  # its name, if it has one
    ip_mode: str | None = None  # VIP: packets arrive with that address; Proxy: with a node's or pod's
    ports: tuple[PortStatus, ...] = ()  # how each of its ports fares


class LoadBalancerStatus(Model):
    """What a load balancer has become."""

    ingress: tuple[LoadBalancerIngress, ...] = ()  # the ways into it


class ServiceStatus(Model):
    """What was last seen of a Service."""

    load_balancer: LoadBalancerStatus = LoadBalancerStatus()  # its load balancer, if its type asks for one
    # aspects of its state, written by whoever acts on it
    conditions: Annotated[tuple[Condition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class Service(KubeObject):
    """A name and address under which a set of pods is reached, whichever pods these are at the time."""

    kind: str = "Service"
    api_version: str = "v1"
    spec: ServiceSpec = ServiceSpec()  # what it is reached by, and which pods are behind it
    status: ServiceStatus = ServiceStatus()  # what was last seen of it
