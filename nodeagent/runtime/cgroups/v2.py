"""Control groups, version 2: one tree, whose directories hand controllers down to their children.

A controller is in a directory when the parent names it in cgroup.subtree_control; so each level on the way down to a
container has to pass them on, and no level in between may hold processes of its own.

Source: the kernel's cgroup-v2.rst. Device access is refused by a BPF program here, see device_program.py.
"""

import contextlib
from collections.abc import Iterable
from pathlib import Path

from nodeagent.runtime.cgroups import CgroupDriver, CgroupUsage, DeviceRule
from nodeagent.runtime.cgroups.device_program import attach_device_program
from nodeagent.runtime.spec import CgroupLimits

CONTROLLERS = ("cpu", "memory", "pids")
MIN_SHARES, MAX_SHARES, MAX_WEIGHT = 2, 262_144, 10_000


def weight_of_shares(shares: int) -> int:
    """Return the cpu.weight (1 to 10000) at the place of v1's shares in their range, as Kubernetes maps them."""
    shares = min(max(shares, MIN_SHARES), MAX_SHARES)
    return 1 + (shares - MIN_SHARES) * (MAX_WEIGHT - 1) // (MAX_SHARES - MIN_SHARES)


def plan_limits(limits: CgroupLimits) -> list[tuple[str, str]]:
    """Return (file, text) of each write that sets these limits."""
    writes: list[tuple[str, str]] = []
    if limits.cpu_shares is not None:
        writes.append(("cpu.weight", str(weight_of_shares(limits.cpu_shares))))
    if limits.cpu_quota_us is not None:
        quota = "max" if limits.cpu_quota_us < 0 else str(limits.cpu_quota_us)
        writes.append(("cpu.max", f"{quota} {limits.cpu_period_us}"))
    if limits.memory_limit_bytes is not None:
        writes.append(("memory.max", "max" if limits.memory_limit_bytes < 0 else str(limits.memory_limit_bytes)))
    if limits.pids_limit is not None:
        writes.append(("pids.max", "max" if limits.pids_limit < 0 else str(limits.pids_limit)))
    if limits.oom_kills_all:  # not for a pod: the kernel would take all of it when the whole host lacks memory
        writes.append(("memory.oom.group", "1"))
    return writes


class V2Driver(CgroupDriver):
    """The node's directory in the unified tree."""

    def __init__(self, mount: Path, root: str) -> None:
        """Take where the tree is mounted; ``root`` is the node's directory in it."""
        available = (mount / "cgroup.controllers").read_text().split()
        if missing := [name for name in CONTROLLERS if name not in available]:
            raise ValueError(f"cgroup controllers not available: {', '.join(missing)}")
        self._mount = mount
        self._root = mount / root

    def create(self, path: str, limits: CgroupLimits) -> None:
        """Make the cgroup, each parent passing its controllers on."""
        directory = self._root / path
        missing = [parent for parent in (directory, *directory.parents) if not parent.exists()]
        for level in reversed(missing):
            self._pass_controllers_to_children(level.parent)
            level.mkdir(exist_ok=True)
        self.update(path, limits)

    def update(self, path: str, limits: CgroupLimits) -> None:
        """Write the limits; memory without swap."""
        directory = self._root / path
        for file, text in plan_limits(limits):
            (directory / file).write_text(text)
        if limits.memory_limit_bytes is not None:
            with contextlib.suppress(FileNotFoundError):  # a kernel without swap accounting
                (directory / "memory.swap.max").write_text("0")

    def restrict_devices(self, path: str, rules: Iterable[DeviceRule]) -> None:
        """Attach the program that judges each access."""
        attach_device_program(self._root / path, tuple(rules))

    def directories(self, path: str) -> dict[str, Path]:
        """The one directory."""
        return {"": self._root / path}

    def oom_kills(self, path: str) -> int:
        """Read memory.events, which counts the cgroups below, too."""
        return _flat(self._root / path / "memory.events").get("oom_kill", 0)

    def usage(self, path: str) -> CgroupUsage:
        """Read the counters of three controllers."""
        directory = self._root / path
        used = int((directory / "memory.current").read_text())
        return CgroupUsage(
            cpu_ns=_flat(directory / "cpu.stat").get("usage_usec", 0) * 1000,
            memory_bytes=used,
            working_set_bytes=max(0, used - _flat(directory / "memory.stat").get("inactive_file", 0)),
            pids=int((directory / "pids.current").read_text()),
        )

    def stop_forking(self, path: str) -> None:
        """Kill all at once where the kernel can (5.14), and let nothing fork."""
        directory = self._root / path
        (directory / "pids.max").write_text("0")
        with contextlib.suppress(FileNotFoundError):
            (directory / "cgroup.kill").write_text("1")

    @property
    def process_directory(self) -> Path:
        """The one tree."""
        return self._root

    def _pass_controllers_to_children(self, directory: Path) -> None:
        control = directory / "cgroup.subtree_control"
        passed_on = control.read_text().split()
        if wanted := [f"+{name}" for name in CONTROLLERS if name not in passed_on]:
            control.write_text(" ".join(wanted))


def _flat(file: Path) -> dict[str, int]:
    """Read a file of lines ``name number``."""
    return {name: int(number) for name, number in (line.split() for line in file.read_text().splitlines())}
