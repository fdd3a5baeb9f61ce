"""Output: in which form an answer goes out, and writing it.

The client's Accept header chooses JSON or YAML, and whole objects, their metadata alone, or the rows of a Table. Whole
objects in JSON are the bytes that the cache holds; nothing is decoded or encoded for them.
"""

import asyncio
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import orjson
import yaml
from aiohttp import web
from multidict import CIMultiDict

from apiserver import table
from apiserver.documents import MediaRange, accepted
from apiserver.request_info import TRUE
from apiserver.storage.entry import Entry
from naru.api.errors import NotAcceptable
from naru.api.scheme import Resource

GZIP_FROM_BYTES: Final = 128 << 10
SLICE_BYTES: Final = 64 << 10  # handed to TLS at once; larger pieces were seen to stall the loop

_JSON_TYPES: Final = ("application/json", "application/*", "*/*", "")
_YAML_TYPES: Final = ("application/yaml", "application/x-yaml", "text/yaml")
_TABLE: Final = "Table"
_PARTIAL: Final = ("PartialObjectMetadata", "PartialObjectMetadataList")


@dataclass(frozen=True)
class Form:
    """How objects are shown: ``kind`` is Table, PartialObjectMetadata, or empty for the objects themselves."""

    kind: str = ""
    version: str = "v1"
    yaml: bool = False
    include_object: str = "Metadata"  # what of the object each row of a Table carries

    @property
    def is_plain(self) -> bool:
        """Tell whether the cache's bytes can be sent as they are."""
        return not self.kind and not self.yaml

    def one(self, entry: Entry) -> bytes:
        """Show one object."""
        if not self.kind:
            return entry.data
        if self.kind == _TABLE:
            return orjson.dumps(table.table(entry.resource, [entry.obj], self.include_object, self.version))
        return orjson.dumps(table.partial(entry.obj, self.version))

    def many(self, resource: Resource, entries: Iterable[Entry], metadata: dict[str, Any]) -> bytes:
        """Show a list."""
        if self.kind == _TABLE:
            objects = [entry.obj for entry in entries]
            shown = table.table(resource, objects, self.include_object, self.version, metadata)
            return orjson.dumps(shown)
        if self.kind:
            objects = [entry.obj for entry in entries]
            return orjson.dumps(table.partial_list(objects, metadata, self.version))
        return list_of(resource, b",".join([entry.data for entry in entries]), metadata)

    def bookmark(self, resource: Resource, metadata: dict[str, Any]) -> dict[str, Any]:
        """Show an object that has nothing but metadata, as bookmarks carry it."""
        if self.kind == _TABLE:
            return {**table.table(resource, [], self.include_object, self.version), "metadata": metadata}
        if self.kind:
            return {"kind": _PARTIAL[0], "apiVersion": f"meta.k8s.io/{self.version}", "metadata": metadata}
        return {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}


def list_of(resource: Resource, joined: bytes, metadata: dict[str, Any]) -> bytes:
    """Write a list around the encoded objects."""
    head = b'{"kind":"%sList","apiVersion":"%s","metadata":' % (resource.kind.encode(), resource.api_version.encode())
    return b"".join((head, orjson.dumps(metadata), b',"items":[', joined, b"]}"))


def form_of(request: web.Request) -> Form:
    """Choose the form that the client prefers among those that can be made.

    Raises:
        NotAcceptable: none of them.
    """
    form = _form_of(request.headers.get("Accept", ""))
    wanted = request.query.get("includeObject", "")
    return replace(form, include_object=wanted) if wanted and form.kind == _TABLE else form


@lru_cache(maxsize=256)
def _form_of(accept: str) -> Form:
    for media_range in accepted(accept):
        form = _form(media_range)
        if form is not None:
            return form
    raise NotAcceptable(
        "only the following media types are accepted: application/json, application/yaml, "
        "application/json;as=Table;g=meta.k8s.io;v=v1, application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    )


def _form(media_range: MediaRange) -> Form | None:
    kind, version = media_range.parameters.get("as", ""), media_range.parameters.get("v", "v1")
    if kind and (media_range.parameters.get("g") != "meta.k8s.io" or version not in ("v1", "v1beta1")):
        return None
    if kind and kind != _TABLE and kind not in _PARTIAL:
        return None
    if media_range.media_type in _JSON_TYPES:
        return Form(kind, version)
    return Form(kind, version, yaml=True) if media_range.media_type in _YAML_TYPES else None


async def respond(
    request: web.Request, body: bytes, form: Form, *, status: int = 200, warnings: Sequence[str] = ()
) -> web.StreamResponse:
    """Send an answer: as YAML if asked for, compressed when that pays, in slices when it is large."""
    headers = CIMultiDict({"Cache-Control": "no-cache, private", "Content-Type": _content_type(form)})
    for warning in warnings:
        headers.add("Warning", f'299 - "{_quoted(warning)}"')
    if form.yaml:
        body = await asyncio.to_thread(_to_yaml, body)
    elif request.query_string and request.query.get("pretty") in TRUE:
        body = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2) + b"\n"
    if len(body) >= GZIP_FROM_BYTES and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = await asyncio.to_thread(_gzip, body)
        headers["Content-Encoding"] = "gzip"
        headers["Vary"] = "Accept-Encoding"
    if len(body) <= SLICE_BYTES:
        return web.Response(status=status, body=body, headers=headers)
    response = web.StreamResponse(status=status, headers=headers)
    response.content_length = len(body)
    await response.prepare(request)
    await write_slices(response, body)
    return response


def _content_type(form: Form) -> str:
    return "application/yaml" if form.yaml else "application/json"


async def write_slices(response: web.StreamResponse, body: bytes) -> None:
    """Write a body piece by piece, as fast as the client takes it."""
    if len(body) <= SLICE_BYTES:
        await response.write(body)
        return
    view = memoryview(body)
    for start in range(0, len(body), SLICE_BYTES):
        await response.write(view[start : start + SLICE_BYTES])


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("\r", " ")


def _to_yaml(body: bytes) -> bytes:
    text: str = yaml.dump(orjson.loads(body), Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    return text.encode()


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(level=1, wbits=16 + zlib.MAX_WBITS)  # 16: with a gzip header
    return packer.compress(body) + packer.flush()
