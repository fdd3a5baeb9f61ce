"""Pulls from a real registry (Debian's docker-registry) on loopback. Root: layers are unpacked."""

import asyncio
import base64
import gzip
import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import zstandard
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from nodeagent.images.errors import ImagePullError
from nodeagent.images.store import ImageStore

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(shutil.which("docker-registry") is None, reason="needs Debian's docker-registry"),
]

OCI = "application/vnd.oci.image"
DOCKER = "application/vnd.docker.distribution"
KINDS = {
    "oci": (f"{OCI}.manifest.v1+json", f"{OCI}.index.v1+json", f"{OCI}.config.v1+json", f"{OCI}.layer.v1.tar+gzip"),
    "docker": (
        f"{DOCKER}.manifest.v2+json",
        f"{DOCKER}.manifest.list.v2+json",
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ),
}


def digest(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def layer(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Registry:
    """A running docker-registry."""

    address: str
    data: Path

    async def push_blob(self, session: aiohttp.ClientSession, repository: str, raw: bytes) -> None:
        base = f"http://{self.address}/v2/{repository}/blobs/uploads/"
        async with session.post(base) as started:
            location = started.headers["Location"]
        async with session.put(location, params={"digest": digest(raw)}, data=io.BytesIO(raw)) as done:
            assert done.status == 201, await done.text()

    async def push_manifest(
        self, session: aiohttp.ClientSession, repository: str, version: str, document: Any, kind: str
    ) -> str:
        raw = json.dumps({"schemaVersion": 2, "mediaType": kind, **document}).encode()
        url = f"http://{self.address}/v2/{repository}/manifests/{version}"
        async with session.put(url, data=raw, headers={"Content-Type": kind}) as done:
            assert done.status == 201, await done.text()
        return digest(raw)

    async def push(
        self, name: str, tars: list[bytes], kind: str = "oci", architecture: str = "amd64", **blobs: Any
    ) -> str:
        """Push an image of these layers as ``name``; return its manifest's digest."""
        repository, _, tag = name.partition(":")
        manifest_type, _, config_type, layer_type = KINDS[kind]
        compress = blobs.get("compress", gzip.compress)
        rootfs = {"type": "layers", "diff_ids": [digest(tar) for tar in tars]}
        config = json.dumps(
            {"os": "linux", "architecture": architecture, "config": {"Cmd": ["x"]}, "rootfs": rootfs}
        ).encode()
        layers = [compress(tar) for tar in tars]
        async with aiohttp.ClientSession() as session:
            for raw in (config, *layers):
                await self.push_blob(session, repository, raw)
            document = {
                "config": {"mediaType": config_type, "digest": digest(config), "size": len(config)},
                "layers": [{"mediaType": layer_type, "digest": digest(raw), "size": len(raw)} for raw in layers],
            }
            return await self.push_manifest(session, repository, tag, document, manifest_type)


def start_registry(directory: Path, extra: str = "") -> tuple[subprocess.Popen[bytes], Registry]:
    address = f"127.0.0.1:{free_port()}"
    config = directory / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {directory}/data}}}}\n"
        f"http: {{addr: '{address}'}}\n{extra}"
    )
    log = open(directory / "log", "wb")  # noqa: SIM115 - the process writes it until it ends
    process = subprocess.Popen(["docker-registry", "serve", config], stdout=log, stderr=log)
    log.close()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) == 0:
                return process, Registry(address, directory / "data")
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise RuntimeError((directory / "log").read_text())


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    process, registry = start_registry(tmp_path_factory.mktemp("naru-registry"))
    yield registry
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "store")


def blob_path(registry: Registry, raw: bytes) -> Path:
    hexdigest = digest(raw)[7:]
    return registry.data / "docker/registry/v2/blobs/sha256" / hexdigest[:2] / hexdigest / "data"


