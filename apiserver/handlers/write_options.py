"""Options of a write: who writes (``fieldManager``), and what else every create, update and patch checks.

Source: apimachinery, "meta/v1/validation" (ValidateCreateOptions, ValidatePatchOptions).
"""

import json
from typing import Final

from apiserver.handlers.body import VALIDATIONS
from apiserver.handlers.call import DRY_RUN_ALL, Call
from apiserver.patch import APPLY_PATCH
from naru.api.errors import FieldError, invalid

MAX_MANAGER_BYTES: Final = 128

CREATE: Final = "CreateOptions"
UPDATE: Final = "UpdateOptions"
PATCH: Final = "PatchOptions"


def check_write_options(call: Call, kind: str, patch_type: str = "") -> None:
    """Refuse parameters that make no sense, all of them at once.

    Raises:
        Invalid: there are some.
    """
    query = call.request.query
    if not query and patch_type != APPLY_PATCH:
        return
    errors = _patch_errors(call, patch_type) if kind == PATCH else []
    errors += _manager_errors(query.get("fieldManager", ""))
    asked = query.getall("dryRun", [])
    if any(value != DRY_RUN_ALL for value in asked):
        errors.append(_unsupported("dryRun", json.dumps(asked, separators=(",", ":")), (DRY_RUN_ALL,)))
    validation = query.get("fieldValidation", "")
    if validation not in ("", *VALIDATIONS):
        errors.append(_unsupported("fieldValidation", json.dumps(validation), ("", *sorted(VALIDATIONS))))
    if errors:
        raise invalid("meta.k8s.io", kind, "", errors)


def _patch_errors(call: Call, patch_type: str) -> list[FieldError]:
    query = call.request.query
    if patch_type == APPLY_PATCH:
        if query.get("fieldManager"):
            return []
        return [FieldError("fieldManager", "FieldValueRequired", "Required value: is required for apply patch")]
    if "force" not in query:
        return []
    return [FieldError("force", "FieldValueForbidden", "Forbidden: may not be specified for non-apply patch")]


def _manager_errors(manager: str) -> list[FieldError]:
    errors = []
    if len(manager.encode()) > MAX_MANAGER_BYTES:
        message = f"Too long: may not be more than {MAX_MANAGER_BYTES} bytes"
        errors.append(FieldError("fieldManager", "FieldValueTooLong", message))
    for index, sign in enumerate(manager):
        if not sign.isprintable():
            position = len(manager[:index].encode())
            why = f"invalid character U+{ord(sign):04X} (at position {position})"
            message = f"Invalid value: {json.dumps(manager)}: {why}"
            errors.append(FieldError("fieldManager", "FieldValueInvalid", message))
    return errors


def _unsupported(field: str, shown: str, known: tuple[str, ...]) -> FieldError:
    values = ", ".join(map(json.dumps, known))
    return FieldError(field, "FieldValueNotSupported", f"Unsupported value: {shown}: supported values: {values}")


def manager_of(call: Call) -> str:
    """Return the name of the writer: as the request gives it, else how its user agent begins."""
    return call.request.query.get("fieldManager") or _from_user_agent(call.request.headers.get("User-Agent", ""))


def _from_user_agent(agent: str) -> str:
    printable = "".join(filter(str.isprintable, agent.partition("/")[0]))
    return printable.encode()[:MAX_MANAGER_BYTES].decode(errors="ignore")


def is_forced(call: Call) -> bool:
    """Tell whether an apply shall take over the fields of others."""
    return call.request.query.get("force", "false").lower() not in ("false", "0", "")
