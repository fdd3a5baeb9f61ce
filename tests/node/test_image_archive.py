"""Archives of every layout end up as images; faulty ones are refused in words. Root: layers are unpacked."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from nodeagent.images.command import main
from nodeagent.images.errors import ImageError
from nodeagent.images.store import ImageStore

pytestmark = pytest.mark.root

Files = dict[str, bytes]


def digest(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def tar_of(files: Files, links: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return buffer.getvalue()


LOWER, UPPER = tar_of({"a": b"lower"}), tar_of({"b": b"upper"})


def config(*layers: bytes, architecture: str = "amd64", **run: Any) -> bytes:
    rootfs = {"type": "layers", "diff_ids": [digest(layer) for layer in layers]}
    return json.dumps({"os": "linux", "architecture": architecture, "config": run, "rootfs": rootfs}).encode()


CONFIG = config(LOWER, UPPER, Env=["A=1=2", "B"], Cmd=["sh"], Entrypoint=None, WorkingDir="/w", User="7:8")


def docker_archive(tags: list[str] | None) -> bytes:
    """As docker before 25 writes it: a directory a layer, repeated layers as links."""
    item = {"Config": "c.json", "RepoTags": tags, "Layers": ["1/layer.tar", "2/layer.tar"]}
    files = {"c.json": CONFIG, "0/layer.tar": LOWER, "2/layer.tar": UPPER, "manifest.json": json.dumps([item]).encode()}
    return tar_of(files, {"1/layer.tar": "../0/layer.tar"})


def oci_files(annotations: dict[str, str], *, compress: bool = True) -> Files:
    """An OCI layout with an index in the index, as buildkit writes it."""
    blobs: Files = {}

    def put(raw: bytes, media_type: str, **more: Any) -> dict[str, Any]:
        blobs[f"blobs/sha256/{digest(raw)[7:]}"] = raw
        return {"mediaType": media_type, "digest": digest(raw), "size": len(raw), **more}

    layers = [gzip.compress(layer) if compress else layer for layer in (LOWER, UPPER)]
    kind = "application/vnd.oci.image"
    manifest = {
        "config": put(CONFIG, f"{kind}.config.v1+json"),
        "layers": [put(layer, f"{kind}.layer.v1.tar") for layer in layers],
    }
    here = {"os": "linux", "architecture": "amd64"}
    inner = {"manifests": [put(json.dumps(manifest).encode(), f"{kind}.manifest.v1+json", platform=here)]}
    top = {"manifests": [put(json.dumps(inner).encode(), f"{kind}.index.v1+json", annotations=annotations)]}
    return {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(top).encode(), **blobs}


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "store")


@pytest.fixture
def no_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out containers that others run on this machine, for whose sake layers would be kept."""
    monkeypatch.setattr("nodeagent.images.store.layers_in_use", lambda names: set())


def load(store: ImageStore, raw: bytes, name: str = "archive.tar") -> list[Any]:
    path = store.root.parent / name
    path.write_bytes(raw)
    return store.load_archive(path)


class TestLayouts:
    """Whoever wrote the archive, the image is the same."""

    @pytest.mark.parametrize("outer", [bytes, gzip.compress], ids=["plain", "gzipped as a whole"])
    def test_docker_archive(self, store: ImageStore, outer: Any) -> None:
        (image,) = load(store, outer(docker_archive(["web:1", "quay.io/x/web:2"])))
        assert image.id == digest(CONFIG)
        assert image.names == ("docker.io/library/web:1", "quay.io/x/web:2")
        assert [sorted(path.name for path in layer.iterdir()) for layer in image.layers] == [["b"], ["a"]]
        assert image.config.env == (("A", "1=2"), ("B", ""))
        assert (image.config.cmd, image.config.entrypoint) == (("sh",), ())
        assert (image.config.working_dir, image.config.user) == ("/w", "7:8")
        assert store.resolve("web:1") == image
        assert not list((store.root / "ingest").iterdir())

    @pytest.mark.parametrize("compress", [True, False])
    def test_oci_archive(self, store: ImageStore, compress: bool) -> None:
        files = oci_files({"io.containerd.image.name": "docker.io/library/web:3"}, compress=compress)
        (image,) = load(store, tar_of(files))
        assert store.resolve("web:3") == image
        assert image.id == digest(CONFIG)

    def test_oci_directory_is_named_after_the_directory_and_its_tag(self, store: ImageStore, tmp_path: Path) -> None:
        for name, content in oci_files({"org.opencontainers.image.ref.name": "v4"}).items():
            (tmp_path / "web" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "web" / name).write_bytes(content)
        (image,) = store.load_archive(tmp_path / "web")
        assert image.names == ("docker.io/library/web:v4",)

    def test_new_docker_archives_have_both_tables(self, store: ImageStore) -> None:
        files = oci_files({}, compress=False)
        layers = [f"blobs/sha256/{digest(layer)[7:]}" for layer in (LOWER, UPPER)]
        item = {"Config": f"blobs/sha256/{digest(CONFIG)[7:]}", "RepoTags": ["web:5"], "Layers": layers}
        (image,) = load(store, tar_of({**files, "manifest.json": json.dumps([item]).encode()}))
        assert image.names == ("docker.io/library/web:5",)

    def test_an_image_without_a_name_is_found_by_id(self, store: ImageStore) -> None:
        (image,) = load(store, docker_archive(None))
        assert image.names == ()
        assert store.resolve(image.id) == image
        store.remove(image.id)
        assert store.list() == []


