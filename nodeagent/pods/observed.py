"""What the node knows of one pod: the input of plan and status. Plain data, taken as one consistent picture."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from nodeagent.pods.faults import Waiting
from nodeagent.runtime.spec import ContainerPhase, ContainerState


class SandboxPhase(StrEnum):
    """Where the pod's sandbox stands."""

    NONE = "none"
    STARTING = "starting"
    READY = "ready"
    LOST = "lost"  # its shim died, and the containers with it: clear away, then start afresh


@dataclass(frozen=True)
class Ending:
    """What is to be said of the end of an attempt beside its exit code."""

    reason: str = ""  # empty: the exit code says it (Completed, Error, OOMKilled)
    message: str = ""


@dataclass(frozen=True)
class ContainerView:
    """One container of the pod, over all its attempts."""

    state: ContainerState | None = None  # the newest attempt; None before the first
    previous: ContainerState | None = None  # the attempt before it
    current: bool = True  # the newest attempt belongs to the present sandbox
    busy: bool = False  # a start is under way
    waiting: Waiting | None = None  # why the last start did not come to an attempt
    due_at: float = 0.0  # unix time before which it is not to be started
    back_off_s: float = 0.0  # the delay that led to due_at; 0 when it is no crash back-off
    image_id: str = ""
    ending: Ending = Ending()  # of the newest attempt
    previous_ending: Ending = Ending()

    @property
    def running(self) -> bool:
        """Tell whether a process of it may be alive."""
        return self.state is not None and self.state.phase is not ContainerPhase.EXITED

    @property
    def exited(self) -> ContainerState | None:
        """The newest attempt, if it has ended."""
        return self.state if self.state is not None and self.state.phase is ContainerPhase.EXITED else None


@dataclass(frozen=True)
class Verdict:
    """Why the node ends a pod by itself, or never took it: the pod's status says so, and its phase is Failed."""

    reason: str  # DeadlineExceeded, OutOfcpu, NodeAffinity, ...
    message: str
    admitted: bool = True


@dataclass(frozen=True)
class Observed:
    """One pod on this node."""

    sandbox: SandboxPhase = SandboxPhase.NONE
    containers: Mapping[str, ContainerView] = field(default_factory=lambda: MappingProxyType({}))
    now: float = 0.0  # unix time, seconds
    started_at: float = 0.0  # when the node took the pod
    gone: bool = False  # the API server has the pod no more
    sandbox_due_at: float = 0.0  # unix time before which no sandbox is to be made
    stopping: bool = False  # tearing down is under way
    stopped: bool = False  # nothing of the pod is left on the node
    verdict: Verdict | None = None
    host_ip: str = ""
    pod_ip: str = ""

    def view(self, name: str) -> ContainerView:
        """Return a container's view; an empty one when nothing is known of it."""
        return self.containers.get(name, _NOTHING)


_NOTHING = ContainerView()
