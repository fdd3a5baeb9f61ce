"""Fixtures: a real etcd, the certificates of a cluster, and a real API server process on them."""

import asyncio
import contextlib
import io
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

START_S = 20.0
REPOSITORY = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Process:
    """A child that is ended, by its pid alone, whatever happens."""

    argv: list[str]
    cwd: Path
    log: Path
    child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.child is not None
        return self.child.pid

    def spawn(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
        with self.log.open("ab") as out:
            self.child = subprocess.Popen(self.argv, cwd=self.cwd, stdout=out, stderr=out, env=environment)

    def end(self, signum: int = signal.SIGTERM, patience_s: float = 10.0) -> int:
        """Signal the process and return its exit code."""
        if self.child is None:
            return 0
        child, self.child = self.child, None
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(signal.SIGCONT)
            child.send_signal(signum)
        try:
            return child.wait(patience_s)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()

    def check_alive(self) -> None:
        assert self.child is not None
        if self.child.poll() is not None:
            pytest.fail(f"{self.argv[0]} ended:\n{self.log.read_text()[-4000:]}")


@dataclass
class EtcdServer(Process):
    """An etcd of one member, listening on a unix socket."""

    @property
    def socket_path(self) -> Path:
        return self.cwd / "client.sock:0"  # etcd 3.4 insists on a port, even here

    @property
    def target(self) -> str:
        return f"unix://{self.socket_path}"

    @property
    def endpoints(self) -> str:
        """Where etcdctl finds it."""
        return self.target

    def start(self) -> None:
        self.socket_path.unlink(missing_ok=True)  # a killed etcd leaves it, and the next one does not take it over
        self.spawn()
        self.wait_ready()

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            self.check_alive()
            if "serving client traffic" in self.log.read_text():
                return
            time.sleep(0.02)
        pytest.fail(f"etcd did not start:\n{self.log.read_text()[-4000:]}")

    def kill(self) -> None:
        self.end(signal.SIGKILL)
        self.log.write_text("")

    def restart(self) -> None:
        self.kill()
        self.start()


@contextlib.contextmanager
def running_etcd() -> Iterator[EtcdServer]:
    with tempfile.TemporaryDirectory(prefix="naru-etcd-") as directory:
        work = Path(directory)
        peer = "unix://peer.sock:0"
        argv = ["etcd", "--data-dir", "data", "--listen-client-urls", "unix://client.sock:0"]
        argv += ["--advertise-client-urls", "unix://client.sock:0", "--listen-peer-urls", peer]
        argv += ["--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"]
        argv += ["--heartbeat-interval", "20", "--election-timeout", "200", "--logger", "zap", "--log-level", "info"]
        server = EtcdServer(argv, work, work / "log")
        try:
            server.start()
            yield server
        finally:
            server.end(signal.SIGKILL)


@dataclass
class EtcdMember(EtcdServer):
    """One of several etcds, on loopback."""

    port: int = 0

    @property
    def target(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass
class EtcdCluster:
    """Three etcds; what happens to it happens to the one that leads."""

    members: list[EtcdMember]

    @property
    def endpoints(self) -> str:
        return ",".join(member.target for member in self.members)

    @property
    def leader(self) -> EtcdMember:
        command = ["etcdctl", f"--endpoints={self.endpoints}", "--dial-timeout=300ms", "--command-timeout=1s"]
        command += ["endpoint", "status", "-w", "json"]
        environment = {**os.environ, "ETCDCTL_API": "3"}
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            done = subprocess.run(command, env=environment, capture_output=True, timeout=20)
            for found in json.loads(done.stdout or "[]"):
                if found["Status"].get("leader") == found["Status"]["header"]["member_id"]:  # none in an election
                    return next(member for member in self.members if member.target == found["Endpoint"])
            time.sleep(0.1)
        pytest.fail("nobody leads the etcds")

    @property
    def pid(self) -> int:
        return self.leader.pid

    def restart(self) -> None:
        leader = self.leader
        leader.kill()
        assert self.leader is not leader
        leader.start()


@contextlib.contextmanager
def running_etcd_cluster() -> Iterator[EtcdCluster]:
    with tempfile.TemporaryDirectory(prefix="naru-etcds-") as directory:
        ports = [(free_port(), free_port()) for _ in range(3)]
        initial = ",".join(f"m{number}=http://127.0.0.1:{peer}" for number, (_, peer) in enumerate(ports))
        members = []
        for number, (port, peer) in enumerate(ports):
            work = Path(directory, f"m{number}")
            work.mkdir()
            argv = ["etcd", "--name", f"m{number}", "--data-dir", "data", "--initial-cluster", initial]
            for flag, at in (("listen-client", port), ("advertise-client", port), ("listen-peer", peer)):
                argv += [f"--{flag}-urls", f"http://127.0.0.1:{at}"]
            argv += ["--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}", "--logger", "zap"]
            argv += ["--heartbeat-interval", "50", "--election-timeout", "500", "--log-level", "info"]
            members.append(EtcdMember(argv, work, work / "log", port=port))
        try:
            for member in members:
                member.spawn()
            for member in members:
                member.wait_ready()
            yield EtcdCluster(members)
        finally:
            for member in members:
                member.end(signal.SIGKILL)


@pytest.fixture(scope="module")
def etcd() -> Iterator[EtcdServer]:
    """A running etcd with no data, shared by the tests of a module."""
    with running_etcd() as server:
        yield server


@dataclass
class Pki:
    """A small CA, and files as the API server wants them in its --pki-dir."""

    directory: Path
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    ca: x509.Certificate | None = None

    @property
    def ca_file(self) -> Path:
        return self.directory / "ca.crt"

    def make(self) -> None:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "naru-test-ca")])
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = self._builder(name, name, self.key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(usage, critical=True)
        self.ca = builder.sign(self.key, hashes.SHA256())
        self._write("ca", self.ca, self.key)
        self.issue("apiserver", "kube-apiserver", server=True)
        self.issue("kubelet-client", "kube-apiserver-kubelet-client", "system:masters")
        self.issue("admin", "admin", "system:masters")
        plain = serialization.NoEncryption()
        signing = ec.generate_private_key(ec.SECP256R1())
        pem = signing.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        (self.directory / "sa.key").write_bytes(pem)

    def issue(self, file: str, user: str, *groups: str, server: bool = False) -> tuple[Path, Path]:
        """Write FILE.crt and FILE.key for a user (or a server on loopback)."""
        assert self.ca is not None
        key = ec.generate_private_key(ec.SECP256R1())
        parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        name = x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, user)])
        use = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = self._builder(name, self.ca.subject, key.public_key())
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        if server:
            names = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return self._write(file, builder.sign(self.key, hashes.SHA256()), key)

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        start = datetime.now(UTC) - timedelta(minutes=5)
        ski = x509.SubjectKeyIdentifier.from_public_key(key)
        aki = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(start).not_valid_after(start + timedelta(days=2))
        return builder.add_extension(ski, critical=False).add_extension(aki, critical=False)

    def _write(self, file: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> tuple[Path, Path]:
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        paths = self.directory / f"{file}.crt", self.directory / f"{file}.key"
        paths[0].write_bytes(certificate.public_bytes(pem))
        paths[1].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
        return paths

    def tls(self, user: str = "admin") -> ssl.SSLContext:
        """Return a client's side of TLS with the certificate FILE.crt."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        context.load_cert_chain(self.directory / f"{user}.crt", self.directory / f"{user}.key")
        return context


@pytest.fixture(scope="session")
def pki() -> Iterator[Pki]:
    """The certificates of a test cluster: ca, apiserver, kubelet-client, admin."""
    with tempfile.TemporaryDirectory(prefix="naru-pki-") as directory:
        made = Pki(Path(directory))
        made.make()
        yield made


@dataclass
class ApiServer(Process):
    """An API server process."""

    url: str = ""
    pki: Pki = field(default_factory=lambda: Pki(Path()))

    def start(self) -> None:
        self.spawn()
        self.wait_ready()

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            self.check_alive()
            if self.is_ready():
                return
            time.sleep(0.05)
        pytest.fail(f"the API server did not become ready:\n{self.log.read_text()[-4000:]}")

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", context=self.pki.tls(), timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig of the admin, for kubectl and client libraries."""
        path = self.cwd / "admin.conf"
        if not path.exists():
            pki = self.pki.directory
            cluster = {"server": self.url, "certificate-authority": str(pki / "ca.crt")}
            user = {"client-certificate": str(pki / "admin.crt"), "client-key": str(pki / "admin.key")}
            config = {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "test", "cluster": cluster}],
                "users": [{"name": "admin", "user": user}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
                "current-context": "test",
            }
            path.write_text(yaml.safe_dump(config))
        return path


