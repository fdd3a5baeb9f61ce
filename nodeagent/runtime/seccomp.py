"""The system call filter of containers: what the default profile allows, compiled to classic BPF.

The kernel runs the filter before each system call on a small record (number, architecture, six arguments) and obeys
its verdict. A profile maps every number to a verdict, and neighbours mostly share theirs, so the program is a binary
search over ranges of numbers: about seven comparisons a call, where a list of 360 would take hundreds.

The profile is that of containerd and Docker: everything is allowed but what reaches past the container (mounting,
kernel modules, clocks, keyrings, ...), and a capability that the container was given unlocks what is its own anyway.
Source: seccomp(2); containerd's contrib/seccomp, moby's profiles/seccomp.
"""

import errno
import os
import struct
from functools import lru_cache

from nodeagent.runtime.syscall_numbers import FIRST_COMMON, LAST_KNOWN, syscall_numbers

# Never allowed by the profile, whatever the capabilities: old, unused, or with no place in a container.
_REFUSED = (
    "_sysctl add_key afs_syscall create_module get_kernel_syms getpmsg io_uring_enter io_uring_register io_uring_setup "
    "kexec_file_load kexec_load keyctl migrate_pages move_pages nfsservctl pivot_root putpmsg query_module request_key "
    "security swapoff swapon sysfs tuxcall uselib userfaultfd ustat vserver"
)

_UNLOCKED_BY = {
    "CAP_BPF": "bpf",
    "CAP_DAC_READ_SEARCH": "open_by_handle_at",
    "CAP_PERFMON": "perf_event_open",
    "CAP_SYSLOG": "syslog",
    "CAP_SYS_ADMIN": (
        "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount "
        "open_tree open_tree_attr perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount2 "
        "unshare"
    ),
    "CAP_SYS_BOOT": "reboot",
    "CAP_SYS_CHROOT": "chroot",
    "CAP_SYS_MODULE": "delete_module init_module finit_module",
    "CAP_SYS_NICE": "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
    "CAP_SYS_PACCT": "acct",
    "CAP_SYS_PTRACE": "kcmp pidfd_getfd process_madvise",
    "CAP_SYS_RAWIO": "iopl ioperm",
    "CAP_SYS_TIME": "settimeofday clock_settime",
    "CAP_SYS_TTY_CONFIG": "vhangup",
}

NAMESPACE_FLAGS = 0x7E020000  # every CLONE_NEW*
HARMLESS_PERSONALITIES = (0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)  # Linux, 16-bit uids, their union, "tell me"
AF_ALG, AF_VSOCK = 38, 40  # reach the kernel's ciphers, and the hypervisor

# The record that a filter sees (struct seccomp_data); arguments are 64 bits, little-endian here.
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _FIRST_ARGUMENT_HIGH = 0, 4, 16, 20
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000  # numbers of x86_64's other, 32-bit ABI

_RET_ALLOW = 0x7FFF0000
_RET_ERRNO = 0x00050000

# Instructions of classic BPF: (operation, jump if true, jump if false, constant).
Instruction = tuple[int, int, int, int]
_LOAD, _JUMP, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x05, 0x15, 0x35, 0x45, 0x06


def _verdict(value: int) -> list[Instruction]:
    return [(_RETURN, 0, 0, value)]


ALLOW = _verdict(_RET_ALLOW)
DENY = _verdict(_RET_ERRNO | errno.EPERM)
UNKNOWN = _verdict(_RET_ERRNO | errno.ENOSYS)  # C libraries then fall back to an older call


def _first_argument_in(values: tuple[int, ...]) -> list[Instruction]:
    """Allow when the first argument is one of ``values``."""
    count = len(values)
    tests = [(_IF_EQUAL, count - place, 0, value) for place, value in enumerate(values)]
    high_word = [(_LOAD, 0, 0, _FIRST_ARGUMENT_HIGH), (_IF_EQUAL, 0, count + 1, 0)]
    return [*high_word, (_LOAD, 0, 0, _FIRST_ARGUMENT), *tests, *DENY, *ALLOW]


