"""Device access in cgroups version 2: an extended BPF program that the kernel asks at each open and mknod.

The program sees the kind of node, the access that is wanted, major and minor, and returns 1 to allow. Ours goes through
the rules and allows what the first matching one covers. Source: the kernel's cgroup-v2.rst (device controller);
struct bpf_cgroup_dev_ctx in linux/bpf.h.
"""

import os
import struct
from pathlib import Path

from nodeagent.runtime.cgroups import DeviceRule
from nodeagent.runtime.syscalls import attach_bpf_program, load_bpf_program

BPF_PROG_TYPE_CGROUP_DEVICE = 15
BPF_CGROUP_DEVICE = 6
BPF_F_ALLOW_MULTI = 2

_KINDS = {"b": 1, "c": 2}
_ACCESSES = {"m": 1, "r": 2, "w": 4}
_ALL_ACCESSES = 7

# Registers: the result, the record that the program is given, and what is taken out of it.
_RESULT, _RECORD, _KIND, _ACCESS, _MAJOR, _MINOR = range(6)
_LOAD_WORD, _COPY, _AND, _SHIFT_RIGHT, _SET, _EXIT = 0x61, 0xBF, 0x57, 0x77, 0xB7, 0x95
_IF_NOT_EQUAL, _IF_ANY_BIT = 0x55, 0x45


def _instruction(operation: int, target: int = 0, source: int = 0, offset: int = 0, constant: int = 0) -> bytes:
    return struct.pack("=BBhi", operation, source << 4 | target, offset, constant)


_PROLOGUE = (
    _instruction(_LOAD_WORD, _KIND, _RECORD, 0),  # access in the upper half, kind in the lower
    _instruction(_COPY, _ACCESS, _KIND),
    _instruction(_AND, _KIND, constant=0xFFFF),
    _instruction(_SHIFT_RIGHT, _ACCESS, constant=16),
    _instruction(_LOAD_WORD, _MAJOR, _RECORD, 4),
    _instruction(_LOAD_WORD, _MINOR, _RECORD, 8),
)


def _return(value: int) -> list[bytes]:
    return [_instruction(_SET, _RESULT, constant=value), _instruction(_EXIT)]


def _rule_code(rule: DeviceRule) -> list[bytes]:
    """Return the code that allows what the rule covers, and otherwise falls through to what follows it."""
    refused = _ALL_ACCESSES & ~sum(_ACCESSES[letter] for letter in rule.access)
    tests = [(_IF_NOT_EQUAL, _KIND, _KINDS[rule.kind])]
    tests += [(_IF_ANY_BIT, _ACCESS, refused)] if refused else []
    tests += [(_IF_NOT_EQUAL, _MAJOR, rule.major)] if rule.major is not None else []
    tests += [(_IF_NOT_EQUAL, _MINOR, rule.minor)] if rule.minor is not None else []
    allow = _return(1)
    past_the_rule = [len(tests) - place - 1 + len(allow) for place in range(len(tests))]
    code = [
        _instruction(operation, register, offset=distance, constant=value)
        for (operation, register, value), distance in zip(tests, past_the_rule, strict=True)
    ]
    return [*code, *allow]


def device_program(rules: tuple[DeviceRule, ...]) -> bytes:
    """Return the program for these rules."""
    code = [instruction for rule in rules for instruction in _rule_code(rule)]
    return b"".join([*_PROLOGUE, *code, *_return(0)])


def attach_device_program(directory: Path, rules: tuple[DeviceRule, ...]) -> None:
    """Refuse all devices but these to the processes of the cgroup at ``directory``, until it is removed."""
    program = load_bpf_program(BPF_PROG_TYPE_CGROUP_DEVICE, device_program(rules))
    try:
        target = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            attach_bpf_program(program, target, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI)
        finally:
            os.close(target)
    finally:
        os.close(program)
