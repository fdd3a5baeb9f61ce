"""`naru status`: what runs, since when, how often it had to be started again, how much memory it takes.

Flow: run directory, /proc, API server -> *ClusterStatus* -> a table, or JSON.
"""

import contextlib
from dataclasses import dataclass
from typing import Any

from cli.cluster.config import ClusterConfig
from cli.cluster.layout import Layout
from cli.cluster.processes import ProcessRecord, marked, pss_bytes, records
from cli.cluster.state import ApiProbe, ComponentState, NodeState, component_states


@dataclass(frozen=True)
class ProcessStatus:
    """One line of the table."""

    name: str
    state: str
    pid: int
    uptime_s: float
    restarts: int
    memory_bytes: int
    last_exit: str


@dataclass(frozen=True)
class ClusterStatus:
    """A cluster at a glance."""

    name: str
    configured: bool
    processes: tuple[ProcessStatus, ...]
    nodes: tuple[NodeState, ...]
    api: str  # the URL; empty while it does not answer
    total_memory_bytes: int  # of everything that bears the cluster's mark, the pods' own processes left out

    @property
    def running(self) -> bool:
        """Whether the cluster can be used: all its components run."""
        return bool(self.processes) and all(process.state == "running" for process in self.processes)

    def wire(self) -> dict[str, Any]:
        """Return the status as `naru status -o json` prints it."""
        return {
            "name": self.name,
            "running": self.running,
            "api": self.api,
            "memoryBytes": self.total_memory_bytes,
            "components": [vars(process) for process in self.processes],
            "nodes": [vars(node) for node in self.nodes],
        }


def look(name: str) -> ClusterStatus:
    """Gather the status of a cluster."""
    layout = Layout.of(name)
    config = ClusterConfig.load(layout.config)
    found = {record.name: record for record in records(layout.pids)}
    states = {state.name: state for state in component_states(layout) if state.state != "done"}
    names = [name for name in dict.fromkeys(["supervisor", *states, *found]) if name in found or name in states]
    lines = tuple(_line(name, found.get(name), states.get(name)) for name in names if name != "underlay")
    nodes = _nodes(config, layout) if config is not None and lines else None
    api = f"https://127.0.0.1:{config.api_port}" if config is not None and nodes is not None else ""
    memory = sum(pss_bytes(pid) for pid in marked(layout.run))
    return ClusterStatus(name, config is not None, lines, tuple(nodes or ()), api, memory)


def _line(name: str, record: ProcessRecord | None, state: ComponentState | None) -> ProcessStatus:
    restarts, last_exit = (state.restarts, state.last_exit) if state else (0, "")
    if record is None or not record.alive:
        # a supervisor that died cannot tell; what it wrote last is only believed where it agrees with /proc
        told = state.state if state is not None and state.state != "running" else "dead"
        return ProcessStatus(name, told, 0, 0.0, restarts, 0, last_exit)
    return ProcessStatus(name, "running", record.pid, record.uptime_s, restarts, pss_bytes(record.pid), last_exit)


def _nodes(config: ClusterConfig, layout: Layout) -> list[NodeState] | None:
    try:
        with contextlib.closing(ApiProbe(config, layout)) as probe:
            return probe.nodes()
    except OSError:
        return None  # no certificates yet
