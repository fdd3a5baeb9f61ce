"""Which process holds an office: an identity that others on the same machine can check for life.

A leader that was killed keeps its Lease until it lapses, and the cluster would stand still for those seconds. Most
often its successor starts on the same machine, where it can look whether the holder still lives.
Source: proc(5) for ``stat`` (starttime), ``sys/kernel/random/boot_id`` and ``ns/pid``.
"""

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class ProcessIdentity:
    """A process, told apart from any other on any machine at any time; its text form goes into a Lease."""

    host: str
    boot: str  # of this boot of the machine's kernel
    pid_namespace: str  # inside which the pid means something
    pid: int
    start_ticks: int  # since boot; tells a process from a later one of the same pid

    def __str__(self) -> str:
        """Write it as a holderIdentity."""
        return f"{self.host}_{self.boot}_{self.pid_namespace}_{self.pid}_{self.start_ticks}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a holderIdentity; None when it is of another making (any component may hold a Lease)."""
        try:
            host, boot, namespace, pid, start = text.rsplit("_", 4)
            return cls(host, boot, namespace, int(pid), int(start))
        except ValueError:
            return None

    @classmethod
    def own(cls) -> Self:
        """Return the identity of this process."""
        pid = os.getpid()
        return cls(socket.gethostname(), *_kernel(), pid, _start_ticks(pid) or 0)

    def is_dead(self) -> bool:
        """Whether the process certainly does not live any more; False also when that cannot be known from here."""
        here = (self.boot, self.pid_namespace) == _kernel()
        return here and _start_ticks(self.pid) != self.start_ticks


def _kernel() -> tuple[str, str]:
    """Name this boot, and the pid namespace that this process sees."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return boot.replace("-", "")[:12], str(os.stat("/proc/self/ns/pid").st_ino)


def _start_ticks(pid: int) -> int | None:
    """Return when a process started; None when there is none of that pid, or only its zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the command's name before it may hold anything
    return None if fields[0] in "ZX" else int(fields[19])
