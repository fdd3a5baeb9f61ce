"""How long a container takes to start: naru's runtime beside crun and runc, in one run.

Each round starts ``true`` of busybox once with each of them, in turn, in the same namespaces, with the same
capabilities, system call filter, cgroup and masked paths. What is measured:

- crun, runc: the command ``run`` of an OCI bundle, from its execution to its end, which includes the removal.
- naru: sandbox asked for -> program executed; -> its end told; -> everything removed again. A second container in the
  same sandbox, as when a container is restarted. All asked for over the sockets that the node agent uses.

naru mounts an overlay and makes a shim that outlives everybody; crun and runc do neither. crun 1.8 refuses hybrid
cgroup hierarchies; where there is one, all this runs in a mount namespace without the v2 part, and the table says so.

Usage: python benchmarks/container_start.py [--rounds N] [--json FILE]
"""

import argparse
import asyncio
import glob
import json
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from nodeagent.runtime import capabilities, rootfs, seccomp, syscalls
from nodeagent.runtime.runtime import Runtime
from nodeagent.runtime.sandbox import Sandbox
from nodeagent.runtime.spec import ContainerPhase, ContainerSpec, SandboxSpec
from nodeagent.runtime.syscall_numbers import syscall_numbers
from nodeagent.runtime.syscalls import CloneFlag, MountFlag

Samples = dict[str, list[float]]
PATH = "/bin"
REFERENCE = "crun run"
HYBRID_PART = "/sys/fs/cgroup/unified"


def make_layer(directory: Path) -> Path:
    """Make a root with busybox in it."""
    for name in ("bin", "dev", "etc", "proc", "sys", "tmp"):
        (directory / name).mkdir(parents=True)
    shutil.copy("/bin/busybox", directory / "bin/busybox")
    for applet in ("true", "sleep"):
        (directory / "bin" / applet).symlink_to("busybox")
    return directory


def make_bundle(directory: Path, layer: Path, args: Sequence[str]) -> Path:
    """Make an OCI bundle that asks for what naru gives by default."""
    directory.mkdir()
    subprocess.run(["runc", "spec"], cwd=directory, check=True, timeout=10)
    config = json.loads((directory / "config.json").read_text())
    bits = sorted(capabilities.DEFAULT)
    allowed = sorted(set(syscall_numbers()) - set(seccomp.default_profile(capabilities.DEFAULT)))
    config["root"] = {"path": str(layer), "readonly": False}
    config["process"] |= {
        "terminal": False,
        "args": list(args),
        "env": [f"PATH={PATH}"],
        "noNewPrivileges": False,
        "rlimits": [],
        "capabilities": {"bounding": bits, "effective": bits, "permitted": bits},
    }
    kinds = ("pid", "network", "ipc", "uts", "mount", "cgroup")
    config["linux"] |= {
        "namespaces": [{"type": kind} for kind in kinds],
        "maskedPaths": list(rootfs.MASKED_PATHS),
        "readonlyPaths": list(rootfs.READ_ONLY_PATHS),
        "cgroupsPath": f"/naru-bench-{os.getpid()}/bundle",
        "seccomp": {
            "defaultAction": "SCMP_ACT_ERRNO",
            "architectures": ["SCMP_ARCH_X86_64" if os.uname().machine == "x86_64" else "SCMP_ARCH_AARCH64"],
            "syscalls": [{"names": allowed, "action": "SCMP_ACT_ALLOW"}],
        },
    }
    (directory / "config.json").write_text(json.dumps(config))
    return directory


def run_command(argv: Sequence[str]) -> tuple[float, int]:
    """Execute a command; return how many milliseconds it took, and its exit code."""
    with open(os.devnull, "r+b") as null:
        began = time.perf_counter()
        actions = [(os.POSIX_SPAWN_DUP2, null.fileno(), fd) for fd in (0, 1, 2)]
        pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=actions)
        _, status = os.waitpid(pid, 0)
    return (time.perf_counter() - began) * 1000, os.waitstatus_to_exitcode(status)


class Peers:
    """The commands of the other runtimes that this machine has, each tried once."""

    def __init__(self, bundle: Path, state: Path) -> None:
        self.commands: dict[str, list[str]] = {}
        self.notes: list[str] = []
        for name in ("crun", "runc"):
            program = shutil.which(name)
            command = [str(program), f"--root={state / name}", "run", "--bundle", str(bundle)]
            if program is None:
                self.notes.append(f"{name} is not installed")
            elif (code := run_command([*command, f"naru-bench-{os.getpid()}-try"])[1]) != 0:
                self.notes.append(f"{name} does not work here (exit code {code})")
            else:
                self.commands[f"{name} run"] = command

    def measure(self, samples: Samples, number: int) -> None:
        """Run each once."""
        for label, command in self.commands.items():
            elapsed_ms, code = run_command([*command, f"naru-bench-{os.getpid()}-{number}"])
            if code != 0:
                raise RuntimeError(f"{label} failed with {code}")
            samples[label].append(elapsed_ms)


class Clock:
    """Milliseconds since it was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def __call__(self) -> float:
        """Read it."""
        return (time.perf_counter() - self._began) * 1000


async def wait_for_end(sandbox: Sandbox, container_id: str) -> None:
    """Wait until the shim has told of a container's end."""
    changed = asyncio.Event()
    sandbox.on_change = changed.set
    async with asyncio.timeout(10):
        while (state := sandbox.container(container_id)) is None or state.phase is not ContainerPhase.EXITED:
            changed.clear()
            await changed.wait()


