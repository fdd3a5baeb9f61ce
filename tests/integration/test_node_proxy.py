"""Log, exec and attach through the API server's proxy, against a node server that speaks the node's protocol."""

import asyncio
import datetime
import ipaddress
import os
import shutil
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import orjson
import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import unused_port
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apiserver import discovery, node_proxy
from apiserver.state import ServerConfig, ServerState
from naru.api.core_v1 import Node, Pod
from naru.api.errors import APIError
from naru.api.meta import KubeObject
from naru.api.scheme import Resource

V5, V4, V1 = "v5.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io"
ROOT = Path(__file__).resolve().parents[2]
KUBECTLS = sorted(str(path) for path in (ROOT / ".tools").glob("kubectl-*")) or [shutil.which("kubectl") or "kubectl"]
POD_PATH = "/api/v1/namespaces/default/pods"


def pod(name: str, containers: int = 1, node: str = "node-1", phase: str = "Running", init: bool = False) -> Pod:
    spec: dict[str, Any] = {
        "nodeName": node,
        "containers": [{"name": f"c{number}", "image": "i"} for number in range(containers)],
        "initContainers": [{"name": "setup", "image": "i"}] if init else [],
    }
    meta = {"name": name, "namespace": "default", "uid": name}
    return Pod.model_validate({"metadata": meta, "spec": spec, "status": {"phase": phase}})


def node(name: str, port: int) -> Node:
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }
    return Node.model_validate({"metadata": {"name": name}, "status": status})


class Objects:
    """Stands for the server's caches."""

    def __init__(self, *objects: KubeObject) -> None:
        self._objects = {(obj.kind, obj.metadata.name): obj for obj in objects}

    def cached(self, resource: Resource, namespace: str, name: str) -> KubeObject | None:
        return self._objects.get((resource.kind, name))

    async def fresh(self, resource: Resource, namespace: str, name: str) -> KubeObject | None:
        return self.cached(resource, namespace, name)


def issue(directory: Path) -> None:
    """Write a CA, the node's server certificate and the API server's client certificate."""
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test-ca")])
    now = datetime.datetime.now(datetime.UTC)

    def write(file: str, subject: x509.Name, *extensions: x509.ExtensionType, ca: bool = False) -> None:
        key = ca_key if ca else ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(ca_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        certificate = builder.sign(ca_key, hashes.SHA256())
        (directory / f"{file}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        (directory / f"{file}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    write("ca", ca_name, ca=True)
    write("node", named("node"), x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]))
    write("kubelet-client", named("kube-apiserver-kubelet-client"))


