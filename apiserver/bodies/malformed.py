"""Why a text is no JSON, in the words of the Kubernetes API server: those of Go's scanner.

Only called for a text that could not be read, and iterative: the text may be hostile, deep and long.

Source: RFC 8259; the errors of Go's ``encoding/json``.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final

CUT_SHORT: Final = "unexpected end of JSON input"
MAX_DEPTH: Final = 10_000  # of Go's scanner
TOO_DEEP: Final = "exceeded max depth"
UNEXPLAINED: Final = "invalid character in JSON input"
MAX_EXPLAINED_BYTES: Final = 64 << 10  # further in, the fault is not looked for: that would keep others waiting

_SPACE: Final = re.compile(rb"[ \t\r\n]*")
_PLAIN: Final = re.compile(rb'[^"\\\x00-\x1f]*')
_HEX: Final = b"0123456789abcdefABCDEF"
_DIGITS: Final = re.compile(rb"[0-9]*")
_LITERALS: Final = {b"t": b"true", b"f": b"false", b"n": b"null"}
_AFTER: Final = {b"[": "after array element", b"{": "after object key:value pair", b"": "after top-level value"}
_CLOSES: Final = {b"[": b"]", b"{": b"}"}


_Step = Callable[[], Any]  # returns the next step, or None at the end


class _Fault(Exception):
    """What is wrong; the message says it in full."""


def syntax_error(body: bytes) -> str:
    """Find the first character that cannot stand where it stands."""
    try:
        _Scanner(body[:MAX_EXPLAINED_BYTES]).scan()
    except _Fault as fault:
        is_cut = len(body) > MAX_EXPLAINED_BYTES and str(fault) == CUT_SHORT
        return UNEXPLAINED if is_cut else str(fault)
    return UNEXPLAINED


class _Scanner:
    """Walks a text once, with the open brackets on a stack; each step reads a piece and returns the next step."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.at = 0
        self.open: list[bytes] = []

    def scan(self) -> None:
        """Go through the text.

        Raises:
            _Fault: it is no JSON.
        """
        step: _Step | None = self._value
        while step is not None:
            step = step()

    def _next(self) -> bytes:
        """Return the next character that is no space; empty at the end."""
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.text[self.at : self.at + 1]

    def _wrong(self, where: str) -> _Fault:
        character = self.text[self.at : self.at + 1]
        return _Fault(f"invalid character {_shown(character[0])} {where}" if character else CUT_SHORT)

    def _value(self) -> "_Step":
        character = self._next()
        if character in _CLOSES:
            return self._open(character)
        if character == b'"':
            self._string()
        elif character and character in b"-0123456789":
            self._number()
        elif character in _LITERALS:
            self._literal(_LITERALS[character])
        else:
            raise self._wrong("looking for beginning of value")
        return self._after_value

    def _open(self, bracket: bytes) -> "_Step":
        self.open.append(bracket)
        self.at += 1
        if len(self.open) > MAX_DEPTH:
            raise _Fault(TOO_DEEP)
        if self._next() == _CLOSES[bracket]:
            return self._close
        return self._key if bracket == b"{" else self._value

    def _close(self) -> "_Step":
        self.at += 1
        self.open.pop()
        return self._after_value

    def _after_value(self) -> "_Step | None":
        """Read what may follow a value: a comma, or the end of what it is in."""
        bracket, character = self.open[-1] if self.open else b"", self._next()
        if not bracket and not character:
            return None
        if bracket and character == _CLOSES[bracket]:
            return self._close
        if not bracket or character != b",":
            raise self._wrong(_AFTER[bracket])
        self.at += 1
        return self._key if bracket == b"{" else self._value

    def _key(self) -> "_Step":
        if self._next() != b'"':
            raise self._wrong("looking for beginning of object key string")
        self._string()
        if self._next() != b":":
            raise self._wrong("after object key")
        self.at += 1
        return self._value

    def _string(self) -> None:
        self.at += 1
        while True:
            match = _PLAIN.match(self.text, self.at)
            self.at = match.end() if match else self.at
            character = self.text[self.at : self.at + 1]
            if character == b'"':
                self.at += 1
                return
            if character != b"\\":
                raise self._wrong("in string literal")
            self.at += 1
            self._escape()

    def _escape(self) -> None:
        character = self.text[self.at : self.at + 1]
        if not character or character not in b'"\\/bfnrtu':
            raise self._wrong("in string escape code")
        self.at += 1
        for _ in range(4 if character == b"u" else 0):
            digit = self.text[self.at : self.at + 1]
            if not digit or digit not in _HEX:
                raise self._wrong("in \\u hexadecimal character escape")
            self.at += 1

    def _number(self) -> None:
        if self.text[self.at : self.at + 1] == b"-":
            self.at += 1
        if self.text[self.at : self.at + 1] == b"0":
            self.at += 1
        else:
            self._digits("in numeric literal")
        if self.text[self.at : self.at + 1] == b".":
            self.at += 1
            self._digits("after decimal point in numeric literal")
        if self.text[self.at : self.at + 1] in (b"e", b"E"):
            self.at += 1
            if self.text[self.at : self.at + 1] in (b"+", b"-"):
                self.at += 1
            self._digits("in exponent of numeric literal")

    def _digits(self, where: str) -> None:
        match = _DIGITS.match(self.text, self.at)
        if match is None or match.end() == self.at:
            raise self._wrong(where)
        self.at = match.end()

    def _literal(self, word: bytes) -> None:
        for index in range(len(word)):
            if self.text[self.at : self.at + 1] != word[index : index + 1]:
                raise self._wrong(f"in literal {word.decode()} (expecting {_shown(word[index])})")
            self.at += 1


def _shown(byte: int) -> str:
    """Write a byte as Go quotes a character."""
    character = chr(byte)
    if character == "'":
        return r"'\''"
    if character == '"':
        return "'\"'"
    if byte < 0x20 or byte == 0x7F:
        named = {7: r"\a", 8: r"\b", 9: r"\t", 10: r"\n", 11: r"\v", 12: r"\f", 13: r"\r"}
        return f"'{named.get(byte, f'{chr(92)}x{byte:02x}')}'"
    return f"'{json.dumps(character, ensure_ascii=False)[1:-1]}'"
