"""Reading a patch's bytes, and the refusals that the engines share."""

from typing import Any, Final

import orjson

from naru.api.errors import BadRequest, Invalid

REJECTED: Final = "the server rejected our request due to an error in our request"  # upstream's words, for every cause


def decode(patch: bytes) -> Any:
    """Read a patch as JSON.

    Raises:
        BadRequest: it is not JSON.
    """
    try:
        return orjson.loads(patch)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"error decoding patch: invalid JSON: {error}") from error


def decode_object(patch: bytes) -> dict[str, Any]:
    """Read a patch that has to be a JSON object.

    Raises:
        BadRequest: it is not JSON, or JSON of another type.
    """
    document = decode(patch)
    if not isinstance(document, dict):
        raise BadRequest(f"error decoding patch: expected an object, but received {json_type(document)}")
    return document


def rejected(why: str) -> Invalid:
    """Build the 422 for a patch that does not fit the object: upstream's sentence, then the reason it leaves out."""
    return Invalid(f"{REJECTED}: {why}")


def json_type(value: object) -> str:
    """Name a value's JSON type, with its article."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"
