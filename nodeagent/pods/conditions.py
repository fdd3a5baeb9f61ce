"""The conditions of a pod that its node writes.

Source: Kubernetes documentation, "Pod Lifecycle", pod conditions; the reasons and messages are kubelet's.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from naru.api.pod_status_v1 import ContainerStatus, PodCondition
from naru.api.pod_v1 import Pod

Fact = tuple[bool, str, str]  # whether it holds; reason and message when there is something to say


def pod_conditions(
    pod: Pod,
    phase: str,
    sandbox_ready: bool,
    init: Sequence[ContainerStatus],
    containers: Sequence[ContainerStatus],
    now: datetime,
) -> tuple[PodCondition, ...]:
    """Compute the node's own conditions; those of others stay as the pod has them."""
    ready = _containers_ready(phase, containers)
    facts = {
        "PodReadyToStartContainers": (sandbox_ready, "", ""),
        "Initialized": _initialized(phase, init, containers),
        "Ready": _ready(pod, ready),
        "ContainersReady": ready,
    }
    old = {condition.type: condition for condition in pod.status.conditions}
    own = [_condition(name, fact, pod.metadata.generation, old.get(name), now) for name, fact in facts.items()]
    return (*own, *(condition for name, condition in old.items() if name not in facts))


def _condition(name: str, fact: Fact, generation: int, old: PodCondition | None, now: datetime) -> PodCondition:
    holds, reason, message = fact
    status = "True" if holds else "False"
    since = old.last_transition_time if old is not None and old.status == status else now
    return PodCondition(
        type=name,
        status=status,
        observed_generation=generation,
        last_transition_time=since,
        reason=reason,
        message=message,
    )


def _containers_ready(phase: str, containers: Sequence[ContainerStatus]) -> Fact:
    if phase == "Succeeded":
        return False, "PodCompleted", ""
    if phase == "Failed":
        return False, "PodFailed", ""
    unready = _names(containers, lambda status: not status.ready)
    if unready or not containers:
        return False, "ContainersNotReady", f"containers with unready status: {unready}"
    return True, "", ""


def _ready(pod: Pod, containers_ready: Fact) -> Fact:
    if not containers_ready[0]:
        return containers_ready
    statuses = {condition.type: condition.status for condition in pod.status.conditions}
    gates = [gate.condition_type for gate in pod.spec.readiness_gates]
    missing = [_gate_message(gate, statuses.get(gate)) for gate in gates if statuses.get(gate) != "True"]
    return (False, "ReadinessGatesNotReady", ", ".join(missing)) if missing else (True, "", "")


def _gate_message(gate: str, status: str | None) -> str:
    if status is None:
        return f'corresponding condition of pod readiness gate "{gate}" does not exist.'
    return f'the status of pod readiness gate "{gate}" is not "True", but {status}'


def _initialized(phase: str, init: Sequence[ContainerStatus], containers: Iterable[ContainerStatus]) -> Fact:
    if phase == "Succeeded":
        return True, "PodCompleted", ""
    if any(status.started or status.state.terminated or status.last_state.terminated for status in containers):
        return True, "", ""
    if incomplete := _names(init, lambda status: not status.ready):
        return False, "ContainersNotInitialized", f"containers with incomplete status: {incomplete}"
    return True, "", ""


def _names(statuses: Iterable[ContainerStatus], chosen: Callable[[ContainerStatus], bool]) -> str:
    """Write names as upstream's messages do: ``[a b]``; empty when there are none."""
    names = [status.name for status in statuses if chosen(status)]
    return f"[{' '.join(names)}]" if names else ""
