"""Validation of what the kinds that make pods have in common: the template, the selector that finds its pods, counts.

Source: Kubernetes API reference, core/v1 PodTemplateSpec; the texts are those of upstream's validation.
"""

from collections.abc import Mapping

from naru.api.errors import FieldError
from naru.api.field_errors import IMMUTABLE, forbidden, invalid, not_supported, required
from naru.api.meta import LabelSelector
from naru.api.pod_v1 import PodTemplateSpec, RestartPolicy
from naru.api.selectors import matcher
from naru.api.validation.meta import (
    not_negative,
    validate_annotations,
    validate_labels,
    validate_selector,
)
from naru.api.validation.pods import validate_pod_spec


def validate_template(template: PodTemplateSpec, path: str) -> list[FieldError]:
    """Return the faults of a template."""
    errors = validate_labels(template.metadata.labels, f"{path}.labels")
    errors += validate_annotations(template.metadata.annotations, f"{path}.annotations")
    errors += validate_pod_spec(template.spec, f"{path}.spec")
    if template.spec.ephemeral_containers:
        why = "ephemeral containers not allowed in pod template"
        errors.append(forbidden(f"{path}.spec.ephemeralContainers", why))
    return errors


def validate_lasting(template: PodTemplateSpec, kind: str, path: str) -> list[FieldError]:
    """Return the faults of a template whose pods shall go on for ever."""
    errors = []
    policy = template.spec.restart_policy
    if policy != RestartPolicy.ALWAYS:
        errors.append(not_supported(f"{path}.spec.restartPolicy", policy, (RestartPolicy.ALWAYS,)))
    if template.spec.active_deadline_seconds is not None:
        why = f"activeDeadlineSeconds in {kind} is not Supported"
        errors.append(forbidden(f"{path}.spec.activeDeadlineSeconds", why))
    return errors


def validate_required_selector(selector: LabelSelector | None, kind: str) -> list[FieldError]:
    """Return the faults of a selector that must be there and choose something."""
    if selector is None:
        return [required("spec.selector")]
    errors = validate_selector(selector, "spec.selector")
    if is_empty(selector):
        errors.append(invalid("spec.selector", selector, f"empty selector is invalid for {kind}"))
    return errors


def is_empty(selector: LabelSelector) -> bool:
    """Tell whether a selector chooses everything."""
    return not selector.match_labels and not selector.match_expressions


def validate_selected(selector: LabelSelector | None, template: PodTemplateSpec, path: str) -> list[FieldError]:
    """Return the fault of a template whose pods the selector does not find; no selector at all finds nothing."""
    if selector is not None and matcher(selector).matches(template.metadata.labels):
        return []
    return [invalid(f"{path}.metadata.labels", template.metadata.labels, "`selector` does not match template `labels`")]


def is_readable(selector: LabelSelector | None) -> bool:
    """Tell whether a selector can be used to select by."""
    return selector is None or not validate_selector(selector, "")


def validate_same_selector(new: LabelSelector | None, old: LabelSelector | None) -> list[FieldError]:
    """Return the fault of a selector that changes."""
    return [invalid("spec.selector", new, IMMUTABLE)] if new != old else []


def none_negative(counts: Mapping[str, int | None], path: str = "status") -> list[FieldError]:
    """Return the faults of counts below zero."""
    return [error for name, count in counts.items() for error in not_negative(f"{path}.{name}", count)]


def none_above(total: int, counts: Mapping[str, int]) -> list[FieldError]:
    """Return the faults of counts above the number of pods."""
    why = "cannot be greater than status.replicas"
    return [invalid(f"status.{name}", count, why) for name, count in counts.items() if count > total]


def validate_available(available: int, ready: int, of: str = "readyReplicas") -> list[FieldError]:
    """Return the fault of more pods being available than are ready."""
    if available <= ready:
        return []
    return [invalid("status.availableReplicas", available, f"cannot be greater than {of}")]


def not_decremented(new: int | None, old: int | None) -> list[FieldError]:
    """Return the fault of a collision count that goes down: a name that was taken would be tried again."""
    if old is None or (new is not None and new >= old):
        return []
    return [invalid("status.collisionCount", new or 0, "cannot be decremented")]
