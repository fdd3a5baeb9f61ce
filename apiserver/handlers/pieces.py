"""Pieces: writing a list of any length without holding up the event loop, and without making it whole in memory.

Flow: entries -> *pieces of some 64 KiB, with pauses between them* -> (gzip) -> the connection.

A list of a whole resource in plain JSON is the one that every informer asks for: its pieces are kept in the cache until
an object changes.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from aiohttp import web

from apiserver import table
from apiserver.encoding import CACHE_CONTROL, prettier, to_yaml
from apiserver.handlers.call import Call
from apiserver.handlers.output import GZIP_ABOVE_BYTES, Form, respond
from apiserver.handlers.pace import Pace
from apiserver.negotiation import JSON, PARTIAL, TABLE, YAML
from apiserver.storage.entry import Entry

PIECE_BYTES: Final = 64 << 10
GZIP_LEVEL: Final = 1
_INDENT: Final = b"\n    "


@dataclass(frozen=True)
class Layout:
    """What stands around the objects of a list in one notation, and how some of them are written between."""

    head: bytes
    tail: bytes
    join: Callable[[Sequence[bytes], bool], bytes]  # objects in JSON, and whether they are the first ones


def layout_of(form: Form, empty: bytes) -> Layout:
    """Cut a list without objects, as JSON, where its objects belong."""
    if form.yaml:
        before, bracket, after = to_yaml(empty).partition(b": []\n")
        return Layout(before + bracket[:1] + b"\n", after, _join_yaml)
    if form.pretty:
        return Layout(prettier(empty).removesuffix(b"]\n}"), b"\n  ]\n}", _join_pretty)
    return Layout(empty.removesuffix(b"]}"), b"]}\n", _join_json)


def _join_json(items: Sequence[bytes], is_first: bool) -> bytes:
    return b",".join(items) if is_first else b"," + b",".join(items)


def _join_pretty(items: Sequence[bytes], is_first: bool) -> bytes:
    indented = [_INDENT + prettier(item).replace(b"\n", _INDENT) for item in items]
    return _join_json(indented, is_first)


def _join_yaml(items: Sequence[bytes], is_first: bool) -> bytes:
    return to_yaml(b"[%b]" % b",".join(items))


def item_writer(form: Form) -> Callable[[Entry], bytes]:
    """Return how each object of a list is written as JSON; none is decoded for longer than that takes."""
    if not form.kind:
        return lambda entry: entry.data
    if form.kind == TABLE:
        now = datetime.now(UTC)

        def row(entry: Entry) -> bytes:
            shown = table.table(entry.resource, [entry.peek()], form.include_object, form.version, now=now)
            return orjson.dumps(shown["rows"][0])

        return row
    opening = {"kind": PARTIAL, "apiVersion": f"{table.GROUP}/{form.version}"}
    return lambda entry: orjson.dumps({**opening, "metadata": entry.metadata()})


async def respond_list(call: Call, entries: Sequence[Entry], metadata: dict[str, Any]) -> web.StreamResponse:
    """Answer with a list."""
    form = call.form
    empty = form.many(call.resource, [], metadata)
    if not entries:
        return await respond(call.request, empty, form)
    layout = layout_of(form, empty)
    pieces = _pieces(call, layout, entries)
    first, size = [layout.head], 0
    async for piece in pieces:
        first.append(piece)
        size += len(piece)
        if size > GZIP_ABOVE_BYTES:
            return await _stream(call, first, pieces, layout.tail)
    headers = {"Cache-Control": CACHE_CONTROL, "Content-Type": YAML if form.yaml else JSON}
    return web.Response(body=b"".join((*first, layout.tail)), headers=headers)


async def _pieces(call: Call, layout: Layout, entries: Sequence[Entry]) -> AsyncIterator[bytes]:
    """Write the objects; those of a list that somebody has just asked for are there already."""
    cache = call.state.caches.of(call.resource)
    is_shared = call.form.is_plain and not call.form.pretty
    kept = cache.pieces_of(entries) if is_shared else None
    if kept is not None:
        for piece in kept:
            yield piece
        return
    made: list[bytes] = []
    async for group in _groups(entries, item_writer(call.form)):
        is_slow = call.form.yaml or call.form.pretty
        is_first = not made
        piece = await asyncio.to_thread(layout.join, group, is_first) if is_slow else layout.join(group, is_first)
        made.append(piece if is_shared else b"")
        yield piece
    if is_shared:
        cache.keep_pieces(entries, made)


async def _groups(entries: Sequence[Entry], write: Callable[[Entry], bytes]) -> AsyncIterator[Sequence[bytes]]:
    """Write objects as JSON, and hand out as many at a time as make a piece."""
    pace = Pace()
    group: list[bytes] = []
    size = 0
    for entry in entries:
        group.append(write(entry))
        size += len(group[-1])
        if pace.is_due:
            await pace.step()
        if size >= PIECE_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


async def _stream(call: Call, first: Sequence[bytes], rest: AsyncIterator[bytes], tail: bytes) -> web.StreamResponse:
    """Write pieces as they are made, as fast as the client takes them."""
    headers = {"Cache-Control": CACHE_CONTROL, "Content-Type": YAML if call.form.yaml else JSON}
    packer = None
    if "gzip" in call.request.headers.get("Accept-Encoding", ""):
        packer = zlib.compressobj(level=GZIP_LEVEL, wbits=16 + zlib.MAX_WBITS)  # 16: with a gzip header
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    response = web.StreamResponse(headers=headers)
    response.enable_chunked_encoding()
    await response.prepare(call.request)
    for piece in first:
        await _write(response, piece, packer)
    async for piece in rest:
        await _write(response, piece, packer)
    await _write(response, tail, packer)
    if packer is not None:
        await response.write(packer.flush())
    return response


async def _write(response: web.StreamResponse, piece: bytes, packer: Any) -> None:
    if packer is not None:
        piece = await asyncio.to_thread(packer.compress, piece)  # the interpreter is free meanwhile
    if piece:
        await response.write(piece)
        await asyncio.sleep(0)  # a fast client never makes the write itself wait
