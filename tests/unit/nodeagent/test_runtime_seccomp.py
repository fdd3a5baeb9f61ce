"""The default seccomp profile, run through a small interpreter of its BPF (the kernel itself is in tests/node)."""

import errno
from collections.abc import Callable

import pytest

from nodeagent.runtime import capabilities, seccomp
from nodeagent.runtime.syscall_numbers import syscall_numbers

ALLOWED = 0x7FFF0000
REFUSED = 0x00050000 | errno.EPERM
NO_SUCH_CALL = 0x00050000 | errno.ENOSYS
NONE = frozenset[str]()


def simulator(program: list[seccomp.Instruction], machine: str) -> Callable[[int, int], int]:
    """Return a function (number, first argument) -> verdict that runs the program as the kernel would."""

    def run(number: int, argument: int) -> int:
        architecture = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine]
        record = {0: number, 4: architecture, 16: argument & 0xFFFFFFFF, 20: argument >> 32}
        accumulator, place = 0, 0
        while True:
            operation, if_true, if_false, constant = program[place]
            place += 1
            match operation:
                case 0x06:  # return
                    return constant
                case 0x20:  # load
                    accumulator = record[constant]
                case 0x05:  # jump
                    place += constant
                case _:  # equal, at least, any bit
                    tests = {0x15: accumulator == constant, 0x35: accumulator >= constant, 0x45: accumulator & constant}
                    place += if_true if tests[operation] else if_false

    return run


machines = pytest.mark.parametrize("machine", ["x86_64", "aarch64"])


def verdict(machine: str, name: str, argument: int = 0, caps: frozenset[str] = capabilities.DEFAULT) -> int:
    run = simulator(seccomp.build(caps, machine), machine)
    return run(syscall_numbers(machine)[name], argument)


@machines
class TestDefaultProfile:
    """A container may do what stays inside it, and a capability unlocks what it is for."""

    @pytest.mark.parametrize("name", ["read", "execve", "openat", "setuid", "mknodat", "ptrace", "mseal", "wait4"])
    def test_everyday_calls_are_allowed(self, machine: str, name: str) -> None:
        assert verdict(machine, name) == ALLOWED

    @pytest.mark.parametrize(
        "name", ["mount", "umount2", "unshare", "setns", "keyctl", "bpf", "init_module", "reboot", "pivot_root"]
    )
    def test_calls_that_reach_out_are_refused(self, machine: str, name: str) -> None:
        assert verdict(machine, name) == REFUSED

    def test_io_uring_is_refused(self, machine: str) -> None:
        assert verdict(machine, "io_uring_setup") == REFUSED

    def test_clone_is_allowed_without_new_namespaces(self, machine: str) -> None:
        assert verdict(machine, "clone", 0x11) == ALLOWED
        assert verdict(machine, "clone", 0x10000011) == REFUSED

    def test_clone3_seems_not_to_exist(self, machine: str) -> None:
        assert verdict(machine, "clone3") == NO_SUCH_CALL

    def test_sys_admin_unlocks_mounting_and_clone3(self, machine: str) -> None:
        caps = capabilities.DEFAULT | {"CAP_SYS_ADMIN"}
        assert {verdict(machine, name, caps=caps) for name in ("mount", "unshare", "clone3", "clone")} == {ALLOWED}

    def test_only_plain_personalities_are_allowed(self, machine: str) -> None:
        assert verdict(machine, "personality", 0xFFFFFFFF) == ALLOWED
        assert verdict(machine, "personality", 0x20008) == ALLOWED
        assert verdict(machine, "personality", 0x40000) == REFUSED  # ADDR_NO_RANDOMIZE
        assert verdict(machine, "personality", 1 << 32) == REFUSED

    def test_sockets_to_the_hypervisor_are_refused(self, machine: str) -> None:
        assert verdict(machine, "socket", 2) == ALLOWED
        assert verdict(machine, "socket", 39) == ALLOWED
        assert verdict(machine, "socket", 40) == REFUSED
        assert verdict(machine, "socket", 38) == REFUSED

    def test_a_call_newer_than_the_table_seems_not_to_exist(self, machine: str) -> None:
        run = simulator(seccomp.build(NONE, machine), machine)
        assert run(9999, 0) == NO_SUCH_CALL
        assert run(400, 0) == NO_SUCH_CALL

    def test_every_number_gets_the_verdict_of_the_profile(self, machine: str) -> None:
        """The search tree agrees with the profile, looked up number by number."""
        profile = seccomp.default_profile(NONE)
        run = simulator(seccomp.build(NONE, machine), machine)
        simple = {id(seccomp.ALLOW): ALLOWED, id(seccomp.DENY): REFUSED, id(seccomp.UNKNOWN): NO_SUCH_CALL}
        for name, number in syscall_numbers(machine).items():
            expected = simple.get(id(profile.get(name, seccomp.ALLOW)))
            if expected is not None:
                assert run(number, 0) == expected, name


def test_calls_of_the_x32_abi_seem_not_to_exist() -> None:
    run = simulator(seccomp.build(NONE, "x86_64"), "x86_64")
    assert run(0x40000000 + 1, 0) == NO_SUCH_CALL


def test_the_program_fits_the_kernels_limit_and_a_search_is_short() -> None:
    program = seccomp.build(capabilities.DEFAULT, "x86_64")
    assert len(program) < 4096
    assert len(seccomp.assemble(program)) == 8 * len(program)
