"""The downward API: a pod's own facts, as environment values or as files.

Flow: fieldRef, resourceFieldRef -> *text* -> env.py, volumes/payload.py.
Source: Kubernetes documentation, "Downward API"; core/v1 ObjectFieldSelector and ResourceFieldSelector.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

from naru.api.container_v1 import Container
from naru.api.pod_v1 import Pod
from naru.api.quantity import parse_quantity
from naru.api.refs_v1 import ResourceFieldSelector
from nodeagent.pods.faults import ConfigFault

_SUBSCRIPT: Final = re.compile(r"(metadata\.(?:labels|annotations))\['([^']*)'\]")


@dataclass(frozen=True)
class NodeFacts:
    """What the node contributes: its addresses, and what a container may use that sets no limit."""

    host_ip: str
    allocatable: Mapping[str, str]  # quantities by resource name


@dataclass(frozen=True)
class PodFacts:
    """A pod and what is known of it outside its object."""

    pod: Pod
    node: NodeFacts
    pod_ip: str = ""


_FIELDS: Final[Mapping[str, Callable[[PodFacts], str]]] = {
    "metadata.name": lambda facts: facts.pod.metadata.name,
    "metadata.namespace": lambda facts: facts.pod.metadata.namespace,
    "metadata.uid": lambda facts: facts.pod.metadata.uid,
    "metadata.labels": lambda facts: format_map(facts.pod.metadata.labels),
    "metadata.annotations": lambda facts: format_map(facts.pod.metadata.annotations),
    "spec.nodeName": lambda facts: facts.pod.spec.node_name,
    "spec.serviceAccountName": lambda facts: facts.pod.spec.service_account_name,
    "status.hostIP": lambda facts: facts.node.host_ip,
    "status.hostIPs": lambda facts: facts.node.host_ip,
    "status.podIP": lambda facts: facts.pod_ip,
    "status.podIPs": lambda facts: facts.pod_ip,
}


def field_value(facts: PodFacts, path: str) -> str:
    """Return the field that ``path`` names, such as ``metadata.labels['app']``; a missing label is empty.

    Raises:
        ConfigFault: the path names nothing that the downward API offers.
    """
    if match := _SUBSCRIPT.fullmatch(path):
        meta = facts.pod.metadata
        values = meta.labels if match[1] == "metadata.labels" else meta.annotations
        return values.get(match[2], "")
    if path not in _FIELDS:
        raise ConfigFault(f"unsupported fieldPath: {path}")
    return _FIELDS[path](facts)


def format_map(values: Mapping[str, str]) -> str:
    """Write labels or annotations as the downward API's files do: sorted lines of ``key="value"``."""
    return "\n".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in sorted(values.items()))


def resource_value(facts: PodFacts, selector: ResourceFieldSelector, own: Container | None = None) -> str:
    """Return a container's limit or request in units of the divisor, rounded up.

    Args:
        own: the container meant when the selector names none.

    Raises:
        ConfigFault: the container or the resource does not exist.
    """
    container = _container(facts.pod, selector.container_name) if selector.container_name else own
    if container is None:
        raise ConfigFault(f"container {selector.container_name} not found")
    kind, _, resource = selector.resource.partition(".")
    amounts = {"limits": container.resources.limits, "requests": container.resources.requests}.get(kind)
    if amounts is None or not resource:
        raise ConfigFault(f"unsupported container resource: {selector.resource}")
    default = facts.node.allocatable.get(resource, "0") if kind == "limits" else "0"
    divisor = parse_quantity(selector.divisor) or Decimal(1)
    return str((parse_quantity(amounts.get(resource, default)) / divisor).to_integral_value(ROUND_CEILING))


def _container(pod: Pod, name: str) -> Container | None:
    return next((c for c in (*pod.spec.containers, *pod.spec.init_containers) if c.name == name), None)
