"""A pod's volumes: where the files come from that its containers mount.

A :class:`Volume` is a name and exactly one source. The sources that a node can fill by itself are here;
those that need a storage system are in ``external_volumes_v1``.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

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
from naru.api.model import ALWAYS, REQUIRED, STORED, Int32, Model, Stored
from naru.api.quantity import Quantity
from naru.api.refs_v1 import LocalObjectReference, ObjectFieldSelector, ResourceFieldSelector


class KeyToPath(Model):
    """One key of a ConfigMap or Secret, and the file it becomes."""

    key: Annotated[str, REQUIRED] = ""  # name of the key
    path: Annotated[str, REQUIRED] = ""  # path of the file in the volume, relative and without ..
    mode: Int32 | None = None  # permissions of the file, 0 to 0777; unset: the volume's defaultMode


class HostPathVolumeSource(Model):
    """A path of the host itself."""

    path: Annotated[str, REQUIRED] = ""  # path on the host; a symbolic link is followed
    type: Annotated[str, ALWAYS] = ""  # what must be there: File, Directory, Socket...; empty: anything


class EmptyDirVolumeSource(Model):
    """A directory that is empty when the pod comes and deleted when it goes."""

    medium: str = ""  # empty for the node's disk, Memory for a tmpfs
    size_limit: Quantity | None = None  # at most so many bytes, for medium Memory; a directory on disk is not measured


class SecretVolumeSource(Model):
    """A Secret as files, one for each key."""

    secret_name: str = ""  # name of the Secret, in the pod's namespace
    items: tuple[KeyToPath, ...] = ()  # only these keys, at these paths; empty: every key, under its own name
    default_mode: Int32 = 420  # permissions of files whose item names none; 420 is 0644
    optional: bool | None = None  # true: an empty directory if the Secret is missing


class ConfigMapVolumeSource(LocalObjectReference):
    """A ConfigMap as files, one for each key."""

    protobuf: ClassVar[str] = "1.1 2-4"

    items: tuple[KeyToPath, ...] = ()  # only these keys, at these paths; empty: every key, under its own name
    default_mode: Int32 = 420  # permissions of files whose item names none; 420 is 0644
    optional: bool | None = None  # true: an empty directory if the ConfigMap is missing


class DownwardAPIVolumeFile(Model):
    """One file, whose content is a field of the pod or a limit of a container."""

    path: Annotated[str, REQUIRED] = ""  # path of the file in the volume, relative and without ..
    field_ref: ObjectFieldSelector | None = None  # a field of the pod, such as its labels
    resource_field_ref: ResourceFieldSelector | None = None  # a limit or request of a container
    mode: Int32 | None = None  # permissions of the file, 0 to 0777; unset: the volume's defaultMode


class DownwardAPIVolumeSource(Model):
    """Facts about the pod as files."""

    items: tuple[DownwardAPIVolumeFile, ...] = ()  # the files
    default_mode: Int32 = 420  # permissions of files whose item names none; 420 is 0644


class SecretProjection(LocalObjectReference):
    """A Secret's part in a projected volume."""

    protobuf: ClassVar[str] = "1.1 2 4"

    items: tuple[KeyToPath, ...] = ()  # only these keys, at these paths; empty: every key, under its own name
    optional: bool | None = None  # true: no error if the Secret or a key is missing


class ConfigMapProjection(LocalObjectReference):
    """A ConfigMap's part in a projected volume."""

    protobuf: ClassVar[str] = "1.1 2 4"

    items: tuple[KeyToPath, ...] = ()  # only these keys, at these paths; empty: every key, under its own name
    optional: bool | None = None  # true: no error if the ConfigMap or a key is missing


class DownwardAPIProjection(Model):
    """The pod's own facts in a projected volume."""

    items: tuple[DownwardAPIVolumeFile, ...] = ()  # the files


class ServiceAccountTokenProjection(Model):
    """A token of the pod's ServiceAccount, renewed before it expires."""

    audience: str = ""  # whom the token is for; empty: the API server
    expiration_seconds: int = 3600  # how long the token is valid, at least 600
    path: Annotated[str, REQUIRED] = ""  # path of the file in the volume, relative


class ClusterTrustBundleProjection(Model):
    """Root certificates from ClusterTrustBundle objects."""

    protobuf: ClassVar[str] = "1-3 5 4"

    name: str | None = None  # name of one bundle
    signer_name: str | None = None  # all bundles of this signer, in place of name
    label_selector: LabelSelector | None = None  # which of the signer's bundles; unset: none; empty: all
    optional: bool | None = None  # true: no error if there is no such bundle
    path: Annotated[str, REQUIRED] = ""  # path of the file in the volume, relative


class PodCertificateProjection(Model):
    """A key, and a certificate issued to the pod for it."""

    signer_name: str = ""  # who is asked for the certificate
    key_type: str = ""  # RSA3072, RSA4096, ECDSAP256, ECDSAP384, ECDSAP521 or ED25519
    max_expiration_seconds: Int32 | None = None  # longest validity, 3600 to 7862400 (91 days); unset: 86400
    credential_bundle_path: str = ""  # path of one file with the key and then the certificates; better than two files
    key_path: str = ""  # path of a file with the key alone
    certificate_chain_path: str = ""  # path of a file with the certificates alone
    user_annotations: dict[str, str] = {}  # what else the signer is told


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

    sources: Annotated[tuple[VolumeProjection, ...], ALWAYS] = ()  # what is put into the directory
    default_mode: Int32 = 420  # permissions of files whose item names none; 420 is 0644


class VolumeSource(Model):
    """Where a volume's content comes from: exactly one field is set."""

    protobuf: ClassVar[str] = "1-23 26 24 25 27-30"

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

    protobuf: ClassVar[str] = "2.1-23 2.26 2.24 2.25 2.27-30 1"

    name: Annotated[str, REQUIRED] = ""  # unique in the pod, and a DNS label


class VolumeMount(Model):
    """Where a container sees a volume of its pod."""

    protobuf: ClassVar[str] = "1 2 7 3-6"

    name: Annotated[str, REQUIRED] = ""  # name of the volume
    read_only: bool = False  # mount read-only
    # Enabled, IfPossible or Disabled: are mounts below read-only too
    recursive_read_only: Annotated[str | None, Stored(("Disabled",))] = None
    mount_path: Annotated[str, REQUIRED] = ""  # where in the container; no colon
    sub_path: str = ""  # only this path of the volume, relative and without ..; empty: all of it
    # None, HostToContainer or Bidirectional: who sees mounts made later; unset: None
    mount_propagation: str | None = None
    sub_path_expr: str = ""  # with $(NAME) of the container's environment


class VolumeDevice(Model):
    """Where a container sees a block device of its pod."""

    name: Annotated[str, REQUIRED] = ""  # name of the volume
    device_path: Annotated[str, REQUIRED] = ""  # path of the device in the container
