"""Storms: random writes from many clients while servers, etcd and connections die; nobody ever sees a wrong state.

The truth is what an independent watch of etcd (by etcdctl) tells. Against it are held:

- every acknowledged write: it is in etcd, with the content that was answered;
- every list and object that was read: it is etcd's state at the revision it names, and not older than any write that
  was acknowledged before, by whichever server;
- every event of every watch: none is missing, doubled or out of order, through breaks, restarts and relists.

``NARU_STORM_STEPS`` and ``NARU_STORM_SECONDS`` make the two tests longer, ``NARU_STORM_SEED`` makes them different.
"""

import asyncio
import base64
import bisect
import contextlib
import json
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import aiohttp

STEPS: Final = int(os.environ.get("NARU_STORM_STEPS", "240"))
SEED: Final = int(os.environ.get("NARU_STORM_SEED", "1"))
SECONDS: Final = float(os.environ.get("NARU_STORM_SECONDS", "5"))

NAMESPACE: Final = "storm"
PATH: Final = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
PREFIX: Final = f"/registry/core/configmaps/{NAMESPACE}/"
NAMES: Final = [f"o{number}" for number in range(24)]
TIERS: Final = ("web", "db")
AT_ONCE: Final = 6
PATIENCE_S: Final = 60.0  # for what must happen in the end
BROKEN: Final = (aiohttp.ClientError, ConnectionError, TimeoutError, EOFError)

Object = dict[str, Any]
Versions = dict[str, int]  # name to revision


