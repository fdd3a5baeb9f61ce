"""Validation of policies that have a say in writes, and of what puts them into force.

There is no CEL here: an expression must be there, what it says is not looked at.

Source: Kubernetes API reference, admissionregistration.k8s.io/v1; the texts are those of upstream's validation.
"""

import re
from collections.abc import Sequence
from typing import Final

from naru.api.admissionregistration_v1 import (
    AuditAnnotation,
    MatchResources,
    MutatingAdmissionPolicy,
    MutatingAdmissionPolicyBinding,
    MutatingWebhookConfiguration,
    Mutation,
    ParamKind,
    ParamRef,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
    ValidatingWebhookConfiguration,
    Validation,
    Variable,
)
from naru.api.errors import FieldError
from naru.api.field_errors import (
    duplicate,
    each_invalid,
    forbidden,
    in_go,
    invalid,
    not_supported,
    required,
)
from naru.api.names import check_dns_subdomain, check_label_key, check_path_segment, check_rfc_1035_label
from naru.api.validation.admission_rules import (
    one_of_optional,
    validate_changeable,
    validate_conditions,
    validate_match,
)
from naru.api.validation.meta import validate_meta, validate_meta_update, validate_selector
from naru.api.validation.policy import validate_conditions as validate_status_conditions
from naru.api.validation.rules import Rules
from naru.api.validation.webhooks import FAILURE_POLICIES, REINVOCATION_POLICIES, WEBHOOK_RULES

MAX_ANNOTATIONS: Final = 20
MAX_ANNOTATION_BYTES: Final = 5 << 10
REASONS: Final = ("Forbidden", "Invalid", "RequestEntityTooLarge")
ACTIONS: Final = ("Audit", "Deny", "Warn")
PATCHES: Final = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}
_RESERVED: Final = re.compile(
    "true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package|namespace|return|var|void"
    "|while"
)  # words of CEL, or kept for it


def validate_policy(policy: ValidatingAdmissionPolicy) -> list[FieldError]:
    """Return the faults of a policy that allows or refuses."""
    spec, name = policy.spec, policy.metadata.name
    errors = validate_meta(policy.metadata, namespaced=False, check_name=check_dns_subdomain)
    errors += _validate_common(policy)
    if not spec.validations and not spec.audit_annotations:
        why = "validations or auditAnnotations must contain at least one item"
        return [*errors, required("spec.validations", why), required("spec.auditAnnotations", why)]
    for index, validation in enumerate(spec.validations):
        errors += _validate_validation(validation, f"spec.validations[{index}]")
    return errors + _validate_annotations(spec.audit_annotations, name)


def _validate_common(policy: ValidatingAdmissionPolicy | MutatingAdmissionPolicy) -> list[FieldError]:
    """Return the faults of what both kinds of policies have."""
    spec = policy.spec
    errors = one_of_optional("spec.failurePolicy", spec.failure_policy, FAILURE_POLICIES)
    errors += _validate_param_kind(spec.param_kind) if spec.param_kind is not None else []
    if spec.match_constraints is None:
        errors.append(required("spec.matchConstraints"))
    else:
        errors += _validate_constraints(spec.match_constraints, isinstance(policy, MutatingAdmissionPolicy))
    errors += validate_conditions(spec.match_conditions, "spec.matchConditions")
    for index, variable in enumerate(spec.variables):
        errors += _validate_variable(variable, f"spec.variables[{index}]")
    return errors


def _validate_constraints(match: MatchResources, changes: bool) -> list[FieldError]:
    path = "spec.matchConstraints"
    errors = validate_match(match, path)
    errors += [] if match.resource_rules else [required(f"{path}.resourceRules")]
    return errors + (validate_changeable(match, path) if changes else [])


