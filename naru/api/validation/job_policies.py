"""Validation of what a Job says about failed pods, about being done early, and about who runs it.

Source: Kubernetes API reference, batch/v1; the texts are those of upstream's validation.
"""

import re
from collections.abc import Collection, Sequence
from typing import Final

from naru.api.batch_v1 import (
    JobSpec,
    PodFailurePolicy,
    PodFailurePolicyOnExitCodesRequirement,
    PodFailurePolicyOnPodConditionsPattern,
    PodFailurePolicyRule,
    SuccessPolicy,
    SuccessPolicyRule,
)
from naru.api.errors import FieldError
from naru.api.field_errors import (
    duplicate,
    each_invalid,
    invalid,
    invalid_unshown,
    not_supported,
    required,
    too_long,
    too_many,
)
from naru.api.names import check_dns_subdomain, check_label_key
from naru.api.validation.job_indexes import Unreadable, count_indexes
from naru.api.validation.meta import not_negative

ACTIONS: Final = ("Count", "FailIndex", "FailJob", "Ignore")
OPERATORS: Final = ("In", "NotIn")
STATUSES: Final = ("False", "True", "Unknown")
MAX_RULES: Final = 20
MAX_PATTERNS: Final = 20
MAX_EXIT_CODES: Final = 255
MAX_INDEXES_BYTES: Final = 64 << 10
_PATH: Final = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"


def _valid_values(choices: Sequence[str]) -> str:
    return "valid values: [" + " ".join(f'"{choice}"' for choice in choices) + "]"


def _one_of(value: str, choices: Sequence[str], path: str) -> list[FieldError]:
    if not value:
        return [required(path, _valid_values(choices))]
    return [] if value in choices else [not_supported(path, value, choices)]


def validate_failure_policy(spec: JobSpec, policy: PodFailurePolicy, path: str) -> list[FieldError]:
    """Return the faults of what a Job says about failed pods."""
    rules = f"{path}.rules"
    errors = [too_many(rules, len(policy.rules), MAX_RULES)] if len(policy.rules) > MAX_RULES else []
    pod = spec.template.spec
    containers = {container.name for container in (*pod.containers, *pod.init_containers)}
    has_bound = spec.backoff_limit_per_index is not None
    for index, rule in enumerate(policy.rules):
        errors += _validate_failure_rule(rule, containers, has_bound, f"{rules}[{index}]")
    return errors


def _validate_failure_rule(
    rule: PodFailurePolicyRule, containers: Collection[str], has_bound: bool, path: str
) -> list[FieldError]:
    errors = _one_of(rule.action, ACTIONS, f"{path}.action")
    if rule.action == "FailIndex" and not has_bound:
        errors.append(invalid(f"{path}.action", rule.action, "requires the backoffLimitPerIndex to be set"))
    if rule.on_exit_codes is not None:
        errors += _validate_exit_codes(rule.on_exit_codes, containers, f"{path}.onExitCodes")
    errors += _validate_patterns(rule.on_pod_conditions, f"{path}.onPodConditions")
    if rule.on_exit_codes is not None and rule.on_pod_conditions:
        errors.append(invalid_unshown(path, "specifying both OnExitCodes and OnPodConditions is not supported"))
    if rule.on_exit_codes is None and not rule.on_pod_conditions:
        errors.append(invalid_unshown(path, "specifying one of OnExitCodes and OnPodConditions is required"))
    return errors


def _validate_patterns(patterns: Sequence[PodFailurePolicyOnPodConditionsPattern], path: str) -> list[FieldError]:
    errors = [too_many(path, len(patterns), MAX_PATTERNS)] if len(patterns) > MAX_PATTERNS else []
    for index, pattern in enumerate(patterns):
        at = f"{path}[{index}]"
        errors += each_invalid(f"{at}.type", pattern.type, check_label_key(pattern.type))
        errors += _one_of(pattern.status, STATUSES, f"{at}.status")
    return errors


def _validate_exit_codes(
    codes: PodFailurePolicyOnExitCodesRequirement, containers: Collection[str], path: str
) -> list[FieldError]:
    errors = _one_of(codes.operator, OPERATORS, f"{path}.operator")
    if codes.container_name is not None and codes.container_name not in containers:
        why = "must be one of the container or initContainer names in the pod template"
        errors.append(invalid(f"{path}.containerName", codes.container_name, why))
    at, values = f"{path}.values", codes.values
    if not values:
        errors.append(invalid(at, None, "at least one value is required"))
    elif len(values) > MAX_EXIT_CODES:
        errors.append(too_many(at, len(values), MAX_EXIT_CODES))
    for index, code in enumerate(values):
        if codes.operator == "In" and code == 0:
            errors.append(invalid(f"{at}[{index}]", code, "must not be 0 for the In operator"))
        if code in values[:index]:
            errors.append(duplicate(f"{at}[{index}]", code))
    if list(values) != sorted(values):
        errors.append(invalid(at, list(values), "must be ordered"))
    return errors


def validate_success_policy(policy: SuccessPolicy, completions: int, path: str) -> list[FieldError]:
    """Return the faults of what a Job says about being done early."""
    rules = f"{path}.rules"
    errors = []
    if not policy.rules:
        errors.append(required(rules, "at least one rules must be specified when the successPolicy is specified"))
    if len(policy.rules) > MAX_RULES:
        errors.append(too_many(rules, len(policy.rules), MAX_RULES))
    for index, rule in enumerate(policy.rules):
        errors += _validate_success_rule(rule, completions, f"{rules}[{index}]")
    return errors


def _validate_success_rule(rule: SuccessPolicyRule, completions: int, path: str) -> list[FieldError]:
    if rule.succeeded_count is None and rule.succeeded_indexes is None:
        return [required(path, "at least one of succeededCount or succeededIndexes must be specified")]
    errors, total = [], 0
    if rule.succeeded_indexes is not None:
        at = f"{path}.succeededIndexes"
        if len(rule.succeeded_indexes) > MAX_INDEXES_BYTES:
            errors.append(too_long(at, MAX_INDEXES_BYTES))
        try:
            total = count_indexes(rule.succeeded_indexes, completions)
        except Unreadable as problem:
            errors.append(invalid(at, rule.succeeded_indexes, f"error parsing succeededIndexes: {problem}"))
    if rule.succeeded_count is None:
        return errors
    at, count, bound = f"{path}.succeededCount", rule.succeeded_count, "must be less than or equal to"
    errors += not_negative(at, count)
    if count > completions:
        errors.append(invalid(at, count, f"{bound} {completions} (the number of specified completions)"))
    if rule.succeeded_indexes is not None and count > total:
        why = f"{bound} {total} (the number of indexes in the specified succeededIndexes field)"
        errors.append(invalid(at, count, why))
    return errors


def validate_domain_path(value: str, path: str, max_bytes: int) -> list[FieldError]:
    """Return the faults of a name such as ``acme.io/foo``."""
    errors = []
    host, slash, rest = value.partition("/")
    if not value:
        errors.append(required(path))
    elif not slash or not host or not rest:
        errors.append(invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")'))
    else:
        errors += each_invalid(path, host, check_dns_subdomain(host))
        if not re.fullmatch(_PATH, rest):
            errors.append(invalid(path, rest, f"Invalid path (regex used for validation is '{_PATH}')"))
    return [*errors, too_long(path, max_bytes)] if len(value.encode()) > max_bytes else errors
