"""PersistentVolume: a piece of storage of the cluster, that claims are bound to.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.external_volumes_v1 import (
    AWSElasticBlockStoreVolumeSource,
    AzureDiskVolumeSource,
    FCVolumeSource,
    FlockerVolumeSource,
    GCEPersistentDiskVolumeSource,
    NFSVolumeSource,
    PhotonPersistentDiskVolumeSource,
    PortworxVolumeSource,
    QuobyteVolumeSource,
    VsphereVirtualDiskVolumeSource,
)
from naru.api.meta import KubeObject
from naru.api.model import GRANULAR, REQUIRED, Int32, Model, OptionalTime
from naru.api.placement_v1 import NodeSelector
from naru.api.quantity import Quantity
from naru.api.refs_v1 import ObjectReference
from naru.api.volumes_v1 import HostPathVolumeSource


class GlusterfsPersistentVolumeSource(Model):
    """A Gluster volume."""

    endpoints: Annotated[str, REQUIRED] = ""  # name of the Endpoints object with the servers
    path: Annotated[str, REQUIRED] = ""  # name of the Gluster volume
    read_only: bool = False  # mount read-only
    endpoints_namespace: str | None = None  # namespace of the Endpoints; unset: that of the claim


class SecretReference(Model):
    """A Secret of any namespace."""

    atomic: ClassVar[bool] = True

    name: str = ""  # name of the Secret
    namespace: str = ""  # namespace of the Secret


class RBDPersistentVolumeSource(Model):
    """A block device of Ceph."""

    monitors: Annotated[tuple[str, ...], REQUIRED] = ()  # addresses of the Ceph monitors
    image: Annotated[str, REQUIRED] = ""  # name of the RBD image
    fs_type: str = ""  # file system of the image; empty: ext4
    pool: str = "rbd"  # Ceph pool that has the image
    user: str = "admin"  # Ceph user
    keyring: str = "/etc/ceph/keyring"  # file on the node with the user's key
    secret_ref: SecretReference | None = None  # Secret with the key, in place of keyring
    read_only: bool = False  # mount read-only


class ISCSIPersistentVolumeSource(Model):
    """A block device reached by iSCSI."""

    protobuf: ClassVar[str] = "1-8 11 10 12"

    target_portal: Annotated[str, REQUIRED] = ""  # address, or address:port if it is not 3260
    iqn: Annotated[str, REQUIRED] = ""  # qualified name of the target
    lun: Annotated[Int32, REQUIRED] = 0  # number of the logical unit
    iscsi_interface: str = "default"  # name of the initiator's interface
    fs_type: str = ""  # file system of the device; empty: ext4
    read_only: bool = False  # mount read-only
    portals: tuple[str, ...] = ()  # more portals of the same target, for multipath
    chap_auth_discovery: bool = False  # log in by CHAP to find targets
    chap_auth_session: bool = False  # log in by CHAP to use the target
    secret_ref: SecretReference | None = None  # Secret with the CHAP names and passwords
    initiator_name: str | None = None  # name of the initiator; unset: the node's


class CinderPersistentVolumeSource(Model):
    """A disk of OpenStack."""

    volume_id: Annotated[str, REQUIRED] = ""  # id of the disk in Cinder
    fs_type: str = ""  # file system of the disk; empty: ext4
    read_only: bool = False  # mount read-only
    secret_ref: SecretReference | None = None  # Secret with the parameters to reach OpenStack


class CephFSPersistentVolumeSource(Model):
    """A directory of a Ceph file system."""

    monitors: Annotated[tuple[str, ...], REQUIRED] = ()  # addresses of the Ceph monitors
    path: str = ""  # directory of the file system to mount; empty: /
    user: str = ""  # Ceph user; empty: admin
    secret_file: str = ""  # file on the node with the user's key; empty: /etc/ceph/user.secret
    secret_ref: SecretReference | None = None  # Secret with the key, in place of secretFile
    read_only: bool = False  # mount read-only


class FlexPersistentVolumeSource(Model):
    """A volume of a driver run as a program on the node, as it was before CSI."""

    driver: Annotated[str, REQUIRED] = ""  # name of the driver, as VENDOR/DRIVER
    fs_type: str = ""  # file system; empty: the driver's choice
    secret_ref: SecretReference | None = None  # Secret that is handed to the driver
    read_only: bool = False  # mount read-only
    options: dict[str, str] = {}  # what else the driver is told


class AzureFilePersistentVolumeSource(Model):
    """A file share of Azure."""

    secret_name: Annotated[str, REQUIRED] = ""  # Secret with the storage account's name and key
    share_name: Annotated[str, REQUIRED] = ""  # name of the share
    read_only: bool = False  # mount read-only
    secret_namespace: str | None = None  # namespace of the Secret; unset: that of the pod


class ScaleIOPersistentVolumeSource(Model):
    """A volume of ScaleIO."""

    gateway: Annotated[str, REQUIRED] = ""  # host of the API gateway
    system: Annotated[str, REQUIRED] = ""  # name of the storage system
    secret_ref: SecretReference | None = None  # Secret with user and password
    ssl_enabled: bool = False  # speak TLS with the gateway
    protection_domain: str = ""  # name of the protection domain
    storage_pool: str = ""  # name of the pool in the protection domain
    storage_mode: str = "ThinProvisioned"  # ThickProvisioned or ThinProvisioned
    volume_name: str = ""  # name of a volume that exists already
    fs_type: str = "xfs"  # file system of the volume
    read_only: bool = False  # mount read-only


class LocalVolumeSource(Model):
    """A disk or directory of one node; the volume's nodeAffinity says which node."""

    path: Annotated[str, REQUIRED] = ""  # the directory, or the block device
    fs_type: str | None = None  # file system of a block device; unset: whichever is found, or ext4


