"""The HTTP front of the API server, byte by byte: codes, headers and bodies as upstream writes them."""

import asyncio
import contextlib
import gzip
import json
import ssl
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

JSON = "application/json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
OFFERED = "application/json, application/yaml"
WAIT_S = 20.0


@dataclass(frozen=True)
class Raw:
    """An answer as it came."""

    code: int
    headers: dict[str, str]
    body: bytes

    @property
    def status(self) -> Any:
        return json.loads(self.body)


async def read_answer(reader: asyncio.StreamReader, *, head: bool = False) -> Raw:
    lines = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WAIT_S)).decode("latin-1").split("\r\n")
    headers: dict[str, str] = {}
    for line in filter(None, lines[1:]):
        name, _, value = line.partition(": ")
        headers[name] = f"{headers[name]}\n{value}" if name in headers else value
    length = 0 if head else int(headers.get("Content-Length", 0))
    body = await asyncio.wait_for(reader.readexactly(length), WAIT_S)
    return Raw(int(lines[0].split()[1]), headers, body)


@pytest.fixture
async def raw(apiserver):
    """Send a request exactly as it is written, and read the answer."""

    async def send(method: str, target: str, body: bytes = b"", **headers: str) -> Raw:
        reader, writer = await connect(apiserver)
        fields = {"Host": "naru", "Connection": "close", **{k.replace("_", "-"): v for k, v in headers.items()}}
        if body or method in ("POST", "PUT", "PATCH"):
            fields.setdefault("Content-Length", str(len(body)))
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        try:
            writer.write(head.encode("latin-1") + b"\r\n" + body)
            return await read_answer(reader, head=method == "HEAD")
        finally:
            await close(writer)

    return send


async def connect(apiserver: Any, tls: ssl.SSLContext | None = None) -> tuple[asyncio.StreamReader, Any]:
    host, _, port = apiserver.url.removeprefix("https://").partition(":")
    return await asyncio.open_connection(host, int(port), ssl=tls or apiserver.pki.tls(), server_hostname=host)


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, ssl.SSLError):
        await writer.wait_closed()


def failure(code: int, reason: str, message: str, **more: Any) -> dict[str, Any]:
    opening = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return {**opening, "message": message, "reason": reason, **more, "code": code}


NOT_FOUND = failure(404, "NotFound", "the server could not find the requested resource", details={})
NOT_ALLOWED = failure(
    405, "MethodNotAllowed", "the server does not allow this method on the requested resource", details={}
)


class TestPaths:
    """What is not served says so in the words of whoever upstream would have answer."""

    @pytest.mark.parametrize(
        "path",
        [
            "/api/v2",
            "/api/v1/rockets",
            "/apis/apps/v9/deployments",
            "/apis/apps/v1/namespaces/default/deployments/a/rocket",
            "/api/v1/namespaces/default/configmaps/a%2Fb",
            "/api/v1//configmaps",
            "/api/v1/../v1/configmaps",
            "/api/v1/namespaces/default/configmaps//",
            "/api/v1/pods/a",
        ],
    )
    async def test_an_unknown_path_of_the_api(self, raw, path):
        answer = await raw("GET", path)
        assert (answer.code, answer.status) == (404, NOT_FOUND)

    @pytest.mark.parametrize(
        "path",
        ["/rocket", "//api/v1/pods", "/apis/rockets.example.com/v1/rockets", "/healthz/", "/openapi/v2/", "/apix"],
    )
    async def test_a_path_that_nobody_owns(self, raw, path):
        answer = await raw("GET", path)
        assert (answer.code, answer.body) == (404, b"404 page not found\n")
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/api/v1/pods"),
            ("PUT", "/api/v1/namespaces/default/configmaps"),
            ("POST", "/api/v1/namespaces/default/configmaps/a"),
            ("DELETE", "/apis/apps/v1"),
            ("OPTIONS", "/api/v1/pods"),
            ("TRACE", "/api/v1/pods"),
        ],
    )
    async def test_a_method_that_a_path_does_not_have(self, raw, method, path):
        answer = await raw(method, path, b"{}")
        assert (answer.code, answer.status) == (405, NOT_ALLOWED)

    async def test_head_is_for_what_is_no_api(self, raw):
        assert (await raw("HEAD", "/api/v1/pods")).code == 405
        assert (await raw("HEAD", "/readyz")).code == 200

    @pytest.mark.parametrize("path", ["/api/v1/configmaps/", "/api/", "/apis/apps/v1/", "/version/"])
    async def test_a_slash_at_the_end_changes_nothing(self, raw, path):
        assert (await raw("GET", path)).code == 200

    async def test_every_answer_is_numbered_and_private(self, raw):
        answer = await raw("GET", "/api/v1/configmaps", Audit_ID="mine")
        assert answer.headers["Audit-Id"] == "mine"
        assert answer.headers["Cache-Control"] == "no-cache, private"
        assert "Server" not in answer.headers
        assert len((await raw("GET", "/rocket")).headers["Audit-Id"]) == 36


