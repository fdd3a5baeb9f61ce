"""The zygote: a process that is ready to become a shim, over and over.

A fork takes the longer the more memory a process has, and a fork of a process with threads is not safe. So the agent,
big and threaded, executes this one at its start: a bare interpreter with just the runtime's modules loaded and nothing
else in it. It forks shims, which share nearly all of their memory with it, and hands each an agent's request. A few are
*parked*: forked beforehand, in namespaces of their own already, so that a pod does not wait for that.
"""

import gc
import os
import select
import signal
import socket
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from nodeagent.runtime import syscalls
from nodeagent.runtime.capabilities import DEFAULT
from nodeagent.runtime.cgroups import CgroupDriver
from nodeagent.runtime.cgroups.detect import detect_driver
from nodeagent.runtime.protocol import Decoder, Message, from_wire, receive, send
from nodeagent.runtime.seccomp import compile_default
from nodeagent.runtime.shim import run_shim
from nodeagent.runtime.spec import ContainerSpec, SandboxSpec
from nodeagent.runtime.stdio import close_all
from nodeagent.runtime.syscalls import Prctl

PARKED = 2
C_LIBRARY_SIGNALS = (32, 33)  # not among the valid ones, and ignored since posix_spawn(3)
REFILL_AFTER_S = 0.02  # of quiet, so that making shims for later does not slow down those that begin


def main(agent_fd: int, cgroup_root: str) -> None:
    """Serve the agent at the other end of ``agent_fd`` until it closes it."""
    syscalls.set_process_name("naru-zygote")
    driver = detect_driver(cgroup_root)
    get_ready()
    Zygote(socket.socket(fileno=agent_fd), driver).serve()


def get_ready() -> None:
    """Set what every shim and container shall inherit, and do beforehand what each would do for itself."""
    os.umask(0o022)
    os.chdir("/")  # or the agent's working directory could not be unmounted while a shim lives
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE}:
        signal.signal(number, signal.SIG_DFL)
    for signum in C_LIBRARY_SIGNALS:
        syscalls.default_signal_action(signum)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel then reaps shims by itself
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    syscalls.prctl(Prctl.SET_DUMPABLE, 0)  # out of reach of a container's ptrace while between clone and exec
    compile_default(DEFAULT)
    for cls in (SandboxSpec, ContainerSpec):
        with suppress(ValueError):  # there is nothing in it; but what reads it has been built
            from_wire(cls, {})
    gc.collect()
    gc.freeze()  # or the first collection in a shim would write to, and so copy, all that it shares


class Zygote:
    """Takes requests from one agent, and has a shim for each."""

    def __init__(self, agent: socket.socket, driver: CgroupDriver) -> None:
        self._agent = agent
        self._driver = driver
        self._parked: deque[socket.socket] = deque()

    def serve(self) -> None:
        """Work until the agent has gone."""
        decoder = Decoder()
        send(self._agent, {"event": "ready"})
        while True:
            if not self._requested():
                self._parked.append(self._new_shim())
                continue
            data, fds = receive(self._agent)
            if not data:
                return
            for request, passed in decoder.feed(data, fds):
                self._hand_over(request, passed)

    def _requested(self) -> bool:
        """Wait for the agent; false when it is quiet and there is room for another parked shim."""
        timeout_s = REFILL_AFTER_S if len(self._parked) < PARKED else None
        return bool(select.select([self._agent], [], [], timeout_s)[0])

    def _hand_over(self, request: Message, fds: list[int]) -> None:
        """Give a request, and with it the connection to the agent, to a shim."""
        handed_over = False
        while not handed_over:
            shim = self._parked.popleft() if self._parked else self._new_shim(fds)
            with shim, suppress(BrokenPipeError, ConnectionResetError):  # killed while parked: take the next one
                send(shim, request, fds)
                handed_over = True
        for fd in fds:
            os.close(fd)

    def _new_shim(self, on_the_way: Sequence[int] = ()) -> socket.socket:
        """Fork a shim; return the socket by which it gets its request, and with it what is ``on_the_way`` to it."""
        ours, theirs = socket.socketpair()
        if os.fork() == 0:
            for sock in (self._agent, ours, *self._parked):  # whose ends would not show while we hold them
                sock.close()
            close_all(on_the_way)
            self._be_shim(theirs)
        theirs.close()
        return ours

    def _be_shim(self, zygote: socket.socket) -> NoReturn:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        run_shim(zygote, self._driver)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
