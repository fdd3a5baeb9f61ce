"""The three-way merge behind `naru apply`: what to send so that the object becomes what the manifest says.

*original* is what was applied last, *modified* what is applied now, *current* what the server has. What modified says
wins; what original said and modified no longer says is deleted; everything else (other writers' fields, defaults)
stays. The answer is a strategic merge patch.

Source: Kubernetes documentation, "Declarative Management of Kubernetes Objects Using Configuration Files"; the
directives are those of "Strategic Merge Patch" in the contributors' API notes.
"""

from collections.abc import Sequence
from typing import Any

from cli.verbs.shapes import Shape

Json = dict[str, Any]


def plan_patch(original: Json, modified: Json, current: Json, shape: Shape) -> Json:
    """Return the patch; empty when current already is as modified wants it."""
    patch: Json = {}
    for name, wanted in modified.items():
        if wanted is None:
            if name in current:
                patch[name] = None
        elif name not in current:
            patch[name] = wanted
        else:
            patch |= _plan_field(name, original.get(name), wanted, current[name], shape.member(name))
    patch |= {name: None for name in original if name not in modified and name in current}
    return patch


def _plan_field(name: str, original: Any, wanted: Any, current: Any, shape: Shape) -> Json:
    """Compare one field that is both wanted and there."""
    if isinstance(wanted, dict) and isinstance(current, dict):
        before = original if isinstance(original, dict) else {}
        nested = plan_patch(before, wanted, current, shape)
        if nested and shape.retain_keys:
            nested["$retainKeys"] = sorted(wanted)
        return {name: nested} if nested else {}
    if isinstance(wanted, list) and isinstance(current, list) and shape.merge_key is not None:
        items_before = original if isinstance(original, list) else []
        if shape.merge_key == "":
            return _plan_set(name, items_before, wanted, current)
        if all(_keyed(items, shape.merge_key) for items in (items_before, wanted, current)):
            return _plan_items(name, items_before, wanted, current, shape)
    return {name: wanted} if wanted != current else {}


def _plan_set(name: str, original: Sequence[Any], wanted: Sequence[Any], current: Sequence[Any]) -> Json:
    """Compare lists of scalars that several writers share."""
    patch: Json = {}
    if added := [value for value in wanted if value not in current]:
        patch[name] = added
    if gone := [value for value in original if value not in wanted and value in current]:
        patch[f"$deleteFromPrimitiveList/{name}"] = gone
    if patch:
        patch[f"$setElementOrder/{name}"] = list(wanted)
    return patch


def _plan_items(name: str, original: list[Json], wanted: list[Json], current: list[Json], shape: Shape) -> Json:
    """Compare lists whose items are known by a key, such as containers by name."""
    key = str(shape.merge_key)
    before, there = ({item[key]: item for item in items} for items in (original, current))
    item_shape = Shape(shape.model)
    items: list[Json] = []
    for item in wanted:
        value = item[key]
        if value not in there:
            items.append(item)
        elif nested := plan_patch(before.get(value, {}), item, there[value], item_shape):
            items.append(nested | {key: value})
    order = [item[key] for item in wanted]
    gone = [value for value in before if value not in order and value in there]
    items += [{"$patch": "delete", key: value} for value in gone]
    in_place = [value for value in there if value in order] == [value for value in order if value in there]
    if not items and in_place:
        return {}
    patch: Json = {f"$setElementOrder/{name}": [{key: value} for value in order]}
    return patch | ({name: items} if items else {})


def _keyed(items: list[Any], key: str) -> bool:
    """Tell whether every item has the key, and each a value of its own; else the list can only be replaced."""
    values = [item.get(key) if isinstance(item, dict) else None for item in items]
    return None not in values and len(set(values)) == len(values)
