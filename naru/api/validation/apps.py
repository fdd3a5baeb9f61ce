"""Validation of the kinds that keep pods of a template going, and of the Scale by which some are resized.

Source: Kubernetes API reference, apps/v1; the texts are those of upstream's validation.
"""

from typing import Final, TypeVar

from naru.api.apps_v1 import (
    ControllerRevision,
    DaemonSet,
    DaemonSetUpdateStrategy,
    Deployment,
    DeploymentSpec,
    DeploymentStrategy,
    ReplicaSet,
    ReplicaSetSpec,
    RollingUpdateDaemonSet,
    RollingUpdateDeployment,
    StatefulSet,
    StatefulSetSpec,
    StatefulSetUpdateStrategy,
)
from naru.api.autoscaling_v1 import Scale
from naru.api.errors import FieldError
from naru.api.field_errors import IMMUTABLE, each_invalid, forbidden, in_go, invalid, not_supported, required
from naru.api.model import IntOrString
from naru.api.names import check_dns_label, check_dns_subdomain
from naru.api.pod_v1 import PodTemplateSpec
from naru.api.replication_controller_v1 import ReplicationController
from naru.api.validation.meta import (
    not_negative,
    not_negative_or_percent,
    validate_meta,
    validate_meta_update,
    validate_selector,
)
from naru.api.validation.rules import Rules
from naru.api.validation.templates import (
    is_empty,
    is_readable,
    none_above,
    none_negative,
    not_decremented,
    validate_available,
    validate_lasting,
    validate_required_selector,
    validate_same_selector,
    validate_selected,
    validate_template,
)
from naru.api.volumes_v1 import EmptyDirVolumeSource, Volume

R = TypeVar("R", ReplicaSet, ReplicationController)

STRATEGIES: Final = ("Recreate", "RollingUpdate")
DAEMON_STRATEGIES: Final = ("RollingUpdate", "OnDelete")
RETENTION_POLICIES: Final = ("Retain", "Delete")
_STATEFUL_FIXED: Final = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_STATEFUL_CHANGEABLE: Final = (
    "replicas",
    "ordinals",
    "template",
    "update_strategy",
    "revision_history_limit",
    "persistent_volume_claim_retention_policy",
    "min_ready_seconds",
)


def validate_replica_set(replica_set: ReplicaSet) -> list[FieldError]:
    """Return the faults of a ReplicaSet."""
    errors = validate_meta(replica_set.metadata, namespaced=True, check_name=check_dns_subdomain)
    return errors + _validate_replica_set_spec(replica_set.spec)


def _validate_replica_set_spec(spec: ReplicaSetSpec) -> list[FieldError]:
    errors = none_negative({"replicas": spec.replicas, "minReadySeconds": spec.min_ready_seconds}, "spec")
    return errors + _validate_pods(spec, "deployment")  # upstream says so of ReplicaSets too


def _validate_pods(spec: ReplicaSetSpec | DeploymentSpec, kind: str) -> list[FieldError]:
    errors = validate_required_selector(spec.selector, kind)
    if not is_readable(spec.selector):
        return [*errors, invalid("spec.selector", spec.selector, "invalid label selector")]
    if spec.selector is None or not is_empty(spec.selector):
        errors += validate_selected(spec.selector, spec.template, "spec.template")
    errors += validate_template(spec.template, "spec.template")
    return errors + validate_lasting(spec.template, "ReplicaSet", "spec.template")


def validate_replica_set_update(new: ReplicaSet, old: ReplicaSet) -> list[FieldError]:
    """Return the faults of changing a ReplicaSet."""
    errors = validate_meta_update(new.metadata, old.metadata) + validate_replica_set(new)
    return errors + validate_same_selector(new.spec.selector, old.spec.selector)


def validate_replicas_status(new: R, old: R) -> list[FieldError]:
    """Return the faults of the status of a ReplicaSet or a ReplicationController: they count the same."""
    status = new.status
    counts = {
        "fullyLabeledReplicas": status.fully_labeled_replicas,
        "readyReplicas": status.ready_replicas,
        "availableReplicas": status.available_replicas,
    }
    errors = validate_meta_update(new.metadata, old.metadata)
    errors += none_negative({"replicas": status.replicas, **counts, "observedGeneration": status.observed_generation})
    errors += none_above(status.replicas, counts)
    return errors + validate_available(status.available_replicas, status.ready_replicas)


