"""Scalars that have schemas of their own: times, quantities, numbers that may be texts."""

from datetime import datetime
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

from naru.api.fields import Shape
from naru.api.model import IntOrString, MicroTime
from naru.api.quantity import Quantity

META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1"
INT_OR_STRING: Final = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
QUANTITY: Final = "io.k8s.apimachinery.pkg.api.resource.Quantity"
TIME: Final = f"{META}.Time"
MICRO_TIME: Final = f"{META}.MicroTime"

NAMED_SCALARS: Final[dict[str, dict[str, Any]]] = {
    INT_OR_STRING: {
        "description": "A number, or a text such as a percentage or a port's name.",
        "format": "int-or-string",
        "oneOf": [{"type": "integer"}, {"type": "string"}],
    },
    QUANTITY: {
        "description": "An amount with a suffix, such as 500m, 64Mi or 1e3.",
        "oneOf": [{"type": "string"}, {"type": "number"}],
    },
    TIME: {"description": "A moment, in RFC 3339 with whole seconds.", "format": "date-time", "type": "string"},
    MICRO_TIME: {"description": "A moment, in RFC 3339 with microseconds.", "format": "date-time", "type": "string"},
}

_QUANTITY_MARK: Final = get_args(Quantity)[1]
_MICRO_TIME_MARK: Final = get_args(MicroTime)[1]


def scalar_name(shape: Shape) -> str | None:
    """Name the schema of such a scalar; None for all others."""
    if shape.scalar is datetime:
        return MICRO_TIME if _MICRO_TIME_MARK in shape.marks else TIME
    if any(mark is _QUANTITY_MARK for mark in shape.marks):
        return QUANTITY
    if get_origin(shape.scalar) in (Union, UnionType) and set(get_args(IntOrString)) <= set(get_args(shape.scalar)):
        return INT_OR_STRING
    return None
