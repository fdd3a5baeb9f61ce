"""The speed of the API server: a table of figures beside those of a real kube-apiserver, and JSON with ``--json FILE``.

API server and etcd are processes on loopback, spoken to over TLS with keep-alive by load generators of their own
(load.py, watching.py); each rate is of some seconds after a second of warm-up. Wall times depend on the machine and
on what else runs on it: yardsticks of the same run open the table, the last line says how busy others kept the
processors, and processor time a request is what can be compared between runs.

usage: python -m benchmarks.api [--seconds 4] [--only create,list] [--source DIR] [--json FILE]
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.api import yardsticks
from benchmarks.api.clocks import memory_mb
from benchmarks.api.report import print_table
from benchmarks.api.servers import REPOSITORY, Machine, Servers, apiserver, etcd, finish, machine, servers
from benchmarks.api.traffic import NAMESPACE, PODS_PATH, request

ALL_PODS: Final = "/api/v1/pods"
MANY: Final = 5000
WATCHERS: Final = 500
STARTS: Final = 5
CHANGE_EVERY_S: Final = 0.01
READ_EVERY_S: Final = 0.002

Results = dict[str, Any]


def measure_machine(place: Machine, _seconds: float) -> Results:
    """Take the yardsticks."""
    results: Results = {"fdatasync": yardsticks.fdatasync_ms(place), "echo_16": yardsticks.echo(place, 16)}
    with etcd(place) as (target, _):
        argv = [sys.executable, "-m", "benchmarks.api.yardsticks", target]
        results["etcd_puts"] = finish(subprocess.Popen(argv, cwd=REPOSITORY, stdout=subprocess.PIPE))
    return results


def measure_start(place: Machine, _seconds: float) -> Results:
    """Start the API server several times on one etcd, as after a crash."""
    times = []
    with etcd(place) as (target, _):
        for _ in range(STARTS + 1):
            with apiserver(place, target) as (_port, _pid, ready_s):
                times.append(ready_s)
    times = sorted(times[1:])  # the first one found empty caches of the file system, and no namespaces
    return {"start": {"min_s": times[0], "p50_s": statistics.median(times)}}


def measure_objects(place: Machine, seconds: float) -> Results:
    """Create, read and patch Pods one by one."""
    results: Results = {}
    with servers(place) as server:
        make_namespace(server)
        for connections in (1, 16, 64):
            results[f"create_{connections}"] = server.load(
                "create", f"c{connections}", connections=connections, expect=201, seconds=seconds
            )
        names = pod_names("c16", 16, 16)
        results["get_16"] = server.load("get", names, connections=16, seconds=seconds)
        results["patch_16"] = server.load("patch", names, connections=16, seconds=seconds)
    return results


def measure_many(place: Machine, seconds: float) -> Results:
    """Fill the server with Pods; list them, watch them, weigh it."""
    results: Results = {}
    with servers(place) as server:
        make_namespace(server)
        fill(server, "first", 1000)
        results["list_1000"] = server.load("path", ALL_PODS, seconds=seconds)
        fill(server, "then", MANY - 1000)
        results["memory_5000"] = memory_mb(server.pids["server"])
        results["list_5000"] = server.load("path", ALL_PODS, seconds=seconds)
        results["list_5000_namespace"] = server.load("path", PODS_PATH, seconds=seconds)
        results |= measure_beside_lists(server, seconds)
        results["fan_out"] = server.watch(pod_names("first", 1, 1)[0], WATCHERS, rounds=100)
        results["memory_end"] = memory_mb(server.pids["server"])
    return results


def measure_beside_lists(server: Servers, seconds: float) -> Results:
    """List while Pods change, and read one Pod again and again while all are listed."""
    names = pod_names("first", 8, 8)
    writer = server.start_load("patch", names, pause_s=CHANGE_EVERY_S, seconds=seconds + 1)
    changing = server.load("path", ALL_PODS, seconds=seconds)
    finish(writer)
    lister = server.start_load("path", ALL_PODS, seconds=seconds + 1)
    beside = server.load("get", names, pause_s=READ_EVERY_S, seconds=seconds)
    finish(lister)
    return {"list_5000_changing": changing, "get_beside_lists": beside}


def measure_stalls(place: Machine, seconds: float) -> Results:
    """Do all of it at once on a server whose event loop is timed."""
    found = place.directory / "stalls.json"
    with servers(place, (f"{Path(__file__).with_name('stalls.py')}", str(found))) as server:
        make_namespace(server)
        fill(server, "first", MANY)
        os.kill(server.pids["server"], signal.SIGUSR1)
        others = [
            server.start_load("path", path, seconds=seconds)
            for path in (ALL_PODS, f"{ALL_PODS}?labelSelector=app%3Dweb")
        ]
        server.load("create", "more", connections=4, expect=201, seconds=seconds)
        for other in others:
            finish(other)
    seen = json.loads(found.read_text())
    return {"stalls": {**seen["longest"][0], **seen}}


def make_namespace(server: Servers) -> None:
    """Make the namespace that all Pods live in."""
    server.send(request("POST", "/api/v1/namespaces", json.dumps({"metadata": {"name": NAMESPACE}}).encode()))


def fill(server: Servers, prefix: str, count: int) -> None:
    """Create so many Pods."""
    server.load("create", prefix, connections=8, expect=201, count=count // 8)


def pod_names(prefix: str, connections: int, each: int) -> list[str]:
    """Name the first Pods that each connection created."""
    return [f"{prefix}-{number:03}-{pod:07}" for number in range(connections) for pod in range(each)]


MEASURES: Final[dict[str, Callable[[Machine, float], Results]]] = {
    "machine": measure_machine,
    "start": measure_start,
    "objects": measure_objects,
    "many": measure_many,
    "stalls": measure_stalls,
}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.api", description="Measure the API server.")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each rate is measured")
    parser.add_argument("--only", default=",".join(MEASURES), help=f"some of {', '.join(MEASURES)}")
    parser.add_argument("--source", type=Path, default=REPOSITORY, help="another source tree, to compare with")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    arguments = parser.parse_args()
    results: Results = {"processors": os.cpu_count()}
    with machine(arguments.source.resolve()) as place:
        for name in arguments.only.split(","):
            results |= MEASURES[name](place, arguments.seconds)
    print_table(results)
    shares = [
        stage["others_percent"] for stage in results.values() if isinstance(stage, dict) and "others_percent" in stage
    ]
    if shares:
        print(f"\n{os.cpu_count()} processors; others took {min(shares):.0f} to {max(shares):.0f} % of them meanwhile")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
