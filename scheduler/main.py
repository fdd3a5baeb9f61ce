"""The scheduler's process: flags, connections, leader election, clean stop.

Flow: kubeconfig -> Client -> informers, recorder -> LeaderElector -> Scheduler.run.
"""

import argparse
import asyncio
import logging
import signal
from collections.abc import Sequence
from contextlib import suppress

from naru.client import kubeconfig
from naru.client.client import Client
from naru.client.config import ClientConfig
from naru.controller.events import EventRecorder
from naru.controller.informer import InformerFactory
from naru.controller.leader_election import LeaderElector
from naru.telemetry import logs
from scheduler.events import SCHEDULER_NAME
from scheduler.scheduler import Scheduler

logger = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the scheduler until SIGTERM or SIGINT; the ``scheduler`` entry of a cluster."""
    arguments = _parser().parse_args(argv)
    logs.configure("scheduler", arguments.log_level)
    asyncio.run(_run_until_signalled(kubeconfig.load(arguments.kubeconfig), arguments.leader_elect))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scheduler", description="Find a node for every Pod that has none.")
    parser.add_argument("--kubeconfig", required=True, help="how to reach the API server, and as whom")
    parser.add_argument(
        "--leader-elect",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="work only while holding the Lease kube-system/scheduler, so that several schedulers may run",
    )
    parser.add_argument("--log-level", default="INFO", help="DEBUG, INFO, WARNING or ERROR")
    return parser


async def _run_until_signalled(config: ClientConfig, leader_elect: bool) -> None:
    work = asyncio.ensure_future(_run(config, leader_elect))
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, work.cancel)
    with suppress(asyncio.CancelledError):
        await work
    logger.info("stopped")


async def _run(config: ClientConfig, leader_elect: bool) -> None:
    """Schedule until cancelled; caches fill while waiting to be elected, so that taking over is quick."""
    async with Client(config, user_agent=SCHEDULER_NAME) as client, asyncio.TaskGroup() as group:
        informers = InformerFactory(client)
        recorder = EventRecorder(client, SCHEDULER_NAME)
        scheduler = Scheduler(client, informers, recorder)
        group.create_task(informers.run(), name="informers")
        group.create_task(recorder.run(), name="events")
        if leader_elect:
            await LeaderElector(client, "scheduler").run(scheduler.run)
        else:
            await scheduler.run()
