"""Body: from the bytes of a request to a typed object, with what is wrong with them said as upstream says it.

Flow: bytes -> JSON or YAML -> (fieldValidation: unknown and duplicate fields) -> decode -> object and warnings.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import orjson
import yaml
from aiohttp import web

from apiserver import protobuf
from apiserver.handlers.call import Call
from naru.api import strict
from naru.api.errors import BadRequest, FieldError, RequestEntityTooLarge, UnsupportedMediaType, invalid
from naru.api.fields import Shape
from naru.api.meta import KubeObject
from naru.api.model import Model

MAX_BYTES: Final = 3 << 20
JSON_TYPES: Final = ("application/json", "")  # some clients send JSON and no type at all
YAML_TYPES: Final = ("application/yaml", "application/x-yaml", "text/yaml")
VALIDATIONS: Final = ("Ignore", "Warn", "Strict")

M = TypeVar("M", bound=Model)


async def read_body(request: web.Request) -> bytes:
    """Read the whole body.

    Raises:
        RequestEntityTooLarge: it is larger than upstream's limit of 3 MiB.
    """
    if (request.content_length or 0) > MAX_BYTES:
        raise RequestEntityTooLarge(f"Request entity too large: limit is {MAX_BYTES}")
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise RequestEntityTooLarge(f"Request entity too large: limit is {MAX_BYTES}") from None


def media_type_of(request: web.Request) -> str:
    """Return the type of the body, without parameters; empty if the client gave none."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def parse(media_type: str, body: bytes) -> Any:
    """Turn JSON, YAML or protobuf into plain values.

    Raises:
        UnsupportedMediaType: the body is of another type.
        BadRequest: it is not well-formed.
    """
    if media_type in JSON_TYPES:
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"couldn't get version/kind; json parse error: {error}") from None
    if media_type in YAML_TYPES:
        try:
            return yaml.load(body, Loader=_YamlLoader)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise BadRequest(f"yaml: {' '.join(str(error).split())}") from None
    if media_type == protobuf.MEDIA_TYPE:
        return protobuf.decode(body)
    raise UnsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: "
        f"application/json, application/yaml, {protobuf.MEDIA_TYPE}"
    )


class _YamlLoader(yaml.CSafeLoader):
    """The safe loader, with dates left as the text that JSON would hold."""


_YamlLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


async def read_object(call: Call, model: type[KubeObject]) -> KubeObject:
    """Read the request's body as an object of a kind."""
    media_type, body = media_type_of(call.request), await read_body(call.request)
    raw = parse(media_type, body)
    duplicates = strict.duplicate_fields(body) if media_type in JSON_TYPES else []
    return decode(call, raw, model, duplicates=duplicates)


def decode(
    call: Call,
    raw: Any,
    model: type[KubeObject],
    *,
    duplicates: Sequence[str] = (),
    old: dict[str, Any] | None = None,
) -> KubeObject:
    """Make a typed object of plain values, and collect or refuse what the type has no place for.

    Args:
        duplicates: fields that the body gives twice.
        old: the object before the change; what it held already needs no warning.
    """
    kind, api_version = model.model_fields["kind"].default, model.model_fields["api_version"].default
    if not isinstance(raw, dict):
        text = orjson.dumps(raw).decode()[:30]
        raise BadRequest(f"the object provided is unrecognized (must be of type {kind}): it is no object ({text})")
    check_kind(raw, kind, api_version)
    ordinary = strict.is_ordinary(raw, Shape(model=model))
    problems = [] if ordinary else [f'unknown field "{path}"' for path in strict.unknown_fields(raw, model)]
    problems += [f'duplicate field "{path}"' for path in duplicates]
    validation = field_validation(call)
    if problems and validation == "Strict":
        version, listed = api_version.rpartition("/")[2], ", ".join(problems)
        message = f'{kind} in version "{version}" cannot be handled as a {kind}: strict decoding error: {listed}'
        raise BadRequest(message)
    if validation != "Ignore":
        call.warnings += problems
        call.warnings += [] if ordinary else _inert(raw, old, model)
    return strict.decode(model, {**raw, "kind": kind, "apiVersion": api_version})


def _inert(raw: dict[str, Any], old: dict[str, Any] | None, model: type[KubeObject]) -> list[str]:
    """Say which of the fields that are new have no effect."""
    paths = strict.stored_only_fields(raw, model)
    before = set(strict.stored_only_fields(old, model)) if old and paths else set()
    return [f"{path}: naru stores this field, but does not act on it yet" for path in paths if path not in before]


def check_kind(raw: dict[str, Any], kind: str, api_version: str) -> None:
    """Refuse an object that says it is of another kind; one that says nothing is taken for the right one.

    Raises:
        BadRequest: kind or version is another one.
    """
    said_kind, said_version = raw.get("kind") or kind, raw.get("apiVersion") or api_version
    if said_kind != kind:
        version = str(said_version).rpartition("/")[2]
        message = f'{said_kind} in version "{version}" cannot be handled as a {kind}: the kind does not fit the URL'
        raise BadRequest(message)
    if said_version != api_version:
        raise BadRequest(
            f"the API version in the data ({said_version}) does not match the expected API version ({api_version})"
        )


def field_validation(call: Call) -> str:
    """Read ``fieldValidation``; upstream's default is to warn.

    Raises:
        Invalid: another value.
    """
    value = call.request.query.get("fieldValidation", "") or "Warn"
    if value not in VALIDATIONS:
        known = ", ".join(f'"{name}"' for name in VALIDATIONS)
        error = FieldError(
            "fieldValidation", "FieldValueNotSupported", f'Unsupported value: "{value}": supported values: {known}'
        )
        raise invalid("meta.k8s.io", "CreateOptions", "", [error])
    return value


async def read_options(call: Call, model: type[M]) -> M | None:
    """Read a body of options; None when there is none."""
    body = await read_body(call.request)
    if not body:
        return None
    raw = parse(media_type_of(call.request), body)
    if not isinstance(raw, dict):
        raise BadRequest("the options provided are no object")
    return strict.decode(model, raw)
