"""The system calls that Python's ``os`` lacks: the one module of the runtime that loads libc.

Everything a container is made of passes through here: namespaces (clone3, unshare, setns), mounts (mount, open_tree,
move_mount, mount_setattr, pivot_root), privileges (prctl, capset) and keyrings. Each function raises the OSError that
the kernel's errno stands for; a note says what was asked.
"""

import ctypes
import os
import struct
from enum import IntEnum, IntFlag
from pathlib import Path


class CloneFlag(IntFlag):
    """Namespaces to make or to join, and how a child is made (clone(2), linux/sched.h)."""

    NEWNS = 0x00020000
    NEWCGROUP = 0x02000000
    NEWUTS = 0x04000000
    NEWIPC = 0x08000000
    NEWUSER = 0x10000000
    NEWPID = 0x20000000
    NEWNET = 0x40000000
    PIDFD = 0x00001000


class MountFlag(IntFlag):
    """Flags of mount(2)."""

    NONE = 0
    RDONLY = 1
    NOSUID = 2
    NODEV = 4
    NOEXEC = 8
    BIND = 4096
    REC = 16384
    PRIVATE = 1 << 18
    STRICTATIME = 1 << 24


class MountAttr(IntFlag):
    """Attributes of mount_setattr(2)."""

    NONE = 0
    RDONLY = 0x1
    NOSUID = 0x2
    NODEV = 0x4
    NOEXEC = 0x8


class Propagation(IntEnum):
    """What mounts made below a mount do to its peers (mount_namespaces(7))."""

    UNCHANGED = 0
    PRIVATE = 1 << 18
    SLAVE = 1 << 19
    SHARED = 1 << 20


class Prctl(IntEnum):
    """Operations of prctl(2)."""

    SET_PDEATHSIG = 1
    SET_DUMPABLE = 4
    SET_NAME = 15
    SET_SECCOMP = 22
    CAPBSET_READ = 23
    CAPBSET_DROP = 24
    SET_CHILD_SUBREAPER = 36
    SET_NO_NEW_PRIVS = 38
    CAP_AMBIENT = 47


MNT_DETACH = 2
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000
AT_FDCWD = -100
OPEN_TREE_CLONE = 1
OPEN_TREE_CLOEXEC = os.O_CLOEXEC
MOVE_MOUNT_F_EMPTY_PATH = 0x04
MOVE_MOUNT_T_SYMLINKS = 0x10
CLOSE_RANGE_CLOEXEC = 4
KEYCTL_JOIN_SESSION_KEYRING = 1
SECCOMP_MODE_FILTER = 2
PR_CAP_AMBIENT_CLEAR_ALL = 4
CAPABILITY_VERSION_3 = 0x20080522
CLONE_ARGS_SIZE_VER0 = 64  # through the field `tls`: all that a plain clone needs

# Calls made by number. Those from 424 on have the same number on every architecture.
SYS_OPEN_TREE = 428
SYS_MOVE_MOUNT = 429
SYS_CLONE3 = 435
SYS_CLOSE_RANGE = 436
SYS_MOUNT_SETATTR = 442
SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
SYS_KEYCTL = {"x86_64": 250, "aarch64": 219}[os.uname().machine]
SYS_RT_SIGACTION = {"x86_64": 13, "aarch64": 134}[os.uname().machine]
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}[os.uname().machine]

# PyDLL keeps the interpreter lock during a call. clone3 needs that: its child must own the lock it returns with.
_libc = ctypes.PyDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long


class _CloneArgs(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_uint64)
        for name in ("flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack", "stack_size", "tls")
    ]


