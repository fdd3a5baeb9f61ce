"""Field sets: which fields of an object somebody has set, and the algebra of such sets.

A set is kept in the very form that fieldsV1 has on the wire, so nothing is converted to store it or to read it: a tree
of dicts, keyed by path elements (:mod:`apiserver.managed_fields.elements`). A node without children belongs to the
set; a node with children belongs to it if one of them is ``.``:

    {"f:data": {".": {}, "f:a": {}}}    data and data.a
    {"f:data": {"f:a": {}}}             data.a alone
    {}                                  at the top: nothing

Sets are values: no function here changes its arguments, and results share their parts. There are no empty branches.

Source: structured-merge-diff, "fieldpath" (Set).
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

import orjson

from apiserver.managed_fields.elements import SELF, MalformedElement, canonical, display, order

FieldSet = dict[str, Any]
"""A tree of path elements."""

Path = tuple[str, ...]

LEAF: Final[FieldSet] = {}  # shared by all nodes that have no children: never changed


class MalformedSet(Exception):
    """The JSON is no field set."""


def node(*, member: bool, children: FieldSet) -> FieldSet | None:
    """Build a node; None if nothing of it is in the set."""
    if not children:
        return LEAF if member else None
    return {SELF: LEAF, **children} if member else children


def is_member(found: FieldSet) -> bool:
    """Tell whether a node belongs to the set itself."""
    return not found or SELF in found


def children_of(found: FieldSet) -> FieldSet:
    """Return a node without its own membership."""
    return {element: child for element, child in found.items() if element != SELF} if SELF in found else found


def set_of(paths: Iterable[Path]) -> FieldSet:
    """Build a set of paths."""
    result: FieldSet = {}
    for path in paths:
        single: FieldSet = LEAF
        for element in reversed(path):
            single = {element: single}
        result = union(result, single)
    return result


def has(fields: FieldSet, path: Path) -> bool:
    """Tell whether a path belongs to the set."""
    for element in path:
        if element not in fields:
            return False
        fields = fields[element]
    return bool(path) and is_member(fields)


def union(left: FieldSet, right: FieldSet) -> FieldSet:
    """Return what is in either."""
    result = dict(left)
    for element, theirs in right.items():
        ours = result.get(element)
        result[element] = theirs if ours is None else _union_of_nodes(ours, theirs)
    return result


def _union_of_nodes(left: FieldSet, right: FieldSet) -> FieldSet:
    if left is right or (not left and not right):
        return left
    both = union(left, right)
    if not left or not right:
        both[SELF] = LEAF
    return both


def intersection(left: FieldSet, right: FieldSet) -> FieldSet:
    """Return what is in both."""
    result = {}
    for element in left.keys() & right.keys():
        ours, theirs = left[element], right[element]
        common = intersection(children_of(ours), children_of(theirs))
        kept = node(member=is_member(ours) and is_member(theirs), children=common)
        if kept is not None:
            result[element] = kept
    return result


def difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """Return what is in ``left`` and not in ``right``; that a field is taken away takes nothing inside it away."""
    if not right:
        return left
    result = {}
    for element, ours in left.items():
        theirs = right.get(element)
        if theirs is None:
            result[element] = ours
            continue
        rest = difference(children_of(ours), children_of(theirs))
        kept = node(member=is_member(ours) and not is_member(theirs), children=rest)
        if kept is not None:
            result[element] = kept
    return result


def without(left: FieldSet, right: FieldSet) -> FieldSet:
    """Return what is in ``left`` and neither in ``right`` nor inside of something there."""
    if not right:
        return left
    result = {}
    for element, ours in left.items():
        theirs = right.get(element)
        if theirs is None:
            result[element] = ours
        elif not is_member(theirs):
            kept = node(member=is_member(ours), children=without(children_of(ours), theirs))
            if kept is not None:
                result[element] = kept
    return result


def paths(fields: FieldSet, prefix: Path = ()) -> Iterator[Path]:
    """Go through the members, outer ones before inner ones."""
    elements = sorted((element for element in fields if element != SELF), key=order)
    for element in elements:
        if is_member(fields[element]):
            yield (*prefix, element)
    for element in elements:
        yield from paths(fields[element], (*prefix, element))


def path_text(path: Path) -> str:
    """Write a path as messages do: ``.spec.containers[name="web"].image``."""
    return "".join(map(display, path))


def encode(fields: FieldSet) -> bytes:
    """Write a set as fieldsV1."""
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)


@lru_cache(maxsize=2048)  # the objects of one controller have the same sets, byte for byte
def decode(data: bytes) -> FieldSet:
    """Read fieldsV1.

    Raises:
        MalformedSet: it is no JSON, or not of that form.
    """
    try:
        return children_of(_checked(orjson.loads(memoryview(data))))
    except (orjson.JSONDecodeError, MalformedElement) as error:
        raise MalformedSet(str(error)) from error


def _checked(raw: Any) -> FieldSet:
    """Bring a tree into the one form that this module works on."""
    if raw is None:
        return LEAF
    if not isinstance(raw, dict):
        raise MalformedElement(f"expected an object: {orjson.dumps(raw).decode()[:40]}")
    result: FieldSet = {}
    for element, child in raw.items():
        name = element if element == SELF else canonical(element)
        if name == SELF:
            result[SELF] = LEAF
        elif name is not None:
            inner = _checked(child)
            result[name] = _union_of_nodes(result[name], inner) if name in result else inner
    return LEAF if result.keys() <= {SELF} else result
