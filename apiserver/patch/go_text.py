"""Values as Go's fmt package prints them, for messages that have to read as upstream's do.

Source: Go standard library, package fmt.
"""

import json
from typing import Any, Final

_TYPES: Final = {bool: "bool", int: "int64", float: "float64", str: "string", type(None): "<nil>"}


def go_text(value: Any, *, syntax: bool = False) -> str:
    """Write a value as ``%v`` does, ``map[image:nginx name:web]``; with ``syntax`` as ``%#v`` does, as Go source."""
    return _source(value) if syntax else _plain(value)


def go_type(value: Any) -> str:
    """Name the type that a JSON value has in a Go program, as ``%T`` does."""
    if isinstance(value, dict):
        return "map[string]interface {}"
    return "[]interface {}" if isinstance(value, list) else _TYPES[type(value)]


def _plain(value: Any) -> str:
    match value:
        case dict():
            return "map[" + " ".join(f"{key}:{_plain(value[key])}" for key in sorted(value)) + "]"
        case list():
            return "[" + " ".join(map(_plain, value)) + "]"
        case None:
            return "<nil>"
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _source(value: Any) -> str:
    match value:
        case dict():
            members = ", ".join(f"{json.dumps(key)}:{_source(value[key])}" for key in sorted(value))
            return f"map[string]interface {{}}{{{members}}}"
        case list():
            return "[]interface {}{" + ", ".join(map(_source, value)) + "}"
        case None:
            return "interface {}(nil)"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return _plain(value)
