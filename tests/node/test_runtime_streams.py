"""exec, attach, terminals."""

import asyncio
import resource
from typing import Any

import pytest

from nodeagent.runtime.sandbox import Sandbox
from nodeagent.runtime.spec import CgroupLimits, ContainerSpec, RuntimeFault
from nodeagent.runtime.streams import ExecProcess, ProcessStreams


async def read(process: ProcessStreams) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.read(), 10)).decode()


async def read_until(process: ProcessStreams, text: str) -> str:
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readuntil(text.encode()), 10)).decode()


@pytest.fixture
async def sleeper(node: Any, sandbox: Sandbox) -> ContainerSpec:
    """A container that just runs."""
    spec: ContainerSpec = node.container_spec("sleep 300", env=(("COLOUR", "blue"),), uid=1000, gid=1000)
    await sandbox.start_container(spec)
    return spec


async def run(sandbox: Sandbox, spec: ContainerSpec, script: str) -> tuple[int, str]:
    process = await sandbox.exec(spec.id, ["sh", "-c", script])
    text = await read(process)
    code = await asyncio.wait_for(process.wait(), 10)
    process.close()
    return code, text


class TestExec:
    """A command joins a container: same world, same limits, same rights."""

    async def test_it_sees_what_the_container_sees(self, sandbox: Sandbox, sleeper: ContainerSpec) -> None:
        code, text = await run(sandbox, sleeper, "hostname; id -u; echo $COLOUR; tr '\\0' ' ' < /proc/1/cmdline")
        assert (code, text.split()[:3]) == (0, ["testhost", "1000", "blue"])
        assert "sleep" in text

    @pytest.mark.parametrize("namespace", ["mnt", "pid", "net", "uts", "ipc", "cgroup"])
    async def test_it_is_in_all_of_its_namespaces(self, node: Any, sandbox: Sandbox, namespace: str) -> None:
        spec = node.container_spec(f"readlink /proc/self/ns/{namespace}; sleep 300")
        await sandbox.start_container(spec)
        _, text = await run(sandbox, spec, f"readlink /proc/self/ns/{namespace}")
        assert text == await node.eventually(lambda: node.log_text(spec.log_path))

    async def test_it_has_no_more_rights(self, node: Any, sandbox: Sandbox) -> None:
        status = "grep -E 'Cap|Seccomp:|NoNewPrivs' /proc/self/status"
        spec = node.container_spec(f"{status}; sleep 300", no_new_privileges=True)
        await sandbox.start_container(spec)
        _, text = await run(sandbox, spec, status)
        assert text == await node.eventually(lambda: node.log_text(spec.log_path))
        assert (await run(sandbox, spec, "mount -t tmpfs none /tmp"))[0] != 0

    async def test_its_memory_counts_for_the_container(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("sleep 300", limits=CgroupLimits(memory_limit_bytes=16 << 20, pids_limit=10))
        await sandbox.start_container(spec)
        code, _ = await run(sandbox, spec, "exec dd if=/dev/zero of=/dev/null bs=64M")
        assert code == 137

    async def test_exit_codes(self, sandbox: Sandbox, sleeper: ContainerSpec) -> None:
        assert (await run(sandbox, sleeper, "exit 42"))[0] == 42
        assert (await run(sandbox, sleeper, "kill -TERM $$"))[0] == 143

    async def test_input_and_both_outputs(self, sandbox: Sandbox, sleeper: ContainerSpec) -> None:
        process = await sandbox.exec(sleeper.id, ["sh", "-c", "cat; echo error >&2"], stdin=True)
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b"x" * 300_000)
        reading = asyncio.create_task(read(process))
        await process.stdin.drain()
        process.stdin.close()
        assert await reading == "x" * 300_000
        assert await process.stderr.read() == b"error\n"
        assert await process.wait() == 0
        process.close()

    async def test_a_command_that_is_not_there(self, sandbox: Sandbox, sleeper: ContainerSpec) -> None:
        with pytest.raises(RuntimeFault, match=r'exec: "nope": executable file not found in \$PATH') as caught:
            await sandbox.exec(sleeper.id, ["nope"])
        assert caught.value.reason == "ExecError"

    async def test_not_in_a_container_that_has_ended(self, node: Any, sandbox: Sandbox) -> None:
        state, _ = await node.run(sandbox, "true")
        with pytest.raises(RuntimeFault, match="not running"):
            await sandbox.exec(state.id, ["true"])

    async def test_it_ends_with_the_container(self, node: Any, sandbox: Sandbox, sleeper: ContainerSpec) -> None:
        process = await sandbox.exec(sleeper.id, ["sleep", "300"])
        await sandbox.kill_all()
        assert await asyncio.wait_for(process.wait(), 10) == 137
        process.close()
        await node.ended(sandbox, sleeper.id)

    async def test_many_at_once(self, sandbox: Sandbox, sleeper: ContainerSpec) -> None:
        results = await asyncio.gather(*(run(sandbox, sleeper, f"exit {number}") for number in range(20)))
        assert [code for code, _ in results] == list(range(20))

    async def test_more_than_there_are_descriptors_for_are_refused(
        self, sandbox: Sandbox, sleeper: ContainerSpec
    ) -> None:
        resource.prlimit(sandbox.state.shim_pid, resource.RLIMIT_NOFILE, (40, 40))
        running = (run(sandbox, sleeper, "sleep 0.2; exit 3") for _ in range(60))
        results = await asyncio.gather(*running, return_exceptions=True)
        refused = [result for result in results if isinstance(result, RuntimeFault)]
        assert [result for result in results if result not in refused] == [(3, "")] * (60 - len(refused))
        assert 0 < len(refused) < 60
        assert (await run(sandbox, sleeper, "echo still here"))[1] == "still here\n"

    async def test_with_a_terminal(self, sandbox: Sandbox, sleeper: ContainerSpec) -> None:
        process: ExecProcess = await sandbox.exec(sleeper.id, ["sh"], tty=True, stdin=True)
        process.resize(120, 40)
        assert process.stdin is not None
        process.stdin.write(b"stty -echo; tty; stty size; echo $TERM; exit 5\n")
        text = await read(process)
        assert "/dev/pts/" in text
        assert "40 120" in text
        assert "xterm" in text
        assert await process.wait() == 5
        process.close()

    async def test_closing_a_terminal_ends_what_runs_on_it(self, sandbox: Sandbox, sleeper: ContainerSpec) -> None:
        process = await sandbox.exec(sleeper.id, ["sleep", "300"], tty=True)
        waiting = asyncio.create_task(process.wait())
        await asyncio.sleep(0)
        ProcessStreams.close(process)
        assert await asyncio.wait_for(waiting, 10) == 129


