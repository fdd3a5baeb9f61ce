"""Bad input: whatever comes over the wire, the server refuses it, goes on, and keeps nothing by halves."""

import asyncio
import contextlib
import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import running_apiserver

ANSWER_S = 30.0
PATIENCE_S = 2.0  # the server's, made short for the tests
CONFIGMAPS = "/api/v1/namespaces/default/configmaps"

BOUNDED = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass
class Wire:
    """A connection that sends bytes as they are, and is opened anew when the server has closed it."""

    address: tuple[str, int]
    tls: ssl.SSLContext
    stream: ssl.SSLSocket | None = None
    seen: dict[int, int] = field(default_factory=dict)

    def open(self) -> ssl.SSLSocket:
        plain = socket.create_connection(self.address, ANSWER_S)
        return self.tls.wrap_socket(plain, server_hostname="127.0.0.1")

    def close(self) -> None:
        if self.stream is not None:
            self.stream.close()
        self.stream = None

    def ask(self, request: bytes) -> int:
        """Send a request and read its answer whole; 0 when the server closes instead of answering."""
        for _ in range(2):
            fresh = self.stream is None
            self.stream = self.stream or self.open()
            try:
                self.stream.sendall(request)
                answer = http.client.HTTPResponse(self.stream)
                answer.begin()
                answer.read()
            except (OSError, http.client.HTTPException):
                self.close()
                if fresh:
                    return 0
                continue
            if answer.will_close or answer.getheader("Connection") == "close":
                self.close()
            self.seen[answer.status] = self.seen.get(answer.status, 0) + 1
            return answer.status
        return 0


def request(method: str, target: bytes, body: bytes = b"", **headers: bytes) -> bytes:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    fields = {"Host": b"naru", "Content-Length": b"%d" % len(body), **given}
    lines = b"".join(b"%s: %s\r\n" % (name.encode(), value) for name, value in fields.items())
    return b"%s %s HTTP/1.1\r\n%s\r\n%s" % (method.encode(), target, lines, body)


@pytest.fixture(scope="module")
def server(etcd: Any, pki: Any) -> Iterator[Any]:
    with running_apiserver(etcd, pki, "--request-timeout", str(PATIENCE_S)) as running:
        yield running


@pytest.fixture
def wire(server: Any) -> Iterator[Wire]:
    host, _, port = server.url.removeprefix("https://").partition(":")
    made = Wire((host, int(port)), server.pki.tls())
    yield made
    made.close()
    check_alive(made)


def check_alive(wire: Wire) -> None:
    alive = Wire(wire.address, wire.tls)
    assert alive.ask(request("GET", b"/readyz")) == 200
    alive.close()


def stored(wire: Wire, name: str) -> int:
    return wire.ask(request("GET", f"{CONFIGMAPS}/{name}".encode()))


BYTES = st.binary(max_size=300)
HEADER = st.binary(max_size=60).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b""))
SEGMENT = st.sampled_from(
    [
        b"api",
        b"apis",
        b"v1",
        b"apps",
        b"namespaces",
        b"default",
        b"pods",
        b"configmaps",
        b"status",
        b"watch",
        b"..",
        b".",
        b"",
        b"%2F",
        b"%2e%2e",
        b"%00",
        b"%ff",
        b"%zz",
        b"a b".replace(b" ", b"%20"),
        b"x" * 300,
    ]
) | st.text(max_size=8).map(lambda text: b"".join(b"%%%02x" % byte for byte in text.encode("utf-8", "replace")))
QUERY = st.dictionaries(
    st.sampled_from(
        ["limit", "continue", "resourceVersion", "resourceVersionMatch", "labelSelector", "fieldSelector", "dryRun",
         "fieldValidation", "pretty", "timeoutSeconds", "includeObject", "sendInitialEvents", "fieldManager", "hash"]
    ),
    st.sampled_from([b"", b"0", b"-1", b"1e9", b"9" * 40, b"a,b", b"a in (b", b"!", b"=", b"a==b,c!=d", b"%00",
                     b"%ff%fe", b"%F0%9F%92%A9", b"true", b"Exact", b"All", b"metadata.name=a"]),
    max_size=4,
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("\ud800") | st.just("\0"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["metadata", "name", "labels", "data", "kind", "apiVersion", "spec", "finalizers", "x"]),
            inner,
        )
    ),
    max_leaves=12,
)


