"""What a changed Service keeps of what it was given before, although its sender left that out.

So the same manifest may be sent again and again. Pure: same Services, same answer.

Source: upstream's pkg/registry/core/service (patchAllocatedValues, normalizeClusterIPs, dropTypeDependentFields).
"""

from typing import Any, Final

from naru.api.defaults.services import is_externally_accessible
from naru.api.service_v1 import ServicePort, ServiceSpec
from naru.api.validation.services import needs_health_check

WITH_NODE_PORTS: Final = ("NodePort", "LoadBalancer")


def keep_given(new: ServiceSpec, old: ServiceSpec) -> ServiceSpec:
    """Fill in addresses and ports that the Service has, where the new spec names none."""
    update: dict[str, Any] = {}
    if "ExternalName" not in (new.type, old.type):
        update["cluster_ip"] = new.cluster_ip or old.cluster_ip
        update["cluster_ips"] = new.cluster_ips or old.cluster_ips
    if new.type in WITH_NODE_PORTS and old.type in WITH_NODE_PORTS:
        update["ports"] = _keep_node_ports(new, old)
    if needs_health_check(new) and needs_health_check(old):
        update["health_check_node_port"] = new.health_check_node_port or old.health_check_node_port
    return new.model_copy(update=update) if update else new


def _keep_node_ports(new: ServiceSpec, old: ServiceSpec) -> tuple[ServicePort, ...]:
    """Give each port the node port of its old namesake, unless another port of the Service took it."""
    used = {port.node_port for port in new.ports} & {port.node_port for port in old.ports} - {0}
    known = {port.name: port.node_port for port in old.ports}
    kept = []
    for port in new.ports:
        before = known.get(port.name, 0)
        takes_it = not port.node_port and before and before not in used
        kept.append(port.model_copy(update={"node_port": before}) if takes_it else port)
    return tuple(kept)


def in_step(new: ServiceSpec, old: ServiceSpec | None) -> ServiceSpec:
    """Let clusterIPs follow clusterIP, where an old client knows the one and not the other."""
    if old is None:
        alone = new.cluster_ip and not new.cluster_ips
        return new.model_copy(update={"cluster_ips": (new.cluster_ip,)}) if alone else new
    addresses = new.cluster_ips
    if not addresses and new.cluster_ip == old.cluster_ip:
        addresses = old.cluster_ips
    if new.cluster_ip != old.cluster_ip and addresses == old.cluster_ips:
        cleared = old.cluster_ip and not new.cluster_ip
        addresses = () if cleared else (new.cluster_ip,)
    return new.model_copy(update={"cluster_ips": addresses}) if addresses != new.cluster_ips else new


def without_stale(new: ServiceSpec, old: ServiceSpec) -> ServiceSpec:
    """Drop what belongs to the old type of a Service, unless its sender changed it (then validation refuses it)."""
    update: dict[str, Any] = {}
    if new.type == "ExternalName" != old.type:
        if (new.cluster_ip, new.cluster_ips) == (old.cluster_ip, old.cluster_ips):
            update |= {"cluster_ip": "", "cluster_ips": ()}
        if new.ip_families == old.ip_families:
            update["ip_families"] = ()
        if new.ip_family_policy == old.ip_family_policy:
            update["ip_family_policy"] = None
    if new.type not in WITH_NODE_PORTS and old.type in WITH_NODE_PORTS and _node_ports(new) <= _node_ports(old):
        update["ports"] = tuple(port.model_copy(update={"node_port": 0}) for port in new.ports)
    if needs_health_check(old) and not needs_health_check(new):
        changed = new.health_check_node_port != old.health_check_node_port
        update |= {} if changed else {"health_check_node_port": 0}
    if new.type != "LoadBalancer" == old.type:
        names = ("allocate_load_balancer_node_ports", "load_balancer_class")
        update |= {name: None for name in names if getattr(new, name) == getattr(old, name)}
    if is_externally_accessible(old) and not is_externally_accessible(new):
        changed = new.external_traffic_policy != old.external_traffic_policy
        update |= {} if changed else {"external_traffic_policy": ""}
    return new.model_copy(update=update) if update else new


def _node_ports(spec: ServiceSpec) -> set[int]:
    return {port.node_port for port in spec.ports} - {0}
