"""Priority: the number behind a pod's priority class.

There are no PriorityClass objects yet: a pod has priority 0, or that of one of the two classes of system pods.
"""

from typing import Final

from apiserver.admission.attributes import Attributes
from naru.api.meta import KubeObject
from naru.api.pod_v1 import Pod

CLASSES: Final = {"": 0, "system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}


async def set_priority(attributes: Attributes) -> KubeObject:
    """Set the priority of a new pod."""
    pod = attributes.obj
    if not attributes.creates("pods") or not isinstance(pod, Pod):
        return pod
    priority = CLASSES.get(pod.spec.priority_class_name)
    if priority is None:
        raise attributes.refuse(f"no PriorityClass with name {pod.spec.priority_class_name} was found")
    if pod.spec.priority not in (None, priority):
        raise attributes.refuse(
            f"the integer value of priority ({pod.spec.priority}) must not be provided in pod spec; "
            f"priority admission controller computed {priority} from the given PriorityClass name"
        )
    return pod.model_copy(update={"spec": pod.spec.model_copy(update={"priority": priority})})