class TestPull:
    """An image comes whole, whatever form the registry keeps it in."""

    @pytest.mark.parametrize("kind", ["oci", "docker"])
    async def test_by_tag_and_then_by_digest(self, registry: Registry, store: ImageStore, kind: str) -> None:
        tars = [layer("a", b"1"), layer("b", b"2"), layer("c", os.urandom(3_000_000)), layer("d", b"4")]
        manifest = await registry.push(f"team/{kind}:1", tars, kind)
        name = f"{registry.address}/team/{kind}"
        image = await store.pull(f"{name}:1")
        assert image.names == (f"{name}:1", f"{name}@{manifest}")
        assert image.repo_digest == f"{name}@{manifest}"
        assert [[path.name for path in tree.iterdir()] for tree in image.layers] == [["d"], ["c"], ["b"], ["a"]]
        assert store.resolve(f"{name}@{manifest}") == image
        assert (await store.pull(f"{name}@{manifest}")).id == image.id
        assert not list((store.root / "ingest").iterdir())

    async def test_zstd_layers(self, registry: Registry, store: ImageStore) -> None:
        await registry.push("zstd:1", [layer("a", b"z" * 100_000)], compress=zstandard.compress)
        image = await store.pull(f"{registry.address}/zstd:1")
        assert (image.layers[0] / "a").stat().st_size == 100_000

    @pytest.mark.parametrize("kind", ["oci", "docker"])
    async def test_an_index_gives_the_image_for_this_machine(
        self, registry: Registry, store: ImageStore, kind: str
    ) -> None:
        manifests = []
        for architecture in ("s390x", "amd64"):
            tar = layer(architecture, b"")
            pushed = await registry.push(f"multi-{kind}:{architecture}", [tar], kind, architecture)
            platform = {"os": "linux", "architecture": architecture}
            manifests.append({"mediaType": KINDS[kind][0], "digest": pushed, "size": 1, "platform": platform})
        async with aiohttp.ClientSession() as session:
            for tag, listed in (("1", manifests), ("foreign", manifests[:1])):
                document = {"manifests": listed}
                await registry.push_manifest(session, f"multi-{kind}", tag, document, KINDS[kind][1])
        image = await store.pull(f"{registry.address}/multi-{kind}:1")
        assert [path.name for path in image.layers[0].iterdir()] == ["amd64"]
        with pytest.raises(ImagePullError, match="no match for platform in manifest"):
            await store.pull(f"{registry.address}/multi-{kind}:foreign")
        with pytest.raises(ImagePullError, match="built for linux/s390x"):
            await store.pull(f"{registry.address}/multi-{kind}:s390x")

    async def test_a_tag_that_moved_names_the_new_image(self, registry: Registry, store: ImageStore) -> None:
        name = f"{registry.address}/moving:1"
        await registry.push("moving:1", [layer("old", b"")])
        old = await store.pull(name)
        await registry.push("moving:1", [layer("new", b"")])
        new = await store.pull(name)
        assert new.id != old.id
        assert store.resolve(name) == new

    async def test_two_processes_pull_one_image(self, registry: Registry, store: ImageStore) -> None:
        await registry.push("shared:1", [layer(str(number), os.urandom(200_000)) for number in range(4)])
        name = f"{registry.address}/shared:1"
        code = "import sys; from nodeagent.images.command import main; sys.exit(main(sys.argv[1:]))"
        command = [sys.executable, "-c", code, "--image-dir", str(store.root), "pull", name]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
        mine = await store.pull(name)
        output, _ = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0
        assert output.decode().startswith(f"pulled {name}")
        assert store.resolve(name) == mine

    async def test_the_event_loop_stays_free_while_layers_unpack(self, registry: Registry, store: ImageStore) -> None:
        await registry.push("big:1", [layer(f"f{number}", os.urandom(20_000_000)) for number in range(2)])
        gaps = []

        async def watch() -> None:
            while True:
                start = time.monotonic()
                await asyncio.sleep(0.005)
                gaps.append(time.monotonic() - start)

        watcher = asyncio.create_task(watch())
        await store.pull(f"{registry.address}/big:1")
        watcher.cancel()
        assert max(gaps) < 1.0  # unpacking in the loop would take that long on a busy machine; usual are 20 ms


