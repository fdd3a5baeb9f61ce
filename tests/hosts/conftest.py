"""A real host: a Debian virtual machine with a stock kernel, systemd, and version 2 of cgroups alone.

The environment variable NARU_VM names the tool that makes it, with the verbs ``up N``, ``sh [-i] I COMMAND``,
``kill I`` and ``down``. It may be emulated, where Python takes twenty times as long, so deadlines are generous.
"""

import io
import os
import re
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[2]
SOURCES = ("naru", "apiserver", "scheduler", "controllers", "nodeagent", "cli", "manifests")
SITE = f"/opt/venv/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests in this directory run when somebody says how to get a machine."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.hosts)
            if "NARU_VM" not in os.environ:
                item.add_marker(pytest.mark.skip(reason="needs a tool for virtual machines: make test-hosts VM=path"))


@dataclass
class Machine:
    """One virtual machine with naru on it."""

    tool: Path
    environment: dict[str, str]

    def vm(self, *arguments: str, stdin: bytes = b"", timeout_s: float = 600) -> subprocess.CompletedProcess[bytes]:
        """Run the tool."""
        command = [self.tool, *arguments]
        return subprocess.run(
            command, env=self.environment, input=stdin, capture_output=True, timeout=timeout_s, check=False
        )

    def sh(self, command: str, *, stdin: bytes = b"", check: bool = True, timeout_s: float = 600) -> str:
        """Run a line of shell in the machine and return what it wrote, errors included."""
        options = ["-i"] if stdin else []
        done = self.vm("sh", *options, "1", f"exec 2>&1; {command}", stdin=stdin, timeout_s=timeout_s)
        text = done.stdout.decode(errors="replace")
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{text}{done.stderr.decode()}"
        return text

    def naru(self, arguments: str, *, stdin: bytes = b"", check: bool = True) -> str:
        """Run the command ``naru`` in the machine."""
        command = f"cd /opt/naru && COLUMNS=200 /opt/venv/bin/python -m cli {arguments}"
        return self.sh(command, stdin=stdin, check=check)

    def install(self) -> None:
        """Put naru and the packages it needs, as they are here, into the machine, which reaches no network."""
        version = self.sh("python3 -c 'import sys; print(*sys.version_info[:2], sep=\".\")'").strip()
        if version not in SITE:
            pytest.fail(f"the machine has Python {version}: its packages cannot be taken from here")
        self.sh("mkdir -p /opt/naru && python3 -m venv --without-pip /opt/venv")
        self.sh(f"tar xf - -C {SITE}", stdin=packages_tar())
        self.sh("tar xf - -C /opt/naru", stdin=sources_tar())


def sources_tar() -> bytes:
    """Pack the working tree; what has been compiled spares the machine the same minutes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in SOURCES:
            tar.add(REPOSITORY / name, name)
    return packed.getvalue()


def packages_tar() -> bytes:
    """Pack the files of every package that naru needs to run."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for package in needed_packages():
            for file in package.files or ():
                if ".." not in file.parts and Path(str(package.locate_file(file))).exists():
                    tar.add(str(package.locate_file(file)), str(file), recursive=False)
    return packed.getvalue()


def needed_packages() -> list[Distribution]:
    """Follow the requirements of the project to the end."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    pending, found = [Requirement(text) for text in project["dependencies"]], dict[str, Distribution]()
    while pending:
        wanted = pending.pop()
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        if name in found or (wanted.marker is not None and not wanted.marker.evaluate({"extra": ""})):
            continue
        found[name] = distribution(wanted.name)
        pending += [Requirement(text) for text in found[name].requires or ()]
    return list(found.values())


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine of this test run's own, taken away at the end."""
    own_set = {"VM_NAME": f"t{os.getpid()}", "VM_MEM": os.environ.get("VM_MEM", "2048")}
    made = Machine(Path(os.environ["NARU_VM"]), {**os.environ, **own_set})
    try:
        up = made.vm("up", "1", timeout_s=1800)  # the first time, this builds the image
        assert up.returncode == 0, up.stderr.decode()
        made.install()
        yield made
    finally:
        made.vm("down")