class TestAttach:
    """One can join what the first process says, and talk to it."""

    async def test_output_from_now_on(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("while :; do echo out; echo err >&2; sleep 0.05; done")
        await sandbox.start_container(spec)
        streams = await sandbox.attach(spec.id)
        assert streams.stderr is not None
        assert await read_until(streams, "out\nout\n")
        assert await asyncio.wait_for(streams.stderr.readuntil(b"err\n"), 10)
        streams.close()
        await sandbox.kill_all()

    async def test_input_reaches_the_program_and_the_end_of_its_one_writer_is_its_end(
        self, node: Any, sandbox: Sandbox
    ) -> None:
        spec = node.container_spec("cat; echo over", stdin=True, stdin_once=True)
        await sandbox.start_container(spec)
        streams = await sandbox.attach(spec.id, stdin=True)
        assert streams.stdin is not None
        streams.stdin.write(b"hello\n")
        assert await read_until(streams, "hello\n") == "hello\n"
        streams.stdin.close()
        assert await read(streams) == "over\n"
        streams.close()
        assert (await node.ended(sandbox, spec.id)).exit_code == 0
        assert node.log_text(spec.log_path) == "hello\nover\n"

    async def test_input_that_stays_open_serves_one_after_the_other(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("cat", stdin=True)
        await sandbox.start_container(spec)
        for word in ("one\n", "two\n"):
            streams = await sandbox.attach(spec.id, stdin=True)
            assert streams.stdin is not None
            streams.stdin.write(word.encode())
            assert await read_until(streams, word) == word
            streams.close()
        await sandbox.kill_all()

    async def test_a_container_with_a_terminal(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("/bin/sh", "-i", tty=True, stdin=True)
        await sandbox.start_container(spec)
        streams = await sandbox.attach(spec.id, stdin=True)
        streams.resize(100, 30)
        assert streams.stdin is not None
        assert streams.stderr is None or await streams.stderr.read() == b""
        streams.stdin.write(b"stty size; ls -l /dev/console; tty\n")
        text = await read_until(streams, "/dev/pts/0")
        assert "30 100" in text
        streams.close()
        await sandbox.kill_all()
        await node.ended(sandbox, spec.id)
        assert "30 100" in node.log_text(spec.log_path)

    async def test_a_reader_that_does_not_read_holds_nothing_up(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("sleep 0.3; seq 1 400000; echo over")
        await sandbox.start_container(spec)
        streams = await sandbox.attach(spec.id)
        assert (await node.ended(sandbox, spec.id)).exit_code == 0
        assert node.log_text(spec.log_path).endswith("400000\nover\n")
        streams.close()
