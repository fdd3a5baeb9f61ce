"""`naru image`: the images of this machine's nodes. The node agent's own tool does the work."""

import os
from typing import Final

import typer

from cli.cluster.config import DEFAULT_NAME
from cli.commands.options import RUNNING_PANEL, Name, examples

TOOL: Final = "nodeagent.images.command:main"


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command(
        rich_help_panel=RUNNING_PANEL,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False},
        epilog=examples(
            "naru image list",
            "naru image load web.tar",
            "naru image pull docker.io/library/alpine:3",
            "naru image import ./rootfs example.org/web:1",
            "naru image rm example.org/web:1",
            "naru image pull --help",
        ),
    )(image)


def image(context: typer.Context, name: Name = DEFAULT_NAME) -> int:
    """List, load, pull, import and remove images: `naru image VERB ...`."""
    from cli.cluster.launch import load_entry
    from cli.cluster.layout import Layout
    from cli.faults import Fault

    directory = Layout.of(name).images
    if os.geteuid() != 0:
        raise Fault("the images of the nodes belong to root", remedy="sudo naru image ...")
    arguments = context.args or ["--help"]
    try:
        return load_entry(TOOL)(["--image-dir", f"{directory}", *arguments])
    except SystemExit as ended:  # argparse ends the process for --help and for a wrong command line
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
