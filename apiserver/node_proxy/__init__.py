"""The way from the API to a pod's node: log, exec and attach.

Flow: client -> *this proxy* -> node agent's server -> shim -> container.
The API server knows which node a pod is on and shows that node a certificate; the client needs to know neither.
Nothing is kept here: a stream lives as long as both of its connections.
"""

from collections.abc import AsyncIterator

from aiohttp import web

from apiserver.node_proxy.connection import NodeConnections
from apiserver.node_proxy.logs import log_handler
from apiserver.node_proxy.streams import attach_handler, exec_handler
from apiserver.routes import add_route
from apiserver.state import ServerState

_POD = "/api/v1/namespaces/{namespace}/pods/{name}"


def add_routes(app: web.Application, state: ServerState) -> None:
    """Serve the three subresources of pods that are answered by nodes."""
    nodes = NodeConnections(state.config)

    async def close_with_server(_app: web.Application) -> AsyncIterator[None]:
        yield
        await nodes.close()

    app.cleanup_ctx.append(close_with_server)
    add_route(app, "GET", f"{_POD}/log", log_handler(state, nodes))
    for method in ("GET", "POST"):
        add_route(app, method, f"{_POD}/exec", exec_handler(state, nodes))
        add_route(app, method, f"{_POD}/attach", attach_handler(state, nodes))
