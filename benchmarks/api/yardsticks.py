"""What the machine can do at this hour, to compare the API server's figures with.

An fdatasync, which every write waits for; etcd alone, asked by the API server's own client; loopback with TLS, which is
also the ceiling of the load generator.

Usage: python -m benchmarks.api.yardsticks ADDRESS-OF-ETCD (prints the rate of puts, as JSON)
"""

import asyncio
import json
import os
import ssl
import sys
import tempfile
import time
from itertools import count
from typing import Any, Final

from apiserver.storage.etcd import ModRevisionIs, Put
from apiserver.storage.grpc_etcd import GrpcEtcd
from benchmarks.api.load import Job, client_tls, connect, percentile
from benchmarks.api.servers import Machine, finish, free_port, start_job, wait_until

VALUE: Final = b"x" * 2048
IN_FLIGHT: Final = 64
SECONDS: Final = 3.0


def fdatasync_ms(place: Machine, repeats: int = 100) -> dict[str, float]:
    """Write and sync 2 KB, as etcd does for each write."""
    times = []
    with tempfile.NamedTemporaryFile(dir=place.directory) as file:
        for _ in range(repeats):
            began = time.perf_counter()
            file.write(VALUE)
            file.flush()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    times.sort()
    return {"p50_ms": percentile(times, 0.5), "p99_ms": percentile(times, 0.99)}


def echo(place: Machine, connections: int) -> dict[str, Any]:
    """Let the load generator ask a server that does nothing."""
    port, pki = free_port(), place.directory / "pki"
    argv = [sys.executable, "-m", "benchmarks.api.echo", str(port), f"{pki}/apiserver.crt", f"{pki}/apiserver.key"]
    with place.process(argv, "echo") as child:
        context = client_tls({"ca": place.tls["ca"]})
        wait_until(lambda: _listens(context, port), child, place.log("echo"))
        job = Job(port, {"ca": place.tls["ca"]}, "path", ["/"], connections, seconds=2.0, pids={"server": child.pid})
        return finish(start_job("load", job))


def _listens(context: ssl.SSLContext, port: int) -> bool:
    try:
        connect(context, port).close()
    except OSError:
        return False
    return True


async def puts(target: str) -> dict[str, float]:
    """Put new keys for some seconds."""
    etcd, numbers = GrpcEtcd(target), count()
    done, ends = 0, time.perf_counter() + SECONDS

    async def put() -> None:
        nonlocal done
        while time.perf_counter() < ends:
            key = b"/bench/%09d" % next(numbers)
            await etcd.txn(ModRevisionIs(key, 0), Put(key, VALUE))
            done += 1

    began_s, cpu_s = time.perf_counter(), time.process_time()
    await asyncio.gather(*(put() for _ in range(IN_FLIGHT)))
    took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    await etcd.close()
    return {"per_s": done / took_s, "client_cpu_ms": cpu_s * 1000 / done}


if __name__ == "__main__":
    json.dump(asyncio.run(puts(sys.argv[1])), sys.stdout)
