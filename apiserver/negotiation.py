"""Negotiation: in which media type and form an answer can go out, as the Accept header asks.

Flow: Accept -> *clauses* (the client's order of preference) -> the first one that the endpoint can make.
Upstream looks twice, and so does this module: its router compares the bare media types with what a route produces
(:func:`check_route`), its handlers then read the parameters too (:func:`negotiated`).

Source: RFC 9110, section 12.5.1; Kubernetes documents, "API Concepts: alternate representations of resources".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from aiohttp import web

from apiserver.query import is_true
from naru.api.errors import NotAcceptable, UnsupportedMediaType

JSON: Final = "application/json"
YAML: Final = "application/yaml"
MEDIA_TYPES: Final = (JSON, YAML)
STREAMED: Final = (f"{JSON};stream=watch",)

TABLE: Final = "Table"
PARTIAL: Final = "PartialObjectMetadata"
PARTIAL_LIST: Final = "PartialObjectMetadataList"
META_GROUP: Final = "meta.k8s.io"
META_VERSIONS: Final = ("v1", "v1beta1")

_KIND_PARAMETERS: Final = ("as", "g", "v")
_READ_BY_PEOPLE: Final = ("curl", "Wget", "Mozilla/5.0")  # how the names of programs begin that show text to people
_BODILESS: Final = (None, "", "0")


@dataclass(frozen=True)
class Clause:
    """One entry of an Accept header."""

    media_type: str
    parameters: Mapping[str, str]
    quality: float = 1.0

    def covers(self, media_type: str) -> bool:
        """Tell whether a media type is one of those that are meant."""
        main, _, sub = self.media_type.partition("/")
        return self.media_type in (media_type, "*/*") or (sub == "*" and media_type.startswith(f"{main}/"))

    @property
    def target(self) -> tuple[str, str, str] | None:
        """The group, version and kind that the answer shall be turned into; None to leave it as it is."""
        if not any(name in self.parameters for name in _KIND_PARAMETERS):
            return None
        return self.parameters.get("g", ""), self.parameters.get("v", ""), self.parameters.get("as", "")


@lru_cache(maxsize=256)
def clauses(header: str) -> Sequence[Clause]:
    """Read an Accept header, what is wanted most first; wildcards stand behind what is named."""
    found = [clause for entry in header.split(",") if (clause := _clause(entry)) is not None]
    return sorted(found, key=lambda c: (-c.quality, c.media_type == "*/*", c.media_type.endswith("/*")))


def _clause(entry: str) -> Clause | None:
    media_type, *rest = (part.strip() for part in entry.split(";"))
    media_type = "*/*" if media_type == "*" else media_type
    if media_type.count("/") != 1:
        return None
    parameters = {name.strip(): value.strip() for name, _, value in (part.partition("=") for part in rest)}
    try:
        quality = float(parameters.pop("q", "1"))
    except ValueError:
        quality = 1.0
    return Clause(media_type, parameters, quality)


@dataclass(frozen=True)
class Choice:
    """What was agreed on: a media type, the kind to turn the answer into, and whether people will read it."""

    media_type: str = JSON
    target: tuple[str, str, str] | None = field(default=None)
    pretty: bool = False


@lru_cache(maxsize=256)
def negotiated(header: str, *, transforms: bool) -> Choice | None:
    """Choose the first form that an endpoint can make; None if there is none.

    Args:
        header: the Accept header; an empty one leaves the choice to the server.
        transforms: whether the endpoint makes Tables and PartialObjectMetadata.
    """
    for clause in clauses(header) if header else (Clause("*/*", {}),):
        target = clause.target
        if target is not None and not (transforms and _is_known(target)):
            continue
        if clause.parameters.get("stream", "") not in ("", "watch"):
            continue
        for media_type in MEDIA_TYPES:
            if clause.covers(media_type) and not (media_type == YAML and clause.parameters.get("stream")):
                return Choice(media_type, target, clause.parameters.get("pretty") == "1")
    return None


def _is_known(target: tuple[str, str, str]) -> bool:
    group, version, kind = target
    return group == META_GROUP and version in META_VERSIONS and kind in (TABLE, PARTIAL, PARTIAL_LIST)


def choice_of(request: web.Request) -> Choice:
    """Choose how to answer a request for objects.

    Raises:
        NotAcceptable: none of the forms that the client takes can be made.
    """
    choice = negotiated(request.headers.get("Accept", ""), transforms=True)
    if choice is None:
        raise not_acceptable(MEDIA_TYPES)
    return choice


def not_acceptable(media_types: Sequence[str]) -> NotAcceptable:
    """Build the 406 of a handler."""
    return NotAcceptable(f"only the following media types are accepted: {', '.join(media_types)}")


def is_pretty(request: web.Request) -> bool:
    """Tell whether a person is going to read the answer: ``?pretty=`` says so, or the name of the program does."""
    if request.query_string and (asked := request.query.get("pretty", "")):
        return is_true(asked, strictly=True)
    return request.headers.get("User-Agent", "").startswith(_READ_BY_PEOPLE)


@lru_cache(maxsize=256)
def is_produced(header: str, media_types: Sequence[str]) -> bool:
    """Tell whether a route makes one of the media types, parameters aside; partial wildcards count for nothing here."""
    named = {entry.partition(";")[0].strip(" ") for entry in header.split(",")}
    return not header or "*/*" in named or not named.isdisjoint(media_types)


def check_route(request: web.Request, *, consumes: Sequence[str] = (), streams: bool = False) -> None:
    """Refuse what upstream's router refuses, before any handler has a look.

    Args:
        consumes: the media types of bodies; empty for any.
        streams: whether the route serves watches too, which lengthens the list in the refusal.

    Raises:
        UnsupportedMediaType: the body is of none of the types.
        NotAcceptable: the answer would be of none of the types that the client takes.
    """
    length = request.headers.get("Content-Length")
    if consumes and _content_types(request).isdisjoint(consumes):
        if length not in _BODILESS or "Transfer-Encoding" in request.headers:
            raise UnsupportedMediaType("415: Unsupported Media Type", details={})
        raise UnsupportedMediaType("415: Unsupported Media Type\n\nAvailable representations: ", details={})
    if is_produced(request.headers.get("Accept", ""), MEDIA_TYPES):
        return
    offered = f"Available representations: {', '.join(MEDIA_TYPES + (STREAMED if streams else ()))}"
    if request.method in ("POST", "PUT", "PATCH") and length in _BODILESS:
        raise UnsupportedMediaType(f"415: Unsupported Media Type\n\n{offered}", details={})
    raise NotAcceptable(f"406: Not Acceptable\n\n{offered}", details={})


def _content_types(request: web.Request) -> set[str]:
    header = request.headers.get("Content-Type", "")
    return {entry.partition(";")[0].strip(" ") for entry in header.split(",")} if header else set()
