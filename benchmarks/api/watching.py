"""One change, many watchers: how long until all of them have it.

A process of its own, as it would disturb the server if it shared an interpreter with it: it opens the watches, changes
a label of one Pod again and again, and waits each time until the line has come on every connection.
"""

import json
import select
import ssl
import sys
import time
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.api.clocks import Window
from benchmarks.api.load import BUFFER_BYTES, PATIENCE_S, client_tls, connect, percentile
from benchmarks.api.traffic import MERGE_PATCH, PODS_PATH, head, request

WARM_ROUNDS: Final = 10
PAUSE_S: Final = 0.03  # the server is idle when a round begins


@dataclass(frozen=True)
class Job:
    """How many watch which Pod, and for how many changes."""

    port: int
    tls: dict[str, str]
    pod: str
    resource_version: str  # the watches begin here
    pids: dict[str, int]
    watchers: int = 500
    rounds: int = 100


def open_watches(job: Job, poll: select.epoll) -> dict[int, ssl.SSLSocket]:
    """Open the watches, each on a connection of its own; all of them have answered when this returns."""
    context, watches = client_tls(job.tls), {}
    path = f"{PODS_PATH}?watch=1&resourceVersion={job.resource_version}"
    for _ in range(job.watchers):
        watch = connect(context, job.port)
        watch.sendall(head("GET", path))
        watches[watch.fileno()] = watch
    for watch in watches.values():
        watch.recv(65536)  # the head of the answer
        watch.setblocking(False)
        poll.register(watch.fileno(), select.EPOLLIN)
    return watches


def spread_ms(
    job: Job, writer: ssl.SSLSocket, poll: select.epoll, watches: dict[int, ssl.SSLSocket], mark: str
) -> float:
    """Change the Pod once; return how many ms later the last watcher has the change."""
    body = json.dumps({"metadata": {"labels": {"round": mark}}}).encode()
    missing, buffer, wanted = set(watches), bytearray(BUFFER_BYTES), mark.encode()
    began = time.perf_counter()
    writer.sendall(request("PATCH", f"{PODS_PATH}/{job.pod}", body, MERGE_PATCH))
    while missing:
        ready = poll.poll(PATIENCE_S)
        if not ready:
            raise TimeoutError(f"{len(missing)} watchers never saw the change")
        for fd, _ in ready:
            if has_come(watches[fd], buffer, wanted):
                missing.discard(fd)
    took_ms = (time.perf_counter() - began) * 1000
    if not writer.recv(65536).startswith(b"HTTP/1.1 200"):
        raise RuntimeError("the Pod could not be changed")
    return took_ms


def has_come(watch: ssl.SSLSocket, buffer: bytearray, wanted: bytes) -> bool:
    """Read what there is; tell whether the change is in it."""
    found = False
    while True:
        try:
            size = watch.recv_into(buffer)
        except ssl.SSLWantReadError:
            return found
        if not size:
            raise ConnectionError("the server ended a watch")
        found = found or buffer.find(wanted, 0, size) >= 0


def run(job: Job) -> dict[str, Any]:
    """Measure all rounds."""
    poll = select.epoll()
    watches = open_watches(job, poll)
    writer = connect(client_tls(job.tls), job.port)
    times: list[float] = []
    window = Window(job.pids)
    for number in range(WARM_ROUNDS + job.rounds):
        if number == WARM_ROUNDS:
            window = Window(job.pids)
            times.clear()
        times.append(spread_ms(job, writer, poll, watches, f"change-{number:06}"))
        time.sleep(PAUSE_S)
    spent = window.close()
    times.sort()
    return {
        "count": len(times),
        "p50_ms": percentile(times, 0.5),
        "p99_ms": percentile(times, 0.99),
        "max_ms": times[-1],
        "client_cpu_ms": spent["own"] * 1000 / job.rounds,
        "others_percent": spent["others_percent"],
        **{f"{name}_cpu_ms": spent[name] * 1000 / job.rounds for name in job.pids},
    }


def main() -> None:
    """Do the job on stdin."""
    json.dump(run(Job(**json.load(sys.stdin))), sys.stdout)


if __name__ == "__main__":
    main()