def validate_deployment(deployment: Deployment) -> list[FieldError]:
    """Return the faults of a Deployment."""
    spec = deployment.spec
    errors = validate_meta(deployment.metadata, namespaced=True, check_name=check_dns_subdomain)
    errors += not_negative("spec.replicas", spec.replicas)
    errors += _validate_pods(spec, "deployment")
    errors += _validate_strategy(spec.strategy, "spec.strategy")
    errors += not_negative("spec.minReadySeconds", spec.min_ready_seconds)
    errors += not_negative("spec.revisionHistoryLimit", spec.revision_history_limit)
    return errors + _validate_progress_deadline(spec)


def validate_deployment_update(new: Deployment, old: Deployment) -> list[FieldError]:
    """Return the faults of changing a Deployment."""
    errors = validate_meta_update(new.metadata, old.metadata) + validate_deployment(new)
    return errors + validate_same_selector(new.spec.selector, old.spec.selector)


def validate_deployment_status(new: Deployment, old: Deployment) -> list[FieldError]:
    """Return the faults of a Deployment's status."""
    status = new.status
    counts = {
        "updatedReplicas": status.updated_replicas,
        "readyReplicas": status.ready_replicas,
        "availableReplicas": status.available_replicas,
    }
    errors = validate_meta_update(new.metadata, old.metadata)
    errors += none_negative({"observedGeneration": status.observed_generation, "replicas": status.replicas, **counts})
    errors += none_negative(
        {"unavailableReplicas": status.unavailable_replicas, "collisionCount": status.collision_count}
    )
    errors += none_above(status.replicas, counts)
    errors += validate_available(status.available_replicas, status.ready_replicas)
    return errors + not_decremented(status.collision_count, old.status.collision_count)


def validate_scale(scale: Scale) -> list[FieldError]:
    """Return the faults of a Scale."""
    return not_negative("spec.replicas", scale.spec.replicas)


def _validate_strategy(strategy: DeploymentStrategy, path: str) -> list[FieldError]:
    if strategy.type == "Recreate" and strategy.rolling_update is not None:
        return [forbidden(f"{path}.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")]
    if strategy.type == "RollingUpdate":
        if strategy.rolling_update is None:
            return [required(f"{path}.rollingUpdate", "this should be defaulted and never be nil")]
        return _validate_rolling_update(strategy.rolling_update, f"{path}.rollingUpdate")
    return [] if strategy.type in STRATEGIES else [not_supported(path, in_go(strategy), STRATEGIES)]


def _validate_rolling_update(rolling: RollingUpdateDeployment, path: str) -> list[FieldError]:
    unavailable, surge = rolling.max_unavailable, rolling.max_surge
    errors = not_negative_or_percent(f"{path}.maxUnavailable", unavailable)
    errors += not_negative_or_percent(f"{path}.maxSurge", surge)
    if _amount(unavailable) == 0 and _amount(surge) == 0:
        errors.append(invalid(f"{path}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0"))
    return errors + _at_most_all(f"{path}.maxUnavailable", unavailable)


def _amount(amount: IntOrString) -> int:
    """Return a number, or that of a percentage; 0 for what is neither."""
    if isinstance(amount, int):
        return amount
    digits = amount.removesuffix("%")
    return int(digits) if amount.endswith("%") and digits.isascii() and digits.isdigit() else 0


def _at_most_all(path: str, amount: IntOrString) -> list[FieldError]:
    if isinstance(amount, str) and _amount(amount) > 100:
        return [invalid(path, amount, "must not be greater than 100%")]
    return []


def _validate_progress_deadline(spec: DeploymentSpec) -> list[FieldError]:
    path, seconds = "spec.progressDeadlineSeconds", spec.progress_deadline_seconds
    errors = not_negative(path, seconds)
    if seconds <= spec.min_ready_seconds:
        errors.append(invalid(path, seconds, "must be greater than minReadySeconds"))
    return errors


def validate_stateful_set(stateful_set: StatefulSet) -> list[FieldError]:
    """Return the faults of a StatefulSet."""
    spec = stateful_set.spec
    errors = validate_meta(stateful_set.metadata, namespaced=True, check_name=check_dns_subdomain)
    if spec.pod_management_policy not in ("OrderedReady", "Parallel"):
        policy = spec.pod_management_policy
        path = "spec.podManagementPolicy"
        errors.append(invalid(path, policy, "must be 'OrderedReady' or 'Parallel'") if policy else required(path))
    errors += _validate_stateful_strategy(spec.update_strategy, "spec.updateStrategy")
    errors += _validate_retention(spec)
    errors += none_negative({"replicas": spec.replicas, "minReadySeconds": spec.min_ready_seconds}, "spec")
    if spec.ordinals is not None:
        errors += not_negative("spec.ordinals.start", spec.ordinals.start)
    errors += not_negative("spec.revisionHistoryLimit", spec.revision_history_limit)
    if spec.service_name:
        errors += each_invalid("spec.serviceName", spec.service_name, check_dns_label(spec.service_name))
    errors += validate_required_selector(spec.selector, "statefulset")
    return errors + _validate_stateful_template(spec)


