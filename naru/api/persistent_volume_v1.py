"""PersistentVolume: a piece of storage of the cluster, that claims are bound to.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

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
from naru.api.model import REQUIRED, Int32, Model, OptionalTime
from naru.api.placement_v1 import NodeSelector
from naru.api.quantity import Quantity
from naru.api.refs_v1 import ObjectReference
from naru.api.volumes_v1 import HostPathVolumeSource


class GlusterfsPersistentVolumeSource(Model):
    """TODO."""

    endpoints: Annotated[str, REQUIRED] = ""
    path: Annotated[str, REQUIRED] = ""
    read_only: bool = False
    endpoints_namespace: str | None = None


class SecretReference(Model):
    """TODO."""

    atomic: ClassVar[bool] = True

    name: str = ""
    namespace: str = ""


class RBDPersistentVolumeSource(Model):
    """TODO."""

    monitors: Annotated[tuple[str, ...], REQUIRED] = ()
    image: Annotated[str, REQUIRED] = ""
    fs_type: str = ""
    pool: str = "rbd"
    user: str = "admin"
    keyring: str = "/etc/ceph/keyring"
    secret_ref: SecretReference | None = None
    read_only: bool = False


class ISCSIPersistentVolumeSource(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1-8 11 10 12"

    target_portal: Annotated[str, REQUIRED] = ""
    iqn: Annotated[str, REQUIRED] = ""
    lun: Annotated[Int32, REQUIRED] = 0
    iscsi_interface: str = "default"
    fs_type: str = ""
    read_only: bool = False
    portals: tuple[str, ...] = ()
    chap_auth_discovery: bool = False
    chap_auth_session: bool = False
    secret_ref: SecretReference | None = None
    initiator_name: str | None = None


class CinderPersistentVolumeSource(Model):
    """TODO."""

    volume_id: Annotated[str, REQUIRED] = ""
    fs_type: str = ""
    read_only: bool = False
    secret_ref: SecretReference | None = None


class CephFSPersistentVolumeSource(Model):
    """TODO."""

    monitors: Annotated[tuple[str, ...], REQUIRED] = ()
    path: str = ""
    user: str = ""
    secret_file: str = ""
    secret_ref: SecretReference | None = None
    read_only: bool = False


class FlexPersistentVolumeSource(Model):
    """TODO."""

    driver: Annotated[str, REQUIRED] = ""
    fs_type: str = ""
    secret_ref: SecretReference | None = None
    read_only: bool = False
    options: dict[str, str] = {}


class AzureFilePersistentVolumeSource(Model):
    """TODO."""

    secret_name: Annotated[str, REQUIRED] = ""
    share_name: Annotated[str, REQUIRED] = ""
    read_only: bool = False
    secret_namespace: str | None = None


class ScaleIOPersistentVolumeSource(Model):
    """TODO."""

    gateway: Annotated[str, REQUIRED] = ""
    system: Annotated[str, REQUIRED] = ""
    secret_ref: SecretReference | None = None
    ssl_enabled: bool = False
    protection_domain: str = ""
    storage_pool: str = ""
    storage_mode: str = "ThinProvisioned"
    volume_name: str = ""
    fs_type: str = "xfs"
    read_only: bool = False


class LocalVolumeSource(Model):
    """TODO."""

    path: Annotated[str, REQUIRED] = ""
    fs_type: str | None = None


class StorageOSPersistentVolumeSource(Model):
    """TODO."""

    volume_name: str = ""
    volume_namespace: str = ""
    fs_type: str = ""
    read_only: bool = False
    secret_ref: ObjectReference | None = None


class CSIPersistentVolumeSource(Model):
    """TODO."""

    driver: Annotated[str, REQUIRED] = ""
    volume_handle: Annotated[str, REQUIRED] = ""
    read_only: bool = False
    fs_type: str = ""
    volume_attributes: dict[str, str] = {}
    controller_publish_secret_ref: SecretReference | None = None
    node_stage_secret_ref: SecretReference | None = None
    node_publish_secret_ref: SecretReference | None = None
    controller_expand_secret_ref: SecretReference | None = None
    node_expand_secret_ref: SecretReference | None = None


class PersistentVolumeSource(Model):
    """TODO."""

    gce_persistent_disk: GCEPersistentDiskVolumeSource | None = None
    aws_elastic_block_store: AWSElasticBlockStoreVolumeSource | None = None
    host_path: HostPathVolumeSource | None = None
    glusterfs: GlusterfsPersistentVolumeSource | None = None
    nfs: NFSVolumeSource | None = None
    rbd: RBDPersistentVolumeSource | None = None
    iscsi: ISCSIPersistentVolumeSource | None = None
    cinder: CinderPersistentVolumeSource | None = None
    cephfs: CephFSPersistentVolumeSource | None = None
    fc: FCVolumeSource | None = None
    flocker: FlockerVolumeSource | None = None
    flex_volume: FlexPersistentVolumeSource | None = None
    azure_file: AzureFilePersistentVolumeSource | None = None
    vsphere_volume: VsphereVirtualDiskVolumeSource | None = None
    quobyte: QuobyteVolumeSource | None = None
    azure_disk: AzureDiskVolumeSource | None = None
    photon_persistent_disk: PhotonPersistentDiskVolumeSource | None = None
    portworx_volume: PortworxVolumeSource | None = None
    scale_io: ScaleIOPersistentVolumeSource | None = None
    local: LocalVolumeSource | None = None
    storageos: StorageOSPersistentVolumeSource | None = None
    csi: CSIPersistentVolumeSource | None = None


class VolumeNodeAffinity(Model):
    """TODO."""

    required: NodeSelector | None = None


class PersistentVolumeSpec(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 2.1-22 3-10"

    capacity: dict[str, Quantity] = {}
    gce_persistent_disk: GCEPersistentDiskVolumeSource | None = None
    aws_elastic_block_store: AWSElasticBlockStoreVolumeSource | None = None
    host_path: HostPathVolumeSource | None = None
    glusterfs: GlusterfsPersistentVolumeSource | None = None
    nfs: NFSVolumeSource | None = None
    rbd: RBDPersistentVolumeSource | None = None
    iscsi: ISCSIPersistentVolumeSource | None = None
    cinder: CinderPersistentVolumeSource | None = None
    cephfs: CephFSPersistentVolumeSource | None = None
    fc: FCVolumeSource | None = None
    flocker: FlockerVolumeSource | None = None
    flex_volume: FlexPersistentVolumeSource | None = None
    azure_file: AzureFilePersistentVolumeSource | None = None
    vsphere_volume: VsphereVirtualDiskVolumeSource | None = None
    quobyte: QuobyteVolumeSource | None = None
    azure_disk: AzureDiskVolumeSource | None = None
    photon_persistent_disk: PhotonPersistentDiskVolumeSource | None = None
    portworx_volume: PortworxVolumeSource | None = None
    scale_io: ScaleIOPersistentVolumeSource | None = None
    local: LocalVolumeSource | None = None
    storageos: StorageOSPersistentVolumeSource | None = None
    csi: CSIPersistentVolumeSource | None = None
    access_modes: tuple[str, ...] = ()
    claim_ref: ObjectReference | None = None
    persistent_volume_reclaim_policy: str = ""
    storage_class_name: str = ""
    mount_options: tuple[str, ...] = ()
    volume_mode: str | None = None
    node_affinity: VolumeNodeAffinity | None = None
    volume_attributes_class_name: str | None = None


class PersistentVolumeStatus(Model):
    """TODO."""

    phase: str = ""
    message: str = ""
    reason: str = ""
    last_phase_transition_time: OptionalTime = None


class PersistentVolume(KubeObject):
    """TODO."""

    kind: str = "PersistentVolume"
    api_version: str = "v1"
    spec: PersistentVolumeSpec = PersistentVolumeSpec()
    status: PersistentVolumeStatus = PersistentVolumeStatus()
