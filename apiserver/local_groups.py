"""APIServices of the groups that this server answers for itself, as clients of discovery look for them.

They are made once, after the start; what somebody deletes comes back with the next one. The group that APIServices are
in has none.

Source: upstream's pkg/controlplane/apiserver/aggregator.go, for the priorities.
"""

import logging
from typing import Final

from apiserver.startup import ensure
from apiserver.state import ServerState
from naru.api.apiregistration_v1 import APIService, APIServiceSpec
from naru.api.errors import APIError
from naru.api.meta import ObjectMeta
from naru.api.scheme import RESOURCES

logger = logging.getLogger(__name__)

LABELS: Final = {"kube-aggregator.kubernetes.io/automanaged": "onstart"}
VERSION_PRIORITY: Final = 15
_VERSION_PRIORITIES: Final = {"v1": 1, "autoscaling/v2": 30, "flowcontrol.apiserver.k8s.io/v1": 21}
_GROUP_PRIORITIES: Final = {
    "": 18000,
    "apps": 17800,
    "events.k8s.io": 17750,
    "authentication.k8s.io": 17700,
    "authorization.k8s.io": 17600,
    "autoscaling": 17500,
    "batch": 17400,
    "certificates.k8s.io": 17300,
    "networking.k8s.io": 17200,
    "policy": 17100,
    "rbac.authorization.k8s.io": 17000,
    "storage.k8s.io": 16800,
    "apiextensions.k8s.io": 16700,
    "admissionregistration.k8s.io": 16700,
    "scheduling.k8s.io": 16600,
    "coordination.k8s.io": 16500,
    "node.k8s.io": 16300,
    "discovery.k8s.io": 16200,
    "flowcontrol.apiserver.k8s.io": 16100,
    "resource.k8s.io": 15900,
}


def local_services() -> list[APIService]:
    """Return the APIService of each version of each group."""
    versions = dict.fromkeys((resource.group, resource.version) for resource in RESOURCES)
    return [_service(group, version) for group, version in versions if group in _GROUP_PRIORITIES]


def _service(group: str, version: str) -> APIService:
    api_version = f"{group}/{version}" if group else version
    spec = APIServiceSpec(
        group=group,
        version=version,
        group_priority_minimum=_GROUP_PRIORITIES[group],
        version_priority=_VERSION_PRIORITIES.get(api_version, VERSION_PRIORITY),
    )
    return APIService(metadata=ObjectMeta(name=f"{version}.{group}", labels=LABELS), spec=spec)


async def register_groups(state: ServerState) -> None:
    """Make the APIServices that are missing."""
    try:
        for service in local_services():
            await ensure(state, service)
    except APIError as error:
        logger.warning("some API services are missing", extra={"error": error.message})
