"""Why a container is not started: the reason its status shows while it waits."""

from dataclasses import dataclass
from typing import Final

from naru.api.pod_v1 import Pod


@dataclass(frozen=True)
class Waiting:
    """The ``waiting`` state of a container: one word for programs, a sentence for people."""

    reason: str
    message: str = ""


CONFIG_REASON: Final = "CreateContainerConfigError"
RETRY_S: Final = 10.0  # what only a change of the cluster can mend: that change wakes the pod earlier


class StartFault(Exception):
    """A container cannot be started now; its status says ``reason`` and ``message`` until the next attempt."""

    def __init__(self, reason: str, message: str, retry_after_s: float = RETRY_S) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after_s = retry_after_s


class ConfigFault(StartFault):
    """What the container is made from is wrong or missing: a ConfigMap, a key, a user."""

    def __init__(self, message: str) -> None:
        super().__init__(CONFIG_REASON, message)


class SandboxFault(Exception):
    """The pod's sandbox cannot be made now: ``reason`` is the event's (FailedMount, FailedCreatePodSandBox)."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def before_start(pod: Pod) -> str:
    """Return the reason for which a container waits before anybody has tried to start it."""
    return "PodInitializing" if pod.spec.init_containers else "ContainerCreating"
