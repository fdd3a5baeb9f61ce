"""PATCH: make the new object from the old one, then go the way of an update.

A patch that names no resourceVersion fits any state, so after a lost race it is applied again to the newer object;
one that names it fails with a conflict.
"""

import json
from typing import Any, Final

from aiohttp import web

from apiserver import patch as engines
from apiserver.bodies.parsing import parse_json
from apiserver.handlers.apply import apply
from apiserver.handlers.body import decode, read_body
from apiserver.handlers.call import Call
from apiserver.handlers.metadata import check_name, place
from apiserver.handlers.update import answer, recorded, settle
from apiserver.handlers.write_options import PATCH, check_write_options
from apiserver.managed_fields.elements import json_text
from apiserver.patch.document import mismatch
from apiserver.patch.go_text import go_text
from apiserver.storage.entry import Entry
from apiserver.storage.store import Keep, Remove
from naru.api.errors import BadRequest, FieldError, invalid
from naru.api.meta import KubeObject

_UNREADABLE: Final = " cannot be handled as a "  # what upstream puts before the problem for the body of a create


async def patch(call: Call) -> web.StreamResponse:
    """Apply the patch of the body to the object of the URL."""
    media_type = engines.patch_type(call.request.headers.get("Content-Type", ""))
    body = await read_body(call.request)
    check_write_options(call, PATCH, media_type)
    if media_type == engines.APPLY_PATCH:
        return await apply(call, body)

    async def decide(entry: Entry) -> Keep | Remove:
        call.warnings.clear()  # of a try before this one
        sent = recorded(call, patched(call, media_type, body, entry), entry)
        check_name(sent, call.info.name)
        return await settle(call, place(sent, call.resource, call.info.namespace), entry)

    written = await call.state.store.modify(call.resource, call.info.key, decide, dry_run=call.dry_run)
    return await answer(call, written, "patch")


def patched(call: Call, media_type: str, body: bytes, entry: Entry) -> KubeObject:
    """Return the object as the patch makes it."""
    old = entry.decoded()
    document = engines.apply(media_type, old, body, call.resource.model)
    return decode_patched(call, media_type, body, document, old, entry=entry)


def decode_patched(
    call: Call,
    media_type: str,
    body: bytes,
    document: Any,
    old: dict[str, Any],
    model: type[KubeObject] | None = None,
    entry: Entry | None = None,
) -> KubeObject:
    """Make a typed object of what a patch made; see :func:`apiserver.handlers.body.decode` for ``entry``.

    Raises:
        Invalid: it does not fit the kind, or has fields that the kind does not have and validation is strict.
    """
    problems = engines.strict_problems(media_type, body)
    try:
        if not isinstance(document, dict):
            raise mismatch(document, "Go value of type map[string]interface {}", "")
        return decode(call, document, model or call.resource.model, duplicates=problems, old=old, entry=entry)
    except BadRequest as error:
        problem = error.message.partition(_UNREADABLE)[2].partition(": ")[2] or error.message
        is_strategic = media_type == engines.STRATEGIC_MERGE_PATCH
        shown = go_text(parse_json(body)) if is_strategic else json_text(document)
        message = f"Invalid value: {json.dumps(shown, ensure_ascii=False)}: {problem}"
        raise invalid("", "", "", [FieldError("patch", "FieldValueInvalid", message)]) from None