class Truth:
    """What has happened in etcd, as an etcdctl of its own tells."""

    def __init__(self, etcd: Any) -> None:
        self.revision = 0
        self._etcd = etcd
        self._changes: dict[str, list[tuple[int, Object | None]]] = {}
        self._news = asyncio.Condition()

    async def follow(self) -> None:
        """Read the changes until cancelled."""
        command = ["etcdctl", f"--endpoints={self._etcd.endpoints}", "watch", "", "--prefix", "--rev=1"]
        process = await asyncio.create_subprocess_exec(
            *command,
            "-w",
            "json",
            env={**os.environ, "ETCDCTL_API": "3"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=64 << 20,
        )
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                async with self._news:
                    for event in json.loads(line)["Events"]:
                        self._learn(event)
                    self._news.notify_all()
            raise AssertionError("etcdctl ended")
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _learn(self, event: Any) -> None:
        entry = event["kv"]
        revision = int(entry["mod_revision"])
        assert revision >= self.revision, "etcd's own watch went back"
        self.revision = revision
        key = base64.b64decode(entry["key"]).decode()
        if key.startswith(PREFIX):
            obj = None
            if not event.get("type"):
                obj = json.loads(base64.b64decode(entry["value"]))
                obj["metadata"]["resourceVersion"] = str(revision)
            self._changes.setdefault(key.removeprefix(PREFIX), []).append((revision, obj))

    async def until(self, condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Wait until what is known fulfils a condition."""
        async with asyncio.timeout(patience_s), self._news:
            await self._news.wait_for(condition)

    async def reach(self, revision: int) -> None:
        """Wait until everything up to a revision is known."""
        await self.until(lambda: self.revision >= revision)

    def one_at(self, name: str, revision: int) -> Object | None:
        """Return an object as it was at a revision."""
        changes = self._changes.get(name, [])
        index = bisect.bisect_right(changes, revision, key=lambda change: change[0])
        return changes[index - 1][1] if index else None

    def at(self, revision: int, tier: str = "") -> dict[str, Object]:
        """Return all objects (of a tier) as they were."""
        found = {name: obj for name in self._changes if (obj := self.one_at(name, revision)) is not None}
        return {name: obj for name, obj in found.items() if not tier or tier_of(obj) == tier}

    def is_fresh(self, name: str, obj: Object | None, floor: int) -> bool:
        """Tell whether this state of an object was the current one at a moment not before ``floor``."""
        changes = [(0, None), *self._changes.get(name, [])]
        ends = [revision for revision, _ in changes[1:]] + [1 << 62]
        return any(state == obj and end > floor for (_, state), end in zip(changes, ends, strict=True))

    @property
    def uids(self) -> set[str]:
        """The identities of all objects that are there now."""
        return {obj["metadata"]["uid"] for obj in self.at(self.revision).values()}


def tier_of(obj: Object) -> str:
    tier: str = obj["metadata"].get("labels", {}).get("tier", "")
    return tier


def version_of(obj: Object) -> int:
    return int(obj["metadata"]["resourceVersion"])


def by_name(items: list[Object]) -> dict[str, Object]:
    return {item["metadata"]["name"]: {"kind": "ConfigMap", "apiVersion": "v1", **item} for item in items}


class World:
    """etcd, the servers on it, and what the clients have been told so far."""

    def __init__(self, etcd: Any, servers: list[Any], session: aiohttp.ClientSession, seed: int) -> None:
        self.etcd = etcd
        self.servers = servers
        self.session = session
        self.random = random.Random(seed)
        self.truth = Truth(etcd)
        self.floor = 0  # the newest revision of an acknowledged write
        self.gone: set[str] = set()  # uids of acknowledged deletions
        self.counts: Counter[str] = Counter()

    def url(self, path: str = PATH) -> str:
        """Name a server, any one of them."""
        return str(self.random.choice(self.servers).url) + path

    async def send(self, method: str, path: str, body: object = None, **params: str) -> tuple[int, Any]:
        """Send a request to any server."""
        kind = "merge-patch+json" if method == "PATCH" else "json"
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": f"application/{kind}"}
        async with self.session.request(
            method, self.url(path), data=data, headers=headers, params=params, timeout=aiohttp.ClientTimeout(20)
        ) as response:
            return response.status, json.loads(await response.read())


class Follower:
    """A client that keeps a copy of the objects, as informers do, and checks each step of it."""

    def __init__(self, world: World, *, tier: str = "", streams: bool = False) -> None:
        self.world = world
        self.tier = tier
        self.streams = streams
        self.state: dict[str, Object] = {}
        self.version = 0  # 0: it has to begin anew
        self.response: aiohttp.ClientResponse | None = None
        self.news = asyncio.Event()
        self.away_s = 0.05  # how long it takes to come back after a break

    async def reached(self, version: int) -> None:
        """Wait until the copy is as new as a revision."""
        while self.version < version:
            self.news.clear()
            await self.news.wait()

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                if not self.version and not self.streams:
                    await self.start_over()
                await self.watch()
            except BROKEN:
                away_s, self.away_s = self.away_s, 0.05
                await asyncio.sleep(away_s)

    @property
    def selector(self) -> dict[str, str]:
        """The label selector, as a parameter."""
        return {"labelSelector": f"tier={self.tier}"} if self.tier else {}

    async def start_over(self) -> None:
        """List, in pages or not, from the cache or fresh."""
        world = self.world
        query = {**self.selector, **world.random.choice([{}, {"resourceVersion": "0"}, {"limit": "4"}, {"limit": "9"}])}
        items: list[Object] = []
        while True:
            code, answer = await world.send("GET", PATH, **query)
            if code != 200:
                raise EOFError(f"list: {code}")
            items += answer["items"]
            token = answer["metadata"].get("continue")
            if not token:
                break
            query = {**query, "continue": token}
        version = int(answer["metadata"]["resourceVersion"])
        await self.begin(by_name(items), version)
        world.counts["lists of followers"] += 1

    async def begin(self, state: dict[str, Object], version: int) -> None:
        """Take a new copy."""
        await self.world.truth.reach(version)
        assert state == self.world.truth.at(version, self.tier)
        self.state, self.version = state, version
        self.news.set()

    async def watch(self) -> None:
        """Watch from where the copy is, until something breaks or time is over."""
        world, starts = self.world, not self.version
        query = {"watch": "1", "allowWatchBookmarks": "true", **self.selector}
        query |= {"timeoutSeconds": str(world.random.choice([1, 3, 8, 30]))}
        if starts:
            query |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        else:
            query |= {"resourceVersion": str(self.version)}
        timeout = aiohttp.ClientTimeout(None, sock_connect=5, sock_read=40)
        async with world.session.get(world.url(), params=query, timeout=timeout) as response:
            if response.status != 200:
                raise EOFError(f"watch: {response.status}")
            self.response = response
            world.counts["watches"] += 1
            if starts:
                await self.initial(response)
            while line := await response.content.readline():
                if not line.endswith(b"\n"):
                    raise EOFError("half an event")
                await self.take(json.loads(line))

    async def initial(self, response: aiohttp.ClientResponse) -> None:
        """Take the objects that a streaming list begins with."""
        state: dict[str, Object] = {}
        while line := await response.content.readline():
            event = json.loads(line)
            obj = event["object"]
            if event["type"] == "BOOKMARK":
                assert obj["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
                await self.begin(state, version_of(obj))
                self.world.counts["streamed lists"] += 1
                return
            if event["type"] == "ERROR":
                raise EOFError(obj["message"])
            assert event["type"] == "ADDED"
            assert obj["metadata"]["name"] not in state
            state[obj["metadata"]["name"]] = obj
        raise EOFError("the stream ended within its beginning")

    async def take(self, event: Any) -> None:
        """Apply one event, and compare the copy with etcd at that revision."""
        kind, obj = event["type"], event["object"]
        if kind == "ERROR":
            if obj["code"] == 410:
                self.version = 0
                self.world.counts["relists"] += 1
            raise EOFError(obj["message"])
        version = version_of(obj)
        if kind == "BOOKMARK":
            assert version >= self.version
        else:
            assert version > self.version, "an event came twice, or out of order"
            self.apply(kind, obj)
        self.version = version
        self.news.set()
        await self.world.truth.reach(version)
        truth = self.world.truth.at(version, self.tier)
        assert self.state == truth, f"at {version}: {sorted(self.state)} is not {sorted(truth)}"
        self.world.counts["events"] += 1

    def apply(self, kind: str, obj: Object) -> None:
        """Change the copy as the event says; it must be a change that makes sense."""
        name = obj["metadata"]["name"]
        assert (kind == "ADDED") is (name not in self.state), f"{kind} {name}"
        if kind == "DELETED":
            last = self.state.pop(name)
            last["metadata"]["resourceVersion"] = obj["metadata"]["resourceVersion"]
            assert obj == last, "a deletion shows the last state"
        else:
            self.state[name] = obj

    def drop(self) -> None:
        """Lose the connection."""
        if self.response is not None:
            self.response.close()


class Writer:
    """The operations of clients; each checks its own answer."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.number = 0

    async def operate(self) -> None:
        """Do one of them; who gets no answer knows nothing."""
        operations: dict[Callable[[str], Awaitable[None]], int] = {
            self.create: 6,
            self.patch: 6,
            self.replace: 4,
            self.delete: 4,
            self.delete_tier: 1,
            self.read: 4,
            self.list: 4,
            self.list_past: 2,
        }
        chosen = self.world.random.choices(list(operations), list(operations.values()))[0]
        try:
            await chosen(self.world.random.choice(NAMES))
            self.world.counts[chosen.__name__] += 1
        except BROKEN:
            self.world.counts["unanswered"] += 1

    def labels(self) -> dict[str, str]:
        """Return labels that put the object into one tier or none."""
        tier = self.world.random.choice([*TIERS, ""])
        return {"tier": tier} if tier else {}

    async def acknowledged(self, code: int, answer: Any, *expected: int) -> bool:
        """Hold an answered write against etcd; tell whether it was done."""
        if code == 503:
            raise EOFError("not available")
        assert code in expected, answer
        if code not in (200, 201):
            return False
        version = version_of(answer)
        self.world.floor = max(self.world.floor, version)
        await self.world.truth.reach(version)
        assert self.world.truth.one_at(answer["metadata"]["name"], version) == answer
        return True

    async def create(self, name: str) -> None:
        self.number += 1
        body = {"metadata": {"name": name, "labels": self.labels()}, "data": {"n": str(self.number)}}
        await self.acknowledged(*await self.world.send("POST", PATH, body), 201, 409)

    async def patch(self, name: str) -> None:
        self.number += 1
        body = {"metadata": {"labels": {"tier": self.labels().get("tier")}}, "data": {"n": str(self.number)}}
        await self.acknowledged(*await self.world.send("PATCH", f"{PATH}/{name}", body), 200, 404)

    async def replace(self, name: str) -> None:
        code, obj = await self.world.send("GET", f"{PATH}/{name}", resourceVersion="0")
        if code == 200:
            self.number += 1
            obj = {**obj, "data": {"n": str(self.number), "x": "y" * self.world.random.choice([1, 3000])}}
            await self.acknowledged(*await self.world.send("PUT", f"{PATH}/{name}", obj), 200, 404, 409)

    async def delete(self, name: str) -> None:
        code, obj = await self.world.send("GET", f"{PATH}/{name}")
        if code != 200:
            return
        uid = obj["metadata"]["uid"]
        body = {"preconditions": {"uid": uid, "resourceVersion": obj["metadata"]["resourceVersion"]}}
        code, answer = await self.world.send("DELETE", f"{PATH}/{name}", body)
        if code == 503:
            raise EOFError("not available")
        assert code in (200, 404, 409), answer
        if code == 200:
            assert answer["details"]["uid"] == uid
            self.world.gone.add(uid)

    async def delete_tier(self, name: str) -> None:
        tier = self.world.random.choice(TIERS)
        code, answer = await self.world.send("DELETE", PATH, labelSelector=f"tier={tier}", limit="3")
        if code == 200:
            self.world.gone |= {item["metadata"]["uid"] for item in answer["items"]}

    async def read(self, name: str) -> None:
        floor = self.world.floor
        code, answer = await self.world.send("GET", f"{PATH}/{name}")
        if code == 503:
            raise EOFError("not available")
        assert code in (200, 404), answer
        obj, truth = answer if code == 200 else None, self.world.truth
        try:
            await truth.until(lambda: truth.is_fresh(name, obj, floor), 10)
        except TimeoutError:
            raise AssertionError(f"{name} is older than {floor}: {obj}") from None

    async def list(self, name: str) -> None:
        floor = self.world.floor
        code, answer = await self.world.send("GET", PATH)
        if code == 503:
            raise EOFError("not available")
        assert code == 200, answer
        version = int(answer["metadata"]["resourceVersion"])
        assert version >= floor
        await self.world.truth.reach(version)
        assert by_name(answer["items"]) == self.world.truth.at(version)

    async def list_past(self, name: str) -> None:
        version = max(1, self.world.truth.revision - self.world.random.randrange(120))
        query = {"resourceVersion": str(version), "resourceVersionMatch": "Exact"}
        code, answer = await self.world.send("GET", PATH, **query)
        if code == 200:
            assert answer["metadata"]["resourceVersion"] == str(version)
            assert by_name(answer["items"]) == self.world.truth.at(version)


class Weather:
    """What goes wrong."""

    def __init__(self, world: World, followers: list[Follower]) -> None:
        self.world = world
        self.followers = followers

    async def strike(self) -> None:
        """Let one thing go wrong."""
        faults: dict[Callable[[], Awaitable[None]], int] = {
            self.drop_watches: 8,
            self.send_away: 4,
            self.forget: 2,
            self.compact: 4,
            self.kill_server: 2,
            self.kill_etcd: 2,
            self.freeze_server: 1,
            self.freeze_etcd: 1,
        }
        chosen = self.world.random.choices(list(faults), list(faults.values()))[0]
        await chosen()
        self.world.counts[chosen.__name__] += 1

    async def drop_watches(self) -> None:
        for follower in self.world.random.sample(self.followers, 2):
            follower.drop()

    async def send_away(self) -> None:
        """Let a follower sleep, so that what it missed may be forgotten when it comes back."""
        follower = self.world.random.choice(self.followers)
        follower.away_s = self.world.random.choice([0.3, 2.0])
        follower.drop()

    async def forget(self) -> None:
        follower = self.world.random.choice(self.followers)
        follower.version = 0
        follower.drop()

    async def compact(self) -> None:
        revision = self.world.truth.revision - self.world.random.randrange(30)
        command = ["etcdctl", f"--endpoints={self.world.etcd.endpoints}", "compaction", str(max(1, revision))]
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, "ETCDCTL_API": "3"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await asyncio.wait_for(process.wait(), 20)

    async def kill_server(self) -> None:
        server = self.world.random.choice(self.world.servers)
        await asyncio.to_thread(server.end, signal.SIGKILL)
        await asyncio.to_thread(server.start)

    async def kill_etcd(self) -> None:
        await asyncio.to_thread(self.world.etcd.restart)

    async def freeze_server(self) -> None:
        await self.freeze(self.world.random.choice(self.world.servers).pid)

    async def freeze_etcd(self) -> None:
        await self.freeze(await asyncio.to_thread(lambda: self.world.etcd.pid))

    async def freeze(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(0.4)
        finally:
            os.kill(pid, signal.SIGCONT)


@contextlib.asynccontextmanager
async def storm(etcd: Any, servers: list[Any], seed: int) -> AsyncIterator[tuple[World, list[Follower]]]:
    """Let followers watch from both servers; in the end all of them agree with etcd, and nothing is lost."""
    connector = aiohttp.TCPConnector(ssl=servers[0].pki.tls(), limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        world = World(etcd, servers, session, seed)
        followers = [
            Follower(world),
            Follower(world),
            Follower(world, streams=True),
            Follower(world, tier="web"),
            Follower(world, tier="db", streams=True),
        ]
        code, _ = await world.send("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        assert code == 201
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(world.truth.follow())]
                tasks += [group.create_task(follower.run()) for follower in followers]
                yield world, followers
                await settle(world, followers)
                for task in tasks:
                    task.cancel()
        finally:
            print(f"seed {seed}: revision {world.truth.revision}, {dict(world.counts)}")
    await asyncio.sleep(0.1)  # aiohttp leaves it to the loop to close TLS connections


async def settle(world: World, followers: list[Follower]) -> None:
    """Wait until everybody has seen a last write, and compare everything with etcd."""
    async with asyncio.timeout(PATIENCE_S):
        last = {tier: await write_surely(world, tier) for tier in TIERS}
        last[""] = max(last.values())
        for follower in followers:
            await follower.reached(last[follower.tier])
    truth = world.truth
    for follower in followers:
        assert follower.state == truth.at(follower.version, follower.tier)
    assert not world.gone & truth.uids, "a deletion was acknowledged, and did not last"
    for server in world.servers:
        async with world.session.get(server.url + PATH) as response:
            assert by_name((await response.json())["items"]) == truth.at(truth.revision)


async def write_surely(world: World, tier: str) -> int:
    """Create an object, however often that takes; return its revision."""
    while True:
        with contextlib.suppress(*BROKEN):
            body = {"metadata": {"generateName": "last-", "labels": {"tier": tier}}}
            code, answer = await world.send("POST", PATH, body)
            if code == 201:
                return version_of(answer)
        await asyncio.sleep(0.1)


async def weather_through(world: World, followers: list[Follower], steps: int) -> None:
    """Let clients write and things go wrong."""
    writer, weather = Writer(world), Weather(world, followers)
    slots = asyncio.Semaphore(AT_ONCE)

    async def operate() -> None:
        try:
            await writer.operate()
        finally:
            slots.release()

    async with asyncio.TaskGroup() as group:
        for _ in range(steps):
            if world.random.random() < 0.05:
                await weather.strike()
            else:
                await slots.acquire()
                group.create_task(operate())


async def test_nobody_ever_sees_a_wrong_state(side_by_side):
    async with storm(*side_by_side, SEED) as (world, followers):
        await weather_through(world, followers, STEPS)
    assert world.counts["events"] > STEPS / 2


async def test_nor_when_the_leader_of_several_etcds_dies(over_three_etcds):
    async with storm(*over_three_etcds, SEED) as (world, followers):
        await weather_through(world, followers, STEPS // 4)
        await asyncio.to_thread(world.etcd.restart)
        await weather_through(world, followers, STEPS // 8)


async def test_of_two_servers_one_may_always_be_dead(side_by_side):
    """No acknowledged write is lost, and no watch ever has to list again."""
    async with storm(*side_by_side, SEED) as (world, _):
        writer = Writer(world)
        over = asyncio.Event()

        async def write() -> None:
            while not over.is_set():
                await writer.operate()

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(write())
            loop = asyncio.get_running_loop()
            end, turn = loop.time() + SECONDS, 0
            while loop.time() < end:
                await asyncio.sleep(min(5.0, SECONDS / 6))
                server = world.servers[turn % 2]
                await asyncio.to_thread(server.end, signal.SIGKILL)
                await asyncio.to_thread(server.start)
                world.counts["kills"] += 1
                turn += 1
            over.set()
    assert world.counts["relists"] == 0
    assert world.counts["kills"] >= 2
