"""Which writes a webhook or a policy is asked about: the faults of rules, selectors and conditions.

Source: Kubernetes API reference, admissionregistration.k8s.io/v1; the texts are those of upstream's validation.
"""

from collections.abc import Sequence
from typing import Final

from naru.api.admissionregistration_v1 import (
    MatchCondition,
    MatchResources,
    NamedRuleWithOperations,
    RuleWithOperations,
)
from naru.api.errors import FieldError
from naru.api.field_errors import duplicate, each_invalid, invalid, not_supported, required, too_many
from naru.api.meta import LabelSelector
from naru.api.names import check_label_key, check_path_segment
from naru.api.validation.meta import validate_selector

Rule = RuleWithOperations | NamedRuleWithOperations

ALL: Final = "*"
MAX_CONDITIONS: Final = 64
MATCH_POLICIES: Final = ("Equivalent", "Exact")
OPERATIONS: Final = (ALL, "CONNECT", "CREATE", "DELETE", "UPDATE")
MUTATING_OPERATIONS: Final = (ALL, "CONNECT", "CREATE", "UPDATE")  # there is nothing to change in what is deleted
SCOPES: Final = (ALL, "Cluster", "Namespaced")


def one_of_optional(path: str, value: str | None, choices: Sequence[str]) -> list[FieldError]:
    """Return the fault of a value that is given and is none of the choices."""
    return [not_supported(path, value, choices)] if value is not None and value not in choices else []


def validate_rule(rule: Rule, at: str) -> list[FieldError]:
    """Return the faults of a rule."""
    errors = [] if rule.operations else [required(f"{at}.operations")]
    errors += _validate_all_alone(rule.operations, f"{at}.operations", "operations")
    for index, operation in enumerate(rule.operations):
        errors += one_of_optional(f"{at}.operations[{index}]", operation, OPERATIONS)
    errors += [] if rule.api_groups else [required(f"{at}.apiGroups")]
    errors += _validate_all_alone(rule.api_groups, f"{at}.apiGroups", "API groups")
    errors += [] if rule.api_versions else [required(f"{at}.apiVersions")]
    errors += _validate_all_alone(rule.api_versions, f"{at}.apiVersions", "API versions")
    versions = enumerate(rule.api_versions)
    errors += [required(f"{at}.apiVersions[{index}]") for index, version in versions if not version]
    errors += _validate_resources(rule.resources, f"{at}.resources")
    return errors + one_of_optional(f"{at}.scope", rule.scope, SCOPES)


def _validate_all_alone(values: Sequence[str], path: str, others: str) -> list[FieldError]:
    if ALL not in values or len(values) == 1:
        return []
    return [invalid(path, list(values), f"if '*' is present, must not specify other {others}")]


def _validate_resources(resources: Sequence[str], path: str) -> list[FieldError]:
    errors = [] if resources else [required(path)]
    of_any, any_of = set[str](), set[str]()  # subresources of all resources, resources with all their subresources
    plain = False  # as upstream: the last one without a subresource decides
    for index, resource in enumerate(resources):
        name, slash, subresource = resource.partition("/")
        if not resource:
            errors.append(required(f"{path}[{index}]"))
        elif not slash:
            plain = resource != ALL
        else:
            if name in any_of:
                why = f"if '{name}/*' is present, must not specify {resource}"
                errors.append(invalid(f"{path}[{index}]", resource, why))
            if subresource in of_any:
                why = f"if '*/{subresource}' is present, must not specify {resource}"
                errors.append(invalid(f"{path}[{index}]", resource, why))
            any_of |= {name} if subresource == ALL else set()
            of_any |= {subresource} if name == ALL else set()
    if len(resources) > 1 and "*/*" in resources:
        errors.append(invalid(path, list(resources), "if '*/*' is present, must not specify other resources"))
    if ALL in resources and plain:
        why = "if '*' is present, must not specify other resources without subresources"
        errors.append(invalid(path, list(resources), why))
    return errors


def validate_match(match: MatchResources, path: str) -> list[FieldError]:
    """Return the faults of what a policy looks at."""
    errors = one_of_optional(f"{path}.matchPolicy", match.match_policy, MATCH_POLICIES)
    errors += validate_optional_selector(match.namespace_selector, f"{path}.namespaceSelector")
    errors += validate_optional_selector(match.object_selector, f"{path}.objectSelector")
    for name, rules in (
        ("resourceRules", match.resource_rules),
        ("excludeResourceRules", match.exclude_resource_rules),
    ):
        for index, rule in enumerate(rules):
            errors += _validate_names(rule.resource_names, f"{path}.{name}[{index}].resourceNames")
            errors += validate_rule(rule, f"{path}.{name}[{index}]")
    return errors


def validate_optional_selector(selector: LabelSelector | None, path: str) -> list[FieldError]:
    """Return the faults of a selector, if there is one."""
    return [] if selector is None else validate_selector(selector, path)


def _validate_names(names: Sequence[str], path: str) -> list[FieldError]:
    errors = []
    for index, name in enumerate(names):
        errors += each_invalid(f"{path}[{index}]", name, check_path_segment(name))
        if name in names[:index]:
            errors.append(duplicate(f"{path}[{index}]", name))
    return errors


def validate_changeable(match: MatchResources, path: str) -> list[FieldError]:
    """Return the faults of rules that name writes in which there is nothing to change."""
    operations = (operation for rule in match.resource_rules for operation in rule.operations)
    unknown = (operation for operation in operations if operation not in MUTATING_OPERATIONS)
    where = f"{path}.resourceRules.operations"
    return [not_supported(where, operation, MUTATING_OPERATIONS) for operation in unknown]


def validate_conditions(conditions: Sequence[MatchCondition], path: str) -> list[FieldError]:
    """Return the faults of the conditions that a request must meet; what their CEL says is not looked at."""
    errors, seen = [], set[str]()
    if len(conditions) > MAX_CONDITIONS:
        errors.append(too_many(path, len(conditions), MAX_CONDITIONS))
    for index, condition in enumerate(conditions):
        at, name = f"{path}[{index}]", condition.name
        if not condition.expression.strip():
            errors.append(required(f"{at}.expression"))
        if not name:
            errors.append(required(f"{at}.name"))
            continue
        errors += each_invalid(f"{at}.name", name, check_label_key(name))
        if name in seen:
            errors.append(duplicate(f"{at}.name", name))
        seen.add(name)
    return errors
