"""Watching: what a client sees of what happens, and how it goes on after a break."""

import asyncio
import contextlib
import json

import pytest

ACCEPT_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


class TestWatch:
    async def test_changes_come_in_order_as_they_happen(self, api):
        async with api.watch(api.path("configmaps")) as watch:
            await api.make_config("a")
            await api.patch(api.path("configmaps", "a"), {"data": {"b": "2"}})
            await api.delete(api.path("configmaps", "a"))
            assert await watch.take(3) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]

    async def test_a_deleted_object_is_shown_as_it_last_was_at_the_revision_of_its_end(self, api):
        made = await api.make_config("a")
        async with api.watch(api.path("configmaps"), resourceVersion=made.version) as watch:
            await api.delete(api.path("configmaps", "a"))
            event = await watch.next()
            assert event["type"] == "DELETED"
            assert event["object"]["data"] == made.body["data"]
            assert int(event["object"]["metadata"]["resourceVersion"]) > int(made.version)

    @pytest.mark.parametrize("version", ["", "0"])
    async def test_without_a_revision_the_present_objects_come_first(self, api, version):
        await api.make_config("a")
        if version == "0":
            await api.get(api.path("configmaps"))  # so that the cache is sure to have it
        async with api.watch(api.path("configmaps"), resourceVersion=version) as watch:
            await api.make_config("b")
            assert await watch.take(2) == [("ADDED", "a"), ("ADDED", "b")]

    async def test_a_watch_resumes_where_the_one_before_ended(self, api):
        listed = await api.get(api.path("configmaps"))
        seen, version = [], listed.version
        for number in range(6):
            await api.make_config(f"c{number}")
        for _ in range(3):
            async with api.watch(api.path("configmaps"), resourceVersion=version) as watch:
                for _ in range(2):
                    event = await watch.next()
                    seen.append(event["object"]["metadata"]["name"])
                    version = event["object"]["metadata"]["resourceVersion"]
        assert seen == [f"c{number}" for number in range(6)]

    async def test_other_namespaces_and_resources_are_not_seen(self, api):
        async with api.watch(api.path("configmaps")) as watch:
            await api.post("/api/v1/namespaces/default/configmaps", {"metadata": {"generateName": "other-"}})
            await api.post(api.path("secrets"), {"metadata": {"name": "s"}})
            await api.make_config("mine")
            assert await watch.take(1) == [("ADDED", "mine")]

    async def test_objects_move_in_and_out_of_a_selector(self, api):
        await api.make_config("a", metadata={"labels": {"tier": "db"}})
        version = (await api.get(api.path("configmaps"))).version
        path = api.path("configmaps", "a")
        async with api.watch(api.path("configmaps"), resourceVersion=version, labelSelector="tier=web") as watch:
            await api.patch(path, {"metadata": {"labels": {"tier": "web"}}})
            await api.patch(path, {"data": {"n": "1"}})
            gone = await api.patch(path, {"metadata": {"labels": {"tier": "db"}}})
            await api.patch(path, {"data": {"n": "2"}})
            await api.make_config("b", metadata={"labels": {"tier": "web"}})
            events = [await watch.next() for _ in range(4)]
            assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED", "ADDED"]
            assert events[2]["object"]["metadata"]["resourceVersion"] == gone.version
            assert events[2]["object"]["metadata"]["labels"] == {"tier": "web"}

    async def test_a_field_selector_follows_the_pods_of_a_node(self, api):
        spec = {"containers": [{"name": "c", "image": "i"}]}
        version = (await api.get(api.path("pods"))).version
        selector = "spec.nodeName=node-1"
        async with api.watch(api.path("pods"), resourceVersion=version, fieldSelector=selector) as watch:
            for name, node in (("p", "node-2"), ("q", "node-1")):
                await api.post(api.path("pods"), {"metadata": {"name": name}, "spec": spec})
                binding = {"metadata": {"name": name}, "target": {"name": node}}
                await api.post(api.path("pods", name, "binding"), binding)
            assert await watch.take(1) == [("ADDED", "q")]

    async def test_a_field_that_cannot_be_selected_by_is_refused(self, api):
        answer = await api.get(api.path("configmaps"), watch="1", fieldSelector="spec.color=red")
        assert answer.code == 400
        assert answer.body["message"] == (
            '"spec.color" is not a known field selector: only "metadata.name", "metadata.namespace"'
        )

    async def test_an_object_that_leaves_a_namespace_of_many_is_seen_by_all_namespaces(self, api):
        version = (await api.get(api.path("configmaps"))).version
        await api.make_config("a")
        async with api.watch("/api/v1/configmaps", resourceVersion=version) as everywhere:
            assert await everywhere.take(1) == [("ADDED", "a")]

    async def test_one_object_is_followed_by_its_name(self, api):
        version = (await api.get(api.path("configmaps"))).version
        query = {"resourceVersion": version, "fieldSelector": "metadata.name=b"}
        async with api.watch(api.path("configmaps"), **query) as watch:
            await api.make_config("a")
            await api.make_config("b")
            assert await watch.take(1) == [("ADDED", "b")]

    async def test_a_get_of_one_object_is_no_watch(self, api):
        await api.make_config("a")
        assert (await api.get(api.path("configmaps", "a"), watch="true")).body["kind"] == "ConfigMap"

    async def test_a_timeout_ends_the_stream_cleanly_shortly_after_a_bookmark(self, api):
        version = (await api.get(api.path("configmaps"))).version
        query = {"timeoutSeconds": "3", "allowWatchBookmarks": "true", "resourceVersion": version}
        async with api.watch(api.path("configmaps"), **query) as watch:
            event = await watch.next()
            assert event["type"] == "BOOKMARK"
            assert event["object"].keys() == {"kind", "apiVersion", "metadata"}
            with pytest.raises(EOFError):
                await watch.next()

    async def test_initial_events_end_with_a_bookmark(self, api):
        await api.make_config("a")
        query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
        async with api.watch(api.path("configmaps"), **query) as watch:
            assert (await watch.next())["type"] == "ADDED"
            end = await watch.next()
            assert end["type"] == "BOOKMARK"
            assert end["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}

    async def test_a_watch_from_nowhere_marks_the_end_of_the_present_too(self, api):
        await api.make_config("a")
        async with api.watch(api.path("configmaps"), allowWatchBookmarks="true") as watch:
            assert await watch.take(2) == [("ADDED", "a"), ("BOOKMARK", "")]

    async def test_without_initial_events_a_watch_starts_now(self, api):
        await api.make_config("a")
        query = {"sendInitialEvents": "false", "resourceVersionMatch": "NotOlderThan"}
        async with api.watch(api.path("configmaps"), **query) as watch:
            await api.make_config("b")
            assert await watch.take(1) == [("ADDED", "b")]

    async def test_an_old_watch_begins_with_what_was_missed(self, api):
        made = await api.make_config("a")
        await api.make_config("b")
        query = {"resourceVersion": made.version, "sendInitialEvents": "false", "resourceVersionMatch": "NotOlderThan"}
        async with api.watch(api.path("configmaps"), **query) as watch:
            assert await watch.take(1) == [("ADDED", "b")]

    async def test_a_revision_that_cannot_be_served_is_told_inside_the_stream(self, api):
        query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        async with api.watch(api.path("configmaps"), resourceVersion="999999999", **query) as watch:
            event = await watch.next()
            assert event["type"] == "ERROR"
            assert (event["object"]["kind"], event["object"]["code"]) == ("Status", 504)

    async def test_rows_name_their_columns_once(self, api):
        url, headers = api.url + api.path("configmaps"), {"Accept": ACCEPT_TABLE}
        async with api.session.get(url, params={"watch": "1"}, headers=headers) as response:
            for name in ("a", "b"):
                await api.make_config(name)
            tables = [json.loads(await asyncio.wait_for(response.content.readline(), 5))["object"] for _ in range(2)]
            assert [bool(table["columnDefinitions"]) for table in tables] == [True, False]

    async def test_metadata_alone(self, api):
        headers = {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
        await api.make_config("a")
        async with api.session.get(api.url + api.path("configmaps") + "?watch=1", headers=headers) as response:
            event = json.loads(await asyncio.wait_for(response.content.readline(), 5))
            assert event["object"]["kind"] == "PartialObjectMetadata"
            assert event["object"].keys() == {"kind", "apiVersion", "metadata"}

    async def test_a_watch_is_never_compressed(self, api):
        headers = {"Accept-Encoding": "gzip"}
        await api.make_config("a", data={"x": "y" * 200_000})
        async with api.session.get(api.url + api.path("configmaps") + "?watch=1", headers=headers) as response:
            assert "Content-Encoding" not in response.headers
            assert response.headers["Transfer-Encoding"] == "chunked"

    async def test_through_a_websocket_each_event_is_a_message(self, api):
        await api.make_config("a", data={"x": "y" * 70_000})
        async with api.session.ws_connect(api.url + api.path("configmaps") + "?watch=1") as socket:
            first = await socket.receive_json(timeout=5)
            made = await asyncio.gather(*(api.make_config(f"b{number}") for number in range(5)))
            later = [await socket.receive_json(timeout=5) for _ in made]
            await api.patch(api.path("configmaps", "a"), {"data": {"x": "z" * 300}})
            last = await socket.receive_json(timeout=5)
        assert (first["type"], first["object"]["metadata"]["name"]) == ("ADDED", "a")
        assert {event["object"]["metadata"]["name"] for event in later} == {f"b{number}" for number in range(5)}
        assert last["object"]["data"]["x"] == "z" * 300

    async def test_a_client_that_leaves_at_once_is_no_error(self, api, apiserver):
        before = apiserver.log.read_text()
        for _ in range(20):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", int(apiserver.url.rpartition(":")[2]), ssl=apiserver.pki.tls()
            )
            writer.write(b"GET %b?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n" % api.path("configmaps").encode())
            writer.transport.abort()
            del reader
        await api.make_config("a")
        assert "Traceback" not in apiserver.log.read_text().removeprefix(before)

    async def test_rows_for_people(self, api):
        url, headers = api.url + api.path("configmaps"), {"Accept": ACCEPT_TABLE}
        async with api.session.get(url, params={"watch": "1"}, headers=headers) as response:
            await api.make_config("a")
            line = await asyncio.wait_for(response.content.readline(), 5)
            assert b'"kind":"Table"' in line
            assert b'"cells":["a",1,' in line

    async def test_the_deprecated_path_works(self, api):
        url = f"{api.url}/api/v1/watch/namespaces/{api.namespace}/configmaps"
        async with api.session.get(url) as response:
            await api.make_config("a")
            assert b'"ADDED"' in await asyncio.wait_for(response.content.readline(), 5)

    async def test_a_list_of_hundreds_streams_completely(self, api):
        body = {"x": "y" * 20_000}
        await asyncio.gather(*(api.make_config(f"c{number}", data=body) for number in range(100)))
        async with api.watch(api.path("configmaps")) as watch:
            await api.make_config("last")
            names = [name for _, name in await watch.take(101)]
            assert names[-1] == "last"
            assert len(set(names)) == 101

    async def test_a_watcher_that_does_not_read_is_dropped_and_holds_up_nobody(self, api, apiserver):
        address = "127.0.0.1", int(apiserver.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection(*address, ssl=apiserver.pki.tls(), limit=1024)
        writer.write(b"GET %b?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n" % api.path("configmaps").encode())
        await reader.readuntil(b"\r\n\r\n")
        async with api.watch(api.path("configmaps")) as other:
            for number in range(220):
                await api.make_config(f"c{number}", data={"x": "y" * 100_000})
                assert await other.take(1) == [("ADDED", f"c{number}")]
        received, stream_ended = 0, False
        with contextlib.suppress(ConnectionError):
            while data := await asyncio.wait_for(reader.read(1 << 20), 5):
                received += len(data)
                stream_ended = data.endswith(b"0\r\n\r\n")
        writer.transport.abort()
        assert received < 220 * 100_000
        assert not stream_ended
        assert "dropped a watcher that does not keep up" in apiserver.log.read_text()

    async def test_many_watchers_see_the_same(self, api):
        async def first_three() -> list[tuple[str, str]]:
            async with api.watch(api.path("configmaps")) as watch:
                ready.release()
                return await watch.take(3)

        ready = asyncio.Semaphore(0)
        watchers = [asyncio.create_task(first_three()) for _ in range(100)]
        for _ in watchers:
            await asyncio.wait_for(ready.acquire(), 10)
        for name in ("a", "b", "c"):
            await api.make_config(name)
        assert await asyncio.gather(*watchers) == [[("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]] * 100
