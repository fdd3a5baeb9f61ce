"""Defaults of the kinds that make pods from a template."""

from typing import Any, Final

from naru.api.apps_v1 import Deployment, ReplicaSet, RollingUpdateDeployment
from naru.api.defaults.pods import default_template


def default_replica_set(replica_set: ReplicaSet) -> ReplicaSet:
    """Fill in the template of a ReplicaSet."""
    template = default_template(replica_set.spec.template)
    return replica_set.model_copy(update={"spec": replica_set.spec.model_copy(update={"template": template})})


def default_deployment(deployment: Deployment) -> Deployment:
    """Fill in the template of a Deployment, and the bounds of its rolling update."""
    spec = deployment.spec
    update: dict[str, Any] = {"template": default_template(spec.template)}
    if spec.strategy.type == "RollingUpdate" and spec.strategy.rolling_update is None:
        update["strategy"] = spec.strategy.model_copy(update={"rolling_update": RollingUpdateDeployment()})
    return deployment.model_copy(update={"spec": spec.model_copy(update=update)})


DEFAULTS: Final = {Deployment: default_deployment, ReplicaSet: default_replica_set}
