"""OpenID Connect discovery: how others check the cluster's ServiceAccount tokens without asking the API server.

Source: OpenID Connect Discovery 1.0; Kubernetes documents, "Managing service accounts: issuer discovery".
"""

from typing import Any, Final

import orjson
from aiohttp import web

from apiserver.request_info import not_allowed
from apiserver.routes import ANY, Handler, add_route
from apiserver.state import ServerState

CONFIGURATION: Final = "/.well-known/openid-configuration"
KEYS: Final = "/openid/v1/jwks"
CACHE_CONTROL: Final = "public, max-age=3600"


def add_routes(app: web.Application, state: ServerState) -> None:
    """Serve what the issuer of tokens says about itself, and its public key."""

    async def configuration(request: web.Request) -> web.StreamResponse:
        key = (await state.tokens()).key
        return _respond(request, configuration_of(state, key.algorithm), "application/json")

    async def keys(request: web.Request) -> web.StreamResponse:
        key = (await state.tokens()).key
        return _respond(request, {"keys": [key.public_document()]}, "application/jwk-set+json")

    routes: dict[str, Handler] = {CONFIGURATION: configuration, KEYS: keys}
    for path, handler in routes.items():
        add_route(app, ANY, path, handler)


def configuration_of(state: ServerState, algorithm: str) -> dict[str, Any]:
    """Return what a client of OpenID Connect has to know of the issuer."""
    address, port = state.config.advertised
    host = f"[{address}]" if ":" in address else address
    return {
        "issuer": state.config.service_account_issuer,
        "jwks_uri": f"https://{host}:{port}{KEYS}",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [algorithm],
    }


def _respond(request: web.Request, document: dict[str, Any], content_type: str) -> web.Response:
    if request.method not in ("GET", "HEAD"):
        raise not_allowed()
    headers = {"Content-Type": content_type, "Cache-Control": CACHE_CONTROL}
    return web.Response(body=orjson.dumps(document), headers=headers)
