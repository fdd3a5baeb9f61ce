"""The zygote: a process that is ready to become a shim, over and over.

A fork takes the longer the more memory a process has, and a fork of a process with threads is not safe. So the agent,
big and threaded, executes this one at its start: a bare interpreter with just the runtime's modules loaded and nothing
else in it. For each pod it forks a shim, which shares nearly all of its memory, and hands it the agent's request.
"""

import gc
import os
import signal
import socket
import sys
from typing import NoReturn

from nodeagent.runtime import syscalls
from nodeagent.runtime.capabilities import DEFAULT
from nodeagent.runtime.cgroups import CgroupDriver
from nodeagent.runtime.cgroups.detect import detect_driver
from nodeagent.runtime.protocol import Decoder, Message, from_wire, receive, send
from nodeagent.runtime.seccomp import compile_default
from nodeagent.runtime.shim import run_shim
from nodeagent.runtime.spec import ContainerSpec, SandboxSpec
from nodeagent.runtime.syscalls import Prctl


def main(agent_fd: int, cgroup_root: str) -> None:
    """Serve the agent at the other end of ``agent_fd`` until it closes it."""
    syscalls.set_process_name("naru-zygote")
    agent = socket.socket(fileno=agent_fd)
    driver = detect_driver(cgroup_root)
    get_ready()
    send(agent, {"event": "ready"})
    decoder = Decoder()
    while True:
        data, fds = receive(agent)
        if not data:
            return
        for request, passed in decoder.feed(data, fds):
            connection = socket.socket(fileno=passed[0])
            if os.fork() == 0:
                agent.close()
                become_shim(request, connection, driver)
            connection.close()


def get_ready() -> None:
    """Set what every shim and container shall inherit, and do beforehand what each would do for itself."""
    os.umask(0o022)
    os.chdir("/")  # or the agent's working directory could not be unmounted while a shim lives
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE}:
        if signal.getsignal(number) is not None:  # not one of those that the C library keeps for itself
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel then reaps shims by itself
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    syscalls.prctl(Prctl.SET_DUMPABLE, 0)  # out of reach of a container's ptrace while between clone and exec
    compile_default(DEFAULT)
    for cls in (SandboxSpec, ContainerSpec):  # builds their readers
        try_reader(cls)
    gc.collect()
    gc.freeze()  # or the first collection in a shim would write to, and so copy, all that it shares


def try_reader(cls: type) -> None:
    """Build what reads a ``cls`` from JSON, which is kept."""
    try:
        from_wire(cls, {})
    except ValueError:
        return


def become_shim(request: Message, connection: socket.socket, driver: CgroupDriver) -> NoReturn:
    """Leave the zygote's ways behind."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    run_shim(request, connection, driver)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