@dataclass
class FakeNode:
    """A node server: it echoes stdin, ends with the exit code asked for, and keeps what it was asked."""

    port: int
    queries: list[list[tuple[str, str]]] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    sizes: list[dict[str, int]] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, request: web.Request) -> None:
        self.queries.append(list(request.query.items()))
        certificate = request.get_extra_info("peercert")
        self.users.append(certificate["subject"][0][0][1])

    async def logs(self, request: web.Request) -> web.StreamResponse:
        self.note(request)
        if request.match_info["container"] == "c9":
            raise web.HTTPBadRequest(text='container "c9" in pod "many" is waiting to start: ContainerCreating')
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"line 1\nline 2\n")
        if "follow" in request.query:
            try:
                for number in range(3, 5):
                    await asyncio.sleep(0.05)
                    await response.write(f"line {number}\n".encode())
                if request.match_info["pod"] == "endless":
                    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
            finally:
                self.left.set()
        return response

    async def exec(self, request: web.Request) -> web.StreamResponse:
        self.note(request)
        command = request.query.getall("command", [])
        if command == ["refuse"]:
            raise web.HTTPNotFound(text='container not found ("c0")')
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise web.HTTPBadRequest(text="Upgrade request required")
        socket = web.WebSocketResponse(protocols=(V5, V4))
        await socket.prepare(request)
        if command == ["vanish"]:
            assert request.transport is not None
            request.transport.abort()
            return socket
        await socket.send_bytes(b"\x01hello\n")
        if "input" in request.query:
            await self._echo(socket)
        if socket.closed:
            return socket
        await socket.send_bytes(b"\x03" + orjson.dumps(outcome(int(command[1]) if command[0] == "exit" else 0)))
        await socket.close()
        return socket

    async def _echo(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is not WSMsgType.BINARY or message.data in (b"\xff\x00", b"\x00quit\n"):
                return
            if message.data[0] == 4:
                self.sizes.append(orjson.loads(message.data[1:]))
            else:
                await socket.send_bytes(b"\x01" + message.data[1:])
        self.left.set()


def outcome(code: int) -> dict[str, Any]:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    causes = [{"reason": "ExitCode", "message": str(code)}]
    message = f"command terminated with non-zero exit code: exit status {code}"
    details = {"causes": causes}
    return {"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode", "message": message, "details": details}


@web.middleware
async def errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except APIError as error:
        return web.json_response(error.status(), status=error.status_code)


@dataclass
class Proxied:
    """The proxy under test, the node behind it, and a client."""

    client: aiohttp.ClientSession
    node: FakeNode
    url: str
    stopping: asyncio.Event


@pytest.fixture
async def proxied(tmp_path: Path) -> AsyncIterator[Proxied]:
    issue(tmp_path)
    fake = FakeNode(unused_port())
    node_app = web.Application()
    node_app.router.add_get("/containerLogs/{ns}/{pod}/{container}", fake.logs)
    node_app.router.add_get("/exec/{ns}/{pod}/{container}", fake.exec)
    node_app.router.add_get("/attach/{ns}/{pod}/{container}", fake.exec)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "ca.crt"))
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_cert_chain(tmp_path / "node.crt", tmp_path / "node.key")
    node_runner = web.AppRunner(node_app, shutdown_timeout=1)
    await node_runner.setup()
    await web.TCPSite(node_runner, "127.0.0.1", fake.port, ssl_context=tls).start()

    objects = Objects(
        pod("one"),
        pod("endless"),
        pod("many", containers=10, init=True),
        pod("done", phase="Succeeded"),
        pod("pending", node=""),
        pod("lost", node="node-2"),
        pod("homeless", node="node-3"),
        node("node-1", fake.port),
        node("node-2", unused_port()),
    )
    config = ServerConfig(etcd="", listen=(("127.0.0.1", 0),), pki_dir=tmp_path)
    state = cast(ServerState, SimpleNamespace(config=config, reader=objects, stopping=asyncio.Event()))
    app = web.Application(middlewares=[errors])
    discovery.add_routes(app, state)
    node_proxy.add_routes(app, state)

    async def get_pod(request: web.Request) -> web.Response:
        found = objects.cached(node_proxy.target.POD, "default", request.match_info["name"])
        return web.json_response(found.wire() if found else {}, status=200 if found else 404)

    app.router.add_get(POD_PATH + "/{name}", get_pod)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    port = unused_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession(url) as client:
        yield Proxied(client, fake, url, state.stopping)
    state.stopping.set()
    await runner.cleanup()
    await node_runner.cleanup()


async def refusal(proxied: Proxied, path: str, **headers: str) -> tuple[int, str]:
    async with proxied.client.get(POD_PATH + path, headers={k.replace("_", "-"): v for k, v in headers.items()}) as got:
        return got.status, (await got.json())["message"]


class TestLogs:
    """The node's bytes arrive as they are."""

    async def test_the_whole_log(self, proxied: Proxied) -> None:
        async with proxied.client.get(f"{POD_PATH}/one/log?tailLines=5&timestamps=true") as got:
            assert (await got.text(), got.content_type) == ("line 1\nline 2\n", "text/plain")
        assert dict(proxied.node.queries[0]) == {"tailLines": "5", "timestamps": "true"}
        assert proxied.node.users == ["kube-apiserver-kubelet-client"]

    async def test_following_brings_lines_as_they_are_written(self, proxied: Proxied) -> None:
        async with proxied.client.get(f"{POD_PATH}/one/log?follow=true") as got:
            assert await got.content.readline() == b"line 1\n"
            assert not proxied.node.left.is_set()
            assert await got.content.read() == b"line 2\nline 3\nline 4\n"

    async def test_a_follower_that_leaves_is_not_held(self, proxied: Proxied) -> None:
        got = await proxied.client.get(f"{POD_PATH}/endless/log?follow=true")
        await got.content.readline()
        got.close()
        await asyncio.wait_for(proxied.node.left.wait(), 10)

    async def test_a_stopping_server_lets_go_of_followers(self, proxied: Proxied) -> None:
        async with proxied.client.get(f"{POD_PATH}/endless/log?follow=true") as got:
            await got.content.readline()
            proxied.stopping.set()
            with pytest.raises(aiohttp.ClientPayloadError):
                await asyncio.wait_for(got.content.read(), 10)

    async def test_of_a_pod_without_a_node_there_is_nothing(self, proxied: Proxied) -> None:
        async with proxied.client.get(f"{proxied.url}{POD_PATH}/pending/log?follow=1") as answer:
            assert (answer.status, await answer.read()) == (204, b"")

    async def test_over_a_websocket(self, proxied: Proxied) -> None:
        async with proxied.client.ws_connect(f"{POD_PATH}/one/log", protocols=("binary.k8s.io",)) as socket:
            assert b"".join([message.data async for message in socket]) == b"line 1\nline 2\n"

    @pytest.mark.parametrize(
        ("path", "code", "message"),
        [
            pytest.param("/none/log", 404, 'pods "none" not found', id="no such pod"),
            pytest.param("/one/log?container=x", 400, "container x is not valid for pod one", id="no such container"),
            pytest.param(
                "/many/log",
                400,
                "a container name must be specified for pod many, choose one of: [c0 c1 c2 c3 c4 c5 c6 c7 c8 c9]"
                " or one of the init containers: [setup]",
                id="several containers",
            ),
            pytest.param("/lost/log", 503, "node node-2 does not answer at 127.0.0.1:", id="node away"),
            pytest.param("/homeless/log", 503, "node node-3 of pod homeless is not registered", id="node unknown"),
            pytest.param("/many/log?container=c9", 400, "is waiting to start: ContainerCreating", id="node refuses"),
            pytest.param("/one/log?tailLines=-1", 422, "must be greater than or equal to 0", id="number out of range"),
            pytest.param("/one/log?tailLines=x", 400, "'x' is not a number", id="no number"),
            pytest.param("/one/log?follow=perhaps", 400, "neither true nor false", id="no truth value"),
        ],
    )
    async def test_refusals(self, proxied: Proxied, path: str, code: int, message: str) -> None:
        got = await refusal(proxied, path)
        assert got[0] == code
        assert message in got[1]


