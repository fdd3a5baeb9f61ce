"""The HTTP application: what every request passes through, and which handler it ends in.

Flow: TLS -> *audit id* -> *errors become Status objects* -> *who is it* -> route -> handler.
Paths of resources are read by :mod:`apiserver.request_info`; all other routes belong to the modules that serve them.
"""

import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Final

import orjson
from aiohttp import web

from apiserver import authn, discovery, health, node_proxy, openapi, trail
from apiserver.handlers.binding import bind, evict
from apiserver.handlers.call import Call
from apiserver.handlers.create import create
from apiserver.handlers.delete import delete, delete_collection
from apiserver.handlers.get import get
from apiserver.handlers.list import list_objects
from apiserver.handlers.patch import patch
from apiserver.handlers.scale import get_scale, patch_scale, update_scale
from apiserver.handlers.update import update
from apiserver.handlers.watch import watch
from apiserver.request_info import RequestInfo, not_allowed, request_info, unknown_path
from apiserver.state import ServerState
from naru.api.errors import APIError, InternalError, RequestEntityTooLarge

logger = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 3 << 20

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Verb = Callable[[Call], Awaitable[web.StreamResponse]]

VERBS: Final[dict[str, Verb]] = {
    "get": get,
    "list": list_objects,
    "watch": watch,
    "create": create,
    "update": update,
    "patch": patch,
    "delete": delete,
    "deletecollection": delete_collection,
}
SUBRESOURCE_VERBS: Final[dict[tuple[str, str], Verb]] = {
    ("get", "status"): get,
    ("update", "status"): update,
    ("patch", "status"): patch,
    ("update", "finalize"): update,
    ("create", "binding"): bind,
    ("create", "eviction"): evict,
    ("get", "scale"): get_scale,
    ("update", "scale"): update_scale,
    ("patch", "scale"): patch_scale,
}


def make_app(state: ServerState) -> web.Application:
    """Build the application around the server's state."""
    app = web.Application(middlewares=[_guard], client_max_size=MAX_BODY_BYTES)
    for module in (health, discovery, openapi, trail, node_proxy):
        module.add_routes(app, state)

    async def serve_resource(request: web.Request) -> web.StreamResponse:
        info = request_info(request.method, request.path, request.query)
        verb = verb_of(info)
        return await verb(Call(request, state, info, authn.user_of(request)))

    app.router.add_route("*", "/api/{rest:.+}", serve_resource)
    app.router.add_route("*", "/apis/{rest:.+}", serve_resource)
    return app


def verb_of(info: RequestInfo) -> Verb:
    """Choose the handler.

    Raises:
        NotFound: the subresource is not served here.
    """
    if not info.subresource:
        return VERBS[info.verb]
    verb = SUBRESOURCE_VERBS.get((info.verb, info.subresource))
    if verb is None:
        raise unknown_path()
    return verb


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let in whom we know, number the request, and turn every failure into a Status."""
    request["audit_id"] = request.headers.get("Audit-ID") or str(uuid.uuid4())
    try:
        authn.authorize(authn.user_of(request), request.path)
        return await handler(request)
    except APIError as error:
        return _failure(error)
    except web.HTTPException as error:
        return _failure(_from_http(error))
    except ConnectionResetError:
        raise  # the client left: there is nobody to tell
    except Exception:
        fields = {"method": request.method, "path": request.path, "audit_id": request["audit_id"]}
        logger.exception("request failed", extra=fields)
        return _failure(InternalError("Internal error occurred: see the log of the API server"))


def _from_http(error: web.HTTPException) -> APIError:
    match error.status:
        case 404:
            return unknown_path()
        case 405:
            return not_allowed()
        case 413:
            return RequestEntityTooLarge(f"Request entity too large: limit is {MAX_BODY_BYTES}")
        case _:
            return APIError(error.reason, code=error.status, reason="")


def _failure(error: APIError) -> web.Response:
    response = web.Response(
        status=error.status_code, body=orjson.dumps(error.status()), content_type="application/json"
    )
    response.headers["Cache-Control"] = "no-cache, private"
    if retry := error.details.get("retryAfterSeconds"):
        response.headers["Retry-After"] = str(retry)
    return response


async def add_audit_id(request: web.Request, response: web.StreamResponse) -> None:
    """Put the request's number on the answer, just before its headers go out."""
    response.headers["Audit-Id"] = request.get("audit_id", "")
