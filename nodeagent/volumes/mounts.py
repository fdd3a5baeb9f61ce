"""The few mounts that volumes need outside of containers, and taking them away again.

Source: mount(2), proc_pid_mountinfo(5).
"""

import os
import re
from pathlib import Path

from nodeagent.runtime.syscalls import MountFlag, mount, umount2

MNT_DETACH = 2  # of umount2(2): gone from the tree at once, freed with its last user
_ESCAPE = re.compile(r"\\([0-7]{3})")


def mount_tmpfs(directory: Path, size_bytes: int | None, mode: int) -> None:
    """Mount an empty tmpfs; without a size the kernel allows half of the memory."""
    options = [f"mode={mode:o}"] + ([f"size={size_bytes}"] if size_bytes else [])
    mount("naru", directory, "tmpfs", MountFlag.NOSUID | MountFlag.NODEV, ",".join(options))


def bind_fd(fd: int, target: Path) -> None:
    """Bind what a descriptor refers to onto ``target``: whatever happens to its path, this stays it."""
    mount(f"/proc/self/fd/{fd}", target, "", MountFlag.BIND)


def mounts_below(directory: Path) -> list[Path]:
    """Return the mount points at or below a directory, the deepest last mounted first."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        points = [Path(_ESCAPE.sub(_unescape, line.split(" ", 5)[4])) for line in table]
    root = Path(os.path.realpath(directory))
    return [point for point in reversed(points) if point.is_relative_to(root)]


def unmount_below(directory: Path) -> None:
    """Unmount everything at or below a directory."""
    for point in mounts_below(directory):
        umount2(point, MNT_DETACH)


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 8))
