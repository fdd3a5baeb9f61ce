"""A process that joins a running container: exec, as kubectl exec and exec probes want it."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from nodeagent.runtime.birth import Birth
from nodeagent.runtime.children import run_exec
from nodeagent.runtime.container import Container
from nodeagent.runtime.pod import Pod
from nodeagent.runtime.process import Launch
from nodeagent.runtime.spec import RuntimeFault
from nodeagent.runtime.syscalls import CloneFlag


class Execution:
    """One such process. Its streams are the caller's own descriptors, so no byte of them passes through the shim."""

    def __init__(
        self,
        pod: Pod,
        container: Container,
        on_started: Callable[["Execution", RuntimeFault | None], None],
        on_exit: Callable[["Execution", int], None],
    ) -> None:
        self._pod = pod
        self._container = container
        self._on_started = on_started
        self._on_exit = on_exit
        self._birth: Birth | None = None

    @property
    def pid(self) -> int:
        """The process, in the shim's pid namespace."""
        return self._birth.pid if self._birth else 0

    @property
    def terminal(self) -> int | None:
        """The other end of the terminal that the process has made, for the caller."""
        return self._birth.terminal if self._birth else None

    def start(self, args: tuple[str, ...], env: dict[str, str], stdio: tuple[int, int, int] | None) -> None:
        """Clone the process; ``stdio``: None for a terminal."""
        container = self._container
        target = container.pidfd
        with ExitStack() as opened:
            entrances = self._pod.driver.open_entrances(container.cgroup)
            for fd in entrances:
                opened.callback(os.close, fd)
            env = container.env | ({"TERM": "xterm"} if stdio is None else {}) | env
            cwd, privileges = container.spec.cwd, replace(container.privileges)
            self._birth = self._pod.clone(
                CloneFlag(0),
                lambda report: run_exec(
                    Launch(
                        args,
                        env,
                        cwd,
                        privileges,
                        entrances,
                        report,
                        stdio,
                        oom_score_adj=container.spec.oom_score_adj,
                    ),
                    target,
                ),
                into=target,
            )
        birth = self._birth
        birth.watch(self._pod.poller, lambda: self._settled(birth), lambda: self._on_exit(self, birth.reap()[0]))

    def _settled(self, birth: Birth) -> None:
        if birth.executed:
            self._on_started(self, None)
            return
        birth.reap()
        self._on_started(self, RuntimeFault("ExecError", birth.error or "the process died before its program began"))
