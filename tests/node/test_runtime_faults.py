"""Any process of the runtime may be killed at any moment: containers go on, or are gone without a trace."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nodeagent.runtime import syscalls
from nodeagent.runtime.namespaces import unmount
from nodeagent.runtime.runtime import Runtime
from nodeagent.runtime.sandbox import Sandbox
from nodeagent.runtime.spec import ContainerPhase, Mount, RuntimeFault
from nodeagent.runtime.syscalls import MountFlag
from nodeagent.runtime.zygote import PARKED


async def adopt(node: Any) -> tuple[Runtime, list[Sandbox]]:
    """Start a second agent's runtime where the first one was."""
    runtime = Runtime(node.directory / "run", node.cgroup_root)
    await runtime.start()
    return runtime, await runtime.adopt()


class TestZygote:
    """The zygote is only needed to make sandboxes, and comes back by itself."""

    async def test_containers_outlive_it_and_another_one_is_started(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("sleep 300")
        await sandbox.start_container(spec)
        killed = node.runtime.zygote_pid
        os.kill(killed, signal.SIGKILL)
        await node.eventually(lambda: node.runtime.zygote_pid != killed)
        second = await node.runtime.create_sandbox(node.sandbox_spec())
        assert (await node.run(second, "echo works"))[1] == "works\n"
        assert (await node.run(sandbox, "echo works too"))[1] == "works too\n"
        assert sandbox.container(spec.id).phase is ContainerPhase.RUNNING  # type: ignore[union-attr]
        await second.remove()

    async def test_shims_that_wait_for_a_pod_end_with_it(self, node: Any) -> None:
        await node.eventually(lambda: len(node.processes()) > PARKED)
        before = node.processes()
        os.kill(node.runtime.zygote_pid, signal.SIGKILL)
        await node.eventually(lambda: not before & node.processes())

    async def test_it_ends_with_the_agent(self, node: Any, sandbox: Sandbox) -> None:
        runtime, _ = await adopt(node)
        pid = runtime.zygote_pid
        await runtime.close()
        await node.eventually(lambda: not Path(f"/proc/{pid}").exists())
        os.kill(sandbox.state.shim_pid, 0)


class TestAgent:
    """A new agent finds what the old one left."""

    async def test_running_containers_are_adopted(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("while :; do echo tick; sleep 0.05; done")
        started = await sandbox.start_container(spec)
        sandbox.disconnect()
        await node.runtime.close()
        runtime, sandboxes = await adopt(node)
        assert len(sandboxes) == 1
        adopted = sandboxes[0]
        assert adopted.spec == sandbox.spec
        assert adopted.state == sandbox.state
        assert adopted.container(spec.id) == started
        process = await adopted.exec(spec.id, ["echo", "hello"])
        assert process.stdout is not None
        assert await process.stdout.read() == b"hello\n"
        process.close()
        await adopted.kill_all()
        assert (await node.ended(adopted, spec.id)).exit_code == 137
        await adopted.remove()
        await runtime.close()

    async def test_an_end_that_nobody_saw_is_told(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("sleep 0.2; exit 9")
        await sandbox.start_container(spec)
        sandbox.disconnect()
        await asyncio.sleep(0.5)
        runtime, (adopted,) = await adopt(node)
        state = adopted.container(spec.id)
        assert state is not None
        assert (state.phase, state.exit_code) == (ContainerPhase.EXITED, 9)
        adopted.disconnect()
        await runtime.close()

    async def test_two_agents_do_no_harm(self, node: Any, sandbox: Sandbox) -> None:
        runtime, (other,) = await adopt(node)
        spec = node.container_spec("sleep 300")
        await other.start_container(spec)
        await node.eventually(lambda: sandbox.container(spec.id))
        await other.kill_all()
        assert (await node.ended(sandbox, spec.id)).exit_code == 137
        other.disconnect()
        await runtime.close()

    async def test_a_lost_connection_is_made_anew(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("sleep 300")
        await sandbox.start_container(spec)
        assert sandbox._connection is not None
        lost = sandbox._connection
        lost.close()
        await node.eventually(lambda: sandbox._connection is not lost and not sandbox._connection.closed)  # type: ignore[union-attr]
        await sandbox.kill_all()
        assert (await node.ended(sandbox, spec.id)).exit_code == 137


class TestShim:
    """A shim that is killed takes its containers along, and only those."""

    async def test_its_containers_die_and_the_agent_is_told(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("sleep 300")
        ended = node.container_spec("exit 4")
        state = await sandbox.start_container(spec)
        await sandbox.start_container(ended)
        await node.ended(sandbox, ended.id)
        os.kill(sandbox.state.shim_pid, signal.SIGKILL)
        await node.eventually(lambda: not sandbox.alive)
        await node.eventually(lambda: not Path(f"/proc/{state.pid}").exists())
        last = sandbox.container(spec.id)
        assert last is not None
        assert (last.phase, last.exit_code) == (ContainerPhase.EXITED, 137)
        assert "shim" in last.error
        assert sandbox.container(ended.id).exit_code == 4  # type: ignore[union-attr]
        with pytest.raises(RuntimeFault, match="its shim has gone"):
            await sandbox.start_container(node.container_spec("true"))
        await sandbox.remove()
        assert not node.traces()

    async def test_a_container_that_does_not_die_with_its_parent_is_killed(self, node: Any) -> None:
        sandbox = await node.runtime.create_sandbox(node.sandbox_spec(host_pid=True))
        await sandbox.start_container(node.container_spec("setsid sleep 300 & sleep 300"))
        await node.eventually(lambda: len(node.runtime.driver.pids(sandbox.spec.cgroup)) >= 2)
        os.kill(sandbox.state.shim_pid, signal.SIGKILL)
        await node.eventually(lambda: not sandbox.alive)
        assert node.runtime.driver.pids(sandbox.spec.cgroup) == []
        await sandbox.remove()

    async def test_one_killed_while_no_agent_was_there_is_found_dead(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("sleep 300")
        await sandbox.start_container(spec)
        sandbox.disconnect()
        os.kill(sandbox.state.shim_pid, signal.SIGKILL)
        runtime, (adopted,) = await adopt(node)
        assert not adopted.alive
        assert adopted.container(spec.id).phase is ContainerPhase.EXITED  # type: ignore[union-attr]
        await adopted.remove()
        assert not node.traces()
        await runtime.close()

    async def test_one_that_lost_its_agent_ends_with_its_sandbox(self, node: Any, sandbox: Sandbox) -> None:
        shim = sandbox.state.shim_pid
        sandbox.disconnect()
        await sandbox.remove()
        await node.eventually(lambda: shim not in node.processes())

    async def test_one_whose_agent_has_gone_before_it_is_ready_ends(self, node: Any) -> None:
        await node.eventually(lambda: len(node.processes()) > PARKED)
        parked = node.processes()
        connection = await node.runtime._ask_zygote(node.sandbox_spec(), time.time_ns())
        connection.close()
        await node.eventually(lambda: parked - node.processes())
        assert not node.traces()

    async def test_its_end_shows_also_when_none_was_parked(self, node: Any) -> None:
        specs = [node.sandbox_spec() for _ in range(PARKED + 3)]
        sandboxes = await asyncio.gather(*map(node.runtime.create_sandbox, specs))
        for sandbox in sandboxes:
            assert _sockets(sandbox.state.shim_pid) == 2  # the agent's, and the one it listens at
            await sandbox.remove()

    async def test_other_pods_do_not_notice(self, node: Any, sandbox: Sandbox) -> None:
        other = await node.runtime.create_sandbox(node.sandbox_spec())
        spec = node.container_spec("sleep 300")
        await other.start_container(spec)
        os.kill(sandbox.state.shim_pid, signal.SIGKILL)
        await node.eventually(lambda: not sandbox.alive)
        assert other.container(spec.id).phase is ContainerPhase.RUNNING  # type: ignore[union-attr]
        await other.remove()


class TestFullDisk:
    """A disk without room costs log lines and new starts, never a container that runs."""

    @pytest.fixture
    def small(self, tmp_path: Path) -> Iterator[Path]:
        """A directory on a file system of its own that is soon full."""
        syscalls.mount("small", tmp_path, "tmpfs", MountFlag.NONE, "size=64k,mode=755")
        yield tmp_path
        unmount(tmp_path)

    async def test_what_a_container_says_is_dropped_until_there_is_room(
        self, node: Any, sandbox: Sandbox, small: Path
    ) -> None:
        filler, log = small / "filler", small / "0.log"
        filler.write_bytes(bytes(40 << 10))
        script = "yes | head -c 100000; echo; while [ ! -e /data/room ]; do sleep 0.01; done; echo written"
        mounts = (Mount("/data", small),)
        spec = node.container_spec(script, log_path=log, mounts=mounts)
        await sandbox.start_container(spec)
        await node.eventually(lambda: log.stat().st_size > 20 << 10)
        await asyncio.sleep(0.1)
        assert sandbox.alive
        filler.unlink()
        (small / "room").touch()
        assert (await node.ended(sandbox, spec.id)).exit_code == 0
        lines = log.read_text().splitlines()
        assert lines[-1].endswith("stdout F written")
        assert all(line.count(" stdout F ") == 1 for line in lines)

    async def test_an_end_is_told_though_it_cannot_be_recorded(self, node: Any, small: Path) -> None:
        spec = node.sandbox_spec(run_dir=small / "pod")
        sandbox = await node.runtime.create_sandbox(spec)
        script = "while [ ! -e /data/go ]; do sleep 0.01; done; exit 3"
        container = node.container_spec(script, mounts=(Mount("/data", node.directory),))
        await sandbox.start_container(container)
        (small / "filler").write_bytes(bytes(_room(small)))
        (node.directory / "go").touch()
        assert (await node.ended(sandbox, container.id)).exit_code == 3
        assert sandbox.alive
        await sandbox.remove()


class TestRemoval:
    """Nothing is left over."""

    async def test_after_containers_of_all_kinds(self, node: Any) -> None:
        sandbox = await node.runtime.create_sandbox(node.sandbox_spec())
        assert node.traces()
        for script in (
            "sleep 300",
            "trap '' TERM; while :; do sleep 1; done",
            "exit 1",
            "sleep 300 & sleep 300 & wait",
        ):
            await sandbox.start_container(node.container_spec(script))
        await sandbox.exec(sandbox.state.containers[0].id, ["sleep", "300"])
        await sandbox.remove()
        assert not node.traces()
        assert not sandbox.spec.run_dir.exists()
        assert not sandbox.spec.roots_dir.exists()
        assert await node.runtime.adopt() == []

    async def test_of_a_root_deeper_than_any_path(self, node: Any, sandbox: Sandbox) -> None:
        script = "cd /tmp; for i in $(seq 3000); do mkdir directory && cd directory; done; touch file; ln -s / link"
        state, _ = await node.run(sandbox, script)
        await sandbox.remove_container(state.id)
        assert list(sandbox.spec.roots_dir.iterdir()) == []

    async def test_twice_is_no_error(self, node: Any, sandbox: Sandbox) -> None:
        await sandbox.remove()
        await sandbox.remove()

    async def test_a_sandbox_that_cannot_be_made_leaves_nothing(self, node: Any) -> None:
        spec = node.sandbox_spec(sysctls={"net.no.such": "1"})
        with pytest.raises(RuntimeFault):
            await node.runtime.create_sandbox(spec)
        assert not node.traces()
        assert not spec.run_dir.exists()
        assert await node.runtime.adopt() == []

    async def test_one_whose_making_was_given_up_leaves_nothing(self, node: Any) -> None:
        for delay_s in (0.0, 0.001, 0.003, 0.006):
            making = asyncio.create_task(node.runtime.create_sandbox(node.sandbox_spec()))
            await asyncio.sleep(delay_s)
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
            if not making.cancelled():
                await making.result().remove()
        await node.eventually(lambda: not node.traces())

    async def test_many_sandboxes_at_once(self, node: Any) -> None:
        sandboxes = await asyncio.gather(*(node.runtime.create_sandbox(node.sandbox_spec()) for _ in range(20)))
        results = await asyncio.gather(
            *(node.run(sandbox, f"exit {number}") for number, sandbox in enumerate(sandboxes))
        )
        assert [state.exit_code for state, _ in results] == list(range(20))
        await asyncio.gather(*(sandbox.remove() for sandbox in sandboxes))
        assert not node.traces()

    async def test_no_descriptor_is_left_open(self, node: Any, sandbox: Sandbox) -> None:
        def count(pid: int | str) -> int:
            return len(list(Path(f"/proc/{pid}/fd").iterdir()))

        async def use() -> None:
            spec = node.container_spec("sleep 300", stdin=True)
            await sandbox.start_container(spec)
            process = await sandbox.exec(spec.id, ["true"], tty=True)
            await process.wait()
            process.close()
            streams = await sandbox.attach(spec.id, stdin=True)
            streams.close()
            with pytest.raises(RuntimeFault):
                await sandbox.exec(spec.id, ["nope"])
            with pytest.raises(RuntimeFault):
                await sandbox.start_container(node.container_spec("nope", "x", tty=True))
            await sandbox.kill_all()
            await node.ended(sandbox, spec.id)
            await sandbox.remove_container(spec.id)

        await use()
        await asyncio.sleep(0.05)
        before = count("self"), count(sandbox.state.shim_pid), count(node.runtime.zygote_pid)
        for _ in range(3):
            await use()
        await asyncio.sleep(0.05)
        assert (count("self"), count(sandbox.state.shim_pid), count(node.runtime.zygote_pid)) == before


def _sockets(pid: int) -> int:
    """How many sockets a process has open."""
    return sum(path.is_socket() for path in Path(f"/proc/{pid}/fd").iterdir())


def _room(directory: Path) -> int:
    """How many bytes a file may take there."""
    found = os.statvfs(directory)
    return found.f_bavail * found.f_bsize
