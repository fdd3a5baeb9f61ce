"""Fixtures: real clusters, each with a name, a port and address ranges of its own, taken away whatever happens."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
IMAGE = "naru.local/busybox:1"
_numbers = count()


@dataclass
class Cluster:
    """A cluster, driven with the command as a user would."""

    name: str
    api_port: int
    flags: list[str] = field(default_factory=list)

    def naru(
        self, *arguments: str, check: bool = True, stdin: str = "", timeout_s: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run `naru` for this cluster."""
        environment = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}
        environment |= {"NARU_CLUSTER": self.name, "PYTHONPATH": str(REPOSITORY)}
        done = subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            cwd=REPOSITORY,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if check:
            assert done.returncode == 0, f"naru {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done

    def up(self, *more: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Start the cluster."""
        return self.naru("up", "--no-egress", *self.flags, *more, check=check)

    def down(self, *more: str) -> subprocess.CompletedProcess[str]:
        """Stop the cluster."""
        return self.naru("down", *more)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return Path(self.naru("kubeconfig").stdout.strip())

    def status(self) -> dict[str, Any]:
        """What `naru status` says."""
        status: dict[str, Any] = json.loads(self.naru("status", "-o", "json", check=False).stdout)
        return status

    def component(self, name: str) -> dict[str, Any]:
        """What `naru status` says of one component."""
        return next(component for component in self.status()["components"] if component["name"] == name)

    def get(self, *arguments: str) -> dict[str, Any]:
        """Read an object, or a list of them."""
        body: dict[str, Any] = json.loads(self.naru("get", *arguments, "-o", "json").stdout)
        return body


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def new_cluster(*flags: str) -> Cluster:
    """Describe a cluster whose name, port and ranges no other test run uses."""
    number = next(_numbers)
    subnet = (os.getpid() * 7 + number) % 250
    port = free_port()
    ranges = ["--underlay", f"198.19.{subnet}.0/24"]
    ranges += ["--pod-cidr", f"10.{100 + subnet % 50}.0.0/16", "--service-cidr", f"10.{150 + subnet % 50}.0.0/16"]
    return Cluster(f"naru-e2e-{os.getpid()}-{number}", port, ["--api-port", str(port), *ranges, *flags])


@contextmanager
def running(cluster: Cluster) -> Iterator[Cluster]:
    """Start a cluster, and take it away with its data at the end."""
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down("--purge")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster of three nodes that all tests share: each leaves it as it found it."""
    with running(new_cluster()) as shared:
        yield shared


@pytest.fixture
def impatient_cluster() -> Iterator[Cluster]:
    """A cluster that gives up a silent node, and the pods on it, after seconds."""
    with running(new_cluster("--node-monitor-grace-period", "15s", "--default-toleration-seconds", "2")) as own:
        yield own


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = 30.0) -> None:
    """Wait until a condition holds."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, f"not within {timeout_s} s: {what}"
        time.sleep(0.1)


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Lend :func:`wait_until`."""
    return wait_until


@pytest.fixture
def clusters() -> Iterator[Callable[..., Cluster]]:
    """Describe clusters of a test's own; what it started of them is taken away at the end."""
    made: list[Cluster] = []

    def make(*flags: str) -> Cluster:
        made.append(new_cluster(*flags))
        return made[-1]

    yield make
    for own in made:
        own.down("--purge")


class Kubectl:
    """One version of kubectl, pointed at the cluster."""

    def __init__(self, binary: Path, kubeconfig: Path, home: Path) -> None:
        self.binary = binary
        self.environment = {"KUBECONFIG": str(kubeconfig), "HOME": str(home), "PATH": os.environ["PATH"]}

    def run(self, *arguments: str, stdin: str | None = None, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.binary), *arguments],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def __call__(self, *arguments: str, stdin: str | None = None, timeout_s: float = 60) -> str:
        done = self.run(*arguments, stdin=stdin, timeout_s=timeout_s)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}{done.stdout}"
        return done.stdout

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.binary), *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture(params=["1.32", "1.36"])
def kubectl(request: pytest.FixtureRequest, cluster: Cluster, tmp_path: Path) -> Iterator[Kubectl]:
    """Each version, with a namespace of its own as the default."""
    tool = Kubectl(REPOSITORY / ".tools" / f"kubectl-{request.param}", tmp_path / "kubeconfig", tmp_path)
    namespace = f"kubectl-{request.param.replace('.', '-')}-{os.getpid()}-{time.monotonic_ns() % 100000}"
    (tmp_path / "kubeconfig").write_text(cluster.kubeconfig.read_text())
    tool("create", "namespace", namespace)
    tool("config", "set-context", "--current", "--namespace", namespace)
    yield tool
    tool("delete", "pods", "--all", "--grace-period=1", "--wait=false")  # most of them would ignore SIGTERM for long
    tool("delete", "namespace", namespace, timeout_s=90)
