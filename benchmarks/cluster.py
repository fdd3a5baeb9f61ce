"""The life of a cluster: how long it takes to start, to run a Pod, to run a hundred; what it costs when idle.

Prints a table, and JSON with ``--json FILE``. Absolute times depend on the machine and on what else runs on it, so the
table opens with yardsticks of the same run: how busy others keep the processors, an fdatasync of 2 KB (what a write to
etcd waits for), and the start of a process.

usage: sudo .venv/bin/python benchmarks/cluster.py [--pods 40] [--scale 100] [--json FILE]
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path
from typing import Any

from cli.cluster import processes
from cli.cluster.layout import Layout
from naru.api.apps_v1 import Deployment
from naru.api.core_v1 import Pod
from naru.client import kubeconfig
from naru.client.client import Client

NARU = Path(sys.executable).with_name("naru")
CLUSTER = f"naru-bench-{os.getpid()}"
API_PORT = "16443"
RANGES = ("--underlay", "198.18.64.0/24", "--pod-cidr", "10.164.0.0/16", "--service-cidr", "10.165.0.0/16")
IMAGE = "naru.local/busybox:1"
SETTLE_S = 5.0  # after the start: zygotes load and park shims then
IDLE_S = 20.0  # two renewals of each node's lease
CPUCLOCK_SCHED = 2  # what its scheduler counted, see cpu_clock_ns


def naru(*arguments: str) -> str:
    """Run the command, as a user would."""
    done = subprocess.run([str(NARU), *arguments], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise SystemExit(f"naru {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def up() -> float:
    """Start the cluster; return the seconds from the command's exec to its return, all nodes Ready."""
    started_s = time.perf_counter()
    naru("up", "--name", CLUSTER, "--nodes", "3", "--no-egress", "--api-port", API_PORT, *RANGES)
    return time.perf_counter() - started_s


@contextmanager
def cluster() -> Iterator[list[float]]:
    """Start a cluster twice (first with nothing there, then with the data of before), and take it away at the end."""
    try:
        first_s = up()
        naru("down", "--name", CLUSTER)
        yield [first_s, up()]
    finally:
        naru("down", "--name", CLUSTER, "--purge")


def timed_ms(repeats: int, action: Callable[[], object]) -> list[float]:
    """Run an action several times; return the milliseconds of each."""
    times = []
    for _ in range(repeats):
        started_s = time.perf_counter()
        action()
        times.append((time.perf_counter() - started_s) * 1000)
    return times


def fdatasync_ms() -> list[float]:
    """Write and sync 2 KB, as etcd does for each write."""
    with tempfile.NamedTemporaryFile(dir="/var/lib") as file:

        def write() -> None:
            file.write(b"x" * 2048)
            file.flush()
            os.fdatasync(file.fileno())

        return timed_ms(50, write)


def others_percent(seconds: float = 3.0) -> float:
    """Return how much of the machine's processor time others use, while nothing of ours runs."""

    def idle_and_total() -> tuple[int, int]:
        ticks = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return ticks[3] + ticks[4], sum(ticks)

    idle, total = idle_and_total()
    time.sleep(seconds)
    idle_after, total_after = idle_and_total()
    return 100 - (idle_after - idle) / (total_after - total) * 100


def spawn_ms() -> list[float]:
    """Start /bin/true and wait for its end."""
    return timed_ms(30, lambda: subprocess.run(["/bin/true"], check=True))


def pod(name: str) -> Pod:
    """Build a Pod of one sleeping container."""
    container = {"name": "main", "image": IMAGE, "command": ["sleep", "3600"]}
    return Pod.model_validate(
        {
            "metadata": {"name": name, "namespace": "default", "labels": {"bench": "pod"}},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
        }
    )


async def pod_starts_ms(client: Client, count: int) -> list[float]:
    """Create Pods one after the other; time each from the POST to Running on a watch."""
    times = []
    for number in range(count):
        name = f"bench-{number}"
        listed = await client.list(Pod, "default", limit=1)
        async with asyncio.timeout(30):
            events = client.watch(
                Pod,
                "default",
                resource_version=listed.metadata.resource_version,
                field_selector=f"metadata.name={name}",
            )
            async with aclosing(events):
                created = asyncio.create_task(_create_timed(client, pod(name)))
                async for event in events:
                    if event.object.status.phase == "Running":
                        times.append((time.perf_counter() - await created) * 1000)
                        break
        await client.delete(Pod, name, "default", grace_period_seconds=0)
        await asyncio.sleep(0.2)  # an idle cluster is what is measured
    return times


async def _create_timed(client: Client, wanted: Pod) -> float:
    await asyncio.sleep(0.05)  # the watch is open by then
    await client.list(Pod, wanted.metadata.namespace, limit=1)  # and so is a connection to write to
    started_s = time.perf_counter()
    await client.create(wanted)
    return started_s


async def scale_s(client: Client, replicas: int) -> tuple[float, dict[str, float]]:
    """Scale a Deployment from 0; return the seconds until all replicas run, and processor seconds by component."""
    labels = {"bench": "scale"}
    container = {"name": "main", "image": IMAGE, "command": ["sleep", "3600"]}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    await client.create(
        Deployment.model_validate({"metadata": {"name": "bench", "namespace": "default"}, "spec": spec})
    )
    await asyncio.sleep(0.5)
    listed = await client.list(Pod, "default", limit=1)
    before = cpu_clock_ns()
    started_s = time.perf_counter()
    await client.patch(Deployment, "bench", "default", {"spec": {"replicas": replicas}})
    running: set[str] = set()
    async with asyncio.timeout(60):
        events = client.watch(
            Pod, "default", resource_version=listed.metadata.resource_version, label_selector="bench=scale"
        )
        async with aclosing(events):
            async for event in events:
                if event.object.status.phase == "Running":
                    running.add(event.object.metadata.name)
                if len(running) == replicas:
                    break
    elapsed_s = time.perf_counter() - started_s
    await asyncio.sleep(1.0)  # for the work that was put off: Events, the Deployment's last status
    used = cpu_s_since(before)
    await client.delete(Deployment, "bench", "default", propagation="Background")
    return elapsed_s, used


