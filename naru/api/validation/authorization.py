"""Validation of questions about access.

Source: Kubernetes API reference, authorization.k8s.io/v1; the texts are those of upstream's validation.
"""

from naru.api.authorization_v1 import (
    LocalSubjectAccessReview,
    NonResourceAttributes,
    ResourceAttributes,
    SelfSubjectAccessReview,
    SubjectAccessReview,
)
from naru.api.errors import FieldError
from naru.api.field_errors import each_invalid, forbidden, invalid, required
from naru.api.meta import FieldSelectorRequirement, LabelSelectorRequirement, ObjectMeta
from naru.api.names import check_label_key, check_label_value
from naru.api.validation.internal import internal


def validate_access_review(review: SubjectAccessReview) -> list[FieldError]:
    """Return the faults of a question about somebody."""
    return _validate_about_somebody(review) + _validate_no_meta(review.metadata, "must be empty")


def validate_self_access_review(review: SelfSubjectAccessReview) -> list[FieldError]:
    """Return the faults of a question about the asker."""
    spec = review.spec
    errors = _validate_request(spec.resource_attributes, spec.non_resource_attributes)
    return errors + _validate_no_meta(review.metadata, "must be empty")


def validate_local_access_review(review: LocalSubjectAccessReview) -> list[FieldError]:
    """Return the faults of a question about somebody in one namespace."""
    errors = _validate_about_somebody(review)
    errors += _validate_no_meta(review.metadata, "must be empty except for namespace", but_namespace=True)
    about, other = review.spec.resource_attributes, review.spec.non_resource_attributes
    if about is not None and about.namespace != review.metadata.namespace:
        path = "spec.resourceAttributes.namespace"
        errors.append(invalid(path, about.namespace, "must match metadata.namespace"))
    if other is not None:
        errors.append(invalid("spec.nonResourceAttributes", internal(other), "disallowed on this kind of request"))
    return errors


def _validate_about_somebody(review: SubjectAccessReview | LocalSubjectAccessReview) -> list[FieldError]:
    spec = review.spec
    errors = _validate_one_request(spec.resource_attributes, spec.non_resource_attributes)
    if not spec.user and not spec.groups:
        errors.append(invalid("spec.user", spec.user, "at least one of user or group must be specified"))
    return errors + _validate_selectors(spec.resource_attributes)


def _validate_request(about: ResourceAttributes | None, other: NonResourceAttributes | None) -> list[FieldError]:
    return _validate_one_request(about, other) + _validate_selectors(about)


def _validate_one_request(about: ResourceAttributes | None, other: NonResourceAttributes | None) -> list[FieldError]:
    if about is not None and other is not None:
        why = "cannot be specified in combination with resourceAttributes"
        return [invalid("spec.nonResourceAttributes", internal(other), why)]
    if about is None and other is None:
        why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return [invalid("spec.resourceAttributes", None, why)]
    return []


def _validate_no_meta(meta: ObjectMeta, why: str, *, but_namespace: bool = False) -> list[FieldError]:
    """Refuse metadata, where an object would only be named: nothing is stored."""
    left_out = {"managed_fields": (), **({"namespace": ""} if but_namespace else {})}
    return [] if meta.model_copy(update=left_out) == ObjectMeta() else [invalid("metadata", meta, why)]


def _validate_selectors(about: ResourceAttributes | None) -> list[FieldError]:
    if about is None:
        return []
    errors: list[FieldError] = []
    path, fields, labels = "spec.resourceAttributes", about.field_selector, about.label_selector
    if fields is not None:
        errors += _validate_forms(fields.raw_selector, len(fields.requirements), f"{path}.fieldSelector")
        for index, requirement in enumerate(fields.requirements):
            errors += _validate_about_field(requirement, f"{path}.fieldSelector.requirements[{index}]")
    if labels is not None:
        errors += _validate_forms(labels.raw_selector, len(labels.requirements), f"{path}.labelSelector")
        for index, line in enumerate(labels.requirements):
            errors += _validate_about_label(line, f"{path}.labelSelector.requirements[{index}]")
    return errors


def _validate_forms(raw: str, lines: int, path: str) -> list[FieldError]:
    """Let a selector come as text or line by line."""
    if raw and lines:
        why = "may not specified at the same time as requirements"
        return [invalid(f"{path}.rawSelector", raw, why)]
    if not raw and not lines:
        why = f"when {path} is specified, requirements or rawSelector is required"
        return [required(f"{path}.requirements", why)]
    return []


def _validate_about_field(requirement: FieldSelectorRequirement, path: str) -> list[FieldError]:
    errors = [] if requirement.key else [required(f"{path}.key", "must be specified")]
    return errors + _validate_amount(requirement.operator, len(requirement.values), path)


def _validate_about_label(requirement: LabelSelectorRequirement, path: str) -> list[FieldError]:
    errors = _validate_amount(requirement.operator, len(requirement.values), path)
    errors += each_invalid(f"{path}.key", requirement.key, check_label_key(requirement.key))
    for index, value in enumerate(requirement.values):
        errors += each_invalid(f"{path}.values[{index}]", value, check_label_value(value))
    return errors


def _validate_amount(operator: str, amount: int, path: str) -> list[FieldError]:
    """Hold the number of values against the operator; one that is unknown here may be known to the asker."""
    if operator in ("In", "NotIn") and not amount:
        return [required(f"{path}.values", "must be specified when `operator` is 'In' or 'NotIn'")]
    if operator in ("Exists", "DoesNotExist") and amount:
        why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        return [forbidden(f"{path}.values", why)]
    return []
