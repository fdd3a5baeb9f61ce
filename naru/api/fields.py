"""What a model's fields declare, in the words of the wire: shape, patch keys, marks.

The models are declared for pydantic; here their annotations are read once and handed on as plain data to those who
walk documents instead of objects: strict decoding, strategic merge patch, OpenAPI.
"""

import types
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

Mark = TypeVar("Mark")

_UNIONS: Final = (Union, types.UnionType)


@dataclass(frozen=True)
class Shape:
    """The form of a value: an object of a model, a list, a map, or (all None) a scalar of type ``scalar``."""

    model: type[BaseModel] | None = None
    items: "Shape | None" = None  # of a list
    values: "Shape | None" = None  # of a map, whose keys are strings
    scalar: Any = None
    marks: tuple[Any, ...] = ()  # what the annotation carries as metadata, outermost first


@dataclass(frozen=True)
class Field:
    """One field as it is seen on the wire."""

    name: str
    attribute: str
    shape: Shape
    info: FieldInfo

    @cached_property
    def _marks(self) -> dict[type, Any]:
        return {type(mark): mark for mark in reversed(self.shape.marks)}  # the outermost one counts

    def mark(self, kind: type[Mark]) -> Mark | None:
        """Return the field's mark of one kind (``MergeKey``, ``Stored``...), if it carries one."""
        return self._marks.get(kind)


def shape_of(annotation: Any, marks: tuple[Any, ...] = ()) -> Shape:
    """Read a type annotation; ``X | None`` has the shape of X, for on the wire a missing value is no value."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return shape_of(arguments[0], marks + arguments[1:])
    if origin in _UNIONS:
        present = [argument for argument in arguments if argument is not type(None)]
        return shape_of(present[0], marks) if len(present) == 1 else Shape(scalar=annotation, marks=marks)
    if origin in (tuple, list):
        return Shape(items=shape_of(arguments[0]), marks=marks)
    if origin is dict:
        return Shape(values=shape_of(arguments[1]), marks=marks)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Shape(model=annotation, marks=marks)
    return Shape(scalar=annotation, marks=marks)


@cache
def fields_of(model: type[BaseModel]) -> dict[str, Field]:
    """Return a model's fields by their names on the wire."""
    if not model.__pydantic_fields_complete__:
        model.model_rebuild()
    fields = {}
    for attribute, info in model.model_fields.items():
        name = info.serialization_alias or info.alias or attribute
        fields[name] = Field(name, attribute, shape_of(info.annotation, tuple(info.metadata)), info)
    return fields
