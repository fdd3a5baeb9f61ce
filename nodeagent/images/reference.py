"""Image names: what ``busybox`` means.

A name is ``[registry/]repository[:tag][@digest]``. Docker's habits fill in what people leave out:
``busybox`` is ``docker.io/library/busybox:latest``. Everything behind this module sees the full form only.

Source: the grammar of distribution/reference, which docker, containerd and Kubernetes share.
"""

import re
from dataclasses import dataclass
from typing import Final

from nodeagent.images.errors import InvalidReference

DEFAULT_REGISTRY: Final = "docker.io"
DEFAULT_TAG: Final = "latest"
MAX_NAME_LENGTH: Final = 255  # registry and repository together

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_BARE_HEX = re.compile(r"[0-9a-f]{64}")  # an image id: docker refuses it as a repository, so that it stays one


@dataclass(frozen=True)
class Reference:
    """A full image name; at least one of ``tag`` and ``digest`` is set, and the digest decides when both are."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        """Write the full form, the one that images are filed under."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"

    @property
    def name(self) -> str:
        """The registry and repository, without a version."""
        return f"{self.registry}/{self.repository}"

    @property
    def version(self) -> str:
        """What the registry is asked for: the digest when there is one, else the tag."""
        return self.digest or self.tag

    def by_digest(self, digest: str) -> "Reference":
        """Return the same repository at an exact manifest."""
        return Reference(self.registry, self.repository, digest=digest)


def parse_reference(text: str) -> Reference:
    """Read an image name as docker does.

    Raises:
        InvalidReference: the text is no image name.
    """
    name, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise _invalid(text, f"unsupported digest {digest!r}" if digest else "empty digest")
    name, tag = _split_tag(name)
    if tag is not None and not _TAG.fullmatch(tag):
        raise _invalid(text, f"bad tag {tag!r}")
    registry, repository = _split_registry(name)
    _check_name(text, registry, repository)
    return Reference(registry, repository, tag or ("" if digest else DEFAULT_TAG), digest)


def _split_tag(name: str) -> tuple[str, str | None]:
    """Part the tag from the name; a colon before the last slash belongs to the registry's port."""
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        return name, None
    return head, tag


def _split_registry(name: str) -> tuple[str, str]:
    """Part the registry from the repository: the first component is one if it looks like a host name."""
    first, slash, rest = name.partition("/")
    is_host = bool(slash) and (any(mark in first for mark in ".:[") or first == "localhost" or first.lower() != first)
    if not is_host:
        return DEFAULT_REGISTRY, name if slash else f"library/{name}"
    registry = DEFAULT_REGISTRY if first == "index.docker.io" else first
    if registry == DEFAULT_REGISTRY and "/" not in rest:
        return registry, f"library/{rest}"
    return registry, rest


def _check_name(text: str, registry: str, repository: str) -> None:
    if repository != repository.lower():
        raise _invalid(text, f"repository name ({repository}) must be lowercase")
    if not _REGISTRY.fullmatch(registry) or not _REPOSITORY.fullmatch(repository):
        raise _invalid(text)
    if _BARE_HEX.fullmatch(repository.removeprefix("library/")):
        raise _invalid(text, "a repository cannot be 64 hexadecimal digits")
    if len(f"{registry}/{repository}") > MAX_NAME_LENGTH:
        raise _invalid(text, f"repository name must not be more than {MAX_NAME_LENGTH} characters")


def _invalid(text: str, detail: str = "") -> InvalidReference:
    suffix = f": {detail}" if detail else ""
    return InvalidReference(f'couldn\'t parse image name "{text}": invalid reference format{suffix}')
