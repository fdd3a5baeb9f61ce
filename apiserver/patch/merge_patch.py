"""JSON merge patch: the patch looks like the object, null removes, lists are replaced whole.

Source: RFC 7386.
"""

from typing import Any

from apiserver.patch.document import decode_object
from naru.api.errors import BadRequest


def apply_merge_patch(original: dict[str, Any], patch: bytes) -> dict[str, Any]:
    """Return the object with the merge patch applied; the input stays as it was.

    Raises:
        BadRequest: the patch is not a JSON object.
    """
    document = decode_object(patch)
    if patch.strip() == b"null":
        raise BadRequest("Invalid JSON Patch")
    return merged(original, document)


def merged(target: object, patch: dict[str, Any]) -> dict[str, Any]:
    """Merge a patch into a value; what is no object counts as an empty one (RFC 7386 section 2)."""
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged(result.get(key), value)
        else:
            result[key] = value
    return result
