"""Reading a patch's bytes, and the refusals that the engines share.

Upstream tells a client little about a patch that does not fit: one sentence for every cause of a 422. What its
strategic engine did not foresee is a 500, with the reason.

Source: k8s.io/apiserver, endpoints/handlers/patch.go.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from apiserver.bodies.malformed import syntax_error
from apiserver.bodies.parsing import Malformed, parse_json
from naru.api.errors import BadRequest, InternalError, Invalid
from naru.api.strict import Repeating, child

REJECTED: Final = "the server rejected our request due to an error in our request"  # upstream's words, for every cause
PREFIX: Final = "error decoding patch: "

_JSON_NAMES: Final = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}


def decode(patch: bytes, prefix: str = PREFIX) -> Any:
    """Read a patch as JSON.

    Raises:
        BadRequest: it is not JSON.
    """
    try:
        return parse_json(patch)
    except Malformed:
        raise BadRequest(f"{prefix}{syntax_error(patch)}") from None


def decode_object(patch: bytes, prefix: str = PREFIX) -> dict[str, Any]:
    """Read a patch that has to be a JSON object; null stands for an empty one.

    Raises:
        BadRequest: it is not JSON, or JSON of another type.
    """
    document = decode(patch, prefix)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise mismatch(document, "Go value of type map[string]interface {}", prefix)
    return document


def mismatch(value: Any, wanted: str, prefix: str = PREFIX) -> BadRequest:
    """Build the 400 for a value of the wrong type, in the words of Go's decoder."""
    return BadRequest(f"{prefix}json: cannot unmarshal {json_name(value)} into {wanted}")


def json_name(value: Any) -> str:
    """Name a value's JSON type as Go's decoder does."""
    return next(name for kind, name in _JSON_NAMES.items() if isinstance(value, kind))


def rejected() -> Invalid:
    """Build the 422 for a patch that does not fit the object."""
    return Invalid(REJECTED, details={})


def unforeseen(why: str) -> InternalError:
    """Build the 500 for a strategic merge patch that breaks a rule of its own form."""
    return InternalError(why, reason="")


def repeated_fields(value: Any, path: str = "") -> Iterator[str]:
    """Return the paths of fields that a patch gives more than once."""
    if isinstance(value, dict):
        pairs = value.pairs if isinstance(value, Repeating) else ()
        yield from (child(path, name) for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        for name, item in value.items():
            yield from repeated_fields(item, child(path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from repeated_fields(item, f"{path}[{index}]")