class StorageOSPersistentVolumeSource(Model):
    """A volume of StorageOS."""

    volume_name: str = ""  # name of the volume within its namespace
    volume_namespace: str = ""  # StorageOS namespace; empty: that of the claim
    fs_type: str = ""  # file system of the volume; empty: ext4
    read_only: bool = False  # mount read-only
    secret_ref: ObjectReference | None = None  # Secret with the credentials of the StorageOS API


class CSIPersistentVolumeSource(Model):
    """A volume of a CSI driver."""

    driver: Annotated[str, REQUIRED] = ""  # name of the CSI driver
    volume_handle: Annotated[str, REQUIRED] = ""  # how the driver knows the volume; it never changes
    read_only: bool = False  # mount read-only
    fs_type: str = ""  # file system, such as ext4; empty: the driver's choice
    volume_attributes: dict[str, str] = {}  # what else the driver is told, as it said when it made the volume
    # Secret that is handed to the driver when it attaches the volume to a node
    controller_publish_secret_ref: SecretReference | None = None
    # Secret that is handed to the driver when it prepares the volume on a node
    node_stage_secret_ref: SecretReference | None = None
    # Secret that is handed to the driver when it mounts the volume for a pod
    node_publish_secret_ref: SecretReference | None = None
    # Secret that is handed to the driver when it enlarges the volume
    controller_expand_secret_ref: SecretReference | None = None
    # Secret that is handed to the driver when it enlarges the file system on a node
    node_expand_secret_ref: SecretReference | None = None


class PersistentVolumeSource(Model):
    """Where the storage is: one of these."""

    gce_persistent_disk: GCEPersistentDiskVolumeSource | None = None  # a disk of Google Compute Engine
    aws_elastic_block_store: AWSElasticBlockStoreVolumeSource | None = None  # a disk of Amazon EC2
    host_path: HostPathVolumeSource | None = None  # a directory of whichever node the pod is on; for trials
    glusterfs: GlusterfsPersistentVolumeSource | None = None  # a Gluster volume
    nfs: NFSVolumeSource | None = None  # a directory that an NFS server exports
    rbd: RBDPersistentVolumeSource | None = None  # a block device of Ceph
    iscsi: ISCSIPersistentVolumeSource | None = None  # a block device reached by iSCSI
    cinder: CinderPersistentVolumeSource | None = None  # a disk of OpenStack
    cephfs: CephFSPersistentVolumeSource | None = None  # a directory of a Ceph file system
    fc: FCVolumeSource | None = None  # a block device reached by Fibre Channel
    flocker: FlockerVolumeSource | None = None  # a dataset of Flocker
    flex_volume: FlexPersistentVolumeSource | None = None  # a volume of a driver that is a program on the node
    azure_file: AzureFilePersistentVolumeSource | None = None  # a file share of Azure
    vsphere_volume: VsphereVirtualDiskVolumeSource | None = None  # a disk of vSphere
    quobyte: QuobyteVolumeSource | None = None  # a volume of Quobyte
    azure_disk: AzureDiskVolumeSource | None = None  # a disk of Azure
    photon_persistent_disk: PhotonPersistentDiskVolumeSource | None = None  # a disk of Photon Controller
    portworx_volume: PortworxVolumeSource | None = None  # a volume of Portworx
    scale_io: ScaleIOPersistentVolumeSource | None = None  # a volume of ScaleIO
    local: LocalVolumeSource | None = None  # a disk or directory of one node
    storageos: StorageOSPersistentVolumeSource | None = None  # a volume of StorageOS
    csi: CSIPersistentVolumeSource | None = None  # a volume of a CSI driver


