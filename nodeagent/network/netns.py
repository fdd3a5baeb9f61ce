"""Network namespaces: make, pin, enter.

setns(2) and unshare(2) change the calling thread only. What needs a while in another namespace runs in a thread that
ends with it, so no thread is ever left in the wrong one; a socket needs a moment only, because it keeps the namespace
that it was opened in.

A namespace is pinned as ``ip netns`` does it, by a bind mount on a file of /run/netns, so ``ip netns`` shows it.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from nodeagent.network.errors import NetworkError
from nodeagent.network.netlink_fast import NetlinkSocket
from nodeagent.runtime import syscalls
from nodeagent.runtime.syscalls import CloneFlag, MountFlag

PINNED: Final = Path("/run/netns")
OWN: Final = "/proc/thread-self/ns/net"

T = TypeVar("T")


def open_own() -> int:
    """Return a descriptor of the calling thread's network namespace."""
    return os.open(OWN, os.O_RDONLY | os.O_CLOEXEC)


def enter(path: Path) -> int:
    """Move this process to another namespace for good; to be called before it has threads or sockets.

    Returns:
        A descriptor of the namespace it came from.
    """
    previous = open_own()
    target = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        syscalls.setns(target, CloneFlag.NEWNET)
    finally:
        os.close(target)
    return previous


def netlink_in(netns_fd: int, own_fd: int) -> NetlinkSocket:
    """Open a netlink socket in another namespace; the calling thread is back in its own when this returns.

    There is no await between the two moves, so no other coroutine sees the thread away from home.
    """
    syscalls.setns(netns_fd, CloneFlag.NEWNET)
    try:
        return NetlinkSocket()
    finally:
        syscalls.setns(own_fd, CloneFlag.NEWNET)


def create(name: str) -> Path:
    """Make a namespace and pin it; one that is there stays.

    Returns:
        The file it is pinned at.
    """
    path = PINNED / name
    if is_pinned(path):
        return path
    PINNED.mkdir(mode=0o755, parents=True, exist_ok=True)
    path.touch(mode=0o444)  # of one who was killed it may lie there without a mount

    def make() -> None:
        syscalls.unshare(CloneFlag.NEWNET)
        syscalls.mount(OWN, path, "", MountFlag.BIND)

    try:
        _in_thread(make)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def remove(path: Path) -> None:
    """Unpin a namespace; it ends when the last process in it does. What is not there is no error."""
    while is_pinned(path):
        syscalls.umount2(path, syscalls.MNT_DETACH)
    path.unlink(missing_ok=True)
    with suppress(OSError):
        PINNED.rmdir()  # ours may have been the first; EBUSY or ENOTEMPTY otherwise


def is_pinned(path: Path) -> bool:
    """Tell whether a namespace is mounted at ``path``."""
    try:
        return path.stat().st_dev != path.parent.stat().st_dev
    except FileNotFoundError:
        return False


def run_in(path: Path, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in another namespace, with an event loop of its own, and return its result."""

    def enter_and_run() -> T:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            syscalls.setns(fd, CloneFlag.NEWNET)
        finally:
            os.close(fd)
        return asyncio.run(work())

    return _in_thread(enter_and_run)


def _in_thread(work: Callable[[], T]) -> T:
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=run, name="netns")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    if not results:
        raise NetworkError("a thread ended without a result")
    return results[0]
