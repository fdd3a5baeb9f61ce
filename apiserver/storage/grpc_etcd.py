"""The etcd client: the Etcd interface over one connection to one etcd, in gRPC.

Flow: ObjectStore, Caches -> *GrpcEtcd* -> etcd_messages.py, grpc_calls.py -> http2.py -> etcd.

A broken connection is made anew by the next call that needs it. Reads are then tried once more; writes only if etcd
said that it had not begun, since the lost answer may have been a yes.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final
from urllib.parse import urlsplit

from apiserver.storage import etcd_messages as messages
from apiserver.storage.etcd import Change, Compacted, Delete, ModRevisionIs, Put, RangeResult, TxnResult
from apiserver.storage.grpc_calls import GrpcError, MessageStream, Status, call_once, method_headers
from apiserver.storage.http2 import ConnectionBroken, Http2Connection, NotProcessed
from naru.api.errors import APIError, InternalError, RequestEntityTooLarge, ServiceUnavailable

logger = logging.getLogger(__name__)

DEADLINE_S: Final = 3.0  # of one call; a restart of a lone etcd takes well under a second
RECONNECT_S: Final = (0.05, 1.0)  # the first pause between two attempts, and the longest

TXN: Final = method_headers("/etcdserverpb.KV/Txn")
RANGE: Final = method_headers("/etcdserverpb.KV/Range")
COMPACT: Final = method_headers("/etcdserverpb.KV/Compact")
LEASE_GRANT: Final = method_headers("/etcdserverpb.Lease/LeaseGrant")
WATCH: Final = method_headers("/etcdserverpb.Watch/Watch", hasleader="true")  # else a member shows the past

Address = str | tuple[str, int]  # the path of a unix socket, or host and port


class GrpcEtcd:
    """One connection to one etcd, shared by all requests of an event loop."""

    def __init__(self, target: str) -> None:
        self.target = target
        self._address = address_of(target)
        self._connection: Http2Connection | None = None
        self._connecting = asyncio.Lock()

    async def txn(self, compare: ModRevisionIs, then: Put | Delete, also: Sequence[Put | Delete] = ()) -> TxnResult:
        """Do ``then`` if the key's revision is as expected, else read the key (see Etcd)."""
        return messages.txn_answer(await self._call(TXN, messages.txn_request(compare, then, also)))

    async def range(
        self, key: bytes, end: bytes = b"", *, revision: int = 0, limit: int = 0, count_only: bool = False
    ) -> RangeResult:
        """Read one key or a range of keys (see Etcd)."""
        request = messages.range_request(key, end, revision=revision, limit=limit, count_only=count_only)
        return messages.range_answer(await self._call(RANGE, request, repeatable=True))

    async def watch(self, key: bytes, end: bytes, start_revision: int) -> AsyncGenerator[Sequence[Change], None]:
        """Yield changes in order, those of one revision together (see Etcd)."""
        connection = await self._connected()
        stream = MessageStream(connection, WATCH, messages.watch_request(key, end, start_revision))
        try:
            async with aclosing(stream.messages()) as received:
                async for message in received:
                    answer = messages.watch_answer(message)
                    if answer.cancelled:
                        raise _cancelled(answer)
                    yield answer.changes
        except (GrpcError, ConnectionBroken) as error:
            raise translate(error) from error
        finally:
            stream.close()
        raise ServiceUnavailable("etcd closed the watch", retry_after_s=1)

    async def lease(self, ttl_seconds: int) -> int:
        """Grant a lease (see Etcd)."""
        return messages.lease_answer(await self._call(LEASE_GRANT, messages.lease_request(ttl_seconds)))

    async def compact(self, revision: int) -> None:
        """Forget what keys were before ``revision`` (see Etcd)."""
        try:
            await self._call(COMPACT, messages.compaction_request(revision))
        except Compacted:
            logger.debug("etcd was compacted by another server", extra={"revision": revision})

    async def close(self) -> None:
        """Close the connection; calls under way end with ServiceUnavailable."""
        if self._connection is not None:
            self._connection.abort()

    async def _call(self, method: bytes, message: bytes, *, repeatable: bool = False) -> bytes:
        try:
            return await call_once(await self._connected(), method, message, DEADLINE_S)
        except (GrpcError, ConnectionBroken) as error:
            if isinstance(error, NotProcessed) or (repeatable and isinstance(error, ConnectionBroken)):
                return await self._call_again(method, message)
            raise translate(error) from error

    async def _call_again(self, method: bytes, message: bytes) -> bytes:
        try:
            return await call_once(await self._connected(), method, message, DEADLINE_S)
        except (GrpcError, ConnectionBroken) as error:
            raise translate(error) from error

    async def _connected(self) -> Http2Connection:
        """Return the connection, made anew if it is gone.

        Raises:
            ServiceUnavailable: etcd does not accept one for as long as a call may take.
        """
        connection = self._connection
        if connection is not None and connection.usable:
            return connection
        try:
            async with asyncio.timeout(DEADLINE_S), self._connecting:
                return await self._connect()
        except TimeoutError:
            raise ServiceUnavailable("storage is not available: etcd cannot be reached", retry_after_s=1) from None

    async def _connect(self) -> Http2Connection:
        if self._connection is not None:
            if self._connection.usable:  # another call was faster
                return self._connection
            self._connection.retire()
        pause_s, longest_s = RECONNECT_S
        while True:
            try:
                self._connection = await _open(self._address)
            except OSError:
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, longest_s)
            else:
                return self._connection


async def _open(address: Address) -> Http2Connection:
    loop = asyncio.get_running_loop()
    if isinstance(address, str):
        _, connection = await loop.create_unix_connection(Http2Connection, address)
    else:
        _, connection = await loop.create_connection(Http2Connection, *address)
    return connection


def address_of(target: str) -> Address:
    """Read ``unix:///run/etcd.sock`` or ``http://127.0.0.1:2379``.

    Raises:
        ValueError: the scheme is another one; etcd is spoken to in clear text on this machine only.
    """
    parts = urlsplit(target)
    if parts.scheme == "unix" and parts.path:
        return parts.path
    if parts.scheme == "http" and parts.hostname and parts.port:
        return parts.hostname, parts.port
    raise ValueError(f"etcd address {target!r}: want unix:///path or http://host:port")


def translate(error: GrpcError | ConnectionBroken) -> APIError:
    """Say as an APIError what etcd or its connection reported."""
    if isinstance(error, ConnectionBroken):
        return ServiceUnavailable(f"storage is not available: {error}", retry_after_s=1)
    code, text = error.status, error.message
    if "compacted" in text:
        return Compacted(f"etcd: {text}")
    if "request is too large" in text or (code == Status.RESOURCE_EXHAUSTED and "larger than max" in text):
        return RequestEntityTooLarge("the object is larger than etcd stores (1.5 MiB)")
    away = (Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, Status.CANCELLED)
    if code in away or "space exceeded" in text:
        return ServiceUnavailable(f"storage is not available: {text}", retry_after_s=1)
    return InternalError(f"etcd: {text}")


def _cancelled(answer: messages.WatchAnswer) -> APIError:
    if answer.compact_revision:
        return Compacted(f"etcd has forgotten all before revision {answer.compact_revision}")
    return ServiceUnavailable(f"etcd ended the watch: {answer.reason or 'no reason given'}", retry_after_s=1)
