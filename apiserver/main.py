"""The ``apiserver`` process: flags, TLS listeners, the tasks behind them, and a clean end.

Order of things: listen first, so that clients wait in a queue instead of being refused; then follow etcd and make the
system namespaces; ready. At SIGTERM: stop accepting, end the watches (their clients go on elsewhere), finish the
requests under way, close etcd.
"""

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from aiohttp import web

from apiserver.app import finish_headers, make_app
from apiserver.authn import server_tls
from apiserver.connections import PATIENCE, limits
from apiserver.quick_gets import QUICK_GETS
from apiserver.startup import prepare_cluster
from apiserver.state import SERVICE_ACCOUNT_ISSUER, SERVICE_CIDR, ServerConfig, ServerState
from apiserver.storage.caches import Caches
from apiserver.storage.etcd import Etcd
from apiserver.storage.grpc_etcd import GrpcEtcd
from apiserver.storage.store import ObjectStore
from apiserver.trail import TrailRing
from naru.api.errors import APIError
from naru.telemetry import logs

logger = logging.getLogger(__name__)

SHUTDOWN_S: Final = 5.0  # for requests under way
COMPACT_EVERY_S: Final = 300.0
BACKLOG: Final = 1024
GC_THRESHOLDS: Final = (10_000, 20, 100)  # few objects here are cyclic garbage, and a full search takes long


class CannotStart(Exception):
    """The process cannot do what its flags ask; the message says which, and what to do."""


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
    flags.add_argument(
        "--request-timeout",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long a client may take to send a request",
    )
    flags.add_argument("--service-cidr", type=IPv4Network, default=SERVICE_CIDR, help="addresses of all Services")
    flags.add_argument(
        "--service-node-port-range",
        type=parse_ports,
        default=(30000, 32767),
        metavar="FIRST-LAST",
        help="ports under which nodes offer Services [default: 30000-32767]",
    )
    flags.add_argument("--advertise-address", default="", metavar="IP", help="where clients in the cluster connect to")
    flags.add_argument(
        "--service-account-issuer",
        default=SERVICE_ACCOUNT_ISSUER,
        metavar="URL",
        help="issuer and audience of service account tokens [default: %(default)s]",
    )
    flags.add_argument("--cache-dir", type=Path, help="keeps what can be made again, such as OpenAPI documents")
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


def parse_ports(text: str) -> tuple[int, int]:
    """Split ``30000-32767``.

    Raises:
        ValueError: it is no such thing.
    """
    first, _, last = text.partition("-")
    if not 0 < int(first) <= int(last) < 65536:
        raise ValueError(f"{text}: want the first and the last port, as in 30000-32767")
    return int(first), int(last)


async def serve(config: ServerConfig) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        CannotStart: an address is taken or not of this machine, a certificate is missing.
        ExceptionGroup: a task of the server died by a fault; a supervisor should start it anew.
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
    app.on_response_prepare.append(finish_headers)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S, **limits())
    listeners: list[asyncio.Server] = []
    try:
        await runner.setup()
        assert runner.server is not None
        await _listen(app[QUICK_GETS].front_of(runner.server), config, listeners)
        async with asyncio.TaskGroup() as group:
            silent = app[PATIENCE].silent.watch(runner)
            work: list[Coroutine[None, None, None]] = [
                caches.run(),
                prepare_cluster(state),
                _compact(etcd, caches),
                silent,
            ]
            tasks = [group.create_task(job) for job in work]
            try:
                yield state
            finally:
                state.stopping.set()
                caches.end_watchers()
                _close(listeners)
                await runner.cleanup()  # lets requests under way end, for which the tasks are still needed
                for task in tasks:
                    task.cancel()
    finally:
        _close(listeners)
        await runner.cleanup()
        await etcd.close()


def _close(listeners: list[asyncio.Server]) -> None:
    """Accept no more connections."""
    for listener in listeners:
        listener.close()


async def _listen(
    protocol: Callable[[], asyncio.Protocol], config: ServerConfig, listeners: list[asyncio.Server]
) -> None:
    pki = config.pki_dir
    try:
        tls = server_tls(pki / "apiserver.crt", pki / "apiserver.key", config.ca_file)
    except OSError as error:
        missing = [name for name in ("ca.crt", "apiserver.crt", "apiserver.key") if not (pki / name).is_file()]
        why = f"it has no {', '.join(missing)}" if missing else f"{error}"
        raise CannotStart(f"--pki-dir {pki}: {why}") from error
    loop = asyncio.get_running_loop()
    for host, port in config.listen:
        try:
            listeners.append(await loop.create_server(protocol, host, port, ssl=tls, backlog=BACKLOG))
        except OSError as error:
            why = os.strerror(error.errno).lower() if error.errno else str(error)
            message = f"--listen {host}:{port}: {why}; choose another address, or stop what listens there"
            raise CannotStart(message) from error
        logger.info("listening", extra={"address": f"{host}:{port}"})


async def _compact(etcd: Etcd, caches: Caches) -> None:
    """Let etcd forget, every five minutes, what is older than five minutes: a list has that long for its pages."""
    revision = 0
    while True:
        await asyncio.sleep(COMPACT_EVERY_S)
        if revision:
            try:
                await etcd.compact(revision)
            except APIError as error:
                logger.warning("could not compact etcd", extra={"error": error.message})
        revision = caches.revision


def main(argv: Sequence[str] | None = None) -> int:
    """Run the API server; the exit code says whether it ended as asked."""
    flags = parser()
    args = flags.parse_args(argv)
    logs.configure("apiserver", args.log_level)
    gc.freeze()  # what was imported stays: the collector need not look at it again and again
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        listen = tuple(map(parse_address, args.listen))
        config = ServerConfig(
            args.etcd,
            listen,
            args.pki_dir,
            args.cluster_name,
            args.default_toleration_seconds,
            service_cidr=args.service_cidr,
            node_ports=args.service_node_port_range,
            advertise_address=args.advertise_address,
            service_account_issuer=args.service_account_issuer,
            request_timeout_s=args.request_timeout,
            cache_dir=args.cache_dir,
        )
        asyncio.run(serve(config))
    except (CannotStart, ValueError) as error:
        print(f"apiserver: {error}", file=sys.stderr)
        return 2
    except ExceptionGroup as faults:
        logger.critical("the server died of a fault", exc_info=faults)
        return 1
    return 0
