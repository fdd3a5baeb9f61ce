"""Replace ``$(NAME)`` in commands, arguments, environment values and subPathExpr.

Source: Kubernetes documentation, "Define Dependent Environment Variables"; KEP-559.
"""

import re
from collections.abc import Mapping
from typing import Final

_REFERENCE: Final = re.compile(r"\$(?:\$|\(([^)]*)\))")


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace each ``$(NAME)`` whose name is known; an unknown one stays as it is, and ``$$`` stands for ``$``."""
    return _REFERENCE.sub(lambda match: _value(match, values), text)


def unknown_names(text: str, values: Mapping[str, str]) -> list[str]:
    """Return the names that ``text`` refers to and nobody defined."""
    return [name for name in _REFERENCE.findall(text) if name and name not in values]


def _value(match: re.Match[str], values: Mapping[str, str]) -> str:
    name: str | None = match.group(1)
    if name is None:
        return "$"
    return values.get(name, match.group(0))
