"""The wire format of protobuf: a message is a run of fields, each a number and a value.

Source: https://protobuf.dev/programming-guides/encoding/ .
"""

import struct
from collections.abc import Iterator
from typing import Final

_VARINT: Final = 0
_FIXED64: Final = 1
_LENGTH_DELIMITED: Final = 2
_FIXED32: Final = 5


def read_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and raw value of each field, in order: numbers unsigned, all else as bytes.

    Raises:
        ValueError: the bytes are not protobuf.
    """
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, position = _varint(message, position)
            yield number, value
            continue
        if kind == _LENGTH_DELIMITED:
            length, position = _varint(message, position)
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {kind} at byte {position}")
        if position + length > len(message):
            raise ValueError("the message is cut short")
        yield number, message[position : position + length]
        position += length


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(message) or shift > 63:
            raise ValueError("the message is cut short")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position
        shift += 7


def signed(value: int) -> int:
    """Read an unsigned 64-bit number as the signed one it stands for."""
    return value - (1 << 64) if value >> 63 else value


def as_int(value: int | bytes) -> int:
    """Read a number.

    Raises:
        ValueError: the field holds bytes.
    """
    if isinstance(value, bytes):
        raise ValueError("bytes where a number belongs")
    return signed(value)


def as_bytes(value: int | bytes) -> bytes:
    """Read bytes.

    Raises:
        ValueError: the field holds a number.
    """
    if isinstance(value, int):
        raise ValueError("a number where bytes belong")
    return value


def as_float(value: int | bytes) -> float:
    """Read a 64-bit floating-point number.

    Raises:
        ValueError: the field holds something else.
    """
    raw = as_bytes(value)
    if len(raw) != 8:
        raise ValueError("not a 64-bit number")
    number: float = struct.unpack("<d", raw)[0]
    return number