def _validate_param_kind(param: ParamKind) -> list[FieldError]:
    path, version, kind = "spec.paramKind.apiVersion", param.api_version, param.kind
    group, _, name = version.rpartition("/")
    errors = []
    if not version:
        errors.append(required(path))
    elif "/" in group:
        errors.append(invalid(path, version, f"unexpected GroupVersion string: {version}"))
    else:
        if complaints := check_dns_subdomain(group) if group else []:
            errors.append(invalid(path, group, ",".join(complaints)))
        if not name:
            errors.append(invalid(path, version, "version must be specified"))
        elif complaints := check_rfc_1035_label(name):
            errors.append(invalid(path, name, ",".join(complaints)))
    if not kind:
        return [*errors, required("spec.paramKind.kind")]
    if complaints := check_rfc_1035_label(kind.lower()):
        why = f"may have mixed case, but should otherwise match: {','.join(complaints)}"
        errors.append(invalid("spec.paramKind.kind", kind, why))
    return errors


def _validate_variable(variable: Variable, at: str) -> list[FieldError]:
    name, errors = variable.name, []
    if not name.strip():
        errors.append(required(f"{at}.name", "name is not specified"))
    elif not re.fullmatch("[_a-zA-Z][_a-zA-Z0-9]*", name) or _RESERVED.fullmatch(name):
        errors.append(invalid(f"{at}.name", name, "must be a valid CEL identifier"))
    if not variable.expression.strip():
        errors.append(required(f"{at}.expression", "expression is not specified"))
    return errors


def _validate_validation(validation: Validation, at: str) -> list[FieldError]:
    message, expression = validation.message, validation.message_expression
    errors = []
    if not validation.expression.strip():
        errors.append(required(f"{at}.expression", "expression is not specified"))
    if expression and not expression.strip():
        errors.append(invalid(f"{at}.messageExpression", expression, "must be non-empty if specified"))
    if message and not message.strip():
        errors.append(invalid(f"{at}.message", message, "must be non-empty if specified"))
    elif re.search(r"[\n\r]", message.strip()):
        errors.append(invalid(f"{at}.message", message, "must not contain line breaks"))
    return errors + one_of_optional(f"{at}.reason", validation.reason, REASONS)


def _validate_annotations(annotations: Sequence[AuditAnnotation], policy: str) -> list[FieldError]:
    path, errors, seen = "spec.auditAnnotations", [], set[str]()
    if len(annotations) > MAX_ANNOTATIONS:
        why = f"must not have more than {MAX_ANNOTATIONS} auditAnnotations"
        errors.append(invalid(path, in_go(annotations), why))
    for index, annotation in enumerate(annotations):
        at, key, expression = f"{path}[{index}]", annotation.key, annotation.value_expression.strip()
        if policy:
            errors += each_invalid(f"{at}.key", f"{policy}/{key}", check_label_key(f"{policy}/{key}"))
        else:
            errors.append(invalid(f"{at}.key", key, "requires metadata.name be non-empty"))
        if not expression:
            errors.append(required(f"{at}.valueExpression", "valueExpression is not specified"))
        elif len(expression.encode()) > MAX_ANNOTATION_BYTES:
            why = f"must not exceed {MAX_ANNOTATION_BYTES} bytes in length"
            errors.append(required(f"{at}.valueExpression", why))
        if key in seen:
            errors.append(duplicate(f"{at}.key", key))
        seen.add(key)
    return errors


def validate_policy_status(new: ValidatingAdmissionPolicy, old: ValidatingAdmissionPolicy) -> list[FieldError]:
    """Return the faults of a policy's status."""
    errors = validate_meta_update(new.metadata, old.metadata)
    check = new.status.type_checking
    for index, warning in enumerate(check.expression_warnings if check is not None else ()):
        at = f"status.typeChecking.expressionWarnings[{index}]"
        errors += [] if warning.warning else [required(f"{at}.warning")]
        errors += [] if warning.field_ref.strip() else [required(f"{at}.fieldRef")]
    return errors + validate_status_conditions(new.status.conditions, "status.conditions")


def validate_mutating_policy(policy: MutatingAdmissionPolicy) -> list[FieldError]:
    """Return the faults of a policy that changes."""
    mutations, again = policy.spec.mutations, policy.spec.reinvocation_policy
    errors = validate_meta(policy.metadata, namespaced=False, check_name=check_dns_subdomain)
    errors += _validate_common(policy)
    if not mutations:
        errors.append(required("spec.mutations", "mutations must contain at least one item"))
    for index, mutation in enumerate(mutations):
        errors += _validate_mutation(mutation, f"spec.mutations[{index}]")
    if not again:
        return [*errors, required("spec.reinvocationPolicy")]
    return errors + one_of_optional("spec.reinvocationPolicy", again, REINVOCATION_POLICIES)


