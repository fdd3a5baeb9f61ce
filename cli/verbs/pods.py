"""From what a person names to a pod and a container: ``web-5d4``, ``deploy/web``, ``-c sidecar``."""

from typing import Any

from cli.faults import ExitCode, Fault
from cli.session import Session
from cli.verbs.names import Target
from naru.api.meta import LabelSelector

Json = dict[str, Any]


async def pod_of(session: Session, target: Target) -> Json:
    """Return the pod that is meant; of a Deployment or ReplicaSet one that runs, if any does.

    Raises:
        Fault: the kind has no pods, or there are none.
    """
    body: Json = await session.client.raw("GET", target.resource.path(session.namespace, target.name))
    if target.resource.kind == "Pod":
        return body
    pods = await pods_of(session, body, target)
    if not pods:
        raise Fault(f"{target} has no pods", code=ExitCode.NOT_FOUND)
    return pods[0]


async def pods_of(session: Session, owner: Json, target: Target) -> list[Json]:
    """List the pods that an object selects, the ready ones first, then the running, the newest of them first."""
    selector = owner.get("spec", {}).get("selector")
    if not isinstance(selector, dict):
        raise Fault(f"{target.resource.plural} have no pods", code=ExitCode.USAGE)
    params = {"labelSelector": selector_text(LabelSelector.model_validate(selector))}
    body = await session.client.raw("GET", f"/api/v1/namespaces/{session.namespace}/pods", params=params)
    newest_first = sorted(body.get("items") or (), key=lambda pod: pod["metadata"]["creationTimestamp"], reverse=True)
    return sorted(newest_first, key=_rank)


def selector_text(selector: LabelSelector) -> str:
    """Write a selector as a query parameter has it."""
    parts = [f"{name}={value}" for name, value in selector.match_labels.items()]
    for line in selector.match_expressions:
        values = ",".join(line.values)
        written = {
            "In": f"{line.key} in ({values})",
            "NotIn": f"{line.key} notin ({values})",
            "Exists": line.key,
            "DoesNotExist": f"!{line.key}",
        }
        parts.append(written[line.operator])
    return ",".join(parts)


def container_of(pod: Json, name: str) -> str:
    """Check the name of a container, or choose the pod's first.

    Raises:
        Fault: the pod has no such container.
    """
    spec = pod["spec"]
    containers = [container["name"] for container in spec.get("containers") or ()]
    others = [container["name"] for container in spec.get("initContainers") or ()]
    if not name:
        chosen = (pod["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/default-container")
        return str(chosen if chosen in containers else containers[0])
    if name not in containers + others:
        known = ", ".join(containers + others)
        raise Fault(f"pod {pod['metadata']['name']} has no container {name!r}; it has {known}", code=ExitCode.NOT_FOUND)
    return name


def _rank(pod: Json) -> tuple[bool, bool]:
    status = pod.get("status", {})
    ready = any(item["type"] == "Ready" and item["status"] == "True" for item in status.get("conditions") or ())
    return (not ready, status.get("phase") != "Running")
