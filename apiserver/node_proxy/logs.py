"""Logs: the node's bytes, passed on as they come."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from http import HTTPStatus
from typing import Final

import aiohttp
from aiohttp import web

from apiserver.node_proxy.connection import NodeConnections, keep_alive
from apiserver.node_proxy.parameters import log_query
from apiserver.node_proxy.target import NoNode, find_target
from apiserver.state import ServerState

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

DISCONNECT_CHECK_S: Final = 2.0
BINARY_PROTOCOL: Final = "binary.k8s.io"  # logs over a WebSocket: each message is the next bytes


def log_handler(state: ServerState, nodes: NodeConnections) -> Handler:
    """Answer ``GET .../pods/NAME/log``."""

    async def handler(request: web.Request) -> web.StreamResponse:
        query = log_query(request.match_info["name"], request.query)
        try:
            target = await find_target(state.reader, request.match_info, request.query.get("container", ""))
        except NoNode:
            return web.Response(status=HTTPStatus.NO_CONTENT)  # as upstream: nothing ran, so nothing was said
        async with nodes.get(target, "containerLogs", query) as answer:
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await _send_messages(request, state, answer)
            return await _send_bytes(request, state, answer)

    return handler


async def _send_bytes(request: web.Request, state: ServerState, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain", "Cache-Control": "no-cache, private"})
    await response.prepare(request)
    keep_alive(request.get_extra_info("socket"))
    complete = await _copy(answer, response.write, _until_disconnected(request), state.stopping)
    if not complete and request.transport is not None:
        request.transport.close()  # without the last chunk, so that the client knows that more was to come
    return response


async def _send_messages(
    request: web.Request, state: ServerState, answer: aiohttp.ClientResponse
) -> web.StreamResponse:
    response = web.WebSocketResponse(protocols=(BINARY_PROTOCOL,), compress=False)
    await response.prepare(request)
    keep_alive(request.get_extra_info("socket"))
    complete = await _copy(answer, response.send_bytes, _until_closed(response), state.stopping)
    await response.close(code=aiohttp.WSCloseCode.OK if complete else aiohttp.WSCloseCode.GOING_AWAY)
    return response


async def _until_disconnected(request: web.Request) -> None:
    """Return when the client has gone; a log that says nothing would not notice by writing."""
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(DISCONNECT_CHECK_S)


async def _until_closed(response: web.WebSocketResponse) -> None:
    """Return when the client has closed its WebSocket; what it sends is of no interest."""
    while (await response.receive()).type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT):
        pass


async def _copy(
    answer: aiohttp.ClientResponse,
    send: Callable[[bytes], Awaitable[None]],
    client_gone: Coroutine[None, None, None],
    stopping: asyncio.Event,
) -> bool:
    """Pass bytes on until the log ends (True), or the node, the client or this server goes away."""

    async def copy() -> bool:
        try:
            async for chunk in answer.content.iter_any():
                await send(chunk)
        except (aiohttp.ClientError, ConnectionError):
            return False
        return True

    copying = asyncio.create_task(copy(), name="log-copy")
    others = [
        asyncio.create_task(stopping.wait(), name="log-stopping"),
        asyncio.create_task(client_gone, name="log-client"),
    ]
    try:
        await asyncio.wait([copying, *others], return_when=asyncio.FIRST_COMPLETED)
        return copying.done() and copying.result()
    finally:
        for task in (copying, *others):
            task.cancel()
        await asyncio.gather(copying, *others, return_exceptions=True)
