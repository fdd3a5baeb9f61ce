"""PodInfo: what the scheduler needs of a Pod, computed once when the Pod is seen.

Source: Kubernetes documentation, "Resource Management for Pods and Containers"; what scoring assumes of containers
without requests is documented at kube-scheduler's NodeResourcesFit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from naru.api.container_v1 import Container
from naru.api.keys import ObjectKey, key_of
from naru.api.placement_v1 import Toleration
from naru.api.pod_v1 import Pod
from naru.api.pods import pod_requests
from naru.api.quantity import int_value, milli_value

CPU: Final = "cpu"
MEMORY: Final = "memory"
PODS: Final = "pods"

DEFAULT_CPU_MILLI: Final = 100  # assumed, for scoring only, of a container that requests none: so that such Pods spread
DEFAULT_MEMORY_BYTES: Final = 200 * 1024 * 1024


class HostPort(NamedTuple):
    """A port that a Pod wants of its node itself."""

    protocol: str
    ip: str  # "0.0.0.0": on every address
    port: int

    def clashes_with(self, other: "HostPort") -> bool:
        """Tell whether both cannot be on one node."""
        same = self.protocol == other.protocol and self.port == other.port
        return same and (self.ip == other.ip or "0.0.0.0" in (self.ip, other.ip))


@dataclass(frozen=True)
class PodInfo:
    """A Pod as filters and scores see it."""

    pod: Pod
    key: ObjectKey
    uid: str
    requests: Mapping[str, int]  # by resource: cpu in thousandths, the others in whole units
    scored_cpu_milli: int  # the requests that scoring counts: with the assumed ones
    scored_memory_bytes: int
    host_ports: tuple[HostPort, ...]
    tolerations: tuple[Toleration, ...]
    node_selector: Mapping[str, str]
    priority: int


def new_pod_info(pod: Pod) -> PodInfo:
    """Compute the PodInfo of a Pod."""
    spec = pod.spec
    requests = {name: amount_of(name, quantity) for name, quantity in pod_requests(pod).items()}
    return PodInfo(
        pod=pod,
        key=key_of(pod),
        uid=pod.metadata.uid,
        requests={**requests, PODS: 1},
        scored_cpu_milli=sum(_scored(c, CPU, DEFAULT_CPU_MILLI) for c in spec.containers),
        scored_memory_bytes=sum(_scored(c, MEMORY, DEFAULT_MEMORY_BYTES) for c in spec.containers),
        host_ports=tuple(_host_ports(pod)),
        tolerations=spec.tolerations,
        node_selector=spec.node_selector,
        priority=spec.priority or 0,
    )


def amount_of(resource: str, quantity: str) -> int:
    """Return a quantity as the number that the scheduler adds up: cpu in thousandths, the others in whole units."""
    return milli_value(quantity) if resource == CPU else int_value(quantity)


def _scored(container: Container, resource: str, default: int) -> int:
    requested = container.resources.requests.get(resource)
    return default if requested is None else amount_of(resource, requested)


def _host_ports(pod: Pod) -> Iterator[HostPort]:
    for container in pod.spec.containers:
        for port in container.ports:
            if port.host_port:
                yield HostPort(port.protocol, port.host_ip or "0.0.0.0", port.host_port)
