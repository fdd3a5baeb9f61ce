"""Registry: which strategy holds for which resource; a strategy's module is imported when it is first asked for."""

import importlib
from functools import cache
from typing import Any, Final

from apiserver.registry.strategy import Strategy
from naru.api.scheme import Resource

_MODULES: Final[dict[str, str]] = {
    "configmaps": "config",
    "controllerrevisions.apps": "daemons",
    "cronjobs.batch": "jobs",
    "daemonsets.apps": "daemons",
    "deployments.apps": "workloads",
    "endpoints": "services",
    "endpointslices.discovery.k8s.io": "services",
    "events": "events",
    "ingressclasses.networking.k8s.io": "networking",
    "ingresses.networking.k8s.io": "networking",
    "ipaddresses.networking.k8s.io": "networking",
    "jobs.batch": "jobs",
    "leases.coordination.k8s.io": "leases",
    "limitranges": "quotas",
    "namespaces": "namespaces",
    "networkpolicies.networking.k8s.io": "networking",
    "nodes": "nodes",
    "poddisruptionbudgets.policy": "quotas",
    "pods": "pods",
    "podtemplates": "replication_controllers",
    "replicasets.apps": "workloads",
    "replicationcontrollers": "replication_controllers",
    "resourcequotas": "quotas",
    "secrets": "config",
    "serviceaccounts": "config",
    "servicecidrs.networking.k8s.io": "networking",
    "services": "services",
    "statefulsets.apps": "workloads",
}  # by resource: the module of this package whose table STRATEGIES has its strategy


def strategy_for(resource: Resource) -> Strategy[Any]:
    """Return the rules of a resource; every row of the scheme has some."""
    return _strategy(resource.group_resource)


@cache
def _strategy(group_resource: str) -> Strategy[Any]:
    if group_resource not in _MODULES:
        return Strategy()
    table: dict[str, Strategy[Any]] = importlib.import_module(f"{__name__}.{_MODULES[group_resource]}").STRATEGIES
    return table[group_resource]
