"""How the node asks a container whether it is well, and what it does when one starts or stops.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated

from naru.api.model import ALWAYS, IntOrString, Model


class ExecAction(Model):
    """Run a command in the container: exit code 0 is success."""

    command: tuple[str, ...] = ()


class HTTPHeader(Model):
    """One header of a probe's request."""

    name: str
    value: str


class HTTPGetAction(Model):
    """Fetch a page: a status from 200 to 399 is success."""

    path: str = "/"
    port: IntOrString
    host: str = ""
    scheme: str = "HTTP"
    http_headers: tuple[HTTPHeader, ...] = ()


class TCPSocketAction(Model):
    """Connect to a port."""

    port: IntOrString
    host: str = ""


class GRPCAction(Model):
    """Ask the gRPC health service."""

    port: int
    service: Annotated[str, ALWAYS] = ""


class SleepAction(Model):
    """Wait."""

    seconds: int


class ProbeHandler(Model):
    """How to ask: exactly one field is set."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    grpc: GRPCAction | None = None


class Probe(ProbeHandler):
    """How to ask, how often, and how many answers make a verdict."""

    initial_delay_seconds: int = 0
    timeout_seconds: int = 1
    period_seconds: int = 10
    success_threshold: int = 1
    failure_threshold: int = 3
    termination_grace_period_seconds: int | None = None


class LifecycleHandler(Model):
    """What to do at a moment of a container's life: exactly one field is set."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    sleep: SleepAction | None = None


class Lifecycle(Model):
    """Hooks after the start and before the stop."""

    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None
    stop_signal: str | None = None
