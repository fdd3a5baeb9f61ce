"""Connections to node agents: TLS with the server's own client certificate, and errors as the API's."""

import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import orjson

from apiserver.node_proxy.target import Target
from apiserver.state import ServerConfig
from naru.api.errors import APIError, ServiceUnavailable, from_status

CONNECT_TIMEOUT_S: Final = 5.0
ANSWER_TIMEOUT_S: Final = 30.0  # to the first byte of an answer; what follows may take for ever
MAX_MESSAGE_BYTES: Final = 32 * 1024 * 1024
MAX_ERROR_BYTES: Final = 64 * 1024

Query = Sequence[tuple[str, str]]

_ROUTE_ERRORS: Final = (aiohttp.ClientConnectionError, TimeoutError, OSError)


class NodeConnections:
    """One pool of connections for all nodes, made when the first request needs it."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def get(self, target: Target, endpoint: str, query: Query) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask a node agent, and give its answer if that is a good one.

        Raises:
            ServiceUnavailable: the node does not answer.
            APIError: the node refused; the error is the node's.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S)
        try:
            response = await self._pool().get(target.url(endpoint), params=query, timeout=timeout)
        except _ROUTE_ERRORS as error:
            raise _unreachable(target, error) from error
        async with response:
            if response.status >= 400:
                raise await _refusal(response)
            yield response

    async def websocket(
        self, target: Target, endpoint: str, query: Query, protocols: Sequence[str]
    ) -> aiohttp.ClientWebSocketResponse:
        """Open a WebSocket to a node agent, with one of these subprotocols.

        Raises:
            ServiceUnavailable: the node does not answer.
            APIError: the node refused; the error is the node's.
        """
        timeout = aiohttp.ClientWSTimeout(ws_close=CONNECT_TIMEOUT_S)
        opening = self._pool().ws_connect(
            target.url(endpoint), params=query, protocols=protocols, max_msg_size=MAX_MESSAGE_BYTES, timeout=timeout
        )
        try:
            node = await opening
        except aiohttp.WSServerHandshakeError as error:
            reason = await self.refusal(target, endpoint, query)
            told = {"message": f"node {target.node} refused the stream with {error.status}"}
            raise reason or from_status(told, error.status) from error
        except _ROUTE_ERRORS as error:
            raise _unreachable(target, error) from error
        if node.protocol not in protocols:
            await node.close()
            raise ServiceUnavailable(f"node {target.node} speaks none of {', '.join(protocols)}")
        return node

    async def refusal(self, target: Target, endpoint: str, query: Query) -> APIError | None:
        """Ask without an upgrade why a stream is refused: a handshake does not carry the reason, an answer does.

        Returns:
            The node's error; None if it minds nothing but the missing upgrade.
        """
        try:
            async with self.get(target, endpoint, query):
                return None
        except APIError as error:
            return None if "upgrade" in error.message.lower() else error

    def _pool(self) -> aiohttp.ClientSession:
        if self._session is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(self._config.ca_file)
            context.load_cert_chain(*self._config.node_client_cert)
            connector = aiohttp.TCPConnector(ssl=context, limit=0, socket_factory=_new_socket)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        return self._session


def _new_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    connection = socket.socket(family, kind, protocol)
    keep_alive(connection)
    return connection


def keep_alive(connection: Any) -> None:
    """Notice within half a minute when the other host is gone, however quiet the stream is.

    Probes are answered by the other kernel, so that a reader who pauses for an hour is no dead one.
    """
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)


def _unreachable(target: Target, error: Exception) -> ServiceUnavailable:
    reason = str(error) or type(error).__name__
    return ServiceUnavailable(f"node {target.node} does not answer at {target.host}:{target.port}: {reason}")


async def _refusal(response: aiohttp.ClientResponse) -> APIError:
    """Turn a node's refusal into the API's: a Status as it is, any other text as the message."""
    body = await response.content.read(MAX_ERROR_BYTES)
    try:
        status = orjson.loads(body)
    except orjson.JSONDecodeError:
        status = {"message": body.decode(errors="replace").strip()}
    return from_status(status if isinstance(status, dict) else {}, response.status)
