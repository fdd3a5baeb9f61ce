"""The namespaces that the containers of a pod share: network, host name, interprocess communication.

A namespace lives while a process is in it or something refers to it. The network namespace is *pinned* by a bind mount
of its /proc entry, so that the network code can enter it by path, and so that a pod needs no process just to hold it.
"""

import fcntl
import os
import socket
import struct
from contextlib import suppress
from pathlib import Path

from nodeagent.runtime import syscalls
from nodeagent.runtime.spec import RuntimeFault, SandboxSpec
from nodeagent.runtime.syscalls import CloneFlag, MountFlag

SIOCSIFFLAGS = 0x8914
IFF_UP = 1
HOST_NAME_MAX = 64
# The beginnings of all that is in the namespaces of a pod: in the others, one pod would change the host.
NAMESPACED_SYSCTLS = (
    ("net",),
    ("fs", "mqueue"),
    *(("kernel", name) for name in ("msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni")),
    ("kernel", "shm_rmid_forced"),
)


class PodNamespaces:
    """The namespaces of a pod, with the calling process, its shim, in them.

    They are made before it is known for which pod, as that takes the kernel a while; so the way back to the host's is
    kept open for a pod that wants those.
    """

    def __init__(self) -> None:
        """Enter new ones."""
        self._home = {
            flag: os.open(f"/proc/self/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
            for flag, name in ((CloneFlag.NEWNET, "net"), (CloneFlag.NEWIPC, "ipc"))
        }
        syscalls.unshare(CloneFlag.NEWNET | CloneFlag.NEWIPC | CloneFlag.NEWUTS)
        raise_loopback()

    def settle(self, spec: SandboxSpec) -> None:
        """Make them those of this pod. Its sysctls can only be set now, and only those of its own namespaces are."""
        for flag, wants_host in ((CloneFlag.NEWNET, spec.host_network), (CloneFlag.NEWIPC, spec.host_ipc)):
            home = self._home.pop(flag)
            if wants_host:
                syscalls.setns(home, flag)
            os.close(home)
        syscalls.sethostname(spec.hostname[:HOST_NAME_MAX])
        for name, value in spec.sysctls.items():
            set_sysctl(name, value)


def raise_loopback() -> None:
    """Bring lo up; the kernel gives it its addresses. Source: netdevice(7)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", IFF_UP))


def set_sysctl(name: str, value: str) -> None:
    """Set a sysctl of the namespaces that the calling process is in; dots or slashes between its parts.

    Raises:
        RuntimeFault: it is the whole host's, or none at all.
    """
    parts = tuple(name.split("/") if "/" in name else name.split("."))
    if {"", ".", ".."} & set(parts) or not any(parts[: len(start)] == start for start in NAMESPACED_SYSCTLS):
        raise RuntimeFault("SysctlForbidden", f"sysctl {name} does not belong to a namespace of the pod")
    path = Path("/proc/sys", *parts)
    try:
        path.write_text(value)
    except OSError as error:
        raise RuntimeFault("SysctlForbidden", f"sysctl {name}={value}: {(error.strerror or '').lower()}") from error


def pin_network(path: Path) -> None:
    """Keep the calling process's network namespace at ``path``."""
    os.close(os.open(path, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o600))
    syscalls.mount("/proc/self/ns/net", path, "", MountFlag.BIND)


def unmount(path: Path) -> None:
    """Detach what is at ``path``, as often as something is; nothing there is no error."""
    with suppress(FileNotFoundError, OSError):
        while True:
            syscalls.umount2(path, syscalls.MNT_DETACH)  # EINVAL: not, or no longer, a mount point
