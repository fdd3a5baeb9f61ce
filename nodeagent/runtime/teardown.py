"""Taking down what a sandbox has in the kernel.

The shim does it when it is told to; the agent does it for a shim that is dead. Everything may be repeated.
"""

from nodeagent.runtime.cgroups import CgroupDriver
from nodeagent.runtime.namespaces import unmount
from nodeagent.runtime.spec import SandboxSpec

SOCKET_FILE = "shim.sock"
NETNS_FILE = "netns"
SHM_DIRECTORY = "shm"


def release_kernel_state(spec: SandboxSpec, driver: CgroupDriver) -> None:
    """Kill what is left in the pod's cgroup; remove the cgroup, the pinned namespace, the shared memory.

    Raises:
        TimeoutError: processes that would not die.
    """
    driver.kill(spec.cgroup)
    driver.remove(spec.cgroup)
    unmount(spec.run_dir / SHM_DIRECTORY)
    unmount(spec.run_dir / NETNS_FILE)
