"""The patch engines: how a PATCH request changes the document of an object.

Flow: body -> *JSON patch, merge patch or strategic merge patch* -> decode -> default -> admit -> validate -> store.
All of it works on the wire form (dicts and lists, as ``Model.wire`` gives them) and never changes its input, so that
a write that lost a race can apply the same patch to the newer object.
"""

from typing import Any, Final

from pydantic import BaseModel

from apiserver.patch.document import decode, repeated_fields
from apiserver.patch.json_patch import apply_json_patch, unknown_fields
from apiserver.patch.merge_patch import apply_merge_patch
from apiserver.patch.strategic import apply_strategic_patch
from naru.api.errors import UnsupportedMediaType

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH: Final = "application/strategic-merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"  # its engine is apiserver.managed_fields

PATCH_TYPES: Final = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, APPLY_PATCH)


def patch_type(content_type: str) -> str:
    """Return the media type of a patch without its parameters.

    Raises:
        UnsupportedMediaType: no engine reads this type.
    """
    media_type = content_type.partition(";")[0]
    if media_type not in PATCH_TYPES:
        accepted = ", ".join(PATCH_TYPES)
        raise UnsupportedMediaType(
            f"the body of the request was in an unknown format - accepted media types include: {accepted}"
        )
    return media_type


def apply(content_type: str, original: dict[str, Any], patch: bytes, model: type[BaseModel]) -> Any:
    """Apply a patch to an object's wire form and return the new one; ``model`` tells how its lists merge.

    Raises:
        BadRequest: the patch is not well-formed.
        Invalid: the patch is well-formed and does not fit the object.
        RequestEntityTooLarge: the patch has too many operations.
        InternalError: a strategic merge patch breaks a rule of its own form; upstream answers so.
    """
    match content_type:
        case "application/json-patch+json":
            return apply_json_patch(original, patch)
        case "application/merge-patch+json":
            return apply_merge_patch(original, patch)
        case _:
            return apply_strategic_patch(original, patch, model)


def strict_problems(content_type: str, patch: bytes) -> list[str]:
    """Say what strict decoding finds wrong with a well-formed patch itself: fields given twice, or unknown ones."""
    document = decode(patch)
    prefix = "json patch " if content_type == JSON_PATCH else ""
    unknown = unknown_fields(document) if content_type == JSON_PATCH and document else []
    problems = [f'duplicate field "{path}"' for path in repeated_fields(document)]
    return [prefix + problem for problem in [*problems, *(f'unknown field "{path}"' for path in unknown)]]
