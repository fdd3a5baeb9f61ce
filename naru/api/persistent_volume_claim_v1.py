"""PersistentVolumeClaim: storage that a pod wants, whoever provides it.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

from naru.api.external_volumes_v1 import PersistentVolumeClaimSpec
from naru.api.meta import KubeObject
from naru.api.model import REQUIRED, ListMapKeys, MergeKey, Model, OptionalTime
from naru.api.quantity import Quantity


class PersistentVolumeClaimCondition(Model):
    """TODO."""

    type: Annotated[str, REQUIRED] = ""
    status: Annotated[str, REQUIRED] = ""
    last_probe_time: OptionalTime = None
    last_transition_time: OptionalTime = None
    reason: str = ""
    message: str = ""


class ModifyVolumeStatus(Model):
    """TODO."""

    target_volume_attributes_class_name: str = ""
    status: Annotated[str, REQUIRED] = ""


class PersistentVolumeClaimStatus(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1-5 7-9"

    phase: str = ""
    access_modes: tuple[str, ...] = ()
    capacity: dict[str, Quantity] = {}
    conditions: Annotated[tuple[PersistentVolumeClaimCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()
    allocated_resources: dict[str, Quantity] = {}
    allocated_resource_statuses: dict[str, str] = {}
    current_volume_attributes_class_name: str | None = None
    modify_volume_status: ModifyVolumeStatus | None = None


class PersistentVolumeClaim(KubeObject):
    """TODO."""

    kind: str = "PersistentVolumeClaim"
    api_version: str = "v1"
    spec: PersistentVolumeClaimSpec
    status: PersistentVolumeClaimStatus = PersistentVolumeClaimStatus()
