"""hostPath volumes: a path of the host, after the check that its type asks for.

Source: Kubernetes documentation, "Volumes", hostPath types.
"""

import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from naru.api.volumes_v1 import HostPathVolumeSource
from nodeagent.volumes.errors import VolumeError

_CHECKS: Final[Mapping[str, tuple[Callable[[int], bool], str]]] = {
    "DirectoryOrCreate": (stat.S_ISDIR, "a directory"),
    "Directory": (stat.S_ISDIR, "a directory"),
    "FileOrCreate": (stat.S_ISREG, "a file"),
    "File": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket file"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}


def ensure_host_path(source: HostPathVolumeSource) -> Path:
    """Return the path, made first where the type says so.

    Raises:
        VolumeError: it is not what the type says it must be.
    """
    path = Path(source.path)
    if not path.exists():
        _create(path, source.type)
    if source.type:
        is_right, description = _CHECKS[source.type]
        if not is_right(path.stat().st_mode):
            raise VolumeError(f"hostPath type check failed: {path} is not {description}")
    return path


def _create(path: Path, wanted: str) -> None:
    if wanted == "FileOrCreate":
        path.touch(mode=0o644)
    elif wanted in ("", "DirectoryOrCreate"):  # without a type: what container runtimes have always done
        path.mkdir(mode=0o755, parents=True)
    else:
        raise VolumeError(f"hostPath type check failed: {path} is not {_CHECKS[wanted][1]}")
