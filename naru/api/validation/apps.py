"""Validation of ReplicaSets and Deployments, and of the Scale by which both are resized.

Source: Kubernetes API reference, apps/v1; the texts are those of upstream's validation.
"""

from collections.abc import Mapping
from typing import Final

from naru.api.apps_v1 import Deployment, DeploymentSpec, DeploymentStrategy, ReplicaSet, RollingUpdateDeployment
from naru.api.autoscaling_v1 import Scale
from naru.api.errors import FieldError
from naru.api.field_errors import IMMUTABLE, forbidden, invalid, not_supported, required
from naru.api.meta import LabelSelector
from naru.api.model import IntOrString
from naru.api.names import check_dns_subdomain
from naru.api.pod_v1 import PodTemplateSpec, RestartPolicy
from naru.api.selectors import matcher
from naru.api.validation.meta import (
    not_negative,
    not_negative_or_percent,
    one_of,
    validate_annotations,
    validate_labels,
    validate_meta,
    validate_meta_update,
    validate_selector,
)
from naru.api.validation.pods import validate_pod_spec
from naru.api.validation.rules import Rules

STRATEGIES: Final = ("Recreate", "RollingUpdate")


def validate_replica_set(replica_set: ReplicaSet) -> list[FieldError]:
    """Return the faults of a ReplicaSet."""
    spec = replica_set.spec
    errors = validate_meta(replica_set.metadata, namespaced=True, check_name=check_dns_subdomain)
    errors += not_negative("spec.replicas", spec.replicas)
    errors += not_negative("spec.minReadySeconds", spec.min_ready_seconds)
    return errors + _validate_selection(spec.selector, spec.template, "replicaset")


def validate_replica_set_update(new: ReplicaSet, old: ReplicaSet) -> list[FieldError]:
    """Return the faults of changing a ReplicaSet."""
    errors = validate_meta_update(new.metadata, old.metadata) + validate_replica_set(new)
    return errors + _validate_same_selector(new.spec.selector, old.spec.selector)


def validate_replica_set_status(new: ReplicaSet, old: ReplicaSet) -> list[FieldError]:
    """Return the faults of a ReplicaSet's status."""
    status = new.status
    counts = {
        "fullyLabeledReplicas": status.fully_labeled_replicas,
        "readyReplicas": status.ready_replicas,
        "availableReplicas": status.available_replicas,
    }
    errors = validate_meta_update(new.metadata, old.metadata) + _validate_counts(status.replicas, counts)
    return errors + _validate_available(status.available_replicas, status.ready_replicas)


def validate_deployment(deployment: Deployment) -> list[FieldError]:
    """Return the faults of a Deployment."""
    spec = deployment.spec
    errors = validate_meta(deployment.metadata, namespaced=True, check_name=check_dns_subdomain)
    errors += not_negative("spec.replicas", spec.replicas)
    errors += _validate_selection(spec.selector, spec.template, "deployment")
    errors += _validate_strategy(spec.strategy, "spec.strategy")
    errors += not_negative("spec.minReadySeconds", spec.min_ready_seconds)
    errors += not_negative("spec.revisionHistoryLimit", spec.revision_history_limit)
    return errors + _validate_progress_deadline(spec)


def validate_deployment_update(new: Deployment, old: Deployment) -> list[FieldError]:
    """Return the faults of changing a Deployment."""
    errors = validate_meta_update(new.metadata, old.metadata) + validate_deployment(new)
    return errors + _validate_same_selector(new.spec.selector, old.spec.selector)


def validate_deployment_status(new: Deployment, old: Deployment) -> list[FieldError]:
    """Return the faults of a Deployment's status."""
    status = new.status
    counts = {
        "updatedReplicas": status.updated_replicas,
        "readyReplicas": status.ready_replicas,
        "availableReplicas": status.available_replicas,
    }
    errors = validate_meta_update(new.metadata, old.metadata) + _validate_counts(status.replicas, counts)
    errors += not_negative("status.unavailableReplicas", status.unavailable_replicas)
    return errors + _validate_available(status.available_replicas, status.ready_replicas)


