"""Locks and lasting writes: what lets several processes work on one image store.

A lock is flock(2) on a file, so the kernel drops it when its holder dies. Waiting polls instead of blocking, because
a thread parked in flock cannot be cancelled.
"""

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

POLL_S: Final = 0.02


@contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[int]:
    """Hold the lock ``path``; yield its descriptor, which a child may inherit to keep it locked until it ends too."""
    while (fd := try_lock(path, shared=shared)) is None:
        time.sleep(POLL_S)
    try:
        yield fd
    finally:
        os.close(fd)


@asynccontextmanager
async def locked_async(path: Path, *, shared: bool = False) -> AsyncIterator[int]:
    """Do as :func:`locked` without holding up the event loop."""
    while (fd := try_lock(path, shared=shared)) is None:  # noqa: ASYNC110 - another process cannot set an Event
        await asyncio.sleep(POLL_S)
    try:
        yield fd
    finally:
        os.close(fd)


def try_lock(path: Path, *, shared: bool = False) -> int | None:
    """Lock ``path`` and return the descriptor to close, or None while another holds it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(fd), os.stat(path)):  # a lock on a file since removed is worth nothing
            return fd
    except (BlockingIOError, FileNotFoundError):
        pass  # held by another, or its holder has just removed it
    except BaseException:
        os.close(fd)
        raise
    os.close(fd)
    return None


def write_durably(path: Path, content: bytes) -> None:
    """Replace a file so that after a power cut it holds the old content or the new, never a mixture."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        rename_durably(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def rename_durably(source: Path, target: Path) -> None:
    """Rename, and return once the new name is on disk."""
    os.rename(source, target)
    directory = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
