"""Images in a file or directory: what ``docker save``, ``podman save``, ``skopeo`` and ``buildctl`` write.

Two layouts, told apart by their table of contents: docker-archive (``manifest.json``; newer dockers put it beside an
OCI layout, and it wins because it has the names) and OCI layout (``index.json``). Nothing is copied: a layer is handed
on as a part of the archive's file. Names inside an archive are looked up in its own list of members, never in the file
system, so they cannot lead out of it.

Source: docker's image spec v1.2 ("Combined Image JSON + Filesystem Changeset Format"); OCI image layout.
"""

import gzip
import hashlib
import posixpath
import shutil
import tarfile
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from nodeagent.images.documents import (
    INDEX_TYPES,
    MAX_DOCUMENT_BYTES,
    ConfigDocument,
    Descriptor,
    Index,
    Manifest,
    check_layers,
    choose_manifest,
    decode,
    host_platform,
    verify,
)
from nodeagent.images.errors import ImageError, InvalidReference
from nodeagent.images.layers import LayerSource
from nodeagent.images.reference import parse_reference

CONTAINERD_NAME: Final = "io.containerd.image.name"
OCI_REF_NAME: Final = "org.opencontainers.image.ref.name"
MAX_LINKS: Final = 8  # docker needs one
MAX_INDEX_DEPTH: Final = 4
GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True)
class ArchivedImage:
    """One image of an archive; layers from the lowest up, their digests checked where the layout names any."""

    names: tuple[str, ...]
    config: bytes
    layers: tuple[LayerSource, ...]


class Archive(ABC):
    """Read access to an archive's files by name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def find(self, name: str) -> LayerSource | None:
        """Return where a file's bytes are."""

    def source(self, name: str) -> LayerSource:
        """Return where a file's bytes are.

        Raises:
            ImageError: there is no such file.
        """
        if (source := self.find(name)) is None:
            raise ImageError(f'archive has no file "{name}"')
        return source

    def read(self, name: str) -> bytes:
        """Return a document."""
        source = self.source(name)
        if source.size > MAX_DOCUMENT_BYTES:
            raise ImageError(f'"{name}" is too large for a document: {source.size} bytes')
        with open(source.path, "rb") as file:
            file.seek(source.offset)
            return file.read(source.size)


class TarArchive(Archive):
    """A tar file, read in place."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            with tarfile.open(path, "r:") as tar:
                self._members = {posixpath.normpath(member.name): member for member in tar}  # the last one counts
        except (tarfile.TarError, ValueError, OverflowError) as error:
            raise ImageError(f"not a tar archive: {error}") from error

    def find(self, name: str) -> LayerSource | None:
        """Return where a member's bytes are; older dockers link layers that several images share."""
        target = posixpath.normpath(name)
        for _ in range(MAX_LINKS):
            member = self._members.get(target)
            if member is None:
                return None
            if member.isreg() and not member.issparse():
                return LayerSource(self.path, member.offset_data, member.size)
            if not (member.issym() or member.islnk()):
                raise ImageError(f'"{name}" is not a plain file in the archive')
            base = posixpath.dirname(target) if member.issym() else ""
            target = posixpath.normpath(posixpath.join(base, member.linkname))
        raise ImageError(f'"{name}" is linked in a circle')


class DirectoryArchive(Archive):
    """An unpacked layout."""

    def find(self, name: str) -> LayerSource | None:
        """Return a file below the directory, symlinks resolved and still below it."""
        file = (self.path / name).resolve()
        if not file.is_relative_to(self.path.resolve()):
            raise ImageError(f'"{name}" points outside the directory')
        return LayerSource(file, 0, file.stat().st_size) if file.is_file() else None


@contextmanager
def open_archive(path: Path, scratch: Path) -> Iterator[Archive]:
    """Open an archive; one that is gzipped as a whole is unzipped into ``scratch``, for it is read here and there.

    Raises:
        ImageError: the path holds no archive.
    """
    if path.is_dir():
        yield DirectoryArchive(path)
        return
    with tempfile.TemporaryDirectory(dir=scratch, prefix="load-") as directory:
        yield TarArchive(_unzipped(path, Path(directory)))


