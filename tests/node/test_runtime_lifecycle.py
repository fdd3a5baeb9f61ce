"""How containers start, end, are limited, and what is told of it."""

import asyncio
import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from nodeagent.runtime.sandbox import Sandbox
from nodeagent.runtime.spec import CgroupLimits, ContainerPhase, RuntimeFault


class TestStart:
    """A start either gives a running container, or a reason and nothing else."""

    @pytest.mark.parametrize(
        ("args", "message"),
        [
            (("nope",), 'exec: "nope": executable file not found in $PATH'),
            (("/bin/nope",), 'exec: "/bin/nope": stat /bin/nope: no such file or directory'),
            (("/etc/unexecutable",), 'exec: "/etc/unexecutable": permission denied'),
            (("/etc",), 'exec: "/etc": is a directory'),
            (("/etc/passwd",), 'exec: "/etc/passwd": permission denied'),
        ],
    )
    async def test_a_command_that_cannot_be_executed(
        self, node: Any, sandbox: Sandbox, args: tuple[str, ...], message: str
    ) -> None:
        spec = node.container_spec(*args, "argument")
        with pytest.raises(RuntimeFault, match=re.escape(message)) as caught:
            await sandbox.start_container(spec)
        assert caught.value.reason == "StartError"
        assert sandbox.container(spec.id) is None
        assert not (sandbox.spec.run_dir / "containers" / spec.id).exists()
        assert not (sandbox.spec.roots_dir / spec.id).exists()
        assert sandbox._driver.children(sandbox.spec.cgroup) == []

    async def test_a_bad_working_directory(self, node: Any, sandbox: Sandbox) -> None:
        with pytest.raises(RuntimeFault, match=re.escape('chdir to cwd ("/etc/passwd"): not a directory')):
            await sandbox.start_container(node.container_spec("true", cwd="/etc/passwd"))

    async def test_a_working_directory_cannot_lead_to_the_host(self, node: Any, sandbox: Sandbox) -> None:
        """Not by a descriptor that the runtime still has open: neither to be in it, nor to make it."""
        for number in range(3, 40):
            with suppress(RuntimeFault):
                await node.run(sandbox, "true", cwd=f"/proc/self/fd/{number}/made-by-a-pod")
        made = [path for root in (node.layer, node.directory) for path in root.rglob("made-by-a-pod")]
        assert [path for path in made if "shm" not in path.parts] == []  # that is the pod's own

    async def test_a_working_directory_that_the_image_lacks_is_made(self, node: Any, sandbox: Sandbox) -> None:
        assert (await node.run(sandbox, "pwd", cwd="/new/place"))[1] == "/new/place\n"

    async def test_the_command_is_looked_up_in_the_path_of_its_environment(self, node: Any, sandbox: Sandbox) -> None:
        state, text = await node.run(sandbox, "echo", "found", env=(("PATH", "/nowhere:/bin"),))
        assert (state.exit_code, text) == (0, "found\n")
        with pytest.raises(RuntimeFault, match="not found in"):
            await sandbox.start_container(node.container_spec("echo", "x", env=(("PATH", "/nowhere"),)))

    async def test_the_environment_is_what_was_asked_for(self, node: Any, sandbox: Sandbox) -> None:
        _, text = await node.run(sandbox, "/bin/env", "--", env=(("A", "1"), ("EMPTY", ""), ("A", "2")))
        lines = set(text.splitlines())
        assert {"A=2", "EMPTY=", "HOME=/root"} <= lines
        assert len(lines) == 4  # and PATH

    async def test_a_memory_limit_too_low_to_start_is_said_to_be_it(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("sleep 1", limits=CgroupLimits(memory_limit_bytes=64 << 10))
        with pytest.raises(RuntimeFault, match="the memory limit is too low to start it"):
            await sandbox.start_container(spec)

    async def test_the_steps_are_timed(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("true")
        state = await sandbox.start_container(spec)
        names = [span.name for span in state.spans]
        assert {"cgroup", "clone", "rootfs", "join", "privileges", "exec"} <= set(names)
        assert all(0 <= span.duration_us < 5_000_000 for span in state.spans)
        assert {"zygote", "namespaces", "cgroup"} <= {span.name for span in sandbox.state.spans}


class TestEnd:
    """An end is told once it is on the disk, with how and why."""

    @pytest.mark.parametrize(
        ("script", "code", "signum"),
        [("exit 0", 0, 0), ("exit 7", 7, 0), ("exit 255", 255, 0), ("sh -c 'kill -9 $$'; exit $?", 137, 0)],
    )
    async def test_exit_codes(self, node: Any, sandbox: Sandbox, script: str, code: int, signum: int) -> None:
        state, _ = await node.run(sandbox, script)
        assert (state.exit_code, state.signal, state.oom_killed) == (code, signum, False)
        assert state.finished_at_us >= state.started_at_us > 0

    async def test_a_signal_that_the_program_heeds(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("trap 'exit 3' TERM; echo ready; while :; do sleep 0.1; done")
        await sandbox.start_container(spec)
        await node.eventually(lambda: "ready" in node.log_text(spec.log_path))
        await sandbox.signal(spec.id, signal.SIGTERM)
        assert (await node.ended(sandbox, spec.id)).exit_code == 3

    async def test_a_kill(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("sleep 300")
        await sandbox.start_container(spec)
        await sandbox.signal(spec.id, signal.SIGTERM)  # process 1 without a handler does not get it
        await sandbox.kill_all()
        state = await node.ended(sandbox, spec.id)
        assert (state.exit_code, state.signal) == (137, 9)

    async def test_a_signal_to_one_that_does_not_run_is_refused(self, node: Any, sandbox: Sandbox) -> None:
        state, _ = await node.run(sandbox, "true")
        with pytest.raises(RuntimeFault, match="not running"):
            await sandbox.signal(state.id, signal.SIGTERM)
        with pytest.raises(RuntimeFault, match="no container"):
            await sandbox.signal("nope", signal.SIGTERM)

    async def test_a_container_is_removed_when_it_has_ended(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("sleep 300")
        await sandbox.start_container(spec)
        with pytest.raises(RuntimeFault, match="still running"):
            await sandbox.remove_container(spec.id)
        await sandbox.kill_all()
        await node.ended(sandbox, spec.id)
        await sandbox.remove_container(spec.id)
        assert sandbox.container(spec.id) is None
        assert not (sandbox.spec.run_dir / "containers" / spec.id).exists()
        assert not (sandbox.spec.roots_dir / spec.id).exists()
        assert sandbox._driver.children(sandbox.spec.cgroup) == []
        assert spec.log_path.exists()

    async def test_each_change_is_told(self, node: Any, sandbox: Sandbox) -> None:
        told: list[list[ContainerPhase]] = []
        sandbox.on_change = lambda: told.append([container.phase for container in sandbox.state.containers])
        await node.run(sandbox, "true")
        assert told == [[ContainerPhase.RUNNING], [ContainerPhase.EXITED]]

    async def test_another_container_cannot_prolong_it_by_writing_on(self, node: Any) -> None:
        sandbox = await node.runtime.create_sandbox(node.sandbox_spec(share_process_namespace=True))
        spec = node.container_spec("sleep 1000")
        await sandbox.start_container(spec)
        script = "yes > /proc/$(pidof sleep)/fd/1"
        await sandbox.start_container(node.container_spec(script, name="other"))
        await node.eventually(lambda: spec.log_path.stat().st_size > 1 << 20)
        await sandbox.signal(spec.id, signal.SIGKILL)
        assert (await node.ended(sandbox, spec.id)).signal == signal.SIGKILL
        await sandbox.remove()


class TestLimits:
    """What a container may use is what it can use."""

    async def test_memory_beyond_the_limit_is_an_oom_kill(self, node: Any, sandbox: Sandbox) -> None:
        limits = CgroupLimits(memory_limit_bytes=16 << 20)
        state, _ = await node.run(sandbox, "/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=64M", limits=limits)
        assert (state.exit_code, state.oom_killed) == (137, True)

    async def test_a_fork_bomb_is_stopped(self, node: Any, sandbox: Sandbox) -> None:
        script = "bomb() { bomb | bomb & }; bomb; sleep 1; echo survived"
        spec = node.container_spec(script, limits=CgroupLimits(pids_limit=20))
        await sandbox.start_container(spec)
        await node.eventually(lambda: "can't fork" in node.log_text(spec.log_path))
        assert node.runtime.driver.usage(f"{sandbox.spec.cgroup}/{spec.id}").pids <= 20
        await sandbox.kill_all()
        await node.ended(sandbox, spec.id)

    async def test_a_cpu_hog_is_throttled(self, node: Any, sandbox: Sandbox) -> None:
        limits = CgroupLimits(cpu_quota_us=10_000, cpu_period_us=100_000)
        spec = node.container_spec("while :; do :; done", limits=limits)
        await sandbox.start_container(spec)
        cgroup = f"{sandbox.spec.cgroup}/{spec.id}"
        before = node.runtime.driver.usage(cgroup).cpu_ns
        await asyncio.sleep(1)
        used = node.runtime.driver.usage(cgroup).cpu_ns - before
        assert used < 300_000_000
        await sandbox.kill_all()

    async def test_the_pods_limit_holds_for_its_containers_together(self, node: Any) -> None:
        spec = node.sandbox_spec(limits=CgroupLimits(memory_limit_bytes=24 << 20))
        sandbox = await node.runtime.create_sandbox(spec)
        state, _ = await node.run(sandbox, "/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=64M")
        assert state.oom_killed
        await sandbox.remove()

    async def test_limits_of_a_running_container_can_change(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("sleep 300", limits=CgroupLimits(memory_limit_bytes=64 << 20))
        await sandbox.start_container(spec)
        node.runtime.driver.update(f"{sandbox.spec.cgroup}/{spec.id}", CgroupLimits(memory_limit_bytes=32 << 20))
        process = await sandbox.exec(
            spec.id,
            ["sh", "-c", "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null"],
        )
        assert process.stdout is not None
        assert (await process.stdout.read()).strip() == str(32 << 20).encode()
        process.close()


class TestLogs:
    """What a container says is in its log, in the CRI format."""

    async def test_streams_and_times(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("echo out; echo err >&2; printf unfinished")
        await sandbox.start_container(spec)
        await node.ended(sandbox, spec.id)
        lines = spec.log_path.read_text().splitlines()
        assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z std(out|err) F ", line) for line in lines)
        assert node.log_text(spec.log_path, "stdout") == "out\nunfinished\n"
        assert node.log_text(spec.log_path, "stderr") == "err\n"

    async def test_long_lines_are_parted(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("head -c 40000 /dev/zero | tr '\\0' x; echo")
        await sandbox.start_container(spec)
        await node.ended(sandbox, spec.id)
        assert [line.split(" ", 3)[2] for line in spec.log_path.read_text().splitlines()] == ["P", "P", "F"]
        assert node.log_text(spec.log_path) == "x" * 40000 + "\n"

    async def test_everything_that_was_said_is_there(self, node: Any, sandbox: Sandbox) -> None:
        _, text = await node.run(sandbox, "seq 1 50000")
        assert text.split() == [str(number) for number in range(1, 50001)]

    async def test_a_log_can_be_moved_away(self, node: Any, sandbox: Sandbox) -> None:
        spec = node.container_spec("while :; do echo line; sleep 0.02; done")
        await sandbox.start_container(spec)
        await node.eventually(lambda: node.log_text(spec.log_path))
        moved = Path(f"{spec.log_path}.1")
        spec.log_path.rename(moved)
        await sandbox.reopen_log(spec.id)
        await node.eventually(lambda: spec.log_path.exists() and node.log_text(spec.log_path))
        assert node.log_text(moved).startswith("line\n")
        await sandbox.kill_all()
