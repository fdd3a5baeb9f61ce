"""Validation of roles and of who holds them.

Source: Kubernetes API reference, rbac.authorization.k8s.io/v1; the texts are those of upstream's validation.
"""

from collections.abc import Sequence
from typing import Final

from naru.api.defaults.rbac import GROUP
from naru.api.errors import FieldError
from naru.api.field_errors import each_invalid, invalid, not_supported, required
from naru.api.names import check_dns_subdomain, check_path_segment
from naru.api.rbac_v1 import ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject
from naru.api.validation.internal import internal
from naru.api.validation.meta import validate_meta, validate_meta_update, validate_selector
from naru.api.validation.rules import Rules

SUBJECT_KINDS: Final = ("ServiceAccount", "User", "Group")


def validate_role(role: Role) -> list[FieldError]:
    """Return the faults of a role."""
    errors = validate_meta(role.metadata, namespaced=True, check_name=check_path_segment)
    return errors + _validate_rules(role.rules, namespaced=True)


def validate_role_update(new: Role, old: Role) -> list[FieldError]:
    """Return the faults of changing a role."""
    return validate_role(new) + validate_meta_update(new.metadata, old.metadata)


def validate_cluster_role(role: ClusterRole) -> list[FieldError]:
    """Return the faults of a role of the cluster."""
    errors = validate_meta(role.metadata, namespaced=False, check_name=check_path_segment)
    errors += _validate_rules(role.rules, namespaced=False)
    if role.aggregation_rule is None:
        return errors
    path, selectors = "aggregationRule.clusterRoleSelectors", role.aggregation_rule.cluster_role_selectors
    if not selectors:
        why = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        errors.append(required(path, why))
    for index, selector in enumerate(selectors):
        at = f"{path}[{index}]"
        if faults := validate_selector(selector, at):
            errors += [*faults, invalid(at, None, "invalid label selector.")]
    return errors


def validate_cluster_role_update(new: ClusterRole, old: ClusterRole) -> list[FieldError]:
    """Return the faults of changing a role of the cluster."""
    return validate_cluster_role(new) + validate_meta_update(new.metadata, old.metadata)


def _validate_rules(rules: Sequence[PolicyRule], *, namespaced: bool) -> list[FieldError]:
    return [error for index, rule in enumerate(rules) for error in _validate_rule(rule, f"rules[{index}]", namespaced)]


def _validate_rule(rule: PolicyRule, path: str, namespaced: bool) -> list[FieldError]:
    errors = [] if rule.verbs else [required(f"{path}.verbs", "verbs must contain at least one value")]
    if rule.non_resource_urls:
        at, urls = f"{path}.nonResourceURLs", rule.non_resource_urls
        if namespaced:
            errors.append(invalid(at, urls, "namespaced rules cannot apply to non-resource URLs"))
        if rule.api_groups or rule.resources or rule.resource_names:
            errors.append(invalid(at, urls, "rules cannot apply to both regular resources and non-resource URLs"))
        return errors
    if not rule.api_groups:
        errors.append(required(f"{path}.apiGroups", "resource rules must supply at least one api group"))
    if not rule.resources:
        errors.append(required(f"{path}.resources", "resource rules must supply at least one resource"))
    return errors


def validate_role_binding(binding: RoleBinding) -> list[FieldError]:
    """Return the faults of a binding in a namespace."""
    errors = validate_meta(binding.metadata, namespaced=True, check_name=check_path_segment)
    errors += _validate_role_ref(binding.role_ref, ("Role", "ClusterRole"))
    return errors + _validate_subjects(binding.subjects, namespaced=True)


def validate_cluster_role_binding(binding: ClusterRoleBinding) -> list[FieldError]:
    """Return the faults of a binding in the whole cluster."""
    errors = validate_meta(binding.metadata, namespaced=False, check_name=check_path_segment)
    errors += _validate_role_ref(binding.role_ref, ("ClusterRole",))
    return errors + _validate_subjects(binding.subjects, namespaced=False)


def validate_role_binding_update(new: RoleBinding, old: RoleBinding) -> list[FieldError]:
    """Return the faults of changing a binding in a namespace."""
    errors = validate_role_binding(new) + validate_meta_update(new.metadata, old.metadata)
    return errors + _validate_same_role(new.role_ref, old.role_ref)


def validate_cluster_role_binding_update(new: ClusterRoleBinding, old: ClusterRoleBinding) -> list[FieldError]:
    """Return the faults of changing a binding in the whole cluster."""
    errors = validate_cluster_role_binding(new) + validate_meta_update(new.metadata, old.metadata)
    return errors + _validate_same_role(new.role_ref, old.role_ref)


def _validate_same_role(new: RoleRef, old: RoleRef) -> list[FieldError]:
    return [invalid("roleRef", internal(new), "cannot change roleRef")] if new != old else []


def _validate_role_ref(ref: RoleRef, kinds: Sequence[str]) -> list[FieldError]:
    errors = []
    if ref.api_group != GROUP:
        errors.append(not_supported("roleRef.apiGroup", ref.api_group, (GROUP,)))
    if ref.kind not in kinds:
        errors.append(not_supported("roleRef.kind", ref.kind, kinds))
    if not ref.name:
        return [*errors, required("roleRef.name")]
    return errors + each_invalid("roleRef.name", ref.name, check_path_segment(ref.name))


def _validate_subjects(subjects: Sequence[Subject], *, namespaced: bool) -> list[FieldError]:
    errors = []
    for index, subject in enumerate(subjects):
        path = f"subjects[{index}]"
        errors += [] if subject.name else [required(f"{path}.name")]
        if subject.kind not in SUBJECT_KINDS:
            errors.append(not_supported(f"{path}.kind", subject.kind, SUBJECT_KINDS))
        elif subject.kind == "ServiceAccount":
            errors += _validate_account(subject, path, namespaced)
        elif subject.api_group != GROUP:
            errors.append(not_supported(f"{path}.apiGroup", subject.api_group, (GROUP,)))
    return errors


def _validate_account(subject: Subject, path: str, namespaced: bool) -> list[FieldError]:
    name, errors = subject.name, []
    if name:
        errors += each_invalid(f"{path}.name", name, check_dns_subdomain(name))
    if subject.api_group:
        errors.append(not_supported(f"{path}.apiGroup", subject.api_group, ("",)))
    if not namespaced and not subject.namespace:
        errors.append(required(f"{path}.namespace"))
    return errors


RULES: Final = {
    ClusterRole: Rules(validate_cluster_role, validate_cluster_role_update),
    ClusterRoleBinding: Rules(validate_cluster_role_binding, validate_cluster_role_binding_update),
    Role: Rules(validate_role, validate_role_update),
    RoleBinding: Rules(validate_role_binding, validate_role_binding_update),
}
