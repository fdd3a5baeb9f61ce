"""Refuse a pod that the node cannot take, however it came here: the scheduler may have seen an older picture.

Source: Kubernetes documentation, "Kubelet admission"; reasons and messages are kubelet's.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from naru.api.pod_v1 import Pod
from naru.api.pods import is_terminal, pod_requests
from naru.api.quantity import parse_quantity
from nodeagent.pods.observed import Verdict
from nodeagent.pods.sysctls import forbidden_sysctl

_MILLI: Final = 1000
_REASONS: Final = {"cpu": "OutOfcpu", "memory": "OutOfmemory", "ephemeral-storage": "OutOfephemeral-storage"}


def admit(pod: Pod, others: Iterable[Pod], allocatable: Mapping[str, str], labels: Mapping[str, str]) -> Verdict | None:
    """Return why the node does not take the pod; None when it does.

    Args:
        others: the pods that the node has.
        labels: the node's.
    """
    selector = pod.spec.node_selector
    if any(labels.get(key) != value for key, value in selector.items()):
        message = "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
        return _refused("NodeAffinity", message)
    if (forbidden := forbidden_sysctl(pod)) is not None:
        return _refused("SysctlForbidden", forbidden)
    active = [other for other in others if not is_terminal(other) and other.metadata.uid != pod.metadata.uid]
    if (too_many := _shortage("pods", Decimal(1), Decimal(len(active)), allocatable)) is not None:
        return _refused("OutOfpods", too_many)
    wanted = pod_requests(pod)
    taken = [pod_requests(other) for other in active]
    for resource, reason in _REASONS.items():
        if resource not in wanted:
            continue
        used = sum((parse_quantity(amounts.get(resource, "0")) for amounts in taken), Decimal(0))
        if (short := _shortage(resource, parse_quantity(wanted[resource]), used, allocatable)) is not None:
            return _refused(reason, short)
    return None


def _shortage(resource: str, wanted: Decimal, used: Decimal, allocatable: Mapping[str, str]) -> str | None:
    capacity = parse_quantity(allocatable.get(resource, "0"))
    if used + wanted <= capacity or wanted == 0:
        return None
    scale = _MILLI if resource == "cpu" else 1
    numbers = [int(amount * scale) for amount in (wanted, used, capacity)]
    return "Node didn't have enough resource: {}, requested: {}, used: {}, capacity: {}".format(resource, *numbers)


def _refused(reason: str, message: str) -> Verdict:
    return Verdict(reason, f"Pod was rejected: {message}", admitted=False)