EXEC = f"{POD_PATH}/one/exec?stdout=true"


class TestExec:
    """Messages pass in both directions, and the end of one side ends the other."""

    async def test_output_and_outcome(self, proxied: Proxied) -> None:
        async with proxied.client.ws_connect(f"{EXEC}&command=exit&command=7", protocols=(V5, V4)) as socket:
            messages = [message.data async for message in socket]
        assert socket.protocol == V5
        assert messages[0] == b"\x01hello\n"
        assert messages[1][0] == 3
        assert orjson.loads(messages[1][1:])["details"]["causes"] == [{"reason": "ExitCode", "message": "7"}]
        assert socket.close_code == 1000
        assert proxied.node.queries[0] == [("command", "exit"), ("command", "7"), ("output", "1")]

    async def test_input_and_its_end(self, proxied: Proxied) -> None:
        async with proxied.client.ws_connect(f"{EXEC}&stdin=true&command=cat", protocols=(V5,)) as socket:
            await socket.receive()
            await socket.send_bytes(b"\x00some input")
            assert (await socket.receive()).data == b"\x01some input"
            await socket.send_bytes(b"\xff\x00")
            assert orjson.loads((await socket.receive()).data[1:])["status"] == "Success"

    async def test_the_terminal_size(self, proxied: Proxied) -> None:
        async with proxied.client.ws_connect(f"{EXEC}&stdin=true&tty=true&command=sh", protocols=(V4,)) as socket:
            await socket.send_bytes(b'\x04{"Width":80,"Height":24}')
            await socket.send_bytes(b"\x00quit\n")
            async for _ in socket:
                pass
        assert proxied.node.sizes == [{"Width": 80, "Height": 24}]

    async def test_version_1_reads_the_outcome_as_text(self, proxied: Proxied) -> None:
        async with proxied.client.ws_connect(f"{EXEC}&command=exit&command=7", protocols=(V1,)) as socket:
            messages = [message.data async for message in socket]
        assert messages[1] == b"\x03command terminated with non-zero exit code: exit status 7"

    async def test_version_1_reads_nothing_of_a_success(self, proxied: Proxied) -> None:
        async with proxied.client.ws_connect(f"{EXEC}&command=true", protocols=(V1,)) as socket:
            assert [message.data async for message in socket] == [b"\x01hello\n"]

    async def test_a_client_that_leaves_ends_the_nodes_side(self, proxied: Proxied) -> None:
        async with proxied.client.ws_connect(f"{EXEC}&stdin=true&command=cat", protocols=(V5,)) as socket:
            await socket.receive()
        await asyncio.wait_for(proxied.node.left.wait(), 10)

    async def test_a_node_that_vanishes_is_told_as_the_outcome(self, proxied: Proxied) -> None:
        async with proxied.client.ws_connect(f"{EXEC}&command=vanish", protocols=(V5,)) as socket:
            messages = [message.data async for message in socket]
        assert "the connection to node node-1 was lost" in orjson.loads(messages[-1][1:])["message"]

    async def test_a_stopping_server_says_that_it_goes_away(self, proxied: Proxied) -> None:
        async with proxied.client.ws_connect(f"{EXEC}&stdin=true&command=cat", protocols=(V5,)) as socket:
            await socket.receive()
            proxied.stopping.set()
            assert (await socket.receive()).type is WSMsgType.CLOSE
            assert socket.close_code == 1001

    async def test_attach(self, proxied: Proxied) -> None:
        path = f"{POD_PATH}/one/attach?stdin=true&stdout=true"
        async with proxied.client.ws_connect(path, protocols=(V5,)) as socket:
            await socket.receive()
            await socket.send_bytes(b"\x00x")
            assert (await socket.receive()).data == b"\x01x"

    async def test_a_slow_reader_gets_everything(self, proxied: Proxied) -> None:
        async with proxied.client.ws_connect(f"{EXEC}&stdin=true&command=cat", protocols=(V5,)) as socket:
            await socket.receive()
            chunk = b"\x00" + b"x" * 32_768

            async def write() -> None:
                for _ in range(200):
                    await socket.send_bytes(chunk)

            writing = asyncio.create_task(write())
            await asyncio.sleep(0.2)
            received = 0
            while received < 200 * 32_768:
                received += len((await socket.receive()).data) - 1
            await writing

    @pytest.mark.parametrize(
        ("path", "code", "message"),
        [
            ("/one/exec?stdout=true", 400, "you must specify at least one command for the container"),
            ("/one/exec?command=ls", 400, "you must specify at least 1 of stdin, stdout, stderr"),
            ("/done/exec?command=ls&stdout=1", 400, "completed pod; current phase is Succeeded"),
            ("/pending/exec?command=ls&stdout=1", 400, "pod pending does not have a host assigned"),
            ("/lost/exec?command=ls&stdout=1", 503, "node node-2 does not answer"),
            ("/one/exec?command=refuse&stdout=1", 404, 'container not found ("c0")'),
        ],
    )
    async def test_refusals(self, proxied: Proxied, path: str, code: int, message: str) -> None:
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Protocol": V5}
        got = await refusal(proxied, path, **upgrade, Sec_WebSocket_Version="13", Sec_WebSocket_Key="A" * 22 + "==")
        assert got[0] == code
        assert message in got[1]

    async def test_spdy_is_refused_in_words(self, proxied: Proxied) -> None:
        code, message = await refusal(
            proxied, "/one/exec?command=ls&stdout=1", Upgrade="SPDY/3.1", Connection="Upgrade"
        )
        assert code == 400
        assert "connect by WebSocket" in message

    async def test_a_plain_request_is_refused(self, proxied: Proxied) -> None:
        assert await refusal(proxied, "/one/exec?command=ls&stdout=1") == (400, "Upgrade request required")