class TestAnything:
    """No request is a fault of the server's, and every one has its answer."""

    @BOUNDED
    @given(
        method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
        segments=st.lists(SEGMENT, max_size=9),
        query=QUERY,
    )
    def test_paths_and_queries(self, wire: Wire, method: str, segments: list[bytes], query: dict[str, bytes]) -> None:
        target = b"/" + b"/".join(segments)
        if query:
            target += b"?" + b"&".join(b"%s=%s" % (name.encode(), value) for name, value in query.items())
        if method == "HEAD":
            wire.close()
        assert wire.ask(request(method, target, Connection=b"close")) < 500

    @BOUNDED
    @given(name=st.sampled_from(["Accept", "Content-Type", "Accept-Encoding", "If-None-Match", "Audit-ID", "Naru-Trail",
                                 "User-Agent", "Authorization", "Transfer-Encoding", "Expect", "Upgrade", "Range"]),
           value=HEADER)  # fmt: skip
    def test_headers(self, wire: Wire, name: str, value: bytes) -> None:
        assert wire.ask(request("GET", f"{CONFIGMAPS}/nothing".encode(), **{name: value})) < 500
        wire.close()

    @BOUNDED
    @given(
        body=BYTES | JSON.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")),
        media_type=st.sampled_from(
            [b"application/json", b"application/yaml", b"application/vnd.kubernetes.protobuf", b"text/plain", b""]
        ),
        wrap=st.booleans(),
    )
    def test_bodies(self, wire: Wire, body: bytes, media_type: bytes, wrap: bool) -> None:
        if wrap and media_type == b"application/vnd.kubernetes.protobuf":
            body = b"k8s\0" + body
        assert wire.ask(request("POST", CONFIGMAPS.encode(), body, Content_Type=media_type)) < 500

    @BOUNDED
    @given(
        patch=BYTES | JSON.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")),
        kind=st.sampled_from(["json-patch+json", "merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"]),
    )
    def test_patches(self, wire: Wire, patch: bytes, kind: str) -> None:
        target = b"/api/v1/namespaces/default?dryRun=All&fieldManager=fuzz"
        media_type = f"application/{kind}".encode()
        assert wire.ask(request("PATCH", target, patch, Content_Type=media_type)) < 500


class TestDeep:
    """Depth is refused before it hurts, in every notation."""

    @pytest.mark.parametrize(
        ("opening", "closing", "media_type"),
        [
            (b"[", b"]", "json"),
            (b'{"a":', b"}", "json"),
            (b"[", b"]", "yaml"),
            (b"- ", b"", "yaml"),
            (b"{a: ", b"}", "yaml"),
        ],
    )
    @pytest.mark.parametrize("depth", [300, 3000, 100_000])
    def test_create(self, wire: Wire, opening: bytes, closing: bytes, media_type: str, depth: int) -> None:
        body = opening * depth + b"1" + closing * depth
        kind = f"application/{media_type}".encode()
        assert wire.ask(request("POST", CONFIGMAPS.encode(), body, Content_Type=kind)) == 400

    @pytest.mark.parametrize(
        "kind", ["json-patch+json", "merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"]
    )
    @pytest.mark.parametrize("depth", [150, 300, 100_000])
    def test_patch(self, wire: Wire, kind: str, depth: int) -> None:
        patch = b'{"metadata":{"annotations":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}}"
        if kind == "json-patch+json":
            patch = b'[{"op":"add","path":"/metadata/annotations","value":%s}]' % patch
        media_type = f"application/{kind}".encode()
        target = b"/api/v1/namespaces/default?fieldManager=deep&dryRun=All"
        assert 400 <= wire.ask(request("PATCH", target, patch, Content_Type=media_type)) < 500

    def test_a_bomb_of_aliases(self, wire: Wire) -> None:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
        body = "\n".join(lines).encode()
        assert wire.ask(request("POST", CONFIGMAPS.encode(), body, Content_Type=b"application/yaml")) == 400


