"""Volumes that need mounts: tmpfs for memory and for secrets, pins for subPath, and their removal."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from naru.api.core_v1 import Pod, Secret
from nodeagent.pods.downward import NodeFacts, PodFacts
from nodeagent.pods.references import References
from nodeagent.runtime.spec import Mount
from nodeagent.volumes.manager import PodVolumes
from nodeagent.volumes.mounts import mounts_below, unmount_below

pytestmark = pytest.mark.root

SECRET = Secret.model_validate({"metadata": {"name": "sec"}, "data": {"key": base64.b64encode(b"s3").decode()}})
REFERENCES = References({}, {"sec": SECRET})


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "u1"
    unmount_below(tmp_path)


def facts_of(volume: dict[str, Any], mount: dict[str, Any] | None = None, **spec: Any) -> PodFacts:
    mounts = [{"name": "v", "mountPath": "/v", **(mount or {})}]
    containers = [{"name": "c", "image": "i", "volumeMounts": mounts}]
    body = {"containers": containers, "volumes": [{"name": "v", **volume}], **spec}
    return PodFacts(Pod.model_validate({"metadata": {"name": "p", "uid": "u1"}, "spec": body}), NodeFacts("", {}))


def mount_of(home: Path, facts: PodFacts, env: dict[str, str] | None = None) -> Mount:
    (mount,) = PodVolumes(home).mounts(facts.pod, facts.pod.spec.containers[0], env or {})
    return mount


def test_memory_is_a_tmpfs_of_its_size(home: Path) -> None:
    facts = facts_of({"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}})
    PodVolumes(home).ensure(facts, REFERENCES)
    PodVolumes(home).ensure(facts, REFERENCES)
    path = home / "volumes" / "v"
    assert mounts_below(home) == [path]
    size = os.statvfs(path)
    assert size.f_frsize * size.f_blocks == 1 << 20


def test_a_secret_never_reaches_the_disk(home: Path) -> None:
    PodVolumes(home).ensure(facts_of({"secret": {"secretName": "sec"}}), REFERENCES)
    path = home / "volumes" / "v"
    assert path.is_mount()
    assert (path / "key").read_bytes() == b"s3"


def test_files_belong_to_the_fs_group(home: Path) -> None:
    facts = facts_of({"secret": {"secretName": "sec", "defaultMode": 0o400}}, securityContext={"fsGroup": 4242})
    PodVolumes(home).ensure(facts, REFERENCES)
    status = (home / "volumes" / "v" / "key").stat()
    assert (status.st_gid, status.st_mode & 0o777) == (4242, 0o440)


def test_removal_leaves_no_mount_and_no_file(home: Path) -> None:
    facts = facts_of({"emptyDir": {"medium": "Memory"}}, {"subPath": "a"})
    PodVolumes(home).ensure(facts, REFERENCES)
    mount_of(home, facts)
    assert len(mounts_below(home)) == 2
    PodVolumes(home).remove()
    assert mounts_below(home) == []
    assert not home.exists()


class TestSubpath:
    def test_it_is_made_and_pinned(self, home: Path) -> None:
        facts = facts_of({"emptyDir": {}}, {"subPath": "a/b"})
        PodVolumes(home).ensure(facts, REFERENCES)
        source = mount_of(home, facts).source
        assert source is not None
        (source / "file").touch()
        assert (home / "volumes" / "v" / "a" / "b" / "file").exists()

    def test_who_may_write_to_the_volume_may_write_there(self, home: Path) -> None:
        facts = facts_of({"emptyDir": {}}, {"subPath": "a/b"}, securityContext={"fsGroup": 4000})
        PodVolumes(home).ensure(facts, REFERENCES)
        source = mount_of(home, facts).source
        assert source is not None
        assert (source.stat().st_mode & 0o7777, source.stat().st_gid) == (0o2777, 4000)

    def test_the_pin_stays_whatever_becomes_of_the_path(self, home: Path) -> None:
        facts = facts_of({"emptyDir": {}}, {"subPath": "a"})
        PodVolumes(home).ensure(facts, REFERENCES)
        source = mount_of(home, facts).source
        assert source is not None
        volume = home / "volumes" / "v"
        (volume / "a").rename(volume / "old")
        (volume / "a").symlink_to("/etc")
        assert not (source / "passwd").exists()
        (source / "file").touch()
        assert (volume / "old" / "file").exists()

    def test_a_file_behind_the_links_of_an_object(self, home: Path) -> None:
        facts = facts_of({"secret": {"secretName": "sec"}}, {"subPath": "key"})
        PodVolumes(home).ensure(facts, REFERENCES)
        source = mount_of(home, facts).source
        assert source is not None
        assert source.read_bytes() == b"s3"

    def test_it_may_be_named_by_the_environment(self, home: Path) -> None:
        facts = facts_of({"emptyDir": {}}, {"subPathExpr": "$(NAME)"})
        PodVolumes(home).ensure(facts, REFERENCES)
        mount_of(home, facts, {"NAME": "web"})
        assert (home / "volumes" / "v" / "web").is_dir()
