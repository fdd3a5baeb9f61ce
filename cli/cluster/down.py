"""`naru down`: take a cluster away, whole or half, until nothing of it is left in the kernel.

Order: the supervisor (it would start things again), the node agents and control plane (they would, too), the pods,
which are asked to end and given a moment for it, whatever else bears the cluster's mark, etcd last, so that every write
it acknowledged is on disk. Then mounts, cgroups, links, namespaces, routes and tables.
Every step looks at what is there now, so it may be repeated, and works on a cluster that was killed half-way.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Final

from cli.cluster import interpreter, processes
from cli.cluster.components import UNDERLAY_TOOL, underlay_args
from cli.cluster.config import ClusterConfig
from cli.cluster.layout import Layout
from cli.cluster.lock import exclusive
from cli.cluster.processes import ProcessRecord, records
from cli.cluster.progress import Progress
from cli.faults import Fault

STOP_TIMEOUT_S: Final = 5.0
CLEANUP_TOOL: Final = "nodeagent.cleanup"
_LAST: Final = "etcd"
_HELPER_TIMEOUT_S: Final = 60.0


def down(name: str, progress: Progress, *, purge: bool, grace_s: float = 0.0) -> str:
    """Stop a cluster and remove what it made; return what to say about it.

    Args:
        grace_s: how long containers that handle SIGTERM may take to end before they are killed.
    """
    layout = Layout.of(name)
    config = ClusterConfig.load(layout.config) or ClusterConfig(name=name)
    if os.geteuid() != 0:
        raise Fault("stopping a cluster needs root", remedy="sudo naru down")
    known = layout.data.exists() or layout.run.exists()
    with exclusive(layout):
        progress.step("stopping the cluster" if known else "looking for leftovers")
        take_down(layout, config, purge=purge, grace_s=grace_s)
    if not known:
        return f"there was no cluster {name}"
    return f"cluster {name} is down" + (", its data removed" if purge else f", its data kept in {layout.data}")


def take_down(
    layout: Layout, config: ClusterConfig, *, purge: bool, keep_logs: bool = False, grace_s: float = 0.0
) -> None:
    """Stop every process of the cluster and remove what it made.

    Args:
        purge: remove the data too.
        keep_logs: even then leave the logs, which say why a start failed.
        grace_s: see :func:`down`.
    """
    found = {record.name: record for record in records(layout.pids)}
    _stop([found[name] for name in ("supervisor",) if name in found])
    _stop([record for name, record in found.items() if name not in ("supervisor", _LAST)])
    if grace_s > 0:
        asking = ("--cgroup-root", layout.cgroup_root, "--terminate", f"{grace_s:g}")
        run_helper(CLEANUP_TOOL, asking, _HELPER_TIMEOUT_S + grace_s)
    clean_nodes(layout)
    _stop([found[_LAST]] if _LAST in found else [])
    processes.kill(processes.marked(layout.run), STOP_TIMEOUT_S)
    run_helper(UNDERLAY_TOOL, underlay_args(config, layout, "down"))
    shutil.rmtree(layout.run)
    if purge:
        remove_data(layout, keep_logs=keep_logs)


def clean_nodes(layout: Layout) -> None:
    """Kill what the pods run, and remove their mounts and cgroups."""
    others = [pid for pid in processes.marked(layout.run) if pid != _pid_of(layout, _LAST)]
    processes.kill(others, STOP_TIMEOUT_S)  # shims take their containers with them
    below = ("--below", f"{layout.run}", "--below", f"{layout.data}")
    run_helper(CLEANUP_TOOL, ("--cgroup-root", layout.cgroup_root, *below))


def remove_data(layout: Layout, *, keep_logs: bool) -> None:
    """Remove the cluster's data directory."""
    for path in layout.data.iterdir() if layout.data.exists() else ():
        if keep_logs and path.name == "logs":
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    if layout.data.exists() and not keep_logs:
        layout.data.rmdir()


def run_helper(module: str, args: Sequence[str], timeout_s: float = _HELPER_TIMEOUT_S) -> None:
    """Run a node agent's tool in a process of its own: it calls the kernel in ways that this package does not.

    Raises:
        Fault: it failed; the detail is what it wrote.
    """
    command, environ = interpreter.command(module, args), interpreter.environment()
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=timeout_s, check=False)
    if done.returncode != 0:
        detail = "\n".join(done.stderr.splitlines()[-12:])
        raise Fault(f"{module} {args[0]} failed with exit code {done.returncode}", detail=detail)


def _stop(targets: Sequence[ProcessRecord]) -> None:
    processes.stop(targets, STOP_TIMEOUT_S)


def _pid_of(layout: Layout, component: str) -> int:
    record = ProcessRecord.load(layout.pids / f"{component}.json")
    return record.pid if record is not None and record.alive else 0
