"""Which requests are answered before they are understood, and which are handed on."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from aiohttp import web

from apiserver import quick_gets
from apiserver.quick_gets import Front, QuickGets, Wanted
from apiserver.storage.entry import Entry
from naru.api.core_v1 import ConfigMap
from naru.api.errors import ServiceUnavailable
from naru.api.keys import ObjectKey
from naru.api.scheme import resource_of

GET = b"GET /api/v1/namespaces/default/configmaps/a HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
KEY = ObjectKey("default", "a")
RESOURCE = resource_of(ConfigMap)
SUBJECT = ((("commonName", "admin"),),)


class Caches:
    """Caches of one ConfigMap, which are fresh when the test says so."""

    def __init__(self) -> None:
        self.revision = 7
        self.entry: Entry | None = Entry(RESOURCE, KEY, b'{"kind":"ConfigMap"}', 7)
        self.is_fresh = asyncio.Event()
        self.asked = 0
        self.failure: Exception | None = None

    def of(self, _: object) -> Any:
        return SimpleNamespace(get=lambda _: self.entry)

    async def catch_up(self) -> None:
        self.asked += 1
        await self.is_fresh.wait()
        if self.failure is not None:
            raise self.failure


class Client:
    """A connection, and what is behind the front."""

    def __init__(self, gets: QuickGets, subject: Any = SUBJECT) -> None:
        self.transport = Mock(spec=asyncio.Transport)
        self.transport.get_extra_info.return_value = {"subject": subject}
        self.behind = Mock(spec=asyncio.Protocol)
        self.behind._waiter = asyncio.get_running_loop().create_future()  # as aiohttp waits for a request
        self.front = Front(gets, self.behind)
        self.front.connection_made(self.transport)

    def send(self, data: bytes) -> None:
        self.front.data_received(data)

    def be_served(self, data: bytes) -> None:
        """Send a request that is answered in the ordinary way."""
        self.send(data)
        self.front.be_quick(self.front.lone_request)

    @property
    def answers(self) -> list[bytes]:
        return [call.args[0] for call in self.transport.write.call_args_list]

    @property
    def handed_on(self) -> list[bytes]:
        return [call.args[0] for call in self.behind.data_received.call_args_list]


@pytest.fixture
async def caches() -> Caches:
    return Caches()


@pytest.fixture
async def gets(caches: Caches) -> QuickGets:
    made = QuickGets(caches)  # type: ignore[arg-type]
    made.known[GET] = Wanted(RESOURCE, KEY, True, SUBJECT)
    return made


@pytest.fixture
async def client(gets: QuickGets) -> Client:
    return Client(gets)


class Served:
    """aiohttp's server on loopback behind a front, with a handler that shows the ConfigMap."""

    def __init__(self, gets: QuickGets) -> None:
        self.gets = gets
        self.calls = 0

    async def handle(self, request: web.Request) -> web.Response:
        self.calls += 1
        request[quick_gets.SHOWN] = RESOURCE, KEY
        headers = {"Cache-Control": "no-cache, private", "Audit-Id": "1", "Content-Type": "application/json"}
        return web.Response(body=b'{"kind":"ConfigMap"}\n', headers=headers)

    async def learn(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers.popall("Server", None)
        self.gets.learn(request, response)


@pytest.fixture
async def served(caches: Caches) -> AsyncIterator[tuple[Served, asyncio.StreamReader, asyncio.StreamWriter]]:
    caches.is_fresh.set()
    made = Served(QuickGets(caches))  # type: ignore[arg-type]
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    app.on_response_prepare.append(made.learn)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    assert runner.server is not None
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(made.gets.front_of(runner.server), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname()[:2])
    yield made, reader, writer
    writer.close()
    listener.close()
    await runner.cleanup()


@pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")  # it would rather have keys that old versions lack
class TestBehindAiohttp:
    @pytest.mark.parametrize(
        ("request_", "calls"),
        [
            pytest.param(GET, 1, id="the same GET"),
            pytest.param(GET.replace(b"/a ", b"/a?resourceVersion=0 "), 1, id="of whatever the cache has"),
            pytest.param(GET.replace(b"/a ", b"/a?pretty=1&resourceVersion=5 "), 3, id="of a certain version"),
            pytest.param(GET.replace(b"GET", b"DELETE"), 3, id="another verb"),
            pytest.param(GET.replace(b"Host: h", b"Host:h"), 3, id="written in another way"),
            pytest.param(GET.replace(b"Host", b"Audit-ID: 1\r\nHost"), 3, id="with a number of its own"),
            pytest.param(GET.replace(b"Host", b"Authorization: x\r\nHost"), 3, id="with a token"),
        ],
    )
    async def test_what_is_not_handled_again(self, served: Any, request_: bytes, calls: int) -> None:
        made, reader, writer = served
        for _ in range(3):
            await turn()  # until aiohttp waits again
            writer.write(request_)
            async with asyncio.timeout(10):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
                assert await reader.readline() == b'{"kind":"ConfigMap"}\n'
        assert made.calls == calls


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class TestAnswers:
    async def test_a_known_request_is_answered_once_the_cache_is_fresh(self, client: Client, caches: Caches) -> None:
        client.be_served(GET)
        client.send(GET)
        await turn()
        assert client.answers == []
        caches.is_fresh.set()
        await turn()
        (answer,) = client.answers
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b'\r\n\r\n{"kind":"ConfigMap"}\n')
        assert b"Content-Length: 21\r\n" in answer
        assert client.handed_on == [GET]

    async def test_who_comes_while_etcd_is_asked_waits_for_the_next_question(
        self, gets: QuickGets, caches: Caches
    ) -> None:
        clients = [Client(gets) for _ in range(3)]
        for client in clients:
            client.be_served(GET)
        clients[0].send(GET)
        await turn()
        clients[1].send(GET)
        clients[2].send(GET)
        await turn()
        assert caches.asked == 1
        caches.is_fresh.set()
        await turn()
        assert caches.asked == 2
        assert [len(client.answers) for client in clients] == [1, 1, 1]

    async def test_version_0_is_whatever_the_cache_has(self, gets: QuickGets, client: Client, caches: Caches) -> None:
        gets.known[GET] = Wanted(RESOURCE, KEY, False, SUBJECT)
        client.be_served(GET)
        client.send(GET)
        assert len(client.answers) == 1
        assert caches.asked == 0

    async def test_what_comes_before_the_answer_is_kept_until_after_it(self, client: Client, caches: Caches) -> None:
        client.be_served(GET)
        client.send(GET)
        client.send(POST[:10])
        assert client.transport.pause_reading.called
        assert client.handed_on == [GET]
        caches.is_fresh.set()
        await turn()
        assert len(client.answers) == 1
        assert client.transport.resume_reading.called
        assert client.handed_on == [GET, POST[:10]]


