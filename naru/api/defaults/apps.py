"""Defaults of the kinds that keep pods of a template going."""

from typing import Any, Final, TypeVar

from naru.api.apps_v1 import (
    DaemonSet,
    Deployment,
    ReplicaSet,
    RollingUpdateDaemonSet,
    RollingUpdateDeployment,
    RollingUpdateStatefulSetStrategy,
    StatefulSet,
)
from naru.api.defaults import with_defaults
from naru.api.defaults.pods import default_template

W = TypeVar("W", Deployment, ReplicaSet, StatefulSet, DaemonSet)

ROLLING_UPDATE: Final = "RollingUpdate"


def with_spec(obj: W, update: dict[str, Any]) -> W:
    """Return a workload with its template filled in, and with these changes to its spec."""
    update["template"] = default_template(obj.spec.template)
    return obj.model_copy(update={"spec": obj.spec.model_copy(update=update)})


def default_replica_set(replica_set: ReplicaSet) -> ReplicaSet:
    """Fill in the template of a ReplicaSet."""
    return with_spec(replica_set, {})


def default_deployment(deployment: Deployment) -> Deployment:
    """Fill in the template of a Deployment, and the bounds of its rolling update."""
    strategy = deployment.spec.strategy
    if strategy.type != ROLLING_UPDATE or strategy.rolling_update is not None:
        return with_spec(deployment, {})
    bounded = strategy.model_copy(update={"rolling_update": RollingUpdateDeployment()})
    return with_spec(deployment, {"strategy": bounded})


def default_daemon_set(daemon_set: DaemonSet) -> DaemonSet:
    """Fill in the template of a DaemonSet, and the bounds of its rolling update."""
    strategy = daemon_set.spec.update_strategy
    if strategy.type != ROLLING_UPDATE or strategy.rolling_update is not None:
        return with_spec(daemon_set, {})
    bounded = strategy.model_copy(update={"rolling_update": RollingUpdateDaemonSet()})
    return with_spec(daemon_set, {"update_strategy": bounded})


def default_stateful_set(stateful_set: StatefulSet) -> StatefulSet:
    """Fill in the templates of a StatefulSet; only a strategy without a type gets a partition."""
    update: dict[str, Any] = {
        "volume_claim_templates": tuple(map(with_defaults, stateful_set.spec.volume_claim_templates))
    }
    strategy = stateful_set.spec.update_strategy
    if not strategy.type:
        rolling = strategy.rolling_update or RollingUpdateStatefulSetStrategy()
        update["update_strategy"] = strategy.model_copy(update={"type": ROLLING_UPDATE, "rolling_update": rolling})
    return with_spec(stateful_set, update)


DEFAULTS: Final = {
    DaemonSet: default_daemon_set,
    Deployment: default_deployment,
    ReplicaSet: default_replica_set,
    StatefulSet: default_stateful_set,
}
