"""The caches as a whole: fresh reads, and what follows when etcd forgets or goes back in time."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apiserver.storage.caches import Caches, _whole_revisions
from apiserver.storage.entry import encode, storage_key
from apiserver.storage.etcd import Change, Compacted, Delete, KeyValue, ModRevisionIs, Put, RangeResult, TxnResult
from naru.api.core_v1 import ConfigMap
from naru.api.errors import ServiceUnavailable
from naru.api.keys import ObjectKey
from naru.api.meta import ObjectMeta
from naru.api.scheme import resource_of

CONFIGMAPS = resource_of(ConfigMap)


class FakeEtcd:
    """An etcd in memory, whose watch holds back what the test tells it to, until it is broken and made anew."""

    def __init__(self) -> None:
        self.revision = 1
        self.log: list[Change] = []
        self.held: set[int] = set()
        self.compacted = 0
        self.news = asyncio.Event()
        self.fault: Exception | None = None
        self.ranges = 0
        self.started_at: list[int] = []

    def put(self, name: str, *, deliver: bool = True) -> int:
        self.revision += 1
        key = storage_key(CONFIGMAPS, ObjectKey("default", name))
        value = encode(ConfigMap(metadata=ObjectMeta(name=name, namespace="default")))
        self.log.append(Change(key, value, self.revision))
        self.held |= set() if deliver else {self.revision}
        self.news.set()
        return self.revision

    def break_watch(self) -> None:
        self.fault = ServiceUnavailable("broken")
        self.news.set()

    def restore(self) -> None:
        self.log.clear()
        self.revision = 1

    async def range(
        self, key: bytes, end: bytes = b"", *, revision: int = 0, limit: int = 0, count_only: bool = False
    ) -> RangeResult:
        self.ranges += 1
        await asyncio.sleep(0)
        if revision and revision < self.compacted:
            raise Compacted("compacted")
        changes = [change for change in self.log if change.revision <= (revision or self.revision)]
        items = {c.key: KeyValue(c.key, c.value, c.revision) for c in changes if c.value is not None}
        found = [item for name, item in sorted(items.items()) if key <= name < end]
        return RangeResult(self.revision, tuple(found[: limit or None]), len(found))

    async def watch(self, key: bytes, end: bytes, start_revision: int) -> AsyncGenerator[Sequence[Change], None]:
        self.started_at.append(start_revision)
        self.held.clear()
        if start_revision <= self.compacted:
            raise Compacted("compacted")
        yield []
        while True:
            for change in [change for change in self.log if change.revision >= start_revision]:
                if change.revision in self.held:
                    break
                start_revision = change.revision + 1
                yield [change]
            await self.news.wait()
            self.news.clear()
            if self.fault is not None:
                fault, self.fault = self.fault, None
                raise fault

    async def txn(self, compare: ModRevisionIs, then: Put | Delete) -> TxnResult:
        raise NotImplementedError

    async def lease(self, ttl_seconds: int) -> int:
        raise NotImplementedError

    async def compact(self, revision: int) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apiserver.storage.caches.FRESH_DEADLINE_S", 0.05)
    monkeypatch.setattr("apiserver.storage.caches.RETRY_S", 0)


@asynccontextmanager
async def following(etcd: FakeEtcd) -> AsyncGenerator[Caches, None]:
    caches = Caches(etcd)
    task = asyncio.create_task(caches.run())
    try:
        await caches.catch_up()
        yield caches
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def names(caches: Caches) -> list[str]:
    return [obj.metadata.name for obj in caches.cached_list(CONFIGMAPS)]


class TestFreshness:
    async def test_a_fresh_read_waits_for_the_change(self) -> None:
        etcd = FakeEtcd()
        async with following(etcd) as caches:
            etcd.put("a")
            assert await caches.fresh(CONFIGMAPS, "default", "a") is not None

    async def test_a_read_that_cannot_be_fresh_fails_instead_of_showing_the_past(self) -> None:
        etcd = FakeEtcd()
        async with following(etcd) as caches:
            etcd.put("a", deliver=False)
            with pytest.raises(ServiceUnavailable, match="etcd is at 2"):
                await caches.fresh(CONFIGMAPS, "default", "a")

    async def test_reads_that_wait_share_their_question(self) -> None:
        etcd = FakeEtcd()
        async with following(etcd) as caches:
            etcd.put("a")
            before = etcd.ranges
            await asyncio.gather(*(caches.catch_up() for _ in range(100)))
            assert etcd.ranges - before <= 2

    async def test_a_question_asked_before_the_write_is_not_shared(self) -> None:
        etcd = FakeEtcd()
        async with following(etcd) as caches:
            earlier = asyncio.create_task(caches.catch_up())
            await asyncio.sleep(0)
            etcd.put("a")
            await caches.catch_up()
            assert names(caches) == ["a"]
            await earlier


class TestStart:
    async def test_a_new_server_has_a_history(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("apiserver.storage.caches.REPLAYED", 2)
        etcd = FakeEtcd()
        for name in "abcd":
            etcd.put(name)
        async with following(etcd) as caches:
            assert names(caches) == ["a", "b", "c", "d"]
            assert caches.of(CONFIGMAPS).since == 3

    @pytest.mark.parametrize("compacted", [0, 1, 2, 3, 4, 5])
    async def test_it_goes_as_far_back_as_etcd_remembers(self, compacted: int) -> None:
        etcd = FakeEtcd()
        for name in "abcd":
            etcd.put(name)
        etcd.compacted = compacted
        async with following(etcd) as caches:
            assert names(caches) == ["a", "b", "c", "d"]
            assert caches.of(CONFIGMAPS).since == max(compacted, 1)


class TestBatches:
    @given(st.lists(st.integers(1, 9), max_size=60), st.integers(1, 7))
    def test_a_revision_is_never_cut(self, sizes: list[int], batch: int) -> None:
        changes = [Change(b"k", b"", revision) for revision, size in enumerate(sizes, 1) for _ in range(size)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("apiserver.storage.caches.BATCH", batch)
            parts = list(_whole_revisions(changes))
        assert [change for part in parts for change in part] == changes
        ends = [(part[0].revision, part[-1].revision) for part in parts]
        assert all(before[1] < after[0] for before, after in pairwise(ends))
        assert all(len(part) < batch + 9 for part in parts)


class TestFaults:
    async def test_after_a_break_the_watch_goes_on_where_it_was(self) -> None:
        etcd = FakeEtcd()
        async with following(etcd) as caches:
            etcd.put("a")
            await caches.catch_up()
            etcd.break_watch()
            etcd.put("b")
            await caches.catch_up()
            assert names(caches) == ["a", "b"]
            assert etcd.started_at == [2, 3]

    async def test_when_etcd_has_forgotten_it_lists_again(self) -> None:
        etcd = FakeEtcd()
        async with following(etcd) as caches:
            etcd.put("a", deliver=False)
            etcd.put("b", deliver=False)
            etcd.compacted = 2
            etcd.break_watch()
            await asyncio.sleep(0.01)
            assert names(caches) == ["a", "b"]
            assert caches.of(CONFIGMAPS).since == 2

    async def test_an_etcd_restored_from_a_backup_is_noticed(self) -> None:
        etcd = FakeEtcd()
        async with following(etcd) as caches:
            etcd.put("a")
            await caches.catch_up()
            etcd.restore()
            with pytest.raises(ServiceUnavailable, match="restored"):
                await caches.catch_up()
            etcd.break_watch()
            await asyncio.sleep(0.01)
            await caches.catch_up()
            assert names(caches) == []
