"""Strategic merge patch: a merge patch that knows which lists are keyed, and takes orders in ``$`` fields.

A list whose field is declared with a ``MergeKey`` merges item by item; every other list is replaced. Directives:

==================================  ======================================================================
``$patch: replace`` in an object    the rest of the patch takes the object's place
``$patch: delete`` in an object     the object is emptied
``$patch: delete`` in an item       the items with this item's key are removed
``$patch: replace`` in an item      the patch's other items take the list's place
``$retainKeys: [...]``              the object keeps only these fields
``$deleteFromPrimitiveList/F``      these scalars are removed from the set F
``$setElementOrder/F``              the list F takes this order (items that the patch does not know keep theirs)
==================================  ======================================================================

Source: Kubernetes community documents, "Strategic Merge Patch"; the order of merged lists as its API server makes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from apiserver.patch.document import decode_object, json_type, rejected
from naru.api.errors import APIError, BadRequest
from naru.api.fields import Shape, fields_of
from naru.api.model import MergeKey

DIRECTIVE: Final = "$patch"
RETAIN_KEYS: Final = "$retainKeys"
DELETE_PREFIX: Final = "$deleteFromPrimitiveList"
ORDER_PREFIX: Final = "$setElementOrder"

UNTYPED: Final = Shape()


@dataclass(frozen=True)
class Path:
    """Where in the object the engine is; its text opens every complaint."""

    text: str = ""

    def child(self, name: str) -> "Path":
        """Step into a field."""
        return Path(f"{self.text}.{name}" if self.text else name)

    def bad(self, why: str) -> APIError:
        """Build the 400 for a malformed patch."""
        return BadRequest(f"{self.text}: {why}" if self.text else why)


def apply_strategic_patch(original: dict[str, Any], patch: bytes, model: type[BaseModel]) -> dict[str, Any]:
    """Return the object with the patch applied; the input stays as it was.

    Raises:
        BadRequest: the patch is not a JSON object, or a directive or merge key in it is not well-formed.
        Invalid: a list that merges holds lists.
    """
    return _merge_object(original, decode_object(patch), Shape(model=model), Path())


def _merge_object(original: dict[str, Any], patch: dict[str, Any], shape: Shape, path: Path) -> dict[str, Any]:
    if DIRECTIVE in patch:
        return _directed_object(patch, path)
    result = _retained(original, patch, path)
    orders = _parallel_lists(patch, ORDER_PREFIX, "setElementOrder list", path)
    for name, value in patch.items():
        if not _is_directive(name):
            _merge_field(result, name, value, orders.pop(name, None), shape, path.child(name))
    for name, order in orders.items():
        if isinstance(result.get(name), list):
            key = _merge_key(shape, name) or ""
            result[name] = _ordered(result[name], order, result[name], key, path.child(name))
    for name, gone in _parallel_lists(patch, DELETE_PREFIX, "primitive list", path).items():
        if isinstance(result.get(name), list):
            result[name] = [item for item in result[name] if item not in gone]
    return result


def _directed_object(patch: dict[str, Any], path: Path) -> dict[str, Any]:
    match patch[DIRECTIVE]:
        case "replace":
            return {key: value for key, value in patch.items() if key != DIRECTIVE}
        case "delete":
            return {}
        case other:
            raise path.bad(f"unknown patch type: {other} in map: {go_text(patch)}")


def _retained(original: dict[str, Any], patch: dict[str, Any], path: Path) -> dict[str, Any]:
    """Copy the object, without the fields that ``$retainKeys`` leaves out."""
    if RETAIN_KEYS not in patch:
        return dict(original)
    keys = patch[RETAIN_KEYS]
    set_by_patch = [key for key, value in patch.items() if value is not None and not _is_directive(key)]
    if not isinstance(keys, list) or any(key not in keys for key in set_by_patch):
        raise path.bad("invalid patch format of retainKeys")
    return {key: value for key, value in original.items() if key in keys}


def _parallel_lists(patch: dict[str, Any], prefix: str, what: str, path: Path) -> dict[str, list[Any]]:
    """Collect the directives ``PREFIX/FIELD: [...]`` by field."""
    found = {}
    for key, value in patch.items():
        if key.startswith(prefix):
            directive, _, name = key.partition("/")
            if directive != prefix or not name or not isinstance(value, list):
                raise path.bad(f"invalid patch format of {what}")
            found[name] = value
    return found


def _merge_field(
    result: dict[str, Any], name: str, value: Any, order: list[Any] | None, shape: Shape, path: Path
) -> None:
    """Bring one field of the patch into the result."""
    current = result.get(name)
    if value is None:
        result.pop(name, None)
    elif isinstance(current, dict) and isinstance(value, dict):
        result[name] = _merge_object(current, value, _member_shape(shape, name), path)
    elif isinstance(current, list) and isinstance(value, list) and (key := _merge_key(shape, name)) is not None:
        items = _member_shape(shape, name).items or UNTYPED
        result[name] = _merge_list(current, value, order, key, items, path)
    elif isinstance(value, dict) and value.get(DIRECTIVE) == "delete":
        result.pop(name, None)
    else:
        result[name] = without_directives(value)


def _merge_list(
    original: list[Any], patch: list[Any], order: list[Any] | None, key: str, items: Shape, path: Path
) -> list[Any]:
    if _holds_objects([*original, *patch], path):
        if not key:
            raise path.bad("cannot merge lists without merge key")
        if order is not None:
            _check_order([_key_value(item, key, path) for item in _plain(patch)], order, key, path)
        merged = _merge_items(original, patch, key, items, path)
        known: list[Any] = _plain(patch)
    else:
        if order is not None:
            _check_order(patch, order, key, path)
        merged = list(dict.fromkeys([*original, *patch]))
        known = patch
    return _ordered(merged, known if order is None else order, original, key, path)


def _holds_objects(items: Sequence[Any], path: Path) -> bool:
    """Tell a list of objects from a list of scalars; a mixture is an error."""
    if any(isinstance(item, list) for item in items):
        raise rejected(f"{path.text}: lists of lists are not supported")
    kinds = {json_type(item) for item in items}
    if len(kinds) > 1:
        raise path.bad(f"list element types are not identical: {go_text(list(items))}")
    return kinds == {"an object"}


def _plain(patch: list[Any]) -> list[Any]:
    return [item for item in patch if DIRECTIVE not in item]


def _merge_items(original: list[Any], patch: list[Any], key: str, items: Shape, path: Path) -> list[Any]:
    """Carry out the directives among the items, then merge or append each of the others."""
    merged = list(original)
    for item in patch:
        match item.get(DIRECTIVE):
            case None | "replace":
                pass
            case "delete":
                gone = _key_value(item, key, path)
                merged = [existing for existing in merged if existing.get(key) != gone]
            case "merge":
                raise path.bad("merging lists cannot yet be specified in the patch")
            case other:
                raise path.bad(f"unknown patch type: {other} in map: {go_text(item)}")
    if any(item.get(DIRECTIVE) == "replace" for item in patch):
        merged = []
    for item in _plain(patch):
        _merge_item(merged, item, key, items, path)
    return merged


def _merge_item(merged: list[Any], item: dict[str, Any], key: str, items: Shape, path: Path) -> None:
    wanted = _key_value(item, key, path)
    for position, existing in enumerate(merged):
        if existing.get(key) == wanted:
            merged[position] = _merge_object(existing, item, items, Path(f"{path.text}[{position}]"))
            return
    merged.append(without_directives(item))


def _check_order(values: list[Any], order: list[Any], key: str, path: Path) -> None:
    """Refuse a patch whose items do not come in the order that the same patch asks for."""
    remaining = iter([_key_value(item, key, path) if key else item for item in order])
    if order and not all(value in remaining for value in values):  # `in` consumes the iterator up to the match
        raise path.bad(
            f"The order in patch list: {go_text(values)} doesn't match {ORDER_PREFIX} list: {go_text(order)}"
        )


def _ordered(merged: list[Any], order: list[Any], original: list[Any], key: str, path: Path) -> list[Any]:
    """Sort a merged list: items in ``order`` take its order, the others keep the one they had in ``original``.

    The two runs are then interleaved: an item that the patch does not know goes before the first known item that
    it preceded in the original list.
    """
    known_ranks = _ranks(order, key, path)
    live_ranks = _ranks(original, key, path)
    values = [(_rank_key(item, key, path), item) for item in merged]
    known = sorted((v for v in values if v[0] in known_ranks), key=lambda v: known_ranks[v[0]])
    others = sorted((v for v in values if v[0] not in known_ranks), key=lambda v: live_ranks.get(v[0], len(values)))
    result: list[Any] = []
    for value, item in known:
        here = live_ranks.get(value, -1)
        while others and live_ranks.get(others[0][0], len(values)) < here:
            result.append(others.pop(0)[1])
        result.append(item)
    return [*result, *(item for _, item in others)]


def _ranks(items: list[Any], key: str, path: Path) -> dict[Any, int]:
    ranks: dict[Any, int] = {}
    for position, item in enumerate(items):
        ranks.setdefault(_rank_key(item, key, path), position)
    return ranks


def _rank_key(item: Any, key: str, path: Path) -> Any:
    value = _key_value(item, key, path) if key else item
    if isinstance(value, dict | list):
        raise path.bad(f"a merge key or an item of a set cannot be {json_type(value)}")
    return value


def _key_value(item: Any, key: str, path: Path) -> Any:
    if not isinstance(item, dict):
        raise path.bad(f"expected an object with the merge key {key}, but received {json_type(item)}")
    if key not in item:
        raise path.bad(f"map: {go_text(item)} does not contain declared merge key: {key}")
    return item[key]


def _merge_key(shape: Shape, name: str) -> str | None:
    """Return the key a list field merges by (``""`` for a set), None when it is replaced."""
    field = fields_of(shape.model).get(name) if shape.model else None
    mark = field.mark(MergeKey) if field else None
    return mark.key if mark else None


def _member_shape(shape: Shape, name: str) -> Shape:
    if shape.model:
        field = fields_of(shape.model).get(name)
        return field.shape if field else UNTYPED
    return shape.values or UNTYPED


def _is_directive(name: str) -> bool:
    return name in (DIRECTIVE, RETAIN_KEYS) or name.startswith((ORDER_PREFIX, DELETE_PREFIX))


def without_directives(value: Any) -> Any:
    """Return a value that meets nothing to merge with: its orders and its nulls mean nothing there."""
    if isinstance(value, dict):
        return {k: without_directives(v) for k, v in value.items() if v is not None and not _is_directive(k)}
    if isinstance(value, list):
        return [without_directives(v) for v in value if not (isinstance(v, dict) and DIRECTIVE in v)]
    return value


def go_text(value: Any) -> str:
    """Write a value as upstream's messages do: ``map[image:nginx name:web]``."""
    match value:
        case dict():
            return "map[" + " ".join(f"{key}:{go_text(value[key])}" for key in sorted(value)) + "]"
        case list():
            return "[" + " ".join(map(go_text, value)) + "]"
        case None:
            return "<nil>"
        case bool():
            return str(value).lower()
        case _:
            return str(value)
