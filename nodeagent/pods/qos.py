"""How the node's CPU is shared between the QoS classes: each has the weight that its pods asked for together.

Flow: PodWorkers -> *QosClasses* -> the cgroups that the pods' cgroups are in.
The kernel shares among siblings. Were the classes' cgroups left as they are made, one small pod that is alone in its
class would weigh as much as all pods of another. Those that asked for nothing get what nobody else wants.

Source: Kubernetes documentation, "Pod Quality of Service Classes"; upstream's design of pod-level cgroups.
"""

import logging
from typing import Final

from naru.api.pod_v1 import Pod
from naru.api.pods import is_terminal
from nodeagent.pods.resources import MIN_CPU_SHARES, class_cgroup, cpu_shares, requested_milli_cpu
from nodeagent.runtime.cgroups import CgroupDriver
from nodeagent.runtime.spec import CgroupLimits

logger = logging.getLogger(__name__)

BEST_EFFORT: Final = "besteffort"
CLASSES: Final = ("guaranteed", "burstable", BEST_EFFORT)


class QosClasses:
    """The weights of the classes of one node; they follow the pods that it has."""

    def __init__(self, driver: CgroupDriver) -> None:
        self._driver = driver
        self._requests: dict[str, tuple[str, int]] = {}  # by uid: the class and the milli-CPU; a pod changes neither
        self._shares: dict[str, int] = {}  # as written

    def note(self, pod: Pod) -> None:
        """Count a pod in, unless it has ended."""
        if is_terminal(pod):
            self.forget(pod)
        elif pod.metadata.uid not in self._requests:
            self._requests[pod.metadata.uid] = (class_cgroup(pod), requested_milli_cpu(pod))
            self._write()

    def forget(self, pod: Pod) -> None:
        """Count a pod no more."""
        if self._requests.pop(pod.metadata.uid, None) is not None:
            self._write()

    def _write(self) -> None:
        for name, shares in self.plan_shares().items():
            if self._shares.get(name) == shares:
                continue
            try:
                self._driver.create(name, CgroupLimits(cpu_shares=shares))
            except OSError as error:
                logger.warning("weight of a QoS class not set", extra={"cgroup": name, "error": str(error)})
            self._shares[name] = shares

    def plan_shares(self) -> dict[str, int]:
        """Return the weight that each class should have, on the scale of v1's ``cpu.shares``."""
        sums = dict.fromkeys(CLASSES, 0)
        for name, milli_cpu in self._requests.values():
            sums[name] += milli_cpu
        return {name: MIN_CPU_SHARES if name == BEST_EFFORT else cpu_shares(total) for name, total in sums.items()}
