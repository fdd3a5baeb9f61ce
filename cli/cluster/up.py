"""`naru up`: bring a cluster to the state that its flags describe, from whatever state it is in.

Flow: flags, cluster.json -> ClusterConfig -> preflight -> supervisor (a process of its own) -> certificates and
kubeconfigs, while the supervisor loads -> wait until the API server calls every node Ready.
When the start fails, what this run made is taken away again.
"""

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cli.cluster import host, interpreter, preflight
from cli.cluster.config import ClusterConfig
from cli.cluster.down import take_down
from cli.cluster.layout import Layout
from cli.cluster.lock import exclusive
from cli.cluster.processes import MARK, ProcessRecord
from cli.cluster.progress import Progress
from cli.cluster.state import ApiProbe, ComponentState, NodeState, component_states, is_running, supervisor_of
from cli.cluster.supervisor import PKI_READY
from cli.faults import ExitCode, Fault

POLL_S: Final = 0.03  # each look costs the API server, which is busy starting, some milliseconds
HOPELESS_RESTARTS: Final = 3  # a component that ended so often while starting will not do better
EXCERPT_LINES: Final = 12


@dataclass(frozen=True)
class UpResult:
    """What `naru up` found or made."""

    config: ClusterConfig
    layout: Layout
    was_running: bool
    elapsed_s: float


def up(name: str, flags: dict[str, Any], progress: Progress, timeout_s: float = 60.0) -> UpResult:
    """Start the cluster, or complete one that is running in part.

    Raises:
        Fault: it cannot start, or did not in time; the message says why.
    """
    begin = time.monotonic()
    layout = Layout.of(name)
    stored = ClusterConfig.load(layout.config)
    config = (stored or ClusterConfig(name=name)).changed(flags)
    running = is_running(layout)
    if running and stored is not None and config != stored:
        raise Fault(f"cluster {name} is running with other flags: {difference(stored, config)}", remedy="naru down")
    refuse_findings(config, layout, running=running)
    fresh = not layout.data.exists()
    with exclusive(layout):
        try:
            start(config, layout, progress)
            wait_until_ready(config, layout, progress, begin + timeout_s)
        except BaseException as failure:
            if not running:
                progress.step("taking away what was started")
                undo(failure, config, layout, fresh=fresh)
            raise
    return UpResult(config, layout, running, time.monotonic() - begin)


def undo(failure: BaseException, config: ClusterConfig, layout: Layout, *, fresh: bool) -> None:
    """Take a failed start away again; that this fails too is told beside the failure, not instead of it."""
    try:
        take_down(layout, config, purge=fresh, keep_logs=True)
    except Fault as second:
        if not isinstance(failure, Fault):
            raise
        failure.detail += f"\nnot everything could be taken away: {second.message}\n{second.detail}"
        failure.remedy = failure.remedy or f"naru down --purge --name {config.name}"


def difference(stored: ClusterConfig, wanted: ClusterConfig) -> str:
    """Name the flags that differ: ``--nodes 3, not 5``."""
    names = [name for name in vars(stored) if getattr(stored, name) != getattr(wanted, name)]
    return ", ".join(f"{name} {getattr(stored, name)}, not {getattr(wanted, name)}" for name in names)


def examine(name: str) -> list[preflight.Finding]:
    """Look at the host as `naru doctor` does: all that a start of the cluster would need."""
    layout = Layout.of(name)
    config = ClusterConfig.load(layout.config) or ClusterConfig(name=name)
    return find(config, layout, running=is_running(layout))


def find(config: ClusterConfig, layout: Layout, *, running: bool) -> list[preflight.Finding]:
    """Look at the host and judge it."""
    ports = [("127.0.0.1", config.api_port), (config.gateway, config.api_port)]
    facts = host.gather(ports, layout.data)
    return preflight.plan_findings(facts, config, own_device=layout.bridge, running=running)


def refuse_findings(config: ClusterConfig, layout: Layout, *, running: bool) -> None:
    """Stop before anything is made when the host lacks something.

    Raises:
        Fault: the first finding, with its remedy; ``naru doctor`` shows the rest.
    """
    bad = [finding for finding in find(config, layout, running=running) if not finding.ok and finding.fatal]
    if not bad:
        return
    first, *others = bad
    message = first.message
    if first.check == "ports" and (holder := host.holder_of(config.api_port)):
        message += f" by {holder}"
    more = f" (and {len(others)} more: naru doctor)" if others else ""
    raise Fault(message + more, remedy=first.remedy)


