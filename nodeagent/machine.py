"""What the host offers: processors, memory, disk, and how it names itself.

Source: proc(5), sysfs(5), os-release(5), machine-id(5); core/v1 NodeSystemInfo.
"""

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Final

EVICTION_RESERVE_BYTES: Final = 100 << 20  # kept from pods, as kubelet's eviction threshold does
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


@dataclass(frozen=True)
class Machine:
    """The facts that a Node's status shows."""

    cpus: int
    memory_bytes: int
    disk_bytes: int
    machine_id: str
    system_uuid: str
    boot_id: str
    kernel: str
    os_image: str
    architecture: str  # as Go writes it

    def capacity(self, max_pods: int) -> dict[str, str]:
        """Return what the node has."""
        return {
            "cpu": str(self.cpus),
            "memory": f"{self.memory_bytes // 1024}Ki",
            "ephemeral-storage": f"{self.disk_bytes // 1024}Ki",
            "hugepages-1Gi": "0",
            "hugepages-2Mi": "0",
            "pods": str(max_pods),
        }

    def allocatable(self, max_pods: int) -> dict[str, str]:
        """Return what pods may use of it."""
        memory = max(self.memory_bytes - EVICTION_RESERVE_BYTES, 0)
        disk = self.disk_bytes * 9 // 10  # kubelet evicts at 10 % free
        return {
            **self.capacity(max_pods),
            "memory": f"{memory // 1024}Ki",
            "ephemeral-storage": str(disk),
        }


def inspect_machine(data_dir: Path) -> Machine:
    """Look at the host; ``data_dir`` tells which disk counts."""
    disk = os.statvfs(data_dir)
    return Machine(
        cpus=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        disk_bytes=disk.f_frsize * disk.f_blocks,
        machine_id=_read("/etc/machine-id"),
        system_uuid=_read("/sys/class/dmi/id/product_uuid") or _read("/etc/machine-id"),
        boot_id=_read("/proc/sys/kernel/random/boot_id"),
        kernel=platform.release(),
        os_image=_os_name(),
        architecture=_ARCHITECTURES.get(platform.machine(), platform.machine()),
    )


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
