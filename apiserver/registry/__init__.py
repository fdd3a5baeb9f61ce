"""Registry: which strategy holds for which resource."""

from typing import Any, Final

from apiserver.registry.config import ConfigMapStrategy, SecretStrategy, ServiceAccountStrategy
from apiserver.registry.events import EventStrategy
from apiserver.registry.leases import LeaseStrategy
from apiserver.registry.namespaces import NamespaceStrategy
from apiserver.registry.nodes import NodeStrategy
from apiserver.registry.pods import PodStrategy
from apiserver.registry.strategy import Strategy
from apiserver.registry.workloads import DeploymentStrategy, ReplicaSetStrategy
from naru.api.scheme import Resource

_STRATEGIES: Final[dict[str, Strategy[Any]]] = {
    "configmaps": ConfigMapStrategy(),
    "deployments.apps": DeploymentStrategy(),
    "events": EventStrategy(),
    "leases.coordination.k8s.io": LeaseStrategy(),
    "namespaces": NamespaceStrategy(),
    "nodes": NodeStrategy(),
    "pods": PodStrategy(),
    "replicasets.apps": ReplicaSetStrategy(),
    "secrets": SecretStrategy(),
    "serviceaccounts": ServiceAccountStrategy(),
}


def strategy_for(resource: Resource) -> Strategy[Any]:
    """Return the rules of a resource; every row of the scheme has some."""
    return _STRATEGIES[resource.group_resource]