class TestHandedOn:
    async def test_the_first_request_of_a_connection(self, client: Client) -> None:
        client.send(GET)
        assert client.handed_on == [GET]

    async def test_what_follows_a_request_that_is_not_answered_yet(self, client: Client) -> None:
        client.be_served(GET)
        client.behind._waiter.set_result(None)
        client.send(GET)
        assert client.handed_on == [GET, GET]

    async def test_what_follows_something_that_came_before_the_answer(self, client: Client) -> None:
        client.send(GET)
        answered = client.front.lone_request
        client.send(POST)
        client.front.be_quick(answered)
        client.send(GET)
        assert client.handed_on == [GET, POST, GET]

    async def test_a_request_after_something_else(self, client: Client) -> None:
        client.be_served(GET)
        client.send(POST)
        client.send(GET)
        assert client.handed_on == [GET, POST, GET]

    async def test_one_request_in_a_while(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(quick_gets, "QUICK_S", 0.0)
        client.be_served(GET)
        client.send(GET)
        assert client.handed_on == [GET, GET]

    async def test_the_same_request_of_somebody_else(self, gets: QuickGets) -> None:
        for subject in ((("commonName", "other"),), None):
            other = Client(gets, subject)
            other.be_served(GET)
            other.send(GET)
            assert other.handed_on == [GET, GET]

    @pytest.mark.parametrize("data", [None, bytes(quick_gets.MAX_BODY_BYTES + 1)])
    async def test_an_object_that_is_gone_or_large(self, client: Client, caches: Caches, data: bytes | None) -> None:
        caches.entry = Entry(RESOURCE, KEY, data, 8) if data else None
        client.be_served(GET)
        client.send(GET)
        client.send(POST)
        caches.is_fresh.set()
        await turn()
        assert client.answers == []
        assert client.handed_on == [GET, GET + POST]

    async def test_all_while_etcd_is_away(self, client: Client, caches: Caches) -> None:
        caches.failure = ServiceUnavailable("away")
        caches.is_fresh.set()
        client.be_served(GET)
        client.send(GET)
        await turn()
        assert client.handed_on == [GET, GET]

    async def test_nothing_once_the_client_has_left(self, client: Client, caches: Caches, gets: QuickGets) -> None:
        client.be_served(GET)
        client.send(GET)
        client.front.connection_lost(None)
        caches.is_fresh.set()
        await turn()
        assert client.answers == []
        assert gets.fronts == {}

    @pytest.mark.parametrize("data", [GET[:-2], GET + GET, GET + b"body", b"x" * 2045 + b"\r\n\r\n"])
    async def test_only_the_head_of_one_request_is_remembered(self, client: Client, data: bytes) -> None:
        client.send(data)
        assert client.front.lone_request == b""