async def measure_naru(runtime: Runtime, directory: Path, layer: Path, samples: Samples, spans: Samples) -> None:
    """One round of naru."""

    def container(number: int, args: tuple[str, ...]) -> ContainerSpec:
        log = directory / "logs" / f"{number}.log"
        return ContainerSpec(f"c{number}", "main", number, args, (layer,), log, env=(("PATH", PATH),))

    places = (directory / "pod", directory / "roots", directory / "logs")
    spec = SandboxSpec("pod", "bench", "pod", "bench", *places, "besteffort/pod")
    clock = Clock()
    sandbox = await runtime.create_sandbox(spec)
    made_ms = clock()
    state = await sandbox.start_container(container(0, ("true",)))
    executed_ms = clock()
    await wait_for_end(sandbox, "c0")
    ended_ms = clock()
    again = Clock()
    await sandbox.start_container(container(1, ("true",)))
    await wait_for_end(sandbox, "c1")
    again_ms = again()
    await sandbox.start_container(container(2, ("sleep", "60")))
    joining = Clock()
    process = await sandbox.exec("c2", ["true"])
    await process.wait()
    exec_ms = joining()
    process.close()
    await sandbox.kill_all()
    await wait_for_end(sandbox, "c2")
    removing = Clock()
    await sandbox.remove()
    removed_ms = removing()
    samples["naru sandbox + container, to exec"].append(executed_ms)
    samples["naru sandbox + container, to end told"].append(ended_ms)
    samples["naru the same, and all removed"].append(ended_ms + removed_ms)
    samples["naru container in a sandbox, to end told"].append(again_ms)
    samples["naru exec in a container, to end told"].append(exec_ms)
    spans["(sandbox asked for to told)"].append(made_ms)
    for span in (*sandbox.state.spans, *state.spans):
        spans[span.name].append(span.duration_us / 1000)


def print_table(samples: Samples, spans: Samples, notes: Sequence[str]) -> None:
    """Print what was measured, the fastest first, and naru's steps."""
    reference = statistics.median(samples[REFERENCE]) if REFERENCE in samples else None
    print(f"{'':44}{'min':>8}{'median':>8}{'ratio to ' + REFERENCE:>20}")
    for name, values in sorted(samples.items(), key=lambda item: statistics.median(item[1])):
        median = statistics.median(values)
        ratio = f"{median / reference:.2f}" if reference else "-"
        print(f"{name:44}{min(values):8.2f}{median:8.2f}{ratio:>20}")
    print("\nsteps of naru, median ms: " + ", ".join(f"{k} {statistics.median(v):.2f}" for k, v in spans.items()))
    for note in notes:
        print(note)


def summary(samples: Samples) -> dict[str, Any]:
    """Return the table as JSON has it."""
    return {name: {"min_ms": min(values), "median_ms": statistics.median(values)} for name, values in samples.items()}


def leave_hybrid_cgroups() -> list[str]:
    """Move to a mount namespace without the v2 part of a hybrid hierarchy; return a note if there was one."""
    if not os.path.ismount(HYBRID_PART):
        return []
    syscalls.unshare(CloneFlag.NEWNS)
    syscalls.mount("", "/", "", MountFlag.REC | MountFlag.PRIVATE)
    syscalls.umount2(HYBRID_PART, syscalls.MNT_DETACH)
    syscalls.mount("tmpfs", HYBRID_PART, "tmpfs")  # takes the directories that crun makes there nonetheless
    return [f"{HYBRID_PART} was hidden from all, in this run's own mount namespace: crun refuses a hybrid hierarchy"]


async def bench(rounds: int) -> tuple[Samples, Samples, list[str]]:
    """Measure all, one after the other in each round, so that noise falls on all alike."""
    samples: Samples = defaultdict(list)
    spans: Samples = defaultdict(list)
    directory = Path(tempfile.mkdtemp(prefix="naru-bench-"))
    runtime = Runtime(directory / "run", f"naru-bench-{os.getpid()}/node")
    try:
        layer = make_layer(directory / "layer")
        peers = Peers(make_bundle(directory / "bundle", layer, ["true"]), directory / "state")
        await runtime.start()
        for number in range(rounds + 1):
            if number == 1:  # the first round only warms up
                samples.clear()
                spans.clear()
            peers.measure(samples, number)
            await measure_naru(runtime, directory, layer, samples, spans)
        return samples, spans, peers.notes
    finally:
        await clean_up(runtime, directory)


async def clean_up(runtime: Runtime, directory: Path) -> None:
    """Leave nothing, also after a failure, and nothing of a run that was killed."""
    await runtime.close()
    for sandbox in await runtime.adopt():
        await sandbox.remove()
    remove_cgroups()
    shutil.rmtree(directory)


def remove_cgroups() -> None:
    """Remove the cgroups of this run, and of any whose process has gone; one that is in use stays."""
    for tree in glob.glob("/sys/fs/cgroup/*/naru-bench-[0-9]*") + glob.glob("/sys/fs/cgroup/naru-bench-[0-9]*"):
        pid = tree.rpartition("-")[2]
        running = pid != str(os.getpid()) and Path("/proc", pid).exists()
        if running or tree.startswith(HYBRID_PART):  # that is our tmpfs now, see leave_hybrid_cgroups
            continue
        for directory, _, _ in os.walk(tree, topdown=False):
            with suppress(OSError):
                os.rmdir(directory)


def end_in_order(signum: int, _frame: object) -> NoReturn:
    """End as after an exception, everything cleaned up."""
    raise SystemExit(128 + signum)


def main() -> None:
    """Parse arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, end_in_order)
    layout = leave_hybrid_cgroups()
    samples, spans, notes = asyncio.run(bench(arguments.rounds))
    notes += layout
    print_table(samples, spans, notes)
    if arguments.json:
        arguments.json.write_text(json.dumps({"samples": summary(samples), "steps": summary(spans), "notes": notes}))


if __name__ == "__main__":
    main()
