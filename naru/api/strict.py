"""Decode what a client sent, and say exactly where it does not fit the kind.

Flow: body (dicts and lists) -> *unknown, duplicate and stored-only fields* -> *decode* -> defaults -> admission.
Unknown and repeated fields are told apart from wrong ones, because ``fieldValidation`` says whether the former warn,
fail or pass; a wrong type always fails.

Paths are written as Kubernetes writes them: ``spec.template.spec.containers[0].resources.limits[cpu]``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from naru.api.defaults import with_defaults
from naru.api.errors import APIError, BadRequest, FieldError, invalid
from naru.api.field_errors import required
from naru.api.fields import Field, Shape, fields_of
from naru.api.mismatch import first_mismatch
from naru.api.model import Model, Stored
from naru.api.raw_json import RawJson

M = TypeVar("M", bound=Model)

MAX_DIGITS: Final = 25  # of integers: more than 64 bits need
_INT64_MIN: Final = -(2**63)
_UINT64_MAX: Final = 2**64 - 1
OUT_OF_PLACE: Final = 1
INERT: Final = 2
_NESTED: Final = (dict, list)
MAX_PROBLEMS: Final = 100  # unknown and repeated fields that are told of one document


def decode(model: type[M], raw: Mapping[str, Any]) -> M:
    """Build the object that a client sent, with defaults filled in. Unknown fields are left out.

    A null counts as a missing value, as it does for a Go program.

    Raises:
        BadRequest: a value is of the wrong type.
        Invalid: a required field is missing.
    """
    try:
        body = orjson.dumps(raw)
        if b"null" in body:  # maybe just a text that says so: leaving out what is not there does no harm
            body = orjson.dumps(without_nulls(raw, Shape(model=model)))
        decoded = model.model_validate_json(body, strict=True)
    except (ValidationError, orjson.JSONEncodeError) as error:
        raise _explain(model, without_nulls(raw), error) from None
    return with_defaults(decoded)


def without_nulls(value: Any, shape: Shape | None = None) -> Any:
    """Return the document without its nulls; in JSON that nobody looks into (by the shape), they mean something."""
    if shape is not None and shape.scalar is RawJson:
        return value
    if isinstance(value, dict):
        found = {name: item for name, item in value.items() if item is not None}
        return {name: without_nulls(item, _declared(shape, (name,))) for name, item in found.items()}
    if isinstance(value, list):
        items = shape.items if shape is not None else None
        return [without_nulls(item, items) for item in value if item is not None]
    return value


def _explain(model: type[Model], raw: dict[str, Any], error: Exception) -> APIError:
    """Turn what pydantic found into the refusal of a request: missing fields alone are a 422, the rest a 400."""
    kind = str(raw.get("kind") or model.__name__)
    group, _, version = str(raw.get("apiVersion") or "v1").rpartition("/")
    opening = f'{kind} in version "{version}" cannot be handled as a {kind}'
    if not isinstance(error, ValidationError):
        return BadRequest(f"{opening}: {first_mismatch(model, raw) or error}")
    details = error.errors(include_url=False)
    wrong = [detail for detail in details if detail["type"] != "missing"]
    if wrong:
        return BadRequest(f"{opening}: {first_mismatch(model, raw) or _complaint(model, raw, wrong[0])}")
    metadata = raw.get("metadata")
    name = str(metadata.get("name", "")) if isinstance(metadata, dict) else ""
    missing = [error for detail in details for error in _missing(model, raw, detail["loc"])]
    return invalid(group, kind, name, missing)


def _complaint(model: type[Model], raw: Any, detail: ErrorDetails) -> str:
    """Write what the model's own rules found wrong, where the types alone are right."""
    path, _ = _locate(Shape(model=model), raw, detail["loc"])
    problem = str(detail.get("ctx", {}).get("error", detail["msg"]))
    return f"{path}: {problem}" if path else problem


def _locate(shape: Shape | None, raw: Any, location: tuple[int | str, ...]) -> tuple[str, Any]:
    """Follow a location as far as the document goes; beyond come names that are pydantic's own."""
    path, value = "", raw
    for step in location:
        if isinstance(value, dict) and isinstance(step, str) and step in value:
            is_map = shape is not None and shape.values is not None
            path, value = f"{path}[{step}]" if is_map else child(path, step), value[step]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            path, value = f"{path}[{step}]", value[step]
        else:
            break
        shape = _declared(shape, (step,))
    return path, value


def _missing(model: type[Model], raw: Any, location: tuple[int | str, ...]) -> Iterator[FieldError]:
    """Name the missing field or, where it is an object with required fields, those."""
    path, _ = _locate(Shape(model=model), raw, location[:-1])
    field = _declared(Shape(model=model), location)
    yield from _required_leaves(child(path, str(location[-1])), field)


def _required_leaves(path: str, shape: Shape | None) -> Iterator[FieldError]:
    fields = fields_of(shape.model) if shape is not None and shape.model is not None else {}
    inner = [field for field in fields.values() if field.info.is_required()]
    if not inner:
        yield required(path)
    for field in inner:
        yield from _required_leaves(child(path, field.name), field.shape)


def _declared(shape: Shape | None, location: tuple[int | str, ...]) -> Shape | None:
    """Return the shape of the value at a location."""
    for step in location:
        if shape is None:
            return None
        if isinstance(step, int):
            shape = shape.items
        elif shape.model is not None:
            field = fields_of(shape.model).get(step)
            shape = field.shape if field is not None else None
        else:
            shape = shape.values
    return shape


def child(path: str, name: str) -> str:
    """Return the path of a field of an object."""
    return f"{path}.{name}" if path else name


