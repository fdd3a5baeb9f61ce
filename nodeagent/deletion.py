"""Delete a directory that a container, or an image, has filled: it can be of any depth, and links lead nowhere."""

import os
import shutil
import uuid
from contextlib import suppress
from itertools import count
from pathlib import Path


def delete_tree(root: Path) -> None:
    """Delete a directory with all in it, if it is there.

    Raises:
        OSError: something in it cannot be deleted, as a mount point.
    """
    with suppress(FileNotFoundError):
        try:
            shutil.rmtree(root)
        except RecursionError:  # it calls itself for each level
            flatten(root)
            shutil.rmtree(root)


def flatten(root: Path) -> None:
    """Move every directory below ``root`` to its top level."""
    prefix, numbers = uuid.uuid4().hex, count()
    pending = [root]
    while pending:
        directory = pending.pop()
        for entry in [entry for entry in os.scandir(directory) if entry.is_dir(follow_symlinks=False)]:
            place = Path(entry.path)
            if directory != root:
                place = root / f"{prefix}-{next(numbers)}"
                os.rename(entry.path, place)
            pending.append(place)
