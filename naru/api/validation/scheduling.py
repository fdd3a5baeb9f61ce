"""Validation of PriorityClasses.

Source: Kubernetes API reference, scheduling.k8s.io/v1; the texts are those of upstream's validation.
"""

from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import IMMUTABLE, forbidden, invalid, not_supported, required
from naru.api.names import check_dns_subdomain
from naru.api.scheduling_v1 import PriorityClass
from naru.api.validation.meta import validate_meta, validate_meta_update
from naru.api.validation.rules import Rules

HIGHEST_OF_USERS: Final = 1_000_000_000
SYSTEM_PREFIX: Final = "system-"
SYSTEM_CLASSES: Final = {
    "system-node-critical": (
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    "system-cluster-critical": (
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
}  # by name: priority and description
PREEMPTION_POLICIES: Final = ("PreemptLowerPriority", "Never")


def validate_class(priority: PriorityClass) -> list[FieldError]:
    """Return the faults of a PriorityClass."""
    errors = validate_meta(priority.metadata, namespaced=False, check_name=check_dns_subdomain)
    name = priority.metadata.name
    if name.startswith(SYSTEM_PREFIX):
        if problem := _system_problem(priority):
            why = (
                f"priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system use only. error: {problem}"
            )
            errors.append(forbidden("metadata.name", why))
    elif priority.value > HIGHEST_OF_USERS:
        why = f"maximum allowed value of a user defined priority is {HIGHEST_OF_USERS}"
        errors.append(forbidden("value", why))
    policy = priority.preemption_policy
    if not policy:
        errors.append(required("preemptionPolicy"))
    elif policy not in PREEMPTION_POLICIES:
        errors.append(not_supported("preemptionPolicy", policy, PREEMPTION_POLICIES))
    return errors


def _system_problem(priority: PriorityClass) -> str:
    name = priority.metadata.name
    if name not in SYSTEM_CLASSES:
        return f"{name} is not a known system priority class"
    value, _ = SYSTEM_CLASSES[name]
    if priority.value != value:
        return f"value of {name} PriorityClass must be {value}"
    return f"globalDefault of {name} PriorityClass must be false" if priority.global_default else ""


def validate_class_update(new: PriorityClass, old: PriorityClass) -> list[FieldError]:
    """Return the faults of changing a PriorityClass."""
    errors = validate_meta_update(new.metadata, old.metadata)
    if new.value != old.value:
        errors.append(forbidden("Value", "may not be changed in an update."))
    if new.preemption_policy != old.preemption_policy:
        errors.append(invalid("preemptionPolicy", new.preemption_policy, IMMUTABLE))
    return errors


RULES: Final = {PriorityClass: Rules(validate_class, validate_class_update)}
