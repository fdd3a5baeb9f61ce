"""The shim: one process per pod, parent of its containers.

It makes the pod's namespaces, starts the containers, keeps their streams and logs, notes their ends on the disk, and
does what the agent asks through a unix socket in the pod's directory. It needs neither the agent nor the zygote to go
on, so both can be killed or upgraded under running containers; if the shim is killed, the kernel kills the containers.
"""

import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NoReturn

from nodeagent.runtime import capabilities, namespaces, protocol, syscalls
from nodeagent.runtime.cgroups import CgroupDriver
from nodeagent.runtime.container import Container
from nodeagent.runtime.execution import Execution
from nodeagent.runtime.pod import Pod
from nodeagent.runtime.poller import Poller
from nodeagent.runtime.protocol import Decoder, Message, from_wire, to_wire
from nodeagent.runtime.records import save_spec
from nodeagent.runtime.spans import SpanRecorder
from nodeagent.runtime.spec import ContainerPhase, ContainerSpec, RuntimeFault, SandboxSpec, SandboxState
from nodeagent.runtime.stdio import close_all
from nodeagent.runtime.syscalls import MountFlag
from nodeagent.runtime.teardown import NETNS_FILE, SHM_DIRECTORY, SOCKET_FILE, release_kernel_state

SHM_OPTIONS = "mode=1777,size=65536k"
OOM_SCORE_ADJ = -998  # as the kubelet wants it for what containers depend on
BACKLOG = 8


def run_shim(zygote: socket.socket, driver: CgroupDriver) -> NoReturn:
    """Be a shim: make namespaces, wait for the zygote to say for which pod, and serve that; never returns."""
    try:
        syscalls.set_process_name("naru-shim")
        os.setsid()
        with suppress(OSError):  # not where the host lacks CAP_SYS_RESOURCE; then we are as good a victim as any
            Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE_ADJ))
        pod_namespaces = namespaces.PodNamespaces()
        request, connection = wait_for_request(zygote)
        shim = Shim(from_wire(SandboxSpec, request["spec"]), driver, pod_namespaces)
        shim.run(connection, request["requested_ns"])
    except BaseException:  # noqa: BLE001 - the last one who can tell
        sys.stderr.write(traceback.format_exc())
        os._exit(1)
    os._exit(0)


def wait_for_request(zygote: socket.socket) -> tuple[Message, socket.socket]:
    """Return what an agent asks for, and the connection to it; end with the zygote."""
    with zygote:
        decoder = Decoder()
        while True:
            data, fds = protocol.receive(zygote)
            if not data:
                os._exit(0)
            for request, passed in decoder.feed(data, fds):
                return request, socket.socket(fileno=passed[0])


