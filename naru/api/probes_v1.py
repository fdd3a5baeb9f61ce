"""How the node asks a container whether it is well, and what it does when one starts or stops.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

from naru.api.model import ALWAYS, REQUIRED, Int32, IntOrString, Model


class ExecAction(Model):
    """Run a command in the container: exit code 0 is success."""

    command: tuple[str, ...] = ()  # program and arguments, without a shell


class HTTPHeader(Model):
    """One header of a probe's request."""

    name: Annotated[str, REQUIRED] = ""  # name of the header
    value: Annotated[str, REQUIRED] = ""  # value of the header


class HTTPGetAction(Model):
    """Fetch a page: a status from 200 to 399 is success."""

    path: str = "/"  # path of the URL
    port: Annotated[IntOrString, REQUIRED] = 0  # number of the port, or its name in the container's ports
    host: str = ""  # host of the URL; empty: the pod's address
    scheme: str = "HTTP"  # HTTP; or HTTPS, whose certificate is not verified
    http_headers: tuple[HTTPHeader, ...] = ()  # sent with the request; a name may come more than once


class TCPSocketAction(Model):
    """Connect to a port."""

    port: Annotated[IntOrString, REQUIRED] = 0  # number of the port, or its name in the container's ports
    host: str = ""  # where to connect; empty: the pod's address


class GRPCAction(Model):
    """Ask the gRPC health service."""

    port: Annotated[Int32, REQUIRED] = 0  # number of the port, 1 to 65535
    service: Annotated[str, ALWAYS] = ""  # name asked about; empty: the server as a whole


class SleepAction(Model):
    """Wait."""

    seconds: Annotated[int, REQUIRED] = 0  # how long, in seconds


class ProbeHandler(Model):
    """How to ask: exactly one field is set."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    grpc: GRPCAction | None = None


class Probe(ProbeHandler):
    """How to ask, how often, and how many answers make a verdict."""

    protobuf: ClassVar[str] = "1.1-4 2-7"

    initial_delay_seconds: Int32 = 0  # time from the container's start to the first try
    timeout_seconds: Int32 = 1  # without an answer for so long, a try has failed
    period_seconds: Int32 = 10  # time between tries
    success_threshold: Int32 = 1  # so many successes in a row end a failure; 1 for liveness and startup
    failure_threshold: Int32 = 3  # so many failures in a row make the verdict
    termination_grace_period_seconds: int | None = None  # in place of the pod's, when this probe ends the container


class LifecycleHandler(Model):
    """What to do at a moment of a container's life: exactly one field is set."""

    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None  # does nothing; kept for old manifests
    sleep: SleepAction | None = None


class Lifecycle(Model):
    """Hooks after the start and before the stop."""

    post_start: LifecycleHandler | None = None  # runs right after the start; its failure ends the container
    pre_stop: LifecycleHandler | None = None  # runs before the stop signal, within the pod's grace period
    stop_signal: str | None = None  # signal that asks the container to end; unset: the image's, else SIGTERM
