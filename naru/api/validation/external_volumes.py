"""Validation of a pod's volumes whose data live outside the node.

Where a PersistentVolume has the same source, the rule is the same one; the others differ in the Secrets, which a pod
can only have in its own namespace.

Source: Kubernetes API reference, core/v1 Volume; the texts are those of upstream's validation.
"""

from collections.abc import Callable
from typing import Any, Final

from naru.api.errors import FieldError
from naru.api.external_volumes_v1 import (
    CinderVolumeSource,
    CSIVolumeSource,
    EphemeralVolumeSource,
    FlexVolumeSource,
    StorageOSVolumeSource,
)
from naru.api.field_errors import each_invalid, required
from naru.api.names import check_dns_label, check_dns_subdomain
from naru.api.validation.meta import validate_annotations, validate_labels
from naru.api.validation.persistent_volume_claims import validate_claim_spec
from naru.api.validation.volume_sources import (
    PATH_NAMES,
    needs,
    validate_aws_disk,
    validate_azure_disk,
    validate_csi_driver_name,
    validate_fc,
    validate_flex_options,
    validate_flocker,
    validate_gce_disk,
    validate_nfs,
    validate_quobyte,
)


def validate_external(attribute: str, source: Any, path: str, name: str) -> list[FieldError]:
    """Return the faults of a source that is none of the node's own; ``name`` is that of its field."""
    rule = _RULES.get(attribute)
    return rule(source, f"{path}.{PATH_NAMES.get(attribute, name)}") if rule is not None else []


def _validate_cinder(source: CinderVolumeSource, path: str) -> list[FieldError]:
    return needs("volumeID")(source, path) + _validate_secret(source.secret_ref, f"{path}.secretRef")


def _validate_secret(secret: Any, path: str) -> list[FieldError]:
    return [required(f"{path}.name")] if secret is not None and not secret.name else []


def _validate_csi(source: CSIVolumeSource, path: str) -> list[FieldError]:
    errors, secret = validate_csi_driver_name(source.driver, f"{path}.driver"), source.node_publish_secret_ref
    if secret is None:
        return errors
    if not secret.name:
        return [*errors, required(f"{path}.nodePublishSecretRef.name")]
    return errors + each_invalid(f"{path}.name", secret.name, check_dns_subdomain(secret.name))


def _validate_flex(source: FlexVolumeSource, path: str) -> list[FieldError]:
    return needs("driver")(source, path) + validate_flex_options(source.options, f"{path}.options")


def _validate_storage_os(source: StorageOSVolumeSource, path: str) -> list[FieldError]:
    errors = needs("volumeName")(source, path)
    for name, value in (("volumeName", source.volume_name), ("volumeNamespace", source.volume_namespace)):
        errors += each_invalid(f"{path}.{name}", value, check_dns_label(value)) if value else []
    return errors + _validate_secret(source.secret_ref, f"{path}.secretRef")


def _validate_ephemeral(source: EphemeralVolumeSource, path: str) -> list[FieldError]:
    template, at = source.volume_claim_template, f"{path}.volumeClaimTemplate"
    if template is None:
        return [required(at)]
    errors = validate_annotations(template.metadata.annotations, f"{at}.metadata.annotations")
    errors += validate_labels(template.metadata.labels, f"{at}.metadata.labels")
    return errors + validate_claim_spec(template.spec, f"{at}.spec")


_RULES: Final[dict[str, Callable[[Any, str], list[FieldError]]]] = {
    "aws_elastic_block_store": validate_aws_disk,
    "azure_disk": validate_azure_disk,
    "azure_file": needs("secretName", "shareName"),
    "cephfs": needs("monitors"),
    "cinder": _validate_cinder,
    "csi": _validate_csi,
    "ephemeral": _validate_ephemeral,
    "fc": validate_fc,
    "flex_volume": _validate_flex,
    "flocker": validate_flocker,
    "gce_persistent_disk": validate_gce_disk,
    "glusterfs": needs("endpoints", "path"),
    "nfs": validate_nfs,
    "photon_persistent_disk": needs("pdID"),
    "portworx_volume": needs("volumeID"),
    "quobyte": validate_quobyte,
    "rbd": needs("monitors", "image"),
    "scale_io": needs("gateway", "system", "volumeName"),
    "storageos": _validate_storage_os,
    "vsphere_volume": needs("volumePath"),
}