class TestHalves:
    """A request that does not come whole does nothing."""

    def test_a_truncated_body(self, wire: Wire) -> None:
        body = b'{"metadata":{"name":"half"}}'
        stream = wire.open()
        stream.sendall(request("POST", CONFIGMAPS.encode(), body, Content_Length=b"%d" % (len(body) + 10)))
        stream.close()
        check_alive(wire)
        assert stored(wire, "half") == 404

    def test_a_body_that_stalls(self, wire: Wire) -> None:
        stream = wire.open()
        stream.sendall(request("POST", CONFIGMAPS.encode(), b'{"metadata":', Content_Length=b"1000"))
        answer = http.client.HTTPResponse(stream)
        answer.begin()
        status = json.loads(answer.read())
        stream.close()
        assert (answer.status, status["reason"]) == (504, "Timeout")
        assert status["message"] == "Timeout: request did not complete within the allotted timeout"

    @pytest.mark.parametrize("start", [b"", b"GET /api", b"GET /api HTTP/1.1\r\nHost: naru\r\nX-Slow: "])
    def test_headers_that_never_end(self, wire: Wire, start: bytes) -> None:
        stream = wire.open()
        stream.settimeout(1.0)
        stream.sendall(start)
        deadline = time.monotonic() + ANSWER_S
        ended = False
        while not ended and time.monotonic() < deadline:
            with contextlib.suppress(TimeoutError):
                try:
                    ended = stream.recv(1) == b""
                except OSError as error:
                    if isinstance(error, TimeoutError):
                        raise
                    ended = True
        stream.close()
        assert ended

    def test_chunks(self, wire: Wire) -> None:
        head = f"POST {CONFIGMAPS} HTTP/1.1\r\nHost: naru\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        body = b'{"metadata":{"name":"chunked"}}'
        whole = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
        assert wire.ask(head + whole) == 201
        assert wire.ask(head + b"zz\r\n{}\r\n0\r\n\r\n") in (0, 400)

    def test_too_many_chunks(self, wire: Wire) -> None:
        head = f"POST {CONFIGMAPS} HTTP/1.1\r\nHost: naru\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        assert wire.ask(head + chunk * 49 + b"0\r\n\r\n") in (0, 413)
        wire.close()

    def test_one_after_the_other_without_waiting(self, wire: Wire) -> None:
        stream = wire.open()
        stream.sendall(request("GET", b"/readyz") * 20)
        reader = stream.makefile("rb")
        for _ in range(20):
            assert reader.readline().startswith(b"HTTP/1.1 200")
            while reader.readline() != b"\r\n":
                pass
            assert reader.read(2) == b"ok"
        stream.close()

    @pytest.mark.parametrize("size", [2 << 20, 10 << 20])
    def test_headers_of_megabytes(self, wire: Wire, size: int) -> None:
        assert wire.ask(request("GET", b"/readyz", X_Large=b"x" * size)) in (0, 400, 431)

    def test_a_long_line(self, wire: Wire) -> None:
        assert wire.ask(request("GET", b"/api/v1/pods?labelSelector=a%3D" + b"b" * 60_000)) == 400
        assert wire.ask(request("GET", b"/" + b"x" * 60_000)) == 404


async def test_many_connections(server: Any, wire: Wire) -> None:
    async def hold() -> asyncio.StreamWriter:
        return (await asyncio.open_connection(*wire.address, ssl=wire.tls, server_hostname="127.0.0.1"))[1]

    held: list[asyncio.StreamWriter] = []
    for _ in range(10):
        held += await asyncio.gather(*(hold() for _ in range(30)))
    try:
        assert await asyncio.to_thread(wire.ask, request("GET", b"/readyz")) == 200
    finally:
        for writer in held:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in held), return_exceptions=True)
