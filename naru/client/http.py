"""The HTTP beneath the client: connections, TLS, deadlines; aiohttp's exceptions end here.

Flow: Client, watch -> *Transport* -> aiohttp -> API server.
Invariant: what is raised is an ``APIError`` (the server refused) or a ``ConnectionFailed`` (nobody answered).
"""

import asyncio
import importlib
import os
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import orjson

from naru.api.errors import APIError, from_status
from naru.client.config import ClientConfig
from naru.client.errors import ConnectionFailed, DeadlineExceeded
from naru.client.tls import shrink_buffers


def _import_aiohttp() -> Any:
    """Import aiohttp without its parsing every certificate authority of the host, 30 to 60 ms for nothing.

    At import it builds a TLS context for the public internet, and we bring our own. Pointed at an empty bundle, its
    context still works: OpenSSL looks an authority up in the host's directory of certificates when it needs one.
    """
    if "SSL_CERT_FILE" in os.environ:
        return importlib.import_module("aiohttp")
    os.environ["SSL_CERT_FILE"] = os.devnull
    try:
        return importlib.import_module("aiohttp")
    finally:
        del os.environ["SSL_CERT_FILE"]


if TYPE_CHECKING:
    import aiohttp
else:
    aiohttp = _import_aiohttp()

Params = Mapping[str, str] | Sequence[tuple[str, str]]
"""A query; pairs when a name comes more than once, as ``command`` of exec does."""

CONNECT_TIMEOUT_S: Final = 5.0
REQUEST_TIMEOUT_S: Final = 30.0
MAX_IN_FLIGHT: Final = 16  # requests at once: a burst of hundreds waits its turn instead of opening connections
_PROBE_INTERVAL_S: Final = 0.05
_PROBE_TIMEOUT_S: Final = 1.0  # for an answer to one SYN
_PROBING_S: Final = 60.0  # then whoever still waits asks again
# A peer that vanished without a FIN (a cut link, a dead machine) is noticed after 15 + 3 * 5 s of silence.
_SOCKET_OPTIONS: Final = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000),
)
_WARNING: Final = re.compile(r'^299 \S+ "((?:[^"\\]|\\.)*)"')  # RFC 7234, section 5.5, as API servers use it


@dataclass(frozen=True)
class Answer:
    """A successful answer, read to its end."""

    code: int
    content_type: str
    body: bytes
    warnings: tuple[str, ...] = ()


class ByteStream:
    """An answer that is read as it comes: a watch, the log of a container."""

    def __init__(self, response: "aiohttp.ClientResponse") -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield pieces of the body in whatever sizes they arrive; waits for each as long as it takes."""
        while True:
            with _translated("stream"):
                piece = await self._response.content.readany()
            if not piece:
                return
            yield piece

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield whole lines without their newlines, however long they are."""
        rest = b""
        async for piece in self:
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield line
        if rest:
            yield rest


class WebSocket:
    """A WebSocket to the API server (exec, attach): binary messages, the first byte of each names its channel."""

    def __init__(self, connection: "aiohttp.ClientWebSocketResponse") -> None:
        self._connection = connection

    @property
    def protocol(self) -> str:
        """The subprotocol that the server chose, such as ``v5.channel.k8s.io``."""
        return self._connection.protocol or ""

    async def send(self, message: bytes) -> None:
        """Send one message."""
        with _translated("WebSocket"):
            await self._connection.send_bytes(message)

    async def receive(self) -> bytes | None:
        """Wait for a message, as long as it takes; None once the peer has closed."""
        with _translated("WebSocket"):
            message = await self._connection.receive()
        match message.type:
            case aiohttp.WSMsgType.BINARY:
                return bytes(message.data)
            case aiohttp.WSMsgType.TEXT:
                return str(message.data).encode()
            case aiohttp.WSMsgType.ERROR:
                raise ConnectionFailed(f"WebSocket broke: {self._connection.exception()}")
            case _:
                return None


