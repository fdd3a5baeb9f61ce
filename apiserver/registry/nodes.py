"""Nodes: registered by their agents together with their first status."""

from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import AGE, NAME, NONE, Column
from apiserver.registry.strategy import Strategy, status_of, with_meta
from naru.api.conditions import find_condition
from naru.api.durations import UNKNOWN, human_age
from naru.api.node_v1 import Node

ROLE_PREFIX: Final = "node-role.kubernetes.io/"
ROLE_LABEL: Final = "kubernetes.io/role"


class NodeStrategy(Strategy[Node]):
    """The rules of nodes."""

    has_status = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Status", "Whether the node can run pods."),
        Column("Roles", "What the node is for."),
        AGE,
        Column("Version", "Version of the node agent."),
        Column("Internal-IP", "Address of the node inside the cluster.", wide=True),
        Column("External-IP", "Address of the node for the world outside.", wide=True),
        Column("OS-Image", "Operating system of the node.", wide=True),
        Column("Kernel-Version", "Kernel of the node.", wide=True),
        Column("Container-Runtime", "Runtime of the node, with its version.", wide=True),
    )

    def with_first_status(self, obj: Node) -> Node:
        """Take the status that the agent registers with."""
        return obj

    def prepare_for_status_update(self, new: Node, old: Node) -> Node:
        """Let the agent write labels and annotations together with the status."""
        kept = ("labels", "annotations", "managed_fields")
        meta = {name: getattr(new.metadata, name) for name in kept}
        return with_meta(old, meta).model_copy(update={"status": status_of(new)})

    def selectable_fields(self, obj: Node) -> dict[str, str]:
        """Let clients ask for the nodes that take pods."""
        return {**super().selectable_fields(obj), "spec.unschedulable": str(obj.spec.unschedulable).lower()}

    def row(self, obj: Node, now: datetime) -> list[Any]:
        """Show health, roles and versions."""
        info = obj.status.node_info
        return [
            obj.metadata.name,
            _status(obj),
            ",".join(_roles(obj)) or NONE,
            human_age(obj.metadata.creation_timestamp, now),
            info.kubelet_version,
            _address(obj, "InternalIP"),
            _address(obj, "ExternalIP"),
            info.os_image or UNKNOWN,
            info.kernel_version or UNKNOWN,
            info.container_runtime_version or UNKNOWN,
        ]


def _status(node: Node) -> str:
    ready = find_condition(node.status.conditions, "Ready")
    words = ["Unknown" if ready is None else "Ready" if ready.status == "True" else "NotReady"]
    return ",".join(words + ["SchedulingDisabled"] * node.spec.unschedulable)


def _roles(node: Node) -> list[str]:
    labels = node.metadata.labels
    roles = {key.removeprefix(ROLE_PREFIX) for key in labels if key.startswith(ROLE_PREFIX)}
    return sorted(role for role in {*roles, labels.get(ROLE_LABEL, "")} if role)


def _address(node: Node, kind: str) -> str:
    return next((address.address for address in node.status.addresses if address.type == kind), NONE)


STRATEGIES: Final = {"nodes": NodeStrategy()}
