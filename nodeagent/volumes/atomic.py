"""Show a set of files that changes as a whole: readers see the old set or the new one, never a mixture.

Layout of the directory that containers mount::

    ..7f3a9c.../     the files of one version, in a directory of its own
    ..data        -> ..7f3a9c...           swapped by rename(2): the one step that readers see
    app.conf      -> ..data/app.conf       one link for each first component of a path

Source: Kubernetes documentation, "Mounted ConfigMaps are updated automatically"; rename(2).
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DATA_LINK: Final = "..data"
_NEW_LINK: Final = "..data_tmp"


@dataclass(frozen=True)
class File:
    """Content and permissions of one file."""

    content: bytes
    mode: int = 0o644


Payload = Mapping[str, File]
"""Files by relative path."""


def write_payload(directory: Path, payload: Payload, group: int | None = None) -> bool:
    """Make ``directory`` show exactly ``payload``; tell whether anything changed.

    Args:
        group: the fsGroup: it owns the files and may read them.
    """
    if _current(directory) == _wanted(payload, group):
        return False
    version = Path(tempfile.mkdtemp(prefix="..", dir=directory))
    _fill(version, payload, group)
    old = _target(directory)
    _link(version.name, directory / _NEW_LINK)
    os.replace(directory / _NEW_LINK, directory / DATA_LINK)
    _ensure_links(directory, {path.split("/", 1)[0] for path in payload})
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)  # a reader may hold a file of it open: that file stays until closed
    return True


def _mode(file: File, group: int | None) -> int:
    return file.mode if group is None else file.mode | 0o440


def _wanted(payload: Payload, group: int | None) -> dict[str, File]:
    return {path: File(file.content, _mode(file, group)) for path, file in payload.items()}


def _current(directory: Path) -> dict[str, File] | None:
    """Read the version that is shown; None when there is none yet."""
    version = _target(directory)
    if version is None:
        return None
    paths = [Path(root) / name for root, _, names in os.walk(version) for name in names]
    return {str(p.relative_to(version)): File(p.read_bytes(), p.stat().st_mode & 0o7777) for p in paths}


def _target(directory: Path) -> Path | None:
    try:
        return directory / os.readlink(directory / DATA_LINK)
    except FileNotFoundError:
        return None


def _fill(version: Path, payload: Payload, group: int | None) -> None:
    version.chmod(0o755 if group is None else 0o2755)
    for path, file in payload.items():
        target = version / path
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        target.write_bytes(file.content)
        if group is not None:
            os.chown(target, -1, group)
        target.chmod(_mode(file, group))


def _ensure_links(directory: Path, names: set[str]) -> None:
    for entry in directory.iterdir():
        if not entry.name.startswith("..") and entry.is_symlink() and entry.name not in names:
            entry.unlink()
    for name in names:
        if not (directory / name).is_symlink():
            _link(f"{DATA_LINK}/{name}", directory / name)


def _link(target: str, link: Path) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)
