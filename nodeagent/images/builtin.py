"""Images made on this machine: the built-in busybox, and any directory as an image of one layer.

The built-in image lets every example run with no network at all. It is made from the host's static busybox, the same
bytes each time: file times are zero and entries are sorted, so its digests say which busybox is inside.
"""

import io
import json
import os
import stat
import subprocess
import tarfile
from pathlib import Path
from typing import IO, Final

from nodeagent.images.errors import ImageError

BUILTIN_NAME: Final = "naru.local/busybox:1"
LOCAL_REGISTRY: Final = "naru.local"  # names below it are never asked for over the network
BUSYBOX: Final = Path("/bin/busybox")
PATH_VARIABLE: Final = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_ELF_MAGIC: Final = b"\x7fELF"
_PT_INTERP: Final = 3  # the program header that names a dynamic loader

_DIRECTORIES: Final = {
    "bin": 0o755, "dev": 0o755, "etc": 0o755, "home": 0o755, "proc": 0o755, "root": 0o700, "run": 0o755,
    "sbin": 0o755, "sys": 0o755, "tmp": 0o1777, "usr": 0o755, "usr/bin": 0o755, "usr/sbin": 0o755,
    "var": 0o755, "var/spool": 0o755, "var/www": 0o755,
}  # fmt: skip
_FILES: Final = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/bin/false\n"
    "nobody:x:65534:65534:nobody:/home:/bin/false\n",
    "etc/group": "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}


def new_config(diff_id: str, architecture: str, command: str) -> bytes:
    """Write the config of an image of one layer."""
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Env": [PATH_VARIABLE], "Cmd": [command]},
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
    }
    return json.dumps(config, sort_keys=True).encode()


def write_busybox_layer(target: IO[bytes], busybox: Path = BUSYBOX) -> None:
    """Write the built-in image's layer as a tar.

    Raises:
        ImageError: the host has no busybox that runs without libraries.
    """
    binary = _read_static_binary(busybox)
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, mode in sorted(_DIRECTORIES.items()):
            tar.addfile(_entry(name, tarfile.DIRTYPE, mode))
        for name, text in sorted(_FILES.items()):
            _add_file(tar, name, 0o644, text.encode())
        _add_file(tar, "bin/busybox", 0o755, binary)
        for applet in sorted(_applets(busybox) - {"bin/busybox"}):
            link = _entry(applet, tarfile.SYMTYPE, 0o777)
            link.linkname = "/bin/busybox"
            tar.addfile(link)


def _read_static_binary(path: Path) -> bytes:
    try:
        binary = path.read_bytes()
    except OSError as error:
        raise ImageError(
            f"cannot make {BUILTIN_NAME}: {path}: {error.strerror} (apt install busybox-static)"
        ) from error
    if not is_static(binary):
        raise ImageError(f"cannot make {BUILTIN_NAME}: {path} needs libraries (apt install busybox-static)")
    return binary


def is_static(binary: bytes) -> bool:
    """Tell whether a program runs without a dynamic loader. Source: elf(5)."""
    if binary[:4] != _ELF_MAGIC or binary[4] != 2 or binary[5] != 1:  # 64 bit, little endian: all that naru runs on
        return False
    table = int.from_bytes(binary[32:40], "little")  # e_phoff
    size = int.from_bytes(binary[54:56], "little")  # e_phentsize
    count = int.from_bytes(binary[56:58], "little")  # e_phnum
    starts = (table + number * size for number in range(count))
    return all(int.from_bytes(binary[start : start + 4], "little") != _PT_INTERP for start in starts)


def _applets(busybox: Path) -> set[str]:
    listing = subprocess.run([busybox, "--list-full"], capture_output=True, text=True, timeout=10, check=True)
    return {line for line in listing.stdout.split() if line.startswith(("bin/", "sbin/", "usr/bin/", "usr/sbin/"))}


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = kind, mode
    return entry


def _add_file(tar: tarfile.TarFile, name: str, mode: int, content: bytes) -> None:
    entry = _entry(name, tarfile.REGTYPE, mode)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def write_directory_layer(target: IO[bytes], directory: Path) -> None:
    """Write a directory's content as a layer: owners, modes, times, links and attributes kept, sockets left out."""
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _add_tree(tar, directory, "")


def _add_tree(tar: tarfile.TarFile, path: Path, name: str) -> None:
    mode = os.lstat(path).st_mode
    if stat.S_ISSOCK(mode):
        return  # a tar cannot hold it
    entry = tar.gettarinfo(str(path), name or ".")
    entry.uname = entry.gname = ""  # names of this host mean nothing elsewhere
    entry.pax_headers = {
        f"SCHILY.xattr.{attribute}": os.getxattr(path, attribute, follow_symlinks=False).decode(
            "utf-8", "surrogateescape"
        )
        for attribute in os.listxattr(path, follow_symlinks=False)
    }
    if entry.isreg():
        with open(path, "rb") as content:
            tar.addfile(entry, content)
    else:
        tar.addfile(entry)
    if stat.S_ISDIR(mode):
        for child in sorted(os.listdir(path)):
            _add_tree(tar, path / child, f"{name}/{child}".lstrip("/"))
