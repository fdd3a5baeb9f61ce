"""How strategic merge patch treats a field: is the list keyed, does the object keep only what is set.

Flow: the declaration of a kind (naru.api.fields) -> *Shape* -> the three-way merge of `naru apply`.
"""

from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel

from naru.api.fields import fields_of
from naru.api.model import MergeKey, ReplaceKeys


@dataclass(frozen=True)
class Shape:
    """A field's model (None: scalars, free-form maps), and the marks that a merge heeds."""

    model: type[BaseModel] | None
    merge_key: str | None = None  # of a list; "" for a set of scalars; None: replaced as a whole
    retain_keys: bool = False

    @classmethod
    def of(cls, model: type[BaseModel]) -> Self:
        """Return the shape of a whole object."""
        return cls(model)

    def member(self, name: str) -> "Shape":
        """Return the shape of a field, by its name on the wire."""
        field = fields_of(self.model).get(name) if self.model is not None else None
        if field is None:
            return Shape(None)
        merge_key = field.mark(MergeKey)
        model = field.shape.items.model if field.shape.items is not None else field.shape.model
        return Shape(model, merge_key.key if merge_key else None, field.mark(ReplaceKeys) is not None)
