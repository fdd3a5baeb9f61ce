"""Conditions: find one by its type, and set one without losing the moment when it last changed.

Works on every kind, for the condition types of all kinds share type, status, reason, message and
``lastTransitionTime``.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Protocol, Self, TypeVar


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class AnyCondition(Protocol):
    """What the condition types of all kinds have in common."""

    @property
    def type(self) -> str:
        """The aspect of the object, as an adjective or a participle."""

    @property
    def status(self) -> str:
        """True, False or Unknown."""

    @property
    def last_transition_time(self) -> datetime | None:
        """When the status last changed."""

    def model_copy(self, *, update: dict[str, object] | None = None) -> Self:
        """Return a changed copy."""


C = TypeVar("C", bound=AnyCondition)


def find_condition(conditions: Iterable[C], type_: str) -> C | None:
    """Return the condition of a type, if there is one."""
    return next((condition for condition in conditions if condition.type == type_), None)


def is_true(conditions: Iterable[AnyCondition], type_: str) -> bool:
    """Tell whether a condition is there and holds."""
    found = find_condition(conditions, type_)
    return found is not None and found.status == ConditionStatus.TRUE


def set_condition(conditions: tuple[C, ...], new: C, now: datetime) -> tuple[C, ...]:
    """Put a condition in the place of the one of its type, or at the end.

    ``lastTransitionTime`` is ``now`` when the status differs from before, and is kept otherwise.
    """
    old = find_condition(conditions, new.type)
    if old is None:
        return (*conditions, new.model_copy(update={"last_transition_time": now}))
    changed = old.status != new.status or old.last_transition_time is None
    since = now if changed else old.last_transition_time
    dated = new.model_copy(update={"last_transition_time": since})
    return tuple(dated if condition.type == new.type else condition for condition in conditions)


def without_condition(conditions: tuple[C, ...], type_: str) -> tuple[C, ...]:
    """Leave out the condition of a type."""
    return tuple(condition for condition in conditions if condition.type != type_)