def _validate_mutation(mutation: Mutation, at: str) -> list[FieldError]:
    wanted = mutation.patch_type
    if not wanted:
        return [required(f"{at}.patchType")]
    if wanted not in PATCHES:
        return [not_supported(f"{at}.patchType", wanted, tuple(PATCHES))]
    patches = {"ApplyConfiguration": mutation.apply_configuration, "JSONPatch": mutation.json_patch}
    errors = []
    for kind, field in PATCHES.items():
        patch = patches[kind]
        if kind == wanted and patch is None:
            errors.append(required(f"{at}.{field}", f"must be specified when patchType is {wanted}"))
        elif kind == wanted and patch is not None and not patch.expression.strip():
            errors.append(required(f"{at}.{field}.expression"))
        elif kind != wanted and patch is not None:
            why = f"must not be specified when patchType is {wanted}"
            errors.append(invalid(f"{at}.{field}", f"{{{field}}}", why))
    return errors


def validate_binding(binding: ValidatingAdmissionPolicyBinding) -> list[FieldError]:
    """Return the faults of what puts a policy that allows or refuses into force."""
    return _validate_binding(binding) + _validate_actions(binding.spec.validation_actions)


def validate_mutating_binding(binding: MutatingAdmissionPolicyBinding) -> list[FieldError]:
    """Return the faults of what puts a policy that changes into force."""
    match = binding.spec.match_resources
    return _validate_binding(binding) + (validate_changeable(match, "spec.matchResources") if match else [])


def _validate_binding(binding: ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding) -> list[FieldError]:
    spec, path = binding.spec, "spec.policyName"
    errors = validate_meta(binding.metadata, namespaced=False, check_name=check_dns_subdomain)
    if spec.policy_name:
        errors += each_invalid(path, spec.policy_name, check_dns_subdomain(spec.policy_name))
    else:
        errors.append(required(path))
    errors += _validate_param_ref(spec.param_ref) if spec.param_ref is not None else []
    return errors + (validate_match(spec.match_resources, "spec.matchResources") if spec.match_resources else [])


def _validate_param_ref(ref: ParamRef) -> list[FieldError]:
    path, name, both = "spec.paramRef", ref.name, "name and selector are mutually exclusive"
    errors = each_invalid(f"{path}.name", name, check_path_segment(name)) if name else []
    if name and ref.selector is not None:
        errors.append(forbidden(f"{path}.name", both))
    if ref.selector is not None:
        errors += validate_selector(ref.selector, f"{path}.selector")
        errors += [forbidden(f"{path}.selector", both)] if name else []
    elif not name:
        errors.append(required(path, "one of name or selector must be specified"))
    if not ref.parameter_not_found_action:
        return [*errors, required(f"{path}.parameterNotFoundAction")]
    where = f"{path}.parameterNotFoundAction"
    return errors + one_of_optional(where, ref.parameter_not_found_action, ("Deny", "Allow"))


def _validate_actions(actions: Sequence[str]) -> list[FieldError]:
    path, errors = "spec.validationActions", []
    for index, action in enumerate(actions):
        errors += one_of_optional(f"{path}[{index}]", action, ACTIONS)
        if action in actions[:index]:
            errors.append(duplicate(f"{path}[{index}]", action))
    if {"Deny", "Warn"} <= set(actions):
        why = (
            "must not contain both Deny and Warn (repeating the same validation failure information in the API "
            "response and headers serves no purpose)"
        )
        errors.append(invalid(path, list(actions), why))
    return errors if actions else [required(path, "at least one validation action is required")]


RULES: Final = {
    MutatingAdmissionPolicy: Rules(validate_mutating_policy),
    MutatingAdmissionPolicyBinding: Rules(validate_mutating_binding),
    MutatingWebhookConfiguration: WEBHOOK_RULES,
    ValidatingAdmissionPolicy: Rules(validate_policy, status=validate_policy_status),
    ValidatingAdmissionPolicyBinding: Rules(validate_binding),
    ValidatingWebhookConfiguration: WEBHOOK_RULES,
}
