"""PersistentVolumes and the claims to them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, TypeVar

from apiserver.registry.columns import AGE, NAME, Column
from apiserver.registry.strategy import Context, Strategy, kept_meta, with_meta
from naru.api.durations import human_age
from naru.api.external_volumes_v1 import PersistentVolumeClaimSpec
from naru.api.persistent_volume_claim_v1 import PersistentVolumeClaim
from naru.api.persistent_volume_v1 import PersistentVolume, PersistentVolumeStatus
from naru.api.refs_v1 import TypedLocalObjectReference, TypedObjectReference
from naru.api.validation.persistent_volume_claims import CLASS_ANNOTATION
from naru.api.validation.persistent_volumes import STORAGE

V = TypeVar("V", PersistentVolume, PersistentVolumeClaim)

UNSET: Final = "<unset>"
_SHORT_MODES: Final = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
_LOCAL_SOURCES: Final = (("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"))

_MODE: Final = Column("VolumeMode", "What a container sees of the volume: files, or a device.", wide=True)
_CLASS: Final = Column("StorageClass", "Class of the storage.")
_ATTRIBUTES: Final = Column("VolumeAttributesClass", "Class of the attributes that may change while it is in use.")


class VolumeStrategy(Strategy[V]):
    """What volumes and claims have in common: whoever writes the status may write the metadata too."""

    has_status = True

    def prepare_for_status_update(self, new: V, old: V) -> V:
        """Keep the spec."""
        kept = with_meta(new, kept_meta(new.metadata, old.metadata))
        return kept.model_copy(update={"spec": old.spec})


class PersistentVolumeStrategy(VolumeStrategy[PersistentVolume]):
    """The rules of volumes."""

    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Capacity", "How much the volume has."),
        Column("Access Modes", "How it can be mounted."),
        Column("Reclaim Policy", "What happens to it when its claim goes."),
        Column("Status", "Available, Bound, Released or Failed."),
        Column("Claim", "The claim that it is bound to, or kept for."),
        _CLASS,
        _ATTRIBUTES,
        Column("Reason", "Why it failed."),
        AGE,
        _MODE,
    )

    def prepare_for_create(self, obj: PersistentVolume, context: Context) -> PersistentVolume:
        """Note since when the volume is pending."""
        status = PersistentVolumeStatus(last_phase_transition_time=context.now)
        return super().prepare_for_create(obj, context).model_copy(update={"status": status})

    def prepare_for_status_update(self, new: PersistentVolume, old: PersistentVolume) -> PersistentVolume:
        """Keep the spec; whoever changes the phase without a time gets the time at which the old one began."""
        kept = super().prepare_for_status_update(new, old)
        if kept.status.last_phase_transition_time is not None or kept.status.phase != old.status.phase:
            return kept
        since = old.status.last_phase_transition_time
        return kept.model_copy(update={"status": kept.status.model_copy(update={"last_phase_transition_time": since})})

    def row(self, obj: PersistentVolume, now: datetime) -> list[Any]:
        """Show what it is and whose."""
        spec, claim = obj.spec, obj.spec.claim_ref
        return [
            obj.metadata.name,
            spec.capacity.get(STORAGE, "0"),
            short_modes(spec.access_modes),
            spec.persistent_volume_reclaim_policy,
            _phase(obj),
            f"{claim.namespace}/{claim.name}" if claim is not None else "",
            _class_of(obj.metadata.annotations, spec.storage_class_name),
            _or_unset(spec.volume_attributes_class_name),
            obj.status.reason,
            human_age(obj.metadata.creation_timestamp, now),
            _or_unset(spec.volume_mode),
        ]


class PersistentVolumeClaimStrategy(VolumeStrategy[PersistentVolumeClaim]):
    """The rules of claims."""

    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Status", "Pending, Bound or Lost."),
        Column("Volume", "The volume that the claim is bound to."),
        Column("Capacity", "How much that volume has."),
        Column("Access Modes", "How it can be mounted."),
        _CLASS,
        _ATTRIBUTES,
        AGE,
        _MODE,
    )

    def prepare_for_create(self, obj: PersistentVolumeClaim, context: Context) -> PersistentVolumeClaim:
        """Say in both ways what the volume starts from."""
        created = super().prepare_for_create(obj, context)
        return created.model_copy(update={"spec": _with_sources(_without_foreign_source(created.spec, None))})

    def prepare_for_update(self, new: PersistentVolumeClaim, old: PersistentVolumeClaim) -> PersistentVolumeClaim:
        """Say in both ways what the volume starts from, as the old state does."""
        prepared = super().prepare_for_update(new, old)
        spec = _with_sources(_without_foreign_source(prepared.spec, old.spec))
        return prepared.model_copy(update={"spec": spec})

    def row(self, obj: PersistentVolumeClaim, now: datetime) -> list[Any]:
        """Show what it has got."""
        spec, bound = obj.spec, bool(obj.spec.volume_name)
        return [
            obj.metadata.name,
            _phase(obj),
            spec.volume_name,
            obj.status.capacity.get(STORAGE, "0") if bound else "",
            short_modes(obj.status.access_modes) if bound else "",
            _class_of(obj.metadata.annotations, spec.storage_class_name or ""),
            _or_unset(spec.volume_attributes_class_name),
            human_age(obj.metadata.creation_timestamp, now),
            _or_unset(spec.volume_mode),
        ]


def _without_foreign_source(
    spec: PersistentVolumeClaimSpec, old: PersistentVolumeClaimSpec | None
) -> PersistentVolumeClaimSpec:
    """Drop a source in another namespace, as upstream does while that is no more than an alpha feature there."""
    ref = spec.data_source_ref
    if ref is None or not ref.namespace or (old is not None and old.data_source_ref is not None):
        return spec
    return spec.model_copy(update={"data_source_ref": None})


def _with_sources(spec: PersistentVolumeClaimSpec) -> PersistentVolumeClaimSpec:
    """Fill in whichever of ``dataSource`` and ``dataSourceRef`` is missing beside the other one."""
    source, ref = spec.data_source, spec.data_source_ref
    if ref is None and source is not None:
        ref = TypedObjectReference(api_group=source.api_group, kind=source.kind, name=source.name)
        return spec.model_copy(update={"data_source_ref": ref})
    if ref is None or source is not None or ref.namespace or (ref.api_group or "", ref.kind) not in _LOCAL_SOURCES:
        return spec
    source = TypedLocalObjectReference(api_group=ref.api_group, kind=ref.kind, name=ref.name)
    return spec.model_copy(update={"data_source": source})


def short_modes(modes: Sequence[str]) -> str:
    """Abbreviate access modes, each once and in a fixed order."""
    return ",".join(short for mode, short in _SHORT_MODES.items() if mode in modes)


def _phase(obj: PersistentVolume | PersistentVolumeClaim) -> str:
    return "Terminating" if obj.metadata.deletion_timestamp is not None else obj.status.phase


def _class_of(annotations: Mapping[str, str], name: str) -> str:
    return annotations.get(CLASS_ANNOTATION, name)


def _or_unset(value: str | None) -> str:
    return UNSET if value is None else value


STRATEGIES: Final = {
    "persistentvolumeclaims": PersistentVolumeClaimStrategy(),
    "persistentvolumes": PersistentVolumeStrategy(),
}
