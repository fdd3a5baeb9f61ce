"""Ingresses, IngressClasses, NetworkPolicies, and the addresses that Services take."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import AGE, NAME, NONE, Column
from apiserver.registry.strategy import Strategy
from naru.api.durations import human_age
from naru.api.networking_v1 import Ingress, IngressClass, IPAddress, NetworkPolicy, ServiceCIDR
from naru.api.selectors import matcher
from naru.api.validation.ingresses import CLASS_ANNOTATION

SHOWN_HOSTS: Final = 3


class IngressStrategy(Strategy[Ingress]):
    """The rules of Ingresses."""

    has_status = True
    counts_generations = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Class", "The IngressClass that the Ingress belongs to."),
        Column("Hosts", "Names of the hosts that requests are for."),
        Column("Address", "Where it is reached from outside."),
        Column("Ports", "Ports that it is reached by: 443 if there are certificates."),
        AGE,
    )

    def warnings(self, obj: Ingress, old: Ingress | None) -> Sequence[str]:
        """Tell of the annotation that was replaced by a field."""
        if old is not None or CLASS_ANNOTATION not in obj.metadata.annotations:
            return ()
        return (f"annotation \"{CLASS_ANNOTATION}\" is deprecated, please use 'spec.ingressClassName' instead",)

    def row(self, obj: Ingress, now: datetime) -> list[Any]:
        """Show hosts and addresses."""
        ways = {way.ip or way.hostname for way in obj.status.load_balancer.ingress}
        return [
            obj.metadata.name,
            NONE if obj.spec.ingress_class_name is None else obj.spec.ingress_class_name,
            _hosts(obj),
            ",".join(sorted(filter(None, ways))),
            "80, 443" if obj.spec.tls else "80",
            human_age(obj.metadata.creation_timestamp, now),
        ]


def _hosts(ingress: Ingress) -> str:
    hosts = [rule.host for rule in ingress.spec.rules if rule.host]
    shown = ",".join(hosts[:SHOWN_HOSTS]) or "*"
    return f"{shown} + {len(hosts) - SHOWN_HOSTS} more..." if len(hosts) > SHOWN_HOSTS else shown


class IngressClassStrategy(Strategy[IngressClass]):
    """The rules of IngressClasses."""

    counts_generations = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Controller", "The controller of the class."),
        Column("Parameters", "The object with the controller's settings."),
        AGE,
    )

    def row(self, obj: IngressClass, now: datetime) -> list[Any]:
        """Show the controller."""
        parameters, shown = obj.spec.parameters, NONE
        if parameters is not None:
            group = f".{parameters.api_group}" if parameters.api_group is not None else ""
            shown = f"{parameters.kind}{group}/{parameters.name}"
        age = human_age(obj.metadata.creation_timestamp, now)
        return [obj.metadata.name, obj.spec.controller, shown, age]


class NetworkPolicyStrategy(Strategy[NetworkPolicy]):
    """The rules of NetworkPolicies."""

    counts_generations = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Pod-Selector", "Which pods the policy is for, by their labels."),
        AGE,
    )

    def row(self, obj: NetworkPolicy, now: datetime) -> list[Any]:
        """Show the pods."""
        selector = str(matcher(obj.spec.pod_selector)) or NONE
        return [obj.metadata.name, selector, human_age(obj.metadata.creation_timestamp, now)]


class IPAddressStrategy(Strategy[IPAddress]):
    """The rules of IPAddresses."""

    columns: ClassVar[tuple[Column, ...]] = (NAME, Column("ParentRef", "The object that has the address."), AGE)

    def row(self, obj: IPAddress, now: datetime) -> list[Any]:
        """Show whose address it is."""
        return [obj.metadata.name, _parent(obj), human_age(obj.metadata.creation_timestamp, now)]


def _parent(address: IPAddress) -> str:
    parent = address.spec.parent_ref
    if parent is None:
        return NONE
    resource = f"{parent.resource}.{parent.group}" if parent.group else parent.resource
    return "/".join(part for part in (resource, parent.namespace, parent.name) if part)


class ServiceCIDRStrategy(Strategy[ServiceCIDR]):
    """The rules of ServiceCIDRs."""

    has_status = True
    columns: ClassVar[tuple[Column, ...]] = (NAME, Column("CIDRs", "The ranges of addresses."), AGE)

    def row(self, obj: ServiceCIDR, now: datetime) -> list[Any]:
        """Show the ranges."""
        age = human_age(obj.metadata.creation_timestamp, now)
        return [obj.metadata.name, ",".join(obj.spec.cidrs), age]


STRATEGIES: Final = {
    "ingressclasses.networking.k8s.io": IngressClassStrategy(),
    "ingresses.networking.k8s.io": IngressStrategy(),
    "ipaddresses.networking.k8s.io": IPAddressStrategy(),
    "networkpolicies.networking.k8s.io": NetworkPolicyStrategy(),
    "servicecidrs.networking.k8s.io": ServiceCIDRStrategy(),
}
