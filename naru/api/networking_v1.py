"""Ingress, NetworkPolicy, and the addresses that Services take.

Source: Kubernetes API reference, networking.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from naru.api.meta import Condition, KubeObject, LabelSelector
from naru.api.model import REQUIRED, Int32, IntOrString, ListMapKeys, MergeKey, Model
from naru.api.refs_v1 import TypedLocalObjectReference


class NetworkPolicyPort(Model):
    """TODO."""

    protocol: str | None = None
    port: IntOrString | None = None
    end_port: Int32 | None = None


class IPBlock(Model):
    """TODO."""

    cidr: Annotated[str, REQUIRED] = ""
    except_: tuple[str, ...] = ()


class NetworkPolicyPeer(Model):
    """TODO."""

    pod_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    ip_block: IPBlock | None = None


class NetworkPolicyIngressRule(Model):
    """TODO."""

    ports: tuple[NetworkPolicyPort, ...] = ()
    from_: tuple[NetworkPolicyPeer, ...] = ()


class NetworkPolicyEgressRule(Model):
    """TODO."""

    ports: tuple[NetworkPolicyPort, ...] = ()
    to: tuple[NetworkPolicyPeer, ...] = ()


class NetworkPolicySpec(Model):
    """TODO."""

    pod_selector: LabelSelector = LabelSelector()
    ingress: tuple[NetworkPolicyIngressRule, ...] = ()
    egress: tuple[NetworkPolicyEgressRule, ...] = ()
    policy_types: tuple[str, ...] = ()


class NetworkPolicy(KubeObject):
    """TODO."""

    kind: str = "NetworkPolicy"
    api_version: str = "networking.k8s.io/v1"
    spec: NetworkPolicySpec = NetworkPolicySpec()


class ServiceBackendPort(Model):
    """TODO."""

    atomic: ClassVar[bool] = True

    name: str = ""
    number: Int32 = 0


class IngressServiceBackend(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""
    port: ServiceBackendPort = ServiceBackendPort()


class IngressBackend(Model):
    """TODO."""

    protobuf: ClassVar[str] = "4 3"

    service: IngressServiceBackend | None = None
    resource: TypedLocalObjectReference | None = None


class IngressTLS(Model):
    """TODO."""

    hosts: tuple[str, ...] = ()
    secret_name: str = ""


class HTTPIngressPath(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 3 2"

    path: str = ""
    path_type: str | None = None
    backend: Annotated[IngressBackend, REQUIRED] = IngressBackend()


class HTTPIngressRuleValue(Model):
    """TODO."""

    paths: Annotated[tuple[HTTPIngressPath, ...], REQUIRED] = ()


class IngressRuleValue(Model):
    """TODO."""

    http: HTTPIngressRuleValue | None = None


class IngressRule(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 2.1"

    host: str = ""
    http: HTTPIngressRuleValue | None = None


class IngressSpec(Model):
    """TODO."""

    protobuf: ClassVar[str] = "4 1-3"

    ingress_class_name: str | None = None
    default_backend: IngressBackend | None = None
    tls: tuple[IngressTLS, ...] = ()
    rules: tuple[IngressRule, ...] = ()


class IngressPortStatus(Model):
    """TODO."""

    port: Annotated[Int32, REQUIRED] = 0
    protocol: Annotated[str, REQUIRED] = ""
    error: str | None = None


class IngressLoadBalancerIngress(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 2 4"

    ip: str = ""
    hostname: str = ""
    ports: tuple[IngressPortStatus, ...] = ()


class IngressLoadBalancerStatus(Model):
    """TODO."""

    ingress: tuple[IngressLoadBalancerIngress, ...] = ()


class IngressStatus(Model):
    """TODO."""

    load_balancer: IngressLoadBalancerStatus = IngressLoadBalancerStatus()


class Ingress(KubeObject):
    """TODO."""

    kind: str = "Ingress"
    api_version: str = "networking.k8s.io/v1"
    spec: IngressSpec = IngressSpec()
    status: IngressStatus = IngressStatus()


class IngressClassParametersReference(Model):
    """TODO."""

    api_group: str | None = None
    kind: Annotated[str, REQUIRED] = ""
    name: Annotated[str, REQUIRED] = ""
    scope: str | None = None
    namespace: str | None = None


class IngressClassSpec(Model):
    """TODO."""

    controller: str = ""
    parameters: IngressClassParametersReference | None = None


class IngressClass(KubeObject):
    """TODO."""

    kind: str = "IngressClass"
    api_version: str = "networking.k8s.io/v1"
    spec: IngressClassSpec = IngressClassSpec()


class ParentReference(Model):
    """TODO."""

    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""


class IPAddressSpec(Model):
    """TODO."""

    parent_ref: ParentReference | None = None


class IPAddress(KubeObject):
    """TODO."""

    kind: str = "IPAddress"
    api_version: str = "networking.k8s.io/v1"
    spec: IPAddressSpec = IPAddressSpec()


class ServiceCIDRSpec(Model):
    """TODO."""

    cidrs: tuple[str, ...] = ()


class ServiceCIDRStatus(Model):
    """TODO."""

    conditions: Annotated[tuple[Condition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class ServiceCIDR(KubeObject):
    """TODO."""

    kind: str = "ServiceCIDR"
    api_version: str = "networking.k8s.io/v1"
    spec: ServiceCIDRSpec = ServiceCIDRSpec()
    status: ServiceCIDRStatus = ServiceCIDRStatus()