class TestMediaTypes:
    """Accept and Content-Type are negotiated as upstream does, and refused in its words."""

    async def test_a_type_that_the_router_does_not_know(self, raw):
        answer = await raw("GET", "/api/v1/namespaces/default/configmaps/a", Accept="text/html")
        message = f"406: Not Acceptable\n\nAvailable representations: {OFFERED}"
        assert (answer.code, answer.status) == (406, failure(406, "NotAcceptable", message, details={}))
        assert answer.body.startswith(b'{\n  "kind"')  # to be read by people

    async def test_a_form_that_the_handler_does_not_know(self, raw):
        answer = await raw("GET", "/api/v1/configmaps", Accept="application/json;as=Rocket;v=v1;g=meta.k8s.io")
        message = f"only the following media types are accepted: {OFFERED}"
        assert (answer.code, answer.status) == (406, failure(406, "NotAcceptable", message))

    async def test_the_metadata_of_a_list_are_no_object(self, raw):
        accept = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
        answer = await raw("GET", "/apis/apps/v1/deployments", Accept=accept)
        message = "you requested PartialObjectMetadata, but the requested object is a list (*apps.DeploymentList)"
        assert (answer.code, answer.status) == (406, failure(406, "NotAcceptable", message))

    @pytest.mark.parametrize("accept", ["application/yaml", "text/html, application/yaml;q=0.9, */*;q=0.1"])
    async def test_yaml(self, raw, accept):
        answer = await raw("GET", "/api/v1/namespaces/default", Accept=accept)
        assert answer.headers["Content-Type"] == "application/yaml"
        assert yaml.safe_load(answer.body)["metadata"]["name"] == "default"

    async def test_a_refusal_in_yaml(self, raw):
        answer = await raw("GET", "/api/v1/namespaces/nowhere", Accept="application/yaml")
        assert (answer.code, yaml.safe_load(answer.body)["reason"]) == (404, "NotFound")

    @pytest.mark.parametrize(
        ("headers", "pretty"),
        [
            ({}, False),
            ({"User_Agent": "curl/8.0"}, True),
            ({"User_Agent": "Wget/1.2"}, True),
            ({"User_Agent": "Mozilla/5.0 (X11)"}, True),
            ({"Accept": "application/json;pretty=1"}, True),
        ],
    )
    async def test_people_get_lines(self, raw, headers, pretty):
        answer = await raw("GET", "/api/v1/namespaces/default", **headers)
        assert answer.body.startswith(b'{\n  "' if pretty else b'{"')
        assert answer.body.endswith(b"}" if pretty else b"}\n")

    @pytest.mark.parametrize(("query", "pretty"), [("pretty=1", True), ("pretty=false", False), ("pretty=", True)])
    async def test_the_parameter_overrules_the_program(self, raw, query, pretty):
        answer = await raw("GET", f"/api/v1/namespaces/default?{query}", User_Agent="curl/8.0")
        assert answer.body.startswith(b"{\n") is pretty

    async def test_a_body_of_a_type_that_is_not_read(self, raw):
        answer = await raw("POST", "/api/v1/namespaces/default/configmaps", b"a=1", Content_Type="text/plain")
        message = (
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json, application/yaml, application/vnd.kubernetes.protobuf"
        )
        assert (answer.code, answer.status) == (415, failure(415, "UnsupportedMediaType", message))

    @pytest.mark.parametrize("headers", [{}, {"Content_Type": "application/json"}])
    async def test_a_patch_of_a_type_that_there_is_not(self, raw, headers):
        answer = await raw("PATCH", "/api/v1/namespaces/default", b"{}", **headers)
        refusal = failure(415, "UnsupportedMediaType", "415: Unsupported Media Type", details={})
        assert (answer.code, answer.status) == (415, refusal)

    async def test_large_answers_are_compressed(self, raw, api):
        for number in range(3):
            await api.make_config(f"big-{number}", data={"x": "0" * 100_000})
        path = f"/api/v1/namespaces/{api.namespace}/configmaps"
        plain, packed = await raw("GET", f"{path}/big-0", Accept_Encoding="gzip"), await api.get(path)
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "gzip"
        assert packed.headers["Vary"] == "Accept-Encoding"
        assert len(packed.body["items"]) == 3


