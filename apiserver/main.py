"""The ``apiserver`` process: flags, TLS listeners, the tasks behind them, and a clean end.

Order of things: listen first, so that clients wait in a queue instead of being refused; then follow etcd and make the
system namespaces; ready. At SIGTERM: stop accepting, end the watches (their clients go on elsewhere), finish the
requests under way, close etcd.
"""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from apiserver.app import add_audit_id, make_app
from apiserver.authn import server_tls
from apiserver.startup import prepare_cluster
from apiserver.state import ServerConfig, ServerState
from apiserver.storage.caches import Caches
from apiserver.storage.etcd import Etcd
from apiserver.storage.grpc_etcd import GrpcEtcd
from apiserver.storage.store import ObjectStore
from apiserver.trail import TrailRing
from naru.api.errors import ServiceUnavailable
from naru.telemetry import logs

logger = logging.getLogger(__name__)

SHUTDOWN_S: Final = 5.0  # for requests under way
COMPACT_EVERY_S: Final = 300.0
BACKLOG: Final = 1024


@dataclass(frozen=True)
class ListenFailed(Exception):
    """An address cannot be listened on."""

    address: str
    why: str


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    flags = argparse.ArgumentParser(prog="apiserver", description="Serve the Kubernetes API from etcd.")
    flags.add_argument("--etcd", required=True, help="unix:///path of the socket, or http://host:port")
    flags.add_argument("--listen", required=True, action="append", metavar="IP:PORT", help="may be repeated")
    flags.add_argument("--pki-dir", required=True, type=Path, help="has ca.crt, apiserver.crt, apiserver.key, ...")
    flags.add_argument("--cluster-name", default="naru")
    flags.add_argument(
        "--default-toleration-seconds",
        type=int,
        default=300,
        help="how long pods stay on a node that is not ready or not reachable, unless they say otherwise",
    )
    flags.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    return flags


def parse_address(text: str) -> tuple[str, int]:
    """Split ``127.0.0.1:6443`` or ``[::1]:6443``.

    Raises:
        ValueError: it is no such thing.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not 0 <= int(port) < 65536:
        raise ValueError(f"--listen {text}: want an address and a port, as in 127.0.0.1:6443")
    return host.strip("[]"), int(port)


async def serve(config: ServerConfig) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        ListenFailed: an address is taken, or not of this machine.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    async with running(config) as state:
        await stop.wait()
        logger.info("stopping", extra={"watchers": state.caches.watchers})


@contextlib.asynccontextmanager
async def running(config: ServerConfig) -> AsyncIterator[ServerState]:
    """Run a server for as long as the block lasts."""
    etcd = GrpcEtcd(config.etcd)
    caches = Caches(etcd)
    state = ServerState(config, etcd, ObjectStore(etcd, caches), caches, TrailRing())
    app = make_app(state)
    app.on_response_prepare.append(add_audit_id)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    tasks: list[asyncio.Task[None]] = []
    try:
        await _listen(runner, config)
        tasks += [
            asyncio.create_task(caches.run(), name="caches"),
            asyncio.create_task(prepare_cluster(state), name="startup"),
            asyncio.create_task(_compact(etcd, caches), name="compaction"),
        ]
        for task in tasks:
            task.add_done_callback(_report)
        yield state
    finally:
        state.stopping.set()
        caches.end_watchers()
        await runner.cleanup()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await etcd.close()


async def _listen(runner: web.AppRunner, config: ServerConfig) -> None:
    pki = config.pki_dir
    tls = server_tls(pki / "apiserver.crt", pki / "apiserver.key", config.ca_file)
    for host, port in config.listen:
        try:
            await web.TCPSite(runner, host, port, ssl_context=tls, backlog=BACKLOG).start()
        except OSError as error:
            raise ListenFailed(f"{host}:{port}", error.strerror or str(error)) from error
        logger.info("listening", extra={"address": f"{host}:{port}"})


async def _compact(etcd: Etcd, caches: Caches) -> None:
    """Let etcd forget, every five minutes, what is older than five minutes: a list has that long for its pages."""
    revision = 0
    while True:
        await asyncio.sleep(COMPACT_EVERY_S)
        if revision:
            try:
                await etcd.compact(revision)
            except ServiceUnavailable as error:
                logger.warning("could not compact etcd", extra={"error": error.message})
        revision = caches.revision


def _report(task: "asyncio.Task[None]") -> None:
    """Make sure that a task that ended by a fault does not go unseen."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.critical("a task of the server died", exc_info=error, extra={"task": task.get_name()})
        signal.raise_signal(signal.SIGTERM)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the API server; the exit code says whether it ended as asked."""
    flags = parser()
    args = flags.parse_args(argv)
    logs.configure("apiserver", args.log_level)
    try:
        listen = tuple(map(parse_address, args.listen))
        config = ServerConfig(args.etcd, listen, args.pki_dir, args.cluster_name, args.default_toleration_seconds)
        asyncio.run(serve(config))
    except ListenFailed as failed:
        logger.error("cannot listen: choose another --listen, or stop who is there", extra=vars(failed))
        return 1
    except (ValueError, OSError) as error:
        print(f"apiserver: {error}", file=sys.stderr)
        return 2
    return 0