def _first_argument_not_in(values: tuple[int, ...]) -> list[Instruction]:
    """Allow unless the first argument, an int, is one of ``values``."""
    tests = [(_IF_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [(_LOAD, 0, 0, _FIRST_ARGUMENT), *tests, *ALLOW, *DENY]


def _first_argument_lacks(bits: int) -> list[Instruction]:
    """Allow when the first argument has none of ``bits``."""
    return [(_LOAD, 0, 0, _FIRST_ARGUMENT), (_IF_ANY_BIT, 1, 0, bits), *ALLOW, *DENY]


def default_profile(capabilities: frozenset[str]) -> dict[str, list[Instruction]]:
    """Return what the profile says on each call that is not simply allowed."""
    verdicts = dict.fromkeys(_REFUSED.split(), DENY)
    for names in _UNLOCKED_BY.values():
        verdicts.update(dict.fromkeys(names.split(), DENY))
    verdicts["clone"] = _first_argument_lacks(NAMESPACE_FLAGS)
    verdicts["clone3"] = UNKNOWN  # its flags are in memory, out of a filter's sight
    verdicts["personality"] = _first_argument_in(HARMLESS_PERSONALITIES)
    verdicts["socket"] = _first_argument_not_in((AF_ALG, AF_VSOCK))
    for capability in capabilities & _UNLOCKED_BY.keys():
        verdicts.update(dict.fromkeys(_UNLOCKED_BY[capability].split(), ALLOW))
    return verdicts


def ranges(verdicts: dict[str, list[Instruction]], numbers: dict[str, int]) -> list[tuple[int, list[Instruction]]]:
    """Return (first number, verdict) of each run of equal verdicts, in order; the last run is without end."""
    by_number = {number: verdicts.get(name, ALLOW) for name, number in numbers.items()}
    last_old = max(number for number in by_number if number < FIRST_COMMON)
    runs: list[tuple[int, list[Instruction]]] = []
    for number in [*range(last_old + 2), *range(FIRST_COMMON, LAST_KNOWN + 2)]:
        verdict = by_number.get(number, UNKNOWN)
        if not runs or runs[-1][1] != verdict:
            runs.append((number, verdict))
    return runs


def search_tree(runs: list[tuple[int, list[Instruction]]]) -> list[Instruction]:
    """Return the program that finds the run of the number in the accumulator and does what it says."""
    if len(runs) == 1:
        return runs[0][1]
    middle = len(runs) // 2
    below, above = search_tree(runs[:middle]), search_tree(runs[middle:])
    start = runs[middle][0]
    if len(below) < 256:  # conditional jumps hold 8 bits
        return [(_IF_AT_LEAST, len(below), 0, start), *below, *above]
    return [(_IF_AT_LEAST, 0, 1, start), (_JUMP, 0, 0, len(below)), *below, *above]


def build(capabilities: frozenset[str], machine: str) -> list[Instruction]:
    """Return the whole filter: the right architecture first, then the search."""
    tree = search_tree(ranges(default_profile(capabilities), syscall_numbers(machine)))
    other_abi = [(_IF_AT_LEAST, 0, 1, _X32_BIT), *UNKNOWN] if machine == "x86_64" else []
    return [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 1, 0, _AUDIT_ARCH[machine]),
        *UNKNOWN,  # calls of a 32-bit program have other numbers, which would be misread here
        (_LOAD, 0, 0, _NUMBER),
        *other_abi,
        *tree,
    ]


def assemble(program: list[Instruction]) -> bytes:
    """Encode instructions as the kernel takes them (struct sock_filter)."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


@lru_cache(maxsize=16)
def compile_default(capabilities: frozenset[str], machine: str = os.uname().machine) -> bytes:
    """Return the default filter for a container with these capabilities, ready for ``set_seccomp_filter``."""
    return assemble(build(capabilities, machine))
