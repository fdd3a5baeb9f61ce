"""Take away what a cluster's nodes left in the kernel: processes in its cgroups, mounts, the cgroups themselves.

Flow: `naru down` -> *python -m nodeagent.cleanup* -> cgroup trees, mount table. With ``--terminate`` it asks the
containers to end, and waits a little: that comes first, while their shims still take down how they ended.
It needs no record of what was made: the cgroup root and the directories name everything that is the cluster's.
Every step may find half of it gone already.

Source: cgroups(7), proc(5) for /proc/self/mountinfo, umount(2) for MNT_DETACH.
"""

import argparse
import logging
import os
import select
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from naru.telemetry import logs
from nodeagent.runtime.syscalls import umount2

logger = logging.getLogger(__name__)

CGROUP_FS: Final = Path("/sys/fs/cgroup")
MNT_DETACH: Final = 2
_TIMEOUT_S: Final = 10.0
_POLL_S: Final = 0.005


def cgroup_trees(root: str, filesystem: Path = CGROUP_FS) -> list[Path]:
    """Find the cluster's tree under every controller (v1), or the one there is (v2)."""
    return sorted(path for path in {filesystem / root, *filesystem.glob(f"*/{root}")} if path.is_dir())


def deepest_first(tree: Path) -> Iterator[Path]:
    """Walk a cgroup tree so that children come before their parents."""
    for directory, _, _ in os.walk(tree, topdown=False):
        yield Path(directory)


def members(trees: Iterable[Path]) -> set[int]:
    """List the processes in the trees."""
    return {pid for tree in trees for directory in deepest_first(tree) for pid in _own_members(directory)}


def _own_members(directory: Path) -> set[int]:
    """List the processes of one cgroup; none when it was removed since it was listed."""
    try:
        return set(map(int, (directory / "cgroup.procs").read_text().split())) - {0}  # 0: of another pid namespace
    except OSError:
        return set()


def kill_members(trees: Sequence[Path]) -> None:
    """Kill until nobody is left: who forks while being killed is met in the next round.

    Raises:
        TimeoutError: somebody survives SIGKILL (in uninterruptible sleep).
    """
    thaw(trees)
    deadline = time.monotonic() + _TIMEOUT_S
    while pids := members(trees):
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes survive SIGKILL: {sorted(pids)}")
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(_POLL_S)


def terminate(trees: Sequence[Path], grace_s: float) -> None:
    """Ask each container's first process to end, and wait for those that can hear it, at most ``grace_s``."""
    with ExitStack() as opened:
        asked = []
        for pid in first_processes(trees):
            with suppress(ProcessLookupError, FileNotFoundError):  # it has just ended
                pidfd = os.pidfd_open(pid)
                opened.callback(os.close, pidfd)
                if hears(Path(f"/proc/{pid}/status").read_text(), signal.SIGTERM):
                    signal.pidfd_send_signal(pidfd, signal.SIGTERM)
                    asked.append(pidfd)
        _wait_for_end(asked, grace_s)


def first_processes(trees: Iterable[Path]) -> set[int]:
    """Return the oldest process of each cgroup that has any: the one that a container was started with."""
    directories = (directory for tree in trees for directory in deepest_first(tree))
    return {min(pids, key=_start_ticks) for directory in directories if (pids := _own_members(directory))}


def _start_ticks(pid: int) -> int:
    """Read when a process began; one that has gone is nobody's first."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return sys.maxsize


def hears(status: str, signum: int) -> bool:
    """Tell from /proc/PID/status whether a signal ends a process or is handled by it.

    The kernel drops one that the first process of a pid namespace has no handler for: a wait would be for nothing.
    Source: pid_namespaces(7), proc_pid_status(5).
    """
    fields = dict(line.partition(":")[::2] for line in status.splitlines())
    bit = 1 << (signum - 1)
    is_first = fields["NSpid"].split()[-1] == "1"
    ignored = int(fields["SigIgn"], 16) & bit
    return bool(int(fields["SigCgt"], 16) & bit) or not (is_first or ignored)


def _wait_for_end(pidfds: Sequence[int], timeout_s: float) -> None:
    poller = select.poll()
    for pidfd in pidfds:
        poller.register(pidfd, select.POLLIN)
    waiting = len(pidfds)
    deadline = time.monotonic() + timeout_s
    while waiting and (left_s := deadline - time.monotonic()) > 0:
        for pidfd, _ in poller.poll(left_s * 1000):
            poller.unregister(pidfd)
            waiting -= 1


def thaw(trees: Iterable[Path]) -> None:
    """Let frozen processes run, since a frozen one does not die."""
    for tree in trees:
        for directory in deepest_first(tree):
            for file, value in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
                if (directory / file).exists():
                    (directory / file).write_text(value)


def remove_trees(trees: Iterable[Path]) -> None:
    """Remove empty cgroups; the kernel may call one busy for a moment after its last process has gone."""
    deadline = time.monotonic() + _TIMEOUT_S
    for tree in trees:
        for directory in deepest_first(tree):
            _remove(directory, deadline)


def _remove(directory: Path, deadline: float) -> None:
    while True:
        try:
            directory.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_POLL_S)
        else:
            return


def plan_unmounts(mountinfo: str, below: Sequence[Path]) -> list[Path]:
    """List the mount points below the directories, the one mounted last first."""
    points = [_unescape(line.split()[4]) for line in mountinfo.splitlines()]
    return [point for point in reversed(points) if any(point.is_relative_to(directory) for directory in below)]


def _unescape(field: str) -> Path:
    """Undo the octal escapes of spaces and the like."""
    return Path(field.encode("latin-1", "backslashreplace").decode("unicode_escape"))


def main(argv: Sequence[str] | None = None) -> int:
    """Clean up; 0 when nothing is left, also when there was nothing."""
    parser = argparse.ArgumentParser(prog="nodeagent.cleanup", description=__doc__.partition("\n")[0])
    parser.add_argument("--cgroup-root", required=True, help="the cluster's cgroup below each controller: naru-NAME")
    parser.add_argument("--terminate", type=float, metavar="SECONDS", help="only ask containers to end; wait so long")
    parser.add_argument("--below", type=Path, action="append", default=[], help="unmount everything in this directory")
    options = parser.parse_args(argv)
    if not options.cgroup_root.startswith("naru-"):
        parser.error(f"--cgroup-root {options.cgroup_root!r} is not a cluster's: naru-NAME")
    logs.configure("cleanup")
    trees = cgroup_trees(options.cgroup_root)
    if options.terminate is not None:
        terminate(trees, options.terminate)
        return 0
    kill_members(trees)
    for point in plan_unmounts(Path("/proc/self/mountinfo").read_text(), options.below):
        umount2(point, MNT_DETACH)
    remove_trees(trees)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
