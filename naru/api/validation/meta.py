"""Validation of what all kinds share: metadata, labels, selectors.

Source: Kubernetes API reference, meta/v1; the texts are those of apimachinery's validation.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import (
    IMMUTABLE,
    NEGATIVE,
    each_invalid,
    forbidden,
    invalid,
    not_supported,
    required,
    too_long,
)
from naru.api.meta import LabelSelector, ObjectMeta, OwnerReference
from naru.api.model import IntOrString
from naru.api.names import check_dns_label, check_label_key, check_label_value

CheckName = Callable[[str], list[str]]

MAX_ANNOTATIONS_BYTES: Final = 256 << 10
ORPHAN: Final = "orphan"
FOREGROUND: Final = "foregroundDeletion"
NAMESPACE: Final = "kubernetes"
_SELECTOR_OPERATORS: Final = ("In", "NotIn", "Exists", "DoesNotExist")


def validate_meta(meta: ObjectMeta, *, namespaced: bool, check_name: CheckName) -> list[FieldError]:
    """Return the faults of an object's metadata."""
    return [
        *_validate_name(meta, check_name),
        *_validate_namespace(meta, namespaced),
        *validate_labels(meta.labels, "metadata.labels"),
        *validate_annotations(meta.annotations, "metadata.annotations"),
        *_validate_owners(meta.owner_references),
        *_validate_finalizers(meta.finalizers),
    ]


def _validate_name(meta: ObjectMeta, check_name: CheckName) -> list[FieldError]:
    errors = []
    if meta.generate_name:
        sample = re.sub("(?<=.)-$", "a", meta.generate_name)  # the dash at its end will stand between other letters
        errors += each_invalid("metadata.generateName", meta.generate_name, check_name(sample))
    if not meta.name:
        return [*errors, required("metadata.name", "name or generateName is required")]
    return errors + each_invalid("metadata.name", meta.name, check_name(meta.name))


def _validate_namespace(meta: ObjectMeta, namespaced: bool) -> list[FieldError]:
    if not namespaced:
        return [forbidden("metadata.namespace", "not allowed on this type")] if meta.namespace else []
    if not meta.namespace:
        return [required("metadata.namespace")]
    return each_invalid("metadata.namespace", meta.namespace, check_dns_label(meta.namespace))


def validate_labels(labels: Mapping[str, str], path: str) -> list[FieldError]:
    """Return the faults of labels."""
    errors = []
    for key, value in labels.items():
        errors += each_invalid(path, key, check_label_key(key))
        errors += each_invalid(path, value, check_label_value(value))
    return errors


def validate_annotations(annotations: Mapping[str, str], path: str) -> list[FieldError]:
    """Return the faults of annotations; their keys may have capital letters."""
    errors = [error for key in annotations for error in each_invalid(path, key, check_label_key(key.lower()))]
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    return [*errors, too_long(path, MAX_ANNOTATIONS_BYTES)] if size > MAX_ANNOTATIONS_BYTES else errors


def _validate_owners(owners: Sequence[OwnerReference]) -> list[FieldError]:
    errors = []
    for index, owner in enumerate(owners):
        fields = (("apiVersion", owner.api_version), ("kind", owner.kind), ("name", owner.name), ("uid", owner.uid))
        errors += [
            required(f"metadata.ownerReferences[{index}].{name}", "must not be empty")
            for name, value in fields
            if not value
        ]
    controllers = [owner for owner in owners if owner.controller]
    if len(controllers) > 1:
        names = " and ".join(f"{owner.kind} {owner.name}" for owner in controllers)
        why = f"Only one reference can have Controller set to true. Found {names}"
        errors.append(invalid("metadata.ownerReferences", list(owners), why))
    return errors


def _validate_finalizers(finalizers: Sequence[str]) -> list[FieldError]:
    path = "metadata.finalizers"
    errors = [error for name in finalizers for error in each_invalid(path, name, check_label_key(name))]
    for index, name in enumerate(finalizers):
        if "/" not in name and name not in (ORPHAN, FOREGROUND, NAMESPACE):
            why = "name is neither a standard finalizer name nor is it fully qualified"
            errors.append(invalid(f"{path}[{index}]", name, why))
    if ORPHAN in finalizers and FOREGROUND in finalizers:
        errors.append(invalid(path, list(finalizers), f"finalizer {ORPHAN} and {FOREGROUND} cannot be both set"))
    return errors


def validate_meta_update(new: ObjectMeta, old: ObjectMeta) -> list[FieldError]:
    """Return the faults of changing an object's metadata."""
    fields = (
        ("name", new.name, old.name),
        ("namespace", new.namespace, old.namespace),
        ("uid", new.uid, old.uid),
        ("creationTimestamp", new.creation_timestamp, old.creation_timestamp),
        ("deletionTimestamp", new.deletion_timestamp, old.deletion_timestamp),
        ("deletionGracePeriodSeconds", new.deletion_grace_period_seconds, old.deletion_grace_period_seconds),
    )
    errors = [invalid(f"metadata.{name}", after, IMMUTABLE) for name, after, before in fields if after != before]
    added = sorted(set(new.finalizers) - set(old.finalizers))
    if old.deletion_timestamp is not None and added:
        why = f"no new finalizers can be added if the object is being deleted, found new finalizers {added}"
        errors.append(forbidden("metadata.finalizers", why))
    return errors


def validate_selector(selector: LabelSelector, path: str) -> list[FieldError]:
    """Return the faults of a selector in an object."""
    errors = validate_labels(selector.match_labels, f"{path}.matchLabels")
    for index, expression in enumerate(selector.match_expressions):
        at = f"{path}.matchExpressions[{index}]"
        errors += each_invalid(f"{at}.key", expression.key, check_label_key(expression.key))
        if expression.operator not in _SELECTOR_OPERATORS:
            errors.append(invalid(f"{at}.operator", expression.operator, "not a valid selector operator"))
        elif expression.operator in ("In", "NotIn"):
            if not expression.values:
                errors.append(required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
        elif expression.values:
            why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(forbidden(f"{at}.values", why))
        for number, value in enumerate(expression.values):
            errors += each_invalid(f"{at}.values[{number}]", value, check_label_value(value))
    return errors


def not_negative(path: str, value: int | None) -> list[FieldError]:
    """Return the fault of a number below zero."""
    return [invalid(path, value, NEGATIVE)] if value is not None and value < 0 else []


def one_of(path: str, value: str, choices: Iterable[str]) -> list[FieldError]:
    """Return the fault of a value that is none of the choices."""
    known = [str(choice) for choice in choices]
    if not value:
        return [required(path)]
    return [] if value in known else [not_supported(path, value, known)]


def not_negative_or_percent(path: str, value: IntOrString) -> list[FieldError]:
    """Return the fault of a value that is neither a number from zero on nor a percentage."""
    if isinstance(value, int):
        return not_negative(path, value)
    if re.fullmatch("[0-9]+%", value):
        return []
    why = "a valid percent string must be a numeric string followed by an ending '%' "
    return [invalid(path, value, why + "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')")]
