"""Validation of selectors of nodes, as volumes and pods have them.

Source: Kubernetes API reference, core/v1 NodeSelector; the texts are those of upstream's validation.
"""

from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import each_invalid, forbidden, invalid, required
from naru.api.names import check_dns_subdomain, check_label_key, check_label_value
from naru.api.placement_v1 import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm

_UNKNOWN: Final = "not a valid selector operator"


def validate_node_selector(selector: NodeSelector, path: str) -> list[FieldError]:
    """Return the faults of a selector of nodes."""
    at = f"{path}.nodeSelectorTerms"
    if not selector.node_selector_terms:
        return [required(at, "must have at least one node selector term")]
    terms = enumerate(selector.node_selector_terms)
    return [error for index, term in terms for error in validate_node_selector_term(term, f"{at}[{index}]")]


def validate_node_selector_term(term: NodeSelectorTerm, path: str) -> list[FieldError]:
    """Return the faults of one of the alternatives."""
    errors = []
    for index, requirement in enumerate(term.match_expressions):
        errors += _validate_about_label(requirement, f"{path}.matchExpressions[{index}]")
    for index, requirement in enumerate(term.match_fields):
        errors += _validate_about_field(requirement, f"{path}.matchFields[{index}]")
    return errors


def _validate_about_label(requirement: NodeSelectorRequirement, path: str) -> list[FieldError]:
    errors = _validate_amount(requirement, path)
    errors += each_invalid(f"{path}.key", requirement.key, check_label_key(requirement.key))
    for index, value in enumerate(requirement.values):
        errors += each_invalid(f"{path}.values[{index}]", value, check_label_value(value))
    return errors


def _validate_amount(requirement: NodeSelectorRequirement, path: str) -> list[FieldError]:
    """Hold the number of values against the operator."""
    amount, at = len(requirement.values), f"{path}.values"
    match requirement.operator:
        case "In" | "NotIn":
            why = "must be specified when `operator` is 'In' or 'NotIn'"
            return [] if amount else [required(at, why)]
        case "Exists" | "DoesNotExist":
            why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            return [forbidden(at, why)] if amount else []
        case "Gt" | "Lt":
            why = "must be specified single value when `operator` is 'Lt' or 'Gt'"
            return [] if amount == 1 else [required(at, why)]
        case _:
            return [invalid(f"{path}.operator", requirement.operator, _UNKNOWN)]


def _validate_about_field(requirement: NodeSelectorRequirement, path: str) -> list[FieldError]:
    errors = []
    if requirement.operator not in ("In", "NotIn"):
        errors.append(invalid(f"{path}.operator", requirement.operator, _UNKNOWN))
    elif len(requirement.values) != 1:
        why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        errors.append(required(f"{path}.values", why))
    if requirement.key != "metadata.name":
        return [*errors, invalid(f"{path}.key", requirement.key, "not a valid field selector key")]
    for index, value in enumerate(requirement.values):
        errors += each_invalid(f"{path}.values[{index}]", value, check_dns_subdomain(value))
    return errors
