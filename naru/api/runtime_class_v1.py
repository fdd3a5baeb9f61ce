"""RuntimeClass: which runtime runs a pod, and what that costs.

Source: Kubernetes API reference, node.k8s.io/v1.
"""

from typing import Annotated

from naru.api.meta import KubeObject
from naru.api.model import ATOMIC, REQUIRED, Model
from naru.api.placement_v1 import Toleration
from naru.api.quantity import Quantity


class Overhead(Model):
    """What a pod costs beside its containers."""

    pod_fixed: dict[str, Quantity] = {}  # how much each pod costs, by resource


class Scheduling(Model):
    """Which nodes have the runtime."""

    # labels of those nodes; they are added to the pod's own nodeSelector
    node_selector: Annotated[dict[str, str], ATOMIC] = {}
    tolerations: tuple[Toleration, ...] = ()  # taints of those nodes; they are added to what the pod tolerates


class RuntimeClass(KubeObject):
    """A runtime that pods can ask for."""

    kind: str = "RuntimeClass"
    api_version: str = "node.k8s.io/v1"
    handler: Annotated[str, REQUIRED] = ""  # what the node calls the runtime; it never changes
    overhead: Overhead | None = None  # what a pod costs beside its containers
    scheduling: Scheduling | None = None  # which nodes have it; unset: all
