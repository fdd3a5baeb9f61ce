"""Ingress, NetworkPolicy, and the addresses that Services take.

Source: Kubernetes API reference, networking.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from naru.api.meta import Condition, KubeObject, LabelSelector
from naru.api.model import REQUIRED, Int32, IntOrString, ListMapKeys, MergeKey, Model
from naru.api.refs_v1 import TypedLocalObjectReference


class NetworkPolicyPort(Model):
    """One port, or a range of ports, that a rule lets through."""

    protocol: str | None = None  # TCP, UDP or SCTP; TCP if unset
    port: IntOrString | None = None  # number, or name, of the pods' port; unset: all of them
    end_port: Int32 | None = None  # last port of a range that begins at port


class IPBlock(Model):
    """A range of addresses without some parts of it."""

    cidr: Annotated[str, REQUIRED] = ""  # the range, such as 192.168.1.0/24
    except_: tuple[str, ...] = ()  # parts of the range that do not belong to it


class NetworkPolicyPeer(Model):
    """The other end of a connection: pods by their labels, or addresses."""

    # pods with such labels, of this namespace unless namespaceSelector is given
    pod_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None  # namespaces with such labels; an empty selector means all of them
    ip_block: IPBlock | None = None  # addresses; it stands alone


class NetworkPolicyIngressRule(Model):
    """Packets that may reach the pods."""

    ports: tuple[NetworkPolicyPort, ...] = ()  # to these ports; empty: to all
    from_: tuple[NetworkPolicyPeer, ...] = ()  # from these peers; empty: from everywhere


class NetworkPolicyEgressRule(Model):
    """Packets that may leave the pods."""

    ports: tuple[NetworkPolicyPort, ...] = ()  # to these ports; empty: to all
    to: tuple[NetworkPolicyPeer, ...] = ()  # to these peers; empty: to everywhere


class NetworkPolicySpec(Model):
    """Which pods are meant, and what they may receive and send."""

    # the pods that the policy is for; an empty selector means all of the namespace
    pod_selector: LabelSelector = LabelSelector()
    # what may reach them; what no rule of any policy allows is dropped
    ingress: tuple[NetworkPolicyIngressRule, ...] = ()
    # what may leave them; what no rule of any policy allows is dropped
    egress: tuple[NetworkPolicyEgressRule, ...] = ()
    policy_types: tuple[str, ...] = ()  # Ingress, Egress: the directions that the policy is about


class NetworkPolicy(KubeObject):
    """What pods may receive and send; pods without a policy may receive and send everything."""

    kind: str = "NetworkPolicy"
    api_version: str = "networking.k8s.io/v1"
    spec: NetworkPolicySpec = NetworkPolicySpec()  # which pods are meant, and what they may receive and send


class ServiceBackendPort(Model):
    """A port of a Service, by name or by number."""

    atomic: ClassVar[bool] = True

    name: str = ""  # name of the port; excludes number
    number: Int32 = 0  # number of the port; excludes name


class IngressServiceBackend(Model):
    """A port of a Service of the same namespace."""

    name: Annotated[str, REQUIRED] = ""  # name of the Service
    port: ServiceBackendPort = ServiceBackendPort()  # which of its ports


class IngressBackend(Model):
    """Where requests go."""

    protobuf: ClassVar[str] = "4 3"

    service: IngressServiceBackend | None = None  # to a Service; excludes resource
    resource: TypedLocalObjectReference | None = None  # to another object of the namespace; excludes service


class IngressTLS(Model):
    """The certificate for some hosts."""

    hosts: tuple[str, ...] = ()  # the hosts that the certificate is for; empty: all of the controller's default
    secret_name: str = ""  # the Secret that holds certificate and key


class HTTPIngressPath(Model):
    """Requests for some paths, and where they go."""

    protobuf: ClassVar[str] = "1 3 2"

    path: str = ""  # the path; it begins with a slash
    path_type: str | None = None  # Exact, Prefix (by whole elements) or ImplementationSpecific
    backend: Annotated[IngressBackend, REQUIRED] = IngressBackend()  # where the requests go


class HTTPIngressRuleValue(Model):
    """Where the HTTP requests of a host go, by path."""

    paths: Annotated[tuple[HTTPIngressPath, ...], REQUIRED] = ()  # the paths; the longest one that fits counts


class IngressRuleValue(Model):
    """Where the requests of a host go."""

    http: HTTPIngressRuleValue | None = None  # HTTP requests, by path


class IngressRule(Model):
    """The requests for one host, and where they go."""

    protobuf: ClassVar[str] = "1 2.1"

    host: str = ""  # name of the host, perhaps with a first label of *; empty: any host
    http: HTTPIngressRuleValue | None = None  # HTTP requests, by path


class IngressSpec(Model):
    """Which requests from outside go where."""

    protobuf: ClassVar[str] = "4 1-3"

    ingress_class_name: str | None = None  # the IngressClass, and so the controller, that acts on it
    default_backend: IngressBackend | None = None  # where requests go that no rule fits
    tls: tuple[IngressTLS, ...] = ()  # certificates, for hosts that are spoken to by TLS
    rules: tuple[IngressRule, ...] = ()  # the hosts and paths


class IngressPortStatus(Model):
    """How one port of the way in fares."""

    port: Annotated[Int32, REQUIRED] = 0  # number of the port
    protocol: Annotated[str, REQUIRED] = ""  # TCP, UDP or SCTP
    error: str | None = None  # why it does not work, in one CamelCase word


class IngressLoadBalancerIngress(Model):
    """One way in from outside."""

    protobuf: ClassVar[str] = "1 2 4"

    ip: str = ""  # its address, if it has one
    hostname: str = ""  # its name, if it has one
    ports: tuple[IngressPortStatus, ...] = ()  # how each of its ports fares


class IngressLoadBalancerStatus(Model):
    """The ways in from outside."""

    ingress: tuple[IngressLoadBalancerIngress, ...] = ()  # the ways in


class IngressStatus(Model):
    """What was last seen of an Ingress."""

    load_balancer: IngressLoadBalancerStatus = IngressLoadBalancerStatus()  # where it is reached from outside


class Ingress(KubeObject):
    """Requests from outside the cluster, led to Services by host and path."""

    kind: str = "Ingress"
    api_version: str = "networking.k8s.io/v1"
    spec: IngressSpec = IngressSpec()  # which requests go where
    status: IngressStatus = IngressStatus()  # what was last seen of it


class IngressClassParametersReference(Model):
    """The object that holds a controller's settings."""

    api_group: str | None = None  # group of its kind; unset: the core group
    kind: Annotated[str, REQUIRED] = ""  # kind of the object
    name: Annotated[str, REQUIRED] = ""  # name of the object
    scope: str | None = None  # Cluster, or Namespace
    namespace: str | None = None  # namespace of the object; only and always with scope Namespace


