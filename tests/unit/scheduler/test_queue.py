"""The scheduling queue: who is next, who waits for what."""

import asyncio

import pytest

from naru.api.core_v1 import Pod
from naru.api.keys import ObjectKey
from scheduler.plugin import ClusterEvent
from scheduler.queue import INITIAL_BACKOFF_S, UNSCHEDULABLE_TIMEOUT_S, SchedulingQueue


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def pod(name: str, priority: int = 0, uid: str = "") -> Pod:
    return Pod.model_validate(
        {
            "metadata": {"name": name, "namespace": "default", "uid": uid or name},
            "spec": {"containers": [{"name": "c", "image": "i"}], "priority": priority},
        }
    )


async def next_name(queue: SchedulingQueue) -> str:
    waiting = await asyncio.wait_for(queue.pop(), 1)
    return waiting.pod.metadata.name


async def is_empty(queue: SchedulingQueue) -> bool:
    try:
        await asyncio.wait_for(queue.pop(), 0.01)
    except TimeoutError:
        return True
    return False


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> SchedulingQueue:
    return SchedulingQueue(clock)


async def test_the_higher_priority_goes_first_then_the_older(queue: SchedulingQueue, clock: Clock) -> None:
    for name, priority in (("old", 0), ("young", 0), ("urgent", 10)):
        queue.add(pod(name, priority))
        clock.now_s += 1
    assert [await next_name(queue) for _ in range(3)] == ["urgent", "old", "young"]


async def test_a_pod_is_handed_out_once(queue: SchedulingQueue) -> None:
    queue.add(pod("web"))
    queue.add(pod("web"))
    assert await next_name(queue) == "web"
    assert await is_empty(queue)


async def test_a_removed_pod_is_not_handed_out(queue: SchedulingQueue) -> None:
    queue.add(pod("web"))
    queue.remove(ObjectKey("default", "web"))
    assert await is_empty(queue)


async def test_a_namesake_made_anew_is_another_pod(queue: SchedulingQueue) -> None:
    queue.add(pod("web", uid="1"))
    await next_name(queue)
    queue.add(pod("web", uid="2"))
    assert (await asyncio.wait_for(queue.pop(), 1)).pod.metadata.uid == "2"


class TestAPodThatFitsNowhere:
    async def test_waits_for_an_event_that_could_help(self, queue: SchedulingQueue, clock: Clock) -> None:
        queue.add(pod("web"))
        queue.park(await queue.pop(), frozenset({ClusterEvent.NODE_ADDED}))
        clock.now_s += 60
        queue.wake(ClusterEvent.NODE_LABELS)
        assert await is_empty(queue)
        queue.wake(ClusterEvent.NODE_ADDED)
        assert await next_name(queue) == "web"

    async def test_backs_off_when_the_event_follows_at_once(self, queue: SchedulingQueue, clock: Clock) -> None:
        queue.add(pod("web"))
        queue.park(await queue.pop(), frozenset({ClusterEvent.NODE_ADDED}))
        queue.wake(ClusterEvent.NODE_ADDED)
        assert await is_empty(queue)
        clock.now_s += INITIAL_BACKOFF_S
        assert await next_name(queue) == "web"

    async def test_is_tried_again_after_the_timeout(self, queue: SchedulingQueue, clock: Clock) -> None:
        queue.add(pod("web"))
        queue.park(await queue.pop(), frozenset())
        clock.now_s += UNSCHEDULABLE_TIMEOUT_S
        assert await next_name(queue) == "web"

    async def test_is_tried_again_when_its_spec_changes(self, queue: SchedulingQueue) -> None:
        queue.add(pod("web"))
        queue.park(await queue.pop(), frozenset())
        queue.add(pod("web", priority=1))
        assert await next_name(queue) == "web"


async def test_a_failed_binding_is_retried_after_a_growing_backoff(queue: SchedulingQueue, clock: Clock) -> None:
    queue.add(pod("web"))
    delays = []
    for _ in range(6):
        waiting = await asyncio.wait_for(queue.pop(), 1)
        queue.retry_later(waiting)
        delays.append(waiting.due_s - clock.now_s)
        clock.now_s = waiting.due_s
    assert delays == [1, 2, 4, 8, 10, 10]


async def test_a_pod_removed_during_its_attempt_does_not_come_back(queue: SchedulingQueue, clock: Clock) -> None:
    queue.add(pod("web"))
    waiting = await queue.pop()
    queue.remove(ObjectKey("default", "web"))
    queue.retry_later(waiting)
    clock.now_s += 100
    assert await is_empty(queue)
