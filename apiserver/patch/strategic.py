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

An object that has nothing to merge with is dropped if it carries a ``$patch``, whatever that says.

Source: Kubernetes community documents, "Strategic Merge Patch"; apimachinery, "strategicpatch", also for what is wrong.
"""

from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel

from apiserver.patch.document import decode_object, rejected, unforeseen
from apiserver.patch.element_order import check_order, key_value, ordered
from apiserver.patch.go_text import go_text, go_type
from naru.api.errors import BadRequest
from naru.api.fields import Shape, fields_of
from naru.api.model import MergeKey

DIRECTIVE: Final = "$patch"
RETAIN_KEYS: Final = "$retainKeys"
DELETE_PREFIX: Final = "$deleteFromPrimitiveList"
ORDER_PREFIX: Final = "$setElementOrder"

UNTYPED: Final = Shape()


def apply_strategic_patch(original: dict[str, Any], patch: bytes, model: type[BaseModel]) -> dict[str, Any]:
    """Return the object with the patch applied; the input stays as it was.

    Raises:
        BadRequest: the patch is not a JSON object, or a directive is not well-formed.
        Invalid: a list that merges holds lists.
        InternalError: a merge key is missing, or items are of mixed types; upstream answers so.
    """
    return _merge_object(original, decode_object(patch, ""), Shape(model=model))


def _merge_object(original: dict[str, Any], patch: dict[str, Any], shape: Shape) -> dict[str, Any]:
    if DIRECTIVE in patch:
        return _directed_object(patch)
    result = _retained(original, patch)
    done = _merge_ordered_lists(result, patch, shape)
    for name, value in patch.items():
        if name not in done and not _is_directive(name):
            _merge_field(result, name, value, shape)
    for name, gone in _parallel_lists(patch, DELETE_PREFIX, "primitive list").items():
        if isinstance(result.get(name), list) and isinstance(gone, list):
            _element_kind(result[name], gone)
            result[name] = [item for item in result[name] if item not in gone]
    return result


def _directed_object(patch: dict[str, Any]) -> dict[str, Any]:
    match patch[DIRECTIVE]:
        case "replace":
            return {key: value for key, value in patch.items() if key != DIRECTIVE}
        case "delete":
            return {}
        case other:
            raise unforeseen(f"unknown patch type: {other} in map: {go_text(patch)}")


def _retained(original: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Copy the object, without the fields that ``$retainKeys`` leaves out."""
    if RETAIN_KEYS not in patch:
        return dict(original)
    keys = patch[RETAIN_KEYS]
    set_by_patch = [key for key, value in patch.items() if value is not None and not _is_directive(key)]
    if not isinstance(keys, list) or any(key not in keys for key in set_by_patch):
        raise BadRequest("invalid patch format of retainKeys")
    return {key: value for key, value in original.items() if key in keys}


def _parallel_lists(patch: dict[str, Any], prefix: str, what: str) -> dict[str, Any]:
    """Collect the directives ``PREFIX/FIELD: [...]`` by field."""
    found = {}
    for key, value in patch.items():
        if key.startswith(prefix):
            directive, slash, name = key.partition("/")
            if directive != prefix or not slash:
                raise BadRequest(f"invalid patch format of {what}")
            found[name] = value
    return found


def _merge_ordered_lists(result: dict[str, Any], patch: dict[str, Any], shape: Shape) -> set[str]:
    """Merge the lists whose order the patch gives; return their names."""
    orders = _parallel_lists(patch, ORDER_PREFIX, "setElementOrder list")
    for name, order in orders.items():
        values = [order, *(holder[name] for holder in (result, patch) if holder.get(name) is not None)]
        for value in values:
            if not isinstance(value, list):
                raise unforeseen(f"expected a []interface {{}}, but received a {go_type(value)}")
        if shape.model is not None and name not in fields_of(shape.model):
            missing = f'unable to find api field in struct {shape.model.__name__} for the json field "{name}"'
            raise unforeseen(missing)
        _merge_ordered_list(result, name, patch.get(name), order, shape)
    return {name for name in orders if patch.get(name) is not None}


