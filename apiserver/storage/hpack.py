"""HPACK, as much of it as a client needs that has turned the shared table off.

HTTP/2 compresses headers against a table that both ends keep. With a table of size zero (see http2.py) every field is
written out, so the same headers are always the same bytes: those of requests are made once, those of answers are looked
up once. Texts may still be packed by a fixed Huffman code.

Source: RFC 7541; the code is that of its appendix B.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

_LITERAL: Final = 0x00  # a field without indexing, whose name is written out
_INDEXED: Final = 0x80
_INCREMENTAL: Final = 0x40
_TABLE_SIZE: Final = 0x20
_PACKED: Final = 0x80  # a text in Huffman's code

_BY_CODE_LENGTH: Final = {
    5: "012aceiost",
    6: " %-./3456789=A_bdfghlmnpru",
    7: ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
    8: "&*,;XZ",
    10: '!"()?',
    11: "'+|",
    12: "#>",
    13: "\0$@[]~",
    14: "^}",
    15: "<`{",
    19: "\\",
}  # the codes are numbers that grow with length, then with the character; longer ones stand for no text we are sent


def _codes() -> dict[tuple[int, int], str]:
    """Return the character for each (length, code)."""
    codes, code, length = {}, 0, 0
    for wanted, characters in _BY_CODE_LENGTH.items():
        code <<= wanted - length
        length = wanted
        for character in characters:
            codes[length, code] = character
            code += 1
    return codes


_CODES: Final = _codes()


def encode(fields: dict[str, str]) -> bytes:
    """Write header fields out."""
    return b"".join(bytes((_LITERAL,)) + _text(name) + _text(value) for name, value in fields.items())


def _text(text: str) -> bytes:
    data = text.encode()
    if len(data) >= 0x7F:
        raise ValueError(f"{text!r} is longer than a request of ours has any use for")
    return bytes((len(data),)) + data


@lru_cache(maxsize=64)
def decode(block: bytes) -> dict[str, str]:
    """Read the fields whose names are written out; those of HTTP's own table are of no interest.

    Raises:
        ValueError: the block is no such thing.
    """
    try:
        return {name: value for name, value in _fields(block) if name}
    except IndexError:
        raise ValueError("a header block is cut short") from None


def _fields(block: bytes) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(block):
        first = block[position]
        if first & _INDEXED:
            _, position = _number(block, position, 7)
        elif first & _INCREMENTAL == 0 and first & _TABLE_SIZE:
            _, position = _number(block, position, 5)
        else:
            index, position = _number(block, position, 6 if first & _INCREMENTAL else 4)
            name = ""
            if not index:
                name, position = _read_text(block, position)
            value, position = _read_text(block, position)
            yield name, value


def _number(block: bytes, position: int, bits: int) -> tuple[int, int]:
    """Read a number that begins in the last ``bits`` of a byte."""
    limit = (1 << bits) - 1
    value = block[position] & limit
    position += 1
    if value < limit:
        return value, position
    shift = 0
    while True:
        byte = block[position]
        position += 1
        value += (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position


def _read_text(block: bytes, position: int) -> tuple[str, int]:
    packed = block[position] & _PACKED
    length, position = _number(block, position, 7)
    data = block[position : position + length]
    if len(data) < length:
        raise ValueError("a header block is cut short")
    return (unpack(data) if packed else data.decode("latin-1")), position + length


def unpack(data: bytes) -> str:
    """Read a text in Huffman's code; what fills up the last byte is dropped.

    Raises:
        ValueError: it has a character that no text of gRPC has.
    """
    text: list[str] = []
    code = length = 0
    for byte in data:
        for bit in range(7, -1, -1):
            code, length = code << 1 | byte >> bit & 1, length + 1
            character = _CODES.get((length, code))
            if character is not None:
                text.append(character)
                code = length = 0
            elif length > 30:
                raise ValueError("a packed text that is none")
    if length > 7 or code != (1 << length) - 1:
        raise ValueError("a packed text that is none")
    return "".join(text)
