"""Rules: how the faults of one kind are found; each module of this package has a table of them, ``RULES``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from naru.api.errors import FieldError


@dataclass(frozen=True)
class Rules:
    """The rules of one kind; where nothing special is said, an update obeys the rules of a new object."""

    new: Callable[[Any], list[FieldError]]
    update: Callable[[Any, Any], list[FieldError]] | None = None
    status: Callable[[Any, Any], list[FieldError]] | None = None
