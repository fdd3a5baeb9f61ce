"""Classes of storage, and what drivers and nodes say about it.

Source: Kubernetes API reference, storage.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from naru.api.meta import KubeObject, LabelSelector
from naru.api.model import ALWAYS, REQUIRED, SET, Int32, ListMapKeys, MergeKey, Model, OptionalTime
from naru.api.persistent_volume_v1 import PersistentVolumeSpec
from naru.api.quantity import Quantity


class TopologySelectorLabelRequirement(Model):
    """TODO."""

    key: Annotated[str, REQUIRED] = ""
    values: Annotated[tuple[str, ...], REQUIRED] = ()


class TopologySelectorTerm(Model):
    """TODO."""

    atomic: ClassVar[bool] = True

    match_label_expressions: tuple[TopologySelectorLabelRequirement, ...] = ()


class StorageClass(KubeObject):
    """TODO."""

    kind: str = "StorageClass"
    api_version: str = "storage.k8s.io/v1"
    provisioner: Annotated[str, REQUIRED] = ""
    parameters: dict[str, str] = {}
    reclaim_policy: str | None = None
    mount_options: tuple[str, ...] = ()
    allow_volume_expansion: bool | None = None
    volume_binding_mode: str | None = None
    allowed_topologies: tuple[TopologySelectorTerm, ...] = ()


class VolumeAttachmentSource(Model):
    """TODO."""

    persistent_volume_name: str | None = None
    inline_volume_spec: PersistentVolumeSpec | None = None


class VolumeAttachmentSpec(Model):
    """TODO."""

    attacher: Annotated[str, REQUIRED] = ""
    source: Annotated[VolumeAttachmentSource, REQUIRED] = VolumeAttachmentSource()
    node_name: Annotated[str, REQUIRED] = ""


class VolumeError(Model):
    """TODO."""

    time: OptionalTime = None
    message: str = ""
    error_code: Int32 | None = None


class VolumeAttachmentStatus(Model):
    """TODO."""

    attached: Annotated[bool, REQUIRED] = False
    attachment_metadata: dict[str, str] = {}
    attach_error: VolumeError | None = None
    detach_error: VolumeError | None = None


class VolumeAttachment(KubeObject):
    """TODO."""

    kind: str = "VolumeAttachment"
    api_version: str = "storage.k8s.io/v1"
    spec: Annotated[VolumeAttachmentSpec, REQUIRED] = VolumeAttachmentSpec()
    status: VolumeAttachmentStatus = VolumeAttachmentStatus()


class TokenRequest(Model):
    """TODO."""

    audience: Annotated[str, REQUIRED] = ""
    expiration_seconds: int | None = None


class CSIDriverSpec(Model):
    """TODO."""

    attach_required: bool | None = None
    pod_info_on_mount: bool | None = None
    volume_lifecycle_modes: Annotated[tuple[str, ...], SET] = ()
    storage_capacity: bool | None = None
    fs_group_policy: str | None = None
    token_requests: tuple[TokenRequest, ...] = ()
    requires_republish: bool | None = None
    se_linux_mount: bool | None = None
    node_allocatable_update_period_seconds: int | None = None
    service_account_token_in_secrets: bool | None = None
    prevent_pod_scheduling_if_missing: bool | None = None


class CSIDriver(KubeObject):
    """TODO."""

    kind: str = "CSIDriver"
    api_version: str = "storage.k8s.io/v1"
    spec: Annotated[CSIDriverSpec, REQUIRED] = CSIDriverSpec()


class VolumeNodeResources(Model):
    """TODO."""

    count: Int32 | None = None


class CSINodeDriver(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""
    node_id: Annotated[str, REQUIRED] = ""
    topology_keys: Annotated[tuple[str, ...], ALWAYS] = ()
    allocatable: VolumeNodeResources | None = None


class CSINodeSpec(Model):
    """TODO."""

    drivers: Annotated[tuple[CSINodeDriver, ...], MergeKey("name"), ListMapKeys(("name",)), REQUIRED] = ()


class CSINode(KubeObject):
    """TODO."""

    kind: str = "CSINode"
    api_version: str = "storage.k8s.io/v1"
    spec: Annotated[CSINodeSpec, REQUIRED] = CSINodeSpec()


class CSIStorageCapacity(KubeObject):
    """TODO."""

    kind: str = "CSIStorageCapacity"
    api_version: str = "storage.k8s.io/v1"
    node_topology: LabelSelector | None = None
    storage_class_name: Annotated[str, REQUIRED] = ""
    capacity: Quantity | None = None
    maximum_volume_size: Quantity | None = None


class VolumeAttributesClass(KubeObject):
    """TODO."""

    kind: str = "VolumeAttributesClass"
    api_version: str = "storage.k8s.io/v1"
    driver_name: Annotated[str, REQUIRED] = ""
    parameters: dict[str, str] = {}
