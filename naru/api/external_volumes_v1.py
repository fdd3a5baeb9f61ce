"""Volumes whose data live outside the node, behind a storage system that a driver speaks to.

naru keeps these declarations and warns; it mounts none of them (``volumes_v1`` has those that work).
Most of them were moved to CSI drivers upstream and remain for the sake of old manifests.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated

from pydantic import Field

from naru.api.meta import LabelSelector, ObjectMeta
from naru.api.model import ALWAYS, Model
from naru.api.refs_v1 import LocalObjectReference, TypedLocalObjectReference, TypedObjectReference
from naru.api.resources_v1 import VolumeResourceRequirements


class GCEPersistentDiskVolumeSource(Model):
    """A disk of Google Compute Engine."""

    pd_name: str
    fs_type: str = ""
    partition: int = 0
    read_only: bool = False


class AWSElasticBlockStoreVolumeSource(Model):
    """A disk of Amazon EC2."""

    volume_id: str
    fs_type: str = ""
    partition: int = 0
    read_only: bool = False


class GitRepoVolumeSource(Model):
    """A clone of a git repository, made when the pod starts."""

    repository: str
    revision: str = ""
    directory: str = ""


class NFSVolumeSource(Model):
    """A directory that an NFS server exports."""

    server: str
    path: str
    read_only: bool = False


class ISCSIVolumeSource(Model):
    """A block device reached by iSCSI."""

    target_portal: str
    iqn: str
    lun: int
    iscsi_interface: str = "default"
    fs_type: str = ""
    read_only: bool = False
    portals: tuple[str, ...] = ()
    chap_auth_discovery: bool = False
    chap_auth_session: bool = False
    secret_ref: LocalObjectReference | None = None
    initiator_name: str | None = None


class GlusterfsVolumeSource(Model):
    """A Gluster volume."""

    endpoints: str
    path: str
    read_only: bool = False


class RBDVolumeSource(Model):
    """A block device of Ceph."""

    monitors: tuple[str, ...]
    image: str
    fs_type: str = ""
    pool: str = "rbd"
    user: str = "admin"
    keyring: str = "/etc/ceph/keyring"
    secret_ref: LocalObjectReference | None = None
    read_only: bool = False


class FlexVolumeSource(Model):
    """A volume of a driver run as a program on the node, as it was before CSI."""

    driver: str
    fs_type: str = ""
    secret_ref: LocalObjectReference | None = None
    read_only: bool = False
    options: dict[str, str] = {}


class CinderVolumeSource(Model):
    """A disk of OpenStack."""

    volume_id: str
    fs_type: str = ""
    read_only: bool = False
    secret_ref: LocalObjectReference | None = None


class CephFSVolumeSource(Model):
    """A directory of a Ceph file system."""

    monitors: tuple[str, ...]
    path: str = ""
    user: str = ""
    secret_file: str = ""
    secret_ref: LocalObjectReference | None = None
    read_only: bool = False


class FlockerVolumeSource(Model):
    """A dataset of Flocker."""

    dataset_name: str = ""
    dataset_uuid: str = ""


class FCVolumeSource(Model):
    """A block device reached by Fibre Channel."""

    target_wwns: tuple[str, ...] = ()
    lun: int | None = None
    fs_type: str = ""
    read_only: bool = False
    wwids: tuple[str, ...] = ()


class AzureFileVolumeSource(Model):
    """A file share of Azure."""

    secret_name: str
    share_name: str
    read_only: bool = False


class VsphereVirtualDiskVolumeSource(Model):
    """A disk of vSphere."""

    volume_path: str
    fs_type: str = ""
    storage_policy_name: str = ""
    storage_policy_id: str = ""


class QuobyteVolumeSource(Model):
    """A volume of Quobyte."""

    registry: str
    volume: str
    read_only: bool = False
    user: str = ""
    group: str = ""
    tenant: str = ""


class AzureDiskVolumeSource(Model):
    """A disk of Azure."""

    disk_name: str
    disk_uri: str
    caching_mode: str = "ReadWrite"
    fs_type: str = "ext4"
    read_only: Annotated[bool, ALWAYS] = False
    kind: str = "Shared"


class PhotonPersistentDiskVolumeSource(Model):
    """A disk of Photon Controller."""

    pd_id: str
    fs_type: str = ""


class PortworxVolumeSource(Model):
    """A volume of Portworx."""

    volume_id: str
    fs_type: str = ""
    read_only: bool = False


class ScaleIOVolumeSource(Model):
    """A volume of ScaleIO."""

    gateway: str
    system: str
    secret_ref: LocalObjectReference
    ssl_enabled: bool = False
    protection_domain: str = ""
    storage_pool: str = ""
    storage_mode: str = "ThinProvisioned"
    volume_name: str = ""
    fs_type: str = "xfs"
    read_only: bool = False


class StorageOSVolumeSource(Model):
    """A volume of StorageOS."""

    volume_name: str = ""
    volume_namespace: str = ""
    fs_type: str = ""
    read_only: bool = False
    secret_ref: LocalObjectReference | None = None


class CSIVolumeSource(Model):
    """A volume that a CSI driver makes for this pod alone."""

    driver: str
    read_only: bool | None = None
    fs_type: str | None = None
    volume_attributes: dict[str, str] = {}
    node_publish_secret_ref: LocalObjectReference | None = None


class PersistentVolumeClaimVolumeSource(Model):
    """The volume bound to a claim in the pod's namespace."""

    claim_name: str
    read_only: bool = False


class PersistentVolumeClaimSpec(Model):
    """What a claim asks of the storage that will be bound to it."""

    access_modes: tuple[str, ...] = ()
    selector: LabelSelector | None = None
    resources: VolumeResourceRequirements = Field(default_factory=VolumeResourceRequirements)
    volume_name: str = ""
    storage_class_name: str | None = None
    volume_mode: str = "Filesystem"
    data_source: TypedLocalObjectReference | None = None
    data_source_ref: TypedObjectReference | None = None
    volume_attributes_class_name: str | None = None


class PersistentVolumeClaimTemplate(Model):
    """The claim that is made for a pod and goes with it."""

    metadata: ObjectMeta = Field(default_factory=ObjectMeta)
    spec: PersistentVolumeClaimSpec


class EphemeralVolumeSource(Model):
    """A volume that is provisioned for the pod and deleted with it."""

    volume_claim_template: PersistentVolumeClaimTemplate


class ImageVolumeSource(Model):
    """The content of an image, mounted read-only."""

    reference: str = ""
    pull_policy: str = ""
