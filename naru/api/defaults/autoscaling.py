"""Defaults of HorizontalPodAutoscalers.

Version 1 gets its metric on the way to version 2: whether it needs one, its annotations say.
"""

from typing import Final

from naru.api.autoscaling_v2 import (
    HorizontalPodAutoscaler,
    HPAScalingPolicy,
    HPAScalingRules,
    MetricSpec,
    MetricTarget,
    ResourceMetricSource,
)

CPU_UTILIZATION: Final = 80  # percent of what the pods request
CPU_METRIC: Final = MetricSpec(
    type="Resource",
    resource=ResourceMetricSource(
        name="cpu", target=MetricTarget(type="Utilization", average_utilization=CPU_UTILIZATION)
    ),
)
_DOUBLE: Final = HPAScalingPolicy(type="Percent", value=100, period_seconds=15)
_FOUR_PODS: Final = HPAScalingPolicy(type="Pods", value=4, period_seconds=15)
SCALE_UP: Final = HPAScalingRules(stabilization_window_seconds=0, select_policy="Max", policies=(_FOUR_PODS, _DOUBLE))
SCALE_DOWN: Final = HPAScalingRules(select_policy="Max", policies=(_DOUBLE,))


def default_autoscaler(autoscaler: HorizontalPodAutoscaler) -> HorizontalPodAutoscaler:
    """Aim at 80 % of the requested CPU, and complete rules of which only some are given."""
    spec = autoscaler.spec
    behavior = spec.behavior
    if behavior is not None:
        rules = {
            "scale_up": _completed(behavior.scale_up, SCALE_UP),
            "scale_down": _completed(behavior.scale_down, SCALE_DOWN),
        }
        behavior = behavior.model_copy(update=rules)
    update = {"metrics": spec.metrics or (CPU_METRIC,), "behavior": behavior}
    return autoscaler.model_copy(update={"spec": spec.model_copy(update=update)})


def _completed(rules: HPAScalingRules | None, usual: HPAScalingRules) -> HPAScalingRules:
    if rules is None:
        return usual
    given = {name: value for name in HPAScalingRules.model_fields if (value := getattr(rules, name)) not in (None, ())}
    return usual.model_copy(update=given)


DEFAULTS: Final = {HorizontalPodAutoscaler: default_autoscaler}
