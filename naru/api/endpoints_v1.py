"""Endpoints: the addresses behind a Service, in the old form (EndpointSlices are the new one).

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

from naru.api.meta import KubeObject
from naru.api.model import REQUIRED, Int32, Model
from naru.api.refs_v1 import ObjectReference


class EndpointAddress(Model):
    """TODO."""

    atomic: ClassVar[bool] = True
    protobuf: ClassVar[str] = "1 3 4 2"

    ip: Annotated[str, REQUIRED] = ""
    hostname: str = ""
    node_name: str | None = None
    target_ref: ObjectReference | None = None


class EndpointPort(Model):
    """TODO."""

    atomic: ClassVar[bool] = True

    name: str = ""
    port: Annotated[Int32, REQUIRED] = 0
    protocol: str = ""
    app_protocol: str | None = None


class EndpointSubset(Model):
    """TODO."""

    addresses: tuple[EndpointAddress, ...] = ()
    not_ready_addresses: tuple[EndpointAddress, ...] = ()
    ports: tuple[EndpointPort, ...] = ()


class Endpoints(KubeObject):
    """TODO."""

    kind: str = "Endpoints"
    api_version: str = "v1"
    subsets: tuple[EndpointSubset, ...] = ()
