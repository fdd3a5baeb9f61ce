"""Validation of PersistentVolumes.

Source: Kubernetes API reference, core/v1; the texts are those of upstream's validation.
"""

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any, Final

from naru.api.errors import FieldError
from naru.api.field_errors import IMMUTABLE, each_invalid, forbidden, invalid, not_supported, required
from naru.api.fields import fields_of
from naru.api.model import Model
from naru.api.names import check_dns_subdomain
from naru.api.persistent_volume_v1 import (
    PersistentVolume,
    PersistentVolumeSource,
    PersistentVolumeSpec,
    VolumeNodeAffinity,
)
from naru.api.quantity import parse_quantity
from naru.api.validation.internal import internal
from naru.api.validation.meta import validate_meta, validate_meta_update
from naru.api.validation.node_selectors import validate_node_selector
from naru.api.validation.rules import Rules
from naru.api.validation.volume_sources import validate_source

ACCESS_MODES: Final = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES: Final = ("Block", "Filesystem")
RECLAIM_POLICIES: Final = ("Delete", "Recycle", "Retain")
STORAGE: Final = "storage"

_INLINE: Final = "in the context of inline volumes"
_NOT_INLINE: Final = f"may not be specified {_INLINE}"
_BETA_LABELS: Final = {
    "beta.kubernetes.io/arch": "kubernetes.io/arch",
    "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
    "beta.kubernetes.io/os": "kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
}  # labels of nodes whose names have changed


def validate_persistent_volume(volume: PersistentVolume) -> list[FieldError]:
    """Return the faults of a volume."""
    errors = validate_meta(volume.metadata, namespaced=False, check_name=check_dns_subdomain)
    spec, path = volume.spec, "spec"
    errors += validate_access_modes(spec.access_modes, f"{path}.accessModes")
    errors += _validate_capacity(spec.capacity, f"{path}.capacity")
    errors += _validate_choice(
        spec.persistent_volume_reclaim_policy, RECLAIM_POLICIES, f"{path}.persistentVolumeReclaimPolicy"
    )
    errors += _validate_node_affinity(spec.node_affinity, f"{path}.nodeAffinity")
    errors += validate_source(spec, volume.metadata.name, path)
    errors += _validate_local_affinity(spec)
    errors += _validate_recycling(spec, path)
    if spec.storage_class_name:
        errors += validate_class_name(spec.storage_class_name, f"{path}.storageClassName")
    errors += _validate_choice(spec.volume_mode, VOLUME_MODES, f"{path}.volumeMode")
    return errors + _validate_attributes_class(spec, path)


def validate_inline_volume(spec: PersistentVolumeSpec, path: str) -> list[FieldError]:
    """Return the faults of a volume inside an attachment, which may say little but where its storage is."""
    errors = [forbidden(f"{path}.claimRef", _NOT_INLINE)] if spec.claim_ref is not None else []
    errors += [forbidden(f"{path}.capacity", _NOT_INLINE)] if spec.capacity else []
    errors += [] if spec.csi is not None else [required(f"{path}.csi", f"has to be specified {_INLINE}")]
    errors += validate_access_modes(spec.access_modes, f"{path}.accessModes")
    if spec.persistent_volume_reclaim_policy not in ("", "Retain"):
        errors.append(forbidden(f"{path}.persistentVolumeReclaimPolicy", f"may only be Retain {_INLINE}"))
    errors += [forbidden(f"{path}.nodeAffinity", _NOT_INLINE)] if spec.node_affinity is not None else []
    errors += validate_source(spec, "", path)
    errors += _validate_recycling(spec, path)
    errors += [forbidden(f"{path}.storageClassName", _NOT_INLINE)] if spec.storage_class_name else []
    if spec.volume_mode not in (None, "Filesystem"):
        why = f"may not specify volumeMode other than Filesystem {_INLINE}"
        errors.append(forbidden(f"{path}.volumeMode", why))
    return errors


def validate_access_modes(modes: Sequence[str], path: str, missing: str = "") -> list[FieldError]:
    """Return the faults of the ways in which a volume can be mounted."""
    errors = [] if modes else [required(path, missing)]
    errors += [not_supported(path, mode, ACCESS_MODES) for mode in modes if mode not in ACCESS_MODES]
    known = {mode for mode in modes if mode in ACCESS_MODES}
    if "ReadWriteOncePod" in known and len(known) > 1:
        errors.append(forbidden(path, "may not use ReadWriteOncePod with other access modes"))
    return errors


def _validate_capacity(capacity: Mapping[str, str], path: str) -> list[FieldError]:
    errors = [] if capacity else [required(path)]
    if set(capacity) != {STORAGE}:
        errors.append(not_supported(path, dict(capacity) or None, (STORAGE,)))
    for resource, amount in capacity.items():
        errors += validate_amount(amount, f"{path}[{resource}]")
        errors += validate_positive(amount, f"{path}[{resource}]")
    return errors


def validate_amount(amount: str, path: str) -> list[FieldError]:
    """Return the fault of an amount below zero."""
    number = parse_quantity(amount)
    return [invalid(path, int(number), "must be a valid resource quantity")] if number < 0 else []


def validate_positive(amount: str, path: str) -> list[FieldError]:
    """Return the fault of an amount that is nothing."""
    return [] if parse_quantity(amount) > 0 else [invalid(path, amount, "must be greater than zero")]


