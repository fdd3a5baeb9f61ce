"""Volumes whose files come from API objects, and the ways into and out of them."""

import base64
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naru.api.core_v1 import ConfigMap, HostPathVolumeSource, Pod, Secret
from nodeagent.pods.downward import NodeFacts, PodFacts
from nodeagent.pods.faults import SandboxFault
from nodeagent.pods.references import References
from nodeagent.volumes.atomic import DATA_LINK, File, write_payload
from nodeagent.volumes.errors import VolumeError
from nodeagent.volumes.host_path import ensure_host_path
from nodeagent.volumes.manager import PodVolumes
from nodeagent.volumes.payload import volume_payload
from nodeagent.volumes.subpath import pin_subpath

CONFIG = ConfigMap.model_validate(
    {
        "metadata": {"name": "cfg"},
        "data": {"color": "blue", "size": "xl"},
        "binaryData": {"blob": base64.b64encode(b"\x00\xff").decode()},
    }
)
SECRET = Secret.model_validate({"metadata": {"name": "sec"}, "data": {"key": base64.b64encode(b"s3").decode()}})
REFERENCES = References({"cfg": CONFIG}, {"sec": SECRET})


def facts_of(volume: dict[str, Any], **spec: Any) -> PodFacts:
    meta = {"name": "web", "namespace": "ns", "uid": "u1", "labels": {"app": "x"}}
    containers = [{"name": "c", "image": "i", "resources": {"limits": {"memory": "64Mi"}}}]
    body = {"containers": containers, "volumes": [{"name": "v", **volume}], **spec}
    return PodFacts(Pod.model_validate({"metadata": meta, "spec": body}), NodeFacts("198.18.0.11", {}))


def files_of(volume: dict[str, Any], references: References = REFERENCES) -> dict[str, tuple[bytes, int]]:
    facts = facts_of(volume)
    payload = volume_payload(facts.pod.spec.volumes[0], facts, references)
    return {path: (file.content, file.mode) for path, file in payload.items()}


ITEMS = {"items": [{"key": "color", "path": "a/b", "mode": 0o400}]}
LABELS = {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}
MEMORY = {"path": "mem", "resourceFieldRef": {"containerName": "c", "resource": "limits.memory", "divisor": "1Mi"}}


class TestPayload:
    @pytest.mark.parametrize(
        ("volume", "expected"),
        [
            pytest.param(
                {"configMap": {"name": "cfg"}},
                {"color": (b"blue", 0o644), "size": (b"xl", 0o644), "blob": (b"\x00\xff", 0o644)},
                id="every key of a ConfigMap",
            ),
            pytest.param({"configMap": {"name": "cfg", **ITEMS}}, {"a/b": (b"blue", 0o400)}, id="chosen keys"),
            pytest.param(
                {"secret": {"secretName": "sec", "defaultMode": 0o440}}, {"key": (b"s3", 0o440)}, id="a Secret"
            ),
            pytest.param(
                {"downwardAPI": {"items": [LABELS, MEMORY]}},
                {"labels": (b'app="x"', 0o644), "mem": (b"64", 0o644)},
                id="the pod's own facts",
            ),
            pytest.param(
                {"projected": {"sources": [{"configMap": {"name": "cfg", **ITEMS}}, {"secret": {"name": "sec"}}]}},
                {"a/b": (b"blue", 0o400), "key": (b"s3", 0o644)},
                id="several sources in one directory",
            ),
            pytest.param({"configMap": {"name": "none", "optional": True}}, {}, id="an optional object is missing"),
            pytest.param(
                {"secret": {"secretName": "sec", "optional": True, "items": [{"key": "no", "path": "no"}]}},
                {},
                id="an optional key is missing",
            ),
        ],
    )
    def test_files(self, volume: dict[str, Any], expected: dict[str, tuple[bytes, int]]) -> None:
        assert files_of(volume) == expected

    @pytest.mark.parametrize(
        ("volume", "message"),
        [
            pytest.param({"configMap": {"name": "none"}}, 'configmap "none" not found', id="no ConfigMap"),
            pytest.param({"secret": {"secretName": "none"}}, 'secret "none" not found', id="no Secret"),
            pytest.param(
                {"configMap": {"name": "cfg", "items": [{"key": "no", "path": "x"}]}},
                "references non-existent config key: no",
                id="no such key",
            ),
            pytest.param(
                {"configMap": {"name": "cfg", "items": [{"key": "color", "path": "../x"}]}},
                "must be relative",
                id="a path that leaves the volume",
            ),
        ],
    )
    def test_what_is_missing_is_named(self, volume: dict[str, Any], message: str) -> None:
        with pytest.raises(VolumeError, match=message):
            files_of(volume)


def read_all(directory: Path) -> dict[str, bytes]:
    """Read a volume as a container does: through the links at its top."""
    found = {}
    for entry in directory.iterdir():
        if not entry.name.startswith(".."):
            paths = [entry] if entry.is_file() else [p for p in entry.rglob("*") if p.is_file()]
            found.update({str(path.relative_to(directory)): path.read_bytes() for path in paths})
    return found


