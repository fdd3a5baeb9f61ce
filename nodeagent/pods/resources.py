"""From requests and limits to cgroup limits and OOM scores.

Flow: Pod -> *CgroupLimits of the pod and of each container, oom_score_adj* -> runtime.
Source: Kubernetes documentation, "Resource Management for Pods and Containers", "Node-pressure Eviction" (OOM scores).
"""

from collections.abc import Mapping
from typing import Final

from naru.api.container_v1 import Container
from naru.api.pod_v1 import Pod
from naru.api.pods import qos_class
from naru.api.quantity import int_value, milli_value
from nodeagent.runtime.spec import CgroupLimits

MIN_CPU_SHARES: Final = 2  # the kernel's least
MAX_CPU_SHARES: Final = 262_144
SHARES_PER_CPU: Final = 1024
CPU_PERIOD_US: Final = 100_000
MIN_CPU_QUOTA_US: Final = 1_000  # the kernel's least
GUARANTEED_OOM_SCORE_ADJ: Final = -997
BEST_EFFORT_OOM_SCORE_ADJ: Final = 1000


def cpu_shares(milli_cpu: int) -> int:
    """Convert a CPU request to the scale of cgroup v1's ``cpu.shares``."""
    return min(max(milli_cpu * SHARES_PER_CPU // 1000, MIN_CPU_SHARES), MAX_CPU_SHARES)


def cpu_quota_us(milli_cpu: int) -> int | None:
    """Convert a CPU limit to microseconds for each period; None for no limit."""
    if milli_cpu == 0:
        return None
    return max(milli_cpu * CPU_PERIOD_US // 1000, MIN_CPU_QUOTA_US)


def container_limits(container: Container) -> CgroupLimits:
    """Return the cgroup limits of one container."""
    requests, limits = container.resources.requests, container.resources.limits
    request = _milli(requests) or _milli(limits)
    return CgroupLimits(
        cpu_shares=cpu_shares(request),
        cpu_quota_us=cpu_quota_us(_milli(limits)),
        memory_limit_bytes=_bytes(limits) or None,
        oom_kills_all=True,
    )


def pod_limits(pod: Pod, pids_limit: int | None) -> CgroupLimits:
    """Return the cgroup limits of a whole pod: bounded where each of its containers is."""
    main, init = pod.spec.containers, pod.spec.init_containers
    bounded_cpu = all(_milli(c.resources.limits) for c in (*main, *init))
    bounded_memory = all(_bytes(c.resources.limits) for c in (*main, *init))
    cpu = max(sum(_milli(c.resources.limits) for c in main), *(_milli(c.resources.limits) for c in init), 0)
    memory = max(sum(_bytes(c.resources.limits) for c in main), *(_bytes(c.resources.limits) for c in init), 0)
    return CgroupLimits(
        cpu_shares=cpu_shares(requested_milli_cpu(pod)),
        cpu_quota_us=cpu_quota_us(cpu) if bounded_cpu else None,
        memory_limit_bytes=memory if bounded_memory else None,
        pids_limit=pids_limit,
    )


def requested_milli_cpu(pod: Pod) -> int:
    """Return what a pod asks for; init containers run before the others, one by one, so it is the larger of the two."""
    return max(sum(map(_request, pod.spec.containers)), max(map(_request, pod.spec.init_containers), default=0))


def oom_score_adj(pod: Pod, container: Container, memory_capacity_bytes: int) -> int:
    """Return how readily the kernel picks the container when the node is out of memory: -1000 never, 1000 first.

    A burstable container is spared the more, the more memory it asked for, and always dies after the best-effort
    ones and before the guaranteed ones.
    """
    match qos_class(pod):
        case "Guaranteed":
            return GUARANTEED_OOM_SCORE_ADJ
        case "BestEffort":
            return BEST_EFFORT_OOM_SCORE_ADJ
    request = _bytes(container.resources.requests)
    score = 1000 - 1000 * request // max(memory_capacity_bytes, 1)
    return min(max(score, 1000 + GUARANTEED_OOM_SCORE_ADJ), BEST_EFFORT_OOM_SCORE_ADJ - 1)


def pod_cgroup(pod: Pod) -> str:
    """Return the pod's place below the node's cgroup: ``burstable/pod<uid>``."""
    return f"{class_cgroup(pod)}/pod{pod.metadata.uid}"


def class_cgroup(pod: Pod) -> str:
    """Return the cgroup of the pod's QoS class."""
    return qos_class(pod).lower()


def _request(container: Container) -> int:
    return _milli(container.resources.requests) or _milli(container.resources.limits)


def _milli(amounts: Mapping[str, str]) -> int:
    return milli_value(amounts["cpu"]) if "cpu" in amounts else 0


def _bytes(amounts: Mapping[str, str]) -> int:
    return int_value(amounts["memory"]) if "memory" in amounts else 0
