"""Classes of storage, and what drivers and nodes say about it.

Source: Kubernetes API reference, storage.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.meta import KubeObject, LabelSelector
from naru.api.model import (
    ALWAYS,
    NULL_WHEN_EMPTY,
    POINTER,
    REQUIRED,
    SET,
    Int32,
    ListMapKeys,
    MergeKey,
    Model,
    OptionalTime,
)
from naru.api.persistent_volume_v1 import PersistentVolumeSpec
from naru.api.quantity import Quantity


class TopologySelectorLabelRequirement(Model):
    """One label of the places where volumes may be made."""

    key: Annotated[str, REQUIRED] = ""  # name of the label
    values: Annotated[tuple[str, ...], REQUIRED] = ()  # one of these the label must have


class TopologySelectorTerm(Model):
    """The labels that a place must have, all of them."""

    atomic: ClassVar[bool] = True

    match_label_expressions: tuple[TopologySelectorLabelRequirement, ...] = ()  # labels of the place


class StorageClass(KubeObject):
    """A kind of storage that claims can ask for, and who makes volumes of it."""

    kind: str = "StorageClass"
    api_version: str = "storage.k8s.io/v1"
    provisioner: Annotated[str, REQUIRED] = ""  # who makes the volumes: the name of a driver
    parameters: dict[str, str] = {}  # what the provisioner is told; 512 entries and 256 KiB at most
    reclaim_policy: str = "Delete"  # what its volumes have as their reclaim policy: Delete or Retain
    # what its volumes have as their mount options; nobody checks them before the mount
    mount_options: tuple[str, ...] = ()
    allow_volume_expansion: bool | None = None  # true: claims of this class may ask for more later
    # when a claim gets its volume: Immediate, or WaitForFirstConsumer, once a pod needs it
    volume_binding_mode: str = "Immediate"
    allowed_topologies: tuple[TopologySelectorTerm, ...] = ()  # where volumes may be made; empty: anywhere


class VolumeAttachmentSource(Model):
    """The volume to attach: one of these."""

    persistent_volume_name: str | None = None  # name of the PersistentVolume
    # a volume that no PersistentVolume stands for; only for those that were moved to CSI
    inline_volume_spec: PersistentVolumeSpec | None = None


class VolumeAttachmentSpec(Model):
    """What is to be attached where."""

    attacher: Annotated[str, REQUIRED] = ""  # who attaches it: the name of a CSI driver
    source: Annotated[VolumeAttachmentSource, REQUIRED] = Field(default_factory=VolumeAttachmentSource)  # the volume
    node_name: Annotated[str, REQUIRED] = ""  # the node that it is attached to


class VolumeError(Model):
    """What went wrong at an attempt."""

    time: OptionalTime = None  # when it went wrong
    message: str = ""  # what went wrong; no secrets here, for it may be logged
    error_code: Int32 | None = None  # code of gRPC that the driver answered with


class VolumeAttachmentStatus(Model):
    """How far it has come."""

    attached: Annotated[bool, REQUIRED] = False  # true: the volume is at the node; only the attacher writes this
    attachment_metadata: dict[str, str] = {}  # what the driver said about the attachment, for whoever mounts the volume
    attach_error: VolumeError | None = None  # what went wrong at the last attempt to attach it
    detach_error: VolumeError | None = None  # what went wrong at the last attempt to detach it


class VolumeAttachment(KubeObject):
    """The wish to have a volume attached to a node, and detached when the object goes."""

    kind: str = "VolumeAttachment"
    api_version: str = "storage.k8s.io/v1"
    # what is to be attached where; it never changes
    spec: Annotated[VolumeAttachmentSpec, REQUIRED] = Field(default_factory=VolumeAttachmentSpec)
    # how far it has come; written by the attacher
    status: VolumeAttachmentStatus = Field(default_factory=VolumeAttachmentStatus)


class TokenRequest(Model):
    """A token of the pod's service account that a driver gets."""

    audience: Annotated[str, REQUIRED] = ""  # whom the token is for; empty: the API server
    expiration_seconds: int | None = None  # for how long the token is good; unset: an hour


