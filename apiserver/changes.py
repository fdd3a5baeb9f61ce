"""What a write changed, in words: ``spec.replicas 1 -> 3``.

Flow: old and new object of a write -> *changes* -> the trail's records.
Only values that a person can read at a glance are written out; those of a Secret never are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from pydantic import BaseModel

from naru.api.fields import fields_of
from naru.api.meta import KubeObject
from naru.api.model import MergeKey

SHOWN_CHANGES: Final = 4
SHOWN_CHARACTERS: Final = 48

_BOOKKEEPING: Final = frozenset(
    {"metadata.resourceVersion", "metadata.generation", "metadata.managedFields", "metadata.uid"}
)
_SECRET_FIELDS: Final = ("data", "stringData")


@dataclass(frozen=True)
class Change:
    """One field that differs; None stands for a value that is not there."""

    path: str
    old: Any
    new: Any
    hidden: bool = False

    @property
    def is_time(self) -> bool:
        """Tell whether nothing but a moment moved on, as in a heartbeat."""
        return isinstance(self.new, datetime) and isinstance(self.old, datetime | None)

    def __str__(self) -> str:
        """Write the change as one clause."""
        old, new = (None if self.hidden else _brief(value) for value in (self.old, self.new))
        if _is_empty(self.new):
            return f"{self.path} removed"
        if _is_empty(self.old):
            return f"{self.path} set" if new is None else f"{self.path} = {new}"
        return f"{self.path} changed" if old is None or new is None else f"{self.path} {old} -> {new}"


def changes_between(old: KubeObject, new: KubeObject) -> list[Change]:
    """List the fields that differ, without the bookkeeping that every write does."""
    hide = new.kind == "Secret"
    found = []
    for change in _walk(old, new, "", ""):
        if change.path not in _BOOKKEEPING:
            hidden = hide and change.path.startswith(_SECRET_FIELDS)
            found.append(Change(change.path, change.old, change.new, hidden))
    return found


def summarize(changes: Sequence[Change]) -> str:
    """Write the first few changes in one line, those of the spec before those of the status."""
    ranked = sorted(changes, key=lambda change: (change.is_time, change.path.startswith("status")))
    shown = [str(change) for change in ranked[:SHOWN_CHANGES]]
    rest = len(changes) - len(shown)
    return ", ".join(shown) + (f", and {rest} more" if rest > 0 else "")


def _walk(old: Any, new: Any, path: str, merge_key: str) -> Iterator[Change]:
    if old is new or old == new:
        return
    if isinstance(old, BaseModel) and type(old) is type(new):
        prefix = f"{path}." if path else ""
        for attribute, name, key in _steps(type(old)):
            yield from _walk(getattr(old, attribute), getattr(new, attribute), prefix + name, key)
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _walk(old.get(key), new.get(key), f"{path}[{key}]", "")
    elif merge_key and isinstance(old, tuple) and isinstance(new, tuple):
        yield from _walk(_keyed(old, merge_key), _keyed(new, merge_key), path, "")
    else:
        yield Change(path, old, new)


@cache
def _steps(model: type[BaseModel]) -> tuple[tuple[str, str, str], ...]:
    """Return attribute, wire name and merge key of each field."""
    fields = [(field, field.mark(MergeKey)) for field in fields_of(model).values()]
    return tuple((field.attribute, field.name, mark.key if mark else "") for field, mark in fields)


def _keyed(items: tuple[Any, ...], merge_key: str) -> dict[str, Any]:
    """Index a list by its merge key, as the brackets of a path name its items."""
    if not items:
        return {}
    model: type[BaseModel] = type(items[0])
    attribute = fields_of(model)[merge_key].attribute
    return {str(getattr(item, attribute)): item for item in items}


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", (), {})


def _brief(value: Any) -> str | None:
    """Write a scalar in few characters; None for what does not fit."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        case str() if len(value) <= SHOWN_CHARACTERS and "\n" not in value:
            return value
        case _:
            return None