class _MountAttrs(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")]


class _CapHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapData(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


class _FilterProgram(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def _error(what: str, path: str | None = None) -> OSError:
    code = ctypes.get_errno()  # set because _libc was loaded with use_errno=True
    error = OSError(code, os.strerror(code), path)
    error.add_note(what)
    return error


def clone3(flags: CloneFlag, exit_signal: int) -> tuple[int, int]:
    """Make a child that goes on from here with a copy of this process, as fork does, in new namespaces.

    Only for a process with one thread. Python's fork hooks do not run; a child that soon executes a program, or ends
    by ``os._exit``, does without them.

    Returns:
        (0, -1) in the child; in the parent its pid and a pidfd (closed on exec).

    Raises:
        OSError: EPERM without CAP_SYS_ADMIN, ENOSPC when a namespace limit is reached, ENOMEM and EAGAIN.

    Source: clone(2).
    """
    pidfd = ctypes.c_int(-1)
    args = _CloneArgs(flags=flags | CloneFlag.PIDFD, pidfd=ctypes.addressof(pidfd), exit_signal=exit_signal)
    pid = int(_syscall(SYS_CLONE3, ctypes.byref(args), ctypes.c_size_t(CLONE_ARGS_SIZE_VER0)))
    if pid < 0:
        raise _error(f"clone3(2) flags={flags!r}")
    return (0, -1) if pid == 0 else (pid, pidfd.value)


def unshare(flags: CloneFlag) -> None:
    """Move the calling thread into new namespaces.

    Source: unshare(2).
    """
    if _libc.unshare(int(flags)) != 0:
        raise _error(f"unshare(2) flags={flags!r}")


def setns(fd: int, flags: CloneFlag) -> None:
    """Move the calling thread into a namespace (``fd`` of /proc/PID/ns/x) or into several (a pidfd).

    A pid namespace takes only the children made from then on. Source: setns(2); pidfds since Linux 5.8.
    """
    if _libc.setns(fd, int(flags)) != 0:
        raise _error(f"setns(2) flags={flags!r}")


def mount(source: str, target: str | Path, fstype: str, flags: MountFlag = MountFlag.NONE, data: str = "") -> None:
    """Attach ``source`` at ``target`` in the calling thread's mount namespace.

    Args:
        data: comma-separated options of the file system, shorter than one memory page.

    Raises:
        PermissionError: no CAP_SYS_ADMIN over the mount namespace (EPERM).
        OSError: any other errno; ``filename`` is the target.

    Source: mount(2); for ``data`` of an overlay, the kernel's overlayfs document.
    """
    arguments = (os.fsencode(source), os.fsencode(target), fstype.encode(), ctypes.c_ulong(flags), os.fsencode(data))
    if _libc.mount(*arguments) != 0:
        raise _error(f"mount(2) source={source} fstype={fstype} flags={flags!r} data={data!r}", os.fspath(target))


def umount2(target: str | Path, flags: int = 0) -> None:
    """Detach what is mounted at ``target``. Source: umount(2)."""
    if _libc.umount2(os.fsencode(target), flags) != 0:
        raise _error(f"umount2(2) flags={flags}", os.fspath(target))


def open_tree(path: str | Path, recursive: bool = False) -> int:
    """Return a descriptor of a detached copy of the mount at ``path``: a bind mount that is nowhere yet.

    Source: open_tree(2), Linux 5.2.
    """
    flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (AT_RECURSIVE if recursive else 0)
    fd = int(_syscall(SYS_OPEN_TREE, AT_FDCWD, os.fsencode(path), flags))
    if fd < 0:
        raise _error(f"open_tree(2) recursive={recursive}", os.fspath(path))
    return fd


def move_mount(fd: int, target: str | Path) -> None:
    """Attach the detached mount ``fd`` at ``target``.

    Source: move_mount(2), Linux 5.2.
    """
    flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS
    if _syscall(SYS_MOVE_MOUNT, fd, b"", AT_FDCWD, os.fsencode(target), flags) != 0:
        raise _error("move_mount(2)", os.fspath(target))


def mount_setattr(
    where: int | str,
    attributes: MountAttr,
    propagation: Propagation = Propagation.UNCHANGED,
    recursive: bool = False,
) -> None:
    """Add attributes to a mount, given as a path or as the descriptor of a detached one.

    Source: mount_setattr(2), Linux 5.12.
    """
    wanted = _MountAttrs(attr_set=attributes, propagation=propagation)
    fd, path = (where, b"") if isinstance(where, int) else (AT_FDCWD, os.fsencode(where))
    flags = (AT_EMPTY_PATH if isinstance(where, int) else 0) | (AT_RECURSIVE if recursive else 0)
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    if _syscall(SYS_MOUNT_SETATTR, fd, path, flags, ctypes.byref(wanted), size) != 0:
        raise _error(f"mount_setattr(2) attributes={attributes!r} propagation={propagation!r}", os.fsdecode(path))


def pivot_root(new_root: str, put_old: str) -> None:
    """Make ``new_root`` the root of this mount namespace and the old one visible at ``put_old``.

    Source: pivot_root(2), whose NOTES show that both may be ".".
    """
    if _syscall(SYS_PIVOT_ROOT, os.fsencode(new_root), os.fsencode(put_old)) != 0:
        raise _error("pivot_root(2)", new_root)


def sethostname(name: str) -> None:
    """Name the host of this UTS namespace; at most 64 bytes.

    Source: sethostname(2).
    """
    encoded = name.encode()
    if _libc.sethostname(encoded, ctypes.c_size_t(len(encoded))) != 0:
        raise _error(f"sethostname(2) name={name!r}")


def prctl(operation: Prctl, argument: int = 0, argument2: int = 0) -> int:
    """Change or read something of the calling thread or process.

    Source: prctl(2).
    """
    zero = ctypes.c_ulong(0)
    result = int(_libc.prctl(int(operation), ctypes.c_ulong(argument), ctypes.c_ulong(argument2), zero, zero))
    if result < 0:
        raise _error(f"prctl(2) operation={operation!r} argument={argument}")
    return result


def default_signal_action(signum: int) -> None:
    """Let a signal do what it does by default, also one that the C library keeps for itself.

    Source: sigaction(2), "C library/kernel differences"; a structure of zeros is SIG_DFL.
    """
    if _syscall(SYS_RT_SIGACTION, signum, ctypes.create_string_buffer(32), None, ctypes.c_size_t(8)) != 0:
        raise _error(f"rt_sigaction(2) signum={signum}")


def set_process_name(name: str) -> None:
    """Set what ps(1) shows as the command, cut to 15 bytes. Source: prctl(2), PR_SET_NAME."""
    text = ctypes.create_string_buffer(name.encode())
    prctl(Prctl.SET_NAME, ctypes.addressof(text))


def set_seccomp_filter(program: bytes) -> None:
    """Put a filter of classic BPF instructions (8 bytes each) before every system call from now on.

    Raises:
        PermissionError: neither CAP_SYS_ADMIN nor no_new_privs (EACCES).

    Source: seccomp(2).
    """
    filter_program = _FilterProgram(len(program) // 8, program)
    prctl(Prctl.SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(filter_program))


def capset(effective: int, permitted: int, inheritable: int) -> None:
    """Set the capability sets of the calling thread, each a mask of bits.

    Source: capset(2), capabilities(7).
    """
    header = _CapHeader(CAPABILITY_VERSION_3, 0)
    words = [[bits >> shift & 0xFFFFFFFF for bits in (effective, permitted, inheritable)] for shift in (0, 32)]
    data = (_CapData * 2)(*(_CapData(*word) for word in words))
    if _libc.capset(ctypes.byref(header), data) != 0:
        raise _error(f"capset(2) effective={effective:#x} permitted={permitted:#x} inheritable={inheritable:#x}")


def close_on_exec_from(first: int) -> None:
    """Mark every descriptor from ``first`` on to be closed by the next exec. Source: close_range(2), Linux 5.11."""
    if _syscall(SYS_CLOSE_RANGE, ctypes.c_uint(first), ctypes.c_uint(0xFFFFFFFF), CLOSE_RANGE_CLOEXEC) != 0:
        raise _error(f"close_range(2) first={first}")


def join_new_session_keyring() -> None:
    """Leave the session keyring of the parent for a new, empty one. Source: keyctl(2), session-keyring(7)."""
    if _syscall(SYS_KEYCTL, KEYCTL_JOIN_SESSION_KEYRING, None) < 0:
        raise _error("keyctl(2) KEYCTL_JOIN_SESSION_KEYRING")


def load_bpf_program(kind: int, instructions: bytes) -> int:
    """Have the kernel check a program of extended BPF (8 bytes an instruction); return its descriptor.

    Source: bpf(2), BPF_PROG_LOAD.
    """
    code, licence = ctypes.create_string_buffer(instructions), ctypes.create_string_buffer(b"Apache-2.0")
    addresses = (ctypes.addressof(code), ctypes.addressof(licence))
    return _bpf(5, struct.pack("=IIQQIIQII", kind, len(instructions) // 8, *addresses, 0, 0, 0, 0, 0))


def attach_bpf_program(program: int, target: int, attach_type: int, flags: int) -> None:
    """Attach a loaded program to what ``target`` is open on, such as a cgroup's directory.

    Source: bpf(2), BPF_PROG_ATTACH.
    """
    _bpf(8, struct.pack("=IIII", target, program, attach_type, flags))


def _bpf(command: int, attributes: bytes) -> int:
    buffer = ctypes.create_string_buffer(attributes)
    result = int(_syscall(SYS_BPF, command, buffer, len(attributes)))
    if result < 0:
        raise _error(f"bpf(2) command={command}")
    return result
