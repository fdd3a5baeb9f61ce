"""Which version of cgroups this host has, and where."""

from pathlib import Path

from nodeagent.runtime.cgroups import CgroupDriver
from nodeagent.runtime.cgroups.v1 import CONTROLLERS, V1Driver
from nodeagent.runtime.cgroups.v2 import V2Driver


def find_mounts(mountinfo: str) -> tuple[dict[str, Path], Path | None]:
    """Return where each v1 controller is mounted, and where the v2 tree is when it has the place of honour.

    On a hybrid host the v2 tree, somewhere below /sys/fs/cgroup, has no controllers: v1 counts.

    Source: proc_pid_mountinfo(5).
    """
    v1: dict[str, Path] = {}
    v2: Path | None = None
    for line in mountinfo.splitlines():
        place, _, kind = line.partition(" - ")
        mount_point = Path(place.split()[4])
        fstype, _, options = kind.split(" ", 2)
        if fstype == "cgroup":
            v1 |= {name: mount_point for name in options.split(",") if name in CONTROLLERS}
        elif fstype == "cgroup2":
            v2 = mount_point
    return v1, v2


def detect_driver(root: str, mountinfo: Path = Path("/proc/self/mountinfo")) -> CgroupDriver:
    """Return the driver for this host, working under ``root`` ("naru-CLUSTER/NODE").

    Raises:
        ValueError: no version has the controllers that containers need; the message names them.
    """
    v1, v2 = find_mounts(mountinfo.read_text())
    if v1:
        return V1Driver(v1, root)
    if v2 is None:
        raise ValueError("no cgroup file system is mounted")
    return V2Driver(v2, root)
