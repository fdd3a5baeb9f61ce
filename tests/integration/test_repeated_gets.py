"""A GET that is sent again and again is answered as the first one was, and never with something older."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Raw:
    """A connection to the API server on which requests are bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def read(self) -> Answer:
        """Return status, headers and body of the next answer."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        status, *lines = head.decode().split("\r\n")[:-2]
        headers = dict(line.split(": ", 1) for line in lines)
        body = await self.reader.readexactly(int(headers["Content-Length"]))
        return int(status.split()[1]), headers, body

    async def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        self.writer.write(request(method, path, body, **headers))
        return await self.read()


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "Content-Type: application/merge-patch+json"] if body else []
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def connection(apiserver, user: str | None = "admin") -> AsyncIterator[Raw]:
    tls = apiserver.pki.tls(user) if user else ssl.create_default_context(cafile=apiserver.pki.ca_file)
    host, port = apiserver.url.removeprefix("https://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=tls)
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def raw(apiserver) -> AsyncIterator[Raw]:
    async with connection(apiserver) as made:
        yield made


class TestRepeated:
    async def test_the_answer_is_the_same_in_all_but_its_number_and_time(self, api, raw):
        await api.make_config("a")
        answers = [await raw.send("GET", api.path("configmaps", "a")) for _ in range(4)]
        numbers = {headers.pop("Audit-Id") for _, headers, _ in answers}
        for _, headers, _ in answers:
            headers.pop("Date")
        assert len(numbers) == 4
        assert [answer == answers[0] for answer in answers] == [True] * 4
        assert json.loads(answers[0][2])["metadata"]["name"] == "a"

    async def test_every_write_that_was_acknowledged_is_seen(self, api, raw):
        await api.make_config("a")
        for number in range(30):
            await api.patch(api.path("configmaps", "a"), {"data": {"n": str(number)}})
            _, _, body = await raw.send("GET", api.path("configmaps", "a"))
            assert json.loads(body)["data"]["n"] == str(number)

    async def test_a_write_on_the_same_connection_is_seen(self, api, raw):
        await api.make_config("a")
        for number in range(10):
            data = json.dumps({"data": {"n": str(number)}}).encode()
            assert (await raw.send("PATCH", api.path("configmaps", "a"), data))[0] == 200
            for _ in range(2):
                _, _, body = await raw.send("GET", api.path("configmaps", "a"))
                assert json.loads(body)["data"]["n"] == str(number)

    async def test_a_deleted_object_is_gone_and_a_new_one_of_its_name_is_there(self, api, raw):
        for _ in range(3):
            made = await api.make_config("a")
            for _ in range(3):
                _, _, body = await raw.send("GET", api.path("configmaps", "a"))
                assert json.loads(body)["metadata"]["uid"] == made.body["metadata"]["uid"]
            await api.delete(api.path("configmaps", "a"))
            assert (await raw.send("GET", api.path("configmaps", "a")))[0] == 404

    async def test_requests_sent_at_once_are_answered_in_order(self, api, raw):
        for name in ("a", "b"):
            await api.make_config(name)
        paths = [api.path("configmaps", name) for name in ("a", "a", "b", "a", "b", "b")]
        for _ in range(3):
            await raw.send("GET", paths[0])
            raw.writer.write(request("GET", paths[0]))
            await asyncio.sleep(0)
            raw.writer.write(b"".join(request("GET", path) for path in paths))
            names = [json.loads((await raw.read())[2])["metadata"]["name"] for _ in range(7)]
            assert names == ["a", "a", "a", "b", "a", "b", "b"]

    async def test_a_request_that_comes_in_pieces_is_one(self, api, raw):
        await api.make_config("a")
        whole = request("GET", api.path("configmaps", "a"))
        for cut in (1, 10, len(whole) - 1):
            await raw.send("GET", api.path("configmaps", "a"))
            raw.writer.write(whole[:cut])
            await raw.writer.drain()
            await asyncio.sleep(0.01)
            raw.writer.write(whole[cut:])
            assert (await raw.read())[0] == 200

    async def test_other_forms_are_answered_in_their_form(self, api, raw):
        await api.make_config("a")
        path = api.path("configmaps", "a")
        for _ in range(3):
            assert (await raw.send("GET", path))[1]["Content-Type"] == "application/json"
            assert (await raw.send("GET", path, Accept="application/yaml"))[1]["Content-Type"] == "application/yaml"
            _, _, table = await raw.send("GET", path, Accept="application/json;as=Table;g=meta.k8s.io;v=v1")
            assert json.loads(table)["kind"] == "Table"
            assert (await raw.send("GET", path, Audit_ID="mine"))[1]["Audit-Id"] == "mine"

    async def test_who_shows_no_certificate_is_refused_what_others_got(self, api, apiserver, raw):
        await api.make_config("a")
        for _ in range(2):
            assert (await raw.send("GET", api.path("configmaps", "a")))[0] == 200
        async with connection(apiserver, user=None) as stranger:
            for _ in range(3):
                assert (await stranger.send("GET", api.path("configmaps", "a")))[0] == 403

    async def test_while_etcd_is_away_nothing_old_is_passed_off_as_new(self, api, etcd, raw):
        await api.make_config("a")
        path = api.path("configmaps", "a")
        for _ in range(2):
            assert (await raw.send("GET", path))[0] == 200
            assert (await raw.send("GET", f"{path}?resourceVersion=0"))[0] == 200
        etcd.kill()
        try:
            assert (await raw.send("GET", path))[0] == 503
            assert (await raw.send("GET", f"{path}?resourceVersion=0"))[0] == 200
        finally:
            etcd.start()
        async with asyncio.timeout(15):
            while (await raw.send("GET", path))[0] != 200:
                continue