class TestRefusals:
    """What goes wrong is said as containerd says it, and names the image."""

    async def test_an_unknown_image(self, registry: Registry, store: ImageStore) -> None:
        name = f"{registry.address}/nope:latest"
        with pytest.raises(ImagePullError) as caught:
            await store.pull(name.removesuffix(":latest"))
        assert str(caught.value) == (
            f'failed to pull and unpack image "{name}": failed to resolve reference "{name}": {name}: not found'
        )
        assert caught.value.reason == "ErrImagePull"

    async def test_a_registry_that_is_not_there_fails_at_once(self, store: ImageStore) -> None:
        address = f"127.0.0.1:{free_port()}"
        start = time.monotonic()
        with pytest.raises(ImagePullError, match=rf'failed to do request: Get "http://{address}/v2/x/.*refused'):
            await store.pull(f"{address}/x:1")
        assert time.monotonic() - start < 2

    @pytest.mark.parametrize("name", ["busybox", "quay.io/team/web:1", "203.0.113.9:5000/web"])
    def test_without_a_way_out_it_fails_at_once(self, tmp_path: Path, name: str) -> None:
        """As on a node without egress: here in a network namespace that has nothing at all."""
        code = "import sys; from nodeagent.images.command import main; sys.exit(main(sys.argv[1:]))"
        pull = [sys.executable, "-c", code, "--image-dir", str(tmp_path), "pull", name]
        done = subprocess.run(
            ["unshare", "--net", *pull],
            capture_output=True,
            text=True,
            timeout=20,
            cwd=Path(__file__).parents[2],
            check=False,
        )
        assert done.returncode == 1
        assert "failed to do request" in done.stderr
        assert "name resolution" in done.stderr or "network is unreachable" in done.stderr

    async def test_names_of_this_machine_are_not_asked_for(self, store: ImageStore) -> None:
        with pytest.raises(ImagePullError, match=r"not found; naru\.local is this machine"):
            await store.pull("naru.local/other:1")

    async def test_corrupt_content_is_refused_and_fetched_anew_next_time(
        self, registry: Registry, store: ImageStore
    ) -> None:
        tar = layer("a", os.urandom(50_000))
        blob = gzip.compress(tar, mtime=1)
        await registry.push("corrupt:1", [tar], compress=lambda raw: gzip.compress(raw, mtime=1))
        path = blob_path(registry, blob)
        path.write_bytes(blob[:-1] + b"?")
        with pytest.raises(ImagePullError, match="unexpected digest"):
            await store.pull(f"{registry.address}/corrupt:1")
        assert store.list() == []
        path.write_bytes(blob)
        assert (await store.pull(f"{registry.address}/corrupt:1")).layers

    async def test_a_malicious_layer_is_refused(self, registry: Registry, store: ImageStore) -> None:
        await registry.push("evil:1", [layer("../../../../tmp/naru-escaped", b"")])
        with pytest.raises(ImagePullError, match="points outside the root"):
            await store.pull(f"{registry.address}/evil:1")
        assert not os.path.exists("/tmp/naru-escaped")  # noqa: ASYNC240 - a test has time
        assert not list((store.root / "layers").iterdir())

    async def test_a_bad_name_is_no_matter_of_registries(self, store: ImageStore) -> None:
        with pytest.raises(ImagePullError) as caught:
            await store.pull("Not A Name")
        assert caught.value.reason == "InvalidImageName"


