"""Tables for people: columns aligned, three spaces apart, colours on a terminal only."""

import os
import re
import sys
from collections.abc import Sequence
from typing import Final

_COLOURS: Final = {"red": 31, "green": 32, "yellow": 33, "cyan": 36, "dim": 2, "bold": 1}
_ESCAPE: Final = re.compile(r"\x1b\[[0-9;]*m")


def coloured(text: str, colour: str) -> str:
    """Colour a text when stdout is a terminal and nobody asked for none (NO_COLOR)."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def plain_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, indent: str = "") -> str:
    """Lay out rows below a header (an empty header: none); the last column is not padded."""
    lines = [header, *rows] if header else list(rows)
    widths = column_widths(lines)
    return "\n".join(indent + pad(line, widths) for line in lines)


def column_widths(lines: Sequence[Sequence[str]]) -> list[int]:
    """Return how wide each column has to be."""
    columns = max((len(line) for line in lines), default=0)
    return [max((_width(line[column]) for line in lines if column < len(line)), default=0) for column in range(columns)]


def pad(line: Sequence[str], widths: Sequence[int]) -> str:
    """Write one row, its cells padded to the columns' widths."""
    cells = [cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=False)]
    return "   ".join(cells).rstrip()


def _width(cell: str) -> int:
    return len(_ESCAPE.sub("", cell))