class Transport:
    """A pool of connections to one API server, opened at the first request."""

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self._session: aiohttp.ClientSession | None = None
        self._turns = asyncio.Semaphore(MAX_IN_FLIGHT)  # streams do not count: they last
        self._probe: asyncio.Task[None] | None = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params,
        headers: Mapping[str, str],
        body: bytes | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> Answer:
        """Send a request and read the whole answer."""
        url = self._config.server + path
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(CONNECT_TIMEOUT_S, timeout_s))
        async with self._turns:
            with _translated(f"{method} {url}"):
                async with self._open_session().request(
                    method,
                    url,
                    params=params,
                    headers=headers,
                    data=body,
                    timeout=timeout,
                    server_hostname=self._tls_name,
                ) as response:
                    content = await response.read()
        warnings = tuple(map(_warning_text, response.headers.getall("Warning", ())))
        return Answer(response.status, response.content_type, content, warnings)

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, params: Params, headers: Mapping[str, str]
    ) -> AsyncIterator[ByteStream]:
        """Send a request and lend its answer as a stream; the deadline covers only the answer's head."""
        url = self._config.server + path
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S)
        with _translated(f"{method} {url}"):
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                response = await self._open_session().request(
                    method, url, params=params, headers=headers, timeout=timeout, server_hostname=self._tls_name
                )
        try:
            yield ByteStream(response)
        finally:
            response.close()

    @asynccontextmanager
    async def websocket(
        self, path: str, *, params: Params, headers: Mapping[str, str], protocols: tuple[str, ...]
    ) -> AsyncIterator[WebSocket]:
        """Open a WebSocket and lend it."""
        url = self._config.server + path
        with _translated(f"WebSocket {url}"):
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                connection = await self._open_session().ws_connect(
                    url, params=params, headers=headers, protocols=protocols, max_msg_size=0
                )
        try:
            yield WebSocket(connection)
        finally:
            await connection.close()

    async def wait_reachable(self, at_most_s: float) -> None:
        """Return as soon as the server accepts connections again, or after a time; all who wait share one probe.

        A refused connection costs a tenth of a millisecond this way, so it can be tried often, and everybody who lost
        the server finds it again within moments of its return.
        """
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._probe_until_accepted(), name="reachability")
        await asyncio.wait({self._probe}, timeout=at_most_s)

    async def _probe_until_accepted(self) -> None:
        address = urlsplit(self._config.server)
        port = address.port or (443 if address.scheme == "https" else 80)
        deadline = time.monotonic() + _PROBING_S
        while time.monotonic() < deadline:
            try:
                async with asyncio.timeout(_PROBE_TIMEOUT_S):
                    _, writer = await asyncio.open_connection(address.hostname, port)
                    writer.close()
                    await writer.wait_closed()
                    return
            except OSError:  # refused, unreachable, or timed out
                await asyncio.sleep(_PROBE_INTERVAL_S)

    async def close(self) -> None:
        """Close every connection."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.wait({self._probe})
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def _tls_name(self) -> str | None:
        return self._config.tls_server_name or None

    def _open_session(self) -> "aiohttp.ClientSession":
        if self._session is None:
            shrink_buffers()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=self._config.ssl_context() or True, limit=0, socket_factory=_open_socket
                ),
                headers={"Accept-Encoding": "identity"},  # servers are near: compressing costs more than it saves
                middlewares=(_refuse,),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def _open_socket(address: "aiohttp.AddrInfoType") -> socket.socket:
    family, kind, protocol, _, _ = address
    opened = socket.socket(family, kind, protocol)
    for level, option, value in _SOCKET_OPTIONS:
        opened.setsockopt(level, option, value)
    return opened


async def _refuse(request: "aiohttp.ClientRequest", send: "aiohttp.ClientHandlerType") -> "aiohttp.ClientResponse":
    """Raise the Status of a refused request, also when it would have become a WebSocket."""
    response = await send(request)
    if response.status >= 400:
        raise _refusal(response.status, await response.read())
    return response


def _refusal(code: int, content: bytes) -> APIError:
    """Read the Status of a refusal; something on the way (a proxy) may have answered in its own words."""
    try:
        status = orjson.loads(content)
    except orjson.JSONDecodeError:
        status = {}
    if isinstance(status, dict) and status.get("kind") == "Status":
        return from_status(status, code)
    text = content.decode(errors="replace").strip()[:500]
    return from_status({"message": text}, code)


def _warning_text(value: str) -> str:
    found = _WARNING.match(value)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else value


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn aiohttp's exceptions, and the system's below them, into ConnectionFailed."""
    try:
        yield
    except TimeoutError as error:
        raise DeadlineExceeded(f"{what}: no answer in time") from error
    except (aiohttp.ClientError, OSError, ssl.SSLError) as error:
        raise ConnectionFailed(f"{what}: {error or type(error).__name__}") from error
