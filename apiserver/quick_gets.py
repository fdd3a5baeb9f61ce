"""Quick GETs: one who asks for the same object in the same bytes again need not be understood again.

Flow, at first: TLS -> *Front* -> aiohttp, application, handlers/get.py -> answer, and *learn*
      then:     TLS -> *Front* -> *QuickGets* -> answer

Many clients read single objects again and again. Such a request is found by its very bytes here, before it is parsed.
Everything about it was decided when it was handled in the ordinary way: who may ask, in which form the answer is. What
is left is to be as fresh as the ordinary answer, for which all who wait share one question to etcd, and to write the
bytes that the cache holds.

A connection is quick only while it carries nothing else: whatever comes between goes the ordinary way, and so does the
GET after it; and once in a while one does, so that those who close idle connections know that this one is none.
"""

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import Any, Final

from aiohttp import web

from apiserver.encoding import CACHE_CONTROL
from apiserver.negotiation import JSON
from apiserver.storage.caches import Caches
from naru.api.errors import APIError
from naru.api.keys import ObjectKey
from naru.api.scheme import Resource

KEPT: Final = 4096  # requests whose meaning is remembered
MAX_REQUEST_BYTES: Final = 2048
MAX_BODY_BYTES: Final = 64 << 10  # larger answers are compressed or sent in pieces
QUICK_S: Final = 30.0  # how long a connection may do without an ordinary request
HEADERS: Final = frozenset(("cache-control", "content-type", "content-length", "date", "audit-id"))
HEAD: Final = f"HTTP/1.1 200 OK\r\nCache-Control: {CACHE_CONTROL}\r\nContent-Type: {JSON}\r\n"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for, and by whom it was asked: the subject of the certificate, as ssl gives it."""

    resource: Resource
    key: ObjectKey
    fresh: bool  # as new as etcd, not just as the cache
    sender: Any


class Front(asyncio.Protocol):
    """One connection: answers what it knows, and hands all else on to aiohttp."""

    def __init__(self, gets: "QuickGets", behind: asyncio.Protocol) -> None:
        self._gets = gets
        self._behind = behind
        self._transport: asyncio.Transport | None = None
        self._sender: Any = None
        self._ordinary = b""  # the last bytes that were handed on
        self._quick_until = 0.0
        self._asked = b""  # the request that is being answered here
        self._held = b""  # what came meanwhile

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note who it is."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._sender = (transport.get_extra_info("peercert") or {}).get("subject")
        self._gets.fronts[self._behind] = self
        self._behind.connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it."""
        self._gets.fronts.pop(self._behind, None)
        self._asked = b""
        self._behind.connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Answer a request that is known, hand on anything else."""
        if self._asked:
            self._held += data
            assert self._transport is not None
            self._transport.pause_reading()
            return
        if self._quick_until and (wanted := self._quickly(data)) is not None:
            self._asked = data
            self._gets.ask(self, wanted)
            return
        self._quick_until = 0.0
        self._ordinary = data
        self._behind.data_received(data)

    def _quickly(self, data: bytes) -> Wanted | None:
        """Return what a request asks for, if it is known and no other is under way."""
        wanted = self._gets.known.get(data)
        if wanted is None or wanted.sender != self._sender or time.monotonic() > self._quick_until:
            return None
        waiting_for_a_request = getattr(self._behind, "_waiter", None)  # aiohttp has no public name for it
        return wanted if waiting_for_a_request is not None and not waiting_for_a_request.done() else None

    def eof_received(self) -> bool | None:
        """Hand the client's end on."""
        return self._behind.eof_received()

    def pause_writing(self) -> None:
        """Hand on that the client is slow."""
        self._behind.pause_writing()

    def resume_writing(self) -> None:
        """Hand on that it has caught up."""
        self._behind.resume_writing()

    @property
    def lone_request(self) -> bytes:
        """The request that was handed on last, if that was nothing but the head of one."""
        data = self._ordinary
        is_head = len(data) <= MAX_REQUEST_BYTES and data.endswith(b"\r\n\r\n") and data.count(b"\r\n\r\n") == 1
        return data if is_head else b""

    @property
    def sender(self) -> Any:
        """The subject of the client's certificate; None without one."""
        return self._sender

    def be_quick(self, request: bytes) -> None:
        """Allow quick answers, now that a request has been answered in the ordinary way and nothing came after it."""
        if self._ordinary is request:
            self._quick_until = time.monotonic() + QUICK_S

    def answer(self, body: bytes) -> None:
        """Answer the request."""
        if self._asked and self._transport is not None:
            date = _date(int(time.time()))
            head = f"{HEAD}Content-Length: {len(body) + 1}\r\nDate: {date}\r\nAudit-Id: {uuid.uuid4()}\r\n\r\n"
            self._transport.write(b"".join((head.encode(), body, b"\n")))
            self._go_on(b"")

    def decline(self) -> None:
        """Hand the request on after all."""
        self._quick_until = 0.0
        self._go_on(self._asked)

    def _go_on(self, unanswered: bytes) -> None:
        """Take up what came meanwhile."""
        data, self._asked, self._held = unanswered + self._held, b"", b""
        if data:
            assert self._transport is not None
            self._transport.resume_reading()
            self.data_received(data)


