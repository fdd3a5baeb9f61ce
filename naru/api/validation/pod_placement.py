"""Validation of what a pod says about where it runs: affinity, spread, tolerations, scheduling gates.

Source: Kubernetes API reference, core/v1; the texts are those of upstream's validation.
"""

from collections.abc import Sequence
from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import duplicate, each_invalid, forbidden, invalid, not_supported, required
from naru.api.meta import LabelSelector
from naru.api.names import check_dns_label, check_label_key, check_label_value
from naru.api.node_v1 import TaintEffect
from naru.api.placement_v1 import (
    Affinity,
    NodeAffinity,
    PodAffinity,
    PodAffinityTerm,
    PodAntiAffinity,
    Toleration,
    TopologySpreadConstraint,
)
from naru.api.pod_v1 import PodSchedulingGate
from naru.api.validation.meta import one_of, validate_selector
from naru.api.validation.node_selectors import validate_node_selector, validate_node_selector_term

TOLERATION_OPERATORS: Final = ("Equal", "Exists")
SPREAD_ACTIONS: Final = ("DoNotSchedule", "ScheduleAnyway")
NODE_POLICIES: Final = ("Honor", "Ignore")
_POSITIVE: Final = "must be greater than 0"
_WEIGHT: Final = "must be in the range 1-100"
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"


def validate_tolerations(tolerations: Sequence[Toleration], path: str) -> list[FieldError]:
    """Return the faults of tolerations."""
    errors = []
    for index, toleration in enumerate(tolerations):
        errors += _validate_toleration(toleration, f"{path}[{index}]")
    return errors


def _validate_toleration(toleration: Toleration, path: str) -> list[FieldError]:
    errors = []
    if toleration.key:
        errors += each_invalid(f"{path}.key", toleration.key, check_label_key(toleration.key))
    elif toleration.operator != "Exists":
        why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        errors.append(invalid(f"{path}.operator", toleration.operator, why))
    if toleration.toleration_seconds is not None and toleration.effect != TaintEffect.NO_EXECUTE:
        why = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        errors.append(invalid(f"{path}.effect", toleration.effect, why))
    if toleration.operator in ("", "Equal"):
        if complaints := check_label_value(toleration.value):
            errors.append(invalid(f"{path}.operator", toleration.value, ";".join(complaints)))
    elif toleration.operator == "Exists":
        why = "value must be empty when `operator` is 'Exists'"
        errors += [invalid(f"{path}.operator", toleration.value, why)] if toleration.value else []
    else:
        errors.append(not_supported(f"{path}.operator", toleration.operator, TOLERATION_OPERATORS))
    if toleration.effect:
        errors += one_of(f"{path}.effect", toleration.effect, TaintEffect)
    return errors


def validate_gates(gates: Sequence[PodSchedulingGate], path: str) -> list[FieldError]:
    """Return the faults of scheduling gates."""
    errors, seen = [], set()
    for index, gate in enumerate(gates):
        at = f"{path}[{index}]"
        errors += each_invalid(at, gate.name, check_label_key(gate.name))
        errors += [duplicate(at, gate.name)] if gate.name in seen else []
        seen.add(gate.name)
    return errors


def validate_affinity(affinity: Affinity, path: str) -> list[FieldError]:
    """Return the faults of what a pod wants to be near to, and far from."""
    errors = _validate_node_affinity(affinity.node_affinity, f"{path}.nodeAffinity")
    errors += _validate_pod_affinity(affinity.pod_affinity, f"{path}.podAffinity")
    return errors + _validate_pod_affinity(affinity.pod_anti_affinity, f"{path}.podAntiAffinity")


def _validate_node_affinity(affinity: NodeAffinity | None, path: str) -> list[FieldError]:
    if affinity is None:
        return []
    errors = []
    if (selector := affinity.required_during_scheduling_ignored_during_execution) is not None:
        errors += validate_node_selector(selector, f"{path}.{_REQUIRED}")
    for index, term in enumerate(affinity.preferred_during_scheduling_ignored_during_execution):
        at = f"{path}.{_PREFERRED}[{index}]"
        errors += [] if 1 <= term.weight <= 100 else [invalid(f"{at}.weight", term.weight, _WEIGHT)]
        errors += validate_node_selector_term(term.preference, f"{at}.preference")
    return errors


def _validate_pod_affinity(affinity: PodAffinity | PodAntiAffinity | None, path: str) -> list[FieldError]:
    if affinity is None:
        return []
    errors = []
    for index, term in enumerate(affinity.required_during_scheduling_ignored_during_execution):
        errors += _validate_pod_term(term, f"{path}.{_REQUIRED}[{index}]")
    for index, weighted in enumerate(affinity.preferred_during_scheduling_ignored_during_execution):
        at = f"{path}.{_PREFERRED}[{index}]"
        errors += [] if 1 <= weighted.weight <= 100 else [invalid(f"{at}.weight", weighted.weight, _WEIGHT)]
        errors += _validate_pod_term(weighted.pod_affinity_term, f"{at}.podAffinityTerm")
    return errors


