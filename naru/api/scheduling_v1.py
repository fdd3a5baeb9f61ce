"""PriorityClass: how important pods are to each other.

Source: Kubernetes API reference, scheduling.k8s.io/v1.
"""

from typing import Annotated

from naru.api.meta import KubeObject
from naru.api.model import REQUIRED, Int32


class PriorityClass(KubeObject):
    """A number under a name: pods that name the class get it as their priority."""

    kind: str = "PriorityClass"
    api_version: str = "scheduling.k8s.io/v1"
    value: Annotated[Int32, REQUIRED] = 0  # the priority; the higher, the more important. It never changes
    global_default: bool = False  # true: the class of pods that name none; one class at most
    description: str = ""  # when to use the class, for people
    # PreemptLowerPriority: less important pods may have to go; Never: the pod waits. It never changes
    preemption_policy: str = "PreemptLowerPriority"