class VolumeNodeAffinity(Model):
    """Which nodes can reach a volume."""

    required: NodeSelector | None = None  # pods that use the volume go to no other nodes


class PersistentVolumeSpec(Model):
    """What a volume is, and whom it is for."""

    protobuf: ClassVar[str] = "1 2.1-22 3-10"

    capacity: dict[str, Quantity] = {}  # how much there is, by resource: storage
    gce_persistent_disk: GCEPersistentDiskVolumeSource | None = None  # a disk of Google Compute Engine
    aws_elastic_block_store: AWSElasticBlockStoreVolumeSource | None = None  # a disk of Amazon EC2
    host_path: HostPathVolumeSource | None = None  # a directory of whichever node the pod is on; for trials
    glusterfs: GlusterfsPersistentVolumeSource | None = None  # a Gluster volume
    nfs: NFSVolumeSource | None = None  # a directory that an NFS server exports
    rbd: RBDPersistentVolumeSource | None = None  # a block device of Ceph
    iscsi: ISCSIPersistentVolumeSource | None = None  # a block device reached by iSCSI
    cinder: CinderPersistentVolumeSource | None = None  # a disk of OpenStack
    cephfs: CephFSPersistentVolumeSource | None = None  # a directory of a Ceph file system
    fc: FCVolumeSource | None = None  # a block device reached by Fibre Channel
    flocker: FlockerVolumeSource | None = None  # a dataset of Flocker
    flex_volume: FlexPersistentVolumeSource | None = None  # a volume of a driver that is a program on the node
    azure_file: AzureFilePersistentVolumeSource | None = None  # a file share of Azure
    vsphere_volume: VsphereVirtualDiskVolumeSource | None = None  # a disk of vSphere
    quobyte: QuobyteVolumeSource | None = None  # a volume of Quobyte
    azure_disk: AzureDiskVolumeSource | None = None  # a disk of Azure
    photon_persistent_disk: PhotonPersistentDiskVolumeSource | None = None  # a disk of Photon Controller
    portworx_volume: PortworxVolumeSource | None = None  # a volume of Portworx
    scale_io: ScaleIOPersistentVolumeSource | None = None  # a volume of ScaleIO
    local: LocalVolumeSource | None = None  # a disk or directory of one node
    storageos: StorageOSPersistentVolumeSource | None = None  # a volume of StorageOS
    csi: CSIPersistentVolumeSource | None = None  # a volume of a CSI driver
    access_modes: tuple[str, ...] = ()  # how it can be mounted: ReadWriteOnce, ReadOnlyMany, ReadWriteMany, ...
    claim_ref: Annotated[ObjectReference | None, GRANULAR] = None  # the claim that it is bound to, or kept for
    # what happens when its claim goes: Retain keeps it as it is, Delete removes it and its data, Recycle empties it
    persistent_volume_reclaim_policy: str = ""
    storage_class_name: str = ""  # class of the volume; only claims of that class are bound to it; empty: of no class
    mount_options: tuple[str, ...] = ()  # options of the mount, such as ro or soft; a wrong one makes it fail
    volume_mode: str | None = None  # Filesystem or Block: what a container sees of it
    node_affinity: VolumeNodeAffinity | None = None  # which nodes can reach it
    # class of the attributes that may change while it is in use; it follows the claim's
    volume_attributes_class_name: str | None = None


class PersistentVolumeStatus(Model):
    """How a volume is."""

    phase: str = "Pending"  # Pending, Available, Bound, Released (its claim is gone) or Failed
    message: str = ""  # why, in a sentence for people
    reason: str = ""  # why it failed, in one CamelCase word for programs
    last_phase_transition_time: OptionalTime = None  # when phase last changed


class PersistentVolume(KubeObject):
    """A piece of storage that belongs to the cluster and outlives the pods that use it."""

    kind: str = "PersistentVolume"
    api_version: str = "v1"
    spec: PersistentVolumeSpec = Field(default_factory=PersistentVolumeSpec)  # what it is, and whom it is for
    # how it is; written by the binder of volumes
    status: PersistentVolumeStatus = Field(default_factory=PersistentVolumeStatus)
