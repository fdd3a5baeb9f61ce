"""Classes of storage, attachments, and what drivers and nodes say about storage."""

from datetime import datetime
from typing import Any, ClassVar, Final

from apiserver.registry.columns import AGE, NAME, NONE, Column
from apiserver.registry.strategy import Strategy, with_meta
from apiserver.registry.volumes import UNSET
from naru.api.durations import human_age
from naru.api.storage_v1 import (
    CSIDriver,
    CSINode,
    CSIStorageCapacity,
    StorageClass,
    VolumeAttachment,
    VolumeAttributesClass,
)

_IS_DEFAULT: Final = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)  # annotations of the class that claims without a class get


class StorageClassStrategy(Strategy[StorageClass]):
    """The rules of classes of storage."""

    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Provisioner", "Who makes the volumes."),
        Column("ReclaimPolicy", "What happens to a volume when its claim goes."),
        Column("VolumeBindingMode", "When a claim gets its volume."),
        Column("AllowVolumeExpansion", "Whether claims may ask for more later."),
        AGE,
    )

    def row(self, obj: StorageClass, now: datetime) -> list[Any]:
        """Mark the default class."""
        is_default = any(obj.metadata.annotations.get(name) == "true" for name in _IS_DEFAULT)
        return [
            f"{obj.metadata.name} (default)" if is_default else obj.metadata.name,
            obj.provisioner,
            obj.reclaim_policy,
            obj.volume_binding_mode,
            bool(obj.allow_volume_expansion),
            human_age(obj.metadata.creation_timestamp, now),
        ]


class VolumeAttributesClassStrategy(Strategy[VolumeAttributesClass]):
    """The rules of classes of attributes."""

    columns: ClassVar[tuple[Column, ...]] = (NAME, Column("DriverName", "Who can change the attributes."), AGE)

    def row(self, obj: VolumeAttributesClass, now: datetime) -> list[Any]:
        """Show the driver."""
        return [obj.metadata.name, obj.driver_name, human_age(obj.metadata.creation_timestamp, now)]


class VolumeAttachmentStrategy(Strategy[VolumeAttachment]):
    """The rules of attachments."""

    has_status = True
    allows_unconditional_update = False
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Attacher", "Who attaches the volume.", format="name"),
        Column("PV", "The volume."),
        Column("Node", "The node that it is attached to."),
        Column("Attached", "Whether it is at the node.", type="boolean"),
        AGE,
    )

    def prepare_for_status_update(self, new: VolumeAttachment, old: VolumeAttachment) -> VolumeAttachment:
        """Keep everything but the status."""
        kept = with_meta(old, {"managed_fields": new.metadata.managed_fields})
        return kept.model_copy(update={"status": new.status})

    def row(self, obj: VolumeAttachment, now: datetime) -> list[Any]:
        """Show what is attached where."""
        return [
            obj.metadata.name,
            obj.spec.attacher,
            obj.spec.source.persistent_volume_name or "",
            obj.spec.node_name,
            obj.status.attached,
            human_age(obj.metadata.creation_timestamp, now),
        ]


class CSIDriverStrategy(Strategy[CSIDriver]):
    """The rules of drivers, whose generation counts the changes alone: a new one has none."""

    allows_unconditional_update = False
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("AttachRequired", "Whether volumes are attached before they are mounted.", type="boolean"),
        Column("PodInfoOnMount", "Whether the driver is told which pod it mounts for.", type="boolean"),
        Column("StorageCapacity", "Whether the scheduler looks at the room that the driver tells of.", type="boolean"),
        Column("TokenRequests", "For whom the driver gets tokens of the pod's service account."),
        Column("RequiresRepublish", "Whether the driver is asked to mount again from time to time.", type="boolean"),
        Column("Modes", "Which kinds of volumes the driver has."),
        AGE,
    )

    def prepare_for_update(self, new: CSIDriver, old: CSIDriver) -> CSIDriver:
        """Count the change."""
        prepared = super().prepare_for_update(new, old)
        if prepared.spec == old.spec:
            return prepared
        return with_meta(prepared, {"generation": old.metadata.generation + 1})

    def row(self, obj: CSIDriver, now: datetime) -> list[Any]:
        """Show what the driver can do."""
        spec = obj.spec
        return [
            obj.metadata.name,
            spec.attach_required,
            spec.pod_info_on_mount,
            spec.storage_capacity,
            ",".join(token.audience for token in spec.token_requests) if spec.token_requests else UNSET,
            spec.requires_republish,
            ",".join(spec.volume_lifecycle_modes) or NONE,
            human_age(obj.metadata.creation_timestamp, now),
        ]


class CSINodeStrategy(Strategy[CSINode]):
    """The rules of what drivers a node has."""

    allows_unconditional_update = False
    columns: ClassVar[tuple[Column, ...]] = (NAME, Column("Drivers", "How many drivers there are.", "integer"), AGE)

    def row(self, obj: CSINode, now: datetime) -> list[Any]:
        """Count the drivers."""
        return [obj.metadata.name, len(obj.spec.drivers), human_age(obj.metadata.creation_timestamp, now)]


class CSIStorageCapacityStrategy(Strategy[CSIStorageCapacity]):
    """The rules of what drivers say about their room."""

    allows_unconditional_update = False
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("StorageClassName", "The class that has the room."),
        Column("Capacity", "How much is free."),
    )

    def row(self, obj: CSIStorageCapacity, now: datetime) -> list[Any]:
        """Show the room."""
        return [obj.metadata.name, obj.storage_class_name, UNSET if obj.capacity is None else obj.capacity]


STRATEGIES: Final = {
    "csidrivers.storage.k8s.io": CSIDriverStrategy(),
    "csinodes.storage.k8s.io": CSINodeStrategy(),
    "csistoragecapacities.storage.k8s.io": CSIStorageCapacityStrategy(),
    "storageclasses.storage.k8s.io": StorageClassStrategy(),
    "volumeattachments.storage.k8s.io": VolumeAttachmentStrategy(),
    "volumeattributesclasses.storage.k8s.io": VolumeAttributesClassStrategy(),
}
