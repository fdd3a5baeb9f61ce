"""Fixtures of the tests that make real namespaces, mounts, cgroups; all named for this run, and taken down."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from nodeagent.runtime.namespaces import unmount
from nodeagent.runtime.runtime import Runtime
from nodeagent.runtime.sandbox import Sandbox
from nodeagent.runtime.spec import ContainerPhase, ContainerSpec, ContainerState, SandboxSpec

BUSYBOX = Path("/bin/busybox")
DEADLINE_S = 20.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests in this directory need root."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.root)
            if os.geteuid() != 0:
                item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.fixture(scope="session")
def busybox_layer() -> Iterator[Path]:
    """A root file system with busybox in it, as one read-only image layer."""
    if not BUSYBOX.exists():
        pytest.skip("needs the Debian package busybox-static")
    with tempfile.TemporaryDirectory(prefix="naru-layer-") as directory:
        layer = Path(directory)
        layer.chmod(0o755)
        for name in ("bin", "etc", "proc", "root", "sys", "tmp", "var"):
            (layer / name).mkdir()
        (layer / "tmp").chmod(0o1777)
        (layer / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
        (layer / "etc/unexecutable").write_text("#!/bin/sh\n")
        shutil.copy(BUSYBOX, layer / "bin/busybox")
        listing = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True, timeout=10)
        for applet in listing.stdout.split():
            if applet != "busybox":
                (layer / "bin" / applet).symlink_to("busybox")
        yield layer


async def _eventually(condition: Callable[[], Any], deadline_s: float = DEADLINE_S) -> Any:
    """Wait until a condition is true, and return what it is."""
    async with asyncio.timeout(deadline_s):
        while not (result := condition()):  # noqa: ASYNC110 - see below
            await asyncio.sleep(0.005)  # the condition is often of the kernel's, which sets no event
    return result


async def _ended(sandbox: Sandbox, container_id: str) -> ContainerState:
    """Wait for the end of a container."""

    def state() -> ContainerState | None:
        found = sandbox.container(container_id)
        return found if found is not None and found.phase is ContainerPhase.EXITED else None

    result: ContainerState = await _eventually(state)
    return result


def _log_text(path: Path, stream: str = "") -> str:
    """The text in a CRI log, of one stream or of both."""
    text = ""
    for line in path.read_text().splitlines():
        _time, of, tag, rest = line.split(" ", 3)
        if stream in ("", of):
            text += rest + ("\n" if tag == "F" else "")
    return text


@dataclass
class Node:
    """One runtime under test, and what its sandboxes are made from."""

    runtime: Runtime
    directory: Path
    layer: Path
    cgroup_root: str

    # Tests cannot import this module (pytest loads it by path), so its helpers travel with the fixture.
    eventually = staticmethod(_eventually)
    ended = staticmethod(_ended)
    log_text = staticmethod(_log_text)

    def traces(self) -> "Traces":
        """What there is of this runtime on the machine."""
        return Traces.find(self.directory, self.cgroup_root)

    def processes(self) -> set[int]:
        """Zygote and shims, those that wait for a pod too."""
        return runtime_processes(self.cgroup_root)

    def sandbox_spec(self, **changes: Any) -> SandboxSpec:
        """A sandbox of its own name."""
        uid = str(uuid4())
        return SandboxSpec(
            **{
                "uid": uid,
                "namespace": "test",
                "name": "pod",
                "hostname": "testhost",
                "run_dir": self.directory / "pods" / uid,
                "roots_dir": self.directory / "roots" / uid,
                "log_dir": self.directory / "logs" / uid,
                "cgroup": f"burstable/pod{uid}",
            }
            | changes
        )

    def container_spec(self, *args: str, **changes: Any) -> ContainerSpec:
        """A container of its own id that runs ``args``, or a script given alone."""
        container_id = uuid4().hex
        return ContainerSpec(
            **{
                "id": container_id,
                "name": "main",
                "attempt": 0,
                "args": args if len(args) > 1 else ("/bin/sh", "-c", args[0]),
                "layers": (self.layer,),
                "log_path": self.directory / "logs" / f"{container_id}.log",
            }
            | changes
        )

    async def run(self, sandbox: Sandbox, *args: str, **changes: Any) -> tuple[ContainerState, str]:
        """Run a container to its end; return how it ended and what it said."""
        spec = self.container_spec(*args, **changes)
        await sandbox.start_container(spec)
        state = await self.ended(sandbox, spec.id)
        return state, self.log_text(spec.log_path)


@dataclass
class Traces:
    """What a runtime can leave behind on the machine."""

    cgroups: set[str]
    mounts: set[str]
    processes: set[str]

    @classmethod
    def find(cls, directory: Path, cgroup_root: str) -> "Traces":
        """Look for anything that names this run's directory or cgroup root."""
        name = cgroup_root.split("/")[0]
        trees = [Path("/sys/fs/cgroup", name), *Path("/sys/fs/cgroup").glob(f"*/{name}")]  # not those of other runs
        cgroups = {str(path) for tree in trees for path in tree.glob("**/pod*")}
        mounts = {line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(directory) in line}
        processes = set()
        for path in Path("/proc").glob("[0-9]*/cgroup"):
            try:
                processes |= {str(path)} if name in path.read_text() else set()
            except OSError:
                continue
        return cls(cgroups, mounts, processes)

    def __bool__(self) -> bool:
        return bool(self.cgroups or self.mounts or self.processes)


def runtime_processes(cgroup_root: str) -> set[int]:
    """Zygotes and shims of a runtime, parked ones too: each bears its zygote's command line, which names the root."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has just ended
            if cgroup_root.encode() in path.read_bytes().split(b"\0"):
                found.add(int(path.parent.name))
    return found


@pytest.fixture
async def node(busybox_layer: Path) -> AsyncIterator[Node]:
    """A runtime with its zygote; afterwards everything it made has to be gone, and is removed if it is not."""
    directory = Path(tempfile.mkdtemp(prefix="naru-node-"))
    cgroup_root = f"naru-test-{os.getpid()}-{uuid4().hex[:8]}/node"
    runtime = Runtime(directory / "run", cgroup_root)
    await runtime.start()
    try:
        yield Node(runtime, directory, busybox_layer, cgroup_root)
        leftovers = await runtime.adopt()
        for sandbox in leftovers:
            await sandbox.remove()
        assert not Traces.find(directory, cgroup_root)
        await runtime.close()
        await _eventually(lambda: not runtime_processes(cgroup_root))
    finally:
        await runtime.close()
        _sweep(runtime, directory, cgroup_root)


def _sweep(runtime: Runtime, directory: Path, cgroup_root: str) -> None:
    """Remove what a failed test left, and the node's own cgroups."""
    for pid in runtime_processes(cgroup_root):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    runtime.driver.kill("")
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if (mount_point := line.split()[4]).startswith(f"{directory}/"):
            unmount(Path(mount_point))
    for path in Path("/sys/fs/cgroup").glob(f"**/{cgroup_root.split('/')[0]}"):
        for parent, _, _ in os.walk(path, topdown=False):
            os.rmdir(parent)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
async def sandbox(node: Node) -> AsyncIterator[Sandbox]:
    """A sandbox, removed afterwards."""
    made = await node.runtime.create_sandbox(node.sandbox_spec())
    yield made
    await made.remove()