def broken_docker(**change: Any) -> bytes:
    item = {"Config": "c.json", "RepoTags": ["web:1"], "Layers": ["l.tar", "l.tar"], **change}
    links = {"circle": "circle", "passwd": "/etc/passwd", "up": "../../../../etc/passwd"}
    return tar_of({"c.json": CONFIG, "l.tar": LOWER, "manifest.json": json.dumps([item]).encode()}, links)


def broken_oci(spoil: str) -> bytes:
    files = oci_files({})
    victim = next(name for name in files if name.startswith("blobs/") and spoil.encode() in files[name])
    return tar_of({**files, victim: files[victim].replace(spoil.encode(), b"?" * len(spoil))})


PATH_AS_DIGEST = b'{"manifests": [{"digest": "sha256:../../x", "size": 1}]}'


class TestFaults:
    """A faulty archive is refused in words, and leaves no layer and no name."""

    @pytest.mark.parametrize(
        ("raw", "message"),
        [
            pytest.param(b"no archive at all" * 99, "not a tar archive", id="not a tar"),
            pytest.param(b"", "not a", id="empty"),
            pytest.param(gzip.compress(docker_archive([]))[:-90], "cut short", id="truncated gzip"),
            pytest.param(tar_of({"x": b""}), "neither manifest.json nor index.json", id="some other tar"),
            pytest.param(tar_of({"repositories": b"{}"}), "docker older than 1.10", id="ancient docker"),
            pytest.param(tar_of({"manifest.json": b"{"}), "manifest.json is malformed", id="no JSON"),
            pytest.param(tar_of({"manifest.json": b'[{"Config": 3}]'}), "is malformed", id="wrong types"),
            pytest.param(tar_of({"index.json": PATH_AS_DIGEST}), "manifests.0.digest", id="digest that is a path"),
            pytest.param(broken_docker(Config="../../../etc/passwd"), "no file", id="config outside"),
            pytest.param(broken_docker(Config="passwd"), "no file", id="config by absolute link"),
            pytest.param(broken_docker(Config="up"), "no file", id="config by climbing link"),
            pytest.param(broken_docker(Config="circle"), "linked in a circle", id="link to itself"),
            pytest.param(broken_docker(Config="l.tar"), "image config is malformed", id="config is a tar"),
            pytest.param(broken_docker(Layers=["l.tar"]), "2 diffIDs for 1 layers", id="layer missing"),
            pytest.param(broken_docker(), "wrong diff id", id="wrong layer"),
            pytest.param(broken_docker(RepoTags=["Bad Name"]), "invalid reference format", id="bad name"),
            pytest.param(broken_oci("WorkingDir"), "blob has digest", id="config is not what its digest says"),
            pytest.param(broken_oci("layers"), "blob has digest", id="manifest is not what its digest says"),
        ],
    )  # fmt: skip
    def test_refused(self, store: ImageStore, raw: bytes, message: str) -> None:
        with pytest.raises(ImageError, match=message):
            load(store, raw)
        assert store.list() == []
        assert not list((store.root / "ingest").iterdir())

    def test_an_image_for_another_machine_is_refused(self, store: ImageStore) -> None:
        other = config(LOWER, architecture="s390x")
        item = {"Config": "c.json", "RepoTags": None, "Layers": ["l.tar"]}
        with pytest.raises(ImageError, match="no match for platform in manifest: built for linux/s390x"):
            load(store, tar_of({"c.json": other, "l.tar": LOWER, "manifest.json": json.dumps([item]).encode()}))


