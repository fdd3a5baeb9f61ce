"""OpenAPI: the shape of every object and operation, made from the models that the server itself decodes with.

Flow: naru.api models -> *schemas* -> documents of version 3, one a group-version, and one of version 2 for all.
kubectl needs it for ``explain``, for three-way merges in ``apply`` and ``diff``, and to learn that the server
validates fields itself. Documents are built when first asked for, which most servers never are.
"""

from aiohttp import web

from apiserver.openapi import v2, v3
from apiserver.state import ServerState
from naru.api.scheme import RESOURCES

__all__ = ["add_routes"]


def add_routes(app: web.Application, state: ServerState) -> None:
    """Serve ``/openapi/v3``, the documents it points to, and ``/openapi/v2``."""
    v3.add_routes(app, RESOURCES)
    v2.add_routes(app, RESOURCES)
