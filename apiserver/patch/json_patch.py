"""JSON patch: a list of operations, each at a JSON pointer; all of them apply or none.

A document is never changed in place: an operation rebuilds the containers on its path and shares the rest, which
makes ``copy`` cheap and a failed patch harmless.

Source: RFC 6902, and RFC 6901 for the pointers. Where the API server of Kubernetes is more lenient than the RFC it is
followed, because clients rely on it: a missing value is null, ``replace`` creates a missing member of an object,
``copy`` of one gives null, a list index may be negative, counted from the end, and what stands before a pointer's first
slash is ignored. Nor does it say what is wrong: see :mod:`apiserver.patch.document`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from apiserver.patch.document import PREFIX, decode, mismatch, rejected
from naru.api.errors import RequestEntityTooLarge

MAX_OPERATIONS: Final = 10_000  # upstream's limit
MAX_COPIED_BYTES: Final = 3 * 1024 * 1024  # upstream's limit: copies of copies grow without end otherwise
FIELDS: Final = ("op", "path", "from", "value")

_INDEX: Final = re.compile(r"[+-]?[0-9]+")
_OPERATION: Final = "handlers.jsonPatchOp"  # the Go type that messages name

Pointer = tuple[str, ...]
Edit = Callable[[Any, str], Any]  # (container, last token) -> the container after the edit


class PatchFailed(Exception):
    """One operation does not fit the document; carries the reason, for the log of a debugger: no client learns it."""


@dataclass
class CopyBudget:
    """How many bytes the copies of one patch may still add."""

    left: int = field(default=MAX_COPIED_BYTES)

    def spend(self, value: Any) -> None:
        """Take the encoded size of a copied value off the budget.

        Raises:
            PatchFailed: the budget is used up.
        """
        self.left -= len(orjson.dumps(value))
        if self.left < 0:
            raise PatchFailed(f"the copies add more than {MAX_COPIED_BYTES} bytes")


def apply_json_patch(original: dict[str, Any], patch: bytes) -> Any:
    """Return the document after all operations, which may make a list of it; the input stays as it was.

    Raises:
        BadRequest: the patch is not a list of well-formed operations.
        Invalid: an operation does not fit the document.
        RequestEntityTooLarge: too many operations.
    """
    document: Any = original
    budget = CopyBudget()
    for operation in parse_operations(patch):
        try:
            document = _apply(document, operation, budget)
        except PatchFailed as error:
            raise rejected() from error
    return document


def parse_operations(patch: bytes) -> list[dict[str, Any]]:
    """Check the form of a JSON patch, without looking at any document.

    Raises:
        BadRequest: not a list of objects, or one of their fields is no text.
        RequestEntityTooLarge: more than ``MAX_OPERATIONS``.
    """
    operations = decode(patch)
    if operations is None:
        return []
    if not isinstance(operations, list):
        raise mismatch(operations, f"Go value of type []{_OPERATION}")
    for operation in operations:
        _check_types(operation)
    if len(operations) > MAX_OPERATIONS:
        raise RequestEntityTooLarge(
            "Request entity too large: "
            f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}"
        )
    return [operation or {} for operation in operations]


def _check_types(operation: Any) -> None:
    if operation is None:
        return
    if not isinstance(operation, dict):
        raise mismatch(operation, f"Go value of type {_OPERATION}", PREFIX)
    for name in ("op", "path", "from"):
        value = operation.get(name)
        if value is not None and not isinstance(value, str):
            raise mismatch(value, f"Go struct field jsonPatchOp.{name} of type string", PREFIX)


def unknown_fields(operations: list[Any]) -> list[str]:
    """Return the paths of what no operation has."""
    pairs = enumerate(operation or {} for operation in operations)
    return [f"[{index}].{name}" for index, operation in pairs for name in operation if name not in FIELDS]


def _pointer(operation: dict[str, Any], name: str) -> Pointer:
    """Read a pointer; the empty one, for the whole document, has no tokens."""
    text = operation.get(name)
    if text is None:
        raise PatchFailed(f"the operation has no {name}")
    if text == "":
        return ()
    tokens = text.split("/")[1:]
    if not tokens:
        raise PatchFailed(f"{text!r} is no pointer")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in tokens)


def _apply(document: Any, operation: dict[str, Any], budget: CopyBudget) -> Any:
    value = operation.get("value")
    match operation.get("op"):
        case "add":
            return _add(document, _pointer(operation, "path"), value)
        case "remove":
            return _edit(document, _pointer(operation, "path"), _remove_member)
        case "replace":
            return _replace(document, _pointer(operation, "path"), value)
        case "move":
            return _move(document, _pointer(operation, "from"), _pointer(operation, "path"))
        case "copy":
            copied = _get(document, _pointer(operation, "from"))
            path = _pointer(operation, "path")
            budget.spend(copied)
            return _add(document, path, copied)
        case "test":
            _test(document, _pointer(operation, "path"), value)
            return document
        case other:
            raise PatchFailed(f"there is no operation {other!r}")


def _add(document: Any, path: Pointer, value: Any) -> Any:
    return _edit(document, path, lambda container, token: _insert_member(container, token, value))


def _replace(document: Any, path: Pointer, value: Any) -> Any:
    if path:
        return _edit(document, path, lambda container, token: _set_member(container, token, value))
    if not isinstance(value, dict | list):
        raise PatchFailed("the whole document can only be replaced by an object or a list")
    return value


def _move(document: Any, source: Pointer, path: Pointer) -> Any:
    if not source:
        raise PatchFailed("the whole document cannot be moved")
    value = _get(document, source)
    return _add(_edit(document, source, _remove_member), path, value)


def _test(document: Any, path: Pointer, wanted: Any) -> None:
    if not _equal(_get(document, path), wanted):
        raise PatchFailed("the value is another one: test failed")


def _equal(left: Any, right: Any) -> bool:
    """Compare as JSON texts: unlike in Python, true is not 1, and 1.0 is not 1."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return type(left) is type(right) and bool(left == right)


def _get(document: Any, path: Sequence[str]) -> Any:
    """Return the value at a path; a missing member of the innermost object is null."""
    if not path:
        return document
    for token in path[:-1]:
        document = _container(document, token)
    if isinstance(document, dict):
        return document.get(path[-1])
    return _member(document, path[-1])


def _edit(document: Any, path: Pointer, edit: Edit) -> Any:
    """Rebuild the containers along the path, with the edit made in the innermost."""
    if not path:
        raise PatchFailed("the whole document can only be replaced")
    token, rest = path[0], path[1:]
    if not rest:
        return edit(document, token)
    return _set_member(document, token, _edit(_container(document, token), rest, edit))


def _container(document: Any, token: str) -> Any:
    """Step into an object or a list."""
    inner = _member(document, token)
    if not isinstance(inner, dict | list):
        raise PatchFailed(f"there is no {token!r} to step into: missing value")
    return inner


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
    return {**container, token: value}


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
