"""Volumes whose data live outside the node, behind a storage system that a driver speaks to.

naru keeps these declarations and warns; it mounts none of them (``volumes_v1`` has those that work).
Most of them were moved to CSI drivers upstream and remain for the sake of old manifests.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.meta import LabelSelector, ObjectMeta
from naru.api.model import ALWAYS, REQUIRED, Int32, Model
from naru.api.refs_v1 import LocalObjectReference, TypedLocalObjectReference, TypedObjectReference
from naru.api.resource_requirements_v1 import VolumeResourceRequirements


class GCEPersistentDiskVolumeSource(Model):
    """A disk of Google Compute Engine."""

    pd_name: Annotated[str, REQUIRED] = ""  # name of the disk in Compute Engine
    fs_type: str = ""  # file system of the disk; empty: ext4
    partition: Int32 = 0  # number of the partition; 0: the whole disk
    read_only: bool = False  # mount read-only


class AWSElasticBlockStoreVolumeSource(Model):
    """A disk of Amazon EC2."""

    volume_id: Annotated[str, REQUIRED] = ""  # id of the disk in EC2
    fs_type: str = ""  # file system of the disk; empty: ext4
    partition: Int32 = 0  # number of the partition; 0: the whole disk
    read_only: bool = False  # mount read-only


class GitRepoVolumeSource(Model):
    """A clone of a git repository, made when the pod starts."""

    repository: Annotated[str, REQUIRED] = ""  # URL to clone
    revision: str = ""  # commit to check out
    directory: str = ""  # where the clone goes, inside the volume; ".": the volume itself


class NFSVolumeSource(Model):
    """A directory that an NFS server exports."""

    server: Annotated[str, REQUIRED] = ""  # host name or address of the server
    path: Annotated[str, REQUIRED] = ""  # directory that the server exports
    read_only: bool = False  # mount read-only


class ISCSIVolumeSource(Model):
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
    secret_ref: LocalObjectReference | None = None  # Secret with the CHAP names and passwords
    initiator_name: str | None = None  # name of the initiator; unset: the node's


class GlusterfsVolumeSource(Model):
    """A Gluster volume."""

    endpoints: Annotated[str, REQUIRED] = ""  # name of the Endpoints object with the servers
    path: Annotated[str, REQUIRED] = ""  # name of the Gluster volume
    read_only: bool = False  # mount read-only


class RBDVolumeSource(Model):
    """A block device of Ceph."""

    monitors: Annotated[tuple[str, ...], REQUIRED] = ()  # addresses of the Ceph monitors
    image: Annotated[str, REQUIRED] = ""  # name of the RBD image
    fs_type: str = ""  # file system of the image; empty: ext4
    pool: str = "rbd"  # Ceph pool that has the image
    user: str = "admin"  # Ceph user
    keyring: str = "/etc/ceph/keyring"  # file on the node with the user's key
    secret_ref: LocalObjectReference | None = None  # Secret with the key, in place of keyring
    read_only: bool = False  # mount read-only


class FlexVolumeSource(Model):
    """A volume of a driver run as a program on the node, as it was before CSI."""

    driver: Annotated[str, REQUIRED] = ""  # name of the driver, as VENDOR/DRIVER
    fs_type: str = ""  # file system; empty: the driver's choice
    secret_ref: LocalObjectReference | None = None  # Secret that is handed to the driver
    read_only: bool = False  # mount read-only
    options: dict[str, str] = {}  # what else the driver is told


class CinderVolumeSource(Model):
    """A disk of OpenStack."""

    volume_id: Annotated[str, REQUIRED] = ""  # id of the disk in Cinder
    fs_type: str = ""  # file system of the disk; empty: ext4
    read_only: bool = False  # mount read-only
    secret_ref: LocalObjectReference | None = None  # Secret with the parameters to reach OpenStack


class CephFSVolumeSource(Model):
    """A directory of a Ceph file system."""

    monitors: Annotated[tuple[str, ...], REQUIRED] = ()  # addresses of the Ceph monitors
    path: str = ""  # directory of the file system to mount; empty: /
    user: str = ""  # Ceph user; empty: admin
    secret_file: str = ""  # file on the node with the user's key; empty: /etc/ceph/user.secret
    secret_ref: LocalObjectReference | None = None  # Secret with the key, in place of secretFile
    read_only: bool = False  # mount read-only


class FlockerVolumeSource(Model):
    """A dataset of Flocker."""

    dataset_name: str = ""  # name of the dataset; datasetUUID is preferred
    dataset_uuid: str = ""  # id of the dataset


class FCVolumeSource(Model):
    """A block device reached by Fibre Channel."""

    target_wwns: tuple[str, ...] = ()  # world wide names of the targets, used together with lun
    lun: Int32 | None = None  # number of the logical unit
    fs_type: str = ""  # file system of the device; empty: ext4
    read_only: bool = False  # mount read-only
    wwids: tuple[str, ...] = ()  # world wide ids of the volume, in place of targetWWNs and lun


class AzureFileVolumeSource(Model):
    """A file share of Azure."""

    secret_name: Annotated[str, REQUIRED] = ""  # Secret with the storage account's name and key
    share_name: Annotated[str, REQUIRED] = ""  # name of the share
    read_only: bool = False  # mount read-only


class VsphereVirtualDiskVolumeSource(Model):
    """A disk of vSphere."""

    volume_path: Annotated[str, REQUIRED] = ""  # path of the disk's vmdk file
    fs_type: str = ""  # file system of the disk; empty: ext4
    storage_policy_name: str = ""  # name of the storage policy
    storage_policy_id: str = ""  # id of the storage policy


class QuobyteVolumeSource(Model):
    """A volume of Quobyte."""

    registry: Annotated[str, REQUIRED] = ""  # addresses of the registries, as host:port with commas between
    volume: Annotated[str, REQUIRED] = ""  # name of the volume
    read_only: bool = False  # mount read-only
    user: str = ""  # user that files belong to; empty: the service account
    group: str = ""  # group that files belong to; empty: none
    tenant: str = ""  # Quobyte tenant; set by the provisioner


class AzureDiskVolumeSource(Model):
    """A disk of Azure."""

    disk_name: Annotated[str, REQUIRED] = ""  # name of the disk
    disk_uri: Annotated[str, REQUIRED] = ""  # URI of the disk
    caching_mode: str = "ReadWrite"  # None, ReadOnly or ReadWrite: what the host caches
    fs_type: str = "ext4"  # file system of the disk
    read_only: Annotated[bool, ALWAYS] = False  # mount read-only
    # Shared or Dedicated: a blob of an account with several disks, or of its own; Managed: a managed disk
    kind: str = "Shared"


class PhotonPersistentDiskVolumeSource(Model):
    """A disk of Photon Controller."""

    pd_id: Annotated[str, REQUIRED] = ""  # id of the disk
    fs_type: str = ""  # file system of the disk; empty: ext4


class PortworxVolumeSource(Model):
    """A volume of Portworx."""

    volume_id: Annotated[str, REQUIRED] = ""  # id of the volume
    fs_type: str = ""  # file system of the volume; empty: ext4
    read_only: bool = False  # mount read-only


class ScaleIOVolumeSource(Model):
    """A volume of ScaleIO."""

    gateway: Annotated[str, REQUIRED] = ""  # host of the API gateway
    system: Annotated[str, REQUIRED] = ""  # name of the storage system
    # Secret with user and password
    secret_ref: Annotated[LocalObjectReference, REQUIRED] = Field(default_factory=LocalObjectReference)
    ssl_enabled: bool = False  # speak TLS with the gateway
    protection_domain: str = ""  # name of the protection domain
    storage_pool: str = ""  # name of the pool in the protection domain
    storage_mode: str = "ThinProvisioned"  # ThickProvisioned or ThinProvisioned
    volume_name: str = ""  # name of a volume that exists already
    fs_type: str = "xfs"  # file system of the volume
    read_only: bool = False  # mount read-only


class StorageOSVolumeSource(Model):
    """A volume of StorageOS."""

    volume_name: str = ""  # name of the volume within its namespace
    volume_namespace: str = ""  # StorageOS namespace; empty: the pod's
    fs_type: str = ""  # file system of the volume; empty: ext4
    read_only: bool = False  # mount read-only
    secret_ref: LocalObjectReference | None = None  # Secret with the credentials of the StorageOS API


class CSIVolumeSource(Model):
    """A volume that a CSI driver makes for this pod alone."""

    driver: Annotated[str, REQUIRED] = ""  # name of the CSI driver
    read_only: bool | None = None  # mount read-only
    fs_type: str | None = None  # file system; unset: the driver's choice
    volume_attributes: dict[str, str] = {}  # what else the driver is told
    node_publish_secret_ref: LocalObjectReference | None = None  # Secret that is handed to the driver when it mounts


class PersistentVolumeClaimVolumeSource(Model):
    """The volume bound to a claim in the pod's namespace."""

    claim_name: Annotated[str, REQUIRED] = ""  # name of the claim, in the pod's namespace
    read_only: bool = False  # mount read-only, in every container


