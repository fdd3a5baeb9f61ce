"""`naru scale`: change how many replicas a Deployment or ReplicaSet shall have, through its scale subresource."""

from collections.abc import Sequence
from typing import Final

from cli.faults import ExitCode, Fault
from cli.session import Session
from cli.verbs.names import Target

_MERGE: Final = {"Content-Type": "application/merge-patch+json"}


async def scale(session: Session, targets: Sequence[Target], replicas: int, expected: int | None) -> int:
    """Scale every target.

    Raises:
        Fault: a target has no scale, or not the number of replicas that it is expected to have.
    """
    for target in targets:
        if "scale" not in target.resource.subresources:
            raise Fault(f"{target.resource.plural} cannot be scaled", code=ExitCode.USAGE)
        if not target.name:
            raise Fault(f"name the object: {target.resource.singular}/NAME", code=ExitCode.USAGE)
    for target in targets:
        path = target.resource.path(session.namespace, target.name, "scale")
        patch: dict[str, object] = {"spec": {"replicas": replicas}}
        if expected is not None:
            patch["metadata"] = {"resourceVersion": await _version_with(session, path, target, expected)}
        await session.client.raw("PATCH", path, body=patch, headers=_MERGE)
        print(f"{target} scaled")
    return ExitCode.OK


async def _version_with(session: Session, path: str, target: Target, expected: int) -> str:
    """Return the version at which the target has the expected replicas, so that the write holds only for that."""
    current = await session.client.raw("GET", path)
    replicas = current.get("spec", {}).get("replicas", 0)
    if replicas != expected:
        raise Fault(f"{target} has {replicas} replicas, not {expected}")
    return str(current["metadata"]["resourceVersion"])
