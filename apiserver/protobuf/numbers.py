"""The field numbers of a model's message: all that decoding needs beside the fields' types.

They stand in the models (``protobuf``), in the order of the fields: ``1-3 5`` are 1, 2, 3 and 5; without them the
fields count from 1. ``2.1-4`` are fields 1 to 4 of a message that is field 2: Go embeds that struct, and in JSON its
fields stand among the owner's own. ``kind`` and ``apiVersion`` of an object travel outside the message.

Source: the generated.proto files of Kubernetes v1.36. Numbers are never reused upstream; new fields get new ones.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

from pydantic import BaseModel

from naru.api.fields import Field, fields_of
from naru.api.model import Model

_TYPE_META: Final = ("kind", "apiVersion")  # of what is an object by itself, and always says so

Numbers = dict[int, "Field | Numbers"]


@cache
def numbers_of(model: type[BaseModel]) -> Numbers:
    """Return a message's fields by number; an embedded message is a table of its own."""
    declared_fields = fields_of(model)
    is_object = all(name in declared_fields and declared_fields[name].info.default for name in _TYPE_META)
    fields = [field for name, field in declared_fields.items() if not (is_object and name in _TYPE_META)]
    declared = model.protobuf if issubclass(model, Model) else ""
    paths = list(_expand(declared)) if declared else [(number,) for number in range(1, len(fields) + 1)]
    table: Numbers = {}
    for path, field in zip(paths, fields, strict=True):
        _enter(table, path, field)
    return table


def _expand(declared: str) -> Iterator[tuple[int, ...]]:
    for part in declared.split():
        path, _, last = part.rpartition(".")
        above = tuple(int(number) for number in path.split(".")) if path else ()
        low, _, high = last.partition("-")
        for number in range(int(low), int(high or low) + 1):
            yield (*above, number)


def _enter(table: Numbers, path: tuple[int, ...], field: Field) -> None:
    number, *below = path
    if not below:
        table[number] = field
        return
    inner = table.setdefault(number, {})
    assert isinstance(inner, dict)
    _enter(inner, tuple(below), field)
