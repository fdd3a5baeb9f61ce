"""The etcd client and a real etcd: what is written is read, in the words of the Etcd interface."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from uuid import uuid4

import pytest

from apiserver.storage.etcd import Change, Compacted, Delete, KeyValue, ModRevisionIs, Put, prefix_end
from apiserver.storage.grpc_etcd import GrpcEtcd, address_of
from naru.api.errors import InternalError, RequestEntityTooLarge, ServiceUnavailable


@pytest.fixture
async def client(etcd) -> AsyncIterator[GrpcEtcd]:
    made = GrpcEtcd(etcd.target)
    yield made
    await made.close()


@pytest.fixture
def key() -> bytes:
    return f"/test/{uuid4().hex}/".encode()


async def put(client: GrpcEtcd, key: bytes, value: bytes, revision: int = 0) -> int:
    result = await client.txn(ModRevisionIs(key, revision), Put(key, value))
    assert result.succeeded
    return result.revision


async def drain(watch: AsyncGenerator[Sequence[Change], None]) -> None:
    async for _ in watch:
        pass


class TestTransactions:
    async def test_a_write_happens_if_the_revision_is_as_expected(self, client, key):
        first = await put(client, key, b"one")
        second = await put(client, key, b"two", first)
        assert second == first + 1
        assert (await client.range(key)).items == (KeyValue(key, b"two", second),)

    async def test_else_the_key_is_shown_as_it_is(self, client, key):
        absent = await client.txn(ModRevisionIs(key, 7), Put(key, b"one"))
        assert (absent.succeeded, absent.current) == (False, None)
        revision = await put(client, key, b"one")
        present = await client.txn(ModRevisionIs(key, 0), Put(key, b"two"))
        assert (present.succeeded, present.current) == (False, KeyValue(key, b"one", revision))

    async def test_a_key_is_deleted(self, client, key):
        revision = await put(client, key, b"one")
        assert (await client.txn(ModRevisionIs(key, revision), Delete(key))).succeeded
        assert (await client.range(key)).items == ()

    async def test_what_belongs_together_is_written_together(self, client, key):
        also = [Put(key + b"a", b"1"), Put(key + b"b", b"2"), Delete(key + b"gone")]
        done = await client.txn(ModRevisionIs(key, 0), Put(key, b"one"), also)
        found = await client.range(key, prefix_end(key))
        assert [(item.key, item.mod_revision) for item in found.items] == [
            (key, done.revision),
            (key + b"a", done.revision),
            (key + b"b", done.revision),
        ]

    async def test_or_not_at_all_if_something_of_it_is_taken(self, client, key):
        await put(client, key + b"b", b"theirs")
        also = [Put(key + b"a", b"1"), Put(key + b"b", b"2")]
        refused = await client.txn(ModRevisionIs(key, 0), Put(key, b"one"), also)
        assert (refused.succeeded, refused.current, refused.taken) == (False, None, (key + b"b",))
        assert (await client.range(key, prefix_end(key), count_only=True)).count == 1

    async def test_many_at_once_are_told_apart(self, client, key):
        keys = [b"%b%03d" % (key, number) for number in range(200)]
        revisions = await asyncio.gather(*(put(client, one, one * 100) for one in keys))
        found = await client.range(key, prefix_end(key))
        assert found.items == tuple(KeyValue(k, k * 100, r) for k, r in zip(keys, revisions, strict=True))

    async def test_a_value_as_large_as_etcd_takes_is_stored_and_a_larger_one_refused(self, client, key):
        large = bytes(1_400_000)
        await put(client, key, large)
        assert (await client.range(key)).items[0].value == large
        with pytest.raises(RequestEntityTooLarge):
            await client.txn(ModRevisionIs(key + b"2", 0), Put(key + b"2", bytes(2_000_000)))

    async def test_an_empty_value_is_a_value(self, client, key):
        revision = await put(client, key, b"")
        assert (await client.range(key)).items == (KeyValue(key, b"", revision),)


class TestRanges:
    async def test_pages_count_what_is_left_out(self, client, key):
        for number in range(5):
            await put(client, b"%b%d" % (key, number), b"x")
        page = await client.range(key, prefix_end(key), limit=2)
        assert ([item.key[-1:] for item in page.items], page.count) == ([b"0", b"1"], 5)
        assert (await client.range(key, prefix_end(key), count_only=True)).count == 5

    async def test_the_past_can_be_read_until_it_is_compacted(self, client, key):
        first = await put(client, key, b"one")
        second = await put(client, key, b"two", first)
        assert (await client.range(key, revision=first)).items == (KeyValue(key, b"one", first),)
        await client.compact(second)
        await client.compact(second)  # as another server would
        with pytest.raises(Compacted):
            await client.range(key, revision=first)

    async def test_the_future_cannot(self, client, key):
        with pytest.raises(InternalError, match="future revision"):
            await client.range(key, revision=1 << 60)


class TestWatches:
    async def test_changes_come_in_order_after_a_sign_that_the_watch_has_begun(self, client, key):
        first = await put(client, key, b"one")
        async with aclosing(client.watch(key, prefix_end(key), first)) as watch:
            assert await anext(watch) == []
            second = await put(client, key, b"two", first)
            await client.txn(ModRevisionIs(key, second), Delete(key))
            changes: list[Change] = []
            while len(changes) < 3:
                changes += await anext(watch)
        assert changes == [Change(key, b"one", first), Change(key, b"two", second), Change(key, None, second + 1)]

    async def test_more_than_the_windows_hold_passes_through(self, client, key):
        start = (await client.range(key)).revision + 1
        async with aclosing(client.watch(key, prefix_end(key), start)) as watch:
            assert await anext(watch) == []
            for number in range(30):
                await put(client, b"%b%02d" % (key, number), bytes(1_000_000))
            received = 0
            while received < 30:
                received += len(await anext(watch))

    async def test_a_watch_of_a_compacted_past_says_so(self, client, key):
        first = await put(client, key, b"one")
        second = await put(client, key, b"two", first)
        await client.compact(second)
        async with aclosing(client.watch(key, prefix_end(key), first)) as watch:
            with pytest.raises(Compacted):
                await drain(watch)


class TestConnection:
    async def test_a_key_with_a_lease_goes_when_the_lease_ends(self, client, key):
        lease = await client.lease(1)
        made = await client.txn(ModRevisionIs(key, 0), Put(key, b"one", lease))
        async with aclosing(client.watch(key, prefix_end(key), made.revision)) as watch, asyncio.timeout(20):
            while (changes := await anext(watch)) == [] or changes[-1].value is not None:
                continue
        assert (await client.range(key)).items == ()

    async def test_a_restarted_etcd_is_found_again(self, client, key, etcd):
        revision = await put(client, key, b"one")
        async with aclosing(client.watch(key, prefix_end(key), revision)) as watch:
            await anext(watch)
            await asyncio.to_thread(etcd.restart)
            with pytest.raises(ServiceUnavailable):
                await drain(watch)
        async with asyncio.timeout(20):
            assert (await client.range(key)).items == (KeyValue(key, b"one", revision),)

    async def test_an_address_where_nobody_is_becomes_a_refusal(self, tmp_path, monkeypatch):
        monkeypatch.setattr("apiserver.storage.grpc_etcd.DEADLINE_S", 0.2)
        with pytest.raises(ServiceUnavailable, match="cannot be reached"):
            await GrpcEtcd(f"unix://{tmp_path}/nobody.sock").range(b"a")

    @pytest.mark.parametrize(
        ("target", "address"),
        [
            ("unix:///run/etcd.sock:0", "/run/etcd.sock:0"),
            ("http://127.0.0.1:2379", ("127.0.0.1", 2379)),
            ("http://[::1]:2379", ("::1", 2379)),
        ],
    )
    def test_addresses(self, target, address):
        assert address_of(target) == address

    @pytest.mark.parametrize("target", ["https://127.0.0.1:2379", "127.0.0.1:2379", "unix://", "http://127.0.0.1"])
    def test_what_is_no_address_is_refused(self, target):
        with pytest.raises(ValueError, match="want unix"):
            address_of(target)
