"""The order of merged lists in a strategic merge patch.

Items in the patch, or in its ``$setElementOrder`` list, take the order that they have there. The others keep the order
of the object, and the two runs are interleaved: an item that the patch does not know goes before the first known item
that it preceded in the object.

Source: Kubernetes design proposals, "Preserve order in Strategic Merge Patch".
"""

from collections.abc import Iterable
from typing import Any

from apiserver.patch.document import unforeseen
from apiserver.patch.go_text import go_text, go_type


def ordered(merged: list[Any], order: list[Any], original: list[Any], key: str) -> list[Any]:
    """Sort a merged list: items in ``order`` take its order, the others keep the one they had in ``original``."""
    known_ranks, live_ranks = _ranks(order, key), _ranks(original, key)
    values = [(_rank_key(item, key), item) for item in merged]
    known = sorted((v for v in values if v[0] in known_ranks), key=lambda v: known_ranks[v[0]])
    others = sorted((v for v in values if v[0] not in known_ranks), key=lambda v: live_ranks.get(v[0], len(values)))
    result: list[Any] = []
    for value, item in known:
        here = live_ranks.get(value, -1)
        while others and live_ranks.get(others[0][0], len(values)) < here:
            result.append(others.pop(0)[1])
        result.append(item)
    return [*result, *(item for _, item in others)]


def check_order(patch: list[Any], plain: list[Any], order: list[Any], key: str) -> None:
    """Refuse a patch whose items do not come in the order that the same patch asks for.

    Args:
        patch: its items.
        plain: those of them that are no directives.

    Raises:
        InternalError: they do not, or have no key; upstream answers so.
    """
    if not order or not patch:
        return
    remaining = iter(_keys(order, key))
    if not all(value in remaining for value in _keys(plain, key)):  # `in` consumes the iterator up to the match
        raise unforeseen(
            f"The order in patch list:\n{go_text(patch)}\n doesn't match $setElementOrder list:\n{go_text(order)}\n"
        )


def _keys(items: Iterable[Any], key: str) -> list[Any]:
    return [key_value(item, key) if key else item for item in items]


def _ranks(items: list[Any], key: str) -> dict[Any, int]:
    ranks: dict[Any, int] = {}
    for position, item in enumerate(items):
        ranks.setdefault(_rank_key(item, key), position)
    return ranks


def _rank_key(item: Any, key: str) -> Any:
    value = key_value(item, key) if key else item
    if isinstance(value, dict | list):
        raise unforeseen(f"expected a string, but received a {go_type(value)}")
    return value


def key_value(item: Any, key: str) -> Any:
    """Return the merge key of an item.

    Raises:
        InternalError: it has none; upstream answers so.
    """
    if not isinstance(item, dict):
        raise unforeseen(f"expected a map[string]interface {{}}, but received a {go_type(item)}")
    if key not in item:
        raise unforeseen(f"map: {go_text(item)} does not contain declared merge key: {key}")
    return item[key]
