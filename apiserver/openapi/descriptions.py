"""What a field means, in the words of the model's own source: the comment beside it.

The models say what a field means where it is declared, in a comment on its line or on the lines above it, or in a
string below it. Reading the source keeps those words the only ones; here they become sentences for ``kubectl explain``.
"""

import ast
import inspect
import io
import sys
import tokenize
from functools import cache

from pydantic import BaseModel


@cache
def descriptions_of(model: type[BaseModel]) -> dict[str, str]:
    """Return the descriptions of a class's own and inherited fields by attribute; a field without one is missing."""
    found: dict[str, str] = {}
    for parent in reversed(model.__mro__):
        if issubclass(parent, BaseModel) and parent is not BaseModel:
            found |= _described_in(parent.__module__).get(parent.__name__, {})
    return found


@cache
def _described_in(module: str) -> dict[str, dict[str, str]]:
    """Read a module once: the descriptions by class and attribute."""
    source = inspect.getsource(sys.modules[module])
    beside, alone = _comments(source)
    classes = (statement for statement in ast.parse(source).body if isinstance(statement, ast.ClassDef))
    return {found.name: _described(found, beside, alone) for found in classes}


def _described(found: ast.ClassDef, beside: dict[int, str], alone: dict[int, str]) -> dict[str, str]:
    described = {}
    for statement, after in zip(found.body, [*found.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            last_line = statement.end_lineno or statement.lineno
            text = _docstring(after) or beside.get(last_line) or _block(alone, statement.lineno)
            if text:
                described[statement.target.id] = sentence(text)
    return described


def sentence(text: str) -> str:
    """Write a comment or docstring as people read it elsewhere: a capital, a full stop, no markup of Python's."""
    plain = text.strip().replace("``", "`")
    return plain[0].upper() + plain[1:] + ("" if plain.endswith((".", "!", "?")) else ".") if plain else ""


def _comments(source: str) -> tuple[dict[int, str], dict[int, str]]:
    """Return the comments by line: those beside code, and those that have the line to themselves."""
    beside: dict[int, str] = {}
    alone: dict[int, str] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            kind = alone if token.line.lstrip().startswith("#") else beside
            kind[token.start[0]] = token.string.lstrip("# ").rstrip()
    return beside, alone


def _block(alone: dict[int, str], line: int) -> str:
    """Join the comment lines that end right above a line."""
    lines: list[str] = []
    while (line := line - 1) in alone:
        lines.insert(0, alone[line])
    return " ".join(lines)


def _docstring(statement: ast.stmt | None) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return inspect.cleandoc(str(statement.value.value)).replace("\n", " ")
    return ""
