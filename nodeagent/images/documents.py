"""The JSON documents an image is made of: index -> manifest -> config and layers, each named by its digest.

Docker's schema 2 and OCI differ in media types only, so one set of types reads both. Nothing here trusts its
input: a document that does not fit raises :class:`ImageError`.

Source: OCI image spec v1.1 (manifest, index, config); docker's manifest v2 schema 2.
"""

import hashlib
import platform
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from nodeagent.images.errors import ImageError

OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
INDEX_TYPES: Final = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFEST_TYPES: Final = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
MAX_DOCUMENT_BYTES: Final = 4 << 20  # what the OCI distribution spec asks registries to accept for a manifest

_GO_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Platform(_Document):
    """What a manifest of an index is built for, in Go's names."""

    os: str = ""
    architecture: str = ""
    variant: str = ""


class Descriptor(_Document):
    """A link to content: its digest is its name and its proof."""

    media_type: str = Field(default="", alias="mediaType")
    digest: Digest
    size: int = Field(ge=0)
    platform: Platform | None = None
    annotations: dict[str, str] | None = None


class Index(_Document):
    """One name for several manifests, usually one a platform."""

    manifests: tuple[Descriptor, ...]


class Manifest(_Document):
    """One image: its config, and its layers from the lowest up (compressed, so with digests of their own)."""

    config: Descriptor
    layers: tuple[Descriptor, ...]


class RunConfig(_Document):
    """What to run, unless the pod says otherwise; null and missing mean the same."""

    entrypoint: tuple[str, ...] | None = Field(default=None, alias="Entrypoint")
    cmd: tuple[str, ...] | None = Field(default=None, alias="Cmd")
    env: tuple[str, ...] | None = Field(default=None, alias="Env")
    working_dir: str | None = Field(default=None, alias="WorkingDir")
    user: str | None = Field(default=None, alias="User")
    stop_signal: str | None = Field(default=None, alias="StopSignal")
    labels: dict[str, str] | None = Field(default=None, alias="Labels")


class RootFS(_Document):
    """The diffIDs: digests of the layers' uncompressed tars, from the lowest up."""

    diff_ids: tuple[Digest, ...]


class ConfigDocument(_Document):
    """An image's config; the digest of its bytes is the image's id."""

    os: str = ""
    architecture: str = ""
    config: RunConfig | None = None
    rootfs: RootFS


D = TypeVar("D", bound=_Document)


def decode(document: type[D], raw: bytes, what: str) -> D:
    """Read one document; ``what`` names it in the error."""
    try:
        return document.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "document"
        raise ImageError(f"{what} is malformed: {where}: {first['msg'].lower()}") from error


def digest_of(raw: bytes) -> str:
    """Name bytes by their content."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def verify(raw: bytes, digest: str, what: str) -> None:
    """Refuse bytes that are not what their name says."""
    if (actual := digest_of(raw)) != digest:
        raise ImageError(f"{what} has digest {actual}, expected {digest}")


def host_platform() -> Platform:
    """Return what this machine runs."""
    machine = platform.machine()
    return Platform(os="linux", architecture=_GO_ARCHITECTURES.get(machine, machine))


def runs_on(wanted: Platform, offered: Platform | None) -> bool:
    """Tell whether a manifest fits; one that names no platform is taken at its word to fit all."""
    if offered is None or not (offered.os or offered.architecture):
        return True
    return (offered.os, offered.architecture) == (wanted.os, wanted.architecture)


def choose_manifest(index: Index, wanted: Platform) -> Descriptor | None:
    """Pick the index's first image for the platform; what is no image (signatures, attestations) is passed over."""
    images = (entry for entry in index.manifests if entry.media_type in MANIFEST_TYPES | INDEX_TYPES | {""})
    return next((entry for entry in images if runs_on(wanted, entry.platform)), None)


def check_platform(config: ConfigDocument, wanted: Platform) -> None:
    """Refuse an image that is for another machine."""
    if not runs_on(wanted, Platform(os=config.os, architecture=config.architecture)):
        built = f"{config.os}/{config.architecture}"
        raise ImageError(f"no match for platform in manifest: built for {built}, this is linux/{wanted.architecture}")


def check_layers(manifest: Manifest, config: ConfigDocument, wanted: Platform) -> None:
    """Refuse an image whose parts do not fit together, or which is for another machine."""
    check_platform(config, wanted)
    if len(manifest.layers) != len(config.rootfs.diff_ids):
        layers, diffs = len(manifest.layers), len(config.rootfs.diff_ids)
        raise ImageError(f"mismatched image rootfs and manifest layers: {diffs} diffIDs, {layers} layers")
