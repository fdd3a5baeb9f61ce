"""One `naru up` or `naru down` of a cluster at a time."""

import contextlib
import fcntl
import os
from collections.abc import Iterator

from cli.cluster.layout import Layout


@contextlib.contextmanager
def exclusive(layout: Layout) -> Iterator[None]:
    """Hold the cluster's run directory for the time of a block, waiting for another command to finish with it.

    The directory itself is what is locked, since `naru down` removes it at the end; who waited for one that is
    gone starts over with its successor.
    """
    while True:
        layout.run.mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor = os.open(layout.run, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _still_there(layout, descriptor):
                yield
                return
        finally:
            os.close(descriptor)


def _still_there(layout: Layout, descriptor: int) -> bool:
    try:
        return layout.run.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False
