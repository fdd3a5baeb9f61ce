"""The runtime as the node agent uses it: sandboxes made, found again after a restart, and the zygote kept alive.

Flow: agent -> zygote (one request a sandbox) -> shim, which from then on speaks with the agent directly.
Invariant: each sandbox that was asked for has a link in ``run_dir/sandboxes`` until all of it has been removed, so that
what an agent leaves unfinished the next one finds.
"""

import asyncio
import fcntl
import logging
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import nodeagent
from nodeagent.deletion import delete_tree
from nodeagent.runtime import syscalls
from nodeagent.runtime.cgroups.detect import detect_driver
from nodeagent.runtime.connection import Connection
from nodeagent.runtime.protocol import Message, to_wire
from nodeagent.runtime.records import load_spec
from nodeagent.runtime.sandbox import Sandbox, connect
from nodeagent.runtime.spec import RuntimeFault, SandboxSpec
from nodeagent.runtime.syscalls import MountAttr

logger = logging.getLogger(__name__)

ZYGOTE_CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); from nodeagent.runtime.zygote import main; "
    "main(int(sys.argv[2]), sys.argv[3])"
)
ZYGOTE_FD = 3
ZYGOTE_DEADLINE_S = 60.0  # a cold start on an emulated machine has taken 25
ZYGOTE_BACKOFF_S = 0.2
KEPT_ENVIRONMENT = ("NARU_CLUSTER_RUN",)  # the mark by which `naru down` finds all that a cluster started