def _validate_stateful_template(spec: StatefulSetSpec) -> list[FieldError]:
    path = "spec.template"
    errors: list[FieldError] = []
    if not is_readable(spec.selector):
        errors.append(invalid("spec.selector", spec.selector, ""))
    else:
        if spec.selector is None or not is_empty(spec.selector):
            errors += validate_selected(spec.selector, spec.template, path)
        errors += validate_template(_with_claims(spec), path)
    return errors + validate_lasting(spec.template, "StatefulSet", path)


def _with_claims(spec: StatefulSetSpec) -> PodTemplateSpec:
    """Return the template with the volumes that its pods get from the claims."""
    template = spec.template
    claimed = {claim.metadata.name for claim in spec.volume_claim_templates if claim.metadata.name}
    volumes = [volume for volume in template.spec.volumes if volume.name not in claimed]
    volumes += [Volume(name=name, empty_dir=EmptyDirVolumeSource()) for name in sorted(claimed)]
    return template.model_copy(update={"spec": template.spec.model_copy(update={"volumes": tuple(volumes)})})


def _validate_stateful_strategy(strategy: StatefulSetUpdateStrategy, path: str) -> list[FieldError]:
    rolling = strategy.rolling_update
    match strategy.type:
        case "RollingUpdate":
            return [] if rolling is None else not_negative(f"{path}.rollingUpdate.partition", rolling.partition)
        case "OnDelete":
            why = "only allowed for updateStrategy 'RollingUpdate'"
            return [] if rolling is None else [invalid(f"{path}.rollingUpdate", in_go(rolling), why)]
        case "":
            return [required(path)]
        case _:
            return [invalid(path, in_go(strategy), "must be 'RollingUpdate' or 'OnDelete'")]


def _validate_retention(spec: StatefulSetSpec) -> list[FieldError]:
    path, policy = "spec.persistentVolumeClaimRetentionPolicy", spec.persistent_volume_claim_retention_policy
    choices = {"whenDeleted": policy.when_deleted, "whenScaled": policy.when_scaled}
    return [
        not_supported(f"{path}.{name}", choice, RETENTION_POLICIES)
        for name, choice in choices.items()
        if choice not in RETENTION_POLICIES
    ]


def validate_stateful_set_update(new: StatefulSet, old: StatefulSet) -> list[FieldError]:
    """Return the faults of changing a StatefulSet: what its pods are known by stays as it is."""
    errors = validate_stateful_set(new) + validate_meta_update(new.metadata, old.metadata)
    kept = new.spec.model_copy(update={name: getattr(old.spec, name) for name in _STATEFUL_CHANGEABLE})
    return [*errors, forbidden("spec", _STATEFUL_FIXED)] if kept != old.spec else errors


def validate_stateful_set_status(new: StatefulSet, old: StatefulSet) -> list[FieldError]:
    """Return the faults of a StatefulSet's status."""
    status = new.status
    counts = {
        "readyReplicas": status.ready_replicas,
        "currentReplicas": status.current_replicas,
        "updatedReplicas": status.updated_replicas,
        "availableReplicas": status.available_replicas,
    }
    errors = none_negative({"replicas": status.replicas, **counts})
    errors += none_negative(
        {"observedGeneration": status.observed_generation, "collisionCount": status.collision_count}
    )
    errors += none_above(status.replicas, counts)
    errors += validate_available(status.available_replicas, status.ready_replicas, "status.readyReplicas")
    errors += validate_meta_update(new.metadata, old.metadata)
    return errors + not_decremented(status.collision_count, old.status.collision_count)


