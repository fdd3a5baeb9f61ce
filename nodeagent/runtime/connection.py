"""The agent's end of the sockets to zygote and shims, on asyncio.

asyncio's own streams cannot pass descriptors, hence this: a queue of what is to be sent, and a future for each call
that has not been answered.
"""

import asyncio
import itertools
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from nodeagent.runtime import protocol
from nodeagent.runtime.protocol import Decoder, Message
from nodeagent.runtime.spec import RuntimeFault

DEADLINE_S = 30.0


class Connection:
    """Calls methods of the other side and passes on its events.

    ``on_event`` gets each message that is no reply, ``on_close`` is called once, when the other side has gone.
    """

    def __init__(self, sock: socket.socket, on_event: Callable[[Message], None], on_close: Callable[[], None]) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._on_event = on_event
        self._on_close = on_close
        self._loop = asyncio.get_running_loop()
        self._decoder = Decoder()
        self._ids = itertools.count(1)
        self._calls: dict[int, asyncio.Future[tuple[Any, list[int]]]] = {}
        self._queue: deque[tuple[memoryview, list[int]]] = deque()
        self._writing = False
        self.closed = False
        self._loop.add_reader(sock.fileno(), self._readable)

    async def call(
        self, method: str, params: Message, fds: Sequence[int] = (), deadline_s: float = DEADLINE_S
    ) -> tuple[Any, list[int]]:
        """Call a method; return its result and the descriptors that came with it, now the caller's.

        Raises:
            RuntimeFault: the other side refused (its reason), has gone (``Disconnected``) or is late (``Timeout``).
        """
        number = next(self._ids)
        reply: asyncio.Future[tuple[Any, list[int]]] = self._loop.create_future()
        self._calls[number] = reply
        try:
            self.send({"id": number, "method": method, "params": params}, fds)
            async with asyncio.timeout(deadline_s):
                return await reply
        except TimeoutError as error:
            raise RuntimeFault("Timeout", f"{method}: no answer in {deadline_s:g} s") from error
        finally:
            self._calls.pop(number, None)

    def send(self, message: Message, fds: Sequence[int] = ()) -> None:
        """Send, at once or as soon as the socket takes it; the descriptors are copied, they stay the caller's."""
        if self.closed:
            raise RuntimeFault("Disconnected", "the other side has gone")
        self._queue.append((memoryview(protocol.encode(message, len(fds))), [os.dup(fd) for fd in fds]))
        if not self._writing:
            self._flush()

    def _flush(self) -> None:
        try:
            while self._queue:
                line, fds = self._queue[0]
                sent = socket.send_fds(self._sock, [line], fds) if fds else self._sock.send(line)
                self._close_fds(fds)
                self._queue[0] = (line[sent:], [])
                if sent == len(line):
                    self._queue.popleft()
        except BlockingIOError:
            self._watch_writable(True)
            return
        except OSError:
            self.close()
            return
        self._watch_writable(False)

    def _watch_writable(self, wanted: bool) -> None:
        if wanted and not self._writing:
            self._loop.add_writer(self._sock.fileno(), self._flush)
        elif self._writing and not wanted:
            self._loop.remove_writer(self._sock.fileno())
        self._writing = wanted

    def _readable(self) -> None:
        try:
            data, fds = protocol.receive(self._sock)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        for message, passed in self._decoder.feed(data, fds):
            self._handle(message, passed)
        if not data:
            self.close()

    def _handle(self, message: Message, fds: list[int]) -> None:
        if "event" in message:
            self._on_event(message)
            return
        reply = self._calls.pop(message["id"], None)
        if reply is None or reply.done():  # its caller has given up
            self._close_fds(fds)
        elif error := message.get("error"):
            reply.set_exception(RuntimeFault(error["reason"], error["message"]))
        else:
            reply.set_result((message["result"], fds))

    def close(self) -> None:
        """Close the socket; calls that wait for an answer fail."""
        if self.closed:
            return
        self.closed = True
        self._watch_writable(False)
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
        for _, fds in self._queue:
            self._close_fds(fds)
        calls, self._calls = self._calls, {}
        for reply in calls.values():
            if not reply.done():
                reply.set_exception(RuntimeFault("Disconnected", "the other side has gone"))
        self._on_close()

    @staticmethod
    def _close_fds(fds: list[int]) -> None:
        for fd in fds:
            os.close(fd)
        fds.clear()