class TestResume:
    """A transfer that breaks off goes on where it was."""

    @pytest.fixture
    async def flaky(self, registry: Registry) -> AsyncIterator[tuple[str, list[str]]]:
        """A proxy before the registry that cuts every answer longer than 100 kB, and notes the ranges asked for."""
        ranges: list[str] = []

        async def forward(request: web.Request) -> web.StreamResponse:
            wanted = {name: request.headers[name] for name in ("Range", "Accept") if name in request.headers}
            async with session.get(f"http://{registry.address}{request.path}", headers=wanted) as answer:
                raw = await answer.read()
                headers = {
                    name: answer.headers[name] for name in ("Content-Type", "Content-Range") if name in answer.headers
                }
                response = web.StreamResponse(status=answer.status, headers=headers)
                response.content_length = len(raw)
                await response.prepare(request)
                if "/blobs/" in request.path and len(raw) > 1000:
                    ranges.append(request.headers.get("Range", ""))
                await response.write(raw[:100_000])
                if len(raw) > 100_000 and request.transport is not None:
                    await asyncio.sleep(0.05)  # time for what was sent to be read
                    request.transport.close()
                return response

        app = web.Application()
        app.router.add_get("/{path:.*}", forward)
        runner = web.AppRunner(app)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        async with aiohttp.ClientSession() as session:
            yield f"127.0.0.1:{port}", ranges
        await runner.cleanup()

    async def test_the_rest_is_asked_for(
        self, registry: Registry, flaky: tuple[str, list[str]], store: ImageStore
    ) -> None:
        address, ranges = flaky
        await registry.push("long:1", [layer("f", os.urandom(250_000))])
        image = await store.pull(f"{address}/long:1")
        assert (image.layers[0] / "f").stat().st_size == 250_000
        assert ranges[0] == ""
        assert all(wanted.startswith("bytes=") for wanted in ranges[1:])
        assert len(ranges) >= 3


class TestTokens:
    """A registry that wants a token gets one: docker's flow, with a real registry that checks the signature."""

    @pytest.fixture
    async def guarded(self, registry: Registry, tmp_path: Path) -> AsyncIterator[tuple[str, list[str]]]:
        """A second docker-registry on the first one's data, and the token server that it trusts."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "naru test tokens")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(
            name, name, key.public_key(), 7, now - timedelta(hours=1), now + timedelta(hours=1)
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        certificate = builder.sign(key, hashes.SHA256())
        (tmp_path / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        x5c = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
        scopes: list[str] = []

        def encode(raw: bytes) -> str:
            return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

        async def token(request: web.Request) -> web.Response:
            scopes.append(request.query["scope"])
            kind, repository, _ = request.query["scope"].split(":")
            actions = ["pull"] if repository != "secret" else []
            claims = {
                "iss": "naru-test", "sub": "", "aud": request.query["service"], "jti": "1",
                "exp": int(time.time()) + 60, "nbf": int(time.time()) - 60, "iat": int(time.time()),
                "access": [{"type": kind, "name": repository, "actions": actions}],
            }  # fmt: skip
            head = {"typ": "JWT", "alg": "ES256", "x5c": [x5c]}
            signed = f"{encode(json.dumps(head).encode())}.{encode(json.dumps(claims).encode())}"
            r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
            return web.json_response({"token": f"{signed}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"})

        app = web.Application()
        app.router.add_get("/token", token)
        runner = web.AppRunner(app)
        await runner.setup()
        port = free_port()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        directory = tmp_path / "guarded"
        directory.mkdir()
        (directory / "data").symlink_to(registry.data)
        process, guarded = start_registry(
            directory,
            f"auth: {{token: {{realm: 'http://127.0.0.1:{port}/token', service: naru-service, issuer: naru-test, "
            f"rootcertbundle: {tmp_path}/ca.pem}}}}\n",
        )
        yield guarded.address, scopes
        process.terminate()
        process.wait(timeout=10)
        await runner.cleanup()

    async def test_a_token_is_fetched_once_a_pull(
        self, registry: Registry, guarded: tuple[str, list[str]], store: ImageStore
    ) -> None:
        address, scopes = guarded
        await registry.push("team/guarded:1", [layer("a", b"g"), layer("b", b"g")])
        image = await store.pull(f"{address}/team/guarded:1")
        assert len(image.layers) == 2
        assert scopes == ["repository:team/guarded:pull"]

    async def test_a_refusal_is_told(
        self, registry: Registry, guarded: tuple[str, list[str]], store: ImageStore
    ) -> None:
        await registry.push("secret:1", [layer("a", b"s")])
        with pytest.raises(
            ImagePullError, match="pull access denied, repository does not exist or may require authoriz"
        ):
            await store.pull(f"{guarded[0]}/secret:1")