NAMES = st.sampled_from(["a", "b", "c/d", "c/e", "f/g/h"])
PAYLOADS = st.dictionaries(NAMES, st.binary(max_size=8))


class TestAtomicFiles:
    def test_one_rename_shows_the_new_version(self, tmp_path: Path) -> None:
        assert write_payload(tmp_path, {"a": File(b"1"), "gone": File(b"x")})
        before = os.readlink(tmp_path / DATA_LINK)
        assert write_payload(tmp_path, {"a": File(b"2")})
        assert os.readlink(tmp_path / DATA_LINK) != before
        assert read_all(tmp_path) == {"a": b"2"}
        assert not (tmp_path / before).exists()

    def test_the_same_again_changes_nothing(self, tmp_path: Path) -> None:
        write_payload(tmp_path, {"a": File(b"1", 0o600)})
        before = os.readlink(tmp_path / DATA_LINK)
        assert not write_payload(tmp_path, {"a": File(b"1", 0o600)})
        assert os.readlink(tmp_path / DATA_LINK) == before

    def test_a_changed_mode_is_a_change(self, tmp_path: Path) -> None:
        write_payload(tmp_path, {"a": File(b"1", 0o600)})
        assert write_payload(tmp_path, {"a": File(b"1", 0o640)})
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640

    @given(versions=st.lists(PAYLOADS, min_size=1, max_size=5))
    def test_it_always_shows_the_last_version(self, versions: list[dict[str, bytes]], tmp_path_factory: Any) -> None:
        directory = tmp_path_factory.mktemp("volume")
        for version in versions:
            write_payload(directory, {path: File(content) for path, content in version.items()})
        assert read_all(directory) == versions[-1]


class TestHostPath:
    @pytest.mark.parametrize("kind", ["DirectoryOrCreate", ""])
    def test_a_directory_is_made(self, tmp_path: Path, kind: str) -> None:
        path = tmp_path / "a" / "b"
        assert ensure_host_path(HostPathVolumeSource(path=str(path), type=kind)).is_dir()

    def test_a_file_is_made(self, tmp_path: Path) -> None:
        assert ensure_host_path(HostPathVolumeSource(path=str(tmp_path / "f"), type="FileOrCreate")).is_file()

    @pytest.mark.parametrize(
        ("kind", "description"),
        [
            ("Directory", "a directory"),
            ("File", "a file"),
            ("Socket", "a socket file"),
            ("CharDevice", "a character device"),
            ("BlockDevice", "a block device"),
        ],
    )
    def test_what_is_not_there_is_not_made(self, tmp_path: Path, kind: str, description: str) -> None:
        with pytest.raises(VolumeError, match=f"is not {description}"):
            ensure_host_path(HostPathVolumeSource(path=str(tmp_path / "x"), type=kind))

    def test_a_file_is_no_directory(self, tmp_path: Path) -> None:
        (tmp_path / "f").touch()
        with pytest.raises(VolumeError, match="is not a directory"):
            ensure_host_path(HostPathVolumeSource(path=str(tmp_path / "f"), type="DirectoryOrCreate"))


class TestPodVolumes:
    def test_an_empty_dir_is_everybodys_and_goes_with_the_pod(self, tmp_path: Path) -> None:
        volumes = PodVolumes(tmp_path / "u1")
        facts = facts_of({"emptyDir": {}})
        volumes.ensure(facts, References())
        path = volumes.path(facts.pod.spec.volumes[0])
        assert stat.S_IMODE(path.stat().st_mode) == 0o777
        (path / "kept").touch()
        volumes.ensure(facts, References())
        assert (path / "kept").exists()
        volumes.remove()
        assert not (tmp_path / "u1").exists()

    @pytest.mark.parametrize(
        "volume",
        [{"configMap": {"name": "none"}}, {"emptyDir": {"medium": "HugePages"}}, {"nfs": {"server": "s", "path": "/"}}],
    )
    def test_what_cannot_be_made_says_which_volume(self, tmp_path: Path, volume: dict[str, Any]) -> None:
        with pytest.raises(SandboxFault, match=r'MountVolume\.SetUp failed for volume "v" : ') as caught:
            PodVolumes(tmp_path).ensure(facts_of(volume), References())
        assert caught.value.reason == "FailedMount"


class TestSubpathRefusals:
    @pytest.mark.parametrize("subpath", ["/etc", "../x", "a/../../x"])
    def test_out_of_the_volume_by_name(self, tmp_path: Path, subpath: str) -> None:
        with pytest.raises(VolumeError):
            pin_subpath(tmp_path, subpath, tmp_path / "pin")

    def test_out_of_the_volume_by_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "v").mkdir()
        (tmp_path / "v" / "link").symlink_to("/etc")
        with pytest.raises(VolumeError, match="leads out of its volume"):
            pin_subpath(tmp_path / "v", "link/passwd", tmp_path / "pin")
