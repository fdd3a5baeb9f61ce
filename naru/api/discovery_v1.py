"""EndpointSlice: some of the addresses behind a Service.

Source: Kubernetes API reference, discovery.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from naru.api.meta import KubeObject
from naru.api.model import ALWAYS, REQUIRED, SET, Int32, Model
from naru.api.refs_v1 import ObjectReference


class EndpointConditions(Model):
    """TODO."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class ForZone(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""


class ForNode(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""


class EndpointHints(Model):
    """TODO."""

    for_zones: tuple[ForZone, ...] = ()
    for_nodes: tuple[ForNode, ...] = ()


class Endpoint(Model):
    """TODO."""

    addresses: Annotated[tuple[str, ...], SET, REQUIRED] = ()
    conditions: EndpointConditions = EndpointConditions()
    hostname: str | None = None
    target_ref: ObjectReference | None = None
    deprecated_topology: dict[str, str] = {}
    node_name: str | None = None
    zone: str | None = None
    hints: EndpointHints | None = None


class EndpointPort(Model):
    """TODO."""

    atomic: ClassVar[bool] = True

    name: str | None = None
    protocol: str | None = None
    port: Int32 | None = None
    app_protocol: str | None = None


class EndpointSlice(KubeObject):
    """TODO."""

    protobuf: ClassVar[str] = "1 4 2 3"

    kind: str = "EndpointSlice"
    api_version: str = "discovery.k8s.io/v1"
    address_type: Annotated[str, REQUIRED] = ""
    endpoints: Annotated[tuple[Endpoint, ...], ALWAYS] = ()
    ports: Annotated[tuple[EndpointPort, ...], ALWAYS] = ()
