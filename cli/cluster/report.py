"""How `naru status` and `naru doctor` look."""

import json
from collections.abc import Sequence

from cli.cluster.preflight import Finding
from cli.cluster.status import ClusterStatus, ProcessStatus
from cli.durations import short_duration
from cli.faults import ExitCode
from cli.tables import coloured, plain_table


def print_status(status: ClusterStatus, output: str) -> int:
    """Print a cluster's status; return the exit code that goes with it."""
    code = ExitCode.OK if status.running else ExitCode.UNREACHABLE
    if output == "json":
        print(json.dumps(status.wire(), indent=2))
        return code
    if not status.processes:
        known = "is down" if status.configured else "does not exist"
        print(f"cluster {status.name} {known} (naru up starts it)")
        return code
    api = status.api or "the API server does not answer"
    print(f"cluster {status.name}: {api}, {_mib(status.total_memory_bytes)} of memory\n")
    header = ("COMPONENT", "STATE", "PID", "UPTIME", "RESTARTS", "MEMORY", "LAST EXIT")
    print(plain_table(header, [_row(process) for process in status.processes]))
    if status.nodes:
        rows = [(node.name, _node_state(node.ready), node.message) for node in status.nodes]
        print("\n" + plain_table(("NODE", "STATUS", "MESSAGE"), rows))
    return code


def print_findings(findings: Sequence[Finding]) -> int:
    """Print every check; return 1 when one that matters fails."""
    for finding in findings:
        mark = coloured("ok  ", "green") if finding.ok else coloured("FAIL", "red")
        print(f"{mark}  {finding.check:<11} {finding.message}")
        if not finding.ok:
            print(f"                  -> {finding.remedy}")
    bad = [finding for finding in findings if not finding.ok and finding.fatal]
    return ExitCode.FAILED if bad else ExitCode.OK


def _row(process: ProcessStatus) -> tuple[str, ...]:
    alive = process.pid != 0
    return (
        process.name,
        coloured(process.state, "green" if process.state == "running" else "red"),
        str(process.pid) if alive else "-",
        short_duration(process.uptime_s) if alive else "-",
        str(process.restarts),
        _mib(process.memory_bytes) if alive else "-",
        process.last_exit or "-",
    )


def _node_state(ready: bool) -> str:
    return coloured("Ready", "green") if ready else coloured("NotReady", "red")


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
