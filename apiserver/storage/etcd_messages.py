"""etcd's messages, as protobuf has them: requests are written, answers read, field by field.

Flow: grpc_etcd.py -> *these* -> grpc_calls.py. The comments name the fields as etcd's rpc.proto and kv.proto do.

Source: https://github.com/etcd-io/etcd/blob/main/api/etcdserverpb/rpc.proto .
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from apiserver.protobuf.wire import as_bytes, as_int, read_fields
from apiserver.storage.etcd import Change, Delete, KeyValue, ModRevisionIs, Put, RangeResult, TxnResult

_HEADER_REVISION: Final = 3
_MOD: Final = 2  # Compare.CompareTarget
_EVENT_DELETE: Final = 1  # Event.EventType


def txn_request(compare: ModRevisionIs, then: Put | Delete, also: Sequence[Put | Delete] = ()) -> bytes:
    """Write a transaction: ``then`` and ``also`` if the comparison holds and what is put beside is new, else reads."""
    request = _bytes(1, _comparison(compare)) + _bytes(2, _operation(then))
    read = _bytes(3, _bytes(1, _bytes(1, compare.key)))  # request_range
    for operation in also:
        request += _bytes(2, _operation(operation))
        if isinstance(operation, Put):
            request += _bytes(1, _comparison(ModRevisionIs(operation.key, 0)))
            read += _bytes(3, _bytes(1, _bytes(1, operation.key) + _number(8, 1)))  # keys_only
    return request + read


def _comparison(compare: ModRevisionIs) -> bytes:
    return _number(2, _MOD) + _bytes(3, compare.key) + _number(6, compare.revision, always=True)


def _operation(then: Put | Delete) -> bytes:
    if isinstance(then, Put):
        return _bytes(2, _bytes(1, then.key) + _bytes(2, then.value) + _number(3, then.lease))  # request_put
    return _bytes(3, _bytes(1, then.key))  # request_delete_range


def txn_answer(message: bytes) -> TxnResult:
    """Read how a transaction ended."""
    revision, succeeded, responses = 0, False, []
    for number, value in read_fields(message):
        match number:
            case 1:
                revision = _revision(as_bytes(value))
            case 2:
                succeeded = bool(value)
            case 3:
                responses.append(as_bytes(value))
    if succeeded:
        return TxnResult(succeeded, revision)
    ranges = (value for response in responses for number, value in read_fields(response) if number == 1)
    current, *others = (next(iter(range_answer(as_bytes(value)).items), None) for value in ranges)
    return TxnResult(succeeded, revision, current, tuple(item.key for item in others if item is not None))


def range_request(key: bytes, end: bytes, *, revision: int, limit: int, count_only: bool) -> bytes:
    """Write a read of one key or of a range."""
    place = _bytes(1, key) + _bytes(2, end)
    return place + _number(3, limit) + _number(4, revision) + _number(9, int(count_only))


def range_answer(message: bytes) -> RangeResult:
    """Read the keys of an answer."""
    revision = count = 0
    items = []
    for number, value in read_fields(message):
        match number:
            case 1:
                revision = _revision(as_bytes(value))
            case 2:
                items.append(_key_value(as_bytes(value)))
            case 4:
                count = as_int(value)
    return RangeResult(revision, tuple(items), count)


def watch_request(key: bytes, end: bytes, start_revision: int) -> bytes:
    """Write the request that begins a watch."""
    return _bytes(1, _bytes(1, key) + _bytes(2, end) + _number(3, start_revision))  # create_request


@dataclass(frozen=True, slots=True)
class WatchAnswer:
    """One message of a watch: changes, or its end and why."""

    changes: Sequence[Change]
    cancelled: bool
    compact_revision: int
    reason: str


def watch_answer(message: bytes) -> WatchAnswer:
    """Read one message of a watch."""
    changes: list[Change] = []
    cancelled, compact_revision, reason = False, 0, ""
    for number, value in read_fields(message):
        match number:
            case 4:
                cancelled = bool(value)
            case 5:
                compact_revision = as_int(value)
            case 6:
                reason = as_bytes(value).decode(errors="replace")
            case 11:
                changes.append(_change(as_bytes(value)))
    return WatchAnswer(changes, cancelled, compact_revision, reason)


def lease_request(ttl_seconds: int) -> bytes:
    """Write the request for a lease."""
    return _number(1, ttl_seconds)


def lease_answer(message: bytes) -> int:
    """Read the id of a lease."""
    return next((as_int(value) for number, value in read_fields(message) if number == 2), 0)


def compaction_request(revision: int) -> bytes:
    """Write the request to forget what is older."""
    return _number(1, revision)


def _change(message: bytes) -> Change:
    deleted, item = False, b""
    for number, value in read_fields(message):
        match number:
            case 1:
                deleted = value == _EVENT_DELETE
            case 2:
                item = as_bytes(value)
    found = _key_value(item)
    return Change(found.key, None if deleted else found.value, found.mod_revision)


def _key_value(message: bytes) -> KeyValue:
    key = data = b""
    mod_revision = 0
    for number, value in read_fields(message):
        match number:
            case 1:
                key = as_bytes(value)
            case 3:
                mod_revision = as_int(value)
            case 5:
                data = as_bytes(value)
    return KeyValue(key, data, mod_revision)


def _revision(header: bytes) -> int:
    """Read the revision of the store off the header that every answer has."""
    return next((as_int(value) for number, value in read_fields(header) if number == _HEADER_REVISION), 0)


def _bytes(number: int, data: bytes) -> bytes:
    """Write a field of bytes, unless it is empty."""
    return b"".join((_varint(number << 3 | 2), _varint(len(data)), data)) if data else b""


def _number(number: int, value: int, *, always: bool = False) -> bytes:
    """Write a field of a number that is not negative, unless it is zero."""
    return _varint(number << 3) + _varint(value) if value or always else b""


def _varint(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    digits = []
    while value >= 0x80:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*digits, value))
