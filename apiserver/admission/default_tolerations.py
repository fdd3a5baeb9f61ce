"""Default tolerations: a pod stays on a node that fails for some minutes, in case the node comes back.

Without them the node lifecycle controller would evict pods at the first missed heartbeat.
"""

from typing import Final

from apiserver.admission.attributes import Attributes
from naru.api.meta import KubeObject
from naru.api.node_v1 import TaintEffect
from naru.api.placement_v1 import Toleration
from naru.api.pod_v1 import Pod

NOT_READY: Final = "node.kubernetes.io/not-ready"
UNREACHABLE: Final = "node.kubernetes.io/unreachable"


async def add_default_tolerations(attributes: Attributes) -> KubeObject:
    """Let a new pod tolerate a failing node for a while, unless it says itself for how long."""
    pod = attributes.obj
    if not attributes.creates("pods") or not isinstance(pod, Pod):
        return pod
    missing = tuple(
        Toleration(
            key=taint,
            operator="Exists",
            effect=TaintEffect.NO_EXECUTE,
            toleration_seconds=attributes.default_toleration_seconds,
        )
        for taint in (NOT_READY, UNREACHABLE)
        if not any(_is_about(toleration, taint) for toleration in pod.spec.tolerations)
    )
    spec = pod.spec.model_copy(update={"tolerations": (*pod.spec.tolerations, *missing)})
    return pod.model_copy(update={"spec": spec})


def _is_about(toleration: Toleration, taint: str) -> bool:
    return toleration.key in ("", taint) and toleration.effect in ("", TaintEffect.NO_EXECUTE)
