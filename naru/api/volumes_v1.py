"""A pod's volumes: where the files come from that its containers mount.

A :class:`Volume` is a name and exactly one source. The sources that a node can fill by itself are here;
those that need a storage system are in ``external_volumes_v1``.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated

from naru.api.external_volumes_v1 import (
    AWSElasticBlockStoreVolumeSource,
    AzureDiskVolumeSource,
    AzureFileVolumeSource,
    CephFSVolumeSource,
    CinderVolumeSource,
    CSIVolumeSource,
    EphemeralVolumeSource,
    FCVolumeSource,
    FlexVolumeSource,
    FlockerVolumeSource,
    GCEPersistentDiskVolumeSource,
    GitRepoVolumeSource,
    GlusterfsVolumeSource,
    ImageVolumeSource,
    ISCSIVolumeSource,
    NFSVolumeSource,
    PersistentVolumeClaimVolumeSource,
    PhotonPersistentDiskVolumeSource,
    PortworxVolumeSource,
    QuobyteVolumeSource,
    RBDVolumeSource,
    ScaleIOVolumeSource,
    StorageOSVolumeSource,
    VsphereVirtualDiskVolumeSource,
)
from naru.api.meta import LabelSelector
from naru.api.model import ALWAYS, STORED, Model
from naru.api.quantity import Quantity
from naru.api.refs_v1 import LocalObjectReference, ObjectFieldSelector, ResourceFieldSelector


class KeyToPath(Model):
    """One key of a ConfigMap or Secret, and the file it becomes."""

    key: str
    path: str  # relative, without ..
    mode: int | None = None  # None: the volume's defaultMode


class HostPathVolumeSource(Model):
    """A path of the host itself."""

    path: str
    type: Annotated[str, ALWAYS] = ""  # empty: no check before the mount


class EmptyDirVolumeSource(Model):
    """A directory that is empty when the pod comes and deleted when it goes."""

    medium: str = ""  # empty for the node's disk, Memory for a tmpfs
    size_limit: Quantity | None = None


class SecretVolumeSource(Model):
    """A Secret as files, one for each key."""

    secret_name: str = ""
    items: tuple[KeyToPath, ...] = ()
    default_mode: int = 420  # 0644
    optional: bool | None = None


class ConfigMapVolumeSource(LocalObjectReference):
    """A ConfigMap as files, one for each key."""

    items: tuple[KeyToPath, ...] = ()
    default_mode: int = 420  # 0644
    optional: bool | None = None


class DownwardAPIVolumeFile(Model):
    """One file, whose content is a field of the pod or a limit of a container."""

    path: str
    field_ref: ObjectFieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    mode: int | None = None


class DownwardAPIVolumeSource(Model):
    """Facts about the pod as files."""

    items: tuple[DownwardAPIVolumeFile, ...] = ()
    default_mode: int = 420  # 0644


class SecretProjection(LocalObjectReference):
    """A Secret's part in a projected volume."""

    items: tuple[KeyToPath, ...] = ()
    optional: bool | None = None


class ConfigMapProjection(LocalObjectReference):
    """A ConfigMap's part in a projected volume."""

    items: tuple[KeyToPath, ...] = ()
    optional: bool | None = None


class DownwardAPIProjection(Model):
    """The pod's own facts in a projected volume."""

    items: tuple[DownwardAPIVolumeFile, ...] = ()


class ServiceAccountTokenProjection(Model):
    """A token of the pod's ServiceAccount, renewed before it expires."""

    audience: str = ""
    expiration_seconds: int = 3600
    path: str


class ClusterTrustBundleProjection(Model):
    """Root certificates from ClusterTrustBundle objects."""

    name: str | None = None
    signer_name: str | None = None
    label_selector: LabelSelector | None = None
    optional: bool | None = None
    path: str


