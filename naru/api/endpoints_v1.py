"""Endpoints: the addresses behind a Service, in the old form (EndpointSlices are the new one).

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

from naru.api.meta import KubeObject
from naru.api.model import REQUIRED, Int32, Model
from naru.api.refs_v1 import ObjectReference


class EndpointAddress(Model):
    """One address behind a Service."""

    atomic: ClassVar[bool] = True
    protobuf: ClassVar[str] = "1 3 4 2"

    ip: Annotated[str, REQUIRED] = ""  # the address; not a loopback or link-local one
    hostname: str = ""  # name that DNS gives to it beneath the Service's
    node_name: str | None = None  # node that it is on
    target_ref: ObjectReference | None = None  # the pod that has the address


class EndpointPort(Model):
    """One port that the addresses listen on."""

    atomic: ClassVar[bool] = True

    name: str = ""  # name of the Service's port that leads here
    port: Annotated[Int32, REQUIRED] = 0  # number of the port
    protocol: str = "TCP"  # TCP, UDP or SCTP
    app_protocol: str | None = None  # what is spoken on the connection, such as kubernetes.io/h2c


class EndpointSubset(Model):
    """Addresses that have the same ports: every address goes with every port."""

    addresses: tuple[EndpointAddress, ...] = ()  # those that are ready
    not_ready_addresses: tuple[EndpointAddress, ...] = ()  # those that are not: starting, failing, ending
    ports: tuple[EndpointPort, ...] = ()  # the ports of all of them


class Endpoints(KubeObject):
    """The addresses behind the Service of the same name."""

    kind: str = "Endpoints"
    api_version: str = "v1"
    subsets: tuple[EndpointSubset, ...] = ()  # the addresses, grouped by their ports