def oddities(raw: Any, shape: Shape) -> int:
    """Tell cheaply whether a document needs a closer look; most have nothing but fields that are known and acted on.

    ``OUT_OF_PLACE``: :func:`strict_errors` has something to say, ``INERT``: so has :func:`stored_only_fields`.
    """
    found = OUT_OF_PLACE if isinstance(raw, Repeating) else 0
    if shape.model is not None and isinstance(raw, dict):
        fields, stored = fields_of(shape.model), _stored_of(shape.model)
        for name, item in raw.items():
            if name not in fields:
                found |= OUT_OF_PLACE
                continue
            if isinstance(item, _NESTED):
                found |= oddities(item, fields[name].shape)
            if name in stored and _asks_for_something(fields[name], stored[name], item):
                found |= INERT
    elif shape.items is not None and isinstance(raw, list):
        for item in raw:
            found |= oddities(item, shape.items)
    elif shape.values is not None and isinstance(raw, dict):
        for item in raw.values():
            found |= oddities(item, shape.values)
    return found


def strict_errors(raw: Any, model: type[Model]) -> list[str]:
    """Say which fields the kind does not have, and which are given twice: ``unknown field "spec.foo"``.

    In the order of the document, each once, and not more of them than upstream tells. Repeated fields are known to a
    document that :func:`parse_repeating` has read.
    """
    found: dict[str, None] = {}
    for problem in _out_of_place(Shape(model=model), raw, ""):
        found[problem] = None
        if len(found) == MAX_PROBLEMS:
            break
    return list(found)


def _out_of_place(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Walk the fields as Go's decoder does, which writes the keys of maps like names of fields."""
    if isinstance(value, dict) and (shape.model is not None or shape.values is not None):
        fields = fields_of(shape.model) if shape.model is not None else None
        seen: set[str] = set()
        for name, item in value.pairs if isinstance(value, Repeating) else value.items():
            where = child(path, name)
            inner = shape.values if fields is None else fields[name].shape if name in fields else None
            if inner is None:
                yield f"unknown field {json.dumps(where, ensure_ascii=False)}"
                continue
            if name in seen:
                yield f"duplicate field {json.dumps(where, ensure_ascii=False)}"
            seen.add(name)
            yield from _out_of_place(inner, item, where)
    elif isinstance(value, list) and shape.items is not None:
        for index, item in enumerate(value):
            yield from _out_of_place(shape.items, item, f"{path}[{index}]")


def stored_only_fields(raw: Mapping[str, Any], model: type[Model]) -> list[str]:
    """Return the paths of the fields that are set to something and that naru keeps without acting on them."""
    return list(_inert(Shape(model=model), raw))


def _inert(shape: Shape, value: Any) -> Iterator[str]:
    """Yield the paths below a value; they are put together on the way back, as few fields have one."""
    if shape.model is not None and isinstance(value, dict):
        fields, stored = fields_of(shape.model), _stored_of(shape.model)
        for name, item in value.items():
            if name in stored:
                if _asks_for_something(fields[name], stored[name], item):
                    yield name
            elif isinstance(item, _NESTED) and name in fields:
                yield from (_below(name, rest) for rest in _inert(fields[name].shape, item))
    elif shape.items is not None and isinstance(value, list):
        for index, item in enumerate(value):
            yield from (_below(f"[{index}]", rest) for rest in _inert(shape.items, item))
    elif shape.values is not None and isinstance(value, dict):
        for name, item in value.items():
            yield from (_below(f"[{name}]", rest) for rest in _inert(shape.values, item))


def _below(step: str, rest: str) -> str:
    return f"{step}{rest}" if rest[0] == "[" else f"{step}.{rest}"


@cache
def _stored_of(model: type[BaseModel]) -> dict[str, Stored]:
    """Return the marks of the fields that a model keeps without acting on them, by their names on the wire."""
    marks = {name: field.mark(Stored) for name, field in fields_of(model).items()}
    return {name: mark for name, mark in marks.items() if mark is not None}


def _asks_for_something(field: Field, stored: Stored, value: Any) -> bool:
    return value not in (None, "", [], {}, field.info.default, *stored.silent)


class Repeating(dict[str, Any]):
    """A decoded JSON object that remembers every field as it was written, also those that came more than once."""

    pairs: Sequence[tuple[str, Any]] = ()


def _remember_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    decoded = Repeating(pairs)
    if len(decoded) == len(pairs):
        return dict(decoded)
    decoded.pairs = pairs
    return decoded


def parse_repeating(body: bytes, parsed: Any) -> Any:
    """Read a JSON body again if an object in it gives a field twice, and keep what is lost otherwise.

    Args:
        body: the body, well-formed.
        parsed: what it says, of repeated fields the last one; the answer in most cases.
    """
    if not may_repeat(body, parsed):
        return parsed
    return json.loads(body, object_pairs_hook=_remember_repeated, parse_int=integer)


def integer(digits: str) -> int | float:
    """Read an integer of JSON's; one that 64 bits cannot hold is a number with a fraction, as it is to others."""
    number = int(digits) if len(digits) < MAX_DIGITS else float(digits)
    return number if _INT64_MIN <= number <= _UINT64_MAX else float(number)


def may_repeat(body: bytes, parsed: Any) -> bool:
    """Tell cheaply whether it is worth looking: a repeated field is lost in decoding, and with it its quotes.

    A quote inside a string is one quote before and after, unless it is written by its number, as JSON allows.
    """
    return rb"\u" in body or body.count(b'"') != orjson.dumps(parsed).count(b'"')
