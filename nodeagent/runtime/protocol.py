"""How agent, zygote and shim talk: one JSON object a line over a unix socket, file descriptors beside it.

A request is ``{"id": 7, "method": "start", "params": {...}}``, its reply ``{"id": 7, "result": {...}}`` or ``{"id": 7,
"error": {"reason": ..., "message": ...}}``. What a shim tells unasked is ``{"event": ..., ...}``. A message that comes
with descriptors (SCM_RIGHTS, unix(7)) says how many in ``"fds"``. Dataclasses of spec.py travel as objects whose keys
are the names of their fields.
"""

import json
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin

MAX_FDS = 8  # in one message
READ_BYTES = 1 << 16

Message = dict[str, Any]
T = TypeVar("T")


def to_wire(value: Any) -> Any:
    """Return what JSON can hold of a dataclass, path or tuple."""
    if is_dataclass(value):
        return {name: to_wire(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, tuple | list):
        return [to_wire(item) for item in value]
    if isinstance(value, dict):
        return {key: to_wire(item) for key, item in value.items()}
    return str(value) if isinstance(value, Path) else value


def from_wire(cls: type[T], value: Any) -> T:
    """Return the ``cls`` that ``to_wire`` was given; TypeError or ValueError when the value cannot be one."""
    result: T = _reader(cls)(value)
    return result


_readers: dict[Any, Callable[[Any], Any]] = {}


def _reader(kind: Any) -> Callable[[Any], Any]:
    """Return the function that makes a ``kind`` from what JSON holds of it; kept, as building it takes a while."""
    if kind not in _readers:
        _readers[kind] = _new_reader(kind)
    return _readers[kind]


def _new_reader(kind: Any) -> Callable[[Any], Any]:
    if isinstance(kind, UnionType):  # X | None is the only union in use
        read = _reader(next(member for member in get_args(kind) if member is not type(None)))
        return lambda value: None if value is None else read(value)
    if get_origin(kind) is tuple:
        return _tuple_reader(get_args(kind))
    if get_origin(kind) is dict:
        return dict
    if is_dataclass(kind):
        return _dataclass_reader(kind)
    return kind if kind is Path or issubclass(kind, StrEnum) else lambda value: value


def _tuple_reader(items: tuple[Any, ...]) -> Callable[[Any], Any]:
    if len(items) == 2 and items[1] is Ellipsis:
        read = _reader(items[0])
        return lambda value: tuple(map(read, value))
    readers = [_reader(item) for item in items]
    return lambda value: tuple(read(item) for read, item in zip(readers, value, strict=True))


def _dataclass_reader(kind: Any) -> Callable[[Any], Any]:
    readers = {field.name: _reader(field.type) for field in fields(kind)}
    required = {field.name for field in fields(kind) if field.default is field.default_factory is MISSING}

    def read(value: Any) -> Any:
        if missing := required - value.keys():
            raise ValueError(f"{kind.__name__} without {sorted(missing)}")
        return kind(**{name: readers[name](item) for name, item in value.items() if name in readers})

    return read


def encode(message: Message, fd_count: int = 0) -> bytes:
    """Return the line of a message that ``fd_count`` descriptors will be sent with."""
    return json.dumps(message | {"fds": fd_count} if fd_count else message, separators=(",", ":")).encode() + b"\n"


class Decoder:
    """Makes messages of what comes out of a socket, in whatever pieces.

    Descriptors arrive with the first byte of the message that they belong to, so when its newline is here, so are they;
    fewer than it was sent with when this process may open no more.
    """

    def __init__(self) -> None:
        self._text = bytearray()
        self._fds: deque[int] = deque()

    def feed(self, data: bytes, fds: Sequence[int] = ()) -> Iterator[tuple[Message, list[int]]]:
        """Take what was received; yield each message completed by it, with its descriptors, now the caller's."""
        self._fds.extend(fds)
        self._text += data
        while (end := self._text.find(b"\n")) >= 0:
            message = json.loads(self._text[:end])
            del self._text[: end + 1]
            yield message, [self._fds.popleft() for _ in range(min(message.pop("fds", 0), len(self._fds)))]


def receive(sock: socket.socket) -> tuple[bytes, list[int]]:
    """Receive once; no bytes means that the other side is gone. Descriptors are closed on exec."""
    try:
        data, fds, _flags, _address = socket.recv_fds(sock, READ_BYTES, MAX_FDS, socket.MSG_CMSG_CLOEXEC)
    except ConnectionResetError:  # it was killed with something unread
        return b"", []
    return data, fds


def send(sock: socket.socket, message: Message, fds: Sequence[int] = ()) -> None:
    """Send one message whole, on a blocking socket."""
    line = encode(message, len(fds))
    sent = socket.send_fds(sock, [line], list(fds)) if fds else sock.send(line)
    if sent < len(line):
        sock.sendall(line[sent:])
