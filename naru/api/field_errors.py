"""The ways in which a field can be wrong, in the words of Kubernetes.

Flow: validation -> *FieldError* -> ``errors.invalid`` -> a ``Status`` with code 422.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from naru.api.errors import FieldError
from naru.api.fields import fields_of
from naru.api.model import Model

IMMUTABLE: Final = "field is immutable"
NEGATIVE: Final = "must be greater than or equal to 0"


def quoted(value: object) -> str:
    """Write a value into a message: text in double quotes, anything else as JSON."""
    plain: Any = value.wire() if isinstance(value, Model) else value
    if isinstance(plain, list | tuple):
        plain = [item.wire() if isinstance(item, Model) else item for item in plain]
    return orjson.dumps(plain).decode()


def in_go(value: Any) -> Any:
    """Return an object as upstream shows one in a message: by the names that its fields have in Go, empty ones too."""
    if isinstance(value, Model):
        fields = fields_of(type(value)).values()
        return {f.name[:1].upper() + f.name[1:]: in_go(getattr(value, f.attribute)) for f in fields}
    if isinstance(value, list | tuple):
        return [in_go(item) for item in value] or None
    return value or None if isinstance(value, dict) else value


def _with(summary: str, detail: str) -> str:
    return f"{summary}: {detail}" if detail else summary


def required(field: str, detail: str = "") -> FieldError:
    """Say that a field must be given."""
    return FieldError(field, "FieldValueRequired", _with("Required value", detail))


def invalid(field: str, value: object, detail: str) -> FieldError:
    """Say that a value breaks a rule."""
    return FieldError(field, "FieldValueInvalid", _with(f"Invalid value: {quoted(value)}", detail))


def invalid_unshown(field: str, detail: str) -> FieldError:
    """Say that a value breaks a rule, without showing it."""
    return FieldError(field, "FieldValueInvalid", _with("Invalid value", detail))


def not_supported(field: str, value: object, supported: Sequence[str]) -> FieldError:
    """Say that a value is none of those that exist."""
    detail = "supported values: " + ", ".join(quoted(str(choice)) for choice in supported)
    return FieldError(field, "FieldValueNotSupported", _with(f"Unsupported value: {quoted(value)}", detail))


def duplicate(field: str, value: object) -> FieldError:
    """Say that a value is taken by another item."""
    return FieldError(field, "FieldValueDuplicate", f"Duplicate value: {quoted(value)}")


def not_found(field: str, value: object, detail: str = "") -> FieldError:
    """Say that a value names nothing."""
    return FieldError(field, "FieldValueNotFound", _with(f"Not found: {quoted(value)}", detail))


def forbidden(field: str, detail: str) -> FieldError:
    """Say that a value is well-formed but not allowed here."""
    return FieldError(field, "FieldValueForbidden", f"Forbidden: {detail}")


def too_long(field: str, max_bytes: int) -> FieldError:
    """Say that a value is too long to be repeated here."""
    return FieldError(field, "FieldValueTooLong", f"Too long: may not be more than {max_bytes} bytes")


def too_many(field: str, count: int, limit: int) -> FieldError:
    """Say that a list is too long."""
    items = "item" if limit == 1 else "items"
    return FieldError(field, "FieldValueTooMany", f"Too many: {count}: must have at most {limit} {items}")


def each_invalid(field: str, value: object, details: Sequence[str]) -> list[FieldError]:
    """Turn the complaints of ``naru.api.names`` about one value into errors."""
    return [invalid(field, value, detail) for detail in details]
