"""Types: a model's declaration as server-side apply reads it, compiled once and shared.

Every value of a document is one of these:

========  ==============================================================================================
leaf      a scalar, or a list, map or object that is *atomic*: owned and replaced as a whole
granular  an object or a map: each field has owners of its own
keyed     a list whose items are known by the fields named in ``ListMapKeys``
set       a list of scalars that are known by their value
========  ==============================================================================================

Source: Kubernetes documents, "Server-Side Apply: merge strategy".
"""

from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property
from typing import Any, Final

from pydantic import BaseModel

from apiserver.managed_fields.elements import key_element, value_element
from apiserver.openapi.scalars import scalar_name
from naru.api.fields import Field, Shape, fields_of
from naru.api.model import Always, Atomic, Granular, ListMapKeys, ListSet, MergeKey, Pointer

NUMERIC: Final = "numeric"
STRING: Final = "string"
BOOLEAN: Final = "boolean"
UNTYPED: Final = "untyped"

_PLAIN_SCALARS: Final[dict[Any, str]] = {bool: BOOLEAN, int: NUMERIC, float: NUMERIC, str: STRING, bytes: STRING}


class NoKey(Exception):
    """An item cannot be told from its neighbours; carries the reason alone."""


@dataclass(frozen=True, eq=False)
class Type:
    """How one value is owned: as an object of ``model``, a map of ``values``, a list of ``items``, or a scalar."""

    model: type[BaseModel] | None = None
    values: "Type | None" = None
    items: "Type | None" = None
    keys: tuple[str, ...] | None = None  # of a list: the key fields, none of them for a set; None: it is atomic
    atomic: bool = False  # of an object or map
    scalar: str = ""

    @cached_property
    def fields(self) -> dict[str, "Type"]:
        """The declared fields of an object, by their names on the wire."""
        return {} if self.model is None else {name: _of_field(field) for name, field in fields_of(self.model).items()}

    @property
    def is_anything(self) -> bool:
        """Tell a value whose form is not declared at all."""
        return self.atomic and bool(self.scalar)

    def member(self, name: str) -> "Type":
        """Return the type of a field or of a map's value; what is declared nowhere is a leaf."""
        return self.fields.get(name) or self.values or LEAF_TYPE

    def is_leaf(self, value: Any) -> bool:
        """Tell whether a value is owned as a whole."""
        if isinstance(value, dict):
            return self.atomic or (self.model is None and self.values is None)
        if isinstance(value, list):
            return self.keys is None
        return bool(self.scalar) or self.atomic or (self.items is not None and self.keys is None)

    @cached_property
    def key_defaults(self) -> dict[str, Any]:
        """What the key fields of a list's items are where an item leaves them out."""
        model = self.items.model if self.items is not None else None
        declared = fields_of(model) if model is not None else {}
        defaults = {key: _default(declared[key]) for key in self.keys or () if key in declared}
        return {key: value for key, value in defaults.items() if value is not None}

    def element(self, item: Any) -> str:
        """Name an item of this list.

        Raises:
            NoKey: it has none of the key fields, or is of the wrong form.
        """
        return self._key_element(item) if self.keys else _set_element(item)

    def _key_element(self, item: Any) -> str:
        if item is None:
            raise NoKey("associative list with keys may not have a null element")
        if not isinstance(item, dict):
            raise NoKey("associative list with keys may not have non-map elements")
        defaults = self.key_defaults
        keys = self.keys or ()
        found = {key: item[key] if key in item else defaults[key] for key in keys if key in item or key in defaults}
        if not found:
            listed = " ".join(f'"{key}"' for key in keys)
            raise NoKey(
                f"associative list with keys has an element that omits all key fields [{listed}] "
                "(and doesn't have default values for any key fields)"
            )
        return key_element(found)


LEAF_TYPE: Final = Type(scalar=UNTYPED, atomic=True)


def _set_element(item: Any) -> str:
    match item:
        case dict():
            raise NoKey("associative list without keys has an element that's a map type")
        case list():
            raise NoKey("not supported: associative list with lists as elements")
        case None:
            raise NoKey("associative list without keys has an element that's an explicit null")
        case _:
            return value_element(item)


def _default(field: Field) -> Any:
    """Return what upstream's schema has as the default of a key field: the zero of one that is always written."""
    if _is_always_there(field):
        return zero_of(field.shape)
    default = field.info.get_default(call_default_factory=False)
    return default.value if isinstance(default, Enum) else default


@cache
def type_of(model: type[BaseModel]) -> Type:
    """Return the type of a model's objects."""
    return _of_model(model, _declared_atomic(model))


def _declared_atomic(model: type[BaseModel]) -> bool:
    """Tell whether a model says so itself: what is built on an atomic one (ConfigMapEnvSource) is granular."""
    return bool(vars(model).get("atomic", False))


@cache
def _of_model(model: type[BaseModel], atomic: bool) -> Type:
    return Type(model=model, atomic=atomic)


def _of_field(field: Field) -> Type:
    shape = field.shape
    atomic, granular = field.mark(Atomic) is not None, field.mark(Granular) is not None
    if shape.items is not None:
        return Type(items=_of_shape(shape.items), keys=None if atomic else _list_keys(field))
    if shape.values is not None:
        return Type(values=_of_shape(shape.values), atomic=atomic)
    if shape.model is not None:
        return _of_model(shape.model, not granular and (atomic or _declared_atomic(shape.model)))
    return _of_shape(shape)


def _list_keys(field: Field) -> tuple[str, ...] | None:
    """Return the keys of a list's items; a merge key alone is for strategic merge patch only."""
    if (mark := field.mark(ListMapKeys)) is not None:
        return mark.keys
    merge = field.mark(MergeKey)
    is_set = field.mark(ListSet) is not None or (merge is not None and not merge.key)
    return () if is_set else None


def _of_shape(shape: Shape) -> Type:
    if shape.items is not None:
        return Type(items=_of_shape(shape.items))
    if shape.values is not None:
        return Type(values=_of_shape(shape.values))
    if shape.model is not None:
        return type_of(shape.model)
    if scalar_name(shape) is not None:
        return Type(scalar=UNTYPED)
    if isinstance(shape.scalar, type) and issubclass(shape.scalar, Enum):
        return Type(scalar=STRING)
    scalar = _PLAIN_SCALARS.get(shape.scalar)
    return LEAF_TYPE if scalar is None else Type(scalar=scalar)


@cache
def zero_document(model: type[BaseModel]) -> dict[str, Any]:
    """Return what an object of a Go program looks like on the wire before anything is set.

    A new object is compared with it to find what its creator has set: that ``spec`` is there at all is nobody's doing.
    """
    return {name: zero_of(field.shape) for name, field in fields_of(model).items() if _is_always_there(field)}


def _is_always_there(field: Field) -> bool:
    if field.mark(Pointer) is not None:
        return False
    if field.info.is_required() or any(isinstance(mark, Always) for mark in field.shape.marks):
        return True
    is_struct = field.info.default_factory is not None or isinstance(field.info.default, BaseModel)
    return field.shape.model is not None and is_struct


def zero_of(shape: Shape) -> Any:
    """Return the zero value of a shape."""
    if shape.model is not None:
        return zero_document(shape.model)
    if shape.items is not None or shape.values is not None or scalar_name(shape) is not None:
        return None
    if isinstance(shape.scalar, type) and issubclass(shape.scalar, Enum):
        return ""
    return {bool: False, int: 0, float: 0, str: ""}.get(shape.scalar)
