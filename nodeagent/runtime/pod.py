"""What the containers of one shim have in common, and how it makes processes."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import NoReturn

from nodeagent.runtime import syscalls
from nodeagent.runtime.birth import Birth, give_birth
from nodeagent.runtime.cgroups import CgroupDriver
from nodeagent.runtime.children import run_pause
from nodeagent.runtime.poller import Poller
from nodeagent.runtime.spec import RuntimeFault, SandboxSpec
from nodeagent.runtime.syscalls import CloneFlag
from nodeagent.runtime.teardown import SHM_DIRECTORY

PAUSE_DEADLINE_S = 5.0
HOST_SHM = Path("/dev/shm")


@dataclass
class Pod:
    """One sandbox, seen from inside its shim."""

    spec: SandboxSpec
    driver: CgroupDriver
    poller: Poller
    own_capabilities: frozenset[str]
    pause: Birth | None = None  # process 1 of the pid namespace that the containers share, if they do

    @property
    def private_pids(self) -> bool:
        """Whether each container has a pid namespace for itself."""
        return not (self.spec.host_pid or self.spec.share_process_namespace)

    @property
    def shm(self) -> Path:
        """The shared memory of the pod."""
        return HOST_SHM if self.spec.host_ipc else self.spec.run_dir / SHM_DIRECTORY

    def clone(self, flags: CloneFlag, child: Callable[[socket], NoReturn], into: int | None = None) -> Birth:
        """Make a process; ``into``: in the pid namespace of the process that this pidfd stands for."""
        if into is None:
            return give_birth(flags, child)
        home = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        try:
            syscalls.setns(into, CloneFlag.NEWPID)  # does not move the shim: its children are born there
            return give_birth(flags, child)
        finally:
            syscalls.setns(home, CloneFlag.NEWPID)
            os.close(home)

    def ensure_pause(self) -> None:
        """Make the process that holds the shared pid namespace, before the first container."""
        if self.pause is not None or not self.spec.share_process_namespace:
            return
        empty = self.spec.run_dir / "empty"
        empty.mkdir(exist_ok=True)
        pause = self.clone(CloneFlag.NEWPID | CloneFlag.NEWNS, lambda report: run_pause(report, empty))
        pause.wait(PAUSE_DEADLINE_S)
        if pause.error:
            pause.reap()
            raise RuntimeFault("SandboxError", f"pause process: {pause.error}")
        self.pause = pause
