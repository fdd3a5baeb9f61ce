"""Output: in which form an answer goes out, and writing it.

The client's Accept header chooses JSON or YAML, and whole objects, their metadata alone, or the rows of a Table. Whole
objects in JSON are the bytes that the cache holds; nothing is decoded or encoded for them.
"""

import asyncio
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiohttp import web
from multidict import CIMultiDict

from apiserver import table
from apiserver.encoding import CACHE_CONTROL, prettier, to_yaml
from apiserver.negotiation import JSON, PARTIAL, PARTIAL_LIST, TABLE, YAML, choice_of, is_pretty
from apiserver.storage.entry import Entry
from apiserver.warnings import warning_headers
from naru.api.errors import NotAcceptable
from naru.api.scheme import Resource

GZIP_ABOVE_BYTES: Final = 128 << 10
SLICE_BYTES: Final = 64 << 10  # handed to TLS at once; larger pieces were seen to stall the loop


@dataclass(frozen=True)
class Form:
    """How objects are shown: ``kind`` is Table, PartialObjectMetadata(List), or empty for the objects themselves."""

    kind: str = ""
    version: str = "v1"
    yaml: bool = False
    include_object: str = "Metadata"  # what of the object each row of a Table carries
    pretty: bool = False

    @property
    def is_plain(self) -> bool:
        """Tell whether the cache's bytes can be sent as they are."""
        return not self.kind and not self.yaml

    def one(self, entry: Entry, *, headers: bool = True) -> bytes:
        """Show one object.

        Args:
            headers: whether a Table names its columns; in a watch only the first one does.
        """
        if not self.kind:
            return entry.data
        if self.kind == TABLE:
            metadata = {"resourceVersion": entry.obj.metadata.resource_version}
            shown = table.table(entry.resource, [entry.obj], self.include_object, self.version, metadata)
            return orjson.dumps(shown if headers else {**shown, "columnDefinitions": None})
        if self.kind == PARTIAL_LIST:
            raise self._refusal(f"is not a list (*{entry.resource.version}.{entry.resource.kind})")
        return orjson.dumps(table.partial(entry.metadata(), self.version))

    def many(self, resource: Resource, entries: Iterable[Entry], metadata: dict[str, Any]) -> bytes:
        """Show a list.

        Raises:
            NotAcceptable: the client wants the form of a single object.
        """
        if self.kind == TABLE:
            objects = [entry.obj for entry in entries]
            shown = table.table(resource, objects, self.include_object, self.version, metadata)
            return orjson.dumps(shown)
        if self.kind == PARTIAL:
            package = resource.group.partition(".")[0] or "core"
            raise self._refusal(f"is a list (*{package}.{resource.kind}List)")
        if self.kind:
            stripped = [entry.metadata() for entry in entries]
            return orjson.dumps(table.partial_list(stripped, metadata, self.version))
        return list_of(resource, b",".join([entry.data for entry in entries]), metadata)

    def _refusal(self, but: str) -> NotAcceptable:
        return NotAcceptable(f"you requested {self.kind}, but the requested object {but}")

    def bookmark(self, resource: Resource, metadata: dict[str, Any]) -> dict[str, Any]:
        """Show an object that has nothing but metadata, as bookmarks carry it."""
        if self.kind == TABLE:
            return {**table.table(resource, [], self.include_object, self.version), "metadata": metadata}
        if self.kind:
            return {"kind": PARTIAL, "apiVersion": f"meta.k8s.io/{self.version}", "metadata": metadata}
        return {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}


def list_of(resource: Resource, joined: bytes, metadata: dict[str, Any]) -> bytes:
    """Write a list around the encoded objects."""
    head = b'{"kind":"%sList","apiVersion":"%s","metadata":' % (resource.kind.encode(), resource.api_version.encode())
    return b"".join((head, orjson.dumps(metadata), b',"items":[', joined, b"]}"))


def form_of(request: web.Request) -> Form:
    """Choose the form that the client prefers among those that can be made.

    Raises:
        NotAcceptable: none of them.
        BadRequest: a Table shall carry something that there is not.
    """
    choice = choice_of(request)
    pretty = choice.pretty or is_pretty(request)
    if choice.target is None:
        return (
            _PLAIN if choice.media_type == JSON and not pretty else Form(yaml=choice.media_type == YAML, pretty=pretty)
        )
    _, version, kind = choice.target
    include = request.query.get("includeObject", "") or "Metadata"
    if kind == TABLE:
        table.check_include(include)
    return Form(kind, version, choice.media_type == YAML, include, pretty)


_PLAIN: Final = Form()


async def respond(
    request: web.Request, body: bytes, form: Form, *, status: int = 200, warnings: Sequence[str] = ()
) -> web.StreamResponse:
    """Send an answer: as YAML if asked for, compressed when that pays, in slices when it is large."""
    headers = CIMultiDict({"Cache-Control": CACHE_CONTROL, "Content-Type": YAML if form.yaml else JSON})
    for warning in warning_headers(warnings) if warnings else ():
        headers.add("Warning", warning)
    body = await _written(body, form)
    if len(body) > GZIP_ABOVE_BYTES and "gzip" in request.headers.get("Accept-Encoding", ""):
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


async def _written(body: bytes, form: Form) -> bytes:
    """Write JSON as the client reads it; a large document is converted beside the loop."""
    if not (form.yaml or form.pretty):
        return body + b"\n"
    convert = to_yaml if form.yaml else prettier
    return await asyncio.to_thread(convert, body) if len(body) > SLICE_BYTES else convert(body)


async def write_slices(response: web.StreamResponse, body: bytes) -> None:
    """Write a body piece by piece, as fast as the client takes it."""
    if len(body) <= SLICE_BYTES:
        await response.write(body)
        return
    view = memoryview(body)
    for start in range(0, len(body), SLICE_BYTES):
        await response.write(view[start : start + SLICE_BYTES])


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(level=1, wbits=16 + zlib.MAX_WBITS)  # 16: with a gzip header
    return packer.compress(body) + packer.flush()
