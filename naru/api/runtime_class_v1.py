"""RuntimeClass: which runtime runs a pod, and what that costs.

Source: Kubernetes API reference, node.k8s.io/v1.
"""

from typing import Annotated

from naru.api.meta import KubeObject
from naru.api.model import ATOMIC, REQUIRED, Model
from naru.api.placement_v1 import Toleration
from naru.api.quantity import Quantity


class Overhead(Model):
    """TODO."""

    pod_fixed: dict[str, Quantity] = {}


class Scheduling(Model):
    """TODO."""

    node_selector: Annotated[dict[str, str], ATOMIC] = {}
    tolerations: tuple[Toleration, ...] = ()


class RuntimeClass(KubeObject):
    """TODO."""

    kind: str = "RuntimeClass"
    api_version: str = "node.k8s.io/v1"
    handler: Annotated[str, REQUIRED] = ""
    overhead: Overhead | None = None
    scheduling: Scheduling | None = None