class PodCertificateProjection(Model):
    """A key, and a certificate issued to the pod for it."""

    signer_name: str = ""
    key_type: str = ""
    max_expiration_seconds: int | None = None
    credential_bundle_path: str = ""
    key_path: str = ""
    certificate_chain_path: str = ""
    user_annotations: dict[str, str] = {}


class VolumeProjection(Model):
    """One source of a projected volume: exactly one field is set."""

    secret: SecretProjection | None = None
    downward_api: DownwardAPIProjection | None = None
    config_map: ConfigMapProjection | None = None
    service_account_token: Annotated[ServiceAccountTokenProjection | None, STORED] = None
    cluster_trust_bundle: Annotated[ClusterTrustBundleProjection | None, STORED] = None
    pod_certificate: Annotated[PodCertificateProjection | None, STORED] = None


class ProjectedVolumeSource(Model):
    """Several sources in one directory."""

    sources: Annotated[tuple[VolumeProjection, ...], ALWAYS] = ()
    default_mode: int = 420  # 0644


class VolumeSource(Model):
    """Where a volume's content comes from: exactly one field is set."""

    host_path: HostPathVolumeSource | None = None
    empty_dir: EmptyDirVolumeSource | None = None
    gce_persistent_disk: Annotated[GCEPersistentDiskVolumeSource | None, STORED] = None
    aws_elastic_block_store: Annotated[AWSElasticBlockStoreVolumeSource | None, STORED] = None
    git_repo: Annotated[GitRepoVolumeSource | None, STORED] = None
    secret: SecretVolumeSource | None = None
    nfs: Annotated[NFSVolumeSource | None, STORED] = None
    iscsi: Annotated[ISCSIVolumeSource | None, STORED] = None
    glusterfs: Annotated[GlusterfsVolumeSource | None, STORED] = None
    persistent_volume_claim: Annotated[PersistentVolumeClaimVolumeSource | None, STORED] = None
    rbd: Annotated[RBDVolumeSource | None, STORED] = None
    flex_volume: Annotated[FlexVolumeSource | None, STORED] = None
    cinder: Annotated[CinderVolumeSource | None, STORED] = None
    cephfs: Annotated[CephFSVolumeSource | None, STORED] = None
    flocker: Annotated[FlockerVolumeSource | None, STORED] = None
    downward_api: DownwardAPIVolumeSource | None = None
    fc: Annotated[FCVolumeSource | None, STORED] = None
    azure_file: Annotated[AzureFileVolumeSource | None, STORED] = None
    config_map: ConfigMapVolumeSource | None = None
    vsphere_volume: Annotated[VsphereVirtualDiskVolumeSource | None, STORED] = None
    quobyte: Annotated[QuobyteVolumeSource | None, STORED] = None
    azure_disk: Annotated[AzureDiskVolumeSource | None, STORED] = None
    photon_persistent_disk: Annotated[PhotonPersistentDiskVolumeSource | None, STORED] = None
    projected: ProjectedVolumeSource | None = None
    portworx_volume: Annotated[PortworxVolumeSource | None, STORED] = None
    scale_io: Annotated[ScaleIOVolumeSource | None, STORED] = None
    storageos: Annotated[StorageOSVolumeSource | None, STORED] = None
    csi: Annotated[CSIVolumeSource | None, STORED] = None
    ephemeral: Annotated[EphemeralVolumeSource | None, STORED] = None
    image: Annotated[ImageVolumeSource | None, STORED] = None


class Volume(VolumeSource):
    """A source, and the name by which the pod's containers mount it."""

    name: str


class VolumeMount(Model):
    """Where a container sees a volume of its pod."""

    name: str
    read_only: bool = False
    recursive_read_only: Annotated[str | None, STORED] = None
    mount_path: str
    sub_path: str = ""
    mount_propagation: str | None = None
    sub_path_expr: str = ""  # with $(NAME) of the container's environment


class VolumeDevice(Model):
    """Where a container sees a block device of its pod."""

    name: str
    device_path: str
