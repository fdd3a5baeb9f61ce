"""``nodeagent``: run the agent of one node."""

import argparse
import asyncio
import logging
import signal
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path

from naru.telemetry import logs
from nodeagent.agent import Agent
from nodeagent.config import NODE_PORT, AgentConfig
from nodeagent.network import netns
from nodeagent.pods.etc_files import make_mount_points

logger = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; containers keep running after that."""
    arguments = parser().parse_args(argv)
    logs.configure("nodeagent", arguments.log_level)
    host_netns = None
    if arguments.netns is not None:
        host_netns = netns.enter(arguments.netns)  # before anything opens a socket or starts a thread
    config = read_config(arguments, host_netns)
    for directory in (config.data_dir, config.run_dir, config.pods_dir, config.pods_run_dir, config.logs_dir):
        directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    make_mount_points(config.mount_points)
    asyncio.run(run(config))
    return 0


async def run(config: AgentConfig) -> None:
    """Run the agent until a signal asks it to go."""
    task = asyncio.create_task(Agent(config).run(), name="agent")
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        logger.info("stopped; containers keep running", extra={"node": config.node_name})


def read_config(arguments: argparse.Namespace, host_netns: int | None = None) -> AgentConfig:
    """Turn the flags into the agent's configuration."""
    return AgentConfig(
        kubeconfig=arguments.kubeconfig,
        node_name=arguments.node_name,
        node_ip=arguments.node_ip,
        data_dir=arguments.data_dir,
        run_dir=arguments.run_dir,
        image_dir=arguments.image_dir,
        cluster_cidr=arguments.cluster_cidr,
        service_cidr=arguments.service_cidr,
        tls_cert=arguments.tls_cert,
        tls_key=arguments.tls_key,
        client_ca=arguments.client_ca,
        cgroup_root=arguments.cgroup_root or f"naru/{arguments.node_name}",
        egress=arguments.egress,
        insecure_registries=frozenset(arguments.insecure_registry),
        pod_pids_limit=arguments.pod_max_pids,
        max_pods=arguments.max_pods,
        port=arguments.port,
        host_netns=host_netns,
    )


def parser() -> argparse.ArgumentParser:
    """Describe the flags."""
    parser = argparse.ArgumentParser(prog="nodeagent", description="Run the agent of one node.")
    add = parser.add_argument
    add("--kubeconfig", type=Path, required=True, metavar="FILE", help="how to reach the API server")
    add("--node-name", required=True, metavar="NAME", help="the Node that this agent stands for")
    add("--node-ip", required=True, metavar="IP", help="the node's address, also the one to serve on")
    add("--data-dir", type=Path, required=True, metavar="DIR", help="volumes, logs and addresses; survives a reboot")
    add("--run-dir", type=Path, required=True, metavar="DIR", help="sockets and namespaces; gone with a reboot")
    add("--image-dir", type=Path, required=True, metavar="DIR", help="the image store, shared by this host's nodes")
    add("--cluster-cidr", type=IPv4Network, default=IPv4Network("10.244.0.0/16"), help="addresses of all pods")
    add("--service-cidr", type=IPv4Network, default=IPv4Network("10.96.0.0/16"), help="addresses of all services")
    add("--tls-cert", type=Path, required=True, metavar="FILE", help="certificate of the node server")
    add("--tls-key", type=Path, required=True, metavar="FILE", help="its key")
    add("--client-ca", type=Path, required=True, metavar="FILE", help="who may ask the node server")
    add("--netns", type=Path, metavar="PATH", help="network namespace to work in")
    add("--egress", action=argparse.BooleanOptionalAction, default=True, help="let pods reach the outside")
    add("--cgroup-root", default="", metavar="PATH", help="the node's place in the cgroup trees")
    add("--insecure-registry", action="append", default=[], metavar="HOST:PORT", help="registry without TLS")
    add("--pod-max-pids", type=int, default=4096, metavar="N", help="processes that a pod may have")
    add("--max-pods", type=int, default=110, metavar="N", help="pods that the node takes")
    add("--port", type=int, default=NODE_PORT, help="port of the node server")
    add("--log-level", default="info", choices=("debug", "info", "warning", "error"), help="what to log")
    return parser
