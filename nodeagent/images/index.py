"""Which images the store has: the one file that makes a set of layers an image.

Flow: layers and config are stored -> *index replaced* -> the image exists for every process. A reader sees the index
before or after a change, never between, because it is replaced by rename.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nodeagent.images.errors import ImageError
from nodeagent.images.locks import locked, write_durably
from nodeagent.images.reference import Reference


@dataclass(frozen=True)
class Entry:
    """One image of the index."""

    names: tuple[str, ...]  # full names, those with a tag first; a name is with one image only
    layers: tuple[str, ...]  # diffIDs from the lowest up
    size: int


Entries = Mapping[str, Entry]  # by image id


class ImageIndex:
    """The file ``index.json``, read again only when it has been replaced."""

    def __init__(self, path: Path, lock_path: Path) -> None:
        self._path = path
        self._lock_path = lock_path
        self._stamp: tuple[int, int, int] | None = None
        self._entries: Entries = {}

    def read(self) -> Entries:
        """Return the images as they are now."""
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return {}
        stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
        if stamp != self._stamp:
            self._entries, self._stamp = _decode(self._path), stamp  # newer than its stamp at worst: read once more
        return self._entries

    def update(self, change: Callable[[Entries], Entries]) -> None:
        """Replace the index by what ``change`` makes of it; changes of all processes come one after the other."""
        with locked(self._lock_path):
            entries = change(self.read())
            document = {
                "images": {
                    image_id: {"names": entry.names, "layers": entry.layers, "size": entry.size}
                    for image_id, entry in sorted(entries.items())
                }
            }
            write_durably(self._path, json.dumps(document, indent=1).encode())


def _decode(path: Path) -> Entries:
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        return {
            image_id: Entry(tuple(item["names"]), tuple(item["layers"]), int(item["size"]))
            for image_id, item in document["images"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImageError(f"{path} is damaged ({error}); remove it and load the images again") from error


def filed_name(reference: Reference) -> str:
    """Return the name an image is filed under: an exact digest finds it whatever tag is beside it."""
    return str(reference.by_digest(reference.digest) if reference.digest else reference)


def find_name(entries: Entries, reference: Reference) -> str | None:
    """Return the id of the image with this name."""
    wanted = filed_name(reference)
    return next((image_id for image_id, entry in entries.items() if wanted in entry.names), None)


def with_image(entries: Entries, image_id: str, added: Entry) -> Entries:
    """Add an image; its names leave the images that had them, as ``docker pull`` does it."""
    result = {
        other: replace(entry, names=tuple(name for name in entry.names if name not in added.names))
        for other, entry in entries.items()
    }
    old_names = result[image_id].names if image_id in result else ()
    names = sorted({*old_names, *added.names}, key=lambda name: ("@" in name, name))
    result[image_id] = replace(added, names=tuple(names))
    return result


def without_name(entries: Entries, image_id: str, name: str) -> Entries:
    """Take one name from an image, and the image itself with its last tag; an empty name takes it with all names."""
    entry = entries[image_id]
    names = tuple(other for other in entry.names if name and other != name)
    has_tag = any("@" not in other for other in names)
    keeps = bool(names) and (has_tag or "@" in name)
    others = {other: kept for other, kept in entries.items() if other != image_id}
    return {**others, image_id: replace(entry, names=names)} if keeps else others
