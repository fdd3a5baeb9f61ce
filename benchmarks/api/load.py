"""The load generator: a process of its own that keeps a number of TLS connections busy.

Flow: job on stdin (JSON) -> *requests over keep-alive connections, one at a time on each* -> figures on stdout (JSON).

Sockets and epoll instead of asyncio: OpenSSL reads from and writes to the socket itself, requests are bytes made
beforehand, and of an answer nothing is read but its status and length. That is a tenth of what the API server spends on
the cheapest request; ``echo.py`` is there to show it. The first second is a warm-up and not counted.
"""

import json
import select
import socket
import ssl
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import Any, Final

from benchmarks.api.clocks import Window
from benchmarks.api.traffic import HOST, KINDS

BUFFER_BYTES: Final = 1 << 20
PATIENCE_S: Final = 30.0  # an answer that takes longer is a failure of the run
HEAD: Final = -1  # the answer's head is not complete
CHUNKED: Final = -2  # it does not say its length
LAST_CHUNK: Final = b"0\r\n\r\n"
BUCKETS_MS: Final = (0.5, 1, 2, 5, 10, 20, 50, 100, float("inf"))


@dataclass(frozen=True)
class Job:
    """What to send, where, and for how long."""

    port: int
    tls: dict[str, str]  # ca, certificate, key: files
    kind: str  # of traffic.KINDS
    arguments: list[Any]  # for it
    connections: int = 1
    seconds: float = 4.0
    warm_s: float = 1.0
    count: int = 0  # send so many on each connection, however long it takes
    pause_s: float = 0.0  # between an answer and the next request: to measure latencies without adding load
    expect: int = 200
    pids: dict[str, int] = field(default_factory=dict)  # whose processor time to measure

    def requests(self, connection: int) -> Iterator[bytes]:
        """Return the requests of one connection."""
        endless = KINDS[self.kind](*self.arguments, connection, self.connections)
        return islice(endless, self.count) if self.count else endless


def client_tls(files: dict[str, str]) -> ssl.SSLContext:
    """Build the client's side of TLS."""
    context = ssl.create_default_context(cafile=files["ca"])
    if "key" in files:
        context.load_cert_chain(files["certificate"], files["key"])
    return context


def connect(context: ssl.SSLContext, port: int) -> ssl.SSLSocket:
    """Open a connection; it blocks, with patience."""
    raw = socket.create_connection((HOST, port), timeout=PATIENCE_S)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(raw, server_hostname=HOST)


