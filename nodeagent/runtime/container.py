"""One container, in its shim: from the spec to a running process, and to the record of its end.

States: created (cloned, its program not yet executed) -> running -> exited. A container that cannot be started gets no
state at all: whoever asked is told why, and nothing remains of it.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace

from nodeagent.runtime import capabilities
from nodeagent.runtime.birth import Birth
from nodeagent.runtime.cgroups import DEFAULT_DEVICES
from nodeagent.runtime.children import run_container
from nodeagent.runtime.cri_log import CriLog
from nodeagent.runtime.pod import Pod
from nodeagent.runtime.process import DEFAULT_PATH, PREFIX, Launch, Privileges
from nodeagent.runtime.records import container_directory, save_state
from nodeagent.runtime.rootfs import prepare_root
from nodeagent.runtime.seccomp import compile_default
from nodeagent.runtime.spans import SpanRecorder
from nodeagent.runtime.spec import ContainerPhase, ContainerSpec, ContainerState, RuntimeFault
from nodeagent.runtime.stdio import Stdio
from nodeagent.runtime.syscalls import CloneFlag

Started = Callable[[RuntimeFault | None], None]


class Container:
    """A container that has been asked for; ``on_exit`` is called once, after its end is on the disk."""

    def __init__(self, pod: Pod, spec: ContainerSpec, on_exit: Callable[["Container"], None]) -> None:
        self.spec = spec
        self.state = ContainerState(spec.id, spec.name, spec.attempt, ContainerPhase.CREATED)
        self.cgroup = f"{pod.spec.cgroup}/{spec.id}"
        self.root_directory = pod.spec.roots_dir / spec.id
        self.stdio: Stdio | None = None
        self._pod = pod
        self._on_exit = on_exit
        self._birth: Birth | None = None
        self._recorder = SpanRecorder()
        self._warnings: list[str] = []

    @property
    def privileges(self) -> Privileges:
        """What the container's processes may do."""
        spec, own = self.spec, self._pod.own_capabilities
        wanted = own if spec.privileged else frozenset(spec.capabilities or ()) & own
        if spec.capabilities is None and not spec.privileged:
            wanted = capabilities.DEFAULT & own
        unfiltered = spec.privileged or spec.unconfined_seccomp
        return Privileges(
            uid=spec.uid,
            gid=spec.gid,
            groups=spec.groups,
            capabilities=wanted,
            own_capabilities=own,
            seccomp_filter=None if unfiltered else compile_default(wanted),
            no_new_privileges=spec.no_new_privileges,
        )

    @property
    def env(self) -> dict[str, str]:
        """The environment of the container's processes."""
        defaults = {"PATH": DEFAULT_PATH, "HOME": "/root" if self.spec.uid == 0 else "/"}
        return defaults | ({"TERM": "xterm"} if self.spec.tty else {}) | dict(self.spec.env)

    @property
    def pidfd(self) -> int:
        """The first process, while the container runs.

        Raises:
            RuntimeFault: it does not run.
        """
        if self._birth is None or self.state.phase is not ContainerPhase.RUNNING:
            raise RuntimeFault("NotRunning", f"container {self.spec.id} is not running")
        return self._birth.pidfd

    def start(self, on_started: Started) -> None:
        """Make what the container is made of, and clone its first process; ``on_started`` is called when it executes.

        Raises:
            RuntimeFault, OSError: something could not be had; nothing remains.
        """
        self._check()
        with ExitStack() as undo:
            with self._recorder("directories"):
                container_directory(self._pod.spec.run_dir, self.spec.id).mkdir(parents=True)
                for name in ("upper", "work"):
                    (self.root_directory / name).mkdir(parents=True)
            with self._recorder("cgroup"):
                undo.callback(self._pod.driver.remove, self.cgroup)
                self._pod.driver.create(self.cgroup, self.spec.limits)
                if not self.spec.privileged:
                    self._pod.driver.restrict_devices(self.cgroup, DEFAULT_DEVICES)
            with self._recorder("stdio"):
                self.stdio = self._open_stdio()
                undo.callback(self.stdio.drain_and_close)
            self._birth = self._clone(self.stdio)
            undo.pop_all()
        self._watch(self._birth, on_started)

    def _check(self) -> None:
        """Refuse what cannot be, and note what this host cannot give."""
        if not self.spec.args or not self.spec.layers:
            raise RuntimeFault("StartError", f"container {self.spec.id} has no command or no image layer")
        asked = frozenset(self.spec.capabilities or ())
        if unknown := asked - capabilities.ALL:
            raise RuntimeFault("StartError", f"unknown capability {min(unknown)}")
        self._warnings += [
            f"capability {name}: the host lacks it" for name in sorted(asked - self._pod.own_capabilities)
        ]

    def _open_stdio(self) -> Stdio:
        self.spec.log_path.parent.mkdir(parents=True, exist_ok=True)
        log, spec = CriLog(self.spec.log_path), self.spec
        return Stdio(self._pod.poller, log, tty=spec.tty, stdin=spec.stdin, stdin_once=spec.stdin_once)

    def _clone(self, stdio: Stdio) -> Birth:
        flags = CloneFlag.NEWNS | (CloneFlag.NEWPID if self._pod.private_pids else CloneFlag(0))
        with ExitStack() as opened:
            with self._recorder("volumes"):
                directories = self._pod.driver.directories(self.cgroup)
                root = prepare_root(self.spec, self.root_directory, self._pod.shm, directories, opened)
                entrances = self._pod.driver.open_entrances(self.cgroup)
                for fd in entrances:
                    opened.callback(os.close, fd)
            args, env, privileges = self.spec.args, self.env, self.privileges
            began_ns = time.time_ns()
            birth = self._pod.clone(
                flags,
                lambda report: run_container(
                    Launch(
                        args,
                        env,
                        self.spec.cwd,
                        privileges,
                        entrances,
                        report,
                        stdio.child_fds,
                        oom_score_adj=self.spec.oom_score_adj,
                        new_cgroup_namespace=True,
                        bind_console=True,
                    ),
                    root,
                ),
                into=self._pod.pause.pidfd if self._pod.pause else None,
            )
            self._recorder.add("clone", began_ns, time.time_ns())
            return birth

    def _watch(self, birth: Birth, on_started: Started) -> None:
        assert self.stdio is not None
        self.stdio.close_child_fds()
        self.stdio.start()
        self.state = replace(self.state, pid=birth.pid)
        birth.watch(self._pod.poller, lambda: self._settled(birth, on_started), lambda: self._ended(birth))

    def _settled(self, birth: Birth, on_started: Started) -> None:
        if not birth.executed:
            on_started(self._discard(birth))
            return
        if birth.terminal is not None and self.stdio is not None:
            self.stdio.take_terminal(birth.terminal)
            self.stdio.start()
        self._started(birth)
        on_started(None)

    def _started(self, birth: Birth) -> None:
        now_ns = time.time_ns()
        if birth.spans:
            last = birth.spans[-1]
            executed_ns = (last.start_unix_us + last.duration_us) * 1000
            self._recorder.add("exec", executed_ns, now_ns)
        spans = (*self._recorder.spans[:-1], *birth.spans, self._recorder.spans[-1])
        self.state = replace(
            self.state,
            phase=ContainerPhase.RUNNING,
            started_at_us=now_ns // 1000,
            warnings=(*self._warnings, *birth.warnings),
            spans=spans,
        )
        self._record(durable=False)

    def _discard(self, birth: Birth) -> RuntimeFault:
        """Undo what there is of a container whose program was not executed; return why it was not."""
        _code, signum = birth.reap()
        message = birth.error or f"{PREFIX}the new process was killed by signal {signum} before its program began"
        if signum == signal.SIGKILL and self._pod.driver.oom_kills(self.cgroup):
            message = f"{PREFIX}the memory limit is too low to start it"
        self.release()
        return RuntimeFault("StartError", message)

    def _ended(self, birth: Birth) -> None:
        finished_us = time.time_ns() // 1000
        exit_code, signum = birth.reap()
        if not self._pod.private_pids:  # what it left behind lives on, where no pid namespace ends with it
            self._kill_rest()
        assert self.stdio is not None
        self.stdio.drain_and_close()
        self.state = replace(
            self.state,
            phase=ContainerPhase.EXITED,
            pid=0,
            finished_at_us=finished_us,
            exit_code=exit_code,
            signal=signum,
            oom_killed=self._pod.driver.oom_kills(self.cgroup) > 0,
        )
        self._record(durable=True)
        self._on_exit(self)

    def _record(self, *, durable: bool) -> None:
        """Note the state on the disk; on one that is full, the agent is told all the same, and nothing else ends."""
        try:
            save_state(self._pod.spec.run_dir, self.state, durable)
        except OSError as error:
            sys.stderr.write(f"state of container {self.spec.id} not recorded: {error}\n")

    def _kill_rest(self) -> None:
        try:
            self._pod.driver.kill(self.cgroup)
        except TimeoutError as error:  # removal will try again
            sys.stderr.write(f"container {self.spec.id}: {error}\n")

    def signal(self, signum: int) -> None:
        """Send a signal to the first process; none is there any more: no error."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signum)

    def release(self) -> None:
        """Remove what the container, not running, still has in the kernel; its directory is the agent's to delete."""
        if self.stdio is not None and self.state.phase is ContainerPhase.CREATED:
            self.stdio.drain_and_close()
        self._pod.driver.kill(self.cgroup)
        self._pod.driver.remove(self.cgroup)
