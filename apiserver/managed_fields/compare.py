"""Comparing two states of an object: which fields were added, changed and removed.

Source: structured-merge-diff, "typed" (Compare).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from apiserver.managed_fields.field_sets import LEAF, FieldSet, union
from apiserver.managed_fields.types import Type
from apiserver.managed_fields.walk import everything

Items = dict[str, list[Any]]  # the items of a list by their element: more than one where they cannot be told apart


@dataclass(frozen=True)
class Comparison:
    """What differs; no path is in two of the sets. Built up level by level, hence the dicts."""

    added: FieldSet = field(default_factory=dict)
    modified: FieldSet = field(default_factory=dict)
    removed: FieldSet = field(default_factory=dict)

    @property
    def touched(self) -> FieldSet:
        """What is there now and was not so before."""
        return union(self.modified, self.added)

    def filtered(self, keep: Callable[[FieldSet], FieldSet]) -> "Comparison":
        """Leave out what nobody can own, such as fields that the server puts back."""
        return Comparison(keep(self.added), keep(self.modified), keep(self.removed))

    def _adopt(self, element: str, inner: "Comparison") -> None:
        for ours, theirs in (
            (self.added, inner.added),
            (self.modified, inner.modified),
            (self.removed, inner.removed),
        ):
            if theirs:
                ours[element] = union(ours[element], theirs) if element in ours else theirs


def compare(kind: Type, old: Any, new: Any) -> Comparison:
    """Compare two values that are both there (null is there, too)."""
    found = Comparison()
    if old == new:
        return found
    if isinstance(old, dict | None) and isinstance(new, dict | None):
        _compare_members(found, kind, old or {}, new or {})
    elif isinstance(old, list | None) and isinstance(new, list | None):
        _compare_items(found, kind, old or [], new or [])
    return found


def _compare_child(found: Comparison, kind: Type, element: str, old: Any, new: Any) -> None:
    """Compare two values at a path element."""
    if old == new:
        return
    if _is_atom(kind, old, new):
        found.modified[element] = LEAF
    else:
        found._adopt(element, compare(kind, old, new))


def _is_atom(kind: Type, old: Any, new: Any) -> bool:
    """Tell values that are compared as a whole: leaves, nothing with nothing, and what is of different forms."""
    if kind.is_leaf(old) or kind.is_leaf(new) or not (old or new):
        return True
    return old is not None and new is not None and type(old) is not type(new)


def _compare_members(found: Comparison, kind: Type, old: dict[str, Any], new: dict[str, Any]) -> None:
    for name, item in new.items():
        if name in old:
            _compare_child(found, kind.member(name), f"f:{name}", old[name], item)
        else:
            found.added[f"f:{name}"] = everything(kind.member(name), item)
    for name, item in old.items():
        if name not in new:
            found.removed[f"f:{name}"] = everything(kind.member(name), item)


def _compare_items(found: Comparison, kind: Type, old: list[Any], new: list[Any]) -> None:
    assert kind.items is not None
    before, after = _by_element(kind, old), _by_element(kind, new)
    for element in {**before, **after}:
        _compare_same(found, kind.items, element, before.get(element, []), after.get(element, []))


def _by_element(kind: Type, items: list[Any]) -> Items:
    found: Items = {}
    for item in items:
        found.setdefault(kind.element(item), []).append(item)
    return found


def _compare_same(found: Comparison, kind: Type, element: str, old: list[Any], new: list[Any]) -> None:
    """Compare the items of one element; those that cannot be told apart count as one leaf."""
    if len(old) > 1 and len(new) > 1:
        if old != new:
            found.modified[element] = LEAF
    elif len(old) > 1:
        _compare_optional(found, kind, element, [], new)
        found.removed[element] = LEAF
    elif len(new) > 1:
        _compare_optional(found, kind, element, old, [])
        found.added[element] = LEAF
    else:
        _compare_optional(found, kind, element, old, new)


def _compare_optional(found: Comparison, kind: Type, element: str, old: list[Any], new: list[Any]) -> None:
    if old and new:
        _compare_child(found, kind, element, old[0], new[0])
    elif new:
        found.added[element] = everything(kind, new[0])
    elif old:
        found.removed[element] = everything(kind, old[0])
