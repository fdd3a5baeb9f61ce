"""The refusal of an apply that others stand in the way of, in the words that clients show and parse.

Source: apimachinery, "managedfields" (NewConflictError).
"""

from itertools import groupby

from apiserver.managed_fields.field_sets import path_text
from apiserver.managed_fields.managers import UPDATE, ManagerId
from apiserver.managed_fields.updater import Conflicts
from naru.api.errors import Conflict


def conflict_error(conflicts: Conflicts) -> Conflict:
    """Build the 409, with one cause for each field."""
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {manager_text(owner)}",
            "field": path_text(path),
        }
        for owner, path in conflicts.found
    ]
    return Conflict(_message(conflicts), details={"causes": causes})


def _message(conflicts: Conflicts) -> str:
    if len(conflicts.found) == 1:
        [(owner, path)] = conflicts.found
        return f"Apply failed with 1 conflict: conflict with {manager_text(owner)}: {path_text(path)}"
    lines: list[str] = []
    for owner, fields in groupby(conflicts.found, key=lambda conflict: conflict[0]):
        lines.append(f"conflicts with {manager_text(owner)}:")
        lines += [f"- {path_text(path)}" for _, path in fields]
    return f"Apply failed with {len(conflicts.found)} conflicts: " + "\n".join(lines)


def manager_text(who: ManagerId) -> str:
    """Name a manager in a message."""
    text = f'"{who.manager}"'
    if who.subresource:
        text += f' with subresource "{who.subresource}"'
    return f"{text} using {who.api_version}" if who.operation == UPDATE else text
