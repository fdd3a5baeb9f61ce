"""The supervisor: starts a cluster's processes and starts them again when they end.

Flow: `naru up` -> *supervisor* -> etcd, the underlay, apiserver, node agents, controllers, scheduler.

It is one thread that waits on pidfds. etcd is started first; while it elects itself, the supervisor imports what the
components share, forking each off as soon as its modules are loaded and its gates are open. It imports no component
statically, makes no thread and opens no connection, so a fork of it is a clean start for anything.

Invariants: a component's process is recorded in the run directory before its ``main`` runs; the supervisor's death
ends no component, and the next supervisor adopts those that live, by pid and start time.
"""

import argparse
import contextlib
import fcntl
import gc
import importlib
import json
import logging
import os
import resource
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Final

from cli.cluster.components import Component, Gate, plan_components
from cli.cluster.config import ClusterConfig, write_atomically
from cli.cluster.launch import launch
from cli.cluster.layout import Layout
from cli.cluster.processes import ProcessRecord
from cli.cluster.slots import Slot, SlotState
from naru.telemetry import logs

logger = logging.getLogger(__name__)

GATE_POLL_S: Final = 0.005  # while something waits for a gate
PKI_READY: Final = "pki-ready"  # `naru up` leaves this file in the run directory once all certificates are written


