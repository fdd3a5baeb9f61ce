"""Validation: what is wrong with an object, every fault with its field, in upstream's words.

Flow: decode -> defaults -> admission -> *validate* -> store. All of it is pure: same object, same faults.
One module a family of kinds; this one holds the table that finds the rules of a kind.
"""

from naru.api.errors import FieldError
from naru.api.meta import KubeObject


def validate(obj: KubeObject) -> list[FieldError]:
    """Return the faults of a new object."""
    return []


def validate_update(new: KubeObject, old: KubeObject) -> list[FieldError]:
    """Return the faults of an object, and of turning ``old`` into it."""
    return []


def validate_status_update(new: KubeObject, old: KubeObject) -> list[FieldError]:
    """Return the faults of a new status."""
    return []
