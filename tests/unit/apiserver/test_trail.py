"""The trail keeps what people ask about later, in words, and never a secret's values."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from apiserver.changes import changes_between, summarize
from apiserver.trail import TrailRing, summarize_write
from naru.api.apps_v1 import Deployment
from naru.api.coordination_v1 import Lease
from naru.api.core_v1 import Pod, Secret
from naru.api.meta import KubeObject


def deployment(replicas: int = 1, image: str = "nginx:1", **meta: Any) -> Deployment:
    return Deployment.model_validate(
        {
            "metadata": {"name": "web", **meta},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "web", "image": image}, {"name": "side", "image": "s"}]},
                },
            },
        }
    )


def said(old: KubeObject, new: KubeObject) -> str:
    return summarize(changes_between(old, new))


class TestSummaries:
    """One line that a person understands without the objects at hand."""

    def test_a_number(self) -> None:
        assert said(deployment(1), deployment(3)) == "spec.replicas 1 -> 3"

    def test_an_item_is_named_by_its_key(self) -> None:
        assert said(deployment(), deployment(image="nginx:2")) == (
            "spec.template.spec.containers[web].image nginx:1 -> nginx:2"
        )

    def test_labels_appear_and_go(self) -> None:
        one, two = deployment(labels={"a": "1"}), deployment(labels={"b": "2"})
        assert said(one, two) == "metadata.labels[a] removed, metadata.labels[b] = 2"

    def test_a_binding(self) -> None:
        pod: dict[str, Any] = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        bound = {**pod, "spec": {**pod["spec"], "nodeName": "node-1"}}
        assert said(Pod.model_validate(pod), Pod.model_validate(bound)) == "spec.nodeName = node-1"

    def test_bookkeeping_is_no_change(self) -> None:
        assert changes_between(deployment(resourceVersion="1"), deployment(resourceVersion="2")) == []

    def test_many_changes_are_counted(self) -> None:
        old, new = deployment(), deployment(annotations={str(n): "x" for n in range(9)})
        assert said(old, new).endswith("and 5 more")

    def test_long_values_are_not_written_out(self) -> None:
        new = deployment(annotations={"a": "x" * 100})
        assert said(deployment(), new) == "metadata.annotations[a] set"

    def test_a_secret_stays_one(self) -> None:
        old = Secret.model_validate({"metadata": {"name": "s"}, "data": {"a": "b2xk"}})
        new = Secret.model_validate({"metadata": {"name": "s"}, "data": {"a": "bmV3", "b": "bmV3"}})
        assert said(old, new) == "data[a] changed, data[b] set"


def lease(second: int, holder: str = "a") -> Lease:
    moment = datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC).isoformat()
    return Lease.model_validate({"metadata": {"name": "l"}, "spec": {"holderIdentity": holder, "renewTime": moment}})


class TestWorth:
    """What is kept."""

    def test_heartbeats_are_not(self) -> None:
        assert summarize_write(lease(1), lease(2)) is None

    def test_a_new_holder_is(self) -> None:
        assert summarize_write(lease(1), lease(2, "b")).startswith("spec.holderIdentity a -> b")  # type: ignore[union-attr]

    def test_what_changes_nothing_is_not(self) -> None:
        assert summarize_write(deployment(), deployment()) is None

    def test_comings_and_goings_are(self) -> None:
        assert summarize_write(None, deployment()) == "created"
        assert summarize_write(deployment(), None) == "deleted"

    def test_a_graceful_deletion_tells_its_grace(self) -> None:
        going = deployment(deletionTimestamp="2026-01-01T00:00:00Z", deletionGracePeriodSeconds=30)
        assert summarize_write(deployment(), going) == "deletion asked for, grace 30 s"


class TestRing:
    """Bounded, ordered, resumable."""

    async def test_it_forgets_the_oldest(self) -> None:
        ring = TrailRing(capacity=2)
        for number in range(3):
            ring.add({"n": number})
        assert [record["n"] for record in ring.since(0)] == [1, 2]

    async def test_ids_grow_even_within_a_microsecond(self) -> None:
        ring = TrailRing()
        for _ in range(50):
            ring.add({})
        ids = [record["id"] for record in ring.since(0)]
        assert ids == sorted(set(ids))

    async def test_a_follower_sees_everything_once(self) -> None:
        ring = TrailRing()
        ring.add({"n": 0})
        follower = ring.follow(0, idle_s=5)
        assert [record["n"] for record in await anext(follower)] == [0]
        waiting = asyncio.ensure_future(anext(follower))
        await asyncio.sleep(0)
        ring.add({"n": 1})
        assert [record["n"] for record in await waiting] == [1]

    async def test_a_quiet_ring_lets_its_followers_look_around(self) -> None:
        assert await anext(TrailRing().follow(0, idle_s=0.001)) == []

    @pytest.mark.parametrize("last", [-1, 0])
    async def test_an_empty_ring(self, last: int) -> None:
        assert TrailRing().since(last) == []
