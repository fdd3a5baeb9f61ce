"""Checking a document against the types before it is merged: only what fits can be applied.

The texts are upstream's, down to the places where they show the inside of a Go program: people search for them.

Source: structured-merge-diff, "typed" (Validate).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from apiserver.managed_fields.elements import display
from apiserver.managed_fields.types import BOOLEAN, NUMERIC, STRING, NoKey, Type
from apiserver.patch.go_text import go_text, go_type


@dataclass(frozen=True)
class Misfit:
    """A place where the document is not of its type."""

    path: str
    problem: str

    def __str__(self) -> str:
        """Write it as messages do."""
        return f"{self.path}: {self.problem}" if self.path else self.problem


class DoesNotFit(Exception):
    """A document is not of its type; the text tells all the places."""

    def __init__(self, misfits: list[Misfit]) -> None:
        super().__init__(str(misfits[0]) if len(misfits) == 1 else "\n  ".join(("errors:", *map(str, misfits))))


def check(kind: Type, document: Any, *, allow_repeated: bool = False) -> None:
    """Find where a document does not fit.

    Args:
        allow_repeated: several items of a list may have the same key, as stored objects sometimes have them.

    Raises:
        DoesNotFit: it does not.
    """
    if misfits := list(_misfits(kind, document, "", allow_repeated)):
        raise DoesNotFit(misfits)


def _misfits(kind: Type, value: Any, path: str, allow_repeated: bool) -> Iterator[Misfit]:
    if value is None or kind.is_anything:
        return
    if kind.model is not None or kind.values is not None:
        if isinstance(value, dict):
            yield from _of_members(kind, value, path, allow_repeated)
        else:
            yield Misfit(path, f"expected map, got &{{{go_text(value)}}}")
    elif kind.items is not None:
        if isinstance(value, list):
            yield from _of_items(kind, value, path, allow_repeated)
        else:
            yield Misfit(path, f"expected list, got &{{{go_text(value)}}}")
    elif (problem := _scalar_problem(kind.scalar, value)) is not None:
        yield Misfit(path, problem)


def _of_members(kind: Type, value: dict[str, Any], path: str, allow_repeated: bool) -> Iterator[Misfit]:
    for name, item in value.items():
        if kind.model is not None and name not in kind.fields:
            yield Misfit(f"{path}.{name}", "field not declared in schema")
            return  # upstream stops looking at this object, too
        yield from _misfits(kind.member(name), item, f"{path}.{name}", allow_repeated)


def _of_items(kind: Type, value: list[Any], path: str, allow_repeated: bool) -> Iterator[Misfit]:
    assert kind.items is not None
    seen: set[str] = set()
    for index, item in enumerate(value):
        if kind.keys is None:
            yield from _misfits(kind.items, item, f"{path}[{index}]", allow_repeated)
            continue
        try:
            element = kind.element(item)
        except NoKey as error:
            yield Misfit(path, f"element {index}: {error}")
            return
        shown = display(element)
        if element in seen and not allow_repeated:
            yield Misfit(path, f"duplicate entries for key {shown}")
        seen.add(element)
        yield from _misfits(kind.items, item, f"{path}{shown}", allow_repeated)


def _scalar_problem(scalar: str, value: Any) -> str | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if scalar == NUMERIC and not is_number:
        return f"expected numeric (int or float), got {go_type(value)}"
    if scalar == STRING and not isinstance(value, str):
        return f"expected string, got &value.valueUnstructured{{Value:{go_text(value, syntax=True)}}}"
    if scalar == BOOLEAN and not isinstance(value, bool):
        return f"expected boolean, got &{{{go_text(value)}}}"
    if isinstance(value, dict | list):
        return f"expected any scalar, got &{{{go_text(value)}}}"
    return None
