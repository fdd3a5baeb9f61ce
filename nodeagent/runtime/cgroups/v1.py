"""Control groups, version 1: one tree per controller, a container has a directory in each.

Source: the kernel's cgroup-v1 documents (memory.rst, devices.rst, pids.rst), sched-bwc.rst.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from nodeagent.runtime.cgroups import CgroupDriver, CgroupUsage, DeviceRule
from nodeagent.runtime.spec import CgroupLimits

CONTROLLERS = ("cpu", "cpuacct", "memory", "pids", "devices")
REQUIRED = ("cpu", "memory", "pids", "devices")


def plan_limits(limits: CgroupLimits) -> list[tuple[str, str, str]]:
    """Return (controller, file, text) of each write that sets these limits."""
    writes: list[tuple[str, str, str]] = []
    if limits.cpu_shares is not None:
        writes.append(("cpu", "cpu.shares", str(limits.cpu_shares)))
    if limits.cpu_quota_us is not None:
        writes.append(("cpu", "cpu.cfs_period_us", str(limits.cpu_period_us)))
        writes.append(("cpu", "cpu.cfs_quota_us", str(limits.cpu_quota_us)))
    if limits.memory_limit_bytes is not None:
        writes.append(("memory", "memory.limit_in_bytes", str(limits.memory_limit_bytes)))
    if limits.pids_limit is not None:
        writes.append(("pids", "pids.max", str(limits.pids_limit)))
    return writes


class V1Driver(CgroupDriver):
    """The node's directories in the trees of version 1."""

    # Takes a thread. A process that has only one can move itself by it without the lock over all thread groups, for
    # which cgroup.procs makes the kernel wait until every CPU has passed a quiet point: milliseconds.
    entrance = "tasks"

    def __init__(self, mounts: Mapping[str, Path], root: str) -> None:
        """Take where each controller is mounted; ``root`` is the node's directory in each."""
        if missing := [name for name in REQUIRED if name not in mounts]:
            raise ValueError(f"cgroup controllers not mounted: {', '.join(missing)}")
        self._roots = {name: mounts[name] / root for name in CONTROLLERS if name in mounts}
        by_mount = {mounts[name]: name for name in reversed(self._roots)}  # cpu and cpuacct often share a tree
        self._trees = {name: self._roots[name] for name in reversed(by_mount.values())}

    def create(self, path: str, limits: CgroupLimits) -> None:
        """Make the cgroup in every tree."""
        for directory in self.directories(path).values():
            directory.mkdir(parents=True, exist_ok=True)
        self.update(path, limits)

    def update(self, path: str, limits: CgroupLimits) -> None:
        """Write the limits; memory without swap, where the kernel counts swap."""
        for controller, file, text in plan_limits(limits):
            (self._roots[controller] / path / file).write_text(text)
        with_swap = self._roots["memory"] / path / "memory.memsw.limit_in_bytes"
        if limits.memory_limit_bytes is not None and with_swap.exists():
            with_swap.write_text(str(limits.memory_limit_bytes))

    def restrict_devices(self, path: str, rules: Iterable[DeviceRule]) -> None:
        """Deny all, then allow one rule a write, as the controller wants it."""
        directory = self._roots["devices"] / path
        (directory / "devices.deny").write_text("a")
        with (directory / "devices.allow").open("wb", buffering=0) as allow:
            for rule in rules:
                allow.write(str(rule).encode())

    def directories(self, path: str) -> dict[str, Path]:
        """One directory a tree."""
        return {name: root / path for name, root in self._trees.items()}

    def oom_kills(self, path: str) -> int:
        """Read the count beside the OOM switch (Linux 4.13)."""
        return _flat(self._roots["memory"] / path / "memory.oom_control").get("oom_kill", 0)

    def usage(self, path: str) -> CgroupUsage:
        """Read the counters of four controllers."""
        memory = self._roots["memory"] / path
        used = int((memory / "memory.usage_in_bytes").read_text())
        inactive = _flat(memory / "memory.stat").get("total_inactive_file", 0)
        cpu = self._roots.get("cpuacct")
        return CgroupUsage(
            cpu_ns=int((cpu / path / "cpuacct.usage").read_text()) if cpu else 0,
            memory_bytes=used,
            working_set_bytes=max(0, used - inactive),
            pids=int((self._roots["pids"] / path / "pids.current").read_text()),
        )

    def stop_forking(self, path: str) -> None:
        """Allow no process more than there are."""
        (self._roots["pids"] / path / "pids.max").write_text("0")

    @property
    def process_directory(self) -> Path:
        """Any tree would do; pids is the least costly."""
        return self._roots["pids"]


def _flat(file: Path) -> dict[str, int]:
    """Read a file of lines ``name number``."""
    return {name: int(number) for name, number in (line.split() for line in file.read_text().splitlines())}
