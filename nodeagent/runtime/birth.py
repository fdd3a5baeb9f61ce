"""A process between clone and exec, as its shim sees it.

The two are joined by a socket that closes on exec. What comes through it: the other end of a terminal, the spans of the
steps taken, or an error; and then its end, which means that the program has been executed, or that the process died.
"""

import os
import signal
import socket
from collections.abc import Callable
from typing import NoReturn

from nodeagent.runtime import syscalls
from nodeagent.runtime.poller import Poller
from nodeagent.runtime.protocol import MAX_FDS, Decoder, from_wire
from nodeagent.runtime.spec import Span
from nodeagent.runtime.syscalls import CloneFlag

MESSAGE_BYTES = 1 << 16


class Birth:
    """A new process: first it reports and *settles*, then, if its program was executed, one day it ends."""

    def __init__(self, pid: int, pidfd: int, report: socket.socket) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self.terminal: int | None = None
        self.spans: tuple[Span, ...] = ()
        self.warnings: tuple[str, ...] = ()
        self.error = ""
        self._report = report
        self._ready = False  # it was about to execute its program
        self._settled = False
        self._poller: Poller | None = None

    @property
    def executed(self) -> bool:
        """Whether its program was executed, once it has settled."""
        return self._ready and not self.error

    def wait(self, deadline_s: float) -> None:
        """Wait until it has settled, for want of anything else to do."""
        self._report.settimeout(deadline_s)
        while not self._settled:
            self._take(*socket.recv_fds(self._report, MESSAGE_BYTES, MAX_FDS, socket.MSG_CMSG_CLOEXEC)[:2])
        self._report.close()

    def watch(self, poller: Poller, on_settled: Callable[[], None], on_end: Callable[[], None]) -> None:
        """Have ``on_settled`` called when it has, and after that ``on_end``, unless it was reaped in between."""
        self._poller = poller
        self._report.setblocking(False)

        def report_readable() -> None:
            fd = self._report.fileno()
            if self._read():
                poller.remove(fd)
                self._report.close()
                on_settled()

        def ended() -> None:
            if not self._settled:  # both at once: a short life
                report_readable()
            if self._poller is not None:
                on_end()

        poller.add(self._report.fileno(), report_readable)
        poller.add(self.pidfd, ended)

    def _read(self) -> bool:
        """Take what has been reported, without waiting; true once there is no more to come."""
        while not self._settled:
            try:
                data, fds, _flags, _address = socket.recv_fds(
                    self._report, MESSAGE_BYTES, MAX_FDS, socket.MSG_CMSG_CLOEXEC
                )
            except BlockingIOError:
                return False
            self._take(data, fds)
        return True

    def _take(self, data: bytes, fds: list[int]) -> None:
        self._settled = not data
        for message, passed in Decoder().feed(data, fds):
            self.error = message.get("error", "")
            if passed:
                self.terminal = passed[0]
            if "spans" in message:
                self._ready = True
                self.spans = tuple(from_wire(Span, span) for span in message["spans"])
                self.warnings = tuple(message["warnings"])

    def reap(self) -> tuple[int, int]:
        """Take the status of the process, which has ended or is about to: (exit code, signal)."""
        if self._poller is not None:
            self._poller.remove(self.pidfd)
            self._poller = None
        status = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED)
        os.close(self.pidfd)
        if self.terminal is not None and not self.executed:
            os.close(self.terminal)
        if status is None or status.si_code == os.CLD_EXITED:
            return (status.si_status if status else 0), 0
        return 128 + status.si_status, status.si_status


def give_birth(flags: CloneFlag, child: Callable[[socket.socket], NoReturn]) -> Birth:
    """Make a process in new namespaces that runs ``child``, given its end of the report."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        pid, pidfd = syscalls.clone3(flags, signal.SIGCHLD)
        if pid == 0:
            ours.close()  # so that writing fails when the shim has died
            child(theirs)
    return Birth(pid, pidfd, ours)
