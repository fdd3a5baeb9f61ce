"""The event loop of a shim: callbacks for descriptors, on epoll. asyncio would cost each pod several megabytes."""

import select
from collections.abc import Callable

READABLE, WRITABLE = select.EPOLLIN, select.EPOLLOUT


class Poller:
    """Calls back when a descriptor is ready (or at its end, which counts as readable)."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[], None]] = {}

    def add(self, fd: int, callback: Callable[[], None], events: int = READABLE) -> None:
        """Watch a descriptor; it must be removed before it is closed."""
        self._callbacks[fd] = callback
        self._epoll.register(fd, events)

    def remove(self, fd: int) -> None:
        """Stop watching; nothing happens when it was not watched."""
        if self._callbacks.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def run_once(self, timeout_s: float | None = None) -> None:
        """Wait for something to happen and make the calls it needs."""
        ready = [(fd, self._callbacks[fd]) for fd, _events in self._epoll.poll(timeout_s) if fd in self._callbacks]
        for fd, callback in ready:
            if self._callbacks.get(fd) is callback:  # an earlier callback may have removed it, or reused the number
                callback()
