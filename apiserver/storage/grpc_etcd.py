"""The etcd client: the Etcd interface on the gRPC stubs that aetcd ships.

The stubs are used bare because aetcd's own wrappers hide what a watch cache needs (that changes of one revision
come together, when a watch has started), take no unix socket, and fail on a transaction without an else branch.

A broken connection heals by itself (gRPC reconnects, at most every second); reads are tried once
more, writes are not, since the lost answer may have been a yes.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from aetcd import rpc

from apiserver.storage.etcd import Change, Compacted, Delete, KeyValue, ModRevisionIs, Put, RangeResult, TxnResult
from naru.api.errors import APIError, InternalError, RequestEntityTooLarge, ServiceUnavailable

logger = logging.getLogger(__name__)

DEADLINE_S: Final = 3.0  # of one call; a restart of a lone etcd takes well under a second
CHANNEL_OPTIONS: Final = (
    ("grpc.max_receive_message_length", -1),  # a list of a large resource is one message
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 10_000),  # notices an etcd that is stopped or cut off; etcd allows one each 5 s
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
)
WITH_LEADER: Final = (("hasleader", "true"),)  # a member without a leader refuses, instead of showing the past


class GrpcEtcd:
    """One connection to one etcd, shared by all requests. Make it inside the running event loop."""

    def __init__(self, target: str) -> None:
        self.target = target
        self._channel = rpc.insecure_channel(grpc_target(target), options=CHANNEL_OPTIONS)
        self._kv = rpc.KVStub(self._channel)
        self._watch = rpc.WatchStub(self._channel)
        self._lease = rpc.LeaseStub(self._channel)

    async def txn(self, compare: ModRevisionIs, then: Put | Delete) -> TxnResult:
        """Do ``then`` if the key's revision is as expected, else read the key (see Etcd)."""
        request = rpc.TxnRequest(
            compare=[
                rpc.Compare(
                    result=rpc.Compare.EQUAL,
                    target=rpc.Compare.MOD,
                    key=compare.key,
                    mod_revision=compare.revision,
                )
            ],
            success=[_operation(then)],
            failure=[rpc.RequestOp(request_range=rpc.RangeRequest(key=compare.key))],
        )
        answer = await self._call(self._kv.Txn, request)
        current = None
        if not answer.succeeded and answer.responses[0].response_range.kvs:
            current = _key_value(answer.responses[0].response_range.kvs[0])
        return TxnResult(answer.succeeded, answer.header.revision, current)

    async def range(
        self, key: bytes, end: bytes = b"", *, revision: int = 0, limit: int = 0, count_only: bool = False
    ) -> RangeResult:
        """Read one key or a range of keys (see Etcd)."""
        request = rpc.RangeRequest(key=key, range_end=end, revision=revision, limit=limit, count_only=count_only)
        answer = await self._call(self._kv.Range, request, repeatable=True)
        return RangeResult(answer.header.revision, tuple(map(_key_value, answer.kvs)), answer.count)

    async def watch(self, key: bytes, end: bytes, start_revision: int) -> AsyncGenerator[Sequence[Change], None]:
        """Yield changes in order, those of one revision together (see Etcd)."""
        call = self._watch.Watch(metadata=WITH_LEADER, wait_for_ready=True)
        create = rpc.WatchCreateRequest(key=key, range_end=end, start_revision=start_revision)
        try:
            await call.write(rpc.WatchRequest(create_request=create))
            while answer := await call.read():  # no deadline: a watch is silent while nothing changes
                if answer.canceled:
                    raise _cancelled(answer)
                yield [_change(event) for event in answer.events]
        except rpc.AioRpcError as error:
            raise translate(error) from error
        finally:
            call.cancel()
        raise ServiceUnavailable("etcd closed the watch", retry_after_s=1)

    async def lease(self, ttl_seconds: int) -> int:
        """Grant a lease (see Etcd)."""
        answer = await self._call(self._lease.LeaseGrant, rpc.LeaseGrantRequest(TTL=ttl_seconds))
        return int(answer.ID)

    async def compact(self, revision: int) -> None:
        """Forget what keys were before ``revision`` (see Etcd)."""
        try:
            await self._call(self._kv.Compact, rpc.CompactionRequest(revision=revision))
        except Compacted:
            logger.debug("etcd was compacted by another server", extra={"revision": revision})

    async def close(self) -> None:
        """Close the connection; calls under way end with ServiceUnavailable."""
        await self._channel.close()

    async def _call(self, method: Callable[..., Awaitable[Any]], request: object, *, repeatable: bool = False) -> Any:
        try:
            return await method(request, timeout=DEADLINE_S, wait_for_ready=True)
        except rpc.AioRpcError as error:
            if repeatable and error.code() == rpc.StatusCode.UNAVAILABLE:  # the connection broke under the call
                return await self._call(method, request)
            raise translate(error) from error


def grpc_target(target: str) -> str:
    """Turn ``unix:///run/etcd.sock`` or ``http://127.0.0.1:2379`` into an address as gRPC names it.

    Raises:
        ValueError: the scheme is another one; etcd is spoken to in clear text on this machine only.
    """
    parts = urlsplit(target)
    if parts.scheme == "unix" and parts.path:
        return f"unix:{parts.path}"
    if parts.scheme == "http" and parts.netloc:
        return parts.netloc
    raise ValueError(f"etcd address {target!r}: want unix:///path or http://host:port")


def translate(error: rpc.AioRpcError) -> APIError:
    """Say as an APIError what gRPC or etcd reported."""
    code, text = error.code(), error.details() or ""
    if "compacted" in text:
        return Compacted(f"etcd: {text}")
    if "request is too large" in text or (code == rpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in text):
        return RequestEntityTooLarge("the object is larger than etcd stores (1.5 MiB)")
    away = (rpc.StatusCode.UNAVAILABLE, rpc.StatusCode.DEADLINE_EXCEEDED, rpc.StatusCode.CANCELLED)
    if code in away or "space exceeded" in text:
        return ServiceUnavailable(f"storage is not available: {text or code.name.lower()}", retry_after_s=1)
    return InternalError(f"etcd: {text or code.name.lower()}")


def _operation(then: Put | Delete) -> Any:
    if isinstance(then, Put):
        return rpc.RequestOp(request_put=rpc.PutRequest(key=then.key, value=then.value, lease=then.lease))
    return rpc.RequestOp(request_delete_range=rpc.DeleteRangeRequest(key=then.key))


def _key_value(item: Any) -> KeyValue:
    return KeyValue(item.key, item.value, item.mod_revision)


def _change(event: Any) -> Change:
    deleted = event.type == rpc.Event.DELETE
    return Change(event.kv.key, None if deleted else event.kv.value, event.kv.mod_revision)


def _cancelled(answer: Any) -> APIError:
    if answer.compact_revision:
        return Compacted(f"etcd has forgotten all before revision {answer.compact_revision}")
    return ServiceUnavailable(f"etcd ended the watch: {answer.cancel_reason or 'no reason given'}", retry_after_s=1)