class IngressClassSpec(Model):
    """Which controller acts on Ingresses of a class."""

    controller: str = ""  # name of the controller, as a domain and a path such as example.com/ingress; it never changes
    parameters: IngressClassParametersReference | None = None  # an object with further settings for the controller


class IngressClass(KubeObject):
    """A kind of way in: Ingresses name it to choose the controller that acts on them."""

    kind: str = "IngressClass"
    api_version: str = "networking.k8s.io/v1"
    spec: IngressClassSpec = IngressClassSpec()  # which controller acts on Ingresses of this class


class ParentReference(Model):
    """The object that something was allocated for."""

    group: str = ""  # group of its kind; empty: the core group
    resource: str = ""  # plural name of its kind, such as services
    namespace: str = ""  # namespace of the object; empty if its kind has none
    name: str = ""  # name of the object


class IPAddressSpec(Model):
    """Whose address it is."""

    parent_ref: ParentReference | None = None  # the object that has the address; it never changes


class IPAddress(KubeObject):
    """An address that is taken; its name is the address, so nobody can take it twice."""

    kind: str = "IPAddress"
    api_version: str = "networking.k8s.io/v1"
    spec: IPAddressSpec = IPAddressSpec()  # whose address it is


class ServiceCIDRSpec(Model):
    """Ranges of addresses for Services."""

    cidrs: tuple[str, ...] = ()  # the ranges, at most one a family; they never change


class ServiceCIDRStatus(Model):
    """What was last seen of a ServiceCIDR."""

    # aspects of its state; Ready: addresses are taken from it
    conditions: Annotated[tuple[Condition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class ServiceCIDR(KubeObject):
    """A range from which Services get their addresses."""

    kind: str = "ServiceCIDR"
    api_version: str = "networking.k8s.io/v1"
    spec: ServiceCIDRSpec = ServiceCIDRSpec()  # the ranges
    status: ServiceCIDRStatus = ServiceCIDRStatus()  # what was last seen of it
