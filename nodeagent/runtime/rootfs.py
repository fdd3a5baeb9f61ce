"""What a container sees as "/": an overlay of image layers, its own /proc, /sys and /dev, and the pod's volumes.

The work is in two halves. ``prepare_root`` runs in the shim, where the host's paths are: it turns everything that comes
from the host into descriptors, volumes and devices as *detached mounts*, which are nowhere yet. ``enter_root`` runs in
the new process, in its own mount namespace: it mounts the overlay, makes it the root, lets go of the host's tree, and
only then attaches the rest. So a symbolic link in an image or a volume can only ever lead to a place in the container.

Source: the OCI runtime specification (config-linux.md, default file systems); masked and read-only paths as containerd.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from nodeagent.runtime import syscalls
from nodeagent.runtime.spec import ContainerSpec, Mount, RuntimeFault
from nodeagent.runtime.syscalls import MountAttr, MountFlag, Propagation

# Major and minor number. Source: the kernel's devices.txt.
DEVICE_NODES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
}
# In the host's /dev, what each container has of its own.
NOT_DEVICES = frozenset({"console", "fd", "mqueue", "ptmx", "pts", "shm"})
DEVICE_LINKS = {
    "ptmx": "pts/ptmx",
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "core": "/proc/kcore",
}
# Would tell about the host, or let its hardware be changed.
MASKED_PATHS = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)
READ_ONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

_NO_EXTRAS = MountFlag.NOSUID | MountFlag.NODEV | MountFlag.NOEXEC
_READ_ONLY = MountAttr.RDONLY | MountAttr.NOSUID | MountAttr.NODEV | MountAttr.NOEXEC
_PROPAGATIONS = {"private": Propagation.PRIVATE, "slave": Propagation.SLAVE, "shared": Propagation.SHARED}


@dataclass(frozen=True)
class Bind:
    """A detached mount and the place in the container that it is for."""

    fd: int
    target: str
    is_directory: bool


@dataclass(frozen=True)
class Device:
    """A device node to make."""

    path: str  # in the container
    mode: int  # type and permissions
    number: int
    uid: int = 0
    gid: int = 0


COMMON_DEVICES = tuple(
    Device(f"/dev/{name}", stat.S_IFCHR | 0o666, os.makedev(major, minor))
    for name, (major, minor) in DEVICE_NODES.items()
)


@dataclass(frozen=True)
class Root:
    """A root ready to be entered: its descriptors are open, nothing is mounted."""

    layers: tuple[Path, ...]  # the uppermost first
    directory: Path  # with ``upper`` and ``work``; the overlay is put on it for the moment before the pivot
    devices: tuple[Device, ...]
    shm: Bind
    cgroups: tuple[Bind, ...]
    cgroup_is_tree: bool  # v2: one mount is all of /sys/fs/cgroup
    volumes: tuple[Bind, ...]
    tmpfs: tuple[Mount, ...]
    read_only: bool
    privileged: bool


def prepare_root(
    spec: ContainerSpec, directory: Path, shm: Path, cgroup_directories: dict[str, Path], opened: ExitStack
) -> Root:
    """Open all that the container's root is made of.

    Args:
        directory: the container's own, with ``upper`` and ``work`` in it.
        shm: the pod's shared memory, for /dev/shm.
        opened: takes the closing of every descriptor.

    Raises:
        RuntimeFault: a volume is not there, or has a place that is not to be had.
    """
    extra = MountAttr.NONE if spec.privileged else MountAttr.NODEV
    access = extra if spec.privileged else _READ_ONLY
    return Root(
        layers=spec.layers,
        directory=directory,
        devices=tuple(host_devices(Path("/dev"))) if spec.privileged else COMMON_DEVICES,
        shm=_detach(Mount("/dev/shm", shm), MountAttr.NOSUID | extra, opened),
        cgroups=tuple(
            _detach(Mount(str(Path("/sys/fs/cgroup", name)), source), access, opened)
            for name, source in cgroup_directories.items()
        ),
        cgroup_is_tree="" in cgroup_directories,
        volumes=tuple(_detach(_checked(m), extra, opened, recursive=True) for m in spec.mounts if m.source),
        tmpfs=tuple(_checked(m) for m in spec.mounts if not m.source),
        read_only=spec.read_only_root,
        privileged=spec.privileged,
    )


def host_devices(directory: Path) -> Iterator[Device]:
    """Return the devices of the host, which a privileged container may use, all of them."""
    for entry in os.scandir(directory):
        if entry.name in NOT_DEVICES:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from host_devices(Path(entry.path))
            continue
        found = entry.stat(follow_symlinks=False)
        if stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
            yield Device(entry.path, found.st_mode, found.st_rdev, found.st_uid, found.st_gid)


def _checked(mount: Mount) -> Mount:
    """Refuse the places whose contents the container's safety rests on."""
    place = os.path.normpath(mount.target)
    if not place.startswith("/") or place == "/" or f"{place}/".startswith("/proc/"):
        raise RuntimeFault("StartError", f"mount of {mount.source or 'tmpfs'}: {mount.target} is no place for a mount")
    return mount


