"""The HTTP application: what every request passes through, and which handler it ends in.

Flow: TLS -> *audit id* -> *errors become Status objects* -> *who is it* -> route -> media types -> handler.
Paths of resources are read by :mod:`apiserver.request_info`; all other routes belong to the modules that serve them.
"""

import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Final

import orjson
from aiohttp import web

from apiserver import authn, authz, discovery, health, node_proxy, openid, trail
from apiserver.bodies.parsing import MAX_BYTES, too_large
from apiserver.connections import PATIENCE, patience_for
from apiserver.encoding import CACHE_CONTROL, prettier, to_yaml
from apiserver.handlers.binding import bind, bind_named, evict
from apiserver.handlers.call import Call
from apiserver.handlers.create import create
from apiserver.handlers.delete import delete, delete_collection
from apiserver.handlers.get import get
from apiserver.handlers.list import list_objects
from apiserver.handlers.patch import patch
from apiserver.handlers.reviews import review
from apiserver.handlers.scale import get_scale, patch_scale, update_scale
from apiserver.handlers.tokens import create_token
from apiserver.handlers.update import update
from apiserver.handlers.watch import watch
from apiserver.negotiation import JSON, YAML, check_route, is_pretty, negotiated
from apiserver.openapi import serving as openapi
from apiserver.openapi.library import Library
from apiserver.patch import PATCH_TYPES
from apiserver.quick_gets import QUICK_GETS, QuickGets
from apiserver.request_info import RequestInfo, is_served_by_api, not_allowed, request_info, unknown_path
from apiserver.routes import ANY, add_route
from apiserver.state import ServerState
from apiserver.warnings import DEPRECATED, warning_headers
from naru.api.errors import APIError, Forbidden, InternalError

logger = logging.getLogger(__name__)

STATE: Final = web.AppKey("STATE", ServerState)

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
    ("get", "approval"): get,
    ("update", "approval"): update,
    ("patch", "approval"): patch,
    ("update", "finalize"): update,
    ("create", "binding"): bind,
    ("create", "eviction"): evict,
    ("create", "token"): create_token,
    ("get", "ephemeralcontainers"): get,
    ("update", "ephemeralcontainers"): update,
    ("patch", "ephemeralcontainers"): patch,
    ("get", "resize"): get,
    ("update", "resize"): update,
    ("patch", "resize"): patch,
    ("get", "scale"): get_scale,
    ("update", "scale"): update_scale,
    ("patch", "scale"): patch_scale,
}


def make_app(state: ServerState) -> web.Application:
    """Build the application around the server's state."""
    app = web.Application(middlewares=[_guard], client_max_size=MAX_BYTES)
    app[STATE] = state
    app[PATIENCE] = patience_for(state.config.request_timeout_s)
    app[QUICK_GETS] = QuickGets(state.caches)
    for module in (health, discovery, trail, node_proxy, openid):
        module.add_routes(app, state)
    openapi.add_routes(app, Library(state.config.cache_dir))

    async def serve_resource(request: web.Request) -> web.StreamResponse:
        if not is_served_by_api(request.path):
            return page_not_found()
        info = request_info(request.method, request.path, request.query)
        verb = verb_of(info)
        request["deprecation"] = DEPRECATED.get((info.resource.group, info.resource.plural))
        consumes = PATCH_TYPES if info.verb == "patch" else ()
        check_route(request, consumes=consumes, streams=info.verb in ("list", "watch"))
        return await verb(Call(request, state, info, request["user"]))

    add_route(app, ANY, "/api/{rest:.+}", serve_resource)
    add_route(app, ANY, "/apis/{rest:.+}", serve_resource)
    add_route(app, ANY, "/{rest:.*}", _nowhere)
    return app


async def _nowhere(request: web.Request) -> web.StreamResponse:
    """Answer for a path that no other route has."""
    if is_served_by_api(request.path):
        raise unknown_path()
    return page_not_found()


def verb_of(info: RequestInfo) -> Verb:
    """Choose the handler.

    Raises:
        NotFound: the subresource is not served here.
    """
    if info.resource.is_virtual:
        return bind_named if info.resource.kind == "Binding" else review
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
    request.app[PATIENCE].silent.asks(request)
    try:
        request["user"] = await authn.authenticate(request, request.app[STATE])
        authz.authorize(request["user"], request.method, request.path, request.query)
        return await handler(request)
    except APIError as error:
        return _failure(request, error)
    except web.HTTPNotFound:
        return _failure(request, unknown_path()) if is_served_by_api(request.path) else page_not_found()
    except web.HTTPException as error:
        return _failure(request, _from_http(error))
    except ConnectionResetError:
        return web.Response()  # the client left: nobody will read it, but an exception would be logged as a fault
    except Exception:
        fields = {"method": request.method, "path": request.path, "audit_id": request["audit_id"]}
        logger.exception("request failed", extra=fields)
        return _failure(request, InternalError("Internal error occurred: see the log of the API server"))


def _from_http(error: web.HTTPException) -> APIError:
    match error.status:
        case 405:
            return not_allowed()
        case 413:
            return too_large()
        case _:
            return APIError(error.reason, code=error.status, reason="")


def _failure(request: web.Request, error: APIError) -> web.Response:
    """Write a refusal in a form that the client takes; if there is none, as JSON to be read by people."""
    choice = negotiated(request.headers.get("Accept", ""), transforms=False)
    body, content_type = orjson.dumps(error.status()), JSON
    if choice is None or (choice.media_type == JSON and (choice.pretty or is_pretty(request))):
        body = prettier(body)
    elif choice.media_type == YAML:
        body, content_type = to_yaml(body), YAML
    else:
        body += b"\n"
    response = web.Response(status=error.status_code, body=body, content_type=content_type)
    response.headers["Cache-Control"] = CACHE_CONTROL
    if isinstance(error, Forbidden):
        response.headers["X-Content-Type-Options"] = "nosniff"
    if retry := error.details.get("retryAfterSeconds"):
        response.headers["Retry-After"] = str(retry)
    return response


def page_not_found() -> web.Response:
    """Answer as Go's HTTP server does for a path that nobody owns."""
    headers = {"Cache-Control": CACHE_CONTROL, "X-Content-Type-Options": "nosniff"}
    return web.Response(status=404, text="404 page not found\n", headers=headers)


async def finish_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the request's number on the answer, just before its headers go out, and leave out what serves it."""
    response.headers["Audit-Id"] = request.get("audit_id", "")
    if told := request.get("deprecation"):
        response.headers.extend(("Warning", header) for header in warning_headers([told]))
    response.headers.popall("Server", None)
    request.app[QUICK_GETS].learn(request, response)
