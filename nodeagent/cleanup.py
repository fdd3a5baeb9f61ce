"""Take away what a cluster's nodes left in the kernel: processes in its cgroups, mounts, the cgroups themselves.

Flow: `naru down` -> *python -m nodeagent.cleanup* -> cgroup trees, mount table.
It needs no record of what was made: the cgroup root and the directories name everything that is the cluster's.
Every step may find half of it gone already.

Source: cgroups(7), proc(5) for /proc/self/mountinfo, umount(2) for MNT_DETACH.
"""

import argparse
import logging
import os
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
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
    found: set[int] = set()
    for tree in trees:
        for directory in deepest_first(tree):
            try:
                found.update(map(int, (directory / "cgroup.procs").read_text().split()))
            except OSError:
                continue  # removed since it was listed
    return found - {0}  # 0 stands for a process of another pid namespace


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
    parser.add_argument("--below", type=Path, action="append", default=[], help="unmount everything in this directory")
    options = parser.parse_args(argv)
    if not options.cgroup_root.startswith("naru-"):
        parser.error(f"--cgroup-root {options.cgroup_root!r} is not a cluster's: naru-NAME")
    logs.configure("cleanup")
    trees = cgroup_trees(options.cgroup_root)
    kill_members(trees)
    for point in plan_unmounts(Path("/proc/self/mountinfo").read_text(), options.below):
        umount2(point, MNT_DETACH)
    remove_trees(trees)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