class Connection:
    """One connection with at most one request under way."""

    def __init__(self, tls: ssl.SSLSocket, requests: Iterator[bytes], expect: int) -> None:
        self.tls = tls
        self._requests = requests
        self._expect = expect
        self.sent_ns = 0
        self._missing = 0  # bytes of the answer's body that have not come yet, or one of the two below
        self._last = b""  # of an answer without a length: its last bytes; of a head that is not complete: all of it

    def send(self) -> bool:
        """Send the next request; False when there is none."""
        data = next(self._requests, None)
        if data is None:
            return False
        self.sent_ns = time.perf_counter_ns()
        self._missing, self._last = HEAD, b""
        if self.tls.send(data) != len(data):
            raise RuntimeError("a request did not fit into the socket's buffer")
        return True

    def receive(self, buffer: memoryview) -> bool:
        """Take what has come; tell whether the answer is complete."""
        while self._missing:
            try:
                size = self.tls.recv_into(buffer)
            except ssl.SSLWantReadError:
                return False
            if not size:
                raise ConnectionError("the server closed the connection")
            if self._missing > 0:
                self._missing -= size
            elif self._missing == HEAD:
                self._begin(self._last + bytes(buffer[:size]))
            else:
                self._look_for_end(bytes(buffer[max(0, size - len(LAST_CHUNK)) : size]))
        return True

    def _begin(self, data: bytes) -> None:
        """Read status and length off the head of an answer."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._last = data
            return
        head = data[: end + 2].lower()
        if int(data[9:12]) != self._expect:
            raise RuntimeError(f"unexpected answer: {data[:600].decode(errors='replace')}")
        start = head.find(b"content-length: ") + 16
        if start < 16:
            self._missing, self._last = CHUNKED, b""
            self._look_for_end(data[end + 4 :])
        else:
            self._missing = end + 4 + int(data[start : head.index(b"\r\n", start)]) - len(data)

    def _look_for_end(self, data: bytes) -> None:
        """Find the end of a chunked answer; no JSON text holds these bytes."""
        self._last = (self._last + data)[-len(LAST_CHUNK) :]
        if self._last == LAST_CHUNK:
            self._missing = 0


def run(job: Job) -> dict[str, Any]:
    """Keep all connections busy; return what was measured."""
    context = client_tls(job.tls)
    connections = [
        Connection(connect(context, job.port), job.requests(number), job.expect) for number in range(job.connections)
    ]
    turns = paced(connections[0], job) if job.pause_s else busy(connections)
    return measure(turns, job)


def busy(connections: list[Connection]) -> Iterator[int]:
    """Send on each connection as soon as its last request is answered; yield how long each took, in ns."""
    poll, buffer = select.epoll(), memoryview(bytearray(BUFFER_BYTES))
    by_fd = {connection.tls.fileno(): connection for connection in connections}
    for fd, connection in by_fd.items():
        connection.tls.setblocking(False)
        connection.send()
        poll.register(fd, select.EPOLLIN)
    while by_fd:
        ready = poll.poll(PATIENCE_S)
        if not ready:
            raise TimeoutError(f"no answer for {PATIENCE_S:g} s")
        for fd, _ in ready:
            connection = by_fd[fd]
            if connection.receive(buffer):
                yield time.perf_counter_ns() - connection.sent_ns
                if not connection.send():
                    del by_fd[fd]


def paced(connection: Connection, job: Job) -> Iterator[int]:
    """Send at a steady pace, which an answer that comes late does not slow down; yield how long each took."""
    buffer = memoryview(bytearray(BUFFER_BYTES))
    due = time.perf_counter()
    while True:
        time.sleep(max(0.0, due - time.perf_counter()))
        connection.send()
        connection.receive(buffer)
        yield time.perf_counter_ns() - connection.sent_ns
        due = max(due + job.pause_s, time.perf_counter())


def measure(turns: Iterator[int], job: Job) -> dict[str, Any]:
    """Count for the time of the job, after its warm-up."""
    began = time.perf_counter()
    if not job.count:
        deque(takewhile(lambda _: time.perf_counter() < began + job.warm_s, turns), maxlen=0)
        began = time.perf_counter()
    window = Window(job.pids)
    times = list(takewhile(lambda _: job.count or time.perf_counter() < began + job.seconds, turns))
    return summary(times, window.close(), list(job.pids))


def summary(times: list[int], spent: dict[str, float], names: list[str]) -> dict[str, Any]:
    """Return rates, latencies in ms, and processor time a request in ms."""
    ordered = sorted(times)
    milliseconds = [value / 1e6 for value in ordered]
    figures = {
        "count": len(ordered),
        "per_s": len(ordered) / spent["wall"],
        "p50_ms": percentile(milliseconds, 0.5),
        "p99_ms": percentile(milliseconds, 0.99),
        "max_ms": milliseconds[-1],
        "client_cpu_ms": spent["own"] * 1000 / len(ordered),
        "others_percent": spent["others_percent"],
        "histogram": histogram(milliseconds),
    }
    return figures | {f"{name}_cpu_ms": spent[name] * 1000 / len(ordered) for name in names}


def percentile(ordered: list[float], share: float) -> float:
    """Return the value that a share of all is not above."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def histogram(milliseconds: list[float]) -> dict[str, int]:
    """Count latencies by bucket; each is named by its upper bound."""
    counts = dict.fromkeys(BUCKETS_MS, 0)
    for value in milliseconds:
        counts[next(bound for bound in BUCKETS_MS if value <= bound)] += 1
    return {f"{bound:g}": number for bound, number in counts.items()}


def main() -> None:
    """Do the job on stdin."""
    json.dump(run(Job(**json.load(sys.stdin))), sys.stdout)


if __name__ == "__main__":
    main()
