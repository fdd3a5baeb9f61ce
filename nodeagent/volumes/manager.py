"""Make a pod's volumes, keep those current that show API objects, and remove them.

Flow: Pod, PodFacts, References -> *volumes below the pod's directory* -> mounts of containers.
Layout: ``pods/<uid>/volumes/<name>`` and, for subPath, ``pods/<uid>/subpaths/<container>/<index>``.
The functions do file I/O and block: call them in a thread.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from naru.api.container_v1 import Container
from naru.api.pod_v1 import Pod
from naru.api.quantity import int_value
from naru.api.volumes_v1 import EmptyDirVolumeSource, Volume, VolumeMount
from nodeagent.deletion import delete_tree
from nodeagent.pods.downward import PodFacts
from nodeagent.pods.expansion import expand, unknown_names
from nodeagent.pods.faults import ConfigFault, SandboxFault
from nodeagent.pods.references import References
from nodeagent.runtime.spec import Mount
from nodeagent.volumes.atomic import write_payload
from nodeagent.volumes.errors import VolumeError
from nodeagent.volumes.host_path import ensure_host_path
from nodeagent.volumes.mounts import mount_tmpfs, unmount_below
from nodeagent.volumes.payload import holds_secrets, is_payload_volume, volume_payload
from nodeagent.volumes.subpath import pin_subpath

_PROPAGATION: Final = {"None": "private", "HostToContainer": "slave", "Bidirectional": "shared"}


class PodVolumes:
    """The volumes of one pod, below its directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, volume: Volume) -> Path:
        """Return where the volume's content is on the host."""
        return Path(volume.host_path.path) if volume.host_path else self._directory / "volumes" / volume.name

    def ensure(self, facts: PodFacts, references: References) -> None:
        """Make the volumes that do not exist, and bring the files of API objects up to date.

        Raises:
            SandboxFault: one of them cannot be made; the pod has to wait.
        """
        for volume in facts.pod.spec.volumes:
            try:
                self._ensure(volume, facts, references)
            except (VolumeError, OSError) as error:
                raise SandboxFault(
                    "FailedMount", f'MountVolume.SetUp failed for volume "{volume.name}" : {error}'
                ) from error

    def mounts(self, pod: Pod, container: Container, env: Mapping[str, str]) -> list[Mount]:
        """Return the mounts of a container.

        Raises:
            ConfigFault: a subPath cannot be mounted.
        """
        volumes = {volume.name: volume for volume in pod.spec.volumes}
        wanted = enumerate(container.volume_mounts)
        return [self._mount(volumes[m.name], m, container.name, index, env) for index, m in wanted]

    def remove(self) -> None:
        """Unmount and delete everything; what a container's process still has open vanishes with it."""
        if not self._directory.exists():
            return
        unmount_below(self._directory)
        delete_tree(self._directory)

    def _ensure(self, volume: Volume, facts: PodFacts, references: References) -> None:
        group = facts.pod.spec.security_context.fs_group
        if volume.host_path:
            ensure_host_path(volume.host_path)
        elif volume.empty_dir:
            self._ensure_empty_dir(volume, volume.empty_dir, group)
        elif is_payload_volume(volume):
            payload = volume_payload(volume, facts, references)
            write_payload(self._ensure_payload_dir(volume), payload, group)
        else:
            raise VolumeError("this node does not support the volume's type")

    def _ensure_empty_dir(self, volume: Volume, source: EmptyDirVolumeSource, group: int | None) -> None:
        path = self.path(volume)
        in_memory = source.medium == "Memory"
        if path.is_mount() if in_memory else path.exists():
            return
        _make_directory(path, 0o777)
        if in_memory:
            mount_tmpfs(path, int_value(source.size_limit) if source.size_limit else None, 0o777)
        elif source.medium:
            raise VolumeError(f"medium {source.medium!r} is not supported by this node")
        if group is not None:
            os.chown(path, -1, group)
            path.chmod(0o2777)

    def _ensure_payload_dir(self, volume: Volume) -> Path:
        path = self.path(volume)
        if not path.exists():
            _make_directory(path, 0o755)
        if holds_secrets(volume) and not path.is_mount():
            mount_tmpfs(path, None, 0o755)
        return path

    def _mount(self, volume: Volume, mount: VolumeMount, container: str, index: int, env: Mapping[str, str]) -> Mount:
        source = self.path(volume)
        if subpath := _subpath(mount, env):
            pin = self._directory / "subpaths" / container / str(index)
            try:
                unmount_below(pin)
                source = pin_subpath(source, subpath, pin)
            except (VolumeError, OSError) as error:
                raise ConfigFault(
                    f'failed to prepare subPath for volumeMount "{mount.name}" of container "{container}": {error}'
                ) from error
        read_only = mount.read_only or is_payload_volume(volume)
        return Mount(mount.mount_path, source, read_only, propagation=_PROPAGATION[mount.mount_propagation or "None"])


def _subpath(mount: VolumeMount, env: Mapping[str, str]) -> str:
    if not mount.sub_path_expr:
        return mount.sub_path
    if missing := unknown_names(mount.sub_path_expr, env):
        raise ConfigFault(f"subPathExpr {mount.sub_path_expr!r}: missing value for {missing[0]!r}")
    return expand(mount.sub_path_expr, env)


def _make_directory(path: Path, mode: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)  # mkdir's mode is narrowed by the umask
