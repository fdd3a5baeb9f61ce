"""Registry: which strategy holds for which resource; a strategy's module is imported when it is first asked for."""

import importlib
from functools import cache
from typing import Any, Final

from apiserver.registry.converted import ConvertedStrategy
from apiserver.registry.strategy import Strategy
from naru.api.scheme import Resource

_MODULES: Final[dict[str, str]] = {
    "apiservices.apiregistration.k8s.io": "api_services",
    "certificatesigningrequests.certificates.k8s.io": "certificates",
    "clusterrolebindings.rbac.authorization.k8s.io": "rbac",
    "clusterroles.rbac.authorization.k8s.io": "rbac",
    "configmaps": "config",
    "controllerrevisions.apps": "daemons",
    "cronjobs.batch": "jobs",
    "csidrivers.storage.k8s.io": "storage",
    "csinodes.storage.k8s.io": "storage",
    "csistoragecapacities.storage.k8s.io": "storage",
    "customresourcedefinitions.apiextensions.k8s.io": "definitions",
    "daemonsets.apps": "daemons",
    "deployments.apps": "workloads",
    "deviceclasses.resource.k8s.io": "devices",
    "endpoints": "services",
    "endpointslices.discovery.k8s.io": "services",
    "events": "events",
    "events.events.k8s.io": "events",
    "flowschemas.flowcontrol.apiserver.k8s.io": "flow_control",
    "horizontalpodautoscalers.autoscaling": "autoscalers",
    "ingressclasses.networking.k8s.io": "networking",
    "ingresses.networking.k8s.io": "networking",
    "ipaddresses.networking.k8s.io": "networking",
    "jobs.batch": "jobs",
    "leases.coordination.k8s.io": "leases",
    "limitranges": "quotas",
    "mutatingadmissionpolicies.admissionregistration.k8s.io": "admission",
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io": "admission",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": "admission",
    "namespaces": "namespaces",
    "networkpolicies.networking.k8s.io": "networking",
    "nodes": "nodes",
    "persistentvolumeclaims": "volumes",
    "persistentvolumes": "volumes",
    "poddisruptionbudgets.policy": "quotas",
    "pods": "pods",
    "podtemplates": "replication_controllers",
    "priorityclasses.scheduling.k8s.io": "priority_classes",
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": "flow_control",
    "replicasets.apps": "workloads",
    "replicationcontrollers": "replication_controllers",
    "resourceclaims.resource.k8s.io": "devices",
    "resourceclaimtemplates.resource.k8s.io": "devices",
    "resourcequotas": "quotas",
    "resourceslices.resource.k8s.io": "devices",
    "rolebindings.rbac.authorization.k8s.io": "rbac",
    "roles.rbac.authorization.k8s.io": "rbac",
    "runtimeclasses.node.k8s.io": "runtime_classes",
    "secrets": "config",
    "serviceaccounts": "config",
    "servicecidrs.networking.k8s.io": "networking",
    "services": "services",
    "statefulsets.apps": "workloads",
    "storageclasses.storage.k8s.io": "storage",
    "validatingadmissionpolicies.admissionregistration.k8s.io": "admission",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": "admission",
    "validatingwebhookconfigurations.admissionregistration.k8s.io": "admission",
    "volumeattachments.storage.k8s.io": "storage",
    "volumeattributesclasses.storage.k8s.io": "storage",
}  # by resource: the module of this package whose table STRATEGIES has its strategy


def strategy_for(resource: Resource) -> Strategy[Any]:
    """Return the rules of a resource: its own, or those for all, if its objects are answered and not stored."""
    return _strategy(resource)


@cache
def _strategy(resource: Resource) -> Strategy[Any]:
    name, stored = resource.group_resource, resource.storage
    if stored is not resource and stored.group_resource == name:
        return ConvertedStrategy(_strategy(stored), resource)
    if resource.is_virtual:
        return Strategy()
    table: dict[str, Strategy[Any]] = importlib.import_module(f"{__name__}.{_MODULES[name]}").STRATEGIES
    return table[name]