def _unzipped(path: Path, directory: Path) -> Path:
    try:
        with open(path, "rb") as file:
            if file.read(2) != GZIP_MAGIC:
                return path
        plain = directory / "archive.tar"
        with gzip.open(path) as source, open(plain, "wb") as target:
            shutil.copyfileobj(source, target)
    except EOFError:
        raise ImageError(f"cannot read {path}: it is cut short") from None
    except OSError as error:  # which gzip's errors are, too
        raise ImageError(f"cannot read {path}: {error.strerror or error}") from error
    return plain


def read_images(archive: Archive) -> list[ArchivedImage]:
    """Return every image in the archive that runs on this machine."""
    if archive.find("manifest.json") is not None:
        return _docker_images(archive)
    if archive.find("index.json") is not None:
        return list(_oci_images(archive))
    if archive.find("repositories") is not None:
        raise ImageError("archive is of a docker older than 1.10; load and save it again with a newer one")
    raise ImageError("not an image archive: it has neither manifest.json nor index.json")


class _DockerItem(BaseModel):
    model_config = ConfigDict(extra="ignore")

    config: str = Field(alias="Config")
    repo_tags: tuple[str, ...] | None = Field(default=None, alias="RepoTags")
    layers: tuple[str, ...] = Field(alias="Layers")


def _docker_images(archive: Archive) -> list[ArchivedImage]:
    try:
        items = TypeAdapter(tuple[_DockerItem, ...]).validate_json(archive.read("manifest.json"))
    except ValidationError as error:
        raise ImageError(f"manifest.json is malformed: {error.errors()[0]['msg'].lower()}") from error
    images = []
    for item in items:
        names = tuple(str(parse_reference(tag)) for tag in item.repo_tags or ())
        layers = tuple(archive.source(name) for name in item.layers)
        images.append(ArchivedImage(names, archive.read(item.config), layers))
    return images


def _oci_images(archive: Archive) -> Iterator[ArchivedImage]:
    index = decode(Index, archive.read("index.json"), "index.json")
    for entry in index.manifests:
        manifest = _oci_manifest(archive, entry)
        raw_config = _oci_blob(archive, manifest.config)
        check_layers(manifest, decode(ConfigDocument, raw_config, "image config"), host_platform())
        layers = tuple(_oci_layer(archive, layer) for layer in manifest.layers)
        yield ArchivedImage(_oci_names(entry, archive.path), raw_config, layers)


def _oci_manifest(archive: Archive, entry: Descriptor) -> Manifest:
    """Follow nested indexes down to the manifest for this machine."""
    for _ in range(MAX_INDEX_DEPTH):
        raw = _oci_blob(archive, entry)
        if entry.media_type not in INDEX_TYPES:
            return decode(Manifest, raw, f"manifest {entry.digest}")
        wanted = host_platform()
        chosen = choose_manifest(decode(Index, raw, f"index {entry.digest}"), wanted)
        if chosen is None:
            raise ImageError(f"no match for platform in manifest: none is for linux/{wanted.architecture}")
        entry = chosen
    raise ImageError("image indexes are nested too deeply")


def _oci_path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _oci_blob(archive: Archive, descriptor: Descriptor) -> bytes:
    raw = archive.read(_oci_path(descriptor.digest))
    verify(raw, descriptor.digest, "blob")
    return raw


def _oci_layer(archive: Archive, descriptor: Descriptor) -> LayerSource:
    source = archive.source(_oci_path(descriptor.digest))
    if (actual := digest_of_source(source)) != descriptor.digest:
        raise ImageError(f"layer has digest {actual}, expected {descriptor.digest}")
    return source


def digest_of_source(source: LayerSource) -> str:
    """Hash a part of a file."""
    digest, left = hashlib.sha256(), source.size
    with open(source.path, "rb") as file:
        file.seek(source.offset)
        while left and (chunk := file.read(min(left, 1 << 20))):
            digest.update(chunk)
            left -= len(chunk)
    return f"sha256:{digest.hexdigest()}"


def _oci_names(entry: Descriptor, path: Path) -> tuple[str, ...]:
    """Name an OCI image: containerd and docker write the full name, others only its tag, so the file lends the rest."""
    annotations = entry.annotations or {}
    name = annotations.get(CONTAINERD_NAME) or annotations.get(OCI_REF_NAME, "")
    if not name:
        return ()
    if not any(mark in name for mark in "/:@"):
        name = f"{path.name.partition('.')[0].lower()}:{name}"
    try:
        return (str(parse_reference(name)),)
    except InvalidReference:
        return ()  # it can still be used by its id
