"""Values in the messages of upstream: where it checks objects in a form of its own, its names of the fields show."""

from typing import Any, Final

from pydantic import BaseModel

from naru.api.fields import fields_of

_CAPITALS: Final = {"apiGroup": "APIGroup", "apiVersion": "APIVersion", "uid": "UID", "csi": "CSI"}


def internal(value: Any) -> Any:
    """Return a value with Go's names for the fields; what is empty is null."""
    if isinstance(value, BaseModel):
        fields = fields_of(type(value)).values()
        return {_go_name(field.name): internal(getattr(value, field.attribute)) for field in fields}
    if isinstance(value, tuple):
        return [internal(item) for item in value] or None
    return value or None if isinstance(value, dict) else value


def _go_name(name: str) -> str:
    return _CAPITALS.get(name) or name[:1].upper() + name[1:]
