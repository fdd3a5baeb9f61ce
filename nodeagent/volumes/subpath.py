"""Mount a part of a volume, without being led out of it.

A container may replace a directory of its volume by a symbolic link to ``/`` while the node prepares the next one.
So the path is resolved, then walked again from the volume's root without following any link, and what that walk ends
at is pinned with a bind mount; containers get the pin.

Source: Kubernetes documentation, "Using subPath"; CVE-2017-1002101; path_resolution(7), openat(2).
"""

import errno
import os
import stat
from pathlib import Path

from nodeagent.volumes.errors import VolumeError
from nodeagent.volumes.mounts import bind_fd

_STEP_FLAGS = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def pin_subpath(volume: Path, subpath: str, pin: Path) -> Path:
    """Bind ``subpath`` of ``volume`` onto ``pin``, making directories on the way; return ``pin``.

    Raises:
        VolumeError: the path leads out of the volume, or changed underfoot.
    """
    relative = _resolve(volume, subpath)
    fd = _open_beneath(volume, relative)
    try:
        pin.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        if os.path.isdir(f"/proc/self/fd/{fd}"):
            pin.mkdir(mode=0o750, exist_ok=True)
        else:
            pin.touch(mode=0o600)
        bind_fd(fd, pin)
    finally:
        os.close(fd)
    return pin


def _resolve(volume: Path, subpath: str) -> Path:
    """Follow the links of a path, as a configMap's files are links; the result has none."""
    if subpath.startswith("/") or ".." in Path(subpath).parts:
        raise VolumeError(f"subPath {subpath!r} must be relative and must not contain '..'")
    root = Path(os.path.realpath(volume))
    full = Path(os.path.realpath(root / subpath))
    if not full.is_relative_to(root):
        raise VolumeError(f"subPath {subpath!r} leads out of its volume")
    return full.relative_to(root)


def _open_beneath(volume: Path, relative: Path) -> int:
    """Walk from the volume's root, one component at a time; the caller closes the descriptor.

    What is missing is made with the permissions of the root: who may write to the volume may write there.
    """
    fd = os.open(volume, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        mode = stat.S_IMODE(os.fstat(fd).st_mode)
        for part in relative.parts:
            next_fd = _step(fd, part, mode)
            os.close(fd)
            fd = next_fd
            if stat.S_ISLNK(os.fstat(fd).st_mode):  # O_PATH | O_NOFOLLOW opens the link itself
                raise VolumeError(f"subPath {str(relative)!r} changed while it was being mounted")
    except BaseException:
        os.close(fd)
        raise
    return fd


def _step(fd: int, part: str, mode: int) -> int:
    try:
        return os.open(part, _STEP_FLAGS, dir_fd=fd)
    except FileNotFoundError:
        os.mkdir(part, dir_fd=fd)
        made = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
        os.fchmod(made, mode)  # mkdir's mode is narrowed by the umask
        return made
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise VolumeError(f"subPath: {part!r} is not in a directory") from error
        raise
