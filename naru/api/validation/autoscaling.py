"""Validation of HorizontalPodAutoscalers, in the version that is stored.

Source: Kubernetes API reference, autoscaling/v2; the texts are those of upstream's validation.
"""

from collections.abc import Callable
from typing import Any, Final

from naru.api.autoscaling_v2 import (
    ContainerResourceMetricSource,
    CrossVersionObjectReference,
    ExternalMetricSource,
    HorizontalPodAutoscaler,
    HorizontalPodAutoscalerSpec,
    HPAScalingPolicy,
    HPAScalingRules,
    MetricIdentifier,
    MetricSpec,
    MetricTarget,
    ObjectMetricSource,
    PodsMetricSource,
    ResourceMetricSource,
)
from naru.api.errors import FieldError
from naru.api.field_errors import NEGATIVE, each_invalid, forbidden, invalid, not_supported, required
from naru.api.names import check_dns_label, check_dns_subdomain, check_label_key, check_path_segment
from naru.api.quantity import parse_quantity
from naru.api.validation.containers import STANDARD_RESOURCES
from naru.api.validation.meta import validate_meta, validate_meta_update
from naru.api.validation.rules import Rules
from naru.api.validation.templates import none_negative

MAX_PERIOD_S: Final = 1800
MAX_STABILIZATION_S: Final = 3600
SELECT_POLICIES: Final = ("Disabled", "Max", "Min")
POLICY_TYPES: Final = ("Percent", "Pods")
METRIC_TYPES: Final = ("ContainerResource", "External", "Object", "Pods", "Resource")
TARGET_TYPES: Final = ("Utilization", "Value", "AverageValue")
_FIELD_OF_TYPE: Final = {
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
    "External": "external",
    "ContainerResource": "containerResource",
}
_NOT_BOTH: Final = "may not set both a target raw value and a target utilization"
_NEEDS_TARGET: Final = "must set either a target raw value or a target utilization"


def validate_autoscaler(autoscaler: HorizontalPodAutoscaler) -> list[FieldError]:
    """Return the faults of an autoscaler."""
    errors = validate_meta(autoscaler.metadata, namespaced=True, check_name=check_dns_subdomain)
    return errors + _validate_spec(autoscaler.spec)


def _validate_spec(spec: HorizontalPodAutoscalerSpec) -> list[FieldError]:
    errors = []
    if spec.min_replicas < 1:
        errors.append(invalid("spec.minReplicas", spec.min_replicas, "must be greater than or equal to 1"))
    if spec.max_replicas < 1:
        errors.append(invalid("spec.maxReplicas", spec.max_replicas, "must be greater than 0"))
    if spec.max_replicas < spec.min_replicas:
        why = "must be greater than or equal to `minReplicas`"
        errors.append(invalid("spec.maxReplicas", spec.max_replicas, why))
    errors += _validate_reference(spec.scale_target_ref, "spec.scaleTargetRef", grouped=False)
    errors += _validate_metrics(spec)
    if spec.behavior is not None:
        errors += _validate_rules(spec.behavior.scale_up, "spec.behavior.scaleUp")
        errors += _validate_rules(spec.behavior.scale_down, "spec.behavior.scaleDown")
    return errors


def _validate_reference(ref: CrossVersionObjectReference, path: str, *, grouped: bool) -> list[FieldError]:
    errors = []
    for name, value in (("kind", ref.kind), ("name", ref.name)):
        errors += (
            each_invalid(f"{path}.{name}", value, check_path_segment(value)) if value else [required(f"{path}.{name}")]
        )
    version = ref.api_version
    if version.count("/") > 1:
        errors.append(invalid(f"{path}.apiVersion", version, f"unexpected GroupVersion string: {version}"))
    elif grouped and not version.rpartition("/")[0]:
        errors.append(invalid(f"{path}.apiVersion", version, "apiVersion must specify API group"))
    return errors


