"""Which modules the running kernel has or can load.

Nothing here loads one: the kernel does that itself when the first overlay is mounted, the first bridge, veth or VXLAN
device made, the first nft table written, also from inside a network namespace. It can while the files are there, which
they no longer are after an upgrade of the kernel without a reboot.

Source: modules.dep(5), modules.builtin in the kernel's kbuild.rst, proc(5) for /proc/modules, sysctl/kernel.rst.
"""

import os
from pathlib import Path
from typing import Final

_LOADED: Final = Path("/proc/modules")
_LOADING_FORBIDDEN: Final = Path("/proc/sys/kernel/modules_disabled")


def usable_modules() -> frozenset[str] | None:
    """Return the modules that are loaded, built in or can be loaded; None for a kernel that knows no modules."""
    if not _LOADED.exists():
        return None
    directory = Path("/lib/modules", os.uname().release)
    names = {line.split()[0] for line in _LOADED.read_text().splitlines()}
    names |= module_names(_text(directory / "modules.builtin"))
    if _text(_LOADING_FORBIDDEN).strip() != "1":
        names |= module_names(_text(directory / "modules.dep"))
    return frozenset(names)


def module_names(listing: str) -> set[str]:
    """Read lines that begin with a module's file, as ``kernel/net/bridge/bridge.ko.xz: kernel/net/llc/llc.ko.xz``."""
    files = (line.partition(":")[0] for line in listing.splitlines())
    return {os.path.basename(file).partition(".ko")[0].replace("-", "_") for file in files}


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