def _merge_ordered_list(
    result: dict[str, Any], name: str, items: list[Any] | None, order: list[Any], shape: Shape
) -> None:
    key = _merge_key(shape, name) or ""
    check_order(items or [], _plain(items or []), order, key)
    original = result.get(name)
    if items is None and original is None:
        return
    if original is None:
        merged = _without_directives(items)
    elif items is None:
        merged = original
    else:
        merged = _merge_lists(original, items, shape, name)
    result[name] = ordered(merged, order, original or [], key)


def _merge_field(result: dict[str, Any], name: str, value: Any, shape: Shape) -> None:
    """Bring one field of the patch into the result."""
    current = result.get(name)
    if value is None:
        result.pop(name, None)
    elif isinstance(current, dict) and isinstance(value, dict):
        result[name] = _merge_object(current, value, _member_shape(shape, name))
    elif isinstance(current, list) and isinstance(value, list):
        result[name] = _merge_lists(current, value, shape, name)
    elif _is_directed(value):
        result.pop(name, None)
    else:
        result[name] = _without_directives(value)


def _merge_lists(original: list[Any], patch: list[Any], shape: Shape, name: str) -> list[Any]:
    key = _merge_key(shape, name)
    if key is None:
        return patch
    if not original and not patch:
        return original
    if _element_kind(original, patch) is not dict:
        merged = list(dict.fromkeys([*original, *patch]))
        return ordered(merged, patch, original, key)
    if not key:
        raise unforeseen("cannot merge lists without merge key for struct")
    items = _member_shape(shape, name).items or UNTYPED
    return ordered(_merge_items(original, patch, key, items), _plain(patch), original, key)


def _element_kind(*lists: Sequence[Any]) -> type:
    """Return the type that all items of some lists have."""
    kinds = {type(item) if not isinstance(item, dict) else dict for items in lists for item in items}
    if list in kinds:
        raise rejected()
    if len(kinds) != 1:
        raise unforeseen(f"list element types are not identical: {go_text([list(items) for items in lists])}")
    return kinds.pop()


def _plain(patch: list[Any]) -> list[Any]:
    return [item for item in patch if not _is_directed(item)]


def _merge_items(original: list[Any], patch: list[Any], key: str, items: Shape) -> list[Any]:
    """Carry out the directives among the items, then merge or append each of the others."""
    merged = list(original)
    for item in patch:
        match item.get(DIRECTIVE):
            case None | "replace":
                pass
            case "delete":
                gone = key_value(item, key)
                merged = [existing for existing in merged if existing.get(key) != gone]
            case "merge":
                raise unforeseen("merging lists cannot yet be specified in the patch")
            case other:
                raise unforeseen(f"unknown patch type: {other} in map: {go_text(item)}")
    if any(item.get(DIRECTIVE) == "replace" for item in patch):
        return _plain(patch)
    for item in _plain(patch):
        _merge_item(merged, item, key, items)
    return merged


def _merge_item(merged: list[Any], item: dict[str, Any], key: str, items: Shape) -> None:
    wanted = key_value(item, key)
    for position, existing in enumerate(merged):
        if existing.get(key) == wanted:
            merged[position] = _merge_object(existing, item, items)
            return
    merged.append(item)


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


def _is_directed(value: Any) -> bool:
    return isinstance(value, dict) and DIRECTIVE in value


def _without_directives(value: Any) -> Any:
    """Return a value that meets nothing to merge with: its nulls and what is directed in it mean nothing there."""
    if isinstance(value, dict):
        return {k: _without_directives(v) for k, v in value.items() if v is not None and not _is_directed(v)}
    if isinstance(value, list):
        return [_without_directives(v) for v in value if not _is_directed(v)]
    return value
