"""PersistentVolumeClaim: storage that a pod wants, whoever provides it.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.external_volumes_v1 import PersistentVolumeClaimSpec
from naru.api.meta import KubeObject
from naru.api.model import REQUIRED, ListMapKeys, MergeKey, Model, OptionalTime
from naru.api.quantity import Quantity


class PersistentVolumeClaimCondition(Model):
    """One aspect of a claim's state."""

    type: Annotated[str, REQUIRED] = ""  # Resizing, FileSystemResizePending, ModifyingVolume, ...
    status: Annotated[str, REQUIRED] = ""  # True, False or Unknown
    last_probe_time: OptionalTime = None  # when it was last looked at
    last_transition_time: OptionalTime = None  # when status last changed
    reason: str = ""  # why, in one CamelCase word for programs
    message: str = ""  # why, in a sentence for people


class ModifyVolumeStatus(Model):
    """How far a change of the volume's attributes has come."""

    target_volume_attributes_class_name: str = ""  # the VolumeAttributesClass that it is changed to
    status: Annotated[str, REQUIRED] = ""  # Pending, InProgress, or Infeasible: the driver refuses


class PersistentVolumeClaimStatus(Model):
    """What a claim has got."""

    protobuf: ClassVar[str] = "1-5 7-9"

    phase: str = "Pending"  # Pending, Bound, or Lost: its volume is gone
    access_modes: tuple[str, ...] = ()  # how the volume can be mounted
    capacity: dict[str, Quantity] = {}  # how much the volume has, by resource: storage
    # what goes on with the volume
    conditions: Annotated[tuple[PersistentVolumeClaimCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()
    allocated_resources: dict[str, Quantity] = {}  # how much it will have once a resize is done, by resource
    # how far a resize has come, by resource; absent: none is under way
    allocated_resource_statuses: dict[str, str] = {}
    current_volume_attributes_class_name: str | None = None  # the VolumeAttributesClass that the volume has now
    modify_volume_status: ModifyVolumeStatus | None = None  # a change of that class; unset: none is under way


class PersistentVolumeClaim(KubeObject):
    """Storage that pods want; they name the claim, and not the volume behind it."""

    kind: str = "PersistentVolumeClaim"
    api_version: str = "v1"
    spec: PersistentVolumeClaimSpec = Field(default_factory=PersistentVolumeClaimSpec)  # what is wanted
    status: PersistentVolumeClaimStatus = Field(default_factory=PersistentVolumeClaimStatus)  # what there is
