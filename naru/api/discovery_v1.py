"""EndpointSlice: some of the addresses behind a Service.

Source: Kubernetes API reference, discovery.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from naru.api.meta import KubeObject
from naru.api.model import ALWAYS, REQUIRED, SET, Int32, Model
from naru.api.refs_v1 import ObjectReference


class EndpointConditions(Model):
    """Whether an endpoint takes connections; unset means that nothing is known, and is read as yes."""

    ready: bool | None = None  # it takes connections, and is not ending
    serving: bool | None = None  # it takes connections, even if it is ending
    terminating: bool | None = None  # it is ending


class ForZone(Model):
    """A zone whose clients should use an endpoint."""

    name: Annotated[str, REQUIRED] = ""  # name of the zone


class ForNode(Model):
    """A node whose clients should use an endpoint."""

    name: Annotated[str, REQUIRED] = ""  # name of the node


class EndpointHints(Model):
    """Who should use an endpoint, so that packets stay near."""

    for_zones: tuple[ForZone, ...] = ()  # zones, at most eight
    for_nodes: tuple[ForNode, ...] = ()  # nodes, at most eight


class Endpoint(Model):
    """One pod, or other target, behind a Service."""

    addresses: Annotated[
        tuple[str, ...], SET, REQUIRED
    ] = ()  # its addresses, which all lead to the same; use the first
    conditions: EndpointConditions = EndpointConditions()  # whether it takes connections
    hostname: str | None = None  # name that DNS gives to it beneath the Service's
    target_ref: ObjectReference | None = None  # the pod that it is
    deprecated_topology: dict[str, str] = {}  # what older versions told of its place; no longer written
    node_name: str | None = None  # node that it is on
    zone: str | None = None  # zone that it is in
    hints: EndpointHints | None = None  # who should use it


class EndpointPort(Model):
    """One port that the endpoints listen on."""

    atomic: ClassVar[bool] = True

    name: str | None = None  # name of the Service's port that leads here, unique in the slice
    protocol: str | None = None  # TCP, UDP or SCTP
    port: Int32 | None = None  # number of the port; unset: every port
    app_protocol: str | None = None  # what is spoken on the connection, such as kubernetes.io/h2c


class EndpointSlice(KubeObject):
    """Some of the endpoints of a Service; its label kubernetes.io/service-name says which one."""

    protobuf: ClassVar[str] = "1 4 2 3"

    kind: str = "EndpointSlice"
    api_version: str = "discovery.k8s.io/v1"
    address_type: Annotated[str, REQUIRED] = ""  # IPv4, IPv6 or FQDN: what all addresses of the slice are
    endpoints: Annotated[tuple[Endpoint, ...], ALWAYS] = ()  # the endpoints, at most a thousand
    ports: Annotated[tuple[EndpointPort, ...], ALWAYS] = ()  # the ports of all of them
