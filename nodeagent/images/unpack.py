"""Unpack one layer: a program of its own, so that no image can hold up the agent's event loop, or escape.

Called as ``python -I unpack.py ROOT OFFSET SIZE`` with the blob on standard input; answers with one line of JSON,
``{"diff_id": "sha256:...", "size": ...}`` or ``{"error": "..."}``.

A layer is written by a stranger, so the program locks itself into ``ROOT`` with chroot(2) first: whatever symlinks and
".." a layer holds, the kernel resolves them below ROOT. Deletions, which a layer tells by file names, become what
overlayfs reads as deletions: ``.wh.NAME`` a character device 0:0 at NAME, ``.wh..wh..opq`` a mark on its directory.

Source: OCI image spec, "Image Layer Filesystem Changeset"; the kernel's overlayfs document, "whiteouts and opaque
directories".
"""

import ctypes
import gzip
import hashlib
import json
import os
import posixpath
import shutil
import stat
import sys
import tarfile
import zlib
from typing import IO, Final, cast

GZIP_MAGIC: Final = b"\x1f\x8b"
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
WHITEOUT_PREFIX: Final = ".wh."
WHITEOUT_META_PREFIX: Final = ".wh..wh."  # of aufs: nothing to hide, but for the next
OPAQUE_MARK: Final = ".wh..wh..opq"
OPAQUE_XATTR: Final = "trusted.overlay.opaque"
PAX_XATTR_PREFIX: Final = "SCHILY.xattr."
CHUNK_BYTES: Final = 1 << 18
NICENESS: Final = 5  # running containers come first


class LayerError(Exception):
    """The layer cannot be unpacked as it stands."""


class Slice:
    """The part of a file that holds the layer: all of a blob, or one member of an archive."""

    def __init__(self, fd: int, offset: int, size: int) -> None:
        self._fd, self._offset, self._left = fd, offset, size

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes."""
        wanted = self._left if size < 0 else min(size, self._left)
        chunk = os.pread(self._fd, wanted, self._offset)
        self._offset += len(chunk)
        self._left -= len(chunk)
        return chunk


class Digester:
    """Hash what passes through: the diffID is the digest of the uncompressed tar."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes of the tar."""
        chunk = self._source.read(size)
        self._hash.update(chunk)
        self.size += len(chunk)
        return chunk

    def finish(self) -> str:
        """Read what follows the archive's end mark, which belongs to the digest too, and return the diffID."""
        while self.read(CHUNK_BYTES):
            pass
        return f"sha256:{self._hash.hexdigest()}"


def decompressed(fd: int, offset: int, size: int) -> IO[bytes]:
    """Open the layer by what its first bytes say: media types are not always right."""
    magic = os.pread(fd, 4, offset)
    source = cast(IO[bytes], Slice(fd, offset, size))
    if magic.startswith(GZIP_MAGIC):
        return cast(IO[bytes], gzip.GzipFile(fileobj=source, mode="rb"))
    if magic == ZSTD_MAGIC:
        import zstandard  # only few layers need it

        return cast(IO[bytes], zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True))
    return source


def lock_into(root: str) -> None:
    """Make ``root`` the whole world of this process, for good."""
    os.chroot(root)
    os.chdir("/")
    sys.path.clear()  # an import from here on would run Python found in the layer, outside every container
    sys.meta_path.clear()


