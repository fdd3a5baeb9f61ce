"""A pod's sandbox as the agent holds it: a connection to its shim, and what the shim last said."""

import asyncio
import itertools
import logging
import os
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nodeagent.deletion import delete_tree
from nodeagent.runtime.cgroups import CgroupDriver
from nodeagent.runtime.connection import DEADLINE_S, Connection
from nodeagent.runtime.protocol import Message, from_wire, to_wire
from nodeagent.runtime.records import container_directory, load_states
from nodeagent.runtime.spec import (
    ContainerPhase,
    ContainerSpec,
    ContainerState,
    RuntimeFault,
    SandboxSpec,
    SandboxState,
)
from nodeagent.runtime.streams import ExecProcess, ProcessStreams
from nodeagent.runtime.teardown import NETNS_FILE, SOCKET_FILE, release_kernel_state

logger = logging.getLogger(__name__)

START_DEADLINE_S = 60.0
REMOVE_DEADLINE_S = 30.0
LOST_EXIT_CODE = 137  # as of a SIGKILL, which is what a container gets when its shim dies


def connect(run_dir: Path) -> socket.socket:
    """Connect to the shim whose directory this is; OSError when none is there."""
    directory = os.open(run_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(f"/proc/self/fd/{directory}/{SOCKET_FILE}")  # a socket's path may have but 107 bytes
    except OSError:
        sock.close()
        raise
    finally:
        os.close(directory)
    return sock


def state_after_shim(spec: SandboxSpec) -> SandboxState:
    """Return how a sandbox stands whose shim is dead: what the disk says, and nothing runs."""
    netns = None if spec.host_network else spec.run_dir / NETNS_FILE
    states = tuple(
        state if state.phase is ContainerPhase.EXITED else lost(state, "the shim of its pod died")
        for state in load_states(spec.run_dir)
    )
    return SandboxState(spec, 0, netns, states)


def lost(state: ContainerState, why: str) -> ContainerState:
    """Return the end of a container that nobody saw."""
    return replace(state, phase=ContainerPhase.EXITED, pid=0, exit_code=LOST_EXIT_CODE, signal=9, error=why)


class Sandbox:
    """One sandbox. ``state`` is replaced, never changed; ``on_change`` is called after each time."""

    def __init__(self, spec: SandboxSpec, driver: CgroupDriver, forget: Callable[[], None]) -> None:
        self.spec = spec
        self.state = state_after_shim(spec)
        self.on_change: Callable[[], None] | None = None
        self._driver = driver
        self._forget = forget
        self._connection: Connection | None = None
        self._first_word: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._execs: dict[int, ExecProcess] = {}
        self._exec_numbers = itertools.count(1)
        self._removing = False
        self._background: set[asyncio.Task[None]] = set()

    async def begin(self, sock: socket.socket) -> None:
        """Take the connection to a shim and wait until it has said how things stand.

        Raises:
            RuntimeFault: it could not set up the sandbox, or went away.
        """
        self._first_word = asyncio.get_running_loop().create_future()
        self._connection = Connection(sock, self._on_event, self._on_close)
        try:
            async with asyncio.timeout(START_DEADLINE_S):
                await self._first_word
        except TimeoutError as error:
            raise RuntimeFault("Timeout", f"sandbox {self.spec.name}: its shim says nothing") from error

    def disconnect(self) -> None:
        """Leave the shim alone, its containers running."""
        self._removing = True
        if self._connection is not None:
            self._connection.close()

    @property
    def alive(self) -> bool:
        """Whether there is a shim."""
        return self.state.shim_pid != 0

    def container(self, container_id: str) -> ContainerState | None:
        """Return what is known of a container."""
        return next((state for state in self.state.containers if state.id == container_id), None)

    async def start_container(self, spec: ContainerSpec) -> ContainerState:
        """Start a container; return its state once its program has been executed.

        Raises:
            RuntimeFault: it cannot be started, for the reason that the message gives; nothing remains of it.
        """
        try:
            result, _ = await self._call("start", {"spec": to_wire(spec)}, deadline_s=START_DEADLINE_S)
        except RuntimeFault:
            await self._delete_container(spec.id)
            raise
        return from_wire(ContainerState, result)

    async def signal(self, container_id: str, signum: int) -> None:
        """Send a signal to a container's first process."""
        await self._call("signal", {"container": container_id, "signal": signum})

    async def kill_all(self) -> None:
        """Kill every container; their ends are told as any other."""
        await self._call("kill_all", {})

    async def reopen_log(self, container_id: str) -> None:
        """Have a container's log continue in a new file, after the old one was moved away."""
        await self._call("reopen_log", {"container": container_id})

    async def exec(
        self,
        container_id: str,
        args: Sequence[str],
        *,
        env: Iterable[tuple[str, str]] = (),
        tty: bool = False,
        stdin: bool = False,
        stdout: bool = True,
        stderr: bool = True,
    ) -> ExecProcess:
        """Run a command in a container, with what its own processes have and may do; the caller closes the result.

        Raises:
            RuntimeFault: the container does not run, or the command cannot be executed.
        """
        number = next(self._exec_numbers)
        process = self._execs[number] = ExecProcess(lambda: self._execs.pop(number, None))
        params = {"container": container_id, "exec": number, "args": list(args), "env": list(env), "tty": tty}
        try:
            if tty:
                _, given = await self._call("exec", params)
                await process.open_terminal(given[0], stdin)
            else:
                with Pipes((stdin, stdout, stderr)) as pipes:
                    await self._call("exec", params, pipes.theirs)
                    await process.open(*pipes.take_ours())
        except BaseException:
            process.close()
            raise
        return process

    async def attach(self, container_id: str, *, stdin: bool = False) -> ProcessStreams:
        """Join the streams of a container's first process, from now on; the caller closes the result."""
        streams = ProcessStreams()
        try:
            with Pipes((False, True, True)) as pipes:
                params = {"container": container_id, "stdin": stdin}
                result, given = await self._call("attach", params, pipes.theirs[1:])
                _, stdout, stderr = pipes.take_ours()
                if result["tty"]:
                    streams.keep_terminal(given[0])
                    given = [os.dup(given[0])] if stdin else []
                await streams.open(given[0] if given else None, stdout, stderr)
        except BaseException:
            streams.close()
            raise
        return streams

    async def remove_container(self, container_id: str) -> None:
        """Forget a container that has exited: its cgroup, its root, its record; its log stays.

        Raises:
            RuntimeFault: it still runs (``StillRunning``).
        """
        if self.alive:
            try:
                await self._call("remove_container", {"container": container_id})
            except RuntimeFault as fault:
                if fault.reason not in ("NotFound", "Disconnected"):
                    raise
        else:
            await asyncio.to_thread(self._driver.remove, f"{self.spec.cgroup}/{container_id}")
        await self._delete_container(container_id)
        remaining = tuple(state for state in self.state.containers if state.id != container_id)
        self._become(replace(self.state, containers=remaining))

    async def remove(self) -> None:
        """Kill the containers and remove everything of the sandbox but its logs; may be repeated.

        Raises:
            RuntimeFault: processes that would not die.
        """
        self._removing = True
        try:
            if self._connection is None or self._connection.closed:
                await self._find_shim()
            await self._call("remove", {}, deadline_s=REMOVE_DEADLINE_S)
        except RuntimeFault as fault:
            if fault.reason != "Disconnected":
                self._removing = False
                raise
        finally:
            if self._connection is not None and self._removing:
                self._connection.close()
        await self._release()
        await _delete(self.spec.roots_dir)
        await _delete(self.spec.run_dir)
        self._forget()
        self._become(replace(self.state, shim_pid=0, netns=None, containers=()))

    async def _find_shim(self) -> None:
        """Connect to the shim again, if it lives: without its directory nobody would find it any more."""
        try:
            await self.begin(connect(self.spec.run_dir))
        except OSError as error:
            raise RuntimeFault("Disconnected", f"sandbox {self.spec.name}: its shim has gone") from error

    async def _delete_container(self, container_id: str) -> None:
        await _delete(self.spec.roots_dir / container_id)
        await _delete(container_directory(self.spec.run_dir, container_id))

    async def _release(self) -> None:
        """Do what the shim may not have come to; after an orderly end there is nothing left to do."""
        try:
            await asyncio.to_thread(release_kernel_state, self.spec, self._driver)
        except (OSError, TimeoutError) as error:
            raise RuntimeFault("RemoveError", f"sandbox {self.spec.name}: {error}") from error

    async def _call(
        self, method: str, params: Message, fds: Sequence[int] = (), deadline_s: float = DEADLINE_S
    ) -> tuple[Any, list[int]]:
        if self._connection is None or self._connection.closed:
            raise RuntimeFault("Disconnected", f"sandbox {self.spec.name}: its shim has gone")
        return await self._connection.call(method, params, fds, deadline_s)

    def _on_event(self, message: Message) -> None:
        match message["event"]:
            case "sandbox":
                self._become(from_wire(SandboxState, message["sandbox"]))
                self._settle_first_word(None)
            case "failed":
                self._settle_first_word(RuntimeFault(message["reason"], message["message"]))
            case "container":
                self._note(from_wire(ContainerState, message["container"]))
            case "exec":
                if (process := self._execs.get(message["exec"])) is not None:
                    process.ended(message["exit_code"])

    def _settle_first_word(self, fault: RuntimeFault | None) -> None:
        if self._first_word.done():
            return
        if fault is None:
            self._first_word.set_result(None)
        else:
            self._first_word.set_exception(fault)

    def _note(self, state: ContainerState) -> None:
        others = tuple(known for known in self.state.containers if known.id != state.id)
        self._become(replace(self.state, containers=(*others, state)))

    def _become(self, state: SandboxState) -> None:
        if state == self.state:
            return
        self.state = state
        if self.on_change is not None:
            self.on_change()

    def _on_close(self) -> None:
        self._settle_first_word(RuntimeFault("SandboxError", f"the shim of sandbox {self.spec.name} ended"))
        for process in self._execs.values():
            process.lost()
        if not self._removing:
            task = asyncio.get_running_loop().create_task(self._come_back(), name=f"sandbox {self.spec.uid}")
            self._background.add(task)
            task.add_done_callback(self._background.discard)

    async def _come_back(self) -> None:
        """Reconnect; or, when the shim is dead, see to it that nothing of its containers lives on."""
        try:
            await self.begin(connect(self.spec.run_dir))
        except (OSError, RuntimeFault):
            await self.bury()

    async def bury(self) -> None:
        """Note that the shim is dead. Its containers die with it, unless one has taken precautions: kill those, too."""
        try:
            await asyncio.to_thread(self._driver.kill, self.spec.cgroup)
        except (OSError, TimeoutError) as error:
            logger.warning("container without shim", extra={"pod": self.spec.name, "error": str(error)})
        self._become(state_after_shim(self.spec))


class Pipes:
    """Three pipes for the standard streams of a process; /dev/null in place of those that are not wanted.

    Leaving the ``with`` block closes the process's ends, and ours unless they were taken.
    """

    def __init__(self, wanted: tuple[bool, bool, bool]) -> None:
        self.theirs: list[int] = []
        self._ours: list[int | None] = []
        for number, is_wanted in enumerate(wanted):
            read, write = os.pipe() if is_wanted else (None, os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))
            if number == 0 and read is not None:
                read, write = write, read
            self._ours.append(read)
            self.theirs.append(write)

    def __enter__(self) -> "Pipes":
        """Use the pipes."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close what is still ours to close."""
        for fd in (*self.theirs, *self._ours):
            if fd is not None:
                os.close(fd)

    def take_ours(self) -> tuple[int | None, int | None, int | None]:
        """Return our ends, to be closed by the caller."""
        stdin, stdout, stderr = self._ours
        self._ours = []
        return stdin, stdout, stderr


async def _delete(directory: Path) -> None:
    """Delete a directory with all in it, if it is there; a container's root can be large, hence the thread."""
    await asyncio.to_thread(delete_tree, directory)
