"""Reading a body and parsing it: JSON, YAML or protobuf, by Content-Type, within bounds of size, time and depth.

A Go program reads texts that are no UTF-8, or hold half a surrogate pair, with U+FFFD in the place of what is wrong;
so they are not refused here either.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from aiohttp import web

from apiserver.bodies.malformed import TOO_DEEP, syntax_error
from apiserver.connections import PATIENCE
from naru.api.errors import BadRequest, GatewayTimeout, RequestEntityTooLarge, UnsupportedMediaType
from naru.api.strict import integer, parse_repeating

MAX_BYTES: Final = 3 << 20
MAX_DEPTH: Final = 200  # of objects and lists in each other; no kind comes near it
JSON_TYPES: Final = ("application/json", "")  # some clients send JSON and no type at all
YAML_TYPE: Final = "application/yaml"
PROTOBUF_TYPE: Final = "application/vnd.kubernetes.protobuf"
SLOW_BYTES: Final = 64 << 10  # larger YAML is read beside the loop

_NO_TYPE: Final = (
    r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'  # upstream's
)
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Parsed:
    """A body as plain values, with the fields that it gives twice as go-yaml tells them (JSON keeps them inside)."""

    value: Any
    repeated: Sequence[str] = ()


class Malformed(BadRequest):
    """The body is not well-formed, or its kind cannot be read; ``problem`` is upstream's text for it."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


async def read_body(request: web.Request) -> bytes:
    """Read the whole body.

    Raises:
        RequestEntityTooLarge: it is larger than upstream's limit of 3 MiB.
        GatewayTimeout: it does not come.
    """
    if (request.content_length or 0) > MAX_BYTES:
        raise too_large()
    try:
        if request.content.is_eof():
            return await request.read()
        async with asyncio.timeout(request.app[PATIENCE].request_s):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large() from None
    except TimeoutError:
        raise GatewayTimeout("Timeout: request did not complete within the allotted timeout") from None


def too_large() -> RequestEntityTooLarge:
    """Build the 413."""
    return RequestEntityTooLarge(f"Request entity too large: limit is {MAX_BYTES}")


def media_type_of(request: web.Request) -> str:
    """Return the type of the body, without parameters; empty if the client gave none."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


async def parse_beside(media_type: str, body: bytes) -> Parsed:
    """Parse a body without keeping the loop: a large YAML document takes a second.

    Raises:
        APIError: see :func:`parse`.
    """
    if media_type == YAML_TYPE and len(body) > SLOW_BYTES:
        return await asyncio.to_thread(parse, media_type, body)
    return parse(media_type, body)


def parse(media_type: str, body: bytes) -> Parsed:
    """Turn JSON, YAML or protobuf into plain values.

    Raises:
        UnsupportedMediaType: the body is of another type.
        Malformed: it is not well-formed.
        BadRequest: it is no message of protobuf's.
    """
    if media_type in JSON_TYPES:
        return Parsed(parse_json(body))
    if media_type == YAML_TYPE:
        return parse_yaml(body)
    if media_type == PROTOBUF_TYPE:
        from apiserver import protobuf  # few clients send it

        return Parsed(protobuf.decode(body))
    raise UnsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: "
        f"application/json, application/yaml, {PROTOBUF_TYPE}"
    )


def parse_json(body: bytes) -> Any:
    """Read JSON; objects that give a field twice remember it.

    Raises:
        Malformed: it is no JSON, or too deep.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value, body = _parse_leniently(body)
    if is_too_deep(body, value):
        raise Malformed(f"couldn't get version/kind; json parse error: {TOO_DEEP}")
    return parse_repeating(body, value)


def _parse_leniently(body: bytes) -> tuple[Any, bytes]:
    """Read what Go reads and orjson does not; return it with its bytes in order."""
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text, parse_constant=_refuse, parse_int=integer)
    except (ValueError, RecursionError):
        raise Malformed(f"couldn't get version/kind; json parse error: {syntax_error(body)}") from None
    try:
        mended = _LONE_SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False)).encode()
        return orjson.loads(mended), mended
    except (ValueError, RecursionError):
        raise Malformed(f"couldn't get version/kind; json parse error: {TOO_DEEP}") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def is_too_deep(body: bytes, value: Any) -> bool:
    """Tell whether a document has more levels than anything should; a text of few brackets need not be looked at."""
    return body.count(b"{") + body.count(b"[") > MAX_DEPTH and _depth(value) > MAX_DEPTH


def _depth(value: Any) -> int:
    """Count the levels of objects and lists, level by level."""
    level, depth = [value], 0
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def parse_yaml(body: bytes) -> Parsed:
    """Read YAML.

    Raises:
        Malformed: it is none, or stands for too much.
    """
    from apiserver.bodies.yaml_events import YamlFault, load_yaml  # few clients send YAML

    try:
        value, repeated = load_yaml(body)
    except YamlFault as fault:
        raise Malformed(f"yaml: {fault}") from None
    return Parsed(value, repeated)


def check_shape(value: Any) -> dict[str, Any]:
    """Return the object that a body holds; a null stands for an empty one.

    Raises:
        Malformed: it is no object, or its kind or version is no text.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _unreadable(f"{_named(value)} into Go value of type {_NO_TYPE}")
    for name in ("kind", "apiVersion"):
        said = value.get(name)
        if said is not None and not isinstance(said, str):
            raise _unreadable(f"{_named(said)} into Go struct field .{name} of type string")
    return value


def _unreadable(what: str) -> Malformed:
    return Malformed(f"couldn't get version/kind; json parse error: json: cannot unmarshal {what}")


def _named(value: Any) -> str:
    names = {bool: "bool", str: "string", dict: "object", list: "array"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "number")
