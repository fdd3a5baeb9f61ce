"""The first value of a document that is of the wrong type, in the words of the Kubernetes API server.

Upstream's decoder is Go's, and what it says is what people search for:
``json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32``. It names the
innermost struct, the path of fields without the indexes, and a type of Go. Only called once decoding has failed.

Source: Go, ``encoding/json.UnmarshalTypeError``; the ``UnmarshalJSON`` methods of k8s.io/apimachinery.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any, Final, get_args

from pydantic import BaseModel

from naru.api.fields import Shape, fields_of
from naru.api.model import NARROW, MicroTime, OptionalTime
from naru.api.quantity import Quantity, canonical

_Check = Callable[[Shape, Any, str, tuple[str, ...]], str]  # (declared, value, struct, path) -> problem

_QUANTITY_MARK: Final = get_args(Quantity)[1]
_MICRO_MARK: Final = get_args(MicroTime)[1]
_TIME_MARK: Final = get_args(OptionalTime)[1]
_NAMED_STRINGS: Final = {"uid": "types.UID"}
_INT_RANGES: Final = {"int32": range(-(2**31), 2**31), "int64": range(-(2**63), 2**63)}
_TIME_LAYOUTS: Final = {False: "2006-01-02T15:04:05Z07:00", True: "2006-01-02T15:04:05.000000Z07:00"}
_TIME_PARTS: Final = (
    *(("2006", r"[0-9]{4}", ""), ("-", "-", ""), ("01", r"[0-9]{2}", "month"), ("-", "-", "")),
    *(("02", r"[0-9]{2}", "day"), ("T", "T", ""), ("15", r"[0-9]{2}", "hour"), (":", ":", "")),
    *(("04", r"[0-9]{2}", "minute"), (":", ":", ""), ("05", r"[0-9]{2}", "second")),
)  # how the layout writes a part, what fits it, and what it is called
_MOST: Final = {"month": 12, "day": 31, "hour": 23, "minute": 59, "second": 59}


def first_mismatch(model: type[BaseModel], document: Any) -> str:
    """Say what is wrong with the first value that does not fit; empty if all of them do."""
    return _object(model, document, "", ()) if isinstance(document, dict) else ""


def _object(model: type[BaseModel], value: dict[str, Any], struct: str, path: tuple[str, ...]) -> str:
    fields = fields_of(model)
    for name, item in value.items():
        if item is None or name not in fields:
            continue
        if problem := _value(fields[name].shape, item, model.__name__, (*path, name)):
            return problem
    return ""


def _value(shape: Shape, value: Any, struct: str, path: tuple[str, ...]) -> str:
    if value is None:
        return ""
    if special := _special(shape):
        return special(shape, value, struct, path)
    if shape.model is not None:
        if isinstance(value, dict):
            return _object(shape.model, value, struct, path)
        return _cannot(value, shape, struct, path)
    if shape.items is not None:
        return _each(shape, shape.items, value, list, struct, path)
    if shape.values is not None:
        return _each(shape, shape.values, value, dict, struct, path)
    return _scalar(shape, value, struct, path)


def _each(
    shape: Shape, inner: Shape, value: Any, wanted: type[list[Any] | dict[str, Any]], struct: str, path: tuple[str, ...]
) -> str:
    if not isinstance(value, wanted):
        return _cannot(value, shape, struct, path)
    items = value.values() if isinstance(value, dict) else value
    return next((problem for item in items if (problem := _value(inner, item, struct, path))), "")


def _scalar(shape: Shape, value: Any, struct: str, path: tuple[str, ...]) -> str:
    kind = go_type(shape)
    if kind in _INT_RANGES:
        fits = isinstance(value, int) and not isinstance(value, bool) and value in _INT_RANGES[kind]
    elif kind == "bool":
        fits = isinstance(value, bool)
    elif kind == "float64":
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    elif kind == "interface {}":
        fits = True
    else:
        fits = isinstance(value, str)
    return "" if fits else _cannot(value, shape, struct, path)


def _cannot(value: Any, shape: Shape, struct: str, path: tuple[str, ...]) -> str:
    kind = go_type(shape, path[-1])
    seen = described(value, with_number=kind in _INT_RANGES)
    return f"json: cannot unmarshal {seen} into Go struct field {struct}.{'.'.join(path)} of type {kind}"


def described(value: Any, *, with_number: bool = False) -> str:
    """Name the kind of a JSON value; with its digits if it is a number that an integer cannot hold."""
    match value:
        case bool():
            return "bool"
        case str():
            return "string"
        case dict():
            return "object"
        case list():
            return "array"
        case _:
            return f"number {json.dumps(value)}" if with_number else "number"


def go_type(shape: Shape, name: str = "") -> str:
    """Name the type that a field has in Go."""
    if shape.model is not None:
        return f"{_package(shape.model)}.{shape.model.__name__}"
    if shape.items is not None:
        return f"[]{go_type(shape.items)}"
    if shape.values is not None:
        return f"map[string]{go_type(shape.values)}"
    if isinstance(shape.scalar, type) and issubclass(shape.scalar, Enum):
        return f"{_package(shape.scalar)}.{shape.scalar.__name__}"
    if shape.scalar is int:
        return "int32" if NARROW in shape.marks else "int64"
    plain = {bool: "bool", float: "float64", bytes: "[]uint8", str: _NAMED_STRINGS.get(name, "string")}
    return plain.get(shape.scalar, "interface {}")


def _package(declared: type) -> str:
    """Types are in packages named for the version of their group."""
    version = declared.__module__.rpartition("_")[2]
    return version if re.fullmatch(r"v\d\w*", version) else "v1"


def _special(shape: Shape) -> _Check | None:
    """Return the check of a type that has a decoder of its own, which knows nothing of the path."""
    if any(mark is _QUANTITY_MARK for mark in shape.marks):
        return _quantity
    if shape.scalar is datetime:
        return _time
    if shape.scalar is bytes:
        return _bytes
    return _int_or_string if {int, str} <= set(_members(shape.scalar)) else None


def _members(scalar: Any) -> tuple[Any, ...]:
    """Return the members of a union, those of annotated ones bare."""
    return tuple(get_args(member)[0] if get_args(member) else member for member in get_args(scalar))


def _quantity(shape: Shape, value: Any, struct: str, path: tuple[str, ...]) -> str:
    try:
        canonical(value.strip() or "0" if isinstance(value, str) else json.dumps(value))
    except ValueError as error:
        return str(error)
    return ""


def _int_or_string(shape: Shape, value: Any, struct: str, path: tuple[str, ...]) -> str:
    if isinstance(value, str) or (type(value) is int and value in _INT_RANGES["int32"]):
        return ""
    return f"json: cannot unmarshal {described(value, with_number=True)} into Go value of type int32"


def _bytes(shape: Shape, value: Any, struct: str, path: tuple[str, ...]) -> str:
    if not isinstance(value, str):
        return _cannot(value, shape, struct, path)
    try:
        base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        wrong = re.search(r"[^A-Za-z0-9+/]|=(?!=?$)", value)
        return f"illegal base64 data at input byte {wrong.start() if wrong else len(value) & ~3}"
    return ""


def _time(shape: Shape, value: Any, struct: str, path: tuple[str, ...]) -> str:
    if not isinstance(value, str):
        return f"json: cannot unmarshal {described(value)} into Go value of type string"
    return _misread_time(value, _TIME_LAYOUTS[any(mark is _MICRO_MARK for mark in shape.marks)])


def _misread_time(text: str, layout: str) -> str:
    """Follow a time part by part, as Go's ``time.Parse`` does."""
    opening, rest = f"parsing time {json.dumps(text)}", text
    numbers: dict[str, int] = {}
    for written, pattern, name in _TIME_PARTS:
        match = re.match(pattern, rest)
        if match is None:
            return f'{opening} as "{layout}": cannot parse {json.dumps(rest)} as "{written}"'
        if name:
            numbers[name] = int(match[0])
        rest = rest[match.end() :]
    if any(number > _MOST[name] for name, number in numbers.items()) or not numbers["month"]:
        name = next((n for n, number in numbers.items() if number > _MOST[n]), "month")
        return f"{opening}: {name} out of range"
    zone = re.match(r"(?:[.,][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?", rest)
    if zone is None or not zone[1]:
        return f'{opening} as "{layout}": cannot parse {json.dumps(rest)} as "Z07:00"'
    if extra := rest[zone.end() :]:
        return f"{opening}: extra text: {json.dumps(extra)}"
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return f"{opening}: day out of range"
    return ""
