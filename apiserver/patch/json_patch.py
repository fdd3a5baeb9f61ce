"""JSON patch: a list of operations, each at a JSON pointer; all of them apply or none.

A document is never changed in place: an operation rebuilds the containers on its path and shares the rest, which
makes ``copy`` cheap and a failed patch harmless.

Source: RFC 6902, and RFC 6901 for the pointers. Where the API server of Kubernetes is more lenient than the RFC it is
followed, because clients rely on it: ``replace`` creates a missing member of an object, and a list index may be
negative, counted from the end.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from apiserver.patch.document import decode, json_type, rejected
from naru.api.errors import BadRequest, RequestEntityTooLarge

MAX_OPERATIONS: Final = 10_000  # upstream's limit
MAX_COPIED_BYTES: Final = 3 * 1024 * 1024  # upstream's limit: copies of copies grow without end otherwise

_INDEX: Final = re.compile(r"-?(0|[1-9][0-9]*)")
_BAD_ESCAPE: Final = re.compile(r"~(?![01])")

Pointer = tuple[str, ...]
Edit = Callable[[Any, str], Any]  # (container, last token) -> the container after the edit


class PatchFailed(Exception):
    """One operation does not fit the document; carries the reason alone."""


@dataclass(frozen=True)
class Operation:
    """One checked operation; ``source`` is given for move and copy."""

    op: str
    path: Pointer
    source: Pointer = ()
    value: Any = None


@dataclass
class CopyBudget:
    """How many bytes the copies of one patch may still add."""

    left: int = field(default=MAX_COPIED_BYTES)

    def spend(self, value: Any) -> None:
        """Take the encoded size of a copied value off the budget.

        Raises:
            RequestEntityTooLarge: the budget is used up.
        """
        self.left -= len(orjson.dumps(value))
        if self.left < 0:
            raise RequestEntityTooLarge(f"the copy operations of a JSON patch may add at most {MAX_COPIED_BYTES} bytes")


def apply_json_patch(original: dict[str, Any], patch: bytes) -> dict[str, Any]:
    """Return the document after all operations; the input stays as it was.

    Raises:
        BadRequest: the patch is not a list of well-formed operations.
        Invalid: an operation does not fit the document, or what comes out is no object.
        RequestEntityTooLarge: too many operations, or copies that add too much.
    """
    document: Any = original
    budget = CopyBudget()
    for number, operation in enumerate(parse_operations(patch)):
        try:
            document = _apply(document, operation, budget)
        except PatchFailed as error:
            where = "/".join(("", *operation.path))
            raise rejected(f"operation {number} ({operation.op} {where}): {error}") from error
    if not isinstance(document, dict):
        raise rejected(f"the patched document is {json_type(document)}, not an object")
    return document


def parse_operations(patch: bytes) -> list[Operation]:
    """Check the form of a JSON patch, without looking at any document.

    Raises:
        BadRequest: not a list of operations that have what RFC 6902 section 4 asks of them.
        RequestEntityTooLarge: more than ``MAX_OPERATIONS``.
    """
    raw = decode(patch)
    if not isinstance(raw, list):
        raise BadRequest(f"error decoding patch: expected a list of operations, but received {json_type(raw)}")
    if len(raw) > MAX_OPERATIONS:
        raise RequestEntityTooLarge(
            f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(raw)}"
        )
    return [_parse_operation(number, item) for number, item in enumerate(raw)]


def _parse_operation(number: int, raw: Any) -> Operation:
    where = f"error decoding patch: operation {number}"
    if not isinstance(raw, dict):
        raise BadRequest(f"{where}: expected an object, but received {json_type(raw)}")
    op = raw.get("op")
    if op not in ("add", "remove", "replace", "move", "copy", "test"):
        raise BadRequest(f"{where}: unsupported op {op!r}")
    if op in ("add", "replace", "test") and "value" not in raw:
        raise BadRequest(f"{where}: {op} without a value")
    source = _pointer(raw.get("from"), f"{where}: from") if op in ("move", "copy") else ()
    return Operation(op, _pointer(raw.get("path"), f"{where}: path"), source, raw.get("value"))


def _pointer(text: Any, where: str) -> Pointer:
    if not isinstance(text, str):
        raise BadRequest(f"{where}: expected a JSON pointer, but received {json_type(text)}")
    if text == "":
        return ()
    if not text.startswith("/") or _BAD_ESCAPE.search(text):
        raise BadRequest(f"{where}: {text!r} is not a JSON pointer")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in text[1:].split("/"))


def _apply(document: Any, operation: Operation, budget: CopyBudget) -> Any:
    match operation.op:
        case "add":
            return _add(document, operation.path, operation.value)
        case "remove":
            return _edit(document, operation.path, _remove_member)
        case "replace":
            return _replace(document, operation.path, operation.value)
        case "move":
            return _move(document, operation.source, operation.path)
        case "copy":
            value = _get(document, operation.source)
            budget.spend(value)
            return _add(document, operation.path, value)
        case _:
            _test(document, operation.path, operation.value)
            return document


def _add(document: Any, path: Pointer, value: Any) -> Any:
    return _edit(document, path, lambda container, token: _insert_member(container, token, value)) if path else value


def _replace(document: Any, path: Pointer, value: Any) -> Any:
    return _edit(document, path, lambda container, token: _set_member(container, token, value)) if path else value


def _move(document: Any, source: Pointer, path: Pointer) -> Any:
    if path[: len(source)] == source and path != source:
        raise PatchFailed("a value cannot be moved into itself")
    value = _get(document, source)
    return document if path == source else _add(_edit(document, source, _remove_member), path, value)


def _test(document: Any, path: Pointer, wanted: Any) -> None:
    try:
        found = _get(document, path)
    except PatchFailed:
        if wanted is None and len(path) > 0 and isinstance(_get(document, path[:-1]), dict):
            return  # upstream: a missing member equals null
        raise
    if not _equal(found, wanted):
        raise PatchFailed(f"the value is {orjson.dumps(found).decode()[:200]}: test failed")


def _equal(left: Any, right: Any) -> bool:
    """Compare as JSON does: unlike in Python, true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)


