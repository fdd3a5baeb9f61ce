"""Body: from the bytes of a request to a typed object, with what is wrong with them said as upstream says it.

Flow: bytes -> JSON or YAML -> (fieldValidation: unknown and duplicate fields) -> decode -> object and warnings.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import orjson

from apiserver.bodies import parsing
from apiserver.bodies.parsing import Malformed, Parsed, check_shape, media_type_of, read_body
from apiserver.handlers.call import Call
from apiserver.handlers.templates import changed_parts, decode_alike, decode_changed
from apiserver.storage.entry import Entry
from naru.api import strict
from naru.api.errors import BadRequest, invalid
from naru.api.field_errors import not_supported
from naru.api.fields import Shape
from naru.api.meta import KubeObject
from naru.api.model import Model
from naru.api.scheme import by_kind

__all__ = ["decode", "field_validation", "media_type_of", "parse", "read_body", "read_object", "read_options"]

VALIDATIONS: Final = ("Ignore", "Warn", "Strict")
SCHEME: Final = "pkg/api/legacyscheme/scheme.go:30"  # upstream names the place in its source
SHOWN_BYTES: Final = 30  # of a body that cannot be read

M = TypeVar("M", bound=Model)


def parse(media_type: str, body: bytes) -> Any:
    """Turn a body into plain values; see :func:`apiserver.bodies.parsing.parse`."""
    return parsing.parse(media_type, body).value


async def read_object(call: Call, model: type[KubeObject], *, templates: bool = False) -> KubeObject:
    """Read the request's body as an object of a kind.

    Args:
        templates: it is likely to be one of many that are alike.

    Raises:
        BadRequest: it is none.
        UnsupportedMediaType: it is of a type that is not read here.
    """
    media_type, body = media_type_of(call.request), await read_body(call.request)
    try:
        parsed = await parsing.parse_beside(media_type, body)
        raw = check_shape(parsed.value)
    except Malformed as fault:
        kind = model.model_fields["kind"].default
        message = f"the object provided is unrecognized (must be of type {kind}): {fault.problem} ({summary(body)})"
        raise BadRequest(message) from None
    alike = decode_alike(model, raw) if templates and not parsed.repeated else None
    if alike is None:
        return decode(call, raw, model, duplicates=_repeated_yaml(call, parsed))
    if field_validation(call) != "Ignore":
        call.warnings += map(_without_effect, alike.inert)
    return alike.obj


def summary(body: bytes) -> str:
    """Show how a body begins: as text if it could be an object, else in hexadecimal digits."""
    if not body:
        return "<empty>"
    start = body[:SHOWN_BYTES]
    shown = start.decode("utf-8", "replace") if body[:1] == b"{" else start.hex()
    return f"{shown} ..." if len(body) > SHOWN_BYTES else shown


def _repeated_yaml(call: Call, parsed: Parsed) -> list[str]:
    """Write the keys that YAML gives twice as upstream does: in one error, in warnings one by one."""
    if not parsed.repeated or field_validation(call) != "Strict":
        return list(parsed.repeated)
    return ["yaml: unmarshal errors:\n" + "\n".join(f"  {line}" for line in parsed.repeated)]


def decode(
    call: Call,
    raw: Any,
    model: type[KubeObject],
    *,
    duplicates: Sequence[str] = (),
    old: dict[str, Any] | None = None,
    entry: Entry | None = None,
) -> KubeObject:
    """Make a typed object of plain values, and collect or refuse what the type has no place for.

    Args:
        duplicates: what the parser found wrong with fields that are given twice.
        old: the object before the change; what it held already needs no warning.
        entry: the same, if ``old`` is exactly that; the new object shares with it what stays as it is.

    Raises:
        BadRequest: it is of another kind, or does not fit its own.
        Invalid: a required field is missing.
    """
    kind, api_version = model.model_fields["kind"].default, model.model_fields["api_version"].default
    raw = check_shape(raw)
    check_kind(raw, kind, api_version)
    validation = field_validation(call)
    news = raw if old is None else changed_parts(old, raw)
    odd = 0 if validation == "Ignore" else strict.oddities(news, Shape(model=model))
    decoded = decode_changed(entry.obj, old, raw, news) if entry is not None and old is not None else None
    if decoded is None:
        decoded = strict.decode(model, {**raw, "kind": kind, "apiVersion": api_version})
    problems = [*duplicates, *(strict.strict_errors(raw, model) if odd & strict.OUT_OF_PLACE else ())]
    if problems and validation == "Strict":
        version, listed = api_version.rpartition("/")[2], ", ".join(problems)
        message = f'{kind} in version "{version}" cannot be handled as a {kind}: strict decoding error: {listed}'
        raise BadRequest(message)
    if validation != "Ignore":
        call.warnings += problems
        call.warnings += _inert(raw, old, model) if odd & strict.INERT else []
    return decoded


def _inert(raw: dict[str, Any], old: dict[str, Any] | None, model: type[KubeObject]) -> list[str]:
    """Say which of the fields that are new have no effect."""
    paths = strict.stored_only_fields(raw, model)
    before = set(strict.stored_only_fields(old, model)) if old and paths else set()
    return [_without_effect(path) for path in paths if path not in before]


def _without_effect(path: str) -> str:
    return f"{path}: naru stores this field, but does not act on it yet"


def check_kind(raw: dict[str, Any], kind: str, api_version: str) -> None:
    """Refuse an object that says it is of another kind; what it does not say, the URL does.

    Raises:
        BadRequest: kind or version is another one.
    """
    said_kind = raw.get("kind") or kind
    said_version = _with_defaults(raw.get("apiVersion") or "", api_version)
    if (said_kind, said_version) == (kind, api_version):
        return
    version = said_version.rpartition("/")[2]
    opening = f'{said_kind} in version "{version}" cannot be handled as a {kind}'
    if said_version.count("/") > 1:
        raise BadRequest(
            f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; "
            f"json parse error: unexpected GroupVersion string: {said_version} ({summary(_as_sent(raw))})"
        )
    if by_kind(said_version, said_kind) is None:
        raise BadRequest(
            f'{opening}: no kind "{said_kind}" is registered for version "{said_version}" in scheme "{SCHEME}"'
        )
    if said_kind != kind:
        internal = api_version.rpartition("/")[0].partition(".")[0] or "core"
        raise BadRequest(f"{opening}: converting ({version}.{said_kind}) to ({internal}.{kind}): unknown conversion")
    raise BadRequest(
        f"the API version in the data ({said_version}) does not match the expected API version ({api_version})"
    )


def _with_defaults(said: str, expected: str) -> str:
    """Complete a version as upstream does: ``apps/`` has the version of the URL."""
    group = expected.rpartition("/")[0]
    return expected if said in ("", f"{group}/") else said


def _as_sent(raw: dict[str, Any]) -> bytes:
    return orjson.dumps(raw)


def field_validation(call: Call) -> str:
    """Read ``fieldValidation``; upstream's default is to warn.

    Raises:
        Invalid: another value.
    """
    value = call.request.query.get("fieldValidation", "") or "Warn"
    if value not in VALIDATIONS:
        error = not_supported("fieldValidation", value, ("", *sorted(VALIDATIONS)))
        raise invalid("meta.k8s.io", "CreateOptions", "", [error])
    return value


async def read_options(call: Call, model: type[M]) -> M | None:
    """Read a body of options; None when there is none.

    Raises:
        BadRequest: the body is something else.
    """
    body = await read_body(call.request)
    if not body:
        return None
    parsed = await parsing.parse_beside(media_type_of(call.request), body)
    raw = check_shape(parsed.value)
    kind, said = model.model_fields["kind"].default, raw.get("kind")
    if said not in (None, "", kind):
        raise BadRequest("decoded object cannot be converted to DeleteOptions")
    return strict.decode(model, raw)