class QuickGets:
    """What is known about requests, and those that wait for an answer."""

    def __init__(self, caches: Caches) -> None:
        self._caches = caches
        self.known: OrderedDict[bytes, Wanted] = OrderedDict()
        self.fronts: dict[asyncio.BaseProtocol, Front] = {}
        self._waiting: list[tuple[Front, Wanted]] = []
        self._answering: asyncio.Task[None] | None = None

    def front_of(self, server: Callable[[], asyncio.Protocol]) -> Callable[[], Front]:
        """Return what makes the protocol of a new connection."""
        return lambda: Front(self, server())

    def learn(self, request: web.Request, response: web.StreamResponse) -> None:
        """Remember a request whose answer is the object as it is, if there is nothing special about either."""
        front, shown = self.fronts.get(request.protocol), request.get(SHOWN)
        if front is None or shown is None or request.method != "GET":
            return
        if not request.keep_alive or request.can_read_body:
            return
        version = request.query.get("resourceVersion", "") if request.query_string else ""
        if version not in ("", "0") or any(name in request.headers for name in NOT_REPEATED):
            return
        text = front.lone_request
        if text == _as_sent(request) and {name.lower() for name in response.headers} == HEADERS:
            resource, key = shown
            self._remember(text, Wanted(resource, key, not version, front.sender))
            task = asyncio.current_task()
            assert task is not None
            task.add_done_callback(lambda _: front.be_quick(text))  # the task of the request, which writes the answer

    def _remember(self, text: bytes, wanted: Wanted) -> None:
        self.known[text] = wanted
        if len(self.known) > KEPT:
            self.known.popitem(last=False)

    def ask(self, front: Front, wanted: Wanted) -> None:
        """Answer as soon as the cache is new enough."""
        if not wanted.fresh and self._caches.revision:
            self._answer(front, wanted)
            return
        self._waiting.append((front, wanted))
        if self._answering is None or self._answering.done():
            self._answering = asyncio.create_task(self._answer_waiting())

    async def _answer_waiting(self) -> None:
        """Answer in turns: who comes while etcd is asked waits for the next question, as the answer may be older."""
        while self._waiting:
            turn, self._waiting = self._waiting, []
            try:
                await self._caches.catch_up()
            except APIError:
                for front, _ in turn:
                    front.decline()  # the ordinary way knows what to say
            else:
                for front, wanted in turn:
                    self._answer(front, wanted)

    def _answer(self, front: Front, wanted: Wanted) -> None:
        entry = self._caches.of(wanted.resource).get(wanted.key)
        if entry is None or len(entry.data) > MAX_BODY_BYTES:
            front.decline()
        else:
            front.answer(entry.data)


QUICK_GETS: Final = web.AppKey("quick_gets", QuickGets)
SHOWN: Final = "shown"  # of a request: resource and key of the object that is shown as it is
NOT_REPEATED: Final = ("Audit-ID", "Authorization")  # headers of requests that are judged each time


def _as_sent(request: web.Request) -> bytes:
    """Write a GET as most clients do: if these were its very bytes, they mean it whenever they come again."""
    fields = b"".join(b"%b: %b\r\n" % field for field in request.raw_headers)
    return b"GET %b HTTP/1.1\r\n%b\r\n" % (request.raw_path.encode("utf-8", "surrogateescape"), fields)


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
