"""The node server: what the API server asks of this node.

Flow: API server -> *HTTPS with client certificates* -> worker of the pod -> log file, shim.
Who has a certificate of the cluster's authority may use it; nobody else gets past the TLS handshake.

Source: Kubernetes documentation, "Communication between Nodes and the Control Plane"; the paths are kubelet's.
"""

import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from naru.api.errors import APIError, BadRequest, InternalError, NotFound
from naru.api.keys import ObjectKey
from nodeagent.config import AgentConfig
from nodeagent.pods.worker import PodWorker
from nodeagent.runtime.spec import RuntimeFault
from nodeagent.runtime.streams import ProcessStreams
from nodeagent.server.channels import PROTOCOLS, Channel, failure_status, serve_streams
from nodeagent.server.logs import parse_options, read_log

logger = logging.getLogger(__name__)

FindWorker = Callable[[ObjectKey], PodWorker | None]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SHUTDOWN_S: Final = 1.0
_PATH: Final = "/{namespace}/{pod}/{container}"


class NodeServer:
    """Handlers of the node's endpoints."""

    def __init__(self, find: FindWorker) -> None:
        self._find = find

    def app(self) -> web.Application:
        """Build the application."""
        app = web.Application(middlewares=[errors_as_status])
        app.router.add_get("/healthz", _healthz)
        app.router.add_get("/containerLogs" + _PATH, self.logs)
        for method in ("GET", "POST"):
            app.router.add_route(method, "/exec" + _PATH, self.exec)
            app.router.add_route(method, "/attach" + _PATH, self.attach)
        return app

    async def logs(self, request: web.Request) -> web.StreamResponse:
        """Send a container's log."""
        worker, container = self._target(request)
        options = parse_options(request.query, datetime.now(UTC))
        path, is_running = worker.log_of(container, previous=options.previous)

        def may_grow() -> bool:
            return is_running() and request.transport is not None  # None: the client left, perhaps a silent log

        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        with suppress(ConnectionError):  # the client went in the middle
            await response.prepare(request)
            async for chunk in read_log(path, options, may_grow):
                await response.write(chunk)
            await response.write_eof()
        return response

    async def exec(self, request: web.Request) -> web.StreamResponse:
        """Run a command in a container, its streams over a WebSocket."""
        worker, container = self._target(request)
        sandbox, container_id = worker.running(container)
        command = request.query.getall("command", [])
        if not command:
            raise BadRequest("a command is required")
        socket = await _upgrade(request)
        wanted = _wanted(request)
        try:
            process = await sandbox.exec(container_id, command, tty=_flag(request, "tty"), **wanted)
        except RuntimeFault as fault:
            return await _refuse(socket, fault)
        return await _serve(socket, process, process.wait)

    async def attach(self, request: web.Request) -> web.StreamResponse:
        """Join the streams of a container's first process."""
        worker, container = self._target(request)
        sandbox, container_id = worker.running(container)
        socket = await _upgrade(request)
        try:
            process = await sandbox.attach(container_id, stdin=_wanted(request)["stdin"])
        except RuntimeFault as fault:
            return await _refuse(socket, fault)
        return await _serve(socket, process, None)

    def _target(self, request: web.Request) -> tuple[PodWorker, str]:
        key = ObjectKey(request.match_info["namespace"], request.match_info["pod"])
        worker = self._find(key)
        if worker is None:
            raise NotFound(f'pod "{key.name}" does not run on this node')
        return worker, request.match_info["container"]


@asynccontextmanager
async def serving(config: AgentConfig, find: FindWorker) -> AsyncIterator[None]:
    """Serve on the node's address for as long as the context lasts."""
    runner = web.AppRunner(NodeServer(find).app(), access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, config.node_ip, config.port, ssl_context=_tls(config), reuse_address=True).start()
        yield
    finally:
        await runner.cleanup()


def _tls(config: AgentConfig) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(config.tls_cert, config.tls_key)
    context.load_verify_locations(config.client_ca)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@web.middleware
async def errors_as_status(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors as the API does."""
    try:
        return await handler(request)
    except APIError as error:
        return web.json_response(error.status(), status=error.status_code)
    except web.HTTPException:
        raise
    except Exception:
        logger.exception("request failed", extra={"path": request.path})
        internal = InternalError("the node agent failed to answer; its log says more")
        return web.json_response(internal.status(), status=internal.status_code)


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _upgrade(request: web.Request) -> web.WebSocketResponse:
    if request.headers.get("Upgrade", "").lower() != "websocket":
        raise BadRequest("unable to upgrade: a WebSocket is required")
    socket = web.WebSocketResponse(protocols=PROTOCOLS, compress=False, max_msg_size=0)
    await socket.prepare(request)
    return socket


async def _serve(
    socket: web.WebSocketResponse, process: ProcessStreams, wait: Callable[[], Awaitable[int]] | None
) -> web.StreamResponse:
    try:
        await serve_streams(socket, process, wait)
    except ConnectionError:
        return socket  # the client went in the middle of a message
    await socket.close()
    return socket


async def _refuse(socket: web.WebSocketResponse, fault: RuntimeFault) -> web.StreamResponse:
    await socket.send_bytes(bytes([Channel.ERROR]) + json.dumps(failure_status(fault.message)).encode())
    await socket.close()
    return socket


def _wanted(request: web.Request) -> dict[str, bool]:
    """Return which streams the client wants; kubelet's names for them."""
    names = {"stdin": ("input", "stdin"), "stdout": ("output", "stdout"), "stderr": ("error", "stderr")}
    wanted = {stream: any(_flag(request, name) for name in both) for stream, both in names.items()}
    return wanted if any(wanted.values()) else {"stdin": False, "stdout": True, "stderr": True}


def _flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "").lower() in ("1", "true")