def validate_daemon_set(daemon_set: DaemonSet) -> list[FieldError]:
    """Return the faults of a DaemonSet."""
    spec = daemon_set.spec
    errors = validate_meta(daemon_set.metadata, namespaced=True, check_name=check_dns_subdomain)
    errors += [] if spec.selector is None else validate_selector(spec.selector, "spec.selector")
    if is_readable(spec.selector):
        errors += validate_selected(spec.selector, spec.template, "spec.template")
    if spec.selector is not None and is_empty(spec.selector):
        errors.append(invalid("spec.selector", spec.selector, "empty selector is invalid for daemonset"))
    errors += validate_template(spec.template, "spec.template")
    errors += validate_lasting(spec.template, "DaemonSet", "spec.template")
    errors += not_negative("spec.minReadySeconds", spec.min_ready_seconds)
    errors += _validate_daemon_strategy(spec.update_strategy, "spec.updateStrategy")
    return errors + not_negative("spec.revisionHistoryLimit", spec.revision_history_limit)


def _validate_daemon_strategy(strategy: DaemonSetUpdateStrategy, path: str) -> list[FieldError]:
    if strategy.type == "OnDelete":
        return []
    if strategy.type != "RollingUpdate":
        return [not_supported(path, in_go(strategy), DAEMON_STRATEGIES)]
    if strategy.rolling_update is None:
        return [required(f"{path}.rollingUpdate")]
    return _validate_rolling_daemons(strategy.rolling_update, f"{path}.rollingUpdate")


def _validate_rolling_daemons(rolling: RollingUpdateDaemonSet, path: str) -> list[FieldError]:
    """Hold the bounds against each other: one node at least must be touched at a time, and no node twice over."""
    unavailable, surge = rolling.max_unavailable, rolling.max_surge
    errors = not_negative_or_percent(f"{path}.maxUnavailable", unavailable)
    errors += not_negative_or_percent(f"{path}.maxSurge", surge)
    errors += _at_most_all(f"{path}.maxUnavailable", unavailable) + _at_most_all(f"{path}.maxSurge", surge)
    has_unavailable, has_surge = _amount(unavailable) != 0, _amount(surge) != 0
    if has_unavailable and has_surge:
        errors.append(invalid(f"{path}.maxSurge", surge, "may not be set when maxUnavailable is non-zero"))
    elif not has_unavailable and not has_surge:
        errors.append(required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0"))
    return errors


def validate_daemon_set_update(new: DaemonSet, old: DaemonSet) -> list[FieldError]:
    """Return the faults of changing a DaemonSet."""
    errors = validate_daemon_set(new) + validate_meta_update(new.metadata, old.metadata)
    return errors + validate_same_selector(new.spec.selector, old.spec.selector)


def validate_daemon_set_status(new: DaemonSet, old: DaemonSet) -> list[FieldError]:
    """Return the faults of a DaemonSet's status."""
    status = new.status
    errors = validate_meta_update(new.metadata, old.metadata)
    errors += none_negative(
        {
            "currentNumberScheduled": status.current_number_scheduled,
            "numberMisscheduled": status.number_misscheduled,
            "desiredNumberScheduled": status.desired_number_scheduled,
            "numberReady": status.number_ready,
            "observedGeneration": status.observed_generation,
            "updatedNumberScheduled": status.updated_number_scheduled,
            "numberAvailable": status.number_available,
            "numberUnavailable": status.number_unavailable,
            "collisionCount": status.collision_count,
        }
    )
    return errors + not_decremented(status.collision_count, old.status.collision_count)


def validate_revision(revision: ControllerRevision) -> list[FieldError]:
    """Return the faults of a ControllerRevision."""
    errors = validate_meta(revision.metadata, namespaced=True, check_name=check_dns_subdomain)
    if revision.data is None:
        errors.append(required("data", "data is mandatory"))
    elif revision.data[:1] != b"{":
        errors.append(invalid("data", revision.data.decode(), "data must be a valid JSON object"))
    return errors + not_negative("revision", revision.revision)


def validate_revision_update(new: ControllerRevision, old: ControllerRevision) -> list[FieldError]:
    """Return the faults of changing a ControllerRevision, whose content never does."""
    errors = validate_meta_update(new.metadata, old.metadata) + validate_revision(new)
    if new.data != old.data:
        errors.append(invalid("data", new.data.value if new.data is not None else None, IMMUTABLE))
    return errors


RULES: Final = {
    ControllerRevision: Rules(validate_revision, validate_revision_update),
    DaemonSet: Rules(validate_daemon_set, validate_daemon_set_update, validate_daemon_set_status),
    Deployment: Rules(validate_deployment, validate_deployment_update, validate_deployment_status),
    ReplicaSet: Rules(validate_replica_set, validate_replica_set_update, validate_replicas_status),
    StatefulSet: Rules(validate_stateful_set, validate_stateful_set_update, validate_stateful_set_status),
}