class TestBodies:
    """What cannot be read is explained."""

    PATH = "/api/v1/namespaces/default/configmaps"
    OPENING = "the object provided is unrecognized (must be of type ConfigMap): "

    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            (b"", "couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)"),
            (b"{", "couldn't get version/kind; json parse error: unexpected end of JSON input ({)"),
            (
                b'{"kind":"ConfigMap",}xxxxxxxxxxxxxxxx',
                "couldn't get version/kind; json parse error: invalid character '}' looking for beginning of object "
                'key string ({"kind":"ConfigMap",}xxxxxxxxx ...)',
            ),
            (
                b"hello",
                "couldn't get version/kind; json parse error: invalid character 'h' looking for beginning of value "
                "(68656c6c6f)",
            ),
            (
                b'{"kind":1}',
                "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind "
                'of type string ({"kind":1})',
            ),
        ],
    )
    async def test_no_object(self, raw, body, problem):
        answer = await raw("POST", self.PATH, body)
        assert (answer.code, answer.status) == (400, failure(400, "BadRequest", self.OPENING + problem))

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (
                {"kind": "Pod"},
                'Pod in version "v1" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): '
                "unknown conversion",
            ),
            (
                {"kind": "Rocket", "apiVersion": "v1"},
                'Rocket in version "v1" cannot be handled as a ConfigMap: no kind "Rocket" is registered for version '
                '"v1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
            ),
            (
                {"kind": "ConfigMap", "apiVersion": "apps/v1"},
                'ConfigMap in version "v1" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for '
                'version "apps/v1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
            ),
            (
                {"data": {"a": 1}},
                'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go '
                "struct field ConfigMap.data of type string",
            ),
            (
                {"metadata": {"name": "a", "namespace": "other"}},
                "the namespace of the provided object does not match the namespace sent on the request",
            ),
        ],
    )
    async def test_another_object(self, raw, body, message):
        answer = await raw("POST", self.PATH, json.dumps(body).encode())
        assert (answer.code, answer.status) == (400, failure(400, "BadRequest", message))

    async def test_another_name(self, raw):
        body = b'{"metadata":{"name":"b"}}'
        message = "the name of the object (b) does not match the name on the URL (a)"
        answer = await raw("PUT", f"{self.PATH}/a", body)
        assert (answer.code, answer.status) == (400, failure(400, "BadRequest", message))

    @pytest.mark.parametrize("length", ["3145729", "99999999999"])
    async def test_too_much(self, raw, length):
        answer = await raw("POST", self.PATH, b"{}", Content_Length=length)
        message = "Request entity too large: limit is 3145728"
        assert (answer.code, answer.status) == (413, failure(413, "RequestEntityTooLarge", message))

    async def test_yaml_bodies(self, raw, api):
        body = b"metadata: {name: from-yaml}\ndata:\n  a: 'yes'\n"
        path = f"/api/v1/namespaces/{api.namespace}/configmaps"
        answer = await raw("POST", path, body, Content_Type="application/yaml; charset=utf-8")
        assert (answer.code, answer.status["data"]) == (201, {"a": "yes"})
        broken = await raw("POST", path, b"a: b: c", Content_Type="application/yaml")
        assert broken.status["message"] == (
            f"{self.OPENING}yaml: mapping values are not allowed in this context (613a20623a2063)"
        )

    async def test_a_packed_body_is_not_unpacked(self, raw):
        answer = await raw("POST", self.PATH, gzip.compress(b"{}"), Content_Encoding="gzip")
        assert (answer.code, answer.status["reason"]) == (400, "BadRequest")

    async def test_texts_that_are_no_utf8_are_mended(self, raw, api):
        path = f"/api/v1/namespaces/{api.namespace}/configmaps"
        answer = await raw("POST", path, b'{"metadata":{"name":"mended"},"data":{"a":"\xff","b":"\\ud800"}}')
        assert (answer.code, answer.status["data"]) == (201, {"a": "\ufffd", "b": "\ufffd"})


