"""The ``naru image`` command: what a person does to the image store by hand.

The store is a directory that is safe to share, so these verbs work on it directly, whether or not a cluster runs.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from nodeagent.images.errors import ImageError
from nodeagent.images.reference import parse_reference
from nodeagent.images.store import Image, ImageStore

EXAMPLES: Final = """examples:
  naru image list
  docker save web:dev | gzip > web.tar.gz && naru image load web.tar.gz
  naru image import ./rootfs example.org/tools:1
  naru image pull registry.example.org/team/web:3
  naru image pull --insecure-registry 198.18.0.1:5000 198.18.0.1:5000/web:3
  naru image rm example.org/tools:1
"""
COLUMNS: Final = ("REPOSITORY", "TAG", "IMAGE ID", "SIZE")


def default_image_dir() -> Path:
    """Return the store of the cluster named ``naru``."""
    return Path(os.environ.get("NARU_DATA_ROOT", "/var/lib/naru")) / "naru" / "images"


def new_parser() -> argparse.ArgumentParser:
    """Build the command line."""
    parser = argparse.ArgumentParser(
        prog="naru image",
        description="Look at and change the images of this machine.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--image-dir", type=Path, default=default_image_dir(), help="the image store (%(default)s)")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("list", aliases=["ls"], help="list the images that are here")
    load = verbs.add_parser("load", help="add the images of an archive (docker save, OCI layout)")
    load.add_argument("archive", type=Path, nargs="+", help="a tar, perhaps gzipped, or a directory")
    imports = verbs.add_parser("import", help="make a directory an image")
    imports.add_argument("directory", type=Path)
    imports.add_argument("name")
    pull = verbs.add_parser("pull", help="fetch images from their registries")
    pull.add_argument("name", nargs="+")
    pull.add_argument(
        "--insecure-registry",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="speak to this registry without TLS (may be repeated)",
    )
    remove = verbs.add_parser("rm", help="remove names, and images with their last name")
    remove.add_argument("name", nargs="+", help="a name or a full id (sha256:...)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return 0, or 1 with the reason on standard error."""
    options = new_parser().parse_args(argv)
    try:
        run(options, ImageStore(options.image_dir))
    except (ImageError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def run(options: argparse.Namespace, store: ImageStore) -> None:
    """Carry out what the command line says."""
    match options.verb:
        case "list" | "ls":
            print_images(store.list())
        case "load":
            for archive in options.archive:
                for image in store.load_archive(archive):
                    print(f"loaded {describe(image)}")
        case "import":
            print(f"imported {describe(store.import_directory(options.directory, options.name))}")
        case "pull":
            for name in options.name:
                print(f"pulled {describe(pull(store, name, options.insecure_registry))}")
        case "rm":
            for name in options.name:
                store.remove(name)
                print(f"removed {name}")


def pull(store: ImageStore, name: str, insecure: Sequence[str]) -> Image:
    """Pull, with a sign of life where somebody is watching."""
    console = Console(stderr=True)
    with console.status(f"pulling {name}"):
        return asyncio.run(store.pull(name, insecure=insecure))


def describe(image: Image) -> str:
    """Name an image in one line."""
    return ", ".join(image.names) or image.id


def rows(images: Sequence[Image]) -> list[tuple[str, ...]]:
    """Return one row a tag; what has no tag shows once, with ``<none>``."""
    result: list[tuple[str, ...]] = []
    for image in images:
        tagged = [parse_reference(name) for name in image.names if "@" not in name]
        untagged = [parse_reference(name) for name in image.names[:1]] if not tagged else []
        pairs = [(name.name, name.tag or "<none>") for name in (*tagged, *untagged)] or [("<none>", "<none>")]
        result += [(*pair, image.id.removeprefix("sha256:")[:12], human_size(image.size_bytes)) for pair in pairs]
    return result


def human_size(size_bytes: int) -> str:
    """Write a size with three digits, in powers of 1000 as docker does."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g}{unit}"
        size /= 1000
    return f"{size:.3g}TB"


def print_images(images: Sequence[Image]) -> None:
    """Print a table: drawn on a terminal, plain columns for a program."""
    console = Console()
    if not console.is_terminal:
        lines = [COLUMNS, *rows(images)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
        for line in lines:
            print("   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        return
    table = Table(*COLUMNS, box=None, header_style="bold")
    for row in rows(images):
        table.add_row(*row)
    console.print(table)