@contextlib.contextmanager
def running_apiserver(etcd: EtcdServer, pki: Pki, *flags: str) -> Iterator[ApiServer]:
    with tempfile.TemporaryDirectory(prefix="naru-apiserver-") as directory:
        address = f"127.0.0.1:{free_port()}"
        argv = [sys.executable, "-m", "apiserver", "--etcd", etcd.target, "--listen", address]
        argv += ["--pki-dir", str(pki.directory), "--cluster-name", "naru-test", *flags]
        work = Path(directory)
        server = ApiServer(argv, work, work / "log", url=f"https://{address}", pki=pki)
        try:
            server.start()
            yield server
        finally:
            server.end()


@pytest.fixture(scope="module")
def apiserver(etcd: EtcdServer, pki: Pki) -> Iterator[ApiServer]:
    """A ready API server (``url``, ``pki``, ``kubeconfig``), shared by the tests of a module."""
    with running_apiserver(etcd, pki) as server:
        yield server


@pytest.fixture
def side_by_side(pki: Pki) -> Iterator[tuple[EtcdServer, list[ApiServer]]]:
    """An etcd of the test's own, and two API servers on it."""
    with running_etcd() as own, running_apiserver(own, pki) as one, running_apiserver(own, pki) as other:
        yield own, [one, other]


