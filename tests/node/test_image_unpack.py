"""Layers as the kernel sees them once unpacked. Root: owners, device nodes, trusted attributes, chroot."""

import gzip
import hashlib
import io
import os
import stat
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest
import zstandard

from nodeagent.images.errors import ImageError
from nodeagent.images.layers import LayerSource, LayerStore, layers_in_use, run_unpacker

pytestmark = pytest.mark.root


def member(name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o644, **fields: object) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = kind, mode
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry


def layer(*entries: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            head, content = entry if isinstance(entry, tuple) else (entry, b"")
            head.size = len(content)
            tar.addfile(head, io.BytesIO(content))
    return buffer.getvalue()


def file(name: str, content: bytes = b"content", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, **fields), content


def directory(name: str, **fields: object) -> tarfile.TarInfo:
    return member(name, tarfile.DIRTYPE, 0o755, **fields)


def symlink(name: str, target: str) -> tarfile.TarInfo:
    return member(name, tarfile.SYMTYPE, linkname=target)


def hardlink(name: str, target: str) -> tarfile.TarInfo:
    return member(name, tarfile.LNKTYPE, linkname=target)


def digest(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


@pytest.fixture
def store(tmp_path: Path) -> LayerStore:
    return LayerStore(tmp_path / "store")


def add(store: LayerStore, tar: bytes, blob: bytes | None = None) -> Path:
    path = store.path(digest(tar)).parent.parent / "blob"
    path.write_bytes(tar if blob is None else blob)
    store.add(LayerSource(path, 0, path.stat().st_size), digest(tar))
    return store.path(digest(tar))


def leftovers(store: LayerStore) -> list[Path]:
    root = store.path(digest(b"")).parent.parent
    return [*(root / "layers").iterdir(), *(root / "ingest").iterdir()]


def is_whiteout(path: Path) -> bool:
    status = path.lstat()
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


class TestContent:
    """What a tar says of a file is what the file is."""

    def test_owner_mode_time_and_set_id_bits_are_kept(self, store: LayerStore) -> None:
        root = add(store, layer(file("su", mode=0o4755, uid=7, gid=8, mtime=1_234_567), directory("d", mtime=99)))
        status = (root / "su").stat()
        assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o4755, 7, 8)
        assert status.st_mtime == 1_234_567
        assert (root / "d").stat().st_mtime == 99

    def test_a_directory_keeps_its_time_though_files_follow(self, store: LayerStore) -> None:
        root = add(store, layer(directory("d", mtime=99), file("d/f")))
        assert (root / "d").stat().st_mtime == 99

    def test_links_pipes_and_devices(self, store: LayerStore) -> None:
        null = member("null", tarfile.CHRTYPE, 0o666, devmajor=1, devminor=3)
        entries = (file("a"), hardlink("b", "a"), symlink("c", "/a"), member("p", tarfile.FIFOTYPE), null)
        root = add(store, layer(*entries))
        assert (root / "a").stat().st_ino == (root / "b").stat().st_ino
        assert os.readlink(root / "c") == "/a"
        assert stat.S_ISFIFO((root / "p").stat().st_mode)
        assert (root / "null").stat().st_rdev == os.makedev(1, 3)

    def test_user_attributes_and_capabilities_are_kept_overlay_ones_are_not(self, store: LayerStore) -> None:
        capability = (
            b"\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"  # net_bind_service
        )
        headers = {
            "SCHILY.xattr.user.colour": "blau\udcff",
            "SCHILY.xattr.security.capability": capability.decode("utf-8", "surrogateescape"),
            "SCHILY.xattr.trusted.overlay.redirect": "/etc",
            "SCHILY.xattr.user.overlay.opaque": "y",
        }
        root = add(store, layer(file("f", pax_headers=headers)))
        assert set(os.listxattr(root / "f")) == {"user.colour", "security.capability"}
        assert os.getxattr(root / "f", "user.colour") == b"blau\xff"
        assert os.getxattr(root / "f", "security.capability") == capability

    @pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
    def test_compression_is_told_by_the_first_bytes(self, store: LayerStore, compress) -> None:  # type: ignore[no-untyped-def]
        tar = layer(file("f", b"x" * 1_000_000))
        assert (add(store, tar, compress(tar)) / "f").stat().st_size == 1_000_000

    def test_a_layer_may_be_part_of_a_file(self, store: LayerStore, tmp_path: Path) -> None:
        tar = layer(file("f"))
        (tmp_path / "archive").write_bytes(b"before" + tar + b"after")
        store.add(LayerSource(tmp_path / "archive", 6, len(tar)), digest(tar))
        assert (store.path(digest(tar)) / "f").read_bytes() == b"content"

    def test_the_last_entry_of_a_name_counts(self, store: LayerStore) -> None:
        root = add(store, layer(file("a", b"1"), directory("d"), file("d/x"), file("a", b"2"), file("d", b"3")))
        assert (root / "a").read_bytes() == b"2"
        assert (root / "d").read_bytes() == b"3"

    def test_parents_that_the_layer_leaves_out_are_made(self, store: LayerStore) -> None:
        assert (add(store, layer(file("a/b/c"))) / "a/b/c").read_bytes() == b"content"


class TestDeletions:
    """Deletions become what overlayfs reads as such."""

    def test_a_whiteout_is_a_device(self, store: LayerStore) -> None:
        root = add(store, layer(directory("d"), file("d/.wh.gone", b"")))
        assert is_whiteout(root / "d/gone")
        assert [path.name for path in (root / "d").iterdir()] == ["gone"]

    def test_an_opaque_directory_is_marked(self, store: LayerStore) -> None:
        root = add(store, layer(directory("d"), file("d/.wh..wh..opq", b""), file("d/new")))
        assert os.getxattr(root / "d", "trusted.overlay.opaque") == b"y"
        assert [path.name for path in (root / "d").iterdir()] == ["new"]

    @pytest.mark.parametrize("whiteout_first", [True, False])
    def test_a_directory_deleted_and_made_anew_hides_the_old_one(self, store: LayerStore, whiteout_first: bool) -> None:
        entries = [file(".wh.d", b""), file("d/new")]
        root = add(store, layer(*(entries if whiteout_first else reversed(entries))))
        assert os.getxattr(root / "d", "trusted.overlay.opaque") == b"y"
        assert (root / "d/new").exists()

    def test_a_file_of_the_same_layer_is_not_hidden(self, store: LayerStore) -> None:
        assert (add(store, layer(file("f"), file(".wh.f", b""))) / "f").read_bytes() == b"content"

    def test_the_kernel_agrees(self, store: LayerStore, tmp_path: Path) -> None:
        lower = add(store, layer(file("keep"), file("gone"), file("d/old"), file("e/old")))
        upper = add(store, layer(file(".wh.gone", b""), file("d/.wh..wh..opq", b""), file("d/new"), file("e/new")))
        merged = tmp_path / "merged"
        merged.mkdir()
        script = 'mount -t overlay overlay -o "lowerdir=$1:$2" "$3" && cd "$3" && find . -type f | sort'
        command = ["unshare", "--mount", "sh", "-c", script, "sh", str(upper), str(lower), str(merged)]
        listing = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.split()
        assert listing == ["./d/new", "./e/new", "./e/old", "./keep"]


class TestMalice:
    """A layer is written by a stranger: it stays inside its directory, or is refused whole."""

    @pytest.mark.parametrize(
        ("entries", "message"),
        [
            pytest.param([file("../escape")], "outside the root", id="name climbs out"),
            pytest.param([file("a/../../escape")], "outside the root", id="name climbs out later"),
            pytest.param([file("../.wh.escape", b"")], "outside the root", id="whiteout climbs out"),
            pytest.param([hardlink("l", "../../escape")], "outside the root", id="hard link climbs out"),
            pytest.param([hardlink("l", "/etc/passwd")], "not in the layer", id="hard link to the host"),
            pytest.param([file("f"), file("f/g")], "not a directory", id="file as directory"),
            pytest.param([file("n" * 300)], "too long", id="name too long"),
            pytest.param([symlink("s", "s"), file("s/f")], "not a directory", id="symlink to itself"),
        ],
    )
    def test_it_is_refused_and_leaves_nothing(
        self, store: LayerStore, entries: list[tarfile.TarInfo], message: str
    ) -> None:
        with pytest.raises(ImageError, match=message):
            add(store, layer(*entries))
        assert leftovers(store) == []

    def test_symlinks_lead_to_the_layers_own_root(self, store: LayerStore, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        tar = layer(symlink("link", str(outside)), directory(str(outside)), file("link/f"), symlink("up", "../../.."))
        root = add(store, tar)
        assert list(outside.iterdir()) == []
        assert (root / str(outside).lstrip("/") / "f").read_bytes() == b"content"

    def test_writing_to_a_name_replaces_a_symlink_there(self, store: LayerStore, tmp_path: Path) -> None:
        victim = tmp_path / "victim"
        victim.write_text("safe")
        root = add(store, layer(symlink("s", str(victim)), file("s", b"owned")))
        assert victim.read_text() == "safe"
        assert (root / "s").read_bytes() == b"owned"

    def test_python_inside_the_layer_is_never_run(self, store: LayerStore, tmp_path: Path) -> None:
        modules = [
            f"{path.lstrip('/')}/{name}.py" for path in sys.path if path for name in ("encodings/x", "pwd", "bz2")
        ]
        add(store, layer(*(file(name, b"raise SystemExit('run')") for name in modules)))

    @pytest.mark.parametrize("spoil", [lambda raw: raw[:-200], lambda raw: raw[:400], lambda raw: b"\x1f\x8bgarbage"])
    def test_damaged_gzip_is_refused(self, store: LayerStore, spoil) -> None:  # type: ignore[no-untyped-def]
        tar = layer(file("f", os.urandom(5000)))
        with pytest.raises(ImageError, match="cannot unpack layer"):
            add(store, tar, spoil(gzip.compress(tar)))
        assert leftovers(store) == []

    def test_content_must_be_what_its_diff_id_says(self, store: LayerStore) -> None:
        with pytest.raises(ImageError, match="wrong diff id"):
            add(store, layer(file("a")), layer(file("b")))
        assert leftovers(store) == []

    def test_bytes_after_the_end_mark_count(self, store: LayerStore) -> None:
        tar = layer(file("f"))
        with pytest.raises(ImageError, match="wrong diff id"):
            add(store, tar, tar + b"\0" * 10240)


class TestSharing:
    """Several users of one store do the work once, and survive each other's death."""

    def test_two_at_once_unpack_once(self, store: LayerStore) -> None:
        tar = layer(*(file(f"f{number}") for number in range(50)))
        path = store.path(digest(tar)).parent.parent / "blob"
        path.write_bytes(tar)
        inodes: list[int] = []

        def unpack() -> None:
            LayerStore(path.parent).add(LayerSource(path, 0, len(tar)), digest(tar))
            inodes.append(store.path(digest(tar)).stat().st_ino)

        threads = [threading.Thread(target=unpack) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert len(inodes) == 4
        assert len(set(inodes)) == 1

    def test_what_a_killed_process_left_is_replaced(self, store: LayerStore) -> None:
        tar = layer(file("f"))
        tree = store.path(digest(tar)).parent.parent / "ingest" / f"{digest(tar)[7:]}.tree"
        (tree / "half").mkdir(parents=True)
        root = add(store, tar)
        assert [path.name for path in root.iterdir()] == ["f"]
        assert not tree.exists()

    def test_an_orphaned_unpacker_keeps_the_layer_locked(self, store: LayerStore, tmp_path: Path) -> None:
        lock = store._lock_path(digest(b"x"))
        with store.lock(digest(b"x")) as lock_fd:
            child = subprocess.Popen(["sleep", "30"], pass_fds=(lock_fd,))
        try:
            with pytest.raises(subprocess.CalledProcessError):
                subprocess.run(["flock", "--nonblock", lock, "true"], timeout=10, check=True)
        finally:
            child.kill()
            child.wait(timeout=10)
        subprocess.run(["flock", "--nonblock", lock, "true"], timeout=10, check=True)

    def test_an_unpacker_that_dies_is_told_of(
        self, store: LayerStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "blob").write_bytes(b"")
        monkeypatch.setattr(sys, "executable", "/bin/false")
        with store.lock(digest(b"")) as lock_fd, pytest.raises(ImageError, match="the unpacker ended with 1"):
            run_unpacker(LayerSource(tmp_path / "blob", 0, 0), tmp_path, lock_fd)


def proc_of(pid: int, directory: Path) -> Path:
    """Return a /proc with one process: others may have containers of their own."""
    (directory / "proc").mkdir()
    (directory / "proc" / str(pid)).symlink_to(f"/proc/{pid}")
    return directory / "proc"


class TestLayersInUse:
    """A layer in some process's overlay is not for removal."""

    def test_overlays_of_other_mount_namespaces_are_seen(self, store: LayerStore, tmp_path: Path) -> None:
        one, other = add(store, layer(file("a"))), add(store, layer(file("b")))
        (tmp_path / "m").mkdir()
        (tmp_path / "empty").mkdir()
        script = 'mount -t overlay overlay -o "lowerdir=$1:$2" "$3" && echo up && exec sleep 30'
        command = [
            "unshare",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
            str(one),
            str(tmp_path / "empty"),
            str(tmp_path / "m"),
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"up\n"
            used = layers_in_use({one.name, other.name}, proc_of(process.pid, tmp_path))
            assert used == {one.name}
        finally:
            process.kill()
            process.communicate(timeout=10)


def process(directory: Path, number: int, namespace: str, mounts: str) -> None:
    """Write what proc(5) would show of a process."""
    (directory / str(number) / "ns").mkdir(parents=True)
    (directory / str(number) / "ns/mnt").symlink_to(f"mnt:[{namespace}]")
    (directory / str(number) / "mountinfo").write_text(mounts)


class TestMountTables:
    """Whatever way a layer is mounted, it is not taken for unused."""

    ROOT = "1 0 0:1 / / rw - ext4 /dev/vda rw\n"

    def test_no_overlay_uses_no_layer(self, tmp_path: Path) -> None:
        process(tmp_path, 1, "1", self.ROOT + "2 1 0:2 / /m rw - tmpfs aaa rw\n")
        assert layers_in_use({"aaa"}, tmp_path) == set()

    def test_an_overlay_uses_the_layers_it_names(self, tmp_path: Path) -> None:
        process(tmp_path, 1, "1", self.ROOT)
        process(tmp_path, 2, "2", "2 1 0:2 / / rw - overlay overlay rw,lowerdir=/l/aaa:/l/bbb,upperdir=/u\n")
        assert layers_in_use({"aaa", "ccc"}, tmp_path) == {"aaa"}

    def test_an_overlay_that_names_descriptors_may_use_them_all(self, tmp_path: Path) -> None:
        process(tmp_path, 1, "1", self.ROOT)
        process(tmp_path, 2, "2", "2 1 0:2 / / rw - overlay overlay rw,lowerdir=/proc/self/fd/6:/proc/self/fd/7\n")
        assert layers_in_use({"aaa", "ccc"}, tmp_path) == {"aaa", "ccc"}
