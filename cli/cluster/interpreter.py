"""How to run a module of naru in a Python process of its own, wherever naru is installed or checked out."""

import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import cli


def command(module: str, args: Sequence[str]) -> list[str]:
    """Return the command line that runs a module; the working directory is not searched for it."""
    return [sys.executable, "-P", "-m", module, *args]


def environment() -> dict[str, str]:
    """Return this process's environment, completed so that the module is found."""
    environ = dict(os.environ)
    source = Path(cli.__file__).parents[1]
    if source != Path(sysconfig.get_path("purelib")):
        environ["PYTHONPATH"] = str(source)
    return environ