class PersistentVolumeClaimSpec(Model):
    """What a claim asks of the storage that will be bound to it."""

    protobuf: ClassVar[str] = "1 4 2 3 5-9"

    access_modes: tuple[str, ...] = ()  # ReadWriteOnce, ReadOnlyMany, ReadWriteMany, ReadWriteOncePod
    selector: LabelSelector | None = None  # labels that the volume must have
    # how much storage is asked for
    resources: VolumeResourceRequirements = Field(default_factory=VolumeResourceRequirements)
    volume_name: str = ""  # the volume that the claim is bound to; set by the binder
    storage_class_name: str | None = None  # class to take the volume from; unset: the default class; empty: no class
    volume_mode: str = "Filesystem"  # Filesystem or Block
    data_source: TypedLocalObjectReference | None = None  # snapshot or claim to start from
    # object of any kind to start from, perhaps in another namespace
    data_source_ref: TypedObjectReference | None = None
    # class of the attributes that may change while the volume is in use
    volume_attributes_class_name: str | None = None


class PersistentVolumeClaimTemplate(Model):
    """The claim that is made for a pod and goes with it."""

    metadata: ObjectMeta = Field(default_factory=ObjectMeta)  # labels and annotations of the claim
    # copied into the claim as it is
    spec: Annotated[PersistentVolumeClaimSpec, REQUIRED] = Field(default_factory=PersistentVolumeClaimSpec)


class EphemeralVolumeSource(Model):
    """A volume that is provisioned for the pod and deleted with it."""

    # the claim to make; it gets the name POD-VOLUME
    volume_claim_template: PersistentVolumeClaimTemplate | None = None


class ImageVolumeSource(Model):
    """The content of an image, mounted read-only."""

    reference: str = ""  # reference of the image or artifact
    pull_policy: str = ""  # Always, IfNotPresent or Never
