"""etcd and the server are killed, stopped and emptied: nothing acknowledged is lost, nothing wrong is answered."""

import asyncio
import os
import signal
import subprocess

import pytest

pytestmark = pytest.mark.usefixtures("apiserver")


async def until_up(api, deadline_s: float = 15.0) -> None:
    async with asyncio.timeout(deadline_s):
        while (await api.get(api.path("configmaps"))).code != 200:
            continue  # each try takes until the server gives up waiting for etcd


async def etcdctl(etcd, *argv: str) -> str:
    command = ["etcdctl", f"--endpoints=unix://{etcd.socket_path}", *argv]
    environment = {**os.environ, "ETCDCTL_API": "3"}
    done = await asyncio.to_thread(
        subprocess.run, command, env=environment, check=True, timeout=10, capture_output=True, text=True
    )
    output: str = done.stdout
    return output


class TestEtcdKilled:
    async def test_requests_are_refused_while_etcd_is_away_and_served_again_after(self, api, etcd):
        await api.make_config("before")
        etcd.kill()
        try:
            write, read = await asyncio.gather(api.make_config("during"), api.get(api.path("configmaps", "before")))
            assert (write.code, read.code) == (503, 503)
            assert read.body["reason"] == "ServiceUnavailable"
            stale = await api.get(api.path("configmaps", "before"), resourceVersion="0")
            assert stale.code == 200  # whatever the cache has is what was asked for
        finally:
            etcd.start()
        await until_up(api)
        assert (await api.get(api.path("configmaps", "before"))).code == 200
        assert (await api.make_config("after")).code == 201

    async def test_every_acknowledged_write_is_there_after_kills_in_the_middle(self, api, etcd):
        acknowledged, stop = set(), asyncio.Event()

        async def write(worker: int) -> None:
            number = 0
            while not stop.is_set() and number < 2000:
                name = f"w{worker}-{number}"
                if (await api.make_config(name)).code == 201:
                    acknowledged.add(name)
                number += 1

        writers = [asyncio.create_task(write(worker)) for worker in range(4)]
        for _ in range(3):
            await asyncio.sleep(0.4)
            await asyncio.to_thread(etcd.restart)
        await asyncio.sleep(0.4)
        stop.set()
        await asyncio.gather(*writers)
        await until_up(api)
        listed = await api.get(api.path("configmaps"))
        names = {item["metadata"]["name"] for item in listed.body["items"]}
        assert len(acknowledged) > 20
        assert acknowledged <= names

    async def test_a_watch_survives_and_misses_nothing(self, api, etcd):
        async with api.watch(api.path("configmaps")) as watch:
            await api.make_config("a")
            await asyncio.to_thread(etcd.restart)
            await until_up(api)
            await api.make_config("b")
            assert await watch.take(2) == [("ADDED", "a"), ("ADDED", "b")]

    async def test_an_etcd_that_hangs_is_no_reason_to_hang(self, api, etcd):
        os.kill(etcd.pid, signal.SIGSTOP)
        try:
            answer = await asyncio.wait_for(api.get(api.path("configmaps")), 15)
            assert answer.code == 503
        finally:
            os.kill(etcd.pid, signal.SIGCONT)
        await until_up(api)


class TestHistory:
    async def test_a_page_of_a_forgotten_revision_is_gone_and_a_token_says_how_to_go_on(self, api, etcd, apiserver):
        for name in ("a", "b", "c"):
            await api.make_config(name)
        first = await api.get(api.path("configmaps"), limit="1")
        made = await api.make_config("d")
        await asyncio.to_thread(apiserver.end)  # and with it the history of its cache
        await etcdctl(etcd, "compaction", made.version)
        await asyncio.to_thread(apiserver.start)
        gone = await api.get(api.path("configmaps"), **{"limit": "1", "continue": first.body["metadata"]["continue"]})
        assert (gone.code, gone.body["reason"]) == (410, "Expired")
        assert "or use the continue token in this response" in gone.body["message"]
        rest = await api.get(api.path("configmaps"), **{"continue": gone.body["metadata"]["continue"]})
        assert [item["metadata"]["name"] for item in rest.body["items"]] == ["b", "c", "d"]
        old = {"resourceVersion": first.version, "resourceVersionMatch": "Exact"}
        exact = await api.get(api.path("configmaps"), **old)
        assert (exact.code, exact.body["message"]) == (
            410,
            "The resourceVersion for the provided list is too old.",
        )

    async def test_a_page_of_a_revision_from_before_the_start(self, api, apiserver):
        for name in ("a", "b", "c"):
            await api.make_config(name)
        first = await api.get(api.path("configmaps"), limit="1")
        await api.delete(api.path("configmaps", "b"))
        await asyncio.to_thread(apiserver.end)
        await asyncio.to_thread(apiserver.start)
        rest = await api.get(api.path("configmaps"), **{"limit": "1", "continue": first.body["metadata"]["continue"]})
        assert [item["metadata"]["name"] for item in rest.body["items"]] == ["b"]
        assert rest.version == first.version
        assert rest.body["metadata"]["remainingItemCount"] == 1

    async def test_events_expire_by_a_lease(self, api, etcd):
        event = {"metadata": {"name": "e"}, "involvedObject": {"namespace": api.namespace}, "reason": "Test"}
        assert (await api.post(api.path("events"), event)).code == 201
        leases = (await etcdctl(etcd, "lease", "list")).split()[3:]  # after: found N leases
        held = [await etcdctl(etcd, "lease", "timetolive", lease, "--keys") for lease in leases]
        assert sum("/events/" in keys for keys in held) == 1


class TestServerRestarted:
    async def test_a_watch_from_before_the_start_misses_nothing(self, api, apiserver):
        made = await api.make_config("a")
        await api.make_config("b")
        await api.delete(api.path("configmaps", "a"))
        assert await asyncio.to_thread(apiserver.end) == 0
        await asyncio.to_thread(apiserver.start)
        async with api.watch(api.path("configmaps"), resourceVersion=made.version) as watch:
            assert await watch.take(2) == [("ADDED", "b"), ("DELETED", "a")]

    async def test_a_revision_that_etcd_has_forgotten_is_gone_and_a_new_list_helps(self, api, apiserver, etcd):
        made = await api.make_config("a")
        last = await api.make_config("b")
        assert await asyncio.to_thread(apiserver.end) == 0
        await etcdctl(etcd, "compaction", last.version)
        await asyncio.to_thread(apiserver.start)
        async with api.watch(api.path("configmaps"), resourceVersion=made.version) as watch:
            event = await watch.next()
            assert event["type"] == "ERROR"
            assert event["object"]["code"] == 410
            assert event["object"]["reason"] == "Expired"
            assert event["object"]["message"].startswith(f"too old resource version: {made.version} (")
        listed = await api.get(api.path("configmaps"))
        assert [item["metadata"]["name"] for item in listed.body["items"]] == ["a", "b"]

    async def test_stopping_ends_watches_cleanly(self, api, apiserver):
        async with api.watch(api.path("configmaps")) as watch:
            await api.make_config("a")
            assert await watch.take(1) == [("ADDED", "a")]
            code = await asyncio.to_thread(apiserver.end)
            with pytest.raises(EOFError):  # the end of the stream, not a broken connection
                await watch.next()
        await asyncio.to_thread(apiserver.start)
        assert code == 0

    async def test_killed_it_comes_back_with_everything(self, api, apiserver):
        await api.make_config("a")
        await asyncio.to_thread(apiserver.end, signal.SIGKILL)
        await asyncio.to_thread(apiserver.start)
        assert (await api.get(api.path("configmaps", "a"))).code == 200
