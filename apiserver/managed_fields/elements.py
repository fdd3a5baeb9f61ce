"""Path elements: one step into a document, as the texts that fieldsV1 is made of.

=====================  ===================================================================
``f:NAME``             a field of an object, or a key of a map
``k:{"name":"web"}``   the item of a list whose key fields have these values
``v:"text"``           the item of a set that has this value
``i:0``                the item at this place (old writers made such; nothing here does)
``.``                  in a fieldsV1 tree: the field itself belongs to the set, beside what is in it
=====================  ===================================================================

An element is compared as text, so the same step must always give the same text: :func:`canonical` sees to it.

Source: Kubernetes API reference, meta/v1 FieldsV1; structured-merge-diff, "fieldpath".
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import orjson

SELF: Final = "."

_HTML: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})  # as Go's encoder writes them
_RANKS: Final = {"f": 0, "k": 1, "v": 2, "i": 3}


class MalformedElement(Exception):
    """The text is no path element."""


def json_text(value: Any) -> str:
    """Write a value as JSON the one way that elements have it: keys sorted, no spaces."""
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    return text.translate(_HTML) if "<" in text or ">" in text or "&" in text else text


def key_element(keys: Mapping[str, Any]) -> str:
    """Name an item of a list by its key fields."""
    return "k:" + json_text(keys)


def value_element(value: Any) -> str:
    """Name an item of a set."""
    return "v:" + json_text(value)


@lru_cache(maxsize=4096)
def canonical(element: str) -> str | None:
    """Return the one way to write an element; None for a kind of element that only a later version knows.

    Raises:
        MalformedElement: it is no element.
    """
    kind, content = element[:1], element[2:]
    if element[1:2] != ":":
        raise MalformedElement(f"missing colon: {element}")
    match kind:
        case "f":
            return element
        case "k" | "v":
            value = _json(content)
            if kind == "k" and not isinstance(value, dict):
                raise MalformedElement(f"not the keys of an item: {element}")
            return f"{kind}:{json_text(value)}"
        case "i":
            if not content.lstrip("+-").isdecimal():
                raise MalformedElement(f"not an index: {element}")
            return f"i:{int(content)}"
        case _:
            return None


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MalformedElement(f"{text}: {error}") from error


@lru_cache(maxsize=4096)
def order(element: str) -> tuple[Any, ...]:
    """Return what elements are sorted by: their kind, then numbers as numbers and texts as texts."""
    kind, content = element[:1], element[2:]
    if kind == "k":
        return (_RANKS["k"], *((name, _comparable(value)) for name, value in sorted(orjson.loads(content).items())))
    if kind in ("v", "i"):
        return (_RANKS[kind], _comparable(orjson.loads(content)))
    return (_RANKS["f"], content)


def _comparable(value: Any) -> tuple[int, Any]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return 0, value
    return 1, value if isinstance(value, str) else json_text(value)


def display(element: str) -> str:
    """Write an element as messages show paths: ``.spec``, ``[name="web"]``, ``[="a"]``, ``[0]``."""
    kind, content = element[:1], element[2:]
    match kind:
        case "k":
            return "[" + ",".join(f"{name}={_shown(value)}" for name, value in orjson.loads(content).items()) + "]"
        case "v":
            return f"[={_shown(orjson.loads(content))}]"
        case "i":
            return f"[{content}]"
        case _:
            return f".{content}"


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
