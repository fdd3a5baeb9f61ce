"""Validation of PodDisruptionBudgets.

Source: Kubernetes API reference, policy/v1; the texts are those of upstream's validation.
"""

import re
from collections.abc import Sequence
from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import duplicate, each_invalid, invalid, not_supported, required, too_long
from naru.api.meta import Condition
from naru.api.model import IntOrString
from naru.api.names import check_label_key, check_path_segment
from naru.api.policy_v1 import PodDisruptionBudget, PodDisruptionBudgetSpec
from naru.api.validation.meta import (
    not_negative,
    not_negative_or_percent,
    one_of,
    validate_meta,
    validate_meta_update,
    validate_selector,
)
from naru.api.validation.rules import Rules

EVICTION_POLICIES: Final = ("AlwaysAllow", "IfHealthyBudget")
STATUSES: Final = ("False", "True", "Unknown")
MAX_DIGITS: Final = 19  # of a percentage; a longer one is no number to upstream, and so not too large
MAX_REASON_BYTES: Final = 1 << 10
MAX_MESSAGE_BYTES: Final = 32 << 10
_REASON: Final = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"


def validate_budget(budget: PodDisruptionBudget) -> list[FieldError]:
    """Return the faults of a PodDisruptionBudget."""
    spec, errors = budget.spec, []
    if spec.min_available is not None and spec.max_unavailable is not None:
        errors.append(invalid("spec", _as_upstream_shows(spec), "minAvailable and maxUnavailable cannot be both set"))
    errors += _validate_amount(spec.min_available, "spec.minAvailable")
    errors += _validate_amount(spec.max_unavailable, "spec.maxUnavailable")
    if spec.selector is not None:
        errors += validate_selector(spec.selector, "spec.selector")
    policy = spec.unhealthy_pod_eviction_policy
    if policy is not None and policy not in EVICTION_POLICIES:
        errors.append(not_supported("spec.unhealthyPodEvictionPolicy", policy, EVICTION_POLICIES))
    return errors + validate_meta(budget.metadata, namespaced=True, check_name=check_path_segment)


def _as_upstream_shows(spec: PodDisruptionBudgetSpec) -> dict[str, object]:
    """Write the spec as upstream does, by the fields of its internal type."""
    return {
        "MinAvailable": spec.min_available,
        "Selector": spec.selector.wire() if spec.selector is not None else None,
        "MaxUnavailable": spec.max_unavailable,
        "UnhealthyPodEvictionPolicy": spec.unhealthy_pod_eviction_policy,
    }


def _validate_amount(amount: IntOrString | None, path: str) -> list[FieldError]:
    if amount is None:
        return []
    errors = not_negative_or_percent(path, amount)
    digits = amount.rstrip("%") if isinstance(amount, str) and not errors else ""
    if 0 < len(digits) < MAX_DIGITS and int(digits) > 100:
        errors.append(invalid(path, amount, "must not be greater than 100%"))
    return errors


def validate_budget_status(new: PodDisruptionBudget, old: PodDisruptionBudget) -> list[FieldError]:
    """Return the faults of a PodDisruptionBudget's status."""
    status = new.status
    errors = validate_meta_update(new.metadata, old.metadata)
    errors += validate_conditions(status.conditions, "status.conditions")
    errors += not_negative("status.disruptionsAllowed", status.disruptions_allowed)
    errors += not_negative("status.currentHealthy", status.current_healthy)
    errors += not_negative("status.desiredHealthy", status.desired_healthy)
    return errors + not_negative("status.expectedPods", status.expected_pods)


def validate_conditions(conditions: Sequence[Condition], path: str) -> list[FieldError]:
    """Return the faults of conditions."""
    errors = []
    types = [condition.type for condition in conditions]
    for index, condition in enumerate(conditions):
        errors += [duplicate(f"{path}[{index}]", condition.type)] if condition.type in types[:index] else []
        errors += _validate_condition(condition, f"{path}[{index}]")
    return errors


def _validate_condition(condition: Condition, at: str) -> list[FieldError]:
    if not condition.type:
        errors = [required(f"{at}.type", "is required")]
    else:
        errors = each_invalid(f"{at}.type", condition.type, check_label_key(condition.type))
    errors += one_of(f"{at}.status", condition.status, STATUSES)
    if condition.observed_generation < 0:
        why = "must be greater than or equal to zero"
        errors.append(invalid(f"{at}.observedGeneration", condition.observed_generation, why))
    if condition.last_transition_time is None:
        errors.append(required(f"{at}.lastTransitionTime"))
    if not condition.reason:
        errors.append(required(f"{at}.reason"))
    elif not re.fullmatch(_REASON, condition.reason):
        why = (
            "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric "
            "characters or '_,:', and must end with an alphanumeric character or '_' "
            f"(e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', "
            f"regex used for validation is '{_REASON}')"
        )
        errors.append(invalid(f"{at}.reason", condition.reason, why))
    if len(condition.reason.encode()) > MAX_REASON_BYTES:
        errors.append(too_long(f"{at}.reason", MAX_REASON_BYTES))
    return errors + _validate_message(condition.message, f"{at}.message")


def _validate_message(message: str, path: str) -> list[FieldError]:
    return [too_long(path, MAX_MESSAGE_BYTES)] if len(message.encode()) > MAX_MESSAGE_BYTES else []


RULES: Final = {PodDisruptionBudget: Rules(validate_budget, status=validate_budget_status)}