def _detach(mount: Mount, attributes: MountAttr, opened: ExitStack, recursive: bool = False) -> Bind:
    source = mount.source or Path("/")
    try:
        fd = syscalls.open_tree(source, recursive)
        opened.callback(os.close, fd)
        if mount.propagation != "shared":  # a shared one is left as the host has it: that is what it is to share
            syscalls.mount_setattr(fd, attributes, _PROPAGATIONS[mount.propagation], recursive)
        elif attributes:
            syscalls.mount_setattr(fd, attributes, recursive=recursive)
        if mount.read_only:  # not what is mounted below: that is another promise (recursiveReadOnly)
            syscalls.mount_setattr(fd, MountAttr.RDONLY)
    except OSError as error:
        raise RuntimeFault("StartError", f"mount of {source} at {mount.target}: {_lower(error)}") from error
    return Bind(fd, mount.target, stat.S_ISDIR(os.fstat(fd).st_mode))


def enter_root(root: Root) -> None:
    """Make ``root`` the root of the calling process, alone in its mount namespace. There is no way back.

    Raises:
        RuntimeFault: a layer is not there.
        OSError: the kernel refused a step; ``filename`` is the path in the container.
    """
    syscalls.mount("", "/", "", MountFlag.REC | MountFlag.PRIVATE)  # nothing of this shows on the host
    mount_overlay(root.layers, root.directory)
    os.chdir(root.directory)
    syscalls.pivot_root(".", ".")  # the old root now lies on the new one ...
    syscalls.umount2(".", syscalls.MNT_DETACH)  # ... and with it goes every path of the host
    os.chdir("/")
    _mount_proc_and_sys(root)
    _fill_dev(root)
    if not root.privileged:
        protect(MASKED_PATHS, READ_ONLY_PATHS)  # with a /dev/null that is no volume's yet. Source: CVE-2025-31133
    for mount in root.tmpfs:
        _mount_tmpfs(mount)
    for volume in root.volumes:
        attach(volume)
    if root.read_only:
        syscalls.mount_setattr("/", MountAttr.RDONLY)


def mount_overlay(layers: Iterable[Path], directory: Path) -> None:
    """Mount the layers, with ``upper`` on top to take what is written.

    The options name the directories by descriptors: their paths could be longer than the page that options must fit in,
    could hold commas and colons, and would show the host's tree in the container's /proc/mounts. They are opened here,
    because an overlay takes only what is in its own mount namespace, and closed again, or a path of the pod's could
    lead to the host by /proc/self/fd.
    """
    with ExitStack() as opened:
        lower = ":".join(_by_descriptor(layer, opened) for layer in layers)
        upper, work = (_by_descriptor(directory / name, opened) for name in ("upper", "work"))
        options = f"lowerdir={lower},upperdir={upper},workdir={work}"
        syscalls.mount("overlay", directory, "overlay", MountFlag.NODEV, options)


def _by_descriptor(path: Path, opened: ExitStack) -> str:
    try:
        fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise RuntimeFault("StartError", f"image layer {path}: {_lower(error)}") from error
    opened.callback(os.close, fd)
    return f"/proc/self/fd/{fd}"


def _mount_proc_and_sys(root: Root) -> None:
    for place in ("/proc", "/sys", "/dev"):
        _real_directory(place)
    syscalls.mount("proc", "/proc", "proc", _NO_EXTRAS)
    read_only = MountFlag.NONE if root.privileged else MountFlag.RDONLY
    syscalls.mount("sysfs", "/sys", "sysfs", _NO_EXTRAS | read_only)
    if not root.cgroup_is_tree:
        syscalls.mount("tmpfs", "/sys/fs/cgroup", "tmpfs", _NO_EXTRAS, "mode=755,size=64k")
    for bind in root.cgroups:
        attach(bind)
    if not root.cgroup_is_tree:
        syscalls.mount_setattr("/sys/fs/cgroup", MountAttr.RDONLY)


