"""Validation of flow schemas and priority levels.

Source: Kubernetes API reference, flowcontrol.apiserver.k8s.io/v1; the texts are those of upstream's validation.
"""

import math
from collections.abc import Sequence
from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import duplicate, each_invalid, forbidden, in_go, invalid, not_supported, required
from naru.api.flowcontrol_v1 import (
    ExemptPriorityLevelConfiguration,
    FlowSchema,
    FlowSchemaCondition,
    FlowSchemaSpec,
    LimitedPriorityLevelConfiguration,
    LimitResponse,
    NonResourcePolicyRule,
    PolicyRulesWithSubjects,
    PriorityLevelConfiguration,
    PriorityLevelConfigurationCondition,
    PriorityLevelConfigurationSpec,
    QueuingConfiguration,
    ResourcePolicyRule,
    ServiceAccountSubject,
    Subject,
)
from naru.api.names import check_dns_label, check_dns_subdomain
from naru.api.validation.meta import validate_meta
from naru.api.validation.rules import Rules

ALL: Final = "*"
EXEMPT: Final = "exempt"  # name of the one schema and the one level whose requests are never held back
MAX_PRECEDENCE: Final = 10000
MAX_QUEUES: Final = 10_000_000
MAX_HASH_BITS: Final = 60  # of a hash of 64, so that the last queue that is dealt is nearly as likely as any other
VERBS: Final = ("create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch")
METHODS: Final = ("ByNamespace", "ByUser")
SUBJECTS: Final = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}
_NOT_NEGATIVE: Final = "must be a non-negative integer"
_PERCENT: Final = "must be between 0 and 100, inclusive"

_Conditions = Sequence[FlowSchemaCondition | PriorityLevelConfigurationCondition]


def validate_flow_schema(schema: FlowSchema) -> list[FieldError]:
    """Return the faults of a schema."""
    errors = validate_meta(schema.metadata, namespaced=False, check_name=check_dns_subdomain)
    errors += _validate_schema_spec(schema.spec, schema.metadata.name)
    return errors + _validate_conditions(schema.status.conditions)


def _validate_schema_spec(spec: FlowSchemaSpec, name: str) -> list[FieldError]:
    errors = _validate_precedence(spec.matching_precedence, name)
    method, level = spec.distinguisher_method, spec.priority_level_configuration.name
    if method is not None and method.type not in METHODS:
        errors.append(not_supported("spec.distinguisherMethod.type", in_go(method), METHODS))
    path = "spec.priorityLevelConfiguration.name"
    if level:
        errors += each_invalid(path, level, check_dns_subdomain(level))
    else:
        errors.append(required(path, "must reference a priority level"))
    for index, rules in enumerate(spec.rules):
        errors += _validate_rules(rules, f"spec.rules[{index}]")
    return errors


