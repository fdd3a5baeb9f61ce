"""Capabilities: the pieces that root's power comes in, and the few of them that a container's root gets.

A process holds sets of capability bits. What a container can ever have is its *bounding* set: exec of a set-user-ID
program, too, stays within it. The other sets follow from it: root's permitted and effective sets become the bounding
set at exec, anybody else's become empty. Source: capabilities(7).
"""

from collections.abc import Iterable

from nodeagent.runtime.syscalls import PR_CAP_AMBIENT_CLEAR_ALL, Prctl, capset, prctl

# In the order of their numbers (linux/capability.h).
NAMES = (
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE "
    "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN "
    "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE "
    "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
)
NUMBERS = {f"CAP_{name}": number for number, name in enumerate(NAMES.split())}
ALL = frozenset(NUMBERS)

# What containerd and Docker give by default (the OCI configuration of neither asks for more).
_DEFAULT_NAMES = (
    "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL "
    "AUDIT_WRITE"
)
DEFAULT = frozenset(f"CAP_{name}" for name in _DEFAULT_NAMES.split())


def mask(names: Iterable[str]) -> int:
    """Return the bits of capability names; KeyError names one that does not exist."""
    return sum(1 << NUMBERS[name] for name in frozenset(names))


def held() -> frozenset[str]:
    """Return what this process can pass on: its bounding set, which on some hosts lacks a few."""
    return frozenset(name for name, number in NUMBERS.items() if _in_bounding_set(number))


def _in_bounding_set(number: int) -> bool:
    try:
        return prctl(Prctl.CAPBSET_READ, number) == 1
    except OSError:  # EINVAL: a number that this kernel does not know
        return False


def limit_bounding_set(names: frozenset[str], own: frozenset[str]) -> None:
    """Drop for good what is in ``own`` (see ``held``) and not in ``names``. Needs CAP_SETPCAP."""
    for name in own - names:
        prctl(Prctl.CAPBSET_DROP, NUMBERS[name])


def become(names: frozenset[str]) -> None:
    """Keep only ``names``, and nothing inheritable or ambient; the last use of any capability before exec."""
    prctl(Prctl.CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    bits = mask(names)
    capset(effective=bits, permitted=bits, inheritable=0)
