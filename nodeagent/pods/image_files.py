"""Read small files out of an image's layers, without mounting it and without following links.

Source: OCI image specification, "Image Layer Filesystem Changeset"; kernel documentation of overlayfs (whiteouts).
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from nodeagent.pods.users import Accounts

MAX_BYTES: Final = 1 << 20  # an image is not trusted to have a small one


def read_accounts(layers: Sequence[Path]) -> Accounts:
    """Read who the image knows."""
    return Accounts(read_image_file(layers, "etc/passwd"), read_image_file(layers, "etc/group"))


def read_image_file(layers: Sequence[Path], path: str) -> str:
    """Read a file as a container would find it; empty when the image has none.

    Args:
        layers: the uppermost first.
        path: relative to the root, without links on the way.
    """
    for layer in layers:
        fd = _open(layer, path)
        if fd is None:
            continue
        with open(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return ""  # a whiteout (a device 0:0): the upper layer took the file away
            return file.read(MAX_BYTES).decode(errors="replace")
    return ""


def _open(layer: Path, path: str) -> int | None:
    directory, _, name = path.rpartition("/")
    try:
        parent = os.open(layer / directory, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
    except OSError as error:
        return None if isinstance(error, FileNotFoundError) else os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(parent)