class CSIDriverSpec(Model):
    """What the cluster must know about a driver."""

    attach_required: bool = True  # true: a volume has to be attached to the node before it is mounted
    pod_info_on_mount: Annotated[bool, ALWAYS, POINTER] = False  # true: the driver is told which pod it mounts for
    # Persistent: volumes of claims; Ephemeral: volumes that pods declare inline
    volume_lifecycle_modes: Annotated[tuple[str, ...], SET] = ()
    # true: the scheduler looks at the CSIStorageCapacity objects that the driver makes
    storage_capacity: Annotated[bool, ALWAYS, POINTER] = False
    # may the volume's files be given to the pod's fsGroup: ReadWriteOnceWithFSType, File or None
    fs_group_policy: str = "ReadWriteOnceWithFSType"
    # tokens of the pod's service account that the driver gets when it mounts
    token_requests: tuple[TokenRequest, ...] = ()
    # true: the driver is asked to mount again from time to time, for what it mounted may change
    requires_republish: Annotated[bool, ALWAYS, POINTER] = False
    se_linux_mount: Annotated[bool, ALWAYS, POINTER] = False  # true: the driver can mount with an SELinux context
    # how often a node asks the driver how many volumes it can take, 10 at least; unset: never
    node_allocatable_update_period_seconds: int | None = None
    # true: the tokens come among the secrets of the request, not among the volume's attributes
    service_account_token_in_secrets: bool | None = None
    # true: pods with volumes of the driver go to no node that does not have it
    prevent_pod_scheduling_if_missing: bool | None = None


class CSIDriver(KubeObject):
    """A CSI driver that is installed in the cluster, under its name."""

    kind: str = "CSIDriver"
    api_version: str = "storage.k8s.io/v1"
    # what the cluster must know about it
    spec: Annotated[CSIDriverSpec, REQUIRED] = Field(default_factory=CSIDriverSpec)


class VolumeNodeResources(Model):
    """How much of a node a driver can use."""

    count: Int32 | None = None  # how many volumes there may be at once; unset: no bound


class CSINodeDriver(Model):
    """A driver on a node."""

    name: Annotated[str, REQUIRED] = ""  # name of the driver
    node_id: Annotated[str, REQUIRED] = ""  # how the driver calls the node
    # labels of the node that say, for the driver, where it is
    topology_keys: Annotated[tuple[str, ...], ALWAYS, NULL_WHEN_EMPTY] = ()
    allocatable: VolumeNodeResources | None = None  # how many volumes of the driver the node takes


class CSINodeSpec(Model):
    """The drivers of a node."""

    # the drivers; empty: none is installed
    drivers: Annotated[
        tuple[CSINodeDriver, ...], MergeKey("name"), ListMapKeys(("name",)), REQUIRED, NULL_WHEN_EMPTY
    ] = ()


class CSINode(KubeObject):
    """The CSI drivers that are on a node, under the node's name; its agent writes it."""

    kind: str = "CSINode"
    api_version: str = "storage.k8s.io/v1"
    spec: Annotated[CSINodeSpec, REQUIRED] = Field(default_factory=CSINodeSpec)  # the drivers


class CSIStorageCapacity(KubeObject):
    """How much room a class of storage has in one part of the cluster; its driver writes it."""

    kind: str = "CSIStorageCapacity"
    api_version: str = "storage.k8s.io/v1"
    node_topology: LabelSelector | None = None  # which nodes can reach that room; unset: none
    storage_class_name: Annotated[str, REQUIRED] = ""  # the class; it never changes
    capacity: Quantity | None = None  # how much is free; unset: unknown
    maximum_volume_size: Quantity | None = None  # how large one volume can be; unset: unknown


class VolumeAttributesClass(KubeObject):
    """A set of attributes that volumes can be given while they are in use."""

    kind: str = "VolumeAttributesClass"
    api_version: str = "storage.k8s.io/v1"
    driver_name: Annotated[str, REQUIRED] = ""  # who can change them: the name of a CSI driver
    parameters: dict[str, str] = {}  # the attributes; it never changes