def validate_scale(scale: Scale) -> list[FieldError]:
    """Return the faults of a Scale."""
    return not_negative("spec.replicas", scale.spec.replicas)


def _validate_selection(selector: LabelSelector, template: PodTemplateSpec, kind: str) -> list[FieldError]:
    """Check that the pods made from the template will be found by the selector, and can go on for ever."""
    errors = validate_selector(selector, "spec.selector")
    if not selector.match_labels and not selector.match_expressions:
        errors.append(invalid("spec.selector", selector, f"empty selector is invalid for {kind}"))
    elif not errors and not matcher(selector).matches(template.metadata.labels):
        why = "`selector` does not match template `labels`"
        errors.append(invalid("spec.template.metadata.labels", template.metadata.labels, why))
    errors += validate_labels(template.metadata.labels, "spec.template.metadata.labels")
    errors += validate_annotations(template.metadata.annotations, "spec.template.metadata.annotations")
    errors += validate_pod_spec(template.spec, "spec.template.spec")
    if template.spec.restart_policy in (RestartPolicy.ON_FAILURE, RestartPolicy.NEVER):
        policy = template.spec.restart_policy
        errors.append(not_supported("spec.template.spec.restartPolicy", policy, (RestartPolicy.ALWAYS,)))
    if template.spec.active_deadline_seconds is not None:
        why = "activeDeadlineSeconds in ReplicaSet is not Supported"
        errors.append(forbidden("spec.template.spec.activeDeadlineSeconds", why))
    return errors


def _validate_same_selector(new: LabelSelector, old: LabelSelector) -> list[FieldError]:
    return [invalid("spec.selector", new, IMMUTABLE)] if new != old else []


def _validate_strategy(strategy: DeploymentStrategy, path: str) -> list[FieldError]:
    if strategy.type == "Recreate" and strategy.rolling_update is not None:
        return [forbidden(f"{path}.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")]
    if strategy.type == "RollingUpdate":
        if strategy.rolling_update is None:
            return [required(f"{path}.rollingUpdate", "this should be defaulted and never be nil")]
        return _validate_rolling_update(strategy.rolling_update, f"{path}.rollingUpdate")
    return one_of(f"{path}.type", strategy.type, STRATEGIES)


def _validate_rolling_update(rolling: RollingUpdateDeployment, path: str) -> list[FieldError]:
    unavailable, surge = rolling.max_unavailable, rolling.max_surge
    errors = not_negative_or_percent(f"{path}.maxUnavailable", unavailable)
    errors += not_negative_or_percent(f"{path}.maxSurge", surge)
    if not errors and _is_nothing(unavailable) and _is_nothing(surge):
        errors.append(invalid(f"{path}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0"))
    if not errors and isinstance(unavailable, str) and int(unavailable.rstrip("%")) > 100:
        errors.append(invalid(f"{path}.maxUnavailable", unavailable, "must not be greater than 100%"))
    return errors


def _is_nothing(amount: IntOrString) -> bool:
    return int(str(amount).rstrip("%")) == 0


def _validate_progress_deadline(spec: DeploymentSpec) -> list[FieldError]:
    path, seconds = "spec.progressDeadlineSeconds", spec.progress_deadline_seconds
    if seconds < 0:
        return not_negative(path, seconds)
    late_enough = seconds > spec.min_ready_seconds
    return [] if late_enough else [invalid(path, seconds, "must be greater than minReadySeconds")]


def _validate_counts(total: int, counts: Mapping[str, int]) -> list[FieldError]:
    errors = not_negative("status.replicas", total)
    for name, count in counts.items():
        errors += not_negative(f"status.{name}", count)
        if count > total:
            errors.append(invalid(f"status.{name}", count, "cannot be greater than status.replicas"))
    return errors


def _validate_available(available: int, ready: int) -> list[FieldError]:
    if available <= ready:
        return []
    return [invalid("status.availableReplicas", available, "cannot be greater than readyReplicas")]


RULES: Final = {
    Deployment: Rules(validate_deployment, validate_deployment_update, validate_deployment_status),
    ReplicaSet: Rules(validate_replica_set, validate_replica_set_update, validate_replica_set_status),
}
