"""Which container of which pod, and where its node listens: decided from the objects alone.

Source: the texts are those of the API server of Kubernetes, which clients show and some parse.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from naru.api.errors import BadRequest, NotFound, ServiceUnavailable
from naru.api.meta import KubeObject
from naru.api.node_v1 import Node
from naru.api.pod_v1 import Pod
from naru.api.scheme import Resource, resource_of

POD: Final = resource_of(Pod)
NODE: Final = resource_of(Node)

_FINISHED: Final = ("Succeeded", "Failed")


class NoNode(BadRequest):
    """The pod is on no node yet: a command cannot run, and a log is empty."""


class Reader(Protocol):
    """The part of the server's ObjectReader that is needed here."""

    def cached(self, resource: Resource, namespace: str, name: str) -> KubeObject | None:
        """Return an object from the watch cache."""

    async def fresh(self, resource: Resource, namespace: str, name: str) -> KubeObject | None:
        """Return an object as new as every acknowledged write."""


class Named(Protocol):
    """A container, of whatever sort."""

    @property
    def name(self) -> str:
        """Its name within the pod."""


@dataclass(frozen=True)
class Target:
    """A container, and the node agent that can reach it."""

    pod: Pod
    container: str
    node: str
    host: str
    port: int

    def url(self, endpoint: str) -> str:
        """Return the URL of an endpoint of the node agent for this container."""
        meta = self.pod.metadata
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}/{endpoint}/{meta.namespace}/{meta.name}/{self.container}"


async def find_target(reader: Reader, path: Mapping[str, str], wanted: str) -> Target:
    """Find the container that a request names (``wanted`` may be empty), and its node.

    Raises:
        NotFound: no such pod.
        BadRequest: no such container, or several to choose from.
        NoNode: the pod has no node yet.
        ServiceUnavailable: the node is not registered, or has said no address.
    """
    name = path["name"]
    pod = await reader.fresh(POD, path["namespace"], name)
    if not isinstance(pod, Pod):
        raise NotFound(f'pods "{name}" not found', details={"name": name, "kind": "pods"})
    container = choose_container(pod, wanted)
    if not pod.spec.node_name:
        raise NoNode(f"pod {name} does not have a host assigned")
    node = reader.cached(NODE, "", pod.spec.node_name)
    if not isinstance(node, Node):
        raise ServiceUnavailable(f"node {pod.spec.node_name} of pod {name} is not registered")
    host, port = node_address(node)
    return Target(pod, container, node.metadata.name, host, port)


def choose_container(pod: Pod, wanted: str) -> str:
    """Return the container's name: the one asked for, or the only one.

    Raises:
        BadRequest: there is no such container, or more than one to choose from.
    """
    spec, name = pod.spec, pod.metadata.name
    containers, inits = _names(spec.containers), _names(spec.init_containers)
    if wanted:
        if wanted not in (*containers, *inits, *_names(spec.ephemeral_containers)):
            raise BadRequest(f"container {wanted} is not valid for pod {name}")
        return wanted
    if len(containers) == 1:
        return containers[0]
    message = f"a container name must be specified for pod {name}, choose one of: [{' '.join(containers)}]"
    if inits:
        message += f" or one of the init containers: [{' '.join(inits)}]"
    raise BadRequest(message)


def _names(containers: Iterable[Named]) -> list[str]:
    return [container.name for container in containers]


def refuse_finished(pod: Pod) -> None:
    """Refuse to enter a pod whose containers have all ended.

    Raises:
        BadRequest: the pod is Succeeded or Failed.
    """
    if pod.status.phase in _FINISHED:
        raise BadRequest(f"cannot exec into a container in a completed pod; current phase is {pod.status.phase}")


def node_address(node: Node) -> tuple[str, int]:
    """Return where the node's agent listens.

    Raises:
        ServiceUnavailable: the node has not said so (yet).
    """
    addresses = [address.address for address in node.status.addresses if address.type == "InternalIP"]
    port = node.status.daemon_endpoints.kubelet_endpoint.port
    if not addresses or not port:
        raise ServiceUnavailable(f"node {node.metadata.name} has not told where its agent listens")
    return addresses[0], port
