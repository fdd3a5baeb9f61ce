"""Walks over one document: which fields it mentions, and what stays of it when some are taken away.

Source: structured-merge-diff, "typed" (ToFieldSet, RemoveItems).
"""

from collections import Counter
from typing import Any

from apiserver.managed_fields.elements import SELF
from apiserver.managed_fields.field_sets import LEAF, FieldSet, is_member, node
from apiserver.managed_fields.types import Type


def fields_of_document(kind: Type, value: Any) -> FieldSet:
    """Return every leaf, list item and map key that a document mentions: what somebody who applies it owns."""
    return _mentioned(kind, value) or LEAF


def _mentioned(kind: Type, value: Any) -> FieldSet | None:
    """Return what is mentioned inside of a value; None for a leaf."""
    if kind.is_leaf(value):
        return None
    if isinstance(value, dict):
        return _mentioned_members(kind, value)
    if isinstance(value, list):
        return _mentioned_items(kind, value)
    return LEAF


def _mentioned_members(kind: Type, value: dict[str, Any]) -> FieldSet:
    found: FieldSet = {}
    for name, item in value.items():
        inner = _mentioned(kind.member(name), item)
        owned_itself = inner is None or item is None or item == {} or name not in kind.fields
        kept = node(member=owned_itself, children=inner or LEAF)
        if kept is not None:
            found[f"f:{name}"] = kept
    return found


def _mentioned_items(kind: Type, value: list[Any]) -> FieldSet:
    assert kind.items is not None
    found: FieldSet = {}
    elements = [kind.element(item) for item in value]
    repeated = {element for element, count in Counter(elements).items() if count > 1}
    for element, item in zip(elements, value, strict=True):
        inner = None if element in repeated else _mentioned(kind.items, item)
        found[element] = {SELF: LEAF, **inner} if inner else LEAF
    return found


def everything(kind: Type, value: Any) -> FieldSet:
    """Return the node of a value that was not there before: all that is in it is new, the value itself included."""
    if kind.is_leaf(value) or not value:
        return LEAF
    found: FieldSet = {SELF: LEAF}
    if isinstance(value, dict):
        fields = kind.fields
        for name, item in value.items():
            is_plain = not isinstance(item, dict | list)  # most are: not looking at their type saves half of the time
            found[f"f:{name}"] = LEAF if is_plain else everything(fields.get(name) or kind.member(name), item)
    elif isinstance(value, list) and kind.items is not None:
        elements = [kind.element(item) for item in value]
        for element, item in zip(elements, value, strict=True):
            found[element] = LEAF if element in found else everything(kind.items, item)
    return found


def without_fields(kind: Type, value: Any, gone: FieldSet) -> Any:
    """Return a document without the fields and items of a set. What lost all of its content is null."""
    if not isinstance(value, dict | list):
        return value
    if not value or kind.is_leaf(value):
        return None
    if isinstance(value, dict):
        kept = {
            name: _without(kind.member(name), item, gone.get(f"f:{name}"))
            for name, item in value.items()
            if not _is_gone(gone.get(f"f:{name}"))
        }
        return kept or None
    assert kind.items is not None
    named = [(gone.get(kind.element(item)), item) for item in value]
    return [_without(kind.items, item, found) for found, item in named if not _is_gone(found)] or None


def _is_gone(found: FieldSet | None) -> bool:
    return found is not None and is_member(found)


def _without(kind: Type, value: Any, gone: FieldSet | None) -> Any:
    return without_fields(kind, value, gone) if gone else value


def with_named_fields(kind: Type | None, fields: FieldSet) -> FieldSet:
    """Return a set with the declared fields added that its members lie in; keys of maps stay as they are."""
    result: FieldSet = {}
    for element, found in fields.items():
        if not found or element == SELF:
            result[element] = found
            continue
        name = element[2:] if element.startswith("f:") else None
        inner = with_named_fields(_step(kind, element), found)
        if name is not None and kind is not None and name in kind.fields:
            inner = {SELF: LEAF, **inner}
        result[element] = inner
    return result


def _step(kind: Type | None, element: str) -> Type | None:
    if kind is None:
        return None
    if element.startswith("f:"):
        return kind.member(element[2:])
    return kind.items if element.startswith("k:") else None
