"""Compute a pod's status from what its node observes.

Flow: Pod, Observed -> *PodStatus* -> status_patch -> one patch of the status subresource, when something changed.

Source: Kubernetes documentation, "Pod Lifecycle"; the reasons and messages are kubelet's.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from naru.api.container_v1 import Container
from naru.api.pod_status_v1 import (
    ContainerState,
    ContainerStateRunning,
    ContainerStateTerminated,
    ContainerStateWaiting,
    ContainerStatus,
    HostIP,
    PodIP,
    PodStatus,
)
from naru.api.pod_v1 import Pod
from naru.api.pods import qos_class
from nodeagent.pods import plan
from nodeagent.pods.conditions import pod_conditions
from nodeagent.pods.faults import before_start
from nodeagent.pods.observed import ContainerView, Ending, Observed, SandboxPhase
from nodeagent.runtime import spec as runtime

CONTAINER_ID_PREFIX: Final = "naru://"


def pod_status(pod: Pod, observed: Observed) -> PodStatus:
    """Compute the status; what the node does not own (others' conditions, nominatedNodeName) is kept."""
    now = moment(int(observed.now * 1_000_000))
    if observed.verdict is not None and not observed.verdict.admitted:
        return _rejected(pod, observed, now)
    init = tuple(_container_status(pod, c, observed, init=True) for c in pod.spec.init_containers)
    containers = tuple(_container_status(pod, c, observed, init=False) for c in pod.spec.containers)
    phase = pod_phase(pod, observed, init, containers)
    ready = observed.sandbox is SandboxPhase.READY
    verdict = observed.verdict
    return pod.status.model_copy(
        update={
            "observed_generation": pod.metadata.generation,
            "phase": phase,
            "reason": verdict.reason if verdict else "",
            "message": verdict.message if verdict else "",
            "conditions": pod_conditions(pod, phase, ready, init, containers, now),
            "init_container_statuses": init,
            "container_statuses": containers,
            "start_time": pod.status.start_time or moment(int(observed.started_at * 1_000_000)),
            "qos_class": qos_class(pod),
            **_addresses(pod, observed),
        }
    )


def pod_phase(
    pod: Pod, observed: Observed, init: Sequence[ContainerStatus], containers: Sequence[ContainerStatus]
) -> str:
    """Sum the containers up in one word."""
    if observed.verdict is not None:
        return "Failed"
    if pod.status.phase in plan.TERMINAL_PHASES:
        return pod.status.phase  # a pod that has ended never runs again
    over = observed.stopped or (plan.is_done(pod, observed) and not observed.gone)
    if over:
        return _terminal_phase(containers)
    if any(not status.ready for status in init) and not any(status.state.running for status in containers):
        return "Pending"
    if any(not _has_run(status) for status in containers):
        return "Pending"
    return "Running"


def moment(unix_us: int) -> datetime:
    """Turn the runtime's microseconds into the API's whole seconds."""
    return datetime.fromtimestamp(unix_us // 1_000_000, UTC)


def crash_message(pod: Pod, name: str, delay_s: float) -> str:
    """Say how long a failed container waits before its restart."""
    return f"back-off {go_duration(delay_s)} restarting failed container={name} pod={full_name(pod)}"


def full_name(pod: Pod) -> str:
    """Name a pod as kubelet's messages do: ``web_default(uid)``."""
    return f"{pod.metadata.name}_{pod.metadata.namespace}({pod.metadata.uid})"


def go_duration(seconds: float) -> str:
    """Write whole seconds as Go does: ``10s``, ``1m20s``, ``5m0s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _rejected(pod: Pod, observed: Observed, now: datetime) -> PodStatus:
    verdict = observed.verdict
    assert verdict is not None
    update = {"phase": "Failed", "reason": verdict.reason, "message": verdict.message, "qos_class": qos_class(pod)}
    return pod.status.model_copy(
        update={**update, "observed_generation": pod.metadata.generation, "start_time": pod.status.start_time or now}
    )


def _addresses(pod: Pod, observed: Observed) -> dict[str, object]:
    pod_ip = observed.host_ip if pod.spec.host_network else observed.pod_ip
    pod_ip = pod_ip or pod.status.pod_ip  # kept after the end: people look for it in logs
    return {
        "host_ip": observed.host_ip,
        "host_ips": (HostIP(ip=observed.host_ip),),
        "pod_ip": pod_ip,
        "pod_ips": (PodIP(ip=pod_ip),) if pod_ip else (),
    }


def _has_run(status: ContainerStatus) -> bool:
    return bool(status.state.running or status.state.terminated or status.last_state.terminated)


def _terminal_phase(containers: Sequence[ContainerStatus]) -> str:
    ends = [status.state.terminated or status.last_state.terminated for status in containers]
    return "Succeeded" if all(end is not None and end.exit_code == 0 for end in ends) else "Failed"


def _container_status(pod: Pod, container: Container, observed: Observed, *, init: bool) -> ContainerStatus:
    view = observed.view(container.name)
    state = _state(pod, container, view, observed)
    newest_is_last = state.waiting is not None and view.exited is not None
    last = view.exited if newest_is_last else view.previous
    ending = view.ending if newest_is_last else view.previous_ending
    ready = _is_ready(state, init)
    return ContainerStatus(
        name=container.name,
        state=state,
        last_state=ContainerState(terminated=_terminated(last, ending)) if last else ContainerState(),
        ready=ready,
        started=state.running is not None if not init else ready,
        restart_count=view.state.attempt if view.state else 0,
        image=container.image,
        image_id=view.image_id,
        container_id=CONTAINER_ID_PREFIX + view.state.id if view.state else "",
    )


def _is_ready(state: ContainerState, init: bool) -> bool:
    if init:
        return state.terminated is not None and state.terminated.exit_code == 0
    return state.running is not None


def _state(pod: Pod, container: Container, view: ContainerView, observed: Observed) -> ContainerState:
    over = plan.is_over(pod, observed)
    if view.waiting is not None and not (over and view.exited):
        return ContainerState(waiting=ContainerStateWaiting(reason=view.waiting.reason, message=view.waiting.message))
    if view.state is None or view.state.phase is runtime.ContainerPhase.CREATED:
        return ContainerState(waiting=ContainerStateWaiting(reason=before_start(pod)))
    if view.state.phase is runtime.ContainerPhase.RUNNING:
        return ContainerState(running=ContainerStateRunning(started_at=moment(view.state.started_at_us)))
    if view.back_off_s and view.due_at > observed.now and not over:
        message = crash_message(pod, container.name, view.back_off_s)
        return ContainerState(waiting=ContainerStateWaiting(reason="CrashLoopBackOff", message=message))
    return ContainerState(terminated=_terminated(view.state, view.ending))


def _terminated(state: runtime.ContainerState, ending: Ending) -> ContainerStateTerminated:
    return ContainerStateTerminated(
        exit_code=state.exit_code,
        reason=ending.reason or _end_reason(state),
        message=ending.message,
        started_at=moment(state.started_at_us),
        finished_at=moment(state.finished_at_us),
        container_id=CONTAINER_ID_PREFIX + state.id,
    )


def _end_reason(state: runtime.ContainerState) -> str:
    if state.oom_killed:
        return "OOMKilled"
    return "Completed" if state.exit_code == 0 else "Error"