class TestStrictness:
    """Unknown and repeated fields, as fieldValidation asks."""

    BODY = b'{"metadata":{"name":"odd","colour":"red","name":"odd"},"data":{"a":"1","a":"2"},"spec":{}}'
    PROBLEMS = (
        *('unknown field "metadata.colour"', 'duplicate field "metadata.name"'),
        *('duplicate field "data.a"', 'unknown field "spec"'),
    )

    async def test_strict(self, raw, api):
        path = f"/api/v1/namespaces/{api.namespace}/configmaps?fieldValidation=Strict"
        answer = await raw("POST", path, self.BODY)
        listed = ", ".join(self.PROBLEMS)
        message = f'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: {listed}'
        assert (answer.code, answer.status) == (400, failure(400, "BadRequest", message))

    @pytest.mark.parametrize("query", ["", "?fieldValidation=Warn", "?fieldValidation="])
    async def test_warn(self, raw, api, query):
        answer = await raw("POST", f"/api/v1/namespaces/{api.namespace}/configmaps{query}", self.BODY)
        quoted = [problem.replace('"', '\\"') for problem in self.PROBLEMS]
        assert answer.code == 201
        assert answer.headers["Warning"].split("\n") == [f'299 - "{problem}"' for problem in quoted]

    async def test_ignore(self, raw, api):
        answer = await raw("POST", f"/api/v1/namespaces/{api.namespace}/configmaps?fieldValidation=Ignore", self.BODY)
        assert (answer.code, answer.headers.get("Warning")) == (201, None)

    @pytest.mark.parametrize(
        ("validation", "end"),
        [
            ("Strict", 'strict decoding error: yaml: unmarshal errors:\n  line 3: key "a" already set in map'),
            ("Warn", '299 - "line 3: key \\"a\\" already set in map"'),
        ],
    )
    async def test_yaml(self, raw, api, validation, end):
        path = f"/api/v1/namespaces/{api.namespace}/configmaps?fieldValidation={validation}"
        body = b"metadata: {name: odd}\ndata: {a: '1',\n a: '2'}"
        answer = await raw("POST", path, body, Content_Type="application/yaml")
        said = answer.status["message"] if validation == "Strict" else answer.headers["Warning"]
        assert said.endswith(end)


class TestQuery:
    """Parameters that make no sense."""

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("limit=ten", 'strconv.ParseInt: parsing "ten": invalid syntax'),
            (
                "timeoutSeconds=9223372036854775808",
                'strconv.ParseInt: parsing "9223372036854775808": value out of range',
            ),
        ],
    )
    async def test_no_number(self, raw, query, message):
        answer = await raw("GET", f"/api/v1/configmaps?{query}")
        assert (answer.code, answer.status) == (400, failure(400, "BadRequest", message))

    @pytest.mark.parametrize(
        ("query", "field", "problem"),
        [
            ("dryRun=Some", "dryRun", 'Unsupported value: ["Some"]: supported values: "All"'),
            (
                "fieldValidation=Some",
                "fieldValidation",
                'Unsupported value: "Some": supported values: "", "Ignore", "Strict", "Warn"',
            ),
        ],
    )
    async def test_options_of_a_write(self, raw, query, field, problem):
        answer = await raw("POST", f"/api/v1/namespaces/default/configmaps?{query}", b'{"metadata":{"name":"a"}}')
        kind = {"group": "meta.k8s.io", "kind": "CreateOptions"}
        causes = [{"reason": "FieldValueNotSupported", "message": problem, "field": field}]
        message = f'CreateOptions.meta.k8s.io "" is invalid: {field}: {problem}'
        refusal = failure(422, "Invalid", message, details={**kind, "causes": causes})
        assert (answer.code, answer.status) == (422, refusal)


