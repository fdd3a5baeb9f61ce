"""The table: what was measured, beside a real kube-apiserver's figures, with the ratio and whether the aim is met.

The reference is kube-apiserver v1.36 with etcd 3.6 on a virtual machine of this kind (2 processors), with TLS and a Pod
of the same size. It ran at another hour, so a ratio is right to a few ten percent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Row:
    """One line: where its figure is, what it is compared with, and what it should be."""

    label: str
    stage: str  # of the results
    figure: str  # in that stage
    reference: float | None = None
    aim: float | None = None
    more: tuple[str, ...] = ()  # further figures of the stage, shown behind

    @property
    def more_is_better(self) -> bool:
        """Tell rates from times and sizes."""
        return self.figure == "per_s"


_EACH: Final = ("p50_ms", "p99_ms", "server_cpu_ms", "etcd_cpu_ms")
_LIST: Final = ("p99_ms", "server_cpu_ms")

ROWS: Final = (
    Row("fdatasync of 2 KB, ms", "fdatasync", "p50_ms", more=("p99_ms",)),
    Row("etcd alone, puts of 2 KB a second, 64 in flight", "etcd_puts", "per_s", more=("client_cpu_ms",)),
    Row("loopback, TLS, 2 KB answers a second, 16 connections", "echo_16", "per_s", more=("p50_ms", "client_cpu_ms")),
    Row("start to ready, s", "start", "p50_s", 2.7, 0.5, ("min_s",)),
    Row("create a 2 KB Pod, 1 connection, a second", "create_1", "per_s", 411, 822, _EACH),
    Row("create, 16 connections", "create_16", "per_s", 728, 1456, _EACH),
    Row("create, 64 connections", "create_64", "per_s", 889, 1778, _EACH),
    Row("GET one, 16 connections", "get_16", "per_s", 1170, 9400, _EACH),
    Row("merge patch, 16 connections", "patch_16", "per_s", 480, 960, _EACH),
    Row("LIST 1,000 Pods, ms", "list_1000", "p50_ms", 50, None, _LIST),
    Row("LIST 5,000 Pods, ms", "list_5000", "p50_ms", 270, 27, _LIST),
    Row("LIST 5,000 Pods of a namespace, ms", "list_5000_namespace", "p50_ms", 270, 27, _LIST),
    Row("LIST 5,000 Pods while one changes each 10 ms, ms", "list_5000_changing", "p50_ms", 270, 27, _LIST),
    Row("a change to 500 watchers, the last one, p50 ms", "fan_out", "p50_ms", 29, 15, ("server_cpu_ms",)),
    Row("the same, p99 ms", "fan_out", "p99_ms", 46, 23),
    Row("resident after 5,000 Pods (RSS), MB", "memory_5000", "rss", 1000, 250, ("pss",)),
    Row("GET while 5,000 Pods are listed, p50 ms", "get_beside_lists", "p50_ms", more=("p99_ms", "max_ms")),
    Row("longest step of the event loop, processor ms", "stalls", "cpu_ms", None, 10, ("wall_ms", "over_10_ms")),
)


def print_table(results: Mapping[str, Any]) -> None:
    """Print all that was measured."""
    width = max(len(row.label) for row in ROWS)
    print(f"{'':{width}} {'naru':>10} {'reference':>10} {'better by':>10} {'aim':>8}")
    for row in ROWS:
        if row.stage in results:
            print(line(row, results[row.stage], width))
    if "get_beside_lists" in results:
        counts = results["get_beside_lists"]["histogram"]
        shown = ", ".join(f"up to {bound} ms: {number}" for bound, number in counts.items())
        print(f"\nGETs while 5,000 Pods are listed, by latency: {shown}")


def line(row: Row, figures: Mapping[str, Any], width: int) -> str:
    """Write one line of the table."""
    value = figures[row.figure]
    ratio = aim = ""
    if row.reference is not None:
        ratio = f"{value / row.reference if row.more_is_better else row.reference / value:.1f}x"
    if row.aim is not None:
        met = value >= row.aim if row.more_is_better else value <= row.aim
        aim = f"{row.aim:g} {'yes' if met else 'no'}"
    reference = f"{row.reference:g}" if row.reference is not None else ""
    more = ", ".join(f"{name} {figures[name]:.2f}" for name in row.more)
    return f"{row.label:{width}} {value:>10.2f} {reference:>10} {ratio:>10} {aim:>8}  {more}".rstrip()
