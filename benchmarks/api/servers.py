"""The processes that are measured: an etcd on a unix socket and an API server on loopback, with TLS, as a cluster has.

Everything is in one new directory and ends with the block that started it, by its own pid.
"""

import contextlib
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.api import load, watching
from benchmarks.api.load import client_tls, connect
from benchmarks.api.traffic import HOST, PODS_PATH, head
from cli.cluster.config import ClusterConfig
from cli.cluster.pki import ensure_pki

REPOSITORY: Final = Path(__file__).parents[2]
START_S: Final = 30.0
JOB_S: Final = 300.0
LOOK_S: Final = 0.005


@dataclass(frozen=True)
class Machine:
    """Where things are: a directory on the disk, and the source tree of the API server."""

    directory: Path
    source: Path

    @property
    def tls(self) -> dict[str, str]:
        """The files of an administrator's connection."""
        pki = self.directory / "pki"
        return {"ca": f"{pki}/ca.crt", "certificate": f"{pki}/admin.crt", "key": f"{pki}/admin.key"}

    def log(self, name: str) -> Path:
        """Return where a process writes what it has to say."""
        return self.directory / f"{name}.log"

    @contextlib.contextmanager
    def process(self, argv: Sequence[str], name: str, cwd: str = "") -> Iterator[subprocess.Popen[bytes]]:
        """Run a process for as long as the block lasts."""
        environment = {**os.environ, "PYTHONPATH": str(self.source)}
        with self.log(name).open("wb") as out:
            child = subprocess.Popen(argv, cwd=cwd or self.directory, stdout=out, stderr=out, env=environment)
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@contextlib.contextmanager
def machine(source: Path) -> Iterator[Machine]:
    """Make the directory and the certificates."""
    with tempfile.TemporaryDirectory(prefix="naru-bench-", dir="/var/lib") as directory:
        pki = Path(directory) / "pki"
        pki.mkdir(mode=0o700)
        ensure_pki(pki, ClusterConfig("bench"))
        yield Machine(Path(directory), source)


@dataclass(frozen=True)
class Servers:
    """A ready API server and its etcd."""

    place: Machine
    port: int
    pids: dict[str, int]
    ready_s: float  # from the start of the process until it said that it is ready

    def load(self, kind: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Let the load generator do a job."""
        return finish(self.start_load(kind, *arguments, **options))

    def start_load(self, kind: str, *arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        """Start the load generator on a job."""
        return start_job("load", load.Job(self.port, self.place.tls, kind, list(arguments), pids=self.pids, **options))

    def watch(self, pod: str, watchers: int, rounds: int) -> dict[str, Any]:
        """Let many watchers see the changes of one Pod."""
        version = self.send(head("GET", f"{PODS_PATH}/{pod}"))["metadata"]["resourceVersion"]
        job = watching.Job(self.port, self.place.tls, pod, version, self.pids, watchers, rounds)
        return finish(start_job("watching", job))

    def send(self, request: bytes) -> dict[str, Any]:
        """Send one request on a connection of its own; return the object of the answer."""
        with connect(client_tls(self.place.tls), self.port) as connection:
            connection.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        decoded: dict[str, Any] = json.loads(answer[answer.index(b"\r\n\r\n") :])
        return decoded


@contextlib.contextmanager
def etcd(place: Machine) -> Iterator[tuple[str, int]]:
    """Run a new etcd as a cluster does (see cli/cluster/components.py); yield its address and pid."""
    with tempfile.TemporaryDirectory(prefix="etcd-", dir=place.directory) as data:
        argv = ["etcd", "--data-dir=data", "--listen-client-urls=unix://c:0", "--advertise-client-urls=unix://c:0"]
        argv += ["--listen-peer-urls=unix://p:0", "--initial-advertise-peer-urls=http://localhost:2380"]
        argv += ["--initial-cluster=default=http://localhost:2380"]
        argv += ["--heartbeat-interval=30", "--election-timeout=150", "--logger=zap", "--log-level=info"]
        with place.process(argv, "etcd", cwd=data) as child:
            log = place.log("etcd")
            wait_until(lambda: b"serving client traffic" in log.read_bytes(), child, log)
            yield f"unix://{data}/c:0", child.pid


@contextlib.contextmanager
def servers(place: Machine, module: Sequence[str] = ("-m", "apiserver")) -> Iterator[Servers]:
    """Run an API server on a new etcd."""
    with etcd(place) as (target, etcd_pid), apiserver(place, target, module) as (port, pid, ready_s):
        yield Servers(place, port, {"server": pid, "etcd": etcd_pid}, ready_s)


@contextlib.contextmanager
def apiserver(
    place: Machine, target: str, module: Sequence[str] = ("-m", "apiserver")
) -> Iterator[tuple[int, int, float]]:
    """Run an API server; yield its port, its pid, and the seconds until it was ready."""
    port = free_port()
    argv = [sys.executable, *module, "--etcd", target, "--listen", f"{HOST}:{port}"]
    argv += ["--pki-dir", f"{place.directory}/pki", "--log-level", "warning"]
    started = time.perf_counter()
    with place.process(argv, "apiserver") as child:
        context = client_tls(place.tls)
        wait_until(lambda: is_ready(context, port), child, place.log("apiserver"))
        yield port, child.pid, time.perf_counter() - started


def wait_until(condition: Callable[[], bool], child: subprocess.Popen[bytes], log: Path) -> None:
    """Look again and again.

    Raises:
        RuntimeError: the process has ended, or does not get there.
    """
    deadline = time.monotonic() + START_S
    while not condition():
        if child.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{child.args!r} did not get ready:\n{log.read_text()[-2000:]}")
        time.sleep(LOOK_S)


def is_ready(context: ssl.SSLContext, port: int) -> bool:
    """Ask the API server whether it is ready."""
    try:
        with connect(context, port) as connection:
            connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % HOST.encode())
            return connection.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def start_job(module: str, job: load.Job | watching.Job) -> subprocess.Popen[bytes]:
    """Start a process that measures; :func:`finish` returns what it found."""
    argv = [sys.executable, "-m", f"benchmarks.api.{module}"]
    child = subprocess.Popen(argv, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    child.stdin.write(json.dumps(asdict(job)).encode())
    child.stdin.close()
    child.stdin = None
    return child


def finish(child: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Wait for a process that measures, and return its figures.

    Raises:
        RuntimeError: it failed.
    """
    out, _ = child.communicate(timeout=JOB_S)
    if child.returncode:
        raise RuntimeError(f"{child.args!r} failed")
    figures: dict[str, Any] = json.loads(out)
    return figures


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
