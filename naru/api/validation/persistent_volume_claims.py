"""Validation of PersistentVolumeClaims: what they ask for, and how little of it may change later.

Source: Kubernetes API reference, core/v1; the texts are those of upstream's validation.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from naru.api.errors import FieldError
from naru.api.external_volumes_v1 import PersistentVolumeClaimSpec
from naru.api.field_errors import IMMUTABLE, each_invalid, forbidden, invalid, not_supported, required
from naru.api.names import check_dns_label, check_dns_subdomain, check_label_key
from naru.api.persistent_volume_claim_v1 import PersistentVolumeClaim
from naru.api.quantity import parse_quantity
from naru.api.refs_v1 import TypedLocalObjectReference, TypedObjectReference
from naru.api.validation.meta import validate_meta, validate_meta_update, validate_selector
from naru.api.validation.persistent_volumes import (
    STORAGE,
    VOLUME_MODES,
    difference,
    validate_access_modes,
    validate_amount,
    validate_class_name,
    validate_positive,
)
from naru.api.validation.rules import Rules

CLASS_ANNOTATION: Final = "volume.beta.kubernetes.io/storage-class"  # where the class stood before it was a field
RESIZE_STATES: Final = (
    "ControllerResizeInProgress",
    "ControllerResizeInfeasible",
    "NodeResizeInProgress",
    "NodeResizeInfeasible",
    "NodeResizePending",
)
_FIXED: Final = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n"
)
_HAS_CLASS: Final = "is forbidden when status.currentVolumeAttributesClassName is not nil"


def validate_claim(claim: PersistentVolumeClaim) -> list[FieldError]:
    """Return the faults of a claim."""
    errors = validate_meta(claim.metadata, namespaced=True, check_name=check_dns_subdomain)
    return errors + validate_claim_spec(claim.spec, "spec")


def validate_claim_spec(spec: PersistentVolumeClaimSpec, path: str, *, any_group: bool = False) -> list[FieldError]:
    """Return the faults of what a claim asks for, in a claim or in a template of claims.

    Args:
        any_group: the group of the data source need not be well-formed, for it was there before.
    """
    errors = validate_access_modes(spec.access_modes, f"{path}.accessModes", "at least 1 access mode is required")
    if spec.selector is not None:
        errors += validate_selector(spec.selector, f"{path}.selector")
    amount, at = spec.resources.requests.get(STORAGE), f"{path}.resources[{STORAGE}]"
    errors += [required(at)] if amount is None else validate_positive(amount, at)
    if spec.storage_class_name:
        errors += validate_class_name(spec.storage_class_name, f"{path}.storageClassName")
    if spec.volume_mode not in VOLUME_MODES:
        errors.append(not_supported(f"{path}.volumeMode", spec.volume_mode, VOLUME_MODES))
    errors += _validate_data_sources(spec, path, any_group=any_group)
    if spec.volume_attributes_class_name:
        errors += validate_class_name(spec.volume_attributes_class_name, f"{path}.volumeAttributesClassName")
    return errors


def _validate_data_sources(spec: PersistentVolumeClaimSpec, path: str, *, any_group: bool) -> list[FieldError]:
    """Return the faults of what the volume starts from, which can be said in two ways."""
    source, ref, errors = spec.data_source, spec.data_source_ref, []
    if source is not None:
        errors += _validate_data_source(source, f"{path}.dataSource", any_group=any_group)
    if ref is not None:
        errors += _validate_data_source(ref, f"{path}.dataSourceRef", any_group=any_group)
    if ref is not None and ref.namespace:
        errors += each_invalid(f"{path}.dataSourceRef.namespace", ref.namespace, check_dns_label(ref.namespace))
    if source is None or ref is None:
        return errors
    if ref.namespace:
        errors.append(invalid(path, {}, "may not be specified when dataSourceRef.namespace is specified"))
    elif (source.api_group, source.kind, source.name) != (ref.api_group, ref.kind, ref.name):
        errors.append(invalid(path, {}, "must match dataSourceRef"))  # {}: how Go writes the path that it shows here
    return errors


def _validate_data_source(
    source: TypedLocalObjectReference | TypedObjectReference, path: str, *, any_group: bool
) -> list[FieldError]:
    errors = [] if source.name else [required(f"{path}.name")]
    errors += [] if source.kind else [required(f"{path}.kind")]
    group = source.api_group or ""
    if not group and source.kind != "PersistentVolumeClaim":
        why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
        errors.append(invalid(path, source.kind, why))
    if group and not any_group:
        errors += each_invalid(f"{path}.apiGroup", group, check_dns_subdomain(group))
    return errors


def validate_claim_update(new: PersistentVolumeClaim, old: PersistentVolumeClaim) -> list[FieldError]:
    """Return the faults of changing a claim: it gets its volume once, and may ask for more once it has one."""
    errors = validate_meta_update(new.metadata, old.metadata)
    errors += validate_meta(new.metadata, namespaced=True, check_name=check_dns_subdomain)
    errors += validate_claim_spec(new.spec, "spec", any_group=_names_group(old.spec))
    if not _moves_class(new, old):
        errors += _validate_same_class_annotation(new, old)
    before, after = _comparable(old.spec), _comparable(_as_if_unchanged(new, old))
    if before != after:
        errors.append(forbidden("spec", _FIXED + difference(old.spec, _as_if_unchanged(new, old))))
    errors += _validate_smaller(new, old)
    if new.spec.volume_mode != old.spec.volume_mode:
        errors.append(invalid("volumeMode", new.spec.volume_mode, IMMUTABLE))
    return errors + _validate_attributes_class(new, old)


def _names_group(spec: PersistentVolumeClaimSpec) -> bool:
    return any(
        source is not None and source.api_group is not None for source in (spec.data_source, spec.data_source_ref)
    )


def _moves_class(new: PersistentVolumeClaim, old: PersistentVolumeClaim) -> bool:
    """Tell whether the name of the class moves from the annotation to the field."""
    noted = old.metadata.annotations.get(CLASS_ANNOTATION)
    if noted is None or old.spec.storage_class_name is not None or new.spec.storage_class_name != noted:
        return False
    return new.metadata.annotations.get(CLASS_ANNOTATION, noted) == noted


def _validate_same_class_annotation(new: PersistentVolumeClaim, old: PersistentVolumeClaim) -> list[FieldError]:
    after = new.metadata.annotations.get(CLASS_ANNOTATION, "")
    if after == old.metadata.annotations.get(CLASS_ANNOTATION, ""):
        return []
    return [invalid(f"metadata.annotations.{CLASS_ANNOTATION}", after, IMMUTABLE)]


def _as_if_unchanged(new: PersistentVolumeClaim, old: PersistentVolumeClaim) -> PersistentVolumeClaimSpec:
    """Return the new spec with what may change put back as it was."""
    update: dict[str, Any] = {}
    if not old.spec.volume_name:
        update["volume_name"] = ""
    name, noted = new.spec.storage_class_name, old.metadata.annotations.get(CLASS_ANNOTATION)
    if old.spec.storage_class_name is None and name is not None and noted in (None, name):
        update["storage_class_name"] = None
    if old.status.phase == "Bound":
        update["volume_attributes_class_name"] = old.spec.volume_attributes_class_name
        amount = old.spec.resources.requests.get(STORAGE, "0")
        requests = {**new.spec.resources.requests, STORAGE: amount}
        update["resources"] = new.spec.resources.model_copy(update={"requests": requests})
    return new.spec.model_copy(update=update)


def _comparable(spec: PersistentVolumeClaimSpec) -> PersistentVolumeClaimSpec:
    """Write amounts by their value, so that 1Gi is 1024Mi."""
    resources = {
        "requests": _amounts(spec.resources.requests),
        "limits": _amounts(spec.resources.limits),
    }
    return spec.model_copy(update={"resources": spec.resources.model_copy(update=resources)})


def _amounts(resources: Mapping[str, str]) -> dict[str, Decimal]:
    return {name: parse_quantity(amount) for name, amount in resources.items()}


def _validate_smaller(new: PersistentVolumeClaim, old: PersistentVolumeClaim) -> list[FieldError]:
    """Let a claim ask for less again only down to what it has: volumes do not shrink."""
    wanted, before, has = (
        parse_quantity(resources.get(STORAGE, "0"))
        for resources in (new.spec.resources.requests, old.spec.resources.requests, old.status.capacity)
    )
    if wanted >= before or wanted > has:
        return []
    return [forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")]


def _validate_attributes_class(new: PersistentVolumeClaim, old: PersistentVolumeClaim) -> list[FieldError]:
    name, path = new.spec.volume_attributes_class_name, "spec.volumeAttributesClassName"
    if name == old.spec.volume_attributes_class_name or old.status.current_volume_attributes_class_name is None:
        return []
    if name is None:
        return [forbidden(path, f"update to nil {_HAS_CLASS}")]
    return [forbidden(path, f"update to empty string {_HAS_CLASS}")] if not name else []


def validate_claim_status(new: PersistentVolumeClaim, old: PersistentVolumeClaim) -> list[FieldError]:
    """Return the faults of a claim's status."""
    status, errors = new.status, validate_meta_update(new.metadata, old.metadata)
    if not new.spec.access_modes:
        errors.append(required("Spec.accessModes"))
    for resource, amount in status.capacity.items():
        errors += validate_amount(amount, f"status.capacity[{resource}]")
    at = "status.allocatedResourceStatuses"
    for resource, state in status.allocated_resource_statuses.items():
        errors += _validate_resource(resource, at)
        if state not in RESIZE_STATES:
            errors.append(not_supported(at, resource, RESIZE_STATES))
    for resource, amount in status.allocated_resources.items():
        faults = _validate_resource(resource, "status.allocatedResources")
        errors += faults or validate_amount(amount, f"status.allocatedResources[{resource}]")
    return errors


def _validate_resource(name: str, path: str) -> list[FieldError]:
    """Return the faults of a resource's name: of Kubernetes' own there is but one here."""
    if complaints := check_label_key(name):
        return each_invalid(path, name, complaints)
    own = "/" not in name or "kubernetes.io/" in name
    return [not_supported(path, name, (STORAGE,))] if own and name != STORAGE else []


RULES: Final = {PersistentVolumeClaim: Rules(validate_claim, validate_claim_update, validate_claim_status)}
