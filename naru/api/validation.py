"""Validation: what is wrong with an object, every fault with its field, in upstream's words.

Flow: decode -> defaults -> admission -> *validate* -> store. All of it is pure: same object, same faults.
One module a family of kinds; this one holds the table that finds the rules of a kind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from naru.api.apps_v1 import Deployment, ReplicaSet
from naru.api.config_v1 import ConfigMap, Secret
from naru.api.coordination_v1 import Lease
from naru.api.errors import FieldError
from naru.api.event_v1 import Event
from naru.api.meta import KubeObject
from naru.api.namespace_v1 import Namespace
from naru.api.node_v1 import Node
from naru.api.pod_v1 import Pod
from naru.api.service_account_v1 import ServiceAccount
from naru.api.validation_apps import (
    validate_deployment,
    validate_deployment_status,
    validate_deployment_update,
    validate_replica_set,
    validate_replica_set_status,
    validate_replica_set_update,
)
from naru.api.validation_core import (
    validate_config_map,
    validate_config_map_update,
    validate_event,
    validate_lease,
    validate_namespace,
    validate_node,
    validate_node_update,
    validate_secret,
    validate_secret_update,
    validate_service_account,
)
from naru.api.validation_meta import validate_meta_update
from naru.api.validation_pods import validate_pod, validate_pod_status_update, validate_pod_update


@dataclass(frozen=True)
class Rules:
    """The rules of one kind; where nothing special is said, an update obeys the rules of a new object."""

    new: Callable[[Any], list[FieldError]]
    update: Callable[[Any, Any], list[FieldError]] | None = None
    status: Callable[[Any, Any], list[FieldError]] | None = None


_RULES: Final[dict[type[KubeObject], Rules]] = {
    ConfigMap: Rules(validate_config_map, validate_config_map_update),
    Deployment: Rules(validate_deployment, validate_deployment_update, validate_deployment_status),
    Event: Rules(validate_event),
    Lease: Rules(validate_lease),
    Namespace: Rules(validate_namespace),
    Node: Rules(validate_node, validate_node_update),
    Pod: Rules(validate_pod, validate_pod_update, validate_pod_status_update),
    ReplicaSet: Rules(validate_replica_set, validate_replica_set_update, validate_replica_set_status),
    Secret: Rules(validate_secret, validate_secret_update),
    ServiceAccount: Rules(validate_service_account),
}


def validate(obj: KubeObject) -> list[FieldError]:
    """Return the faults of a new object."""
    return _RULES[type(obj)].new(obj)


def validate_update(new: KubeObject, old: KubeObject) -> list[FieldError]:
    """Return the faults of an object, and of turning ``old`` into it."""
    rules = _RULES[type(new)]
    if rules.update is not None:
        return rules.update(new, old)
    return validate_meta_update(new.metadata, old.metadata) + rules.new(new)


def validate_status_update(new: KubeObject, old: KubeObject) -> list[FieldError]:
    """Return the faults of a new status."""
    rules = _RULES[type(new)]
    if rules.status is not None:
        return rules.status(new, old)
    return validate_meta_update(new.metadata, old.metadata)
