"""What the API server asks of etcd: transaction, range, watch, lease; plain data in and out.

Flow: ObjectStore, Feed -> *Etcd* -> grpc_etcd.py -> etcd. Nothing above this line knows which client library is
below it. Every failure is an APIError: ServiceUnavailable while etcd is away, Compacted when history is gone.

Source: https://etcd.io/docs/v3.4/learning/api/ .
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from naru.api.errors import Gone


class Compacted(Gone):
    """The revision asked for is older than etcd's history."""


@dataclass(frozen=True, slots=True)
class KeyValue:
    """One key at one revision."""

    key: bytes
    value: bytes
    mod_revision: int  # of the last change of this key; the object's resourceVersion


@dataclass(frozen=True, slots=True)
class ModRevisionIs:
    """The comparison of a transaction: the key was last changed at this revision (0: it does not exist)."""

    key: bytes
    revision: int


@dataclass(frozen=True, slots=True)
class Put:
    """Write a key; it goes away by itself when the lease ends (0: it stays)."""

    key: bytes
    value: bytes
    lease: int = 0


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a key."""

    key: bytes


@dataclass(frozen=True, slots=True)
class TxnResult:
    """How a transaction ended; ``current`` is the key's value when a comparison failed (None: no such key)."""

    succeeded: bool
    revision: int
    current: KeyValue | None = None
    taken: tuple[bytes, ...] = ()  # which of the keys that should have been new exist, when a comparison failed


@dataclass(frozen=True, slots=True)
class RangeResult:
    """Keys in order, as they all were at one revision."""

    revision: int
    items: tuple[KeyValue, ...]
    count: int  # of all keys in the range, whatever the limit


@dataclass(frozen=True, slots=True)
class Change:
    """One event of a watch; ``value`` is None when the key was deleted."""

    key: bytes
    value: bytes | None
    revision: int


class Etcd(Protocol):
    """The four calls, and the housekeeping of history."""

    async def txn(self, compare: ModRevisionIs, then: Put | Delete, also: Sequence[Put | Delete] = ()) -> TxnResult:
        """Do ``then`` if the key's revision is as expected, else read the key; one atomic step.

        Args:
            also: done in the same step; a key that is put here has to be new, or nothing is done at all.

        Raises:
            ServiceUnavailable: etcd did not answer in time. The write may or may not have happened.
        """

    async def range(
        self, key: bytes, end: bytes = b"", *, revision: int = 0, limit: int = 0, count_only: bool = False
    ) -> RangeResult:
        """Read ``key``, or all keys in [key, end), linearizably: at least as new as any acknowledged write.

        Args:
            revision: read the past instead; 0 is now.

        Raises:
            Compacted: etcd has forgotten that revision.
            ServiceUnavailable: etcd did not answer in time.
        """

    def watch(self, key: bytes, end: bytes, start_revision: int) -> AsyncGenerator[Sequence[Change], None]:
        """Yield changes from ``start_revision`` on, in order; all changes of one revision come in one batch.

        An empty batch comes first, as soon as etcd has accepted the watch.

        Raises:
            Compacted: some of these changes are forgotten.
            ServiceUnavailable: the connection broke; watch again from the last revision seen, plus one.
        """

    async def lease(self, ttl_seconds: int) -> int:
        """Grant a lease: keys put with its id are deleted when it ends."""

    async def compact(self, revision: int) -> None:
        """Forget what keys were before ``revision``; no error if that is done already."""

    async def close(self) -> None:
        """Close the connection."""


def prefix_end(prefix: bytes) -> bytes:
    """Return the first key after all keys with this prefix.

    >>> prefix_end(b"/registry/core/")
    b'/registry/core0'
    """
    return prefix[:-1] + bytes([prefix[-1] + 1])
