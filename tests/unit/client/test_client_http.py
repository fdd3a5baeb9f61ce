"""The client against a server of the test's own on loopback: what goes over the wire, and what errors become."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import pytest
from aiohttp import web

from naru.api.coordination_v1 import Lease
from naru.api.errors import Conflict, Gone, InternalError, NotFound, ServiceUnavailable
from naru.api.meta import ObjectMeta
from naru.client.client import Client
from naru.client.config import ClientConfig
from naru.client.errors import ConnectionFailed, DeadlineExceeded
from naru.client.watch import EventType
from naru.telemetry.trail import Cause, decode

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[Client]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        async with Client(ClientConfig(f"http://{host}:{port}"), user_agent="test-controller") as client:
            yield client
    finally:
        await runner.cleanup()


def status(code: int, reason: str, message: str) -> web.Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
    return web.json_response(body | {"message": message}, status=code)


def lease(name: str, version: str = "1") -> dict[str, object]:
    meta = {"name": name, "namespace": "default", "resourceVersion": version}
    return {"kind": "Lease", "apiVersion": "coordination.k8s.io/v1", "metadata": meta}


class TestRequests:
    """Each verb is the request that Kubernetes documents for it."""

    async def sent(self, act: Callable[[Client], Awaitable[object]]) -> web.Request:
        seen: list[web.Request] = []

        async def handler(request: web.Request) -> web.Response:
            await request.read()  # kept by the request for the test to look at
            seen.append(request)
            is_list = request.method == "GET" and request.path.endswith("leases")
            return web.json_response({"items": [lease("a")], "metadata": {}} if is_list else lease("a"))

        async with serving(handler) as client:
            await act(client)
        return seen[0]

    async def test_get(self) -> None:
        request = await self.sent(lambda c: c.get(Lease, "a", "default"))
        assert (request.method, request.path_qs) == ("GET", f"{LEASES}/a")
        assert request.headers["User-Agent"] == "test-controller"

    async def test_list_of_a_page(self) -> None:
        request = await self.sent(lambda c: c.list(Lease, "default", label_selector="a=b,c", limit=5, continue_="x"))
        assert request.path == LEASES
        assert dict(request.query) == {"labelSelector": "a=b,c", "limit": "5", "continue": "x"}

    async def test_create_says_why(self) -> None:
        cause = Cause("Node", "v1", "", "node-1", "u", "7", "registered")
        obj = Lease(metadata=ObjectMeta(name="a", namespace="default"))
        request = await self.sent(lambda c: c.create(obj, cause=cause))
        trail = decode(request.headers["Naru-Trail"])
        assert trail is not None
        assert (trail.component, trail.cause) == ("test-controller", cause)
        assert request.query["fieldManager"] == "test-controller"

    async def test_patch_names_its_type(self) -> None:
        request = await self.sent(lambda c: c.patch(Lease, "a", "default", {"metadata": {}}, "strategic"))
        assert (request.method, request.content_type) == ("PATCH", "application/strategic-merge-patch+json")

    async def test_delete_with_preconditions(self) -> None:
        request = await self.sent(lambda c: c.delete(Lease, "a", "default", uid="u1", grace_period_seconds=0))
        options = json.loads(await request.read())
        assert options["preconditions"] == {"uid": "u1"}
        assert options["gracePeriodSeconds"] == 0

    async def test_raw_answers_json_decoded(self) -> None:
        async def handler(request: web.Request) -> web.Response:
            return web.Response(text="ok") if request.path == "/readyz" else web.json_response({"major": "1"})

        async with serving(handler) as client:
            assert await client.raw("GET", "/readyz") == b"ok"
            assert await client.raw("GET", "/version") == {"major": "1"}

    async def test_a_named_client_shares_the_connection(self) -> None:
        request = await self.sent(lambda c: c.named("other").get(Lease, "a", "default"))
        assert request.headers["User-Agent"] == "other"

    async def test_warnings_are_told(self) -> None:
        async def handler(_: web.Request) -> web.Response:
            return web.json_response(lease("a"), headers={"Warning": '299 - "unknown field \\"spec.x\\""'})

        told: list[str] = []
        async with serving(handler) as client:
            speaking = Client(client.config, on_warning=told.append)
            async with speaking:
                await speaking.get(Lease, "a", "default")
        assert told == ['unknown field "spec.x"']


class TestErrors:
    """A refusal is the APIError it stands for; everything else is ConnectionFailed."""

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            pytest.param((404, "NotFound", 'leases "a" not found'), NotFound, id="not found"),
            pytest.param((409, "Conflict", "stale"), Conflict, id="conflict"),
        ],
    )
    async def test_status(self, answer: tuple[int, str, str], error: type[Exception]) -> None:
        async def handler(_: web.Request) -> web.Response:
            return status(*answer)

        async with serving(handler) as client:
            with pytest.raises(error, match=answer[2]):
                await client.get(Lease, "a", "default")

    async def test_a_proxy_answers_in_its_own_words(self) -> None:
        async def handler(_: web.Request) -> web.Response:
            return web.Response(status=503, text="bad gateway")

        async with serving(handler) as client:
            with pytest.raises(ServiceUnavailable, match="bad gateway"):
                await client.get(Lease, "a", "default")

    async def test_an_answer_of_another_shape(self) -> None:
        async def handler(_: web.Request) -> web.Response:
            return web.json_response([1])

        async with serving(handler) as client:
            with pytest.raises(InternalError, match="is no Lease"):
                await client.get(Lease, "a", "default")

    async def test_a_refused_websocket_keeps_its_status(self) -> None:
        async def handler(_: web.Request) -> web.Response:
            return status(404, "NotFound", 'pods "x" not found')

        async with serving(handler) as client:
            with pytest.raises(NotFound, match='pods "x" not found'):
                async with client.websocket("/exec"):
                    pass

    async def test_nobody_listens(self) -> None:
        async with Client(ClientConfig("http://127.0.0.1:1")) as client:
            with pytest.raises(ConnectionFailed, match=r"GET http://127\.0\.0\.1:1/"):
                await client.get(Lease, "a", "default")

    async def test_no_answer_in_time(self) -> None:
        async def handler(_: web.Request) -> web.Response:
            await asyncio.Event().wait()
            raise AssertionError

        async with serving(handler) as client:
            with pytest.raises(DeadlineExceeded):
                await client.raw("GET", "/", timeout_s=0.02)


class TestWatch:
    """A watch yields typed events until the server ends it."""

    async def events(self, *pieces: bytes) -> list[tuple[EventType, str]]:
        async def handler(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            for piece in pieces:
                await response.write(piece)
            return response

        async with (
            serving(handler) as client,
            aclosing(client.watch(Lease, "default", resource_version="1")) as events,
        ):
            return [(event.type, event.object.metadata.resource_version) async for event in events]

    async def test_events_cut_anywhere(self) -> None:
        lines = [json.dumps({"type": t, "object": lease("a", v)}) for t, v in (("ADDED", "2"), ("DELETED", "3"))]
        body = ("\n".join(lines) + "\n").encode()
        expected = [(EventType.ADDED, "2"), (EventType.DELETED, "3")]
        assert await self.events(body[:30], body[30:130], body[130:]) == expected

    async def test_a_bookmark_has_only_metadata(self) -> None:
        bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}}
        assert await self.events(json.dumps(bookmark).encode() + b"\n") == [(EventType.BOOKMARK, "9")]

    async def test_history_gone(self) -> None:
        gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
        with pytest.raises(Gone, match="too old"):
            await self.events(json.dumps({"type": "ERROR", "object": gone}).encode() + b"\n")

    async def test_cut_in_the_middle_of_an_event(self) -> None:
        with pytest.raises(ConnectionFailed, match="middle of an event"):
            await self.events(b'{"type":"ADDED","obj')


class TestWebSocket:
    """Binary messages both ways, and an end that is seen."""

    async def test_echo(self) -> None:
        async def handler(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse(protocols=("v5.channel.k8s.io",))
            await socket.prepare(request)
            await socket.send_bytes(await socket.receive_bytes())
            await socket.close()
            return socket

        async with serving(handler) as client, client.websocket("/exec", params=[("command", "a")]) as socket:
            assert socket.protocol == "v5.channel.k8s.io"
            await socket.send(b"\x00hello")
            assert await socket.receive() == b"\x00hello"
            assert await socket.receive() is None
