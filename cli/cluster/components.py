"""The processes that a cluster consists of, and how each is started.

Flow: ClusterConfig, Layout -> *plan_components* -> the supervisor, which starts each when what it needs is there.
No component is imported here: the supervisor loads ``entry`` by name, in the child.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from cli.cluster import interpreter
from cli.cluster.config import NODE_MASK_SIZE, ClusterConfig
from cli.cluster.layout import Layout

WARM: Final = "cli.cluster.warm"
UNDERLAY_TOOL: Final = "nodeagent.network.underlay"


class Gate(StrEnum):
    """What a component may have to wait for before its first start."""

    PKI = "pki"  # certificates and kubeconfigs are written
    UNDERLAY = "underlay"  # the host's bridge and the nodes' network namespaces exist


@dataclass(frozen=True)
class Component:
    """One process to keep running."""

    name: str
    title: str  # as `ps` and `top` show it: at most 15 characters
    args: tuple[str, ...]
    entry: str = ""  # "module:function", run in a fork of the supervisor; empty: args is a program to execute
    preload: tuple[str, ...] = ()  # modules that the supervisor imports first, so that the forks share them
    gates: tuple[Gate, ...] = ()
    api_port: int = 0  # the first time, the loaded component waits until somebody listens there
    once: bool = False  # a job that is done when it ends well
    sockets: tuple[Path, ...] = ()  # unix sockets that a killed process leaves, where the next could not listen


def plan_components(config: ClusterConfig, layout: Layout, etcd: str) -> tuple[Component, ...]:
    """List the cluster's processes in the order of their start."""
    api = Component(
        "apiserver",
        "naru-apiserver",
        _apiserver_args(config, layout),
        "apiserver.main:main",
        ("naru.client.http", "aiohttp.web", WARM),
        (Gate.PKI, Gate.UNDERLAY),
    )
    scheduler = Component(
        "scheduler",
        "naru-scheduler",
        ("--kubeconfig", f"{layout.kubeconfig('scheduler')}"),
        "scheduler.main:main",
        (WARM,),
        (Gate.PKI,),
        config.api_port,
    )
    controllers = Component(
        "controllers",
        "naru-controller",
        _controllers_args(config, layout),
        "controllers.main:main",
        (WARM,),
        (Gate.PKI,),
        config.api_port,
    )
    agents = tuple(
        Component(
            node,
            f"naru-{node}",
            _agent_args(config, layout, node),
            "nodeagent.main:main",
            (WARM, "nodeagent.main"),
            (Gate.PKI, Gate.UNDERLAY),
            config.api_port,
        )
        for node in config.node_names
    )
    return (_etcd(config, layout, etcd), _underlay(config, layout), api, controllers, *agents, scheduler)


def underlay_args(config: ClusterConfig, layout: Layout, verb: str) -> tuple[str, ...]:
    """Return the command line of the host's side of the network, for ``up`` and ``down``."""
    nodes = [f"--node={node}={config.node_ip(node)}" for node in config.node_names]
    egress = "--egress" if config.egress else "--no-egress"
    ranges = ("--underlay", config.underlay, "--pod-cidr", config.pod_cidr, "--service-cidr", config.service_cidr)
    return (verb, "--cluster-name", config.name, *ranges, egress, *nodes)


def _etcd(config: ClusterConfig, layout: Layout, program: str) -> Component:
    """A single etcd on a unix socket.

    It elects itself, so the election may be short: etcd waits one election time-out before it does. But it wakes at
    each heartbeat, so an idle cluster pays for a very short one. Its address for peers is a formality; with a unix
    socket no port is taken.
    """
    peer = "http://localhost:2380"
    args = (
        f"--name={config.name}",
        f"--data-dir={layout.etcd}",
        f"--listen-client-urls={layout.etcd_socket}",
        f"--advertise-client-urls={layout.etcd_socket}",
        "--listen-peer-urls=unix://peer.sock:0",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster={config.name}={peer}",
        "--heartbeat-interval=30",
        "--election-timeout=150",
        "--max-txn-ops=1024",  # a Service is written together with its node ports, which may be hundreds
        "--logger=zap",
        "--log-level=warn",
    )
    sockets = (layout.run / "etcd.sock:0", layout.run / "peer.sock:0")
    return Component("etcd", "etcd", (program, *args), sockets=sockets)


def _underlay(config: ClusterConfig, layout: Layout) -> Component:
    """The host's side of the network: a job in an interpreter of its own, which loads while the supervisor does."""
    args = interpreter.command(UNDERLAY_TOOL, underlay_args(config, layout, "up"))
    return Component("underlay", "naru-underlay", tuple(args), once=True)


def _apiserver_args(config: ClusterConfig, layout: Layout) -> tuple[str, ...]:
    listen = [f"--listen={address}:{config.api_port}" for address in ("127.0.0.1", config.gateway)]
    options = ["--etcd", layout.etcd_target, "--pki-dir", f"{layout.pki}", "--cluster-name", config.name]
    toleration = ["--default-toleration-seconds", f"{config.default_toleration_seconds}"]
    services = ["--service-cidr", config.service_cidr]
    return (*listen, *options, *toleration, *services, "--cache-dir", f"{layout.cache}")


def _controllers_args(config: ClusterConfig, layout: Layout) -> tuple[str, ...]:
    return (
        *("--kubeconfig", f"{layout.kubeconfig('controllers')}"),
        *("--cluster-cidr", config.pod_cidr, "--node-cidr-mask-size", f"{NODE_MASK_SIZE}"),
        *("--ca-file", f"{layout.pki / 'ca.crt'}"),
        *("--node-monitor-grace-period", f"{config.node_monitor_grace_period_s:g}s"),
    )


def _agent_args(config: ClusterConfig, layout: Layout, node: str) -> tuple[str, ...]:
    certificate = layout.pki / "nodes" / node
    return (
        *("--kubeconfig", f"{layout.kubeconfig(node)}", "--node-name", node, "--node-ip", config.node_ip(node)),
        *("--data-dir", f"{layout.node_data(node)}", "--run-dir", f"{layout.node_run(node)}"),
        *("--image-dir", f"{layout.images}", "--cgroup-root", f"{layout.cgroup_root}/{node}"),
        *("--cluster-cidr", config.pod_cidr, "--service-cidr", config.service_cidr),
        *("--tls-cert", f"{certificate}.crt", "--tls-key", f"{certificate}.key"),
        *("--client-ca", f"{layout.pki / 'ca.crt'}"),
        *("--netns", f"{layout.netns(node)}", "--egress" if config.egress else "--no-egress"),
        *(f"--insecure-registry={host}" for host in config.insecure_registries),
    )