class TestStore:
    """The store is what is on disk, whoever looks."""

    def test_the_builtin_image_is_the_same_each_time(self, tmp_path: Path) -> None:
        images = [ImageStore(tmp_path / name).ensure_builtin() for name in ("one", "two")]
        assert images[0].id == images[1].id
        assert images[0].layers[0].joinpath("bin/sh").is_symlink()
        assert {"httpd", "wget", "nc", "ip"} <= {path.name for path in images[0].layers[0].rglob("*")}

    def test_a_directory_becomes_an_image(self, store: ImageStore, tmp_path: Path) -> None:
        tree = tmp_path / "tree"
        (tree / "bin").mkdir(parents=True)
        (tree / "bin/tool").write_bytes(b"tool")
        (tree / "bin/tool").chmod(0o4755)
        (tree / "bin/link").hardlink_to(tree / "bin/tool")
        image = store.import_directory(tree, "tools")
        assert image.names == ("docker.io/library/tools:latest",)
        (layer,) = image.layers
        assert (layer / "bin/tool").stat().st_mode & 0o7777 == 0o4755
        assert (layer / "bin/link").samefile(layer / "bin/tool")
        with pytest.raises(ImageError, match="contains the image store itself"):
            store.import_directory(tmp_path, "all")

    @pytest.mark.usefixtures("no_containers")
    def test_removing_keeps_shared_layers_and_no_others(self, store: ImageStore) -> None:
        load(store, docker_archive(["web:1"]))
        alone = config(LOWER)
        item = {"Config": "c.json", "RepoTags": ["base:1"], "Layers": ["l.tar"]}
        load(store, tar_of({"c.json": alone, "l.tar": LOWER, "manifest.json": json.dumps([item]).encode()}))
        store.remove("web:1")
        assert [path.name for path in (store.root / "layers").iterdir()] == [digest(LOWER)[7:]]
        assert store.resolve("base:1") is not None
        with pytest.raises(ImageError, match=r'image "docker\.io/library/web:1": not found'):
            store.remove("web:1")
        store.remove("base:1")
        assert not list((store.root / "layers").iterdir())
        assert not list((store.root / "configs").iterdir())

    def test_layers_that_containers_may_use_stay_until_a_later_removal(
        self, store: ImageStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (image,) = load(store, docker_archive(["web:1"]))
        store.ensure_builtin()
        monkeypatch.setattr("nodeagent.images.store.layers_in_use", lambda names: names)
        store.remove("web:1")
        assert store.resolve("web:1") is None
        assert all(layer.is_dir() for layer in image.layers)
        monkeypatch.setattr("nodeagent.images.store.layers_in_use", lambda names: set())
        store.remove("naru.local/busybox:1")
        assert not list((store.root / "layers").iterdir())

    def test_a_layer_removed_by_hand_makes_the_image_absent_until_it_is_loaded_again(self, store: ImageStore) -> None:
        (image,) = load(store, docker_archive(["web:1"]))
        image.layers[0].rename(store.root / "elsewhere")
        assert store.resolve("web:1") is None
        load(store, docker_archive(["web:1"]))
        assert store.resolve("web:1") == image


class TestCommand:
    """`naru image` says what it did, and fails with a reason."""

    def test_a_round_through_the_verbs(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "web.tar").write_bytes(docker_archive(["web:1"]))
        store = ["--image-dir", str(tmp_path / "store")]
        assert main([*store, "load", str(tmp_path / "web.tar")]) == 0
        assert capsys.readouterr().out == "loaded docker.io/library/web:1\n"
        assert main([*store, "list"]) == 0
        assert capsys.readouterr().out.splitlines() == [
            "REPOSITORY              TAG   IMAGE ID       SIZE",
            f"docker.io/library/web   1     {digest(CONFIG)[7:19]}   20.5kB",
        ]
        assert main([*store, "rm", "web:1"]) == 0
        assert capsys.readouterr().out == "removed web:1\n"
        assert main([*store, "rm", "web:1"]) == 1
        assert capsys.readouterr().err == 'error: image "docker.io/library/web:1": not found\n'
        assert main([*store, "load", str(tmp_path / "absent.tar")]) == 1
        assert "absent.tar: No such file" in capsys.readouterr().err