def _get(document: Any, path: Sequence[str]) -> Any:
    for token in path:
        document = _member(document, token)
    return document


def _edit(document: Any, path: Pointer, edit: Edit) -> Any:
    """Rebuild the containers along the path, with the edit made in the innermost."""
    if not path:
        raise PatchFailed("the whole document cannot be removed")
    token, rest = path[0], path[1:]
    if not rest:
        return edit(document, token)
    return _set_member(document, token, _edit(_member(document, token), rest, edit))


def _member(container: Any, token: str) -> Any:
    if isinstance(container, list):
        return container[_index(token, len(container))]
    if isinstance(container, dict) and token in container:
        return container[token]
    raise PatchFailed(f"the document has no {token!r} there: missing value")


def _set_member(container: Any, token: str, value: Any) -> Any:
    if isinstance(container, list):
        changed = list(container)
        changed[_index(token, len(container))] = value
        return changed
    if isinstance(container, dict):
        return {**container, token: value}
    raise PatchFailed(f"{json_type(container)} has no members, so no {token!r}: missing value")


def _insert_member(container: Any, token: str, value: Any) -> Any:
    if not isinstance(container, list):
        return _set_member(container, token, value)
    position = len(container) if token == "-" else _index(token, len(container) + 1)
    return [*container[:position], value, *container[position:]]


def _remove_member(container: Any, token: str) -> Any:
    _member(container, token)
    if isinstance(container, list):
        position = _index(token, len(container))
        return [*container[:position], *container[position + 1 :]]
    return {key: value for key, value in container.items() if key != token}


def _index(token: str, length: int) -> int:
    if not _INDEX.fullmatch(token):
        raise PatchFailed(f"{token!r} is not a list index")
    position = int(token)
    if not -length <= position < length:
        raise PatchFailed(f"index {token} is outside of the list")
    return position % length
