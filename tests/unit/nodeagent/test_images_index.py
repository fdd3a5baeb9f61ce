"""The index moves names between images as docker does."""

from pathlib import Path

import pytest

from nodeagent.images.documents import Descriptor, Index, Platform, choose_manifest
from nodeagent.images.errors import ImageError
from nodeagent.images.index import Entry, ImageIndex, find_name, with_image, without_name
from nodeagent.images.reference import parse_reference

DIGEST_NAME = "docker.io/library/web@sha256:" + "d" * 64
TAG_NAME = "docker.io/library/web:1"


def entry(*names: str) -> Entry:
    return Entry(names, ("sha256:" + "1" * 64,), 10)


class TestNames:
    """A name stands for one image at a time."""

    def test_a_pulled_tag_leaves_the_image_that_had_it(self) -> None:
        entries = with_image({"old": entry(TAG_NAME)}, "new", entry(TAG_NAME, DIGEST_NAME))
        assert entries["old"].names == ()
        assert entries["new"].names == (TAG_NAME, DIGEST_NAME)

    def test_a_second_name_joins_the_first(self) -> None:
        entries = with_image({"same": entry(DIGEST_NAME)}, "same", entry(TAG_NAME))
        assert entries["same"].names == (TAG_NAME, DIGEST_NAME)

    def test_a_digest_finds_the_image_whatever_tag_is_beside_it(self) -> None:
        entries = {"id": entry(TAG_NAME, DIGEST_NAME)}
        moved = "web:2@" + DIGEST_NAME.partition("@")[2]
        assert find_name(entries, parse_reference(moved)) == "id"
        assert find_name(entries, parse_reference("web:2")) is None

    @pytest.mark.parametrize(
        ("names", "removed", "left"),
        [
            pytest.param((TAG_NAME, DIGEST_NAME), TAG_NAME, None, id="the last tag takes the image with it"),
            pytest.param((TAG_NAME, "x:1"), TAG_NAME, ("x:1",), id="another tag keeps it"),
            pytest.param((TAG_NAME, DIGEST_NAME), DIGEST_NAME, (TAG_NAME,), id="a digest is one name of several"),
            pytest.param((TAG_NAME, "x:1"), "", None, id="an id removes it under all names"),
        ],
    )
    def test_removal(self, names: tuple[str, ...], removed: str, left: tuple[str, ...] | None) -> None:
        entries = without_name({"id": entry(*names)}, "id", removed)
        assert (entries["id"].names if "id" in entries else None) == left


class TestImageIndex:
    """The file is replaced as a whole, and read again when it has been."""

    def test_a_change_is_seen_by_another_reader(self, tmp_path: Path) -> None:
        writer, reader = (ImageIndex(tmp_path / "index.json", tmp_path / "lock") for _ in range(2))
        assert reader.read() == {}
        for number in range(3):
            writer.update(lambda entries, number=number: {**entries, f"id{number}": entry(f"x:{number}")})
            assert len(reader.read()) == number + 1
        assert sorted(path.name for path in tmp_path.iterdir()) == ["index.json", "lock"]

    @pytest.mark.parametrize("content", [b"", b"[]", b'{"images": {"id": {}}}', b'{"images": {"id": 3}}'])
    def test_a_damaged_index_is_named(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "index.json").write_bytes(content)
        with pytest.raises(ImageError, match=r"index\.json is damaged"):
            ImageIndex(tmp_path / "index.json", tmp_path / "lock").read()


class TestChooseManifest:
    """Of an index, the image for this machine is taken."""

    @staticmethod
    def descriptor(digit: str, os: str, architecture: str, media_type: str = "") -> Descriptor:
        chosen = Platform(os=os, architecture=architecture)
        return Descriptor(media_type=media_type, digest="sha256:" + digit * 64, size=1, platform=chosen)

    def test_platform_decides(self) -> None:
        arm, amd = self.descriptor("1", "linux", "arm64"), self.descriptor("2", "linux", "amd64")
        windows, attestation = self.descriptor("3", "windows", "amd64"), self.descriptor("4", "unknown", "unknown")
        index = Index(manifests=(attestation, windows, arm, amd))
        assert choose_manifest(index, Platform(os="linux", architecture="amd64")) == amd
        assert choose_manifest(index, Platform(os="linux", architecture="s390x")) is None
