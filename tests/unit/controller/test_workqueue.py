import asyncio
import random

import pytest

from naru.controller.backoff import Backoff
from naru.controller.workqueue import Workqueue


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> Workqueue[str]:
    return Workqueue(clock=clock, new_backoff=lambda: Backoff(1.0, 2.0, 10.0, draw=lambda: 1.0))


class TestBackoff:
    """Waits grow to a cap, jittered in their upper half, and start anew after success."""

    def test_growth(self) -> None:
        backoff = Backoff(1.0, 2.0, 5.0, draw=lambda: 1.0)
        assert [backoff.next_s() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]

    def test_jitter_halves_at_most(self) -> None:
        assert Backoff(1.0, draw=lambda: 0.0).next_s() == 0.5

    def test_reset(self) -> None:
        backoff = Backoff(1.0, 2.0, 5.0, draw=lambda: 1.0)
        backoff.next_s()
        backoff.reset()
        assert backoff.next_s() == 1.0

    def test_a_thousand_tries_do_not_overflow(self) -> None:
        assert Backoff(1.0, 2.0, 5.0, tries=10_000, draw=lambda: 1.0).next_s() == 5.0


class TestWorkqueue:
    """A key waits at most once, is with one worker at a time, and is not lost."""

    def test_keys_come_in_order_and_once(self, queue: Workqueue[str]) -> None:
        for key in ("a", "b", "a"):
            queue.add(key)
        assert [queue.get_nowait(), queue.get_nowait(), queue.get_nowait()] == ["a", "b", None]

    def test_a_key_added_while_worked_on_comes_after_done(self, queue: Workqueue[str]) -> None:
        queue.add("a")
        assert queue.get_nowait() == "a"
        queue.add("a")
        assert queue.get_nowait() is None
        queue.done("a")
        assert queue.get_nowait() == "a"

    def test_a_key_done_without_another_add_is_gone(self, queue: Workqueue[str]) -> None:
        queue.add("a")
        queue.get_nowait()
        queue.done("a")
        assert queue.get_nowait() is None

    def test_a_delay(self, queue: Workqueue[str], clock: Clock) -> None:
        queue.add_after("a", 5.0)
        clock.now_s += 4.9
        assert queue.get_nowait() is None
        clock.now_s += 0.2
        assert queue.get_nowait() == "a"

    def test_of_two_delays_the_first_to_end_counts(self, queue: Workqueue[str], clock: Clock) -> None:
        queue.add_after("a", 5.0)
        queue.add_after("a", 2.0)
        queue.add_after("a", 9.0)
        clock.now_s += 2.0
        assert queue.get_nowait() == "a"
        queue.done("a")
        clock.now_s += 100.0
        assert queue.get_nowait() is None

    def test_failures_wait_longer_each_time_until_forgotten(self, queue: Workqueue[str], clock: Clock) -> None:
        for delay_s in (1.0, 2.0, 4.0):
            queue.add_rate_limited("a")
            clock.now_s += delay_s - 0.01
            assert queue.get_nowait() is None
            clock.now_s += 0.01
            assert queue.get_nowait() == "a"
            queue.done("a")
        assert queue.failures("a") == 3
        queue.forget("a")
        assert queue.failures("a") == 0

    def test_a_cap_for_this_failure(self, queue: Workqueue[str], clock: Clock) -> None:
        queue.add_rate_limited("a", at_most_s=0.1)
        clock.now_s += 0.1
        assert queue.get_nowait() == "a"

    async def test_get_waits_for_an_add(self, queue: Workqueue[str]) -> None:
        waiting = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.add("a")
        assert await asyncio.wait_for(waiting, 1) == "a"

    async def test_get_wakes_for_a_delay(self) -> None:
        queue: Workqueue[str] = Workqueue()
        waiting = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        queue.add_after("a", 0.001)
        assert await asyncio.wait_for(waiting, 1) == "a"

    async def test_workers_share_without_overlap_and_every_add_is_followed_by_a_look(self) -> None:
        queue: Workqueue[int] = Workqueue()
        working: set[int] = set()
        wanted = dict.fromkeys(range(5), 0)  # the newest state of each object
        seen = dict.fromkeys(range(5), 0)

        async def work() -> None:
            while True:
                key = await queue.get()
                assert key not in working
                working.add(key)
                seen[key] = wanted[key]
                await asyncio.sleep(0)
                working.discard(key)
                queue.done(key)

        workers = [asyncio.create_task(work()) for _ in range(4)]
        rng = random.Random(1)
        for step in range(300):
            key = rng.randrange(5)
            wanted[key] = step
            queue.add(key)
            if rng.random() < 0.5:
                await asyncio.sleep(0)
        for _ in range(50):
            await asyncio.sleep(0)
        for worker in workers:
            worker.cancel()
        results = await asyncio.gather(*workers, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        assert seen == wanted