def cluster_pids() -> list[int]:
    """Return the processes of the cluster: those that bear its mark, and all below them, as zygotes and shims are."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(ProcessLookupError, FileNotFoundError):
                children.setdefault(int(stat_fields(int(entry.name))[1]), []).append(int(entry.name))
    found: set[int] = set()
    waiting = processes.marked(Layout.of(CLUSTER).run)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, [])
    return sorted(found)


def stat_fields(pid: int) -> list[str]:
    """Read what /proc/PID/stat says after the name: state, parent..."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def cpu_clock_ns() -> dict[int, int]:
    """Return the processor time of each process of the cluster, that of its threads that have ended included.

    The kernel counts it in nanoseconds; the fields of /proc/PID/stat are rounded down to ticks of 10 ms, which in
    twenty processes that do next to nothing is about as much as they use. Source: clock_getcpuclockid(3) for the number
    of a process's clock.
    """
    clocks = {}
    for pid in cluster_pids():
        with suppress(OSError):  # it has just ended
            clocks[pid] = time.clock_gettime_ns(~pid << 3 | CPUCLOCK_SCHED)
    return clocks


def cpu_s_since(before: dict[int, int]) -> dict[str, float]:
    """Return the processor seconds used since then by component, the greatest first; new processes count whole."""
    used: dict[str, float] = {}
    for pid, now_ns in cpu_clock_ns().items():
        with suppress(OSError):
            name = Path(f"/proc/{pid}/comm").read_text().strip().removeprefix("naru-").rstrip("-0123456789")
            used[name] = used.get(name, 0.0) + (now_ns - before.get(pid, 0)) / 1e9
    return dict(sorted(used.items(), key=lambda item: -item[1]))


def idle_cost() -> tuple[float, dict[str, float]]:
    """Return the idle cluster's memory in MB, and what each component uses of one core in percent."""
    time.sleep(SETTLE_S)
    before, started_s = cpu_clock_ns(), time.perf_counter()
    time.sleep(IDLE_S)
    used, elapsed_s = cpu_s_since(before), time.perf_counter() - started_s
    memory_mb = sum(map(processes.pss_bytes, cluster_pids())) / 2**20
    return memory_mb, {name: seconds / elapsed_s * 100 for name, seconds in used.items()}


def spread(times: list[float]) -> dict[str, float]:
    """Return minimum, median and 99th percentile."""
    ordered = sorted(times)
    p99 = ordered[min(len(ordered) - 1, round(len(ordered) * 0.99))]
    return {"min": ordered[0], "p50": statistics.median(ordered), "p99": p99}


def row(label: str, figures: dict[str, float], unit: str, ratio_to: float = 0.0) -> None:
    """Print one line of the table."""
    texts = "  ".join(f"{name} {value:9.2f}" for name, value in figures.items())
    ratio = f"  = {figures['p50'] / ratio_to:7.1f} process starts" if ratio_to else ""
    print(f"{label:<42} {texts} {unit}{ratio}")


def shares(used: dict[str, float], unit: str) -> None:
    """Print what the components used: the whole, and the greatest parts."""
    texts = "  ".join(f"{name} {value:.2f}" for name, value in list(used.items())[:6])
    print(f"{'':<42} {sum(used.values()):.2f} {unit}: {texts}")


async def measure_pods(pods: int, replicas: int) -> tuple[list[float], float, dict[str, float]]:
    """Run the measurements that go through the API."""
    config = kubeconfig.load(Path(naru("kubeconfig", "--name", CLUSTER).strip()))
    async with Client(config, user_agent="benchmark") as client:
        await pod_starts_ms(client, 3)  # warm
        return await pod_starts_ms(client, pods), *await scale_s(client, replicas)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=40, help="Pods started one after the other")
    parser.add_argument("--scale", type=int, default=100, help="replicas started at once")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} processors, {others_percent():.0f} % of their time used by others")
    results: dict[str, Any] = {"fdatasync_ms": spread(fdatasync_ms()), "spawn_ms": spread(spawn_ms())}
    row("fdatasync of 2 KB", results["fdatasync_ms"], "ms")
    row("start of a process (/bin/true)", results["spawn_ms"], "ms")
    spawn = results["spawn_ms"]["p50"]
    with cluster() as up_times_s:
        results["up_s"] = {"first": up_times_s[0], "again": up_times_s[1]}
        row("naru up, 3 nodes Ready", results["up_s"], "s")
        memory_mb, percents = idle_cost()
        results["idle"] = {"pss_mb": memory_mb, "core_percent": sum(percents.values()), "by_component": percents}
        row("idle cluster, etcd included", {"pss": memory_mb}, "MB")
        shares(percents, "% of a core")
        starts_ms, elapsed_s, used_s = asyncio.run(measure_pods(arguments.pods, arguments.scale))
        results["pod_start_ms"] = spread(starts_ms)
        results["scale_s"] = {"seconds": elapsed_s, "pods": arguments.scale, "cpu_s": used_s}
        row("Pod, POST to Running on a watch", results["pod_start_ms"], "ms", spawn)
        row(f"scale 0 -> {arguments.scale}, all Running", {"seconds": elapsed_s}, "s")
        shares(used_s, "s of processor time")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