def _validate_metrics(spec: HorizontalPodAutoscalerSpec) -> list[FieldError]:
    errors = []
    for index, metric in enumerate(spec.metrics):
        errors += _validate_metric(metric, f"spec.metrics[{index}]")
    if spec.min_replicas == 0 and not any(metric.type in ("Object", "External") for metric in spec.metrics):
        why = "must specify at least one Object or External metric to support scaling to zero replicas"
        errors.append(forbidden("spec.metrics", why))
    return errors


def _validate_metric(metric: MetricSpec, path: str) -> list[FieldError]:
    errors = []
    if not metric.type:
        errors.append(required(f"{path}.type", "must specify a metric source type"))
    if metric.type not in METRIC_TYPES:
        errors.append(not_supported(f"{path}.type", metric.type, METRIC_TYPES))
    given = [(name, source) for name, attribute, _ in _SOURCES if (source := getattr(metric, attribute)) is not None]
    if given:  # only the first one is looked into
        name, source = given[0]
        check: Callable[[Any, str], list[FieldError]] = next(check for field, _, check in _SOURCES if field == name)
        errors += check(source, f"{path}.{name}")
    names = [name for name, _ in given]
    expected = _FIELD_OF_TYPE.get(metric.type)
    if expected is None:
        errors.append(not_supported(f"{path}.type", metric.type, METRIC_TYPES))
    elif expected not in names:
        errors.append(required(f"{path}.{expected}", "must populate information for the given metric source"))
    if len(names) != 1:
        why = "must populate the given metric source only"
        errors += [forbidden(f"{path}.{name}", why) for name in names if name != expected]
    return errors


def _validate_object(source: ObjectMetricSource, path: str) -> list[FieldError]:
    errors = _validate_reference(source.described_object, f"{path}.describedObject", grouped=False)
    errors += _validate_identifier(source.metric, f"{path}.metric") + _validate_target(source.target, f"{path}.target")
    if source.target.value is None and source.target.average_value is None:
        why = "must set either a target value or averageValue"
        errors.append(required(f"{path}.target.averageValue", why))
    return errors


def _validate_external(source: ExternalMetricSource, path: str) -> list[FieldError]:
    errors = _validate_identifier(source.metric, f"{path}.metric") + _validate_target(source.target, f"{path}.target")
    value, average = source.target.value, source.target.average_value
    if value is None and average is None:
        why = "must set either a target value for metric or a per-pod target"
        errors.append(required(f"{path}.target.averageValue", why))
    if value is not None and average is not None:
        why = "may not set both a target value for metric and a per-pod target"
        errors.append(forbidden(f"{path}.target.value", why))
    return errors


def _validate_pods(source: PodsMetricSource, path: str) -> list[FieldError]:
    errors = _validate_identifier(source.metric, f"{path}.metric") + _validate_target(source.target, f"{path}.target")
    if source.target.average_value is None:
        errors.append(required(f"{path}.target.averageValue", "must specify a positive target averageValue"))
    return errors


def _validate_resource(source: ResourceMetricSource | ContainerResourceMetricSource, path: str) -> list[FieldError]:
    errors = [] if source.name else [required(f"{path}.name", "must specify a resource name")]
    if isinstance(source, ContainerResourceMetricSource):
        errors += _validate_container(source, path)
    target = source.target
    errors += _validate_target(target, f"{path}.target")
    if target.average_utilization is None and target.average_value is None:
        errors.append(required(f"{path}.target.averageUtilization", _NEEDS_TARGET))
    if target.average_utilization is not None and target.average_value is not None:
        errors.append(forbidden(f"{path}.target.averageValue", _NOT_BOTH))
    return errors


def _validate_container(source: ContainerResourceMetricSource, path: str) -> list[FieldError]:
    errors = []
    if source.name:
        errors += each_invalid(f"{path}.name", source.name, check_label_key(source.name))
        if "/" not in source.name and source.name not in STANDARD_RESOURCES:
            errors.append(invalid(f"{path}.name", source.name, "must be a standard resource for containers"))
    if not source.container:
        return [*errors, required(f"{path}.container", "must specify a container")]
    return errors + each_invalid(f"{path}.container", source.container, check_dns_label(source.container))