def _validate_pod_term(term: PodAffinityTerm, path: str) -> list[FieldError]:
    errors = []
    for name, selector in (("labelSelector", term.label_selector), ("namespaceSelector", term.namespace_selector)):
        errors += validate_selector(selector, f"{path}.{name}") if selector is not None else []
    for namespace in term.namespaces:
        errors += each_invalid(f"{path}.namespace", namespace, check_dns_label(namespace))
    errors += _validate_label_keys(term.match_label_keys, term.mismatch_label_keys, term.label_selector, path)
    key = term.topology_key
    errors += [] if key else [required(f"{path}.topologyKey", "can not be empty")]
    return errors + each_invalid(f"{path}.topologyKey", key, check_label_key(key))


def _validate_label_keys(
    match: Sequence[str], mismatch: Sequence[str], selector: LabelSelector | None, path: str
) -> list[FieldError]:
    """Check the keys whose values are taken from the pod itself: the server adds them to the selector, once each."""
    errors = []
    for name, keys in (("matchLabelKeys", match), ("mismatchLabelKeys", mismatch)):
        at = f"{path}.{name}"
        if keys and selector is None:
            errors.append(forbidden(at, "must not be specified when labelSelector is not set"))
        for index, key in enumerate(keys if selector is not None else ()):
            errors += each_invalid(f"{at}[{index}]", key, check_label_key(key))
    seen = set(selector.match_labels) if selector is not None else set()
    for expression in selector.match_expressions if selector is not None else ():
        key = expression.key
        if key in match and key in seen:
            why = "exists in both matchLabelKeys and labelSelector"
            errors.append(invalid(f"{path}[{match.index(key)}]", key, why))
        seen.add(key)
    for index, key in enumerate(match):
        if key in mismatch:
            why = "exists in both matchLabelKeys and mismatchLabelKeys"
            errors.append(invalid(f"{path}.matchLabelKeys[{index}]", key, why))
    return errors


def validate_spread(constraints: Sequence[TopologySpreadConstraint], path: str) -> list[FieldError]:
    """Return the faults of constraints on how evenly pods are spread."""
    errors = []
    for index, constraint in enumerate(constraints):
        at = f"{path}[{index}]"
        errors += _validate_constraint(constraint, at)
        pair = (constraint.topology_key, constraint.when_unsatisfiable)
        if any((other.topology_key, other.when_unsatisfiable) == pair for other in constraints[index + 1 :]):
            errors.append(duplicate(f"{at}.{{topologyKey, whenUnsatisfiable}}", f"{{{pair[0]}, {pair[1]}}}"))
        errors += _validate_spread_selector(constraint, at)
    return errors


def _validate_constraint(constraint: TopologySpreadConstraint, path: str) -> list[FieldError]:
    errors, key, action = [], constraint.topology_key, constraint.when_unsatisfiable
    if constraint.max_skew <= 0:
        errors.append(invalid(f"{path}.maxSkew", constraint.max_skew, _POSITIVE))
    if not key:
        errors.append(required(f"{path}.topologyKey", "can not be empty"))
    elif complaints := check_label_key(key):
        errors += each_invalid(f"{path}.topologyKey", key, complaints)
    if action not in SPREAD_ACTIONS:
        errors.append(not_supported(f"{path}.whenUnsatisfiable", action, SPREAD_ACTIONS))
    return errors


def _validate_spread_selector(constraint: TopologySpreadConstraint, path: str) -> list[FieldError]:
    errors, action, domains = [], constraint.when_unsatisfiable, constraint.min_domains
    if domains is not None and domains <= 0:
        errors.append(invalid(f"{path}.minDomains", domains, _POSITIVE))
    if domains is not None and action != "DoNotSchedule":
        why = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
        errors.append(invalid(f"{path}.minDomains", domains, why))
    policies = {
        "nodeAffinityPolicy": constraint.node_affinity_policy,
        "nodeTaintsPolicy": constraint.node_taints_policy,
    }
    for name, policy in policies.items():
        if policy is not None and policy not in NODE_POLICIES:
            errors.append(not_supported(f"{path}.{name}", policy, NODE_POLICIES))
    errors += _validate_label_keys(constraint.match_label_keys, (), constraint.label_selector, path)
    if constraint.label_selector is not None:
        errors += validate_selector(constraint.label_selector, f"{path}.labelSelector")
    return errors
