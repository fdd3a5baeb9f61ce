"""Unpacked layers: one directory each, named by diffID, shared read-only by every container of the machine.

Flow: blob (verified) -> unpack.py in ``ingest/<hex>.tree`` -> diffID compared -> rename to ``layers/<hex>``.
Invariant: what stands in ``layers/`` is whole and right, because it got there by one rename; everything that was
interrupted lies in ``ingest/`` and is removed by the next one who takes that layer's lock.
"""

import json
import os
import subprocess
import sys
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nodeagent.deletion import delete_tree
from nodeagent.images import unpack
from nodeagent.images.errors import ImageError
from nodeagent.images.locks import locked, locked_async, rename_durably

HEX_DIGITS: Final = 64  # of a sha256
BY_DESCRIPTOR: Final = "lowerdir=/proc/self/fd/"
UNPACK_TIMEOUT_S: Final = 1800.0  # far beyond any honest layer


@dataclass(frozen=True)
class LayerSource:
    """Where a layer's bytes are: a file, or a part of one (a member of an archive)."""

    path: Path
    offset: int
    size: int


class LayerStore:
    """The unpacked layers below one image store."""

    def __init__(self, root: Path) -> None:
        self._layers = root / "layers"
        self._ingest = root / "ingest"
        self._locks = root / "locks"
        for directory in (self._layers, self._ingest, self._locks):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, diff_id: str) -> Path:
        """Return where a layer is, once it is there."""
        return self._layers / _hex(diff_id)

    def has(self, diff_id: str) -> bool:
        """Tell whether the layer is there."""
        return self.path(diff_id).is_dir()

    def partial_path(self, diff_id: str) -> Path:
        """Return where a download of the layer may grow; it survives its process, so that the next one resumes."""
        return self._ingest / f"{_hex(diff_id)}.part"

    def lock(self, diff_id: str) -> AbstractContextManager[int]:
        """Keep others from making or removing the layer."""
        return locked(self._lock_path(diff_id))

    def lock_async(self, diff_id: str) -> AbstractAsyncContextManager[int]:
        """Do as :meth:`lock` for a coroutine."""
        return locked_async(self._lock_path(diff_id))

    def _lock_path(self, diff_id: str) -> Path:
        return self._locks / _hex(diff_id)

    def _tree(self, diff_id: str) -> Path:
        return self._ingest / f"{_hex(diff_id)}.tree"

    def unpack(self, source: LayerSource, diff_id: str, lock_fd: int) -> None:
        """Unpack a layer whose lock the caller holds. Blocks: a coroutine calls this in a thread.

        Raises:
            ImageError: the content is no layer, or not the layer that ``diff_id`` names.
        """
        tree = self._tree(diff_id)
        _remove_tree(tree)  # of one who was killed: we have the lock, so nobody writes there
        tree.mkdir()
        tree.chmod(0o755)  # of a layer that says nothing of its root; mkdir alone would heed the umask
        try:
            actual = run_unpacker(source, tree, lock_fd)
            if actual != diff_id:
                raise ImageError(f"wrong diff id: layer unpacked to {actual}, its config says {diff_id}")
            rename_durably(tree, self.path(diff_id))
        except BaseException:
            _remove_tree(tree)
            raise

    def add(self, source: LayerSource, diff_id: str) -> None:
        """Unpack a layer unless it is there."""
        with self.lock(diff_id) as lock_fd:
            if not self.has(diff_id):
                self.unpack(source, diff_id, lock_fd)

    def remove(self, diff_id: str) -> None:
        """Remove a layer, and what is left of attempts to make it."""
        with self.lock(diff_id):
            self.partial_path(diff_id).unlink(missing_ok=True)
            tree = self._tree(diff_id)
            _remove_tree(tree)
            if self.has(diff_id):
                os.rename(self.path(diff_id), tree)  # first out of sight, as a whole
                _remove_tree(tree)
            self._lock_path(diff_id).unlink()

    def known(self) -> set[str]:
        """Return the diffIDs of the layers that are there, in whole or in part."""
        entries = [*self._layers.iterdir(), *self._ingest.iterdir()]
        return {f"sha256:{entry.stem}" for entry in entries if len(entry.stem) == HEX_DIGITS}


def run_unpacker(source: LayerSource, root: Path, lock_fd: int) -> str:
    """Run unpack.py on a layer and return the diffID that it found.

    The child inherits the lock: should this process be killed, the layer stays locked until the child has ended.
    """
    command = [sys.executable, "-I", "-X", "utf8", unpack.__file__, str(root), str(source.offset), str(source.size)]
    with open(source.path, "rb") as blob:
        try:
            child = subprocess.run(
                command, stdin=blob, capture_output=True, pass_fds=(lock_fd,), timeout=UNPACK_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise ImageError(f"cannot unpack layer: not done after {UNPACK_TIMEOUT_S:.0f} s") from None
    try:
        answer = json.loads(child.stdout)
    except ValueError:
        detail = child.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ImageError(f"cannot unpack layer: the unpacker ended with {child.returncode}: {detail}") from None
    if error := answer.get("error"):
        raise ImageError(error)
    return str(answer["diff_id"])


def layers_in_use(names: set[str], proc: Path = Path("/proc")) -> set[str]:
    """Return those of ``names`` (layer directories) that may be part of an overlay in any process's mount table.

    The runtime names layers by descriptor when it mounts them, and then the table does not tell which they are: while
    such an overlay is mounted anywhere, all layers count as used. Keeping too much costs room; removing one layer too
    many would take files from under a running container.
    """
    seen: set[str] = set()
    used: set[str] = set()
    for process in proc.glob("[0-9]*"):
        try:
            namespace = os.readlink(process / "ns/mnt")
            if namespace in seen:
                continue
            mounts = (process / "mountinfo").read_text()
        except OSError:
            continue  # it has ended since
        seen.add(namespace)
        overlays = "\n".join(line for line in mounts.splitlines() if " - overlay " in line)
        if BY_DESCRIPTOR in overlays:
            return set(names)
        used |= {name for name in names if name in overlays}
    return used


def _hex(diff_id: str) -> str:
    return diff_id.removeprefix("sha256:")


def _remove_tree(tree: Path) -> None:
    if tree.exists():
        delete_tree(tree)
