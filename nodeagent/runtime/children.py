"""What runs in the processes that a shim makes, between clone and exec.

Three kinds: the first process of a container, a process that joins one (exec), and the *pause* process that holds the
pid namespace which the containers of a pod share if they ask for it.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from nodeagent.runtime import capabilities, protocol, syscalls
from nodeagent.runtime.process import Launch, become, die_with_parent
from nodeagent.runtime.rootfs import Root, enter_root
from nodeagent.runtime.spans import SpanRecorder
from nodeagent.runtime.spec import RuntimeFault
from nodeagent.runtime.syscalls import CloneFlag, MountFlag, Prctl

NOBODY = 65534


def run_container(launch: Launch, root: Root) -> NoReturn:
    """Be the first process of a container: enter its root, become its program."""
    recorder = SpanRecorder()

    def steps() -> None:
        die_with_parent()
        with recorder("rootfs"):
            enter_root(root)
        become(launch, recorder)

    _run(launch.report, steps)


def run_exec(launch: Launch, container: int) -> NoReturn:
    """Join the container whose first process the pidfd ``container`` is; the pid namespace was joined before."""
    recorder = SpanRecorder()

    def steps() -> None:
        die_with_parent()
        with recorder("setns"):
            syscalls.setns(container, CloneFlag.NEWNS | CloneFlag.NEWCGROUP)
        become(launch, recorder)

    _run(launch.report, steps)


def _run(report: socket.socket, steps: Callable[[], None]) -> NoReturn:
    """Take the steps, which end in exec; report what stopped them and exit."""
    sys.meta_path.clear()  # from here on, a module would be imported from the container's files
    try:
        steps()
    except RuntimeFault as fault:
        message = fault.message
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        step = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
        message = f"unable to start container process:{place}: {(error.strerror or '').lower()}{step}"
    except BaseException as error:  # noqa: BLE001 - nothing may return into the shim's code from here
        message = f"unable to start container process: {error!r}"
    finally_report(report, message)


def finally_report(report: socket.socket, message: str) -> NoReturn:
    """Say why there is no program, and end."""
    try:
        report.send(protocol.encode({"error": message}))
    finally:
        os._exit(1)


def run_pause(report: socket.socket, empty_directory: Path) -> NoReturn:
    """Be process 1 of a pid namespace shared by containers: nothing but reap what they leave behind.

    It has to be harmless to look at through /proc/1: an empty root, no capability, no descriptor.
    """

    def steps() -> None:
        die_with_parent()
        syscalls.set_process_name("pause")
        syscalls.mount("", "/", "", MountFlag.REC | MountFlag.PRIVATE)
        syscalls.mount("tmpfs", empty_directory, "tmpfs", MountFlag.RDONLY, "size=0k,mode=555")
        os.chdir(empty_directory)
        syscalls.pivot_root(".", ".")
        syscalls.umount2(".", syscalls.MNT_DETACH)
        capabilities.limit_bounding_set(frozenset(), capabilities.held())
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        die_with_parent()
        syscalls.prctl(Prctl.SET_DUMPABLE, 0)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel then reaps by itself
        os.closerange(0, os.sysconf("SC_OPEN_MAX"))  # the report, too: its end says that we are ready
        while True:
            signal.pause()

    _run(report, steps)
