"""GET one object: from the cache, once the cache is as new as the client asks."""

from aiohttp import web

from apiserver import query
from apiserver.handlers.call import Call
from apiserver.handlers.list_options import parse_revision
from apiserver.handlers.output import Form, respond
from apiserver.quick_gets import SHOWN
from apiserver.storage.caches import CacheBehind
from apiserver.storage.entry import Entry
from apiserver.storage.store import not_found
from naru.api.errors import BadRequest


async def get(call: Call) -> web.StreamResponse:
    """Answer with one object."""
    if query.flag(call.request, "export"):
        raise BadRequest("the export parameter, deprecated since v1.14, is no longer supported")
    entry = await find(call)
    if call.form == Form():
        call.request[SHOWN] = call.resource, call.info.key
    return await respond(call.request, call.form.one(entry), call.form)


async def find(call: Call) -> Entry:
    """Look up the object of the URL.

    Raises:
        NotFound: there is none.
    """
    try:
        await be_as_new_as(call, call.request.query.get("resourceVersion", ""))
    except CacheBehind:
        return await call.state.store.read(call.resource, call.info.key)
    entry = call.state.caches.of(call.resource).get(call.info.key)
    if entry is None:
        raise not_found(call.resource, call.info.name)
    return entry


async def be_as_new_as(call: Call, resource_version: str) -> None:
    """Wait until the caches hold a revision: empty is as fresh as etcd itself, 0 is whatever there is."""
    if not resource_version:
        await call.state.caches.catch_up()
    elif revision := parse_revision(resource_version):
        await call.state.caches.reach(revision)
    elif not call.state.caches.revision:
        await call.state.caches.catch_up()  # nothing there at all yet
