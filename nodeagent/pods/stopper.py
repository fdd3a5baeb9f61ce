"""Stop a pod's containers: ask them, wait as long as the grace period lasts, then kill.

Source: Kubernetes documentation, "Pod Lifecycle", termination of Pods; signal(7).
"""

import asyncio
import signal
from collections.abc import Callable, Sequence
from typing import Final

from nodeagent.pods.services import Sandbox
from nodeagent.runtime.spec import ContainerPhase, ContainerState, RuntimeFault

KILL_TIMEOUT_S: Final = 10.0  # a killed process goes at once, unless the kernel holds it in a system call


def stop_signal(name: str) -> int:
    """Read the stop signal of an image: ``SIGQUIT``, ``QUIT``, ``3``, ``RTMIN+3``; SIGTERM when it names none."""
    word = name.upper().removeprefix("SIG")
    if word.isdecimal():
        return int(word)
    base, _, offset = word.partition("+")
    if f"SIG{base}" in signal.Signals.__members__:
        return signal.Signals[f"SIG{base}"] + (int(offset) if offset.isdecimal() else 0)
    return signal.SIGTERM


class Stopper:
    """Ends the containers of one sandbox; the grace period may be cut short meanwhile."""

    def __init__(self, signal_of: Callable[[ContainerState], int]) -> None:
        self._signal_of = signal_of
        self._changed = asyncio.Event()
        self._deadline: float | None = None  # of the loop's clock

    def shorten(self, grace_s: float) -> None:
        """Allow at most ``grace_s`` from now on: somebody deleted the pod again, more impatiently."""
        wanted = asyncio.get_running_loop().time() + grace_s
        self._deadline = wanted if self._deadline is None else min(self._deadline, wanted)
        self._changed.set()

    def container_changed(self) -> None:
        """Look again: a container may have ended."""
        self._changed.set()

    async def stop(self, sandbox: Sandbox, grace_s: float) -> None:
        """Return when no container runs any more."""
        self.shorten(grace_s)
        for container in running(sandbox):
            await _signal(sandbox, container, self._signal_of(container))
        if not await self._wait(sandbox):
            await sandbox.kill_all()
            self._deadline = asyncio.get_running_loop().time() + KILL_TIMEOUT_S
            await self._wait(sandbox)

    async def _wait(self, sandbox: Sandbox) -> bool:
        """Wait for the last container to end; False when the deadline came first."""
        loop = asyncio.get_running_loop()
        while running(sandbox):
            self._changed.clear()
            assert self._deadline is not None
            if (left_s := self._deadline - loop.time()) <= 0:
                return False
            try:
                async with asyncio.timeout(left_s):
                    await self._changed.wait()
            except TimeoutError:
                return False
        return True


def running(sandbox: Sandbox) -> Sequence[ContainerState]:
    """Return the containers that have not ended."""
    if not sandbox.alive:
        return ()
    return [state for state in sandbox.state.containers if state.phase is not ContainerPhase.EXITED]


async def _signal(sandbox: Sandbox, container: ContainerState, signum: int) -> None:
    try:
        await sandbox.signal(container.id, signum)
    except RuntimeFault:
        return  # it ended by itself meanwhile
