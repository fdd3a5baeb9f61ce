"""Decide what a pod needs next.

Flow: Pod, Observed -> *PodActions* -> worker, which carries them out and looks again.
A pod's life on its node: sandbox; init containers one after the other, each to success; containers together,
restarted as the restart policy says; at the end (deleted, done, or ended by the node) everything is torn down.

Source: Kubernetes documentation, "Pod Lifecycle" and "Init Containers".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from naru.api.container_v1 import Container
from naru.api.pod_v1 import Pod
from nodeagent.pods.observed import ContainerView, Observed, SandboxPhase

TERMINAL_PHASES = frozenset({"Succeeded", "Failed"})
MIN_GRACE_S = 1  # also a deletion with grace 0 lets a process see the signal first


@dataclass(frozen=True)
class PodActions:
    """The next steps of one pod; an empty one means: wait for something to happen, or until ``wake_at``."""

    create_sandbox: bool = False
    start: tuple[str, ...] = ()  # containers by name
    tear_down: bool = False  # stop the containers within ``grace_s``, then remove what the pod has on the node
    grace_s: int = 0
    delete: bool = False  # nothing is left here: take the object out of the API
    forget: bool = False  # nothing is left here, nor in the API
    wake_at: float | None = None  # unix time at which the plan changes by itself


def plan_pod(pod: Pod, observed: Observed) -> PodActions:
    """Compare a pod with what exists of it. No I/O, no clock: same input, same plan."""
    if is_over(pod, observed):
        return _plan_end(pod, observed)
    if observed.sandbox is not SandboxPhase.READY:
        return _plan_sandbox(pod, observed)
    candidates = due_containers(pod, observed)
    startable = [c.name for c in candidates if not observed.view(c.name).busy]
    start = tuple(name for name in startable if observed.view(name).due_at <= observed.now)
    times = [observed.view(name).due_at for name in startable if name not in start]
    return PodActions(start=start, wake_at=_earliest([*times, deadline(pod, observed)]))


def is_over(pod: Pod, observed: Observed) -> bool:
    """Tell whether the pod's containers are to be stopped, or need not run any more."""
    return (
        observed.gone
        or pod.metadata.deletion_timestamp is not None
        or observed.verdict is not None
        or pod.status.phase in TERMINAL_PHASES
        or is_done(pod, observed)
    )


def is_done(pod: Pod, observed: Observed) -> bool:
    """Tell whether every container ended for good, or an init container failed for good."""
    init = [observed.view(c.name) for c in pod.spec.init_containers]
    if any(_ended_for_good(view, pod, init=True) and not _succeeded(view) for view in init):
        return True
    views = [observed.view(c.name) for c in pod.spec.containers]
    return all(_ended_for_good(view, pod, init=False) for view in views)


def due_containers(pod: Pod, observed: Observed) -> Sequence[Container]:
    """Return the containers that should run and do not: the next init container, or all that the policy restarts."""
    if not is_initialized(pod, observed):
        for container in pod.spec.init_containers:
            view = observed.view(container.name)
            if not (view.current and _succeeded(view)):
                return () if view.current and view.running else (container,)
    wanting = [(c, observed.view(c.name)) for c in pod.spec.containers]
    return tuple(c for c, view in wanting if not _ended_for_good(view, pod, init=False) and not _alive(view))


def is_initialized(pod: Pod, observed: Observed) -> bool:
    """Tell whether the init containers are through: all succeeded, or a container that follows them has started."""
    if any(view.current and view.state is not None for view in (observed.view(c.name) for c in pod.spec.containers)):
        return True
    views = [observed.view(c.name) for c in pod.spec.init_containers]
    return all(view.current and _succeeded(view) for view in views)


def deadline(pod: Pod, observed: Observed) -> float | None:
    """Return the unix time at which ``activeDeadlineSeconds`` ends the pod."""
    seconds = pod.spec.active_deadline_seconds
    return None if seconds is None or not observed.started_at else observed.started_at + seconds


def grace_period_s(pod: Pod) -> int:
    """Return how long the containers may take to stop."""
    asked = pod.metadata.deletion_grace_period_seconds
    return max(pod.spec.termination_grace_period_seconds if asked is None else asked, MIN_GRACE_S)


def _plan_sandbox(pod: Pod, observed: Observed) -> PodActions:
    if observed.sandbox is SandboxPhase.STARTING:
        return PodActions(wake_at=deadline(pod, observed))
    if observed.sandbox_due_at > observed.now:
        return PodActions(wake_at=_earliest([observed.sandbox_due_at, deadline(pod, observed)]))
    return PodActions(create_sandbox=True, wake_at=deadline(pod, observed))


def _plan_end(pod: Pod, observed: Observed) -> PodActions:
    if not observed.stopped:
        return PodActions() if observed.stopping else PodActions(tear_down=True, grace_s=grace_period_s(pod))
    if observed.gone:
        return PodActions(forget=True)
    return PodActions(delete=pod.metadata.deletion_timestamp is not None)


def _alive(view: ContainerView) -> bool:
    return view.current and view.running


def _succeeded(view: ContainerView) -> bool:
    return view.exited is not None and view.exited.exit_code == 0


def _ended_for_good(view: ContainerView, pod: Pod, *, init: bool) -> bool:
    """Tell whether the restart policy leaves an ended container alone; an init container needs to succeed once only."""
    if view.exited is None or view.busy:
        return False
    match pod.spec.restart_policy:
        case "Never":
            return True
        case "OnFailure":
            return _succeeded(view)
        case _:
            return init and _succeeded(view)


def _earliest(times: Sequence[float | None]) -> float | None:
    return min((time for time in times if time is not None), default=None)
