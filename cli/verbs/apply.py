"""`naru apply`: make objects as the manifests say, and remember what they said.

Flow: manifests -> each object: GET, then POST, or a strategic merge patch from the three-way merge -> one line each.
What was applied is kept in the annotation that kubectl uses, so the two commands can be used in turn.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from cli.faults import ExitCode, Fault
from cli.session import Session
from cli.verbs.manifest import Document, read_documents
from cli.verbs.names import full_name
from cli.verbs.output import check_form, render
from cli.verbs.shapes import Shape
from cli.verbs.three_way import plan_patch
from naru.api.errors import APIError, Conflict, NotFound

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
FIELD_MANAGER: Final = "kubectl-client-side-apply"  # whom kubectl names too: the fields have one owner, not two
_RETRIES: Final = 3  # of a write that another writer overtook
_FIELD: Final = re.compile(
    r"(?:[\"\s]|Go struct field \w+\.)((?:spec|metadata|data|stringData|status)(?:\.[\w-]+|\[[^\]]*\])+)"
)
_PATCH: Final = {"Content-Type": "application/strategic-merge-patch+json"}
_APPLY: Final = {"Content-Type": "application/apply-patch+yaml"}


@dataclass(frozen=True)
class ApplyOptions:
    """How to apply."""

    server_side: bool = False
    force_conflicts: bool = False
    dry_run: str = ""  # "", client, server
    form: str = ""


async def apply(session: Session, sources: Sequence[str], options: ApplyOptions) -> int:
    """Apply every object; one that fails is reported and does not keep the others from being applied."""
    check_form(options.form, ("yaml", "json", "name"))
    check_form(options.dry_run, ("client", "server"))
    code, results = int(ExitCode.OK), []
    for document in read_documents(sources):
        try:
            outcome, body = await _apply_one(session, document, options)
        except APIError as error:
            print("\n".join(explain(document, error)), file=sys.stderr)
            code = ExitCode.FAILED
            continue
        results.append(body)
        if options.form in ("", "name"):
            suffix = f" ({options.dry_run} dry run)" if options.dry_run else ""
            name = full_name(document.resource, document.name)
            print(name if options.form == "name" else f"{name} {outcome}{suffix}", flush=True)
    if results and options.form in ("yaml", "json"):
        print(render(results, options.form, as_list=len(results) > 1))
    return code


def explain(document: Document, error: APIError) -> list[str]:
    """Put a refusal into words: the file and line of each field that it names."""
    causes = [cause for cause in error.details.get("causes") or () if isinstance(cause, dict) and cause.get("field")]
    name = full_name(document.resource, document.name)
    if not causes:
        return [f"naru: {document.place(_field_in(error.message))}: {name}: {error.message}"]
    return [
        f"naru: {document.place(cause['field'])}: {name}: {cause['field']}: {cause.get('message', '')}"
        for cause in causes
    ]


def _field_in(message: str) -> str:
    """Find the first field that a message names, as in ``unknown field "spec.foo"``."""
    found = _FIELD.search(message)
    return found[1] if found else ""


def prepare(document: Document, namespace: str) -> dict[str, Any]:
    """Return the object as it is to be, with the annotation that remembers it.

    Raises:
        Fault: it names another namespace than the command line.
    """
    content = dict(document.content)
    metadata = {name: value for name, value in content["metadata"].items() if name != "creationTimestamp"}
    annotations = {name: value for name, value in (metadata.get("annotations") or {}).items() if name != LAST_APPLIED}
    if document.resource.namespaced:
        metadata["namespace"] = metadata.get("namespace") or namespace
    metadata["annotations"] = annotations
    content["metadata"] = metadata
    remembered = {LAST_APPLIED: remember(content)}
    return content | {"metadata": metadata | {"annotations": annotations | remembered}}


def remember(content: dict[str, Any]) -> str:
    """Write an object as the annotation holds it, byte for byte as kubectl does: keys sorted, HTML escaped."""
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text + "\n"


def last_applied(current: dict[str, Any]) -> dict[str, Any]:
    """Return what was applied last; empty when the object was made in another way."""
    text = (current.get("metadata", {}).get("annotations") or {}).get(LAST_APPLIED)
    try:
        remembered = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        return {}
    return remembered if isinstance(remembered, dict) else {}


async def _apply_one(session: Session, document: Document, options: ApplyOptions) -> tuple[str, dict[str, Any]]:
    wanted = prepare(document, session.namespace)
    if options.server_side:
        return await _apply_on_server(session, document, wanted, options)
    for attempt in range(_RETRIES):
        try:
            return await _create_or_patch(session, document, wanted, options)
        except (Conflict, NotFound):  # made or deleted by somebody since it was read
            if attempt == _RETRIES - 1:
                raise
    raise AssertionError("unreachable")


async def _create_or_patch(
    session: Session, document: Document, wanted: dict[str, Any], options: ApplyOptions
) -> tuple[str, dict[str, Any]]:
    resource, namespace = document.resource, wanted["metadata"].get("namespace", "")
    params = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
    if options.dry_run == "server":
        params["dryRun"] = "All"
    try:
        current = await session.client.raw("GET", resource.path(namespace, document.name))
    except NotFound:
        if options.dry_run == "client":
            return "created", wanted
        return "created", await session.client.raw("POST", resource.path(namespace), params=params, body=wanted)
    patch = plan_patch(last_applied(current), wanted, current, Shape.of(resource.model))
    if not patch or options.dry_run == "client":
        return "configured" if patch else "unchanged", current
    path = resource.path(namespace, document.name)
    after = await session.client.raw("PATCH", path, params=params, body=patch, headers=_PATCH)
    same = after["metadata"]["resourceVersion"] == current["metadata"]["resourceVersion"]
    return "unchanged" if same else "configured", after


async def _apply_on_server(
    session: Session, document: Document, wanted: dict[str, Any], options: ApplyOptions
) -> tuple[str, dict[str, Any]]:
    """Let the server merge: server-side apply needs no memory in an annotation."""
    if options.dry_run == "client":
        raise Fault("--server-side and --dry-run=client exclude each other", code=ExitCode.USAGE)
    annotations = {k: v for k, v in wanted["metadata"]["annotations"].items() if k != LAST_APPLIED}
    body = wanted | {"metadata": wanted["metadata"] | {"annotations": annotations}}
    path = document.resource.path(wanted["metadata"].get("namespace", ""), document.name)
    params = {"fieldManager": "naru", "fieldValidation": "Strict"}
    params |= {"force": "true"} if options.force_conflicts else {}
    params |= {"dryRun": "All"} if options.dry_run == "server" else {}
    return "serverside-applied", await session.client.raw("PATCH", path, params=params, body=body, headers=_APPLY)
