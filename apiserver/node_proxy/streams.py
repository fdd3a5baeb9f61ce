"""Exec and attach: two WebSockets, and every message of one passed on to the other.

A message's first byte is its channel: 0 stdin, 1 stdout, 2 stderr, 3 the outcome (a Status), 4 the terminal's size,
255 (of version 5) the end of the channel that follows. All of it is between the client and the node; only three
things are decided here: the version that both speak, what a client of version 1 gets to read as the outcome, and what
the client is told when the node is lost in the middle.

Source: KEP-4006 (WebSockets for exec, attach, port-forward), and k8s.io/apimachinery's list of the subprotocols.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp
import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from apiserver.node_proxy.connection import MAX_MESSAGE_BYTES, NodeConnections, Query, keep_alive
from apiserver.node_proxy.parameters import exec_query, stream_query
from apiserver.node_proxy.target import Target, find_target, refuse_finished
from apiserver.state import ServerState
from naru.api.errors import BadRequest, InternalError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse

V5: Final = "v5.channel.k8s.io"
V4: Final = "v4.channel.k8s.io"
V1: Final = "channel.k8s.io"
PROTOCOLS: Final = (V5, V4, V1)

NO_SPDY: Final = f"SPDY is not served: connect by WebSocket ({V5}), as kubectl 1.31 and later do"

ERROR_CHANNEL: Final = 3
ABNORMAL: Final = frozenset({None, WSCloseCode.ABNORMAL_CLOSURE, WSCloseCode.INTERNAL_ERROR})


def exec_handler(state: ServerState, nodes: NodeConnections) -> Handler:
    """Answer ``.../pods/NAME/exec``: run a command in a running container."""

    async def handler(request: web.Request) -> web.StreamResponse:
        query = exec_query(request.query)
        return await _serve(request, state, nodes, "exec", query)

    return handler


def attach_handler(state: ServerState, nodes: NodeConnections) -> Handler:
    """Answer ``.../pods/NAME/attach``: join the container's own process."""

    async def handler(request: web.Request) -> web.StreamResponse:
        query = stream_query(request.query)
        return await _serve(request, state, nodes, "attach", query)

    return handler


async def _serve(
    request: web.Request, state: ServerState, nodes: NodeConnections, endpoint: str, query: Query
) -> web.StreamResponse:
    """Check the request, reach the node, and only then agree to the client's upgrade: errors stay plain answers.

    kubectl tries SPDY after any refusal of its WebSocket, and shows what that one is answered: the node's reason first.
    """
    target = await find_target(state.reader, request.match_info, request.query.get("container", ""))
    refuse_finished(target.pod)
    offered, upgrade = _offered(request), request.headers.get("Upgrade", "")
    if upgrade.lower().startswith("spdy"):
        raise await nodes.refusal(target, endpoint, query) or BadRequest(NO_SPDY)
    protocol = negotiate(upgrade, offered)
    node = await nodes.websocket(target, endpoint, query, [protocol] if protocol != V1 else [V4])
    client = web.WebSocketResponse(protocols=offered and (protocol,), compress=False, max_msg_size=MAX_MESSAGE_BYTES)
    try:
        await client.prepare(request)
        keep_alive(request.get_extra_info("socket"))
        await relay(client, node, target, state.stopping, outcome_as_text=protocol == V1)
    finally:
        await node.close()
    return client


def _offered(request: web.Request) -> list[str]:
    offered = ",".join(request.headers.getall("Sec-WebSocket-Protocol", []))
    return [protocol.strip() for protocol in offered.split(",") if protocol.strip()]


def negotiate(upgrade: str, offered: list[str]) -> str:
    """Choose the version to speak; a client that names none speaks version 1.

    Raises:
        BadRequest: no WebSocket is asked for, or none of a known version.
    """
    if upgrade.lower() != "websocket":
        raise BadRequest("Upgrade request required")
    if not offered:
        return V1
    for protocol in offered:
        if protocol in PROTOCOLS:
            return protocol
    raise BadRequest(f"unknown WebSocket subprotocols {', '.join(offered)}: known are {', '.join(PROTOCOLS)}")


async def relay(
    client: web.WebSocketResponse,
    node: aiohttp.ClientWebSocketResponse,
    target: Target,
    stopping: asyncio.Event,
    *,
    outcome_as_text: bool,
) -> None:
    """Pass messages on in both directions until one side ends the stream; the other then learns how it ended."""
    up = asyncio.create_task(_pump(client, node, lambda message: message), name="stream-up")
    down = asyncio.create_task(_pump(node, client, text_outcome if outcome_as_text else _as_it_is), name="stream-down")
    stop = asyncio.create_task(stopping.wait(), name="stream-stopping")
    try:
        await asyncio.wait((up, down, stop), return_when=asyncio.FIRST_COMPLETED)
        if down.done():
            await _tell_client(client, node.close_code, target, outcome_as_text=outcome_as_text)
        elif up.done():
            await node.close(code=client.close_code or WSCloseCode.GOING_AWAY)
        else:
            await client.close(code=WSCloseCode.GOING_AWAY, message=b"the API server is stopping")
    finally:
        for task in (up, down, stop):
            task.cancel()
        await asyncio.gather(up, down, stop, return_exceptions=True)


async def _pump(source: Socket, sink: Socket, change: Callable[[bytes], bytes | None]) -> None:
    """Pass one side's messages on, each when the one before is taken, so that a slow reader slows the writer."""
    while True:
        message = await source.receive()
        try:
            match message.type:
                case WSMsgType.BINARY:
                    if (changed := change(message.data)) is not None:
                        await sink.send_bytes(changed)
                case WSMsgType.TEXT:
                    await sink.send_str(message.data)
                case _:  # closed, in one way or another
                    return
        except (ConnectionError, aiohttp.ClientError):
            return


def _as_it_is(message: bytes) -> bytes:
    return message


def text_outcome(message: bytes) -> bytes | None:
    """Rewrite the outcome for version 1, which has a text instead of a Status, and nothing for a success."""
    if message[:1] != bytes([ERROR_CHANNEL]):
        return message
    try:
        status: Any = orjson.loads(message[1:])
    except orjson.JSONDecodeError:
        return message
    if status.get("status") == "Success":
        return None
    return bytes([ERROR_CHANNEL]) + str(status.get("message", "")).encode()


async def _tell_client(
    client: web.WebSocketResponse, code: int | None, target: Target, *, outcome_as_text: bool
) -> None:
    """Close the client's side as the node closed its own, or say that the node was lost."""
    if code in ABNORMAL and not client.closed:
        lost = InternalError(f"the connection to node {target.node} was lost")
        outcome = bytes([ERROR_CHANNEL]) + orjson.dumps(lost.status())
        with contextlib.suppress(ConnectionError):
            await client.send_bytes((text_outcome(outcome) if outcome_as_text else outcome) or b"")
    await client.close(code=WSCloseCode.OK if code in ABNORMAL or code is None else code)