class Extractor:
    """Writes members of a tar below "/", which is the layer's root by now."""

    def __init__(self) -> None:
        self._directories: set[str] = {"/"}  # those known to be there
        self._times: dict[str, int] = {}  # of directories, set at the end: each new entry changes them

    def add(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        """Create what one member stands for."""
        path = rooted(member.name)
        parent, name = posixpath.split(path)
        self._ensure_directory(parent)
        if name == OPAQUE_MARK:
            os.setxattr(parent, OPAQUE_XATTR, b"y")
        elif name.startswith(WHITEOUT_META_PREFIX):
            return
        elif name.startswith(WHITEOUT_PREFIX):
            self._hide(posixpath.join(parent, name.removeprefix(WHITEOUT_PREFIX)))
        else:
            self._create(tar, member, path)
            self._set_attributes(member, path)

    def finish(self) -> None:
        """Give the directories their times."""
        for path, moment in self._times.items():
            os.utime(path, ns=(moment, moment), follow_symlinks=False)

    def _create(self, tar: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
        hid_lower = self._make_room(path, keep_directory=member.isdir())
        if member.isdir():
            if path not in self._directories and not os.path.isdir(path):
                os.mkdir(path)
            self._directories.add(path)
            if hid_lower:
                os.setxattr(path, OPAQUE_XATTR, b"y")
        elif member.islnk():
            link(rooted(member.linkname), path)
        elif member.issym():
            os.symlink(member.linkname, path)
        elif member.isfifo():
            os.mkfifo(path)
        elif member.ischr() or member.isblk():
            kind = stat.S_IFCHR if member.ischr() else stat.S_IFBLK
            os.mknod(path, kind, os.makedev(member.devmajor, member.devminor))
        elif member.isreg():
            write_file(tar, member, path)
        else:
            raise LayerError(f'layer entry "{member.name}" has the unknown type {member.type!r}')

    def _set_attributes(self, member: tarfile.TarInfo, path: str) -> None:
        if member.islnk():
            return  # they are those of the file linked to
        os.chown(path, member.uid, member.gid, follow_symlinks=False)
        if not member.issym():
            os.chmod(path, member.mode & 0o7777)  # after chown, which clears the set-id bits
        for name, value in xattrs(member).items():
            os.setxattr(path, name, value, follow_symlinks=False)
        moment = int(member.mtime * 1_000_000_000)
        if member.isdir():
            self._times[path] = moment
        else:
            os.utime(path, ns=(moment, moment), follow_symlinks=False)

    def _hide(self, path: str) -> None:
        """Hide what lower layers have at ``path``; what this layer itself has there stays."""
        try:
            mode = os.lstat(path).st_mode
        except FileNotFoundError:
            os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))
            return
        if stat.S_ISDIR(mode):
            os.setxattr(path, OPAQUE_XATTR, b"y")

    def _make_room(self, path: str, keep_directory: bool) -> bool:
        """Remove what is at ``path``; a later member replaces an earlier one. Tell whether that hid lower layers."""
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            return False
        if stat.S_ISDIR(status.st_mode):
            if not keep_directory:
                shutil.rmtree(path)
                gone = {known for known in self._directories if f"{known}/".startswith(f"{path}/")}
                self._directories -= gone
                self._times = {known: moment for known, moment in self._times.items() if known not in gone}
            return False
        hid_lower = is_whiteout(path)
        os.unlink(path)
        return hid_lower

    def _ensure_directory(self, path: str) -> None:
        """Make ``path`` and its parents where the layer left them out."""
        if path in self._directories:
            return
        parent = posixpath.dirname(path)
        self._ensure_directory(parent)
        if not os.path.isdir(path):  # follows symlinks: the chroot keeps them inside
            if os.path.lexists(path) and not is_whiteout(path):
                raise LayerError(f'layer has entries below "{path}", which is not a directory')
            hid_lower = self._make_room(path, keep_directory=True)
            os.mkdir(path, 0o755)
            if hid_lower:
                os.setxattr(path, OPAQUE_XATTR, b"y")
        self._directories.add(path)


def is_whiteout(path: str) -> bool:
    """Tell whether overlayfs would see a deletion here."""
    status = os.lstat(path)
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def rooted(name: str) -> str:
    """Return a member's name as an absolute path of the layer.

    Raises:
        LayerError: the name climbs out of the root.
    """
    depth = 0
    for part in name.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            raise LayerError(f'layer entry "{name}" points outside the root')
    return posixpath.normpath(f"/{name.lstrip('/')}")


def link(target: str, path: str) -> None:
    """Make a hard link; the file must be in the same layer, as every builder puts it there."""
    try:
        os.link(target, path, follow_symlinks=False)
    except FileNotFoundError:
        raise LayerError(f'hard link "{path}" points to "{target}", which is not in the layer') from None


def write_file(tar: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> None:
    """Write a regular file that is not there yet."""
    content = tar.extractfile(member)
    if content is None:
        raise LayerError(f'layer entry "{member.name}" has no content')
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(fd, "wb") as file:
        shutil.copyfileobj(content, file, CHUNK_BYTES)


def xattrs(member: tarfile.TarInfo) -> dict[str, bytes]:
    """Return the attributes to keep: the user's, file capabilities, ACLs; not overlayfs' own, which could redirect."""
    kept = {}
    for header, value in member.pax_headers.items():
        name = header.removeprefix(PAX_XATTR_PREFIX)
        is_kept = name.startswith(("user.", "system.posix_acl_")) and not name.startswith("user.overlay.")
        if header != name and (is_kept or name == "security.capability"):
            kept[name] = value.encode("utf-8", "surrogateescape")
    return kept


def unpack(fd: int, root: str, offset: int, size: int) -> dict[str, str | int]:
    """Unpack the layer into ``root`` and make it durable. This process can do nothing else afterwards."""
    libc = ctypes.CDLL(None, use_errno=True)  # this program stands alone, so it loads libc itself
    digester = Digester(decompressed(fd, offset, size))
    root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    lock_into(root)
    extractor = Extractor()
    source = cast(IO[bytes], digester)
    with tarfile.open(fileobj=source, mode="r|", bufsize=CHUNK_BYTES, encoding="utf-8") as tar:
        for member in tar:
            extractor.add(tar, member)
            tar.members = []  # type: ignore[attr-defined]  # it would remember every member, for no use of ours
    extractor.finish()
    diff_id = digester.finish()
    if libc.syncfs(root_fd) != 0:
        raise OSError(ctypes.get_errno(), "cannot write the layer to disk")
    return {"diff_id": diff_id, "size": digester.size}


def main(argv: list[str]) -> int:
    """Unpack standard input as the arguments say."""
    root, offset, size = argv
    os.umask(0)
    os.nice(NICENESS)
    try:
        answer: dict[str, str | int] = unpack(0, root, int(offset), int(size))
    except LayerError as error:
        answer = {"error": str(error)}
    except (OSError, EOFError, ValueError, zlib.error, tarfile.TarError) as error:
        answer = {"error": f"cannot unpack layer: {error}"}
    except RecursionError:
        answer = {"error": "cannot unpack layer: its paths are nested too deeply"}
    print(json.dumps(answer))
    return 1 if "error" in answer else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
