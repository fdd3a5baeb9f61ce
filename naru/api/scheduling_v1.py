"""PriorityClass: how important pods are to each other.

Source: Kubernetes API reference, scheduling.k8s.io/v1.
"""

from typing import Annotated

from naru.api.meta import KubeObject
from naru.api.model import ALWAYS, Int32


class PriorityClass(KubeObject):
    """TODO."""

    kind: str = "PriorityClass"
    api_version: str = "scheduling.k8s.io/v1"
    value: Annotated[Int32, ALWAYS] = 0
    global_default: bool = False
    description: str = ""
    preemption_policy: str | None = None
