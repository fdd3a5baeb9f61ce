"""Serving the OpenAPI documents: an index and one document a group-version (version 3), or one of all (version 2).

A URL of the index has the document's hash in it, so what it answers never changes and may be kept for ever; an old one
leads to the new one.

Source: KEP-2896 (OpenAPI v3); kube-openapi serves the same media types.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

from aiohttp import web

from apiserver.documents import Document, document
from apiserver.encoding import CACHE_CONTROL
from apiserver.negotiation import JSON, clauses
from apiserver.openapi.index import document_names
from apiserver.openapi.library import V2, V2_PROTOBUF, Library, document_hash
from apiserver.routes import ANY, add_route

PROTOBUF: Final = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
PROTOBUF_OLD: Final = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"  # @ is no character of a type
BEARS_HASH: Final = "public, immutable"
YEAR: Final = timedelta(days=365)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_routes(app: web.Application, library: Library) -> None:
    """Serve the index, the documents that it points to, and the document of version 2."""

    async def close_with_server(_: web.Application) -> AsyncIterator[None]:
        yield
        await library.close()

    app.cleanup_ctx.append(close_with_server)
    add_route(app, ANY, "/openapi/v3", _index)
    for name in document_names():
        add_route(app, ANY, f"/openapi/v3/{name}", _version_3(library, name))
    add_route(app, ANY, "/openapi/v2", _version_2(library))


async def _index(request: web.Request) -> web.StreamResponse:
    paths = {name: {"serverRelativeURL": versioned_url(name)} for name in document_names()}
    return document({"paths": paths}).respond(request)


def versioned_url(name: str) -> str:
    """Return the URL of a document of version 3 that changes when the document does."""
    return f"/openapi/v3/{name}?hash={document_hash(name)}"


def _version_3(library: Library, name: str) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        if not any(clause.covers(JSON) for clause in clauses(request.headers.get("Accept") or "*/*")):
            return _not_acceptable()
        asked, current = request.query.get("hash", ""), document_hash(name)
        if asked and asked != current:
            url = versioned_url(name)
            moved = f'<a href="{url}">Moved Permanently</a>.\n\n'
            return web.Response(status=301, text=moved, content_type="text/html", headers={"Location": url})
        found = Document(await library.read(name), JSON, current)
        response = found.respond(request, BEARS_HASH if asked else CACHE_CONTROL)
        if asked:
            response.headers["Expires"] = format_datetime(datetime.now(UTC) + YEAR, usegmt=True)
        return response

    return handler


def _version_2(library: Library) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        for clause in clauses(request.headers.get("Accept") or "*/*"):
            if clause.covers(JSON):
                return Document(await library.read(V2), JSON, document_hash(V2)).respond(request)
            if clause.media_type in (PROTOBUF, PROTOBUF_OLD):
                content = await library.read(V2_PROTOBUF)
                return Document(content, PROTOBUF, document_hash(V2)).respond(request)
        return _not_acceptable()

    return handler


def _not_acceptable() -> web.Response:
    return web.Response(status=406, headers={"Vary": "Accept", "Cache-Control": CACHE_CONTROL})
