"""Connections: how much a client may send before it has asked for anything, and how long it may take for it.

A request is read by aiohttp; what it does not bound is bounded here, by the numbers of Go's server as kube-apiserver
runs it.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

HEADER_S: Final = 32.0  # from the connection to the end of the first request's headers
IDLE_S: Final = 90.0  # between requests
LOOK_S: Final = 4.0
MAX_HEADER_BYTES: Final = 1 << 20
MAX_HEADERS: Final = 1000


def limits() -> dict[str, Any]:
    """Return the options of aiohttp's server."""
    quiet = logging.getLogger("apiserver.http")
    quiet.setLevel(logging.CRITICAL)  # it would log each malformed request as an error, with a traceback
    return {
        "logger": quiet,
        "keepalive_timeout": IDLE_S,
        "max_line_size": MAX_HEADER_BYTES,
        "max_field_size": MAX_HEADER_BYTES,
        "max_headers": MAX_HEADERS,
        "auto_decompress": False,  # upstream reads bodies as they come, and a few bytes can unpack to gigabytes
    }


class Silent:
    """The connections on which nobody has asked for anything, which end after a while."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._asked: set[web.RequestHandler] = set()
        self._since: dict[web.RequestHandler, float] = {}

    def asks(self, request: web.Request) -> None:
        """Note that a request has come in whole, its body aside."""
        self._asked.add(request.protocol)

    def overdue(self, connections: Iterable[web.RequestHandler], now: float) -> list[web.RequestHandler]:
        """Return the connections that have been silent for too long; forget those that are gone."""
        present = set(connections)
        self._asked &= present
        silent = present - self._asked
        self._since = {connection: self._since.get(connection, now) for connection in silent}
        return [connection for connection, since in self._since.items() if now - since > self._patience_s]

    async def watch(self, runner: web.AppRunner) -> None:
        """Close what is overdue, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(LOOK_S, self._patience_s / 2))
            server = runner.server
            for connection in self.overdue(server.connections if server is not None else (), loop.time()):
                connection.force_close()


@dataclass(frozen=True)
class Patience:
    """How long clients are waited for, and who is."""

    request_s: float = 60.0  # until a body must be there
    silent: Silent = field(default_factory=lambda: Silent(HEADER_S))


PATIENCE: Final = web.AppKey("patience", Patience)


def patience_for(request_s: float) -> Patience:
    """Derive everything from ``--request-timeout``."""
    return Patience(request_s, Silent(min(HEADER_S, request_s)))
