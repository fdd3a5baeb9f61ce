"""Merging what somebody applies into an object: it wins leaf by leaf, and what it does not mention stays.

Source: structured-merge-diff, "typed" (Merge).
"""

from collections import deque
from typing import Any

from apiserver.managed_fields.types import Type


def merged(kind: Type, live: Any, applied: Any) -> Any:
    """Merge two values that are both there; the inputs stay as they were."""
    if not (live or applied) or kind.is_leaf(live) or kind.is_leaf(applied):
        return applied
    if isinstance(live, dict | None) and isinstance(applied, dict | None):
        return _merged_members(kind, live or {}, applied or {})
    if isinstance(live, list | None) and isinstance(applied, list | None):
        return _merged_items(kind, live or [], applied or [])
    return applied


def _merged_members(kind: Type, live: dict[str, Any], applied: dict[str, Any]) -> dict[str, Any]:
    result = dict(live)
    for name, item in applied.items():
        result[name] = merged(kind.member(name), live[name], item) if name in live else item
    return result


def _merged_items(kind: Type, live: list[Any], applied: list[Any]) -> list[Any]:
    """Merge item by item, in an order that respects both lists.

    Items of both take the order of ``applied``. An item that only the object has goes where it stood: before the next
    item of its own list; one that only ``applied`` has goes behind the item that it follows there.
    """
    assert kind.items is not None
    theirs = {kind.element(item): item for item in applied}
    ours = [(kind.element(item), item) for item in live]
    counts: dict[str, list[Any]] = {}
    for element, item in ours:
        counts.setdefault(element, []).append(item)
    shared = deque(element for element in theirs if element in counts)
    left, right = deque(ours), deque(theirs.items())
    done: set[str] = set()
    result = []
    while left or right:
        step = _next_step(left, right, shared, theirs, done)
        if step == "skip":
            left.popleft()
        elif step == "keep":
            result.append(left.popleft()[1])
        else:
            element, item = right.popleft()
            done.add(element)
            same = counts.get(element, [])
            result.append(merged(kind.items, same[0], item) if len(same) == 1 else item)
            if shared and shared[0] == element:
                shared.popleft()
            if left and left[0][0] == element:
                left.popleft()
    return result


def _next_step(
    left: deque[tuple[str, Any]],
    right: deque[tuple[str, Any]],
    shared: deque[str],
    theirs: dict[str, Any],
    done: set[str],
) -> str:
    """Decide what comes next: keep an item of the object, skip it (its place is elsewhere), or take an applied one."""
    if not left:
        return "take"
    element = left[0][0]
    if element not in theirs:
        return "keep"
    if element in done:
        return "skip"
    if right and element == right[0][0]:
        return "take"
    if right and shared and shared[0] != element:
        return "skip"
    return "take"
