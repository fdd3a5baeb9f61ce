"""What a kind's declaration says of its fields: which lists are keyed, which objects keep only what is set.

Flow: a pydantic model of naru.api -> *Shape* -> the three-way merge of `naru apply`.
"""

from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Self, Union, get_args, get_origin

from pydantic import BaseModel

from naru.api.model import MergeKey, ReplaceKeys


@dataclass(frozen=True)
class Shape:
    """A field's model (None: scalars, free-form maps), and how strategic merge patch treats it."""

    model: type[BaseModel] | None
    merge_key: str | None = None  # of a list; "" for a set of scalars; None: replaced as a whole
    retain_keys: bool = False

    @classmethod
    def of(cls, model: type[BaseModel]) -> Self:
        """Return the shape of a whole object."""
        return cls(model)

    def member(self, name: str) -> "Shape":
        """Return the shape of a field, by its name on the wire."""
        if self.model is None:
            return Shape(None)
        return _members(self.model).get(name, Shape(None))


@cache
def _members(model: type[BaseModel]) -> dict[str, Shape]:
    shapes = {}
    for attribute, field in model.model_fields.items():
        merge_key = next((mark.key for mark in field.metadata if isinstance(mark, MergeKey)), None)
        retain_keys = any(isinstance(mark, ReplaceKeys) for mark in field.metadata)
        shapes[field.alias or attribute] = Shape(_model_in(field.annotation), merge_key, retain_keys)
    return shapes


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Find the model that a field holds, alone or in a list; a map's values are not merged by declaration."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Annotated, Union, UnionType, tuple):
        return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)
    return None
