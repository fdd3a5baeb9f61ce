"""Defaults of Namespaces, Nodes and Secrets."""

from typing import Final

from naru.api.config_v1 import Secret
from naru.api.namespace_v1 import Namespace
from naru.api.node_v1 import Node

NAME_LABEL: Final = "kubernetes.io/metadata.name"  # every namespace carries its own name as a label


def default_namespace(namespace: Namespace) -> Namespace:
    """Label a namespace with its name, so that selectors can name it."""
    meta = namespace.metadata
    if not meta.name or meta.labels.get(NAME_LABEL) == meta.name:
        return namespace
    labels = {**meta.labels, NAME_LABEL: meta.name}
    return namespace.model_copy(update={"metadata": meta.model_copy(update={"labels": labels})})


def default_node(node: Node) -> Node:
    """Let pods have all of a node that does not say what it keeps for itself."""
    status = node.status
    if status.allocatable or not status.capacity:
        return node
    return node.model_copy(update={"status": status.model_copy(update={"allocatable": status.capacity})})


def default_secret(secret: Secret) -> Secret:
    """Move what was written as text to where it is read as bytes."""
    if not secret.string_data:
        return secret
    data = {**secret.data, **{key: text.encode() for key, text in secret.string_data.items()}}
    return secret.model_copy(update={"data": data, "string_data": {}})


DEFAULTS: Final = {Namespace: default_namespace, Node: default_node, Secret: default_secret}
