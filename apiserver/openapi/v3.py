"""OpenAPI version 3: an index, and one document a group-version, each at a URL that changes when it does.

Source: KEP-2896 (OpenAPI v3).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cache, partial
from itertools import groupby
from typing import Any, Final

from aiohttp import web

from apiserver.documents import Document, document
from apiserver.openapi.operations import paths_of
from apiserver.openapi.schemas import schemas_of
from naru.api.autoscaling_v1 import Scale
from naru.api.core_v1 import Binding
from naru.api.meta import KubeObject
from naru.api.policy_v1 import Eviction
from naru.api.scheme import Resource

TITLE: Final = "Kubernetes"  # as clients know the API; what serves it is told by /version
BEARS_HASH: Final = "public, immutable, max-age=31536000"  # a URL with a hash never changes its answer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_SUBRESOURCE_MODELS: Final[dict[str, type[KubeObject]]] = {
    "binding": Binding,
    "eviction": Eviction,
    "scale": Scale,
}


def add_routes(app: web.Application, resources: Sequence[Resource]) -> None:
    """Serve the index and the documents of these resources."""
    groups = {path: tuple(members) for path, members in groupby(resources, key=document_path)}

    @cache
    def build(path: str) -> Document:
        return document(group_document(groups[path]))

    def build_index() -> Document:
        urls = {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={build(path).digest}"} for path in groups}
        return document({"paths": urls})

    async def index(request: web.Request) -> web.StreamResponse:
        return (await asyncio.to_thread(build_index)).respond(request)

    app.router.add_get("/openapi/v3", index)
    for path in groups:
        app.router.add_get(f"/openapi/v3/{path}", _serve(partial(build, path)))


def _serve(build: Callable[[], Document]) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        current = await asyncio.to_thread(build)  # some 100 ms of pure Python the first time
        response = current.respond(request)
        if request.query.get("hash") == current.digest:
            response.headers["Cache-Control"] = BEARS_HASH
        return response

    return handler


def document_path(resource: Resource) -> str:
    """Return the index key of a resource's group-version: ``api/v1``, ``apis/apps/v1``."""
    return f"apis/{resource.api_version}" if resource.group else f"api/{resource.version}"


def group_document(resources: Iterable[Resource]) -> dict[str, Any]:
    """Build the document of one group-version (or, for version 2 to convert, of all)."""
    members = list(resources)
    subresources = {name for resource in members for name in resource.subresources}
    extra = [_SUBRESOURCE_MODELS[name] for name in sorted(subresources & _SUBRESOURCE_MODELS.keys())]
    paths: dict[str, Any] = {}
    for resource in members:
        paths |= paths_of(resource)
    return {
        "openapi": "3.0.0",
        "info": {"title": TITLE, "version": "unversioned"},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": schemas_of(members, extra)},
    }
