"""`naru delete`: objects by manifest, by name or by label; waits until they are gone."""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cli.faults import ExitCode, Fault
from cli.session import Session
from cli.verbs.manifest import read_documents
from cli.verbs.names import Target
from naru.api.errors import NotFound

PROPAGATION: Final = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}
_POLL_S: Final = 0.1


@dataclass(frozen=True)
class DeleteOptions:
    """How to delete."""

    everything: bool = False
    label_selector: str = ""
    field_selector: str = ""
    grace_period_s: int | None = None
    cascade: str = "background"
    ignore_not_found: bool = False
    wait: bool = True
    timeout_s: float = 0.0


@dataclass(frozen=True)
class Doomed:
    """One object to delete."""

    target: Target
    namespace: str
    uid: str = ""


async def delete(session: Session, targets: Sequence[Target], sources: Sequence[str], options: DeleteOptions) -> int:
    """Delete, print a line each, and wait."""
    if options.cascade not in PROPAGATION:
        raise Fault(f"--cascade {options.cascade!r}: must be one of {', '.join(PROPAGATION)}", code=ExitCode.USAGE)
    doomed = _from_manifests(session, sources) if sources else await _chosen(session, targets, options)
    if not doomed:
        print("No resources found", file=sys.stderr)
        return ExitCode.OK
    code, deleted = int(ExitCode.OK), []
    for item in doomed:
        try:
            deleted.append(await _delete_one(session, item, options))
        except NotFound as error:
            if not options.ignore_not_found:
                print(f"naru: {error.message}", file=sys.stderr)
                code = ExitCode.NOT_FOUND
    if options.wait:
        await _wait_gone(session, deleted, options.timeout_s)
    return code


def body_of(options: DeleteOptions, uid: str = "") -> dict[str, Any]:
    """Return the DeleteOptions for the wire."""
    body: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1"}
    body["propagationPolicy"] = PROPAGATION[options.cascade]
    if options.grace_period_s is not None:
        body["gracePeriodSeconds"] = options.grace_period_s
    if uid:
        body["preconditions"] = {"uid": uid}
    return body


def _from_manifests(session: Session, sources: Sequence[str]) -> list[Doomed]:
    """List a manifest's objects from the last to the first: what was made first may be needed by what follows."""
    documents = reversed(read_documents(sources))
    return [
        Doomed(Target(document.resource, document.name), document.namespace or session.namespace)
        for document in documents
    ]


async def _chosen(session: Session, targets: Sequence[Target], options: DeleteOptions) -> list[Doomed]:
    doomed = [Doomed(target, session.namespace) for target in targets if target.name]
    kinds = [target for target in targets if not target.name]
    selective = options.everything or options.label_selector or options.field_selector
    if kinds and not selective:
        raise Fault("name the objects, or choose them with -l, --field-selector or --all", code=ExitCode.USAGE)
    selectors = {"labelSelector": options.label_selector, "fieldSelector": options.field_selector}
    params = {name: value for name, value in selectors.items() if value}
    for kind in kinds:
        path = kind.resource.path(session.namespace)
        body = await session.client.raw("GET", path, params=params)
        metadata = [item["metadata"] for item in body.get("items") or ()]
        doomed += [
            Doomed(Target(kind.resource, item["name"]), item.get("namespace", ""), item["uid"]) for item in metadata
        ]
    return doomed


async def _delete_one(session: Session, item: Doomed, options: DeleteOptions) -> Doomed:
    path = item.target.resource.path(item.namespace, item.target.name)
    before = await session.client.raw("GET", path)
    await session.client.raw("DELETE", path, body=body_of(options, item.uid))
    where = f" from {item.namespace} namespace" if item.target.resource.namespaced else ""
    how = "force deleted" if options.grace_period_s == 0 else "deleted"
    kind = str(Target(item.target.resource))
    print(f'{kind} "{item.target.name}" {how}{where}', flush=True)
    return Doomed(item.target, item.namespace, before["metadata"]["uid"])


async def _wait_gone(session: Session, deleted: Sequence[Doomed], timeout_s: float) -> None:
    """Wait until each is gone; a namesake made since has another uid.

    Raises:
        Fault: not in time.
    """
    deadline = time.monotonic() + timeout_s if timeout_s else None
    for item in deleted:
        path = item.target.resource.path(item.namespace, item.target.name)
        while await _still_there(session, path, item.uid):
            if deadline is not None and time.monotonic() > deadline:
                raise Fault(f"{item.target} is still there: it is being deleted", code=ExitCode.DEADLINE)
            await asyncio.sleep(_POLL_S)


async def _still_there(session: Session, path: str, uid: str) -> bool:
    try:
        body = await session.client.raw("GET", path)
    except NotFound:
        return False
    return bool(body["metadata"]["uid"] == uid)