@pytest.fixture
def over_three_etcds(pki: Pki) -> Iterator[tuple[EtcdCluster, list[ApiServer]]]:
    """Three etcds, and two API servers on two of them."""
    with running_etcd_cluster() as own:
        one, other, _ = own.members
        with running_apiserver(one, pki) as first, running_apiserver(other, pki) as second:
            yield own, [first, second]


@dataclass(frozen=True)
class Answer:
    """What the server said."""

    code: int
    body: Any
    headers: dict[str, str]

    @property
    def version(self) -> str:
        version: str = self.body["metadata"]["resourceVersion"]
        return version


class Watching:
    """The events of one watch."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def next(self, timeout_s: float = 5.0) -> dict[str, Any]:
        line = await asyncio.wait_for(self.response.content.readline(), timeout_s)
        if not line:
            raise EOFError("the watch ended")
        event: dict[str, Any] = json.loads(line)
        return event

    async def take(self, count: int) -> list[tuple[str, str]]:
        """Return the type and name of the next events."""
        events = [await self.next() for _ in range(count)]
        return [(event["type"], event["object"]["metadata"].get("name", "")) for event in events]


@dataclass
class Api:
    """Plain HTTP to an API server, and a namespace of the test's own."""

    session: aiohttp.ClientSession
    url: str
    namespace: str

    def path(self, plural: str, name: str = "", sub: str = "", group: str = "api/v1") -> str:
        parts = [f"/{group}/namespaces/{self.namespace}/{plural}", name, sub]
        return "/".join(part for part in parts if part)

    async def send(self, method: str, path: str, body: object = None, **options: Any) -> Answer:
        headers = dict(options.pop("headers", {}))
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if data is not None:
            headers.setdefault("Content-Type", "application/json")
        stream = None if data is None else io.BytesIO(data)
        async with self.session.request(method, self.url + path, data=stream, headers=headers, **options) as response:
            text = await response.read()
            is_json = response.headers.get("Content-Type", "").startswith("application/json")
            return Answer(response.status, json.loads(text) if is_json else text, dict(response.headers))

    async def get(self, path: str, **params: str) -> Answer:
        return await self.send("GET", path, params=params)

    async def post(self, path: str, body: object, **params: str) -> Answer:
        return await self.send("POST", path, body, params=params)

    async def put(self, path: str, body: object, **params: str) -> Answer:
        return await self.send("PUT", path, body, params=params)

    async def patch(self, path: str, body: object, kind: str = "merge-patch+json", **params: str) -> Answer:
        return await self.send("PATCH", path, body, params=params, headers={"Content-Type": f"application/{kind}"})

    async def delete(self, path: str, body: object = None, **params: str) -> Answer:
        return await self.send("DELETE", path, body, params=params)

    @contextlib.asynccontextmanager
    async def watch(self, path: str, **params: str) -> AsyncIterator[Watching]:
        query = {"watch": "1", **params}
        async with self.session.get(self.url + path, params=query, timeout=aiohttp.ClientTimeout(None)) as response:
            assert response.status == 200
            yield Watching(response)

    async def make_config(self, name: str, **more: Any) -> Answer:
        """Create a ConfigMap, the simplest of objects."""
        meta = {"name": name, **more.pop("metadata", {})}
        return await self.post(self.path("configmaps"), {"metadata": meta, "data": {"a": "1"}, **more})


@contextlib.asynccontextmanager
async def connected(server: ApiServer, user: str = "admin") -> AsyncIterator[Api]:
    connector = aiohttp.TCPConnector(ssl=server.pki.tls(user), limit=0)
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield Api(session, server.url, "default")
    await asyncio.sleep(0.1)  # aiohttp leaves it to the loop to close TLS connections


@pytest.fixture
async def api(apiserver: ApiServer) -> AsyncIterator[Api]:
    """The shared server, seen from a new namespace."""
    async with connected(apiserver) as client:
        client.namespace = f"test-{uuid4().hex[:8]}"
        made = await client.post("/api/v1/namespaces", {"metadata": {"name": client.namespace}})
        assert made.code == 201
        yield client
