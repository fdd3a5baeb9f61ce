"""ListOptions: what a list, a watch or the deletion of a collection asks for, read off the query and judged.

Flow: query -> *ListOptions* -> list.py, watch.py, delete.py.

Source: Kubernetes documents, "API concepts: resource versions"; the combinations that are refused are upstream's.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web

from apiserver import query
from naru.api.errors import BadRequest, FieldError, invalid

EXACT: Final = "Exact"
NOT_OLDER_THAN: Final = "NotOlderThan"

_DIGITS: Final = re.compile(r"[0-9]+")
_MAX_UINT64: Final = 2**64 - 1


@dataclass(frozen=True)
class ListOptions:
    """The parameters, as they were sent; those of selectors are read by :mod:`apiserver.handlers.selection`."""

    resource_version: str = ""
    match: str = ""
    limit: int = 0
    token: str = ""  # continue
    watch: bool = False
    bookmarks: bool = False
    send_initial: bool | None = None  # None: nothing was said
    timeout_s: int | None = None

    @classmethod
    def of(cls, request: web.Request) -> "ListOptions":
        """Read the query of a request.

        Raises:
            BadRequest: a number is none.
            Invalid: parameters contradict each other.
        """
        given = request.query
        options = cls(
            resource_version=given.get("resourceVersion", ""),
            match=given.get("resourceVersionMatch", ""),
            limit=query.number(request, "limit") or 0,
            token=given.get("continue", ""),
            watch=query.flag(request, "watch"),
            bookmarks=query.flag(request, "allowWatchBookmarks"),
            send_initial=query.optional_flag(request, "sendInitialEvents"),
            timeout_s=query.number(request, "timeoutSeconds"),
        )
        options = options._with_defaults()
        if errors := options.problems():
            raise invalid("meta.k8s.io", "ListOptions", "", errors)
        return options

    def _with_defaults(self) -> "ListOptions":
        """A watch from nowhere in particular begins with the objects that there are."""
        if not self.watch or self.send_initial is not None or self.match or not self.is_legacy:
            return self
        return replace(self, send_initial=True, match=NOT_OLDER_THAN)

    @property
    def is_legacy(self) -> bool:
        """Tell whether no revision is named."""
        return self.resource_version in ("", "0")

    def problems(self) -> list[FieldError]:
        """Return what does not go together."""
        return self._problems_of_watch() if self.watch else self._problems_of_list()

    def _problems_of_list(self) -> list[FieldError]:
        errors = []
        if self.match:
            if not self.resource_version:
                errors.append(_forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided"))
            if self.token:
                errors.append(_forbidden("resourceVersionMatch is forbidden when continue is provided"))
            if self.match not in (EXACT, NOT_OLDER_THAN):
                errors.append(_not_supported(self.match, EXACT, NOT_OLDER_THAN, ""))
            if self.match == EXACT and self.resource_version == "0":
                errors.append(_forbidden('resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
        if self.send_initial is not None:
            errors.append(_forbidden("sendInitialEvents is forbidden for list", "sendInitialEvents"))
        return errors

    def _problems_of_watch(self) -> list[FieldError]:
        errors = []
        if self.send_initial is not None and self.match != NOT_OLDER_THAN:
            errors.append(_forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"))
        if self.match:
            if self.send_initial is None:
                detail = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
                errors.append(_forbidden(detail))
            if self.match != NOT_OLDER_THAN:
                errors.append(_not_supported(self.match, NOT_OLDER_THAN))
            if self.token:
                errors.append(_forbidden("resourceVersionMatch is forbidden when continue is provided"))
        return errors


def _forbidden(detail: str, field: str = "resourceVersionMatch") -> FieldError:
    return FieldError(field, "FieldValueForbidden", f"Forbidden: {detail}")


def _not_supported(value: str, *known: str) -> FieldError:
    names = ", ".join(f'"{name}"' for name in known)
    message = f'Unsupported value: "{value}": supported values: {names}'
    return FieldError("resourceVersionMatch", "FieldValueNotSupported", message)


def parse_revision(text: str, opening: str = "") -> int:
    """Read a resourceVersion that a client sends; empty is 0.

    Args:
        opening: what the message begins with; lists have another one than watches.

    Raises:
        BadRequest: it is not one that this server gave out.
    """
    if not text:
        return 0
    problem = "" if _DIGITS.fullmatch(text) else "invalid syntax"
    if not problem and (len(text) > 40 or int(text) > _MAX_UINT64):
        problem = "value out of range"
    if problem:
        told = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": {problem}'
        raise BadRequest(opening + told)
    return int(text)