def _validate_choice(value: str | None, choices: Sequence[str], path: str) -> list[FieldError]:
    return [] if value is None or value in choices else [not_supported(path, value, choices)]


def _validate_node_affinity(affinity: VolumeNodeAffinity | None, path: str) -> list[FieldError]:
    if affinity is None:
        return []
    if affinity.required is None:
        return [required(f"{path}.required", "must specify required node constraints")]
    return validate_node_selector(affinity.required, f"{path}.required")


def _validate_local_affinity(spec: PersistentVolumeSpec) -> list[FieldError]:
    """Ask for the nodes of a local volume, unless another source counts in its place."""
    if spec.local is None or spec.node_affinity is not None or _given_sources(spec)[0] != "local":
        return []
    return [required("spec.nodeAffinity", "Local volume requires node affinity")]


def _given_sources(spec: PersistentVolumeSpec) -> list[str]:
    return [name for name in PersistentVolumeSource.model_fields if getattr(spec, name) is not None]


def _validate_recycling(spec: PersistentVolumeSpec, path: str) -> list[FieldError]:
    """Keep the whole of a node from being emptied."""
    host_path = spec.host_path
    if host_path is None or spec.persistent_volume_reclaim_policy != "Recycle":
        return []
    if not host_path.path or posixpath.normpath(host_path.path).strip("/"):
        return []
    why = "may not be 'recycle' for a hostPath mount of '/'"
    return [forbidden(f"{path}.persistentVolumeReclaimPolicy", why)]


def validate_class_name(name: str, path: str) -> list[FieldError]:
    """Return the faults of the name of a class of storage."""
    return each_invalid(path, name, check_dns_subdomain(name))


def _validate_attributes_class(spec: PersistentVolumeSpec, path: str) -> list[FieldError]:
    name, at = spec.volume_attributes_class_name, f"{path}.volumeAttributesClassName"
    if name is None:
        return []
    errors = validate_class_name(name, at) if name else [required(at, "an empty string is disallowed")]
    if spec.csi is None:
        errors.append(required(f"{path}.csi", "has to be specified when using volumeAttributesClassName"))
    return errors


def validate_persistent_volume_update(new: PersistentVolume, old: PersistentVolume) -> list[FieldError]:
    """Return the faults of changing a volume: its storage is where it is."""
    errors = validate_meta_update(new.metadata, old.metadata) + validate_persistent_volume(new)
    if changes := difference(_source_of(old.spec), _source_of(_with_late_secret(new.spec, old.spec))):
        why = f"spec.persistentvolumesource is immutable after creation\n{changes}"
        errors.append(forbidden("spec.persistentvolumesource", why))
    if new.spec.volume_mode != old.spec.volume_mode:
        errors.append(invalid("volumeMode", new.spec.volume_mode, IMMUTABLE))
    errors += _validate_same_affinity(new.spec.node_affinity, old.spec.node_affinity)
    if old.spec.volume_attributes_class_name is not None and new.spec.volume_attributes_class_name is None:
        why = "update from non-nil value to nil is forbidden"
        errors.append(forbidden("spec.volumeAttributesClassName", why))
    return errors


def _with_late_secret(new: PersistentVolumeSpec, old: PersistentVolumeSpec) -> PersistentVolumeSpec:
    """Take out of a new spec the one secret that may be added later."""
    if new.csi is None or old.csi is None or old.csi.controller_expand_secret_ref is not None:
        return new
    return new.model_copy(update={"csi": new.csi.model_copy(update={"controller_expand_secret_ref": None})})


def _source_of(spec: PersistentVolumeSpec) -> PersistentVolumeSource:
    return PersistentVolumeSource.model_construct(
        **{name: getattr(spec, name) for name in PersistentVolumeSource.model_fields}
    )


def difference(old: Model, new: Model) -> str:
    """Write what differs between two objects, a line a field and side."""
    lines = []
    for field in fields_of(type(old)).values():
        before, after = getattr(old, field.attribute), getattr(new, field.attribute)
        if before != after:
            lines += [f"-\t{field.name}: {_shown(before)}", f"+\t{field.name}: {_shown(after)}"]
    return "\n".join(lines)


def _shown(value: Any) -> str:
    return str(value.wire() if isinstance(value, Model) else value)


def _validate_same_affinity(new: VolumeNodeAffinity | None, old: VolumeNodeAffinity | None) -> list[FieldError]:
    """Let nodes be given to a volume once; afterwards only outdated names of labels may change."""
    if old is None or new == old or new == _with_present_labels(old):
        return []
    why = f"{IMMUTABLE}, except for updating from beta label to GA"
    return [invalid("nodeAffinity", internal(new), why)]


def _with_present_labels(affinity: VolumeNodeAffinity) -> VolumeNodeAffinity:
    document = affinity.wire()
    for term in document.get("required", {}).get("nodeSelectorTerms", ()):
        for expression in term.get("matchExpressions", ()):
            expression["key"] = _BETA_LABELS.get(expression["key"], expression["key"])
    return VolumeNodeAffinity.model_validate(document)


def validate_persistent_volume_status(new: PersistentVolume, old: PersistentVolume) -> list[FieldError]:
    """Return the faults of a volume's status."""
    return validate_meta_update(new.metadata, old.metadata)


RULES: Final = {
    PersistentVolume: Rules(
        validate_persistent_volume, validate_persistent_volume_update, validate_persistent_volume_status
    )
}
