"""The controllers' process: read the command line, find the API server, campaign, run the controllers while leading."""

import argparse
import asyncio
import ipaddress
import logging
import re
import signal
from collections.abc import Sequence
from pathlib import Path

from controllers.manager import Manager, Options
from controllers.node_lifecycle import GRACE_PERIOD_S
from controllers.pod_gc import QUARANTINE_S, TERMINATED_THRESHOLD
from naru.client.client import Client
from naru.client.config import ClientConfig
from naru.client.errors import ConfigError
from naru.client.kubeconfig import load
from naru.controller.leader_election import LeaderElector
from naru.telemetry import logs

COMPONENT = "controllers"
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}

logger = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; return the exit code."""
    arguments = new_parser().parse_args(argv)
    logs.configure(COMPONENT, arguments.log_level)
    try:
        config = load(arguments.kubeconfig)
        options = read_options(arguments)
    except (ConfigError, OSError, ValueError) as error:
        logger.error("cannot start", extra={"error": str(error)})
        return 1
    asyncio.run(run(config, options))
    return 0


def new_parser() -> argparse.ArgumentParser:
    """Build the parser of the command line; the names of flags are upstream's where it has them."""
    parser = argparse.ArgumentParser(prog=COMPONENT, description="Reconcile what is with what was asked for.")
    parser.add_argument("--kubeconfig", type=Path, help="how to reach the API server")
    parser.add_argument("--cluster-cidr", default="10.244.0.0/16", help="range of all pod addresses")
    parser.add_argument("--node-cidr-mask-size", type=int, default=24, help="prefix length of a node's slice of it")
    parser.add_argument("--ca-file", type=Path, required=True, help="root certificates that pods are told to trust")
    parser.add_argument(
        "--node-monitor-grace-period",
        type=duration_s,
        default=GRACE_PERIOD_S,
        help="silence after which a node is Unknown, such as 40s",
    )
    parser.add_argument("--terminated-pod-gc-threshold", type=int, default=TERMINATED_THRESHOLD)
    parser.add_argument(
        "--pod-gc-quarantine",
        type=duration_s,
        default=QUARANTINE_S,
        help="how long a node must be missing before its pods are removed",
    )
    parser.add_argument("--log-level", default="INFO")
    return parser


def duration_s(text: str) -> float:
    """Read a duration as Go writes it: ``40s``, ``1m30s``; a bare number is in seconds.

    Raises:
        ValueError: it is none, or not positive.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|$)", text)
    if "".join(number + unit for number, unit in parts) != text or not parts:
        raise ValueError(f"{text!r} is no duration")
    seconds = sum(float(number) * _UNITS_S.get(unit, 1.0) for number, unit in parts)
    if seconds <= 0:
        raise ValueError(f"{text!r} is not positive")
    return seconds


def read_options(arguments: argparse.Namespace) -> Options:
    """Check what the parser cannot.

    Raises:
        ValueError: the ranges are malformed, or do not fit into each other.
        OSError: the CA file cannot be read.
    """
    cluster_cidr = ipaddress.IPv4Network(arguments.cluster_cidr)
    mask_size = arguments.node_cidr_mask_size
    if not cluster_cidr.prefixlen <= mask_size <= 30:
        raise ValueError(f"--node-cidr-mask-size {mask_size} does not fit --cluster-cidr {cluster_cidr}")
    return Options(
        cluster_cidr=cluster_cidr,
        node_cidr_mask_size=mask_size,
        ca_pem=arguments.ca_file.read_text(),
        node_monitor_grace_period_s=arguments.node_monitor_grace_period,
        terminated_pod_gc_threshold=arguments.terminated_pod_gc_threshold,
        pod_gc_quarantine_s=arguments.pod_gc_quarantine,
    )


async def run(config: ClientConfig, options: Options) -> None:
    """Campaign and lead until a signal says stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    async with Client(config, user_agent=COMPONENT) as client:
        elector = LeaderElector(client, COMPONENT)
        work = asyncio.create_task(elector.run(lambda: Manager(client, options).run()), name="campaign")
        stopping = asyncio.create_task(stop.wait(), name="signals")
        await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            work.cancel()
        stopping.cancel()
        results = await asyncio.gather(work, stopping, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):  # a fault in the programme: the supervisor starts it anew
                raise result
    logger.info("stopped")
