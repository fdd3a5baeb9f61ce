"""What a cluster is like: the flags of `naru up`, kept in ``cluster.json`` so that no later command repeats them.

Flow: flags of `naru up` -> *ClusterConfig* -> certificates, kubeconfigs, the components' command lines.
"""

import ipaddress
import json
import os
import re
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Self

from cli.faults import ExitCode, Fault

DEFAULT_NAME: Final = "naru"
NODE_PORT: Final = 10250
FIRST_NODE_OFFSET: Final = 10  # node-1 is .11 of the underlay; .1 is the host
NODE_MASK_SIZE: Final = 24
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")  # it becomes part of paths of unix sockets


@dataclass(frozen=True)
class ClusterConfig:
    """The flags of `naru up`."""

    name: str = DEFAULT_NAME
    nodes: int = 3
    api_port: int = 6443
    underlay: str = "198.18.0.0/24"
    pod_cidr: str = "10.244.0.0/16"
    service_cidr: str = "10.96.0.0/16"
    egress: bool = True
    default_toleration_seconds: int = 300
    node_monitor_grace_period_s: float = 40.0
    insecure_registries: tuple[str, ...] = ()

    @property
    def node_names(self) -> tuple[str, ...]:
        """``node-1`` and so on."""
        return tuple(f"node-{number}" for number in range(1, self.nodes + 1))

    @property
    def gateway(self) -> str:
        """The host's address on the underlay: the API server listens there for the nodes."""
        return self._address(self.underlay, 1)

    @property
    def api_service_ip(self) -> str:
        """The address that Service ``default/kubernetes`` has, so that certificates made now are good for it."""
        return self._address(self.service_cidr, 1)

    def node_ip(self, node: str) -> str:
        """Return a node's address on the underlay."""
        return self._address(self.underlay, FIRST_NODE_OFFSET + int(node.removeprefix("node-")))

    @staticmethod
    def _address(cidr: str, offset: int) -> str:
        return str(ipaddress.IPv4Network(cidr)[offset])

    def changed(self, flags: dict[str, Any]) -> Self:
        """Return the configuration with the given flags (None: not given) laid over it, checked."""
        config = replace(self, **{name: value for name, value in flags.items() if value is not None})
        config.check()
        return config

    def check(self) -> None:
        """Refuse what cannot work, naming the flag.

        Raises:
            Fault: a flag's value is wrong.
        """
        if not _NAME.fullmatch(self.name):
            raise _usage("--name", self.name, "must be lower-case letters, digits and '-', at most 32 characters")
        if not 1 <= self.api_port <= 65535:
            raise _usage("--api-port", self.api_port, "must be a port, 1 to 65535")
        pods = _network("--pod-cidr", self.pod_cidr)
        services = _network("--service-cidr", self.service_cidr)
        underlay = _network("--underlay", self.underlay)
        named = [("--pod-cidr", pods), ("--service-cidr", services), ("--underlay", underlay)]
        for number, (flag, network) in enumerate(named):
            for other_flag, other in named[number + 1 :]:
                if network.overlaps(other):
                    raise _usage(other_flag, other, f"overlaps {flag} {network}")
        self._check_sizes(pods, underlay)

    def _check_sizes(self, pods: ipaddress.IPv4Network, underlay: ipaddress.IPv4Network) -> None:
        if self.nodes < 1:
            raise _usage("--nodes", self.nodes, "must be at least 1")
        room = min(underlay.num_addresses - FIRST_NODE_OFFSET - 2, 2 ** max(0, NODE_MASK_SIZE - pods.prefixlen))
        if pods.prefixlen > NODE_MASK_SIZE:
            raise _usage("--pod-cidr", pods, f"must hold a /{NODE_MASK_SIZE} for each node")
        if self.nodes > room:
            raise _usage("--nodes", self.nodes, f"is more than the {max(room, 0)} that --pod-cidr and --underlay hold")

    def save(self, path: Path) -> None:
        """Write ``cluster.json``, whole or not at all."""
        write_atomically(path, json.dumps(asdict(self), indent=2).encode() + b"\n", 0o644)

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Read ``cluster.json``; None when there is none.

        Raises:
            Fault: the file is damaged.
        """
        try:
            known = {field.name for field in fields(cls)}
            values = {key: value for key, value in json.loads(path.read_bytes()).items() if key in known}
            values["insecure_registries"] = tuple(values.get("insecure_registries", ()))
            return cls(**values)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, AttributeError) as error:
            raise Fault(f"{path} is damaged: {error}", remedy="naru down --purge removes the cluster's data") from error


def write_atomically(path: Path, content: bytes, mode: int) -> None:
    """Replace a file in one step, so that a reader never sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.rename(path)


def _network(flag: str, value: str) -> ipaddress.IPv4Network:
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError as error:
        raise _usage(flag, value, f"must be an IPv4 range such as 10.244.0.0/16 ({error})") from error
    if network.is_loopback or network.is_multicast or network.is_link_local or network.is_unspecified:
        raise _usage(flag, value, "must be a range of ordinary addresses, such as 10.244.0.0/16")
    return network


def _usage(flag: str, value: object, problem: str) -> Fault:
    return Fault(f"{flag} {value}: {problem}", code=ExitCode.USAGE)