def _fill_dev(root: Root) -> None:
    """Give /dev the few nodes that every container has, or all of the host's.

    They are nodes of the container's own, as its root may change their owner and permissions. It may make others, too
    (CAP_MKNOD): of those, the devices cgroup decides, and the overlay and the volumes open none.
    """
    syscalls.mount("tmpfs", "/dev", "tmpfs", MountFlag.NOSUID | MountFlag.STRICTATIME, "mode=755,size=64m")
    for name, target in DEVICE_LINKS.items():
        os.symlink(target, f"/dev/{name}")
    os.mkdir("/dev/pts", 0o755)
    os.mkdir("/dev/mqueue", 0o755)
    terminals = MountFlag.NOSUID | MountFlag.NOEXEC
    syscalls.mount("devpts", "/dev/pts", "devpts", terminals, "newinstance,ptmxmode=0666,mode=0620,gid=5")
    syscalls.mount("mqueue", "/dev/mqueue", "mqueue", _NO_EXTRAS)
    attach(root.shm)
    for device in root.devices:
        _make_device(device)


def _make_device(device: Device) -> None:
    try:
        os.mknod(device.path, device.mode, device.number)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(device.path))
        os.mknod(device.path, device.mode, device.number)
    os.chmod(device.path, stat.S_IMODE(device.mode))  # mknod's is narrowed by the umask
    if device.uid or device.gid:
        os.chown(device.path, device.uid, device.gid)


def _mount_tmpfs(mount: Mount) -> None:
    _make_target(mount.target, is_directory=True)
    size = f",size={mount.tmpfs_size_bytes}" if mount.tmpfs_size_bytes is not None else ""
    syscalls.mount("tmpfs", mount.target, "tmpfs", MountFlag.NOSUID | MountFlag.NODEV, f"mode=1777{size}")
    if mount.read_only:
        syscalls.mount_setattr(mount.target, MountAttr.RDONLY)


def attach(bind: Bind) -> None:
    """Attach a detached mount at its place, made if it is not there."""
    _make_target(bind.target, bind.is_directory)
    syscalls.move_mount(bind.fd, bind.target)


def _make_target(path: str, is_directory: bool) -> None:
    """Make a place to mount at; links in its path lead where they do in this root, also those that lead to nothing.

    Raises:
        RuntimeFault: a link leads to /proc, which must not be hidden. Source: CVE-2019-16884.
    """
    path, wanted = os.path.realpath(path), path
    if f"{path}/".startswith("/proc/"):
        raise RuntimeFault("StartError", f"mount at {wanted}: a link in the image leads it to {path}")
    if os.path.exists(path):
        return
    if is_directory:
        os.makedirs(path, exist_ok=True)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))


def _real_directory(path: str) -> None:
    """Make a directory if there is none. Source: CVE-2019-19921, an image where /proc was a link."""
    with suppress(FileExistsError):
        os.mkdir(path, 0o755)
    if not stat.S_ISDIR(os.lstat(path).st_mode):
        raise NotADirectoryError(20, "must be a directory in the image", path)


def protect(masked: Iterable[str], read_only: Iterable[str]) -> None:
    """Hide ``masked`` paths and forbid writing to ``read_only`` ones, those that there are."""
    empty_directory = ""
    for path in masked:
        try:
            is_directory = stat.S_ISDIR(os.stat(path).st_mode)
        except OSError:  # not in this kernel
            continue
        if not is_directory:
            syscalls.mount("/dev/null", path, "", MountFlag.BIND)
        elif empty_directory:
            syscalls.mount(empty_directory, path, "", MountFlag.BIND)
        else:
            syscalls.mount("tmpfs", path, "tmpfs", _NO_EXTRAS | MountFlag.RDONLY, "size=0k,mode=555")
            empty_directory = path
    for path in read_only:
        if os.path.exists(path):
            syscalls.mount(path, path, "", MountFlag.BIND | MountFlag.REC)
            syscalls.mount_setattr(path, _READ_ONLY)


def _lower(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