@pytest.mark.parametrize("kubectl", KUBECTLS, ids=lambda path: Path(path).name)
class TestKubectl:
    """The client that people use."""

    async def run(
        self, kubectl: str, proxied: Proxied, tmp_path: Path, *arguments: str, stdin: bytes = b""
    ) -> tuple[int, str, str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        process = await asyncio.create_subprocess_exec(
            *(kubectl, f"--server={proxied.url}", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
        out, err = await asyncio.wait_for(process.communicate(stdin), 30)
        return process.returncode or 0, out.decode(), err.decode()

    async def test_exec(self, kubectl: str, proxied: Proxied, tmp_path: Path) -> None:
        assert await self.run(kubectl, proxied, tmp_path, "exec", "one", "--", "true") == (0, "hello\n", "")

    async def test_the_exit_code_arrives(self, kubectl: str, proxied: Proxied, tmp_path: Path) -> None:
        code, _, errors = await self.run(kubectl, proxied, tmp_path, "exec", "one", "--", "exit", "7")
        assert code == 7
        assert "command terminated with exit code 7" in errors

    async def test_input_ends(self, kubectl: str, proxied: Proxied, tmp_path: Path) -> None:
        code, out, _ = await self.run(kubectl, proxied, tmp_path, "exec", "-i", "one", "--", "cat", stdin=b"through\n")
        assert (code, out) == (0, "hello\nthrough\n")

    async def test_logs(self, kubectl: str, proxied: Proxied, tmp_path: Path) -> None:
        code, out, _ = await self.run(kubectl, proxied, tmp_path, "logs", "-f", "one")
        assert (code, out) == (0, "line 1\nline 2\nline 3\nline 4\n")

    async def test_a_refusal_is_shown(self, kubectl: str, proxied: Proxied, tmp_path: Path) -> None:
        code, _, errors = await self.run(kubectl, proxied, tmp_path, "exec", "one", "--", "refuse")
        assert code != 0
        assert 'container not found ("c0")' in errors