class Runtime:
    """The container runtime of one node."""

    def __init__(self, run_dir: Path, cgroup_root: str) -> None:
        """Take the directory to keep the list of sandboxes in, and the node's place in the cgroup trees."""
        self.driver = detect_driver(cgroup_root)
        self._cgroup_root = cgroup_root
        self._index = run_dir / "sandboxes"
        self._zygote: Connection | None = None
        self._zygote_ready = asyncio.Event()
        self._zygote_task: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[None]] = set()
        self.zygote_pid = 0

    async def start(self) -> None:
        """Start the zygote, and have it started again whenever it ends."""
        self._index.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._zygote_task = asyncio.create_task(self._keep_zygote(), name="zygote")
        await self._wait_for_zygote()

    async def close(self) -> None:
        """End the zygote; sandboxes and their containers stay."""
        await asyncio.gather(*self._background)
        if self._zygote_task is not None:
            self._zygote_task.cancel()
            await asyncio.gather(self._zygote_task, return_exceptions=True)

    async def create_sandbox(self, spec: SandboxSpec) -> Sandbox:
        """Make a sandbox.

        When the caller is cancelled, it is made to its end, as a shim does not stop half-way, and then removed.

        Raises:
            RuntimeFault: it could not be made; nothing remains of it.
        """
        making = asyncio.create_task(self._create(spec), name=f"sandbox {spec.uid}")
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            removal = asyncio.create_task(self._abandon(making), name=f"abandon {spec.uid}")
            self._background.add(removal)
            removal.add_done_callback(self._background.discard)
            raise

    async def _abandon(self, making: asyncio.Task[Sandbox]) -> None:
        try:
            await (await making).remove()
        except RuntimeFault as fault:
            logger.warning("abandoned sandbox", extra={"error": fault.message})

    async def _create(self, spec: SandboxSpec) -> Sandbox:
        requested_ns = time.time_ns()
        self._remember(spec)
        sandbox = self._new_sandbox(spec)
        if spec.roots_dir.exists():  # of a sandbox that went with the host's last boot
            await asyncio.to_thread(delete_tree, spec.roots_dir)
        try:
            ours = await self._ask_zygote(spec, requested_ns)
            await sandbox.begin(ours)
        except RuntimeFault:
            sandbox.disconnect()
            await sandbox.remove()
            raise
        return sandbox

    async def adopt(self) -> list[Sandbox]:
        """Return every sandbox that an earlier agent left; those whose shim has died say so (``alive``)."""
        sandboxes = await asyncio.gather(*(self._adopt(link) for link in sorted(self._index.iterdir())))
        return [sandbox for sandbox in sandboxes if sandbox is not None]

    async def _adopt(self, link: Path) -> Sandbox | None:
        run_dir = Path(os.readlink(link))
        spec = load_spec(run_dir)
        if spec is None:  # its shim had not begun
            shutil.rmtree(run_dir, ignore_errors=True)
            self._forget(link.name)
            return None
        sandbox = self._new_sandbox(spec)
        try:
            await sandbox.begin(connect(run_dir))
        except (OSError, RuntimeFault):
            await sandbox.bury()
        return sandbox

    def _new_sandbox(self, spec: SandboxSpec) -> Sandbox:
        return Sandbox(spec, self.driver, lambda: self._forget(spec.uid))

    def _remember(self, spec: SandboxSpec) -> None:
        with suppress(FileExistsError):
            os.symlink(spec.run_dir, self._index / spec.uid)

    def _forget(self, uid: str) -> None:
        (self._index / uid).unlink(missing_ok=True)

    async def _ask_zygote(self, spec: SandboxSpec, requested_ns: int) -> socket.socket:
        """Have a shim made; return our end of the connection to it."""
        await self._wait_for_zygote()
        assert self._zygote is not None
        ours, theirs = socket.socketpair()
        with theirs:
            self._zygote.send({"spec": to_wire(spec), "requested_ns": requested_ns}, [theirs.fileno()])
        return ours

    async def _wait_for_zygote(self) -> None:
        try:
            async with asyncio.timeout(ZYGOTE_DEADLINE_S):
                await self._zygote_ready.wait()
        except TimeoutError as error:
            raise RuntimeFault("ZygoteError", "the zygote does not start; see the agent's log") from error

    async def _keep_zygote(self) -> None:
        while True:
            ended = asyncio.Event()
            process = self._spawn_zygote(ended)
            try:
                await ended.wait()
                logger.warning("zygote ended, starting another", extra={"pid": self.zygote_pid})
            finally:
                self._end_zygote(process)
            await asyncio.sleep(ZYGOTE_BACKOFF_S)

    def _spawn_zygote(self, ended: asyncio.Event) -> int:
        """Execute the zygote with nothing of this process but one socket; return its pidfd."""
        ours, theirs = socket.socketpair()
        package_root = str(Path(nodeagent.__path__[0]).parent)
        argv = [sys.executable, "-I", "-S", "-c", ZYGOTE_CODE, package_root, str(ZYGOTE_FD), self._cgroup_root]
        with theirs, read_only_program() as program:
            self.zygote_pid = os.posix_spawn(
                f"/proc/self/fd/{program}",
                argv,
                {"PATH": os.defpath} | {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ},
                file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), ZYGOTE_FD)],
                setsid=True,
                setsigmask=(),
            )
        self._zygote = Connection(ours, self._on_zygote_event, ended.set)
        return os.pidfd_open(self.zygote_pid)

    def _on_zygote_event(self, message: Message) -> None:
        self._zygote_ready.set()

    def _end_zygote(self, pidfd: int) -> None:
        self._zygote_ready.clear()
        if self._zygote is not None:
            self._zygote.close()
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)  # it has nothing to lose
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
        os.close(pidfd)


@contextmanager
def read_only_program() -> Iterator[int]:
    """Open the interpreter in a mount of its own that cannot be written to.

    What the zygote forks runs this program, up to a container's exec. A container may name it as /proc/self/exe, which
    leads to the file by the mount that it was executed from. Source: CVE-2019-5736.
    """
    detached = syscalls.open_tree(Path(sys.executable))
    try:
        syscalls.mount_setattr(detached, MountAttr.RDONLY)
        program = fcntl.fcntl(detached, fcntl.F_DUPFD_CLOEXEC, ZYGOTE_FD + 1)  # where it is in nobody's way
    finally:
        os.close(detached)
    try:
        yield program
    finally:
        os.close(program)