class Connection:
    """One agent, or an earlier or later run of it."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.decoder = Decoder()
        self.open = True

    def send(self, message: Message, fds: Sequence[int] = ()) -> None:
        """Send, if the other side takes it: one that does not listen must not hold up the pod, and can come back."""
        line = protocol.encode(message, len(fds))
        try:
            sent = socket.send_fds(self.sock, [line], list(fds)) if fds else self.sock.send(line)
            self.open = sent == len(line)
        except OSError:
            self.open = False
        if not self.open:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)  # shows as its end, where it is taken off the list


class Call:
    """One request to be answered, now or later."""

    def __init__(self, connection: Connection, request_id: int, params: Message, fds: list[int]) -> None:
        self.connection = connection
        self.params = params
        self.fds = fds
        self._id = request_id

    def given_fds(self, count: int) -> list[int]:
        """Return the descriptors that came with the request; they are closed after it."""
        if len(self.fds) < count:
            raise RuntimeFault("TooManyFiles", "the shim of the pod has too many open files")
        return self.fds

    def done(self, result: object = None, fds: Sequence[int] = ()) -> None:
        """Answer."""
        self.connection.send({"id": self._id, "result": result}, fds)

    def failed(self, fault: RuntimeFault) -> None:
        """Answer that it could not be done."""
        self.connection.send({"id": self._id, "error": {"reason": fault.reason, "message": fault.message}})


class Shim:
    """The state of one shim."""

    def __init__(self, spec: SandboxSpec, driver: CgroupDriver, pod_namespaces: namespaces.PodNamespaces) -> None:
        self._namespaces = pod_namespaces
        self._poller = Poller()
        self._pod = Pod(spec, driver, self._poller, capabilities.held())
        self._containers: dict[str, Container] = {}
        self._connections: list[Connection] = []
        self._recorder = SpanRecorder()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._removal: Call | None = None
        self._over = False
        self._methods: dict[str, Callable[[Call], None]] = {
            "start": self._start,
            "signal": self._signal,
            "kill_all": self._kill_all,
            "exec": self._exec,
            "attach": self._attach,
            "reopen_log": self._reopen_log,
            "remove_container": self._remove_container,
            "remove": self._remove,
        }

    def run(self, agent: socket.socket, requested_ns: int) -> None:
        """Set the sandbox up, tell the agent, and serve until the sandbox is removed."""
        began_ns = time.time_ns()
        self._recorder.add("zygote", requested_ns, began_ns)
        connection = Connection(agent)
        try:
            self._set_up()
        except (OSError, RuntimeFault) as error:
            reason = error.reason if isinstance(error, RuntimeFault) else "SandboxError"
            notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
            agent.setblocking(True)
            connection.send({"event": "failed", "reason": reason, "message": f"{error}{notes}"})
            return
        self._admit(connection)
        if not connection.open:  # given up meanwhile: nobody would ever ask for the removal
            release_kernel_state(self._pod.spec, self._pod.driver)
            return
        while not self._over:
            self._poller.run_once()

    def _set_up(self) -> None:
        spec, record = self._pod.spec, self._recorder
        with ExitStack() as undo:
            with record("directories"):
                spec.run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
                undo.callback(release_kernel_state, spec, self._pod.driver)
                save_spec(spec)
            with record("namespaces"):
                self._namespaces.settle(spec)
                if not spec.host_network:
                    namespaces.pin_network(spec.run_dir / NETNS_FILE)
            with record("cgroup"):
                self._pod.driver.create(spec.cgroup, spec.limits)
            with record("shm"):
                if not spec.host_ipc:
                    shm = spec.run_dir / SHM_DIRECTORY
                    shm.mkdir(exist_ok=True)
                    extras = MountFlag.NOSUID | MountFlag.NODEV | MountFlag.NOEXEC
                    syscalls.mount("shm", shm, "tmpfs", extras, SHM_OPTIONS)
            with record("pause"):
                self._pod.ensure_pause()
            self._listen()
            undo.pop_all()

    def _listen(self) -> None:
        """Listen in the pod's directory; by way of a descriptor, as a socket's path may have but 107 bytes."""
        directory = os.open(self._pod.spec.run_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        path = f"/proc/self/fd/{directory}/{SOCKET_FILE}"
        with suppress(FileNotFoundError):
            os.unlink(path)
        self._listener.bind(path)
        os.close(directory)
        self._listener.listen(BACKLOG)
        self._listener.setblocking(False)
        self._poller.add(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        with suppress(OSError):  # it has gone already, or there are too many open files: it comes again
            self._admit(Connection(self._listener.accept()[0]))

    def _admit(self, connection: Connection) -> None:
        """Tell a new connection how everything stands; from then on, it is told what changes."""
        self._connections.append(connection)
        self._poller.add(connection.sock.fileno(), lambda: self._read(connection))
        connection.send({"event": "sandbox", "sandbox": to_wire(self.state)})

    @property
    def state(self) -> SandboxState:
        """How everything stands."""
        spec = self._pod.spec
        netns = None if spec.host_network else spec.run_dir / NETNS_FILE
        states = tuple(container.state for container in self._containers.values())
        return SandboxState(spec, os.getpid(), netns, states, tuple(self._recorder.spans))

    def _read(self, connection: Connection) -> None:
        try:
            data, fds = protocol.receive(connection.sock)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        for message, passed in connection.decoder.feed(data, fds):
            self._handle(Call(connection, message["id"], message["params"], passed), message["method"])
        if not data or not connection.open:
            self._poller.remove(connection.sock.fileno())
            connection.sock.close()
            self._connections.remove(connection)

    def _handle(self, call: Call, method: str) -> None:
        try:
            self._methods[method](call)
        except RuntimeFault as fault:
            call.failed(fault)
        except Exception as error:  # noqa: BLE001 - the pod's containers must outlive any trouble with a request
            notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
            if not isinstance(error, OSError):
                sys.stderr.write(traceback.format_exc())
            call.failed(RuntimeFault("RuntimeError", f"{method}: {error}{notes}"))
        finally:
            close_all(call.fds)

    def _broadcast(self, container: Container) -> None:
        for connection in self._connections:
            connection.send({"event": "container", "container": to_wire(container.state)})

    def _container(self, call: Call) -> Container:
        container_id = call.params["container"]
        if container_id not in self._containers:
            raise RuntimeFault("NotFound", f"no container {container_id} in pod {self._pod.spec.name}")
        return self._containers[container_id]

    def _start(self, call: Call) -> None:
        spec = from_wire(ContainerSpec, call.params["spec"])
        if spec.id in self._containers or self._removal is not None:
            raise RuntimeFault("StartError", f"container {spec.id} exists already, or its pod is being removed")
        container = Container(self._pod, spec, self._exited)

        def started(fault: RuntimeFault | None) -> None:
            if fault is not None:
                del self._containers[spec.id]
                call.failed(fault)
            else:
                self._broadcast(container)
                call.done(to_wire(container.state))
            self._continue_removal()

        container.start(started)
        self._containers[spec.id] = container

    def _exited(self, container: Container) -> None:
        self._broadcast(container)
        self._continue_removal()

    def _signal(self, call: Call) -> None:
        self._container(call).signal(call.params["signal"])
        call.done()

    def _kill_all(self, call: Call) -> None:
        self._kill_running()
        call.done()

    def _kill_running(self) -> None:
        for container in self._containers.values():
            if container.state.phase is not ContainerPhase.EXITED:
                self._pod.driver.stop_forking(container.cgroup)
                with suppress(RuntimeFault):  # not executing yet: it will find itself in a pod being removed
                    container.signal(signal.SIGKILL)

    def _exec(self, call: Call) -> None:
        def started(execution: Execution, fault: RuntimeFault | None) -> None:
            if fault is not None:
                call.failed(fault)
                return
            terminal = execution.terminal
            call.done({"pid": execution.pid}, () if terminal is None else (terminal,))
            if terminal is not None:
                os.close(terminal)

        def ended(execution: Execution, exit_code: int) -> None:
            call.connection.send({"event": "exec", "exec": call.params["exec"], "exit_code": exit_code})

        execution = Execution(self._pod, self._container(call), started, ended)
        stdio = None
        if not call.params["tty"]:
            stdin, stdout, stderr = call.given_fds(3)
            stdio = (stdin, stdout, stderr)
        execution.start(tuple(call.params["args"]), dict(call.params["env"]), stdio)

    def _attach(self, call: Call) -> None:
        container = self._container(call)
        if container.state.phase is not ContainerPhase.RUNNING or container.stdio is None:
            raise RuntimeFault("NotRunning", f"container {container.spec.id} is not running")
        stdout, stderr = (os.dup(fd) for fd in call.given_fds(2))
        given = container.stdio.attach(stdout, stderr, stdin=call.params["stdin"])
        call.done({"tty": container.spec.tty}, given)
        close_all(given)

    def _reopen_log(self, call: Call) -> None:
        container = self._container(call)
        if container.stdio is not None and container.state.phase is ContainerPhase.RUNNING:
            container.stdio.log.reopen()
        call.done()

    def _remove_container(self, call: Call) -> None:
        container = self._container(call)
        if container.state.phase is not ContainerPhase.EXITED:
            raise RuntimeFault("StillRunning", f"container {container.spec.id} is still running")
        container.release()
        del self._containers[container.spec.id]
        call.done()

    def _remove(self, call: Call) -> None:
        self._removal = call
        self._kill_running()
        self._continue_removal()

    def _continue_removal(self) -> None:
        """End the sandbox once its last container has ended."""
        if self._removal is None:
            return
        if any(container.state.phase is not ContainerPhase.EXITED for container in self._containers.values()):
            self._kill_running()  # those that began to run meanwhile
            return
        if self._pod.pause is not None:
            signal.pidfd_send_signal(self._pod.pause.pidfd, signal.SIGKILL)
            self._pod.pause.reap()
            self._pod.pause = None
        call, self._removal = self._removal, None
        try:
            release_kernel_state(self._pod.spec, self._pod.driver)
        except (OSError, TimeoutError) as error:
            call.failed(RuntimeFault("RemoveError", str(error)))
            return
        call.connection.sock.setblocking(True)
        call.done()
        self._over = True
