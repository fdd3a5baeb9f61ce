"""Continue tokens: where the next page of a list starts, and at which revision, told to the client in one opaque word.

The form is upstream's: a JSON object in base64, with the key to start from relative to the list's own prefix.

Source: Kubernetes documents, "API concepts: retrieving large results sets in chunks".
"""

import base64
import posixpath
import re
from typing import Any, Final

import orjson

from naru.api.errors import BadRequest, Gone

LATEST: Final = -1  # instead of a revision: go on with the objects as they are now, since the past is forgotten

_VERSION: Final = "meta.k8s.io/v1"
_NOT_BASE64: Final = re.compile(r"[^A-Za-z0-9_-]")
_VALUE_START: Final = '{["-0123456789tfn'


def continue_token(revision: int, start: str) -> str:
    """Name the place where the next page starts.

    Args:
        revision: of the list, or LATEST.
        start: the smallest key of the next page, without the prefix of the list.
    """
    place = {"v": _VERSION, "rv": revision, "start": start}
    return base64.urlsafe_b64encode(orjson.dumps(place)).rstrip(b"=").decode()


def parse_continue(token: str) -> tuple[int, str]:
    """Return the revision and the start of a token.

    Raises:
        BadRequest: this server never gave out such a token.
    """
    place = _decode(token)
    if place.get("v", "") != _VERSION:
        raise _invalid(f": server does not recognize this encoded version {place.get('v', '')}")
    revision, start = place.get("rv", 0), place.get("start", "")
    if not isinstance(revision, int) or not isinstance(start, str):
        raise _invalid(": json: cannot unmarshal a value of another type")
    if not revision:
        raise _invalid(f": incorrect encoded start resourceVersion (version {_VERSION})")
    if not start:
        raise _invalid(f": encoded start key empty (version {_VERSION})")
    key = f"/{start.removeprefix('/')}"
    if posixpath.normpath(key) != key:  # nobody climbs out of the list's prefix
        raise _invalid(f": {start}")
    return revision, key[1:]


def _decode(token: str) -> dict[str, Any]:
    wrong = _NOT_BASE64.search(token)
    if wrong or len(token) % 4 == 1:
        raise _invalid(f": illegal base64 data at input byte {wrong.start() if wrong else len(token) - 1}")
    data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    try:
        place = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise _invalid(f": {_json_problem(data)}") from None
    if not isinstance(place, dict):
        raise _invalid(": json: cannot unmarshal a value of another type")
    return place


def _json_problem(data: bytes) -> str:
    text = data.decode(errors="replace").lstrip()
    if not text or text[0] in _VALUE_START:
        return "unexpected end of JSON input"
    return f"invalid character '{text[0]}' looking for beginning of value"


def _invalid(why: str) -> BadRequest:
    return BadRequest(f"invalid continue token: continue key is not valid{why}")


def expired() -> Gone:
    """Build the 410 for a list at a revision that is forgotten."""
    return Gone("The resourceVersion for the provided list is too old.")


class PageExpired(Gone):
    """The revision of a list is forgotten before its last page; a token tells how to go on nevertheless."""

    def __init__(self, start: str) -> None:
        super().__init__(
            "The provided continue parameter is too old to display a consistent list result. You can start a new "
            "list without the continue parameter, or use the continue token in this response to retrieve the "
            "remainder of the results. Continuing with the provided token results in an inconsistent list - objects "
            "that were created, modified, or deleted between the time the first chunk was returned and now may show "
            "up in the list."
        )
        self.token = continue_token(LATEST, start)

    def status(self) -> dict[str, Any]:
        """Return the Status with the token in its metadata."""
        return {**super().status(), "metadata": {"continue": self.token}}
