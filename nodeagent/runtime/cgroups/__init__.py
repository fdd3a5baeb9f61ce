"""Control groups: how much of the machine a container may use, and which processes are its own.

One interface, two drivers: v1.py for hosts with a tree per controller, v2.py for the unified tree. Paths given to a
driver are relative to the node's own root, such as ``burstable/pod<uid>/<container id>``. Where a function says that it
may be repeated, a cgroup that is there, or gone, already is no error.
"""

import contextlib
import errno
import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nodeagent.runtime.spec import CgroupLimits

KILL_DEADLINE_S = 5.0


@dataclass(frozen=True)
class DeviceRule:
    """Device nodes that may be used: as the devices controller of v1 writes them."""

    kind: str  # "c" or "b"
    major: int | None  # None: any
    minor: int | None
    access: str  # of "rwm": read, write, make a node

    def __str__(self) -> str:
        """Write the rule as the kernel reads it."""
        major, minor = ("*" if number is None else number for number in (self.major, self.minor))
        return f"{self.kind} {major}:{minor} {self.access}"


# What runc lets every container use; making a node is harmless when opening it is refused.
DEFAULT_DEVICES = (
    DeviceRule("c", None, None, "m"),
    DeviceRule("b", None, None, "m"),
    DeviceRule("c", 1, 3, "rwm"),  # null
    DeviceRule("c", 1, 5, "rwm"),  # zero
    DeviceRule("c", 1, 7, "rwm"),  # full
    DeviceRule("c", 1, 8, "rwm"),  # random
    DeviceRule("c", 1, 9, "rwm"),  # urandom
    DeviceRule("c", 5, 0, "rwm"),  # tty
    DeviceRule("c", 5, 2, "rwm"),  # ptmx
    DeviceRule("c", 136, None, "rwm"),  # pts/*
)


@dataclass(frozen=True)
class CgroupUsage:
    """What a cgroup has used."""

    cpu_ns: int = 0
    memory_bytes: int = 0
    working_set_bytes: int = 0  # memory without the page cache that could go at once
    pids: int = 0


class CgroupDriver(ABC):
    """The control groups of one node, under one root."""

    entrance = "cgroup.procs"  # the file that takes a process

    @abstractmethod
    def create(self, path: str, limits: CgroupLimits) -> None:
        """Make a cgroup, and its parents, and set its limits; may be repeated."""

    @abstractmethod
    def update(self, path: str, limits: CgroupLimits) -> None:
        """Set the limits of a cgroup that exists; a None in ``limits`` changes nothing."""

    @abstractmethod
    def restrict_devices(self, path: str, rules: Iterable[DeviceRule]) -> None:
        """Refuse all devices but these to a cgroup without processes."""

    @abstractmethod
    def directories(self, path: str) -> dict[str, Path]:
        """Return each directory that is this cgroup, under its place in /sys/fs/cgroup ("memory"; "" for v2)."""

    @abstractmethod
    def oom_kills(self, path: str) -> int:
        """Return how many of the cgroup's processes the kernel has killed for want of memory."""

    @abstractmethod
    def usage(self, path: str) -> CgroupUsage:
        """Return what the cgroup and those below it have used."""

    @abstractmethod
    def stop_forking(self, path: str) -> None:
        """Let nothing in the cgroup make another process, so that killing comes to an end."""

    @property
    @abstractmethod
    def process_directory(self) -> Path:
        """The node's root in a tree that every process of a cgroup is in."""

    def open_entrances(self, path: str) -> list[int]:
        """Open the files by which a process joins the cgroup; for ``enter``, perhaps in another mount namespace."""
        return [os.open(directory / self.entrance, os.O_WRONLY) for directory in self.directories(path).values()]

    def pids(self, path: str) -> list[int]:
        """Return the processes in the cgroup and below it."""
        found: list[int] = []
        for directory, _, _ in os.walk(self.process_directory / path):
            with contextlib.suppress(FileNotFoundError):
                found += map(int, Path(directory, "cgroup.procs").read_text().split())
        return [pid for pid in found if pid > 0]  # 0 stands for a process in a foreign pid namespace

    def kill(self, path: str) -> None:
        """Kill every process in the cgroup and below it, and wait until they are gone or someone's to reap.

        Raises:
            TimeoutError: some would not die, as those in an uninterruptible sleep.
        """
        if not (self.process_directory / path).exists():
            return
        self.stop_forking(path)
        deadline = time.monotonic() + KILL_DEADLINE_S
        while pids := [pid for pid in self.pids(path) if not _is_zombie(pid)]:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise TimeoutError(f"cgroup {path}: processes {pids} do not die")
            time.sleep(0.001)

    def remove(self, path: str) -> None:
        """Remove the cgroup and those below it, none with a process; may be repeated.

        Raises:
            TimeoutError: the kernel still held some after a while.
        """
        for directory in self.directories(path).values():
            for parent, _, _ in os.walk(directory, topdown=False):
                _remove_directory(parent)

    def children(self, path: str) -> list[str]:
        """Return the names of the cgroups in a cgroup; none when it does not exist."""
        directory = self.process_directory / path
        return sorted(entry.name for entry in os.scandir(directory) if entry.is_dir()) if directory.is_dir() else []


def enter(entrances: Sequence[int]) -> None:
    """Move the calling process into the cgroup whose entrances these are, and close them.

    A process that writes 0 means itself: no pid needs to be right in any pid namespace.
    """
    for fd in entrances:
        os.write(fd, b"0")
        os.close(fd)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def _remove_directory(directory: str) -> None:
    """Remove one cgroup; the kernel calls it busy for a moment after its last process has gone."""
    deadline = time.monotonic() + KILL_DEADLINE_S
    while True:
        try:
            return os.rmdir(directory)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            if time.monotonic() > deadline:
                raise TimeoutError(f"cgroup {directory} stays busy") from error
        time.sleep(0.001)