# In the order in which upstream looks at them: name on the wire, attribute, check.
_SOURCES: Final[tuple[tuple[str, str, Callable[[Any, str], list[FieldError]]], ...]] = (
    ("object", "object", _validate_object),
    ("external", "external", _validate_external),
    ("pods", "pods", _validate_pods),
    ("resource", "resource", _validate_resource),
    ("containerResource", "container_resource", _validate_resource),
)


def _validate_target(target: MetricTarget, path: str) -> list[FieldError]:
    errors = [] if target.type else [required(f"{path}.type", "must specify a metric target type")]
    if target.type not in TARGET_TYPES:
        why = "must be either Utilization, Value, or AverageValue"
        errors.append(invalid(f"{path}.type", target.type, why))
    for name, amount in (("value", target.value), ("averageValue", target.average_value)):
        if amount is not None and parse_quantity(amount) <= 0:
            errors.append(invalid(f"{path}.{name}", amount, "must be positive"))
    if target.average_utilization is not None and target.average_utilization < 1:
        errors.append(invalid(f"{path}.averageUtilization", target.average_utilization, "must be greater than 0"))
    return errors


def _validate_identifier(metric: MetricIdentifier, path: str) -> list[FieldError]:
    if not metric.name:
        return [required(f"{path}.name", "must specify a metric name")]
    return each_invalid(f"{path}.name", metric.name, check_path_segment(metric.name))


def _validate_rules(rules: HPAScalingRules | None, path: str) -> list[FieldError]:
    if rules is None:
        return []
    errors, window = [], rules.stabilization_window_seconds
    if window is not None and window < 0:
        why = "must be greater than or equal to zero"
        errors.append(invalid(f"{path}.stabilizationWindowSeconds", window, why))
    if window is not None and window > MAX_STABILIZATION_S:
        why = f"must be less than or equal to {MAX_STABILIZATION_S}"
        errors.append(invalid(f"{path}.stabilizationWindowSeconds", window, why))
    if rules.select_policy is not None and rules.select_policy not in SELECT_POLICIES:
        errors.append(not_supported(f"{path}.selectPolicy", rules.select_policy, SELECT_POLICIES))
    if not rules.policies:
        errors.append(required(f"{path}.policies", "must specify at least one Policy"))
    for index, policy in enumerate(rules.policies):
        errors += _validate_policy(policy, f"{path}.policies[{index}]")
    if rules.tolerance is not None and parse_quantity(rules.tolerance) < 0:
        errors.append(invalid(f"{path}.tolerance", rules.tolerance, NEGATIVE))
    return errors


def _validate_policy(policy: HPAScalingPolicy, path: str) -> list[FieldError]:
    errors = []
    if policy.type not in POLICY_TYPES:
        errors.append(not_supported(f"{path}.type", policy.type, POLICY_TYPES))
    if policy.value <= 0:
        errors.append(invalid(f"{path}.value", policy.value, "must be greater than zero"))
    if policy.period_seconds <= 0:
        errors.append(invalid(f"{path}.periodSeconds", policy.period_seconds, "must be greater than zero"))
    if policy.period_seconds > MAX_PERIOD_S:
        why = f"must be less than or equal to {MAX_PERIOD_S}"
        errors.append(invalid(f"{path}.periodSeconds", policy.period_seconds, why))
    return errors


def validate_autoscaler_update(new: HorizontalPodAutoscaler, old: HorizontalPodAutoscaler) -> list[FieldError]:
    """Return the faults of changing an autoscaler."""
    return validate_meta_update(new.metadata, old.metadata) + _validate_spec(new.spec)


def validate_autoscaler_status(new: HorizontalPodAutoscaler, old: HorizontalPodAutoscaler) -> list[FieldError]:
    """Return the faults of an autoscaler's status."""
    counts = {"currentReplicas": new.status.current_replicas, "desiredReplicas": new.status.desired_replicas}
    return validate_meta_update(new.metadata, old.metadata) + none_negative(counts)


RULES: Final = {
    HorizontalPodAutoscaler: Rules(validate_autoscaler, validate_autoscaler_update, validate_autoscaler_status)
}