class TestAccess:
    """Who shows nothing is anonymous; who shows something that nobody gave out is refused."""

    @pytest.fixture
    def bare(self, apiserver):
        tls = ssl.create_default_context(cafile=str(apiserver.pki.ca_file))

        async def send(path: str, extra: str = "") -> Raw:
            reader, writer = await connect(apiserver, tls)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: naru\r\n{extra}\r\n".encode())
                return await read_answer(reader)
            finally:
                await close(writer)

        return send

    async def test_nobody(self, bare):
        answer = await bare("/api/v1/namespaces/default/pods")
        message = (
            'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" '
            'in the namespace "default"'
        )
        assert (answer.code, answer.status) == (403, failure(403, "Forbidden", message, details={"kind": "pods"}))
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    async def test_somebody_unknown(self, bare):
        answer = await bare("/api/v1/pods", "Authorization: Bearer nonsense\r\n")
        assert (answer.code, answer.status) == (401, failure(401, "Unauthorized", "Unauthorized"))

    @pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/version"])
    async def test_what_is_open_to_all(self, bare, path):
        assert (await bare(path)).code == 200


class TestDiscovery:
    """Documents with hashes, in the forms that clients ask for."""

    async def test_the_aggregated_form(self, raw):
        answer = await raw("GET", "/apis", Accept=f"{V2},application/json")
        assert answer.headers["Content-Type"] == V2
        assert (answer.headers["Vary"], answer.headers["Cache-Control"]) == ("Accept", "public")
        again = await raw("GET", "/apis", Accept=V2, If_None_Match=answer.headers["ETag"])
        assert (again.code, again.body) == (304, b"")

    async def test_version_is_for_people(self, raw):
        answer = await raw("GET", "/version")
        assert answer.body.startswith(b'{\n  "major": "1",\n  "minor": "36",\n')

    async def test_health_in_many_words(self, raw):
        answer = await raw("GET", "/readyz?verbose&exclude=etcd&exclude=rocket")
        assert answer.body.decode().splitlines() == [
            "[+]ping ok",
            "[+]etcd excluded: ok",
            "[+]poststarthook/start-system-namespaces-controller ok",
            "[+]shutdown ok",
            'warn: some health checks cannot be excluded: no matches for "rocket"',
            "readyz check passed",
        ]
        assert (await raw("GET", "/readyz/etcd")).body == b"ok"

    async def test_openapi_urls_have_hashes(self, raw):
        index = json.loads((await raw("GET", "/openapi/v3")).body)["paths"]
        url = index["apis/coordination.k8s.io/v1"]["serverRelativeURL"]
        path, _, digest = url.partition("?hash=")
        first = await raw("GET", url)
        assert first.headers["Cache-Control"] == "public, immutable"
        assert (first.headers["ETag"], "Expires" in first.headers) == (f'"{digest}"', True)
        assert json.loads(first.body)["openapi"] == "3.0.0"
        old = await raw("GET", f"{path}?hash=OLD")
        assert (old.code, old.headers["Location"]) == (301, url)
        assert (await raw("GET", path, If_None_Match=f'"{digest}"')).code == 304
        assert (await raw("GET", path, Accept="text/html")).code == 406

    @pytest.mark.parametrize("separator", ["@", "."])
    async def test_openapi_in_protobuf_has_two_names(self, raw, separator):
        accept = f"application/com.github.proto-openapi.spec.v2{separator}v1.0+protobuf"
        answer = await raw("GET", "/openapi/v2", Accept=accept)
        assert answer.headers["Content-Type"] == "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
        assert answer.body.startswith(b"\x0a\x032.0")


class TestTables:
    """Rows for people."""

    async def test_a_row_without_its_object(self, raw):
        answer = await raw("GET", "/api/v1/namespaces/default?includeObject=None", Accept=TABLE)
        assert answer.status["kind"] == "Table"
        assert answer.status["metadata"]["resourceVersion"]
        assert answer.status["rows"][0]["object"] is None

    async def test_a_row_with_something_unknown(self, raw):
        answer = await raw("GET", "/api/v1/namespaces?includeObject=All", Accept=TABLE)
        message = (
            'Unable to convert to Table as requested: includeObject: Invalid value: "All": '
            "must be 'Metadata', 'Object', 'None', or empty"
        )
        assert (answer.code, answer.status["message"]) == (400, message)
