"""Validation of where a PersistentVolume has its storage.

A table of rules, one a source, in the order that upstream looks at them: of several sources all but the first one
found are refused. The paths are upstream's, also where they do not name the field (``spec.persistentDisk``).

Source: Kubernetes API reference, core/v1 PersistentVolumeSpec; the texts are those of upstream's validation.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from naru.api.errors import FieldError
from naru.api.external_volumes_v1 import (
    AWSElasticBlockStoreVolumeSource,
    AzureDiskVolumeSource,
    FCVolumeSource,
    FlockerVolumeSource,
    GCEPersistentDiskVolumeSource,
    NFSVolumeSource,
    QuobyteVolumeSource,
)
from naru.api.field_errors import each_invalid, forbidden, invalid, not_supported, required, too_long
from naru.api.fields import fields_of
from naru.api.model import Model
from naru.api.names import LABEL_MAX, check_dns_label, check_dns_subdomain, not_in_range
from naru.api.persistent_volume_v1 import (
    AzureFilePersistentVolumeSource,
    CinderPersistentVolumeSource,
    CSIPersistentVolumeSource,
    FlexPersistentVolumeSource,
    GlusterfsPersistentVolumeSource,
    ISCSIPersistentVolumeSource,
    LocalVolumeSource,
    PersistentVolumeSpec,
    SecretReference,
    StorageOSPersistentVolumeSource,
)
from naru.api.volumes_v1 import HostPathVolumeSource

HOST_PATH_TYPES: Final = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
ONE_TYPE: Final = "may not specify more than 1 volume type"
MAX_BYTE: Final = 255  # of partition numbers and logical units

_PARTITION: Final = not_in_range(1, MAX_BYTE)  # although 0, for the whole disk, is fine
_HOST_PORTS: Final = "must be a host:port pair or multiple pairs separated by commas"
_CACHING_MODES: Final = ("None", "ReadOnly", "ReadWrite")
_DISK_KINDS: Final = ("Dedicated", "Managed", "Shared")
_MANAGED_DISK: Final = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
_BLOB_DISK: Final = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"
_INITIATORS: Final = {
    "iqn": re.compile(r"iqn\.\d{4}-\d{2}\.([A-Za-z0-9-.]+)(:[^,;*&$|\s]+)$"),
    "eui": re.compile(r"eui.[A-Za-z0-9]{16}$"),
    "naa": re.compile(r"naa.[A-Za-z0-9]{32}$"),
}  # RFC 3720, section 3.2.6.3, and RFC 3980; the dots that match anything are upstream's
_INITIATOR_AND_PORTAL_MAX: Final = 64
_RESERVED_SUFFIXES: Final = (".kubernetes.io", ".k8s.io")

_CLASH_NAMES: Final = {"cephfs": "cephFS"}  # where upstream's path is not the field's name: for a second source,
PATH_NAMES: Final = {"gce_persistent_disk": "persistentDisk"}  # and for the faults of a source


def validate_source(spec: PersistentVolumeSpec, volume_name: str, path: str) -> list[FieldError]:
    """Return the faults of where a volume has its storage; there has to be exactly one such place."""
    errors, found = [], False
    for attribute, rule in _rules(volume_name).items():
        source = getattr(spec, attribute)
        if source is None:
            continue
        if found and attribute != "flex_volume":
            errors.append(forbidden(f"{path}.{_CLASH_NAMES.get(attribute) or _name_of(attribute)}", ONE_TYPE))
        else:
            errors += rule(source, f"{path}.{PATH_NAMES.get(attribute) or _name_of(attribute)}")
        found = True
    return errors if found else [*errors, required(path, "must specify a volume type")]


def _name_of(attribute: str) -> str:
    return next(name for name, field in fields_of(PersistentVolumeSpec).items() if field.attribute == attribute)


def needs(*names: str) -> Callable[[Model, str], list[FieldError]]:
    """Return the rule that asks for some fields, and for nothing else."""

    def rule(source: Model, path: str) -> list[FieldError]:
        fields = fields_of(type(source))
        return [required(f"{path}.{name}") for name in names if not getattr(source, fields[name].attribute)]

    return rule


def validate_host_path(source: HostPathVolumeSource, path: str) -> list[FieldError]:
    """Return the faults of a directory of the node."""
    if not source.path:
        return [required(f"{path}.path")]
    errors = _validate_no_backsteps(source.path, f"{path}.path")
    if source.type not in HOST_PATH_TYPES:
        errors.append(not_supported(f"{path}.type", source.type, HOST_PATH_TYPES))
    return errors


def _validate_no_backsteps(target: str, path: str) -> list[FieldError]:
    return [invalid(path, target, "must not contain '..'")] if ".." in target.split("/") else []


def validate_gce_disk(source: GCEPersistentDiskVolumeSource, path: str) -> list[FieldError]:
    """Return the faults of a disk of Google Compute Engine."""
    return needs("pdName")(source, path) + _validate_partition(source.partition, path)


def validate_aws_disk(source: AWSElasticBlockStoreVolumeSource, path: str) -> list[FieldError]:
    """Return the faults of a disk of Amazon EC2."""
    return needs("volumeID")(source, path) + _validate_partition(source.partition, path)


def _validate_partition(partition: int, path: str) -> list[FieldError]:
    return [] if 0 <= partition <= MAX_BYTE else [invalid(f"{path}.partition", partition, _PARTITION)]


def _validate_glusterfs(source: GlusterfsPersistentVolumeSource, path: str) -> list[FieldError]:
    errors = needs("endpoints", "path")(source, path)
    namespace, at = source.endpoints_namespace, f"{path}.endpointsNamespace"
    if namespace == "":
        return [*errors, invalid(at, "", "if the endpointnamespace is set, it must be a valid namespace name")]
    return errors + (each_invalid(at, namespace, check_dns_label(namespace)) if namespace is not None else [])


def validate_flocker(source: FlockerVolumeSource, path: str) -> list[FieldError]:
    """Return the faults of a dataset of Flocker."""
    errors = []
    if not source.dataset_name and not source.dataset_uuid:
        errors.append(required(path, "one of datasetName and datasetUUID is required"))
    if source.dataset_name and source.dataset_uuid:
        errors.append(invalid(path, "resource", "datasetName and datasetUUID can not be specified simultaneously"))
    if "/" in source.dataset_name:
        errors.append(invalid(f"{path}.datasetName", source.dataset_name, "must not contain '/'"))
    return errors


def validate_nfs(source: NFSVolumeSource, path: str) -> list[FieldError]:
    """Return the faults of a directory that an NFS server exports."""
    errors = needs("server", "path")(source, path)
    if not source.path.startswith("/"):
        errors.append(invalid(f"{path}.path", source.path, "must be an absolute path"))
    return errors


def validate_quobyte(source: QuobyteVolumeSource, path: str) -> list[FieldError]:
    """Return the faults of a volume of Quobyte."""
    errors = []
    if not source.registry:
        errors.append(required(f"{path}.registry", _HOST_PORTS))
    elif len(source.tenant) > 64:
        errors.append(required(f"{path}.tenant", "must be a UUID and may not exceed a length of 64 characters"))
    else:
        pairs = source.registry.split(",")
        errors += [invalid(f"{path}.registry", source.registry, _HOST_PORTS) for p in pairs if not _is_host_port(p)]
    return errors + needs("volume")(source, path)


def _is_host_port(text: str) -> bool:
    return bool(re.fullmatch(r"(\[[^\[\]]*\]|[^:\[\]]*):[^:\[\]]*", text))


def _validate_iscsi(volume_name: str, source: ISCSIPersistentVolumeSource, path: str) -> list[FieldError]:
    errors = needs("targetPortal")(source, path)
    named = source.initiator_name is not None
    if named and len(f"{volume_name}:{source.target_portal}") > _INITIATOR_AND_PORTAL_MAX:
        why = (
            "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName "
            "is specified."
        )
        errors.append(invalid(f"{path}.targetportal", source.target_portal, why))
    if not source.iqn:
        errors.append(required(f"{path}.iqn"))
    else:
        errors += _validate_initiator(source.iqn, f"{path}.iqn")
    if not 0 <= source.lun <= MAX_BYTE:
        errors.append(invalid(f"{path}.lun", source.lun, not_in_range(0, MAX_BYTE)))
    if (source.chap_auth_discovery or source.chap_auth_session) and source.secret_ref is None:
        errors.append(required(f"{path}.secretRef"))
    if source.secret_ref is not None and not source.secret_ref.name:
        errors.append(required(f"{path}.secretRef.name"))
    if source.initiator_name is not None:
        errors += _validate_initiator(source.initiator_name, f"{path}.initiatorname")
    return errors


def _validate_initiator(name: str, path: str) -> list[FieldError]:
    pattern = _INITIATORS.get(name[:3])
    return [] if pattern is not None and pattern.match(name) else [invalid(path, name, "must be valid format")]


def _validate_cinder(source: CinderPersistentVolumeSource, path: str) -> list[FieldError]:
    return needs("volumeID")(source, path) + _validate_owned_secret(source.secret_ref, f"{path}.secretRef")


def _validate_owned_secret(secret: Any, path: str) -> list[FieldError]:
    return needs("name", "namespace")(secret, path) if secret is not None else []


def validate_fc(source: FCVolumeSource, path: str) -> list[FieldError]:
    """Return the faults of a block device reached by Fibre Channel."""
    errors, at = [], f"{path}.targetWWNs"
    if not source.target_wwns and not source.wwids:
        errors.append(required(at, "must specify either targetWWNs or wwids, but not both"))
    if source.target_wwns and source.wwids:
        why = "targetWWNs and wwids can not be specified simultaneously"
        errors.append(invalid(at, source.target_wwns, why))
    if source.target_wwns and source.lun is None:
        errors.append(required(f"{path}.lun", "lun is required if targetWWNs is specified"))
    elif source.target_wwns and source.lun is not None and not 0 <= source.lun <= MAX_BYTE:
        errors.append(invalid(f"{path}.lun", source.lun, not_in_range(0, MAX_BYTE)))
    return errors


def _validate_flex(source: FlexPersistentVolumeSource, path: str) -> list[FieldError]:
    return needs("driver")(source, path) + validate_flex_options(source.options, f"{path}.options")


def validate_flex_options(options: Mapping[str, str], path: str) -> list[FieldError]:
    """Return the faults of what a driver is told: some of it only Kubernetes may say."""
    errors = []
    for key in options:
        if f".{key.partition('/')[0].lower()}".endswith(_RESERVED_SUFFIXES):
            errors.append(invalid(f"{path}[{key}]", key, "kubernetes.io and k8s.io namespaces are reserved"))
    return errors


def _validate_azure_file(source: AzureFilePersistentVolumeSource, path: str) -> list[FieldError]:
    errors = needs("secretName", "shareName")(source, path)
    return [*errors, required(f"{path}.secretNamespace")] if source.secret_namespace == "" else errors


def validate_azure_disk(source: AzureDiskVolumeSource, path: str) -> list[FieldError]:
    """Return the faults of a disk of Azure."""
    errors = needs("diskName", "diskURI")(source, path)
    if source.caching_mode not in _CACHING_MODES:
        errors.append(not_supported(f"{path}.cachingMode", source.caching_mode, _CACHING_MODES))
    if source.kind not in _DISK_KINDS:
        errors.append(not_supported(f"{path}.kind", source.kind, _DISK_KINDS))
    start, form = ("/subscriptions/", _MANAGED_DISK) if source.kind == "Managed" else ("https://", _BLOB_DISK)
    if not source.disk_uri.startswith(start):
        errors.append(not_supported(f"{path}.diskURI", source.disk_uri, (form,)))
    return errors


def _validate_local(source: LocalVolumeSource, path: str) -> list[FieldError]:
    return _validate_no_backsteps(source.path, f"{path}.path") if source.path else [required(f"{path}.path")]


def _validate_storage_os(source: StorageOSPersistentVolumeSource, path: str) -> list[FieldError]:
    name, namespace = source.volume_name, source.volume_namespace
    errors = needs("volumeName")(source, path)
    if name:
        errors += each_invalid(f"{path}.volumeName", name, check_dns_label(name))
    if namespace:
        errors += each_invalid(f"{path}.volumeNamespace", namespace, check_dns_label(namespace))
    return errors + _validate_owned_secret(source.secret_ref, f"{path}.secretRef")


def validate_csi_driver_name(name: str, path: str) -> list[FieldError]:
    """Return the faults of the name of a CSI driver."""
    errors = [] if name else [required(path)]
    if len(name) > LABEL_MAX:
        errors.append(too_long(path, LABEL_MAX))
    return errors + each_invalid(path, name, check_dns_subdomain(name.lower()))


def _validate_csi(source: CSIPersistentVolumeSource, path: str) -> list[FieldError]:
    errors = validate_csi_driver_name(source.driver, f"{path}.driver")
    errors += needs("volumeHandle")(source, path)
    for name, secret in (
        ("controllerPublishSecretRef", source.controller_publish_secret_ref),
        ("controllerExpandSecretRef", source.controller_expand_secret_ref),
        ("nodePublishSecretRef", source.node_publish_secret_ref),
        ("nodeExpandSecretRef", source.node_expand_secret_ref),
    ):
        if secret is not None:
            errors += _validate_secret(secret, f"{path}.{name}")
    return errors


def _validate_secret(secret: SecretReference, path: str) -> list[FieldError]:
    errors = needs("name")(secret, path)
    if secret.name:
        errors += each_invalid(f"{path}.name", secret.name, check_dns_subdomain(secret.name))
    if not secret.namespace:
        return [*errors, required(f"{path}.namespace")]
    return errors + each_invalid(f"{path}.namespace", secret.namespace, check_dns_label(secret.namespace))


def _rules(volume_name: str) -> dict[str, Callable[[Any, str], list[FieldError]]]:
    """Return the rule of each source, in upstream's order."""
    return {
        "host_path": validate_host_path,
        "gce_persistent_disk": validate_gce_disk,
        "aws_elastic_block_store": validate_aws_disk,
        "glusterfs": _validate_glusterfs,
        "flocker": validate_flocker,
        "nfs": validate_nfs,
        "rbd": needs("monitors", "image"),
        "quobyte": validate_quobyte,
        "cephfs": needs("monitors"),
        "iscsi": partial(_validate_iscsi, volume_name),
        "cinder": _validate_cinder,
        "fc": validate_fc,
        "flex_volume": _validate_flex,
        "azure_file": _validate_azure_file,
        "vsphere_volume": needs("volumePath"),
        "photon_persistent_disk": needs("pdID"),
        "portworx_volume": needs("volumeID"),
        "azure_disk": validate_azure_disk,
        "scale_io": needs("gateway", "system", "volumeName"),
        "local": _validate_local,
        "storageos": _validate_storage_os,
        "csi": _validate_csi,
    }
