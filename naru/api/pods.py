"""Facts about a Pod that several components need, each computed from the Pod alone.

Source: Kubernetes, "Pod Lifecycle", "Resource Management for Pods and Containers", "Pod Quality of Service".
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from naru.api.conditions import ConditionStatus, find_condition, is_true
from naru.api.container_v1 import Container
from naru.api.pod_status_v1 import ContainerStatus, PodPhase
from naru.api.pod_v1 import Pod
from naru.api.quantity import format_quantity, parse_quantity

READY: Final = "Ready"
_QOS_RESOURCES: Final = ("cpu", "memory")
_BINARY: Final = ("memory", "ephemeral-storage", "hugepages-")  # resources counted in bytes


class QOSClass(StrEnum):
    """How soon a pod suffers when its node runs short."""

    GUARANTEED = "Guaranteed"
    BURSTABLE = "Burstable"
    BEST_EFFORT = "BestEffort"


def is_terminal(pod: Pod) -> bool:
    """Tell whether the pod's containers have ended for good."""
    return pod.status.phase in (PodPhase.SUCCEEDED, PodPhase.FAILED)


def is_active(pod: Pod) -> bool:
    """Tell whether a controller may count on the pod: it has not ended, and nobody deletes it."""
    return not is_terminal(pod) and pod.metadata.deletion_timestamp is None


def is_ready(pod: Pod) -> bool:
    """Tell whether the pod's ``Ready`` condition holds."""
    return is_true(pod.status.conditions, READY)


def is_available(pod: Pod, min_ready_seconds: int, now: datetime) -> bool:
    """Tell whether the pod has been ready for so long without a break."""
    condition = find_condition(pod.status.conditions, READY)
    if condition is None or condition.status != ConditionStatus.TRUE:
        return False
    since = condition.last_transition_time
    return min_ready_seconds == 0 or (since is not None and (now - since).total_seconds() >= min_ready_seconds)


def container_path(pod: Pod, name: str) -> str:
    """Point at a container of the pod, as events do: ``spec.containers{web}``."""
    is_init = any(container.name == name for container in pod.spec.init_containers)
    return f"spec.{'initContainers' if is_init else 'containers'}{{{name}}}"


def is_scheduled(pod: Pod) -> bool:
    """Tell whether the pod belongs to a node."""
    return bool(pod.spec.node_name)


def is_sidecar(container: Container) -> bool:
    """Tell whether an init container keeps running beside the pod's containers."""
    return container.restart_policy == "Always"


def find_status(pod: Pod, container: str) -> ContainerStatus | None:
    """Return the status of a container, whatever sort of container it is."""
    status = pod.status
    every = (*status.container_statuses, *status.init_container_statuses, *status.ephemeral_container_statuses)
    return next((candidate for candidate in every if candidate.name == container), None)


def restart_count(pod: Pod) -> int:
    """Return how often the pod's containers were restarted, together."""
    return sum(status.restart_count for status in pod.status.container_statuses)


def _amounts(quantities: Mapping[str, str]) -> dict[str, Decimal]:
    return {name: parse_quantity(quantity) for name, quantity in quantities.items()}


def _sum(every: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for amounts in every:
        for name, amount in amounts.items():
            total[name] = total.get(name, Decimal(0)) + amount
    return total


def _max(every: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    largest: dict[str, Decimal] = {}
    for amounts in every:
        for name, amount in amounts.items():
            largest[name] = max(largest.get(name, amount), amount)
    return largest


def container_requests(container: Container) -> dict[str, str]:
    """Return what one container asks for; where it only has a limit, the limit is the request."""
    return {**container.resources.limits, **container.resources.requests}


def pod_requests(pod: Pod) -> dict[str, str]:
    """Return what the node must have free for the pod, by resource.

    Init containers run one after the other before the containers, but each sidecar stays from its start on, so the
    pod needs the largest of the moments. Overhead comes on top.
    """
    sidecars: list[dict[str, Decimal]] = []
    moments: list[dict[str, Decimal]] = []
    for container in pod.spec.init_containers:
        amounts = _amounts(container_requests(container))
        moments.append(_sum([*sidecars, amounts]))
        if is_sidecar(container):
            sidecars.append(amounts)
    running = [_amounts(container_requests(container)) for container in pod.spec.containers]
    moments.append(_sum([*sidecars, *running]))
    total = _sum([_max(moments), _amounts(pod.spec.overhead)])
    return {name: format_quantity(amount, binary=name.startswith(_BINARY)) for name, amount in total.items()}


def qos_class(pod: Pod) -> str:
    """Return the pod's class: Guaranteed when limits and requests are given and equal, BestEffort when none is."""
    containers = (*pod.spec.containers, *pod.spec.init_containers)
    guaranteed, any_given = True, False
    for container in containers:
        limits, requests = _positive(container.resources.limits), _positive(container_requests(container))
        any_given = any_given or bool(limits or requests)
        guaranteed = guaranteed and set(limits) == set(_QOS_RESOURCES) and limits == requests
    if not any_given:
        return QOSClass.BEST_EFFORT
    return QOSClass.GUARANTEED if guaranteed else QOSClass.BURSTABLE


def _positive(quantities: Mapping[str, str]) -> dict[str, Decimal]:
    amounts = {name: parse_quantity(quantities[name]) for name in _QOS_RESOURCES if name in quantities}
    return {name: amount for name, amount in amounts.items() if amount > 0}
