"""The last steps of a new process, from the runtime's own code to the program that was asked for.

A container's first process and one that joins it later (exec) differ in how they get to their namespaces; from there
on both come through ``become``: terminal or pipes, the cgroup, then one privilege after the other given up, and exec.

Nothing may be imported from here on: the files would be the container's.
"""

import errno
import fcntl
import os
import signal
import socket
import stat
import termios
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from nodeagent.runtime import capabilities, protocol, syscalls
from nodeagent.runtime.cgroups import enter
from nodeagent.runtime.spans import SpanRecorder
from nodeagent.runtime.spec import RuntimeFault
from nodeagent.runtime.syscalls import CloneFlag, Prctl

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NULL_DEVICE = os.makedev(1, 3)
TIOCSPTLCK = 0x40045431  # (un)lock a new pseudo-terminal
TIOCGPTPEER = 0x5441  # open its other side, whatever its path


@dataclass(frozen=True)
class Privileges:
    """Who the program is and what it may do."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    capabilities: frozenset[str]
    own_capabilities: frozenset[str]  # the runtime's bounding set, to be cut down
    seccomp_filter: bytes | None
    no_new_privileges: bool


@dataclass(frozen=True)
class Launch:
    """A program to become, and where to tell how it went."""

    args: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    privileges: Privileges
    entrances: Sequence[int]  # of the cgroup
    report: socket.socket  # closes at exec: whoever listens then knows that it worked
    stdio: tuple[int, int, int] | None = None  # None: a new pseudo-terminal
    oom_score_adj: int | None = None
    new_cgroup_namespace: bool = False
    bind_console: bool = False
    warnings: list[str] = field(default_factory=list)


def become(launch: Launch, recorder: SpanRecorder) -> NoReturn:
    """Turn the calling process, in its namespaces already, into the program.

    Raises:
        RuntimeFault: the program cannot be executed; the message says why in the words of runc.
        OSError: the kernel refused an earlier step.
    """
    with recorder("stdio"):
        connect_stdio(launch)
    with recorder("join"):
        enter(launch.entrances)  # late, so that the memory of the steps before is not the container's
        if launch.new_cgroup_namespace:
            syscalls.unshare(CloneFlag.NEWCGROUP)  # after joining: its root is the cgroup we are in
    with recorder("privileges"):
        if launch.oom_score_adj is not None:
            set_oom_score_adj(launch.oom_score_adj, launch.warnings)
        change_directory(launch.cwd)
        syscalls.join_new_session_keyring()
        give_up_privileges(launch.privileges)
    die_with_parent()  # again: a change of uid has cleared it
    syscalls.close_on_exec_from(3)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    spans = protocol.to_wire(tuple(recorder.spans))
    launch.report.send(protocol.encode({"spans": spans, "warnings": launch.warnings}))
    execute(launch.args, launch.env)


def die_with_parent() -> None:
    """Have the kernel kill this process when the shim, its parent, dies. Source: prctl(2), PR_SET_PDEATHSIG."""
    syscalls.prctl(Prctl.SET_PDEATHSIG, signal.SIGKILL)


def connect_stdio(launch: Launch) -> None:
    """Make descriptors 0, 1 and 2 what the program shall have there, and give them to its user."""
    os.setsid()
    uid, gid = launch.privileges.uid, launch.privileges.gid
    stdio = launch.stdio or _open_terminal(launch)
    for target, fd in enumerate(stdio):
        os.dup2(fd, target)
        found = os.fstat(fd)
        if stat.S_ISFIFO(found.st_mode):
            os.fchown(target, uid, gid)  # so that /dev/stdout can be opened, too
        elif _is_null_device(found):
            _use_own_null_device(target)


def _use_own_null_device(target: int) -> None:
    """Replace the host's /dev/null by the container's: root could change the owner and permissions of that file, too.

    A process of the container may have put something else in its place, and waits for whoever opens it.
    """
    fd = os.open("/dev/null", os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not _is_null_device(os.fstat(fd)):
        raise RuntimeFault("StartError", f"{PREFIX}/dev/null of the container is not the null device")
    os.set_blocking(fd, True)
    os.dup2(fd, target)


def _is_null_device(found: os.stat_result) -> bool:
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == NULL_DEVICE


def _open_terminal(launch: Launch) -> tuple[int, int, int]:
    """Make a pseudo-terminal in the container, our controlling one; send its other end to the shim."""
    control = os.open("/dev/pts/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    fcntl.ioctl(control, TIOCSPTLCK, bytes(4))
    terminal = fcntl.ioctl(control, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY)
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    os.fchown(terminal, launch.privileges.uid, -1)
    if launch.bind_console:
        number = os.ttyname(terminal)
        os.close(os.open("/dev/console", os.O_CREAT | os.O_WRONLY, 0o600))
        syscalls.mount(number, "/dev/console", "", syscalls.MountFlag.BIND)
    socket.send_fds(launch.report, [protocol.encode({}, fd_count=1)], [control])
    os.close(control)
    return terminal, terminal, terminal


def set_oom_score_adj(value: int, warnings: list[str]) -> None:
    """Tell the kernel how gladly to kill this process when memory runs out; less than now needs CAP_SYS_RESOURCE."""
    try:
        Path("/proc/self/oom_score_adj").write_text(str(value))
    except PermissionError as error:
        warnings.append(f"oom_score_adj {value}: {_lower(error)}")


def change_directory(cwd: str) -> None:
    """Go to the working directory, made if the image lacks it."""
    try:
        with suppress(FileExistsError):  # perhaps no directory: chdir says it better
            os.makedirs(cwd)
        os.chdir(cwd)
        os.getcwd()  # fails outside of the root, where a leaked descriptor could have led. Source: CVE-2024-21626
    except OSError as error:
        raise RuntimeFault("StartError", f'{PREFIX}chdir to cwd ("{cwd}"): {_lower(error)}') from error


def give_up_privileges(privileges: Privileges) -> None:
    """Keep only what the program may have. The order matters: each step needs what a later one takes away."""
    if privileges.no_new_privileges:
        syscalls.prctl(Prctl.SET_NO_NEW_PRIVS, 1)
    capabilities.limit_bounding_set(privileges.capabilities, privileges.own_capabilities)  # needs CAP_SETPCAP
    if privileges.seccomp_filter is not None:
        syscalls.set_seccomp_filter(privileges.seccomp_filter)  # needs CAP_SYS_ADMIN; allows what comes after it here
    os.setgroups(privileges.groups)
    os.setresgid(privileges.gid, privileges.gid, privileges.gid)
    os.setresuid(privileges.uid, privileges.uid, privileges.uid)  # anybody but root loses all capabilities here
    if privileges.uid == 0:
        capabilities.become(privileges.capabilities)


PREFIX = "unable to start container process: "


def execute(args: tuple[str, ...], env: dict[str, str]) -> NoReturn:
    """Execute ``args``, the first looked up in PATH when it has no slash.

    Raises:
        RuntimeFault: it cannot be found or executed.
    """
    name = args[0]
    if "/" in name:
        candidates = [name]
    else:
        directories = env.get("PATH", DEFAULT_PATH).split(":")
        candidates = [os.path.join(directory or ".", name) for directory in directories]
    denied: OSError | None = None
    for path in candidates:
        try:
            os.execve(path, args, env)
        except (FileNotFoundError, NotADirectoryError) as error:
            if error.errno == errno.ENOENT and os.path.isfile(path):
                raise RuntimeFault("StartError", f"{PREFIX}exec {path}: its interpreter is missing") from error
        except PermissionError as error:
            denied = error
        except (OSError, ValueError) as error:
            words = _lower(error) if isinstance(error, OSError) else str(error)
            raise RuntimeFault("StartError", f"{PREFIX}exec {path}: {words}") from error
    raise RuntimeFault("StartError", PREFIX + _not_executed(name, denied))


def _not_executed(name: str, denied: OSError | None) -> str:
    if denied is not None and os.path.isdir(name):
        return f'exec: "{name}": is a directory'
    if denied is not None:
        return f'exec: "{name}": permission denied'
    if "/" in name:
        return f'exec: "{name}": stat {name}: no such file or directory'
    return f'exec: "{name}": executable file not found in $PATH'


def _lower(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
