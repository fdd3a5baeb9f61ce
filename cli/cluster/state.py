"""How a cluster stands, as its run directory and the API server tell.

The API is asked with the standard library alone: `naru up` and `naru status` then need no more than a few milliseconds
of start, while the components are busy loading theirs.
"""

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import Any

from cli.cluster.config import ClusterConfig
from cli.cluster.layout import Layout
from cli.cluster.processes import ProcessRecord, records


@dataclass(frozen=True)
class ComponentState:
    """What the supervisor says of one component."""

    name: str
    state: str
    pid: int
    restarts: int
    last_exit: str


@dataclass(frozen=True)
class NodeState:
    """A node as the API server has it."""

    name: str
    ready: bool
    message: str


def supervisor_of(layout: Layout) -> ProcessRecord | None:
    """Return the living supervisor of the cluster, if there is one."""
    record = ProcessRecord.load(layout.pids / "supervisor.json")
    return record if record is not None and record.alive else None


def is_running(layout: Layout) -> bool:
    """Tell whether anything of the cluster lives."""
    return any(record.alive for record in records(layout.pids))


def component_states(layout: Layout) -> list[ComponentState]:
    """Read what the supervisor last wrote; empty when it has written nothing."""
    try:
        components: dict[str, dict[str, Any]] = json.loads(layout.supervisor_state.read_bytes())["components"]
    except (FileNotFoundError, ValueError, KeyError):
        return []
    return [
        ComponentState(name, data["state"], data["pid"], data["restarts"], data["lastExit"])
        for name, data in components.items()
    ]


class ApiProbe:
    """Asks a starting API server the same few questions over one connection."""

    def __init__(self, config: ClusterConfig, layout: Layout) -> None:
        context = ssl.create_default_context(cafile=str(layout.pki / "ca.crt"))
        context.load_cert_chain(layout.pki / "admin.crt", layout.pki / "admin.key")
        self._connection = http.client.HTTPSConnection("127.0.0.1", config.api_port, timeout=5, context=context)

    def ready(self) -> bool:
        """Tell whether the API server says that it is ready."""
        return self._get("/readyz") is not None

    def nodes(self) -> list[NodeState] | None:
        """List the nodes; None while there is no answer."""
        body = self._get("/api/v1/nodes")
        if body is None:
            return None
        return [_node_state(node) for node in json.loads(body).get("items", ())]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _get(self, path: str) -> bytes | None:
        try:
            self._connection.request("GET", path, headers={"Accept": "application/json", "User-Agent": "naru-up"})
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()  # the next request opens it anew
            return None
        return body if response.status == 200 else None


def _node_state(node: dict[str, Any]) -> NodeState:
    conditions = node.get("status", {}).get("conditions", ())
    ready: dict[str, Any] = next((condition for condition in conditions if condition["type"] == "Ready"), {})
    return NodeState(node["metadata"]["name"], ready.get("status") == "True", str(ready.get("message", "")))
