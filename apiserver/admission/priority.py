"""Priority: the number and the preemption policy behind a pod's priority class.

Source: Kubernetes documents, "Pod Priority and Preemption".
"""

from typing import Any, Final

from apiserver.admission.attributes import Attributes, Operation
from naru.api.meta import KubeObject
from naru.api.pod_v1 import Pod
from naru.api.scheduling_v1 import PriorityClass
from naru.api.scheme import resource_of

_CLASSES: Final = resource_of(PriorityClass)
NO_CLASS: Final = PriorityClass()  # that of pods that name none, where no class is the default: priority 0


async def set_priority(attributes: Attributes) -> KubeObject:
    """Set the priority of a new pod, keep that of an old one, and let only one class be the default."""
    obj = attributes.obj
    if isinstance(obj, Pod) and attributes.operation is Operation.UPDATE and isinstance(attributes.old, Pod):
        return _with_kept(obj, attributes.old)
    if isinstance(obj, Pod) and attributes.creates("pods"):
        return _with_priority(obj, await _class_of(attributes, obj.spec.priority_class_name), attributes)
    if isinstance(obj, PriorityClass) and attributes.operation is not Operation.DELETE and obj.global_default:
        _check_only_default(attributes, obj)
    return obj


async def _class_of(attributes: Attributes, name: str) -> PriorityClass:
    if not name:
        return _default_class(attributes) or NO_CLASS
    reader = attributes.reader
    found = reader.cached(_CLASSES, "", name) or await reader.fresh(_CLASSES, "", name)
    if not isinstance(found, PriorityClass):
        raise attributes.refuse(f"no PriorityClass with name {name} was found")
    return found


def _default_class(attributes: Attributes) -> PriorityClass | None:
    """Return the class of pods that name none; of several, that of the lowest priority."""
    classes = attributes.reader.cached_list(_CLASSES)
    defaults = [found for found in classes if isinstance(found, PriorityClass) and found.global_default]
    return min(defaults, key=lambda found: found.value, default=None)


def _with_priority(pod: Pod, priority: PriorityClass, attributes: Attributes) -> Pod:
    """Return a pod with what its class says, and with nothing that contradicts it."""
    spec, policy = pod.spec, priority.preemption_policy
    computed = "priority admission controller computed {} from the given PriorityClass name"
    if spec.priority not in (None, priority.value):
        raise attributes.refuse(
            f"the integer value of priority ({spec.priority}) must not be provided in pod spec; "
            + computed.format(priority.value)
        )
    if spec.preemption_policy not in (None, policy):
        raise attributes.refuse(
            f"the string value of PreemptionPolicy ({spec.preemption_policy}) must not be provided in pod spec; "
            + computed.format(policy)
        )
    update: dict[str, Any] = {"priority": priority.value, "preemption_policy": policy}
    if priority.metadata.name:
        update["priority_class_name"] = priority.metadata.name
    return pod.model_copy(update={"spec": spec.model_copy(update=update)})


def _with_kept(new: Pod, old: Pod) -> Pod:
    """Return a pod with the priority that it had, where the sender leaves it out."""
    update = {
        name: getattr(old.spec, name)
        for name in ("priority", "preemption_policy")
        if getattr(new.spec, name) is None and getattr(old.spec, name) is not None
    }
    return new.model_copy(update={"spec": new.spec.model_copy(update=update)}) if update else new


def _check_only_default(attributes: Attributes, priority: PriorityClass) -> None:
    default = _default_class(attributes)
    if default is None:
        return
    if attributes.operation is Operation.CREATE or default.metadata.name != priority.metadata.name:
        name = default.metadata.name
        raise attributes.refuse(f"PriorityClass {name} is already marked as default. Only one default can exist")