class Supervisor:
    """Keeps the components of one cluster running."""

    def __init__(self, layout: Layout, components: Sequence[Component]) -> None:
        self._layout = layout
        self._slots = [Slot(component) for component in components]
        self._poller = select.poll()
        self._by_fd: dict[int, Slot] = {}
        self._own: set[int] = set()  # pids that are children of this process, and to be reaped by it
        self._open_gates: set[Gate] = set()
        self._preloaded: set[str] = set()
        self._wakeup, write_end = _signal_pipe()
        self._poller.register(self._wakeup, select.POLLIN)
        self._keep = write_end  # the descriptor that signals are announced on

    def run(self) -> None:
        """Supervise until SIGTERM; the components stay."""
        for slot in self._slots:
            self._adopt(slot)
        self._start_while_importing()
        while self._wait():
            self._start_due()
        logger.info("supervisor stops; the components stay")

    def _start_while_importing(self) -> None:
        """Import every component's modules in turn, starting meanwhile what can start."""
        self._start_due()
        for slot in self._slots:
            for module in slot.component.preload:
                self._preload(module)
                self._wait(timeout_s=0)
                self._start_due()

    def _preload(self, module: str) -> None:
        try:
            importlib.import_module(module)
        except Exception:
            logger.exception("module cannot be loaded", extra={"module_name": module})  # its component will fail too
        self._preloaded.add(module)

    def _adopt(self, slot: Slot) -> None:
        """Take over a process that a supervisor before this one started."""
        record = ProcessRecord.load(self._layout.pids / f"{slot.component.name}.json")
        if record is None or slot.component.once:
            return
        pidfd = record.open()
        if pidfd is not None:
            self._watch(slot, record, pidfd)
            logger.info("component adopted", extra={"target": slot.component.name, "pid": record.pid})

    def _start_due(self) -> None:
        """Start every component whose time has come."""
        self._look_at_gates()
        now = time.monotonic()
        for slot in self._slots:
            if slot.ready(now, self._open_gates) and self._preloaded.issuperset(slot.component.preload):
                self._start(slot)

    def _start(self, slot: Slot) -> None:
        sys.stderr.flush()
        try:
            record = launch(slot.component, self._layout, first=slot.state is SlotState.WAITING)
        except OSError as error:
            logger.error("component could not be started", extra={"target": slot.component.name, "error": error})
            slot.ended(time.monotonic(), None)
        else:
            self._own.add(record.pid)
            self._watch(slot, record, os.pidfd_open(record.pid))
            logger.info("component started", extra={"target": slot.component.name, "pid": record.pid})
        self._save()

    def _watch(self, slot: Slot, record: ProcessRecord, pidfd: int) -> None:
        slot.started(time.monotonic(), record)
        self._by_fd[pidfd] = slot
        self._poller.register(pidfd, select.POLLIN)

    def _wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the next thing to do; False once a signal asks the supervisor to stop."""
        timeout = self._next_timeout_s() if timeout_s is None else timeout_s
        for descriptor, _ in self._poller.poll(None if timeout is None else max(0.0, timeout) * 1000):
            if descriptor == self._wakeup:
                return False
            self._ended(descriptor)
        return True

    def _next_timeout_s(self) -> float | None:
        states = {slot.state for slot in self._slots}
        if SlotState.WAITING in states:
            return GATE_POLL_S
        due = [slot.due_at for slot in self._slots if slot.state is SlotState.BACKOFF]
        return min(due) - time.monotonic() if due else None

    def _ended(self, pidfd: int) -> None:
        slot = self._by_fd.pop(pidfd)
        self._poller.unregister(pidfd)
        os.close(pidfd)
        status = self._reap(slot.record.pid) if slot.record else None
        slot.ended(time.monotonic(), status)
        if slot.state is SlotState.DONE and slot.component.name == "underlay":
            self._open_gates.add(Gate.UNDERLAY)
            logger.info("underlay is there")
        if slot.state is SlotState.BACKOFF:
            logger.warning("component ended", extra={"target": slot.component.name, "how": slot.last_exit})
        self._save()

    def _reap(self, pid: int) -> int | None:
        if pid not in self._own:
            return None
        self._own.discard(pid)
        return os.waitpid(pid, 0)[1]

    def _look_at_gates(self) -> None:
        """Open the gates whose condition holds now; an open gate stays open: a restart need not wait for others."""
        wanted = {gate for slot in self._slots if slot.state is SlotState.WAITING for gate in slot.component.gates}
        if Gate.PKI in wanted and (self._layout.run / PKI_READY).exists():
            self._open_gates.add(Gate.PKI)

    def _save(self) -> None:
        """Tell `naru up` and `naru status` how things stand."""
        report = {
            "pid": os.getpid(),
            "components": {slot.component.name: slot.report() for slot in self._slots},
        }
        write_atomically(self._layout.supervisor_state, json.dumps(report).encode(), 0o644)


def _signal_pipe() -> tuple[int, int]:
    """Make SIGTERM readable from a descriptor, so that no signal is lost between two waits."""
    read_end, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, _noted)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return read_end, write_end


def _noted(signum: int, frame: FrameType | None) -> None:
    """Handle nothing: the byte in the pipe is what counts."""


@contextlib.contextmanager
def only_one(layout: Layout) -> Iterator[bool]:
    """Hold the cluster's supervisor lock; yields False when another supervisor has it.

    A POSIX record lock, since the children do not inherit it: it ends with this process and no other.
    """
    with (layout.run / "supervisor.lock").open("w") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def main(argv: Sequence[str] | None = None) -> int:
    """Supervise the cluster named on the command line, whose configuration and directories exist."""
    parser = argparse.ArgumentParser(prog="naru-supervisor")
    parser.add_argument("--name", required=True)
    layout = Layout.of(parser.parse_args(argv).name)
    logs.configure("supervisor")
    config = ClusterConfig.load(layout.config)
    etcd = shutil.which("etcd")
    if config is None or etcd is None:
        logger.error("no cluster.json or no etcd program", extra={"config": layout.config})
        return 1
    gc.disable()  # it would write to every page that the forks share, and there is next to no garbage
    os.chdir(layout.run)
    with open("/proc/self/comm", "w") as comm:
        comm.write("naru-supervisor")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with only_one(layout) as acquired:
        if acquired:
            ProcessRecord.of("supervisor", os.getpid()).save(layout.pids)
            Supervisor(layout, plan_components(config, layout, etcd)).run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