def start(config: ClusterConfig, layout: Layout, progress: Progress) -> None:
    """Make sure that a supervisor runs, and that it has the certificates it waits for."""
    layout.make()
    config.save(layout.config)
    if supervisor_of(layout) is None:
        progress.step("starting etcd and the supervisor")
        spawn_supervisor(config, layout)
    progress.step("making certificates")
    from cli.cluster.kubeconfigs import ensure_kubeconfigs  # after the spawn: the import of cryptography takes a while
    from cli.cluster.pki import ensure_pki

    ensure_pki(layout.pki, config)
    ensure_kubeconfigs(layout, config)
    (layout.run / PKI_READY).touch()


def spawn_supervisor(config: ClusterConfig, layout: Layout) -> ProcessRecord:
    """Start the supervisor in a session of its own, so that no terminal's end or Ctrl-C reaches it."""
    command = interpreter.command("cli.cluster.supervisor", ["--name", config.name])
    log = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(layout.log("supervisor")), log, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    pid = os.posix_spawn(sys.executable, command, environment(layout), file_actions=actions, setsid=True, setsigmask=())
    record = ProcessRecord.of("supervisor", pid)
    record.save(layout.pids)
    return record


def environment(layout: Layout) -> dict[str, str]:
    """Return the environment of the cluster's processes: with the mark that finds them again."""
    environ = interpreter.environment() | {MARK: str(layout.run)}
    environ.pop("KUBECONFIG", None)  # the components have their own
    return environ


def wait_until_ready(config: ClusterConfig, layout: Layout, progress: Progress, deadline: float) -> None:
    """Wait until the API server answers and all nodes are Ready.

    Raises:
        Fault: a component keeps failing, or the time is over.
    """
    with contextlib.closing(ApiProbe(config, layout)) as probe:
        while True:
            nodes = probe.nodes()
            if nodes is not None and all_ready(config, nodes):
                return
            states = component_states(layout)
            refuse_hopeless(layout, states)
            if time.monotonic() > deadline:
                raise too_late(config, layout, states, nodes)
            progress.step(waiting_for(config, nodes))
            time.sleep(POLL_S)


def all_ready(config: ClusterConfig, nodes: Sequence[NodeState]) -> bool:
    """Tell whether each node of this machine is there and Ready."""
    return {node.name for node in nodes if node.ready}.issuperset(config.node_names)


def waiting_for(config: ClusterConfig, nodes: Sequence[NodeState] | None) -> str:
    """Say in words what is missing."""
    if nodes is None:
        return "waiting for the API server"
    ready = sum(node.ready for node in nodes)
    return f"waiting for nodes: {ready} of {config.nodes} Ready"


def refuse_hopeless(layout: Layout, states: Sequence[ComponentState]) -> None:
    """Give up early when a component, or the supervisor itself, cannot run."""
    for state in states:
        if state.state == "backoff" and state.restarts >= HOPELESS_RESTARTS:
            raise Fault(f"{state.name} does not start: {state.last_exit}", detail=excerpt(layout, state.name))
    if supervisor_of(layout) is None:
        raise Fault("the supervisor ended", detail=excerpt(layout, "supervisor"))


def too_late(
    config: ClusterConfig, layout: Layout, states: Sequence[ComponentState], nodes: Sequence[NodeState] | None
) -> Fault:
    """Describe what was still missing at the deadline, with the log that most likely tells why."""
    troubled = [state.name for state in states if state.restarts or state.state not in ("running", "done")]
    if nodes is None:
        suspect, message = "apiserver", "the API server did not answer in time"
    else:
        known = {node.name: node for node in nodes}
        late = [name for name in config.node_names if name not in known or not known[name].ready]
        reasons = [f"{name}: {known[name].message if name in known else 'not registered'}" for name in late]
        suspect, message = late[0], f"nodes did not become Ready in time ({'; '.join(reasons)})"
    if troubled:
        message += f"; in trouble: {', '.join(troubled)}"
    return Fault(message, detail=excerpt(layout, suspect), code=ExitCode.DEADLINE)


def excerpt(layout: Layout, component: str) -> str:
    """Return the last lines of a component's log."""
    path = layout.log(component)
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return "\n".join([f"{path}:", *lines[-EXCERPT_LINES:]])
