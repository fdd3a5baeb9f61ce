"""Query: the parameters of a URL, read as upstream reads them.

A number is what Go's ``strconv.ParseInt`` takes. A flag is set by any value but ``0`` and ``false``: ``?watch=`` and
``?watch=no`` start a watch.

Source: Kubernetes documents, "API Concepts"; the conversions of url.Values in k8s.io/apimachinery.
"""

import re
from typing import Final

from aiohttp import web

from naru.api.errors import BadRequest

_NUMBER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_TRUE: Final = ("1", "t", "T", "TRUE", "true", "True")
_INT64: Final = range(-(2**63), 2**63)


def is_true(text: str, *, strictly: bool = False) -> bool:
    """Read a flag that is given; ``strictly`` takes for true only what Go's ``strconv.ParseBool`` does."""
    return text in _TRUE if strictly else text != "0" and text.lower() != "false"


def flag(request: web.Request, name: str) -> bool:
    """Read a flag; one that is not given is false."""
    return bool(request.query_string) and name in request.query and is_true(request.query[name])


def optional_flag(request: web.Request, name: str) -> bool | None:
    """Read a flag that may also be left open."""
    return is_true(request.query[name]) if name in request.query else None


def number(request: web.Request, name: str) -> int | None:
    """Read a number; None when it is not given.

    Raises:
        BadRequest: it is no number of 64 bits.
    """
    if not request.query_string or name not in request.query:
        return None
    return parse_int(request.query[name])


def parse_int(text: str) -> int:
    """Read a decimal number of 64 bits.

    Raises:
        BadRequest: it is none.
    """
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    if not _NUMBER.fullmatch(text):
        raise BadRequest(f'strconv.ParseInt: parsing "{quoted}": invalid syntax')
    if len(text) > 20 or int(text) not in _INT64:
        raise BadRequest(f'strconv.ParseInt: parsing "{quoted}": value out of range')
    return int(text)
