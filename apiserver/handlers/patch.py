"""PATCH: make the new object from the old one, then go the way of an update.

A patch that names no resourceVersion fits any state, so after a lost race it is applied again to the newer object;
one that names it fails with a conflict.
"""

from aiohttp import web

from apiserver import patch as engines
from apiserver.handlers.apply import apply
from apiserver.handlers.body import decode, read_body
from apiserver.handlers.call import Call
from apiserver.handlers.metadata import check_name, place
from apiserver.handlers.update import answer, recorded, settle
from apiserver.handlers.write_options import PATCH, check_write_options
from apiserver.storage.entry import Entry
from apiserver.storage.store import Keep, Remove
from naru.api.meta import KubeObject


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
    model = call.resource.model
    old = entry.decoded()
    return decode(call, engines.apply(media_type, old, body, model), model, old=old)