def _validate_precedence(precedence: int, name: str) -> list[FieldError]:
    path = "spec.matchingPrecedence"
    if precedence <= 0:
        return [invalid(path, precedence, "must be a positive value")]
    if precedence > MAX_PRECEDENCE:
        return [invalid(path, precedence, f"must not be greater than {MAX_PRECEDENCE}")]
    if precedence == 1 and name != EXEMPT:
        return [invalid(path, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")]
    return []


def _validate_rules(rules: PolicyRulesWithSubjects, at: str) -> list[FieldError]:
    errors = [] if rules.subjects else [required(f"{at}.subjects", "subjects must contain at least one value")]
    for index, subject in enumerate(rules.subjects):
        errors += _validate_subject(subject, f"{at}.subjects[{index}]")
    if not rules.resource_rules and not rules.non_resource_rules:
        why = "at least one of resourceRules and nonResourceRules has to be non-empty"
        errors.append(required(at, why))
    for index, resource_rule in enumerate(rules.resource_rules):
        errors += _validate_resource_rule(resource_rule, f"{at}.resourceRules[{index}]")
    for index, other_rule in enumerate(rules.non_resource_rules):
        errors += _validate_non_resource_rule(other_rule, f"{at}.nonResourceRules[{index}]")
    return errors


def _validate_subject(subject: Subject, at: str) -> list[FieldError]:
    if subject.kind not in SUBJECTS:
        return [not_supported(f"{at}.kind", subject.kind, tuple(SUBJECTS))]
    members = {"ServiceAccount": subject.service_account, "User": subject.user, "Group": subject.group}
    field, who = SUBJECTS[subject.kind], members.pop(subject.kind)
    errors: list[FieldError] = []
    if who is None:
        errors.append(required(f"{at}.{field}", f"{field} is required when subject kind is '{subject.kind}'"))
    elif isinstance(who, ServiceAccountSubject):
        errors += _validate_account(who, f"{at}.{field}")
    elif not who.name:
        errors.append(required(f"{at}.{field}.name"))
    for kind, other in members.items():
        if other is not None:
            why = f"{SUBJECTS[kind]} is forbidden when subject kind is not '{kind}'"
            errors.append(forbidden(f"{at}.{SUBJECTS[kind]}", why))
    return errors


def _validate_account(account: ServiceAccountSubject, at: str) -> list[FieldError]:
    name, namespace, errors = account.name, account.namespace, []
    if not name:
        errors.append(required(f"{at}.name"))
    elif name != ALL:
        errors += each_invalid(f"{at}.name", name, check_dns_subdomain(name))
    if not namespace:
        return [*errors, required(f"{at}.namespace", "must specify namespace for service account")]
    return errors + each_invalid(f"{at}.namespace", namespace, check_dns_label(namespace))


def _validate_resource_rule(rule: ResourcePolicyRule, at: str) -> list[FieldError]:
    errors = _validate_verbs(rule.verbs, f"{at}.verbs")
    for field, values, one, others in (
        ("apiGroups", rule.api_groups, "api group", "api groups"),
        ("resources", rule.resources, "resource", "resources"),
    ):
        if not values:
            errors.append(required(f"{at}.{field}", f"resource rules must supply at least one {one}"))
        else:
            errors += _validate_all_alone(values, f"{at}.{field}", others)
    path = f"{at}.namespaces"
    if not rule.namespaces and not rule.cluster_scope:
        why = "resource rules that are not cluster scoped must supply at least one namespace"
        return [*errors, required(path, why)]
    if ALL in rule.namespaces:
        return errors + _validate_all_alone(rule.namespaces, path, "namespaces")
    for index, namespace in enumerate(rule.namespaces):
        intro = "each member of this list must be '*' or a DNS-1123 label; "
        errors += [invalid(f"{path}[{index}]", namespace, intro + text) for text in check_dns_label(namespace)]
    return errors


def _validate_verbs(verbs: Sequence[str], path: str) -> list[FieldError]:
    if not verbs:
        return [required(path, "verbs must contain at least one value")]
    if ALL in verbs:
        return _validate_all_alone(verbs, path, "verbs")
    return [] if set(verbs) <= set(VERBS) else [not_supported(path, list(verbs), VERBS)]


def _validate_all_alone(values: Sequence[str], path: str, others: str) -> list[FieldError]:
    if ALL not in values or len(values) == 1:
        return []
    return [invalid(path, list(values), f"if '*' is present, must not specify other {others}")]


def _validate_non_resource_rule(rule: NonResourcePolicyRule, at: str) -> list[FieldError]:
    errors, path, urls = _validate_verbs(rule.verbs, f"{at}.verbs"), f"{at}.nonResourceURLs", rule.non_resource_urls
    if not urls:
        return [*errors, required(path, "nonResourceURLs must contain at least one value")]
    if ALL in urls:
        return errors + _validate_all_alone(urls, path, "non-resource URLs")
    faults = ((index, url, _url_fault(url)) for index, url in enumerate(urls))
    return errors + [invalid(f"{path}[{index}]", url, fault) for index, url, fault in faults if fault]


def _url_fault(url: str) -> str:
    """Say what is wrong with a path; empty: nothing."""
    if not url:
        return "must not be empty"
    if not url.startswith("/"):
        return "must start with slash"
    if " " in url:
        return "must not contain white-space"
    if "//" in url:
        return "must not contain double slash"
    stars = url.count(ALL)
    return "wildcard can only do suffix matching" if stars > 1 or (stars and not url.endswith("/*")) else ""


def _validate_conditions(conditions: _Conditions) -> list[FieldError]:
    errors, seen = [], set[str]()
    for index, condition in enumerate(conditions):
        path = f"status.conditions[{index}].type"
        if condition.type in seen:
            errors.append(duplicate(path, condition.type))
        seen.add(condition.type)
        if not condition.type:
            errors.append(required(path, "must not be empty"))
    return errors


def validate_priority_level(level: PriorityLevelConfiguration) -> list[FieldError]:
    """Return the faults of a level."""
    errors = validate_meta(level.metadata, namespaced=False, check_name=check_dns_subdomain)
    errors += _validate_level_spec(level.spec, level.metadata.name)
    return errors + _validate_conditions(level.status.conditions)


def _validate_level_spec(spec: PriorityLevelConfigurationSpec, name: str) -> list[FieldError]:
    errors = []
    if (name == EXEMPT) != (spec.type == "Exempt"):
        why = "type must be 'Exempt' if and only if name is 'exempt'"
        errors.append(invalid("spec.type", spec.type, why))
    if spec.type == "Exempt":
        if spec.limited is not None:
            errors.append(forbidden("spec.limited", "must be nil if the type is not Limited"))
        return errors + (_validate_exempt(spec.exempt) if spec.exempt is not None else [])
    if spec.type != "Limited":
        return [*errors, not_supported("spec.type", spec.type, ("Exempt", "Limited"))]
    if spec.exempt is not None:
        errors.append(forbidden("spec.exempt", "must be nil if the type is Limited"))
    if spec.limited is None:
        return [*errors, required("spec.limited", "must not be empty when type is Limited")]
    return errors + _validate_limited(spec.limited)


def _validate_exempt(exempt: ExemptPriorityLevelConfiguration) -> list[FieldError]:
    shares, errors = exempt.nominal_concurrency_shares, []
    if shares is not None and shares < 0:
        errors.append(invalid("spec.exempt.nominalConcurrencyShares", shares, _NOT_NEGATIVE))
    return errors + _validate_percent(exempt.lendable_percent, "spec.exempt.lendablePercent")


def _validate_percent(percent: int | None, path: str) -> list[FieldError]:
    return [] if percent is None or 0 <= percent <= 100 else [invalid(path, percent, _PERCENT)]


def _validate_limited(limited: LimitedPriorityLevelConfiguration) -> list[FieldError]:
    shares, borrowing, errors = limited.nominal_concurrency_shares, limited.borrowing_limit_percent, []
    if shares is not None and shares < 0:
        errors.append(invalid("spec.limited.nominalConcurrencyShares", shares, _NOT_NEGATIVE))
    errors += _validate_response(limited.limit_response)
    errors += _validate_percent(limited.lendable_percent, "spec.limited.lendablePercent")
    if borrowing is not None and borrowing < 0:
        why = f"if specified, {_NOT_NEGATIVE}"
        errors.append(invalid("spec.limited.borrowingLimitPercent", borrowing, why))
    return errors


def _validate_response(response: LimitResponse) -> list[FieldError]:
    path, queuing = "spec.limited.limitResponse", response.queuing
    if response.type == "Reject":
        why = "must be nil if limited.limitResponse.type is not Limited"
        return [forbidden(f"{path}.queuing", why)] if queuing is not None else []
    if response.type != "Queue":
        return [not_supported(f"{path}.type", response.type, ("Queue", "Reject"))]
    if queuing is None:
        return [required(f"{path}.queuing", "must not be empty if limited.limitResponse.type is Limited")]
    return _validate_queuing(queuing, f"{path}.queuing")


def _validate_queuing(queuing: QueuingConfiguration, at: str) -> list[FieldError]:
    queues, hand, length, errors = queuing.queues, queuing.hand_size, queuing.queue_length_limit, []
    if length <= 0:
        errors.append(invalid(f"{at}.queueLengthLimit", length, "must be positive"))
    if queues <= 0:
        errors.append(invalid(f"{at}.queues", queues, "must be positive"))
    elif queues > MAX_QUEUES:
        errors.append(invalid(f"{at}.queues", queues, f"must not be greater than {MAX_QUEUES}"))
    if hand <= 0:
        errors.append(invalid(f"{at}.handSize", hand, "must be positive"))
    elif hand > queues:
        errors.append(invalid(f"{at}.handSize", hand, f"should not be greater than queues ({queues})"))
    elif entropy_bits(queues, hand) > MAX_HASH_BITS:
        why = f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than"
        errors.append(invalid(f"{at}.handSize", hand, f"{why} {MAX_HASH_BITS}"))
    return errors


def entropy_bits(deck: int, hand: int) -> int:
    """Return how many bits of a hash it takes to deal a hand of different cards from a deck."""
    return math.ceil(math.log2(deck) * hand)


def validate_flow_schema_status(new: FlowSchema, old: FlowSchema) -> list[FieldError]:
    """Return the faults of a schema's status."""
    return _validate_conditions(new.status.conditions)


def validate_priority_level_status(
    new: PriorityLevelConfiguration, old: PriorityLevelConfiguration
) -> list[FieldError]:
    """Return the faults of a level's status."""
    return _validate_conditions(new.status.conditions)


RULES: Final = {
    FlowSchema: Rules(validate_flow_schema, status=validate_flow_schema_status),
    PriorityLevelConfiguration: Rules(validate_priority_level, status=validate_priority_level_status),
}
