"""Remembering what follows from objects that many share.

API objects are frozen, and copies with a change share all that is not changed; Pods of one template share containers
and volumes. So what is worked out for one of them holds for all that are the very same. Comparing identities costs
nothing, where comparing contents would cost as much as the work that is saved.
"""

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Any, TypeVar

R = TypeVar("R")


def once_for_same(kept: int) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Decorate a pure function so that it is not called again with the same objects; equal ones are not the same.

    Texts and numbers among the arguments are compared. The last ``kept`` results are remembered, and what they are for.
    """

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        results: dict[tuple[Hashable, ...], tuple[tuple[Any, ...], R]] = {}

        @wraps(function)
        def remembering(*arguments: Any) -> R:
            key = tuple(given if isinstance(given, _COMPARED) else id(given) for given in arguments)
            found = results.get(key)
            if found is not None:
                return found[1]
            result = function(*arguments)
            results[key] = arguments, result  # while an argument is kept here, its id is of no other object
            if len(results) > kept:
                del results[next(iter(results))]
            return result

        return remembering

    return decorate


_COMPARED = (str, int, bool)
