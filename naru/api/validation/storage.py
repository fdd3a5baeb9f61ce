"""Validation of classes of storage, attachments, and what drivers and nodes say about storage.

Source: Kubernetes API reference, storage.k8s.io/v1; the texts are those of upstream's validation.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import (
    IMMUTABLE,
    duplicate,
    each_invalid,
    forbidden,
    invalid,
    not_supported,
    required,
    too_long,
)
from naru.api.names import MAX_ID, check_dns_subdomain, check_label_key, not_in_range
from naru.api.quantity import parse_quantity
from naru.api.storage_v1 import (
    CSIDriver,
    CSIDriverSpec,
    CSINode,
    CSINodeDriver,
    CSIStorageCapacity,
    StorageClass,
    TokenRequest,
    TopologySelectorTerm,
    VolumeAttachment,
    VolumeAttachmentSource,
    VolumeAttachmentStatus,
    VolumeAttributesClass,
    VolumeError,
)
from naru.api.validation.internal import internal
from naru.api.validation.meta import not_negative, validate_meta, validate_meta_update, validate_selector
from naru.api.validation.persistent_volumes import validate_class_name, validate_inline_volume
from naru.api.validation.rules import Rules
from naru.api.validation.volume_sources import validate_csi_driver_name

MAX_PARAMETERS: Final = 512
MAX_MAP_BYTES: Final = 256 << 10  # of parameters, and of what a driver says about an attachment
MAX_MESSAGE_BYTES: Final = 1024
MAX_NODE_ID: Final = 256
MIN_PERIOD_S: Final = 10
MIN_TOKEN_S: Final = 600
MAX_TOKEN_S: Final = 1 << 32

RECLAIM_POLICIES: Final = ("Delete", "Retain")
BINDING_MODES: Final = ("Immediate", "WaitForFirstConsumer")
LIFECYCLE_MODES: Final = ("Persistent", "Ephemeral")
GROUP_POLICIES: Final = ("File", "None", "ReadWriteOnceWithFSType")

_ONE_SOURCE: Final = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


def validate_storage_class(storage: StorageClass) -> list[FieldError]:
    """Return the faults of a class of storage."""
    errors = validate_meta(storage.metadata, namespaced=False, check_name=check_dns_subdomain)
    errors += _validate_provisioner(storage.provisioner, "provisioner")
    errors += _validate_parameters(storage.parameters)
    if storage.reclaim_policy and storage.reclaim_policy not in RECLAIM_POLICIES:
        errors.append(not_supported("reclaimPolicy", storage.reclaim_policy, RECLAIM_POLICIES))
    if storage.volume_binding_mode not in BINDING_MODES:
        errors.append(not_supported("volumeBindingMode", storage.volume_binding_mode, BINDING_MODES))
    return errors + _validate_topologies(storage.allowed_topologies, "allowedTopologies")


def _validate_provisioner(name: str, path: str) -> list[FieldError]:
    return each_invalid(path, name.lower(), check_label_key(name.lower())) if name else [required(path)]


def _validate_parameters(parameters: Mapping[str, str]) -> list[FieldError]:
    path = "parameters"
    if len(parameters) > MAX_PARAMETERS:
        return [too_long(path, MAX_PARAMETERS)]
    errors = [invalid(path, "", "field can not be empty.")] if "" in parameters else []
    return errors + _validate_size(parameters, path)


def _validate_size(entries: Mapping[str, str], path: str) -> list[FieldError]:
    size = sum(len(key.encode()) + len(value.encode()) for key, value in entries.items())
    return [too_long(path, MAX_MAP_BYTES)] if size > MAX_MAP_BYTES else []


def _validate_topologies(terms: Sequence[TopologySelectorTerm], path: str) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: list[dict[str, set[str]]] = [{} for _ in terms]  # as upstream's list begins: a term without labels is in it
    for index, term in enumerate(terms):
        at = f"{path}[{index}].matchLabelExpressions"
        errors += _validate_topology(term, at)
        labels = {expression.key: set(expression.values) for expression in term.match_label_expressions}
        errors += [duplicate(at, "") for other in seen if other == labels]
        seen.append(labels)
    return errors


def _validate_topology(term: TopologySelectorTerm, path: str) -> list[FieldError]:
    errors, keys = [], set()
    for index, expression in enumerate(term.match_label_expressions):
        at = f"{path}[{index}]"
        errors += [] if expression.values else [required(f"{at}.values")]
        for number, value in enumerate(expression.values):
            if value in expression.values[:number]:
                errors.append(duplicate(f"{at}.values[{number}]", value))
        errors += each_invalid(f"{at}.key", expression.key, check_label_key(expression.key))
        if expression.key in keys:
            errors.append(duplicate(f"{at}.key", expression.key))
        keys.add(expression.key)
    return errors


def validate_storage_class_update(new: StorageClass, old: StorageClass) -> list[FieldError]:
    """Return the faults of changing a class: volumes were made by what it said before."""
    errors = validate_meta_update(new.metadata, old.metadata) + validate_storage_class(new)
    errors += _fixed("parameters", new.parameters != old.parameters)
    errors += _fixed("provisioner", new.provisioner != old.provisioner)
    errors += _fixed("reclaimPolicy", new.reclaim_policy != old.reclaim_policy)
    if new.volume_binding_mode != old.volume_binding_mode:
        errors.append(invalid("volumeBindingMode", new.volume_binding_mode, IMMUTABLE))
    return errors


def _fixed(name: str, changed: bool) -> list[FieldError]:
    return [forbidden(name, f"updates to {name} are forbidden.")] if changed else []


def validate_attributes_class(attributes: VolumeAttributesClass) -> list[FieldError]:
    """Return the faults of a class of attributes."""
    errors = validate_meta(attributes.metadata, namespaced=False, check_name=check_dns_subdomain)
    errors += _validate_provisioner(attributes.driver_name, "driverName") + _validate_parameters(attributes.parameters)
    if not attributes.parameters:
        errors.append(required("parameters", "must contain at least one key/value pair"))
    return errors


def validate_attributes_class_update(new: VolumeAttributesClass, old: VolumeAttributesClass) -> list[FieldError]:
    """Return the faults of changing a class of attributes: nothing in it can change."""
    errors = validate_meta_update(new.metadata, old.metadata)
    errors += _fixed("driverName", new.driver_name != old.driver_name)
    errors += _fixed("parameters", new.parameters != old.parameters)
    return errors + validate_attributes_class(new)


def validate_attachment(attachment: VolumeAttachment) -> list[FieldError]:
    """Return the faults of a new attachment."""
    errors, spec = _validate_attachment(attachment), attachment.spec
    errors += validate_csi_driver_name(spec.attacher, "spec.attacher")
    name = spec.source.persistent_volume_name
    if name is not None:
        errors += each_invalid("spec.source.persistentVolumeName", name, check_dns_subdomain(name))
    return errors


def _validate_attachment(attachment: VolumeAttachment) -> list[FieldError]:
    errors, spec = validate_meta(attachment.metadata, namespaced=False, check_name=check_dns_subdomain), attachment.spec
    errors += [] if spec.attacher else [required("spec.attacher")]
    errors += _validate_attachment_source(spec.source, "spec.source")
    errors += each_invalid("spec.nodeName", spec.node_name, check_dns_subdomain(spec.node_name))
    return errors + _validate_attachment_status(attachment.status)


def _validate_attachment_source(source: VolumeAttachmentSource, path: str) -> list[FieldError]:
    name, inline = source.persistent_volume_name, source.inline_volume_spec
    if name is None:
        if inline is None:
            return [required(path, _ONE_SOURCE)]
        return validate_inline_volume(inline, f"{path}.inlineVolumeSpec")
    if inline is not None:
        return [forbidden(path, _ONE_SOURCE)]
    why = "must specify non empty persistentVolumeName"
    return [] if name else [required(f"{path}.persistentVolumeName", why)]


def _validate_attachment_status(status: VolumeAttachmentStatus) -> list[FieldError]:
    errors = _validate_size(status.attachment_metadata, "status.attachmentMetadata")
    errors += _validate_volume_error(status.attach_error, "status.attachError")
    return errors + _validate_volume_error(status.detach_error, "status.detachError")


def _validate_volume_error(error: VolumeError | None, path: str) -> list[FieldError]:
    if error is None:
        return []
    too_large = len(error.message.encode()) > MAX_MESSAGE_BYTES
    errors = [too_long(f"{path}.message", MAX_MAP_BYTES)] if too_large else []  # upstream tells the wrong bound
    if error.error_code is not None and error.error_code < 0:
        errors.append(invalid(f"{path}.errorCode", error.error_code, not_in_range(0, MAX_ID)))
    return errors


def validate_attachment_update(new: VolumeAttachment, old: VolumeAttachment) -> list[FieldError]:
    """Return the faults of changing an attachment: another one is another object."""
    errors = validate_meta_update(new.metadata, old.metadata) + _validate_attachment(new)
    return [*errors, invalid("spec", internal(new.spec), IMMUTABLE)] if new.spec != old.spec else errors


def validate_csi_driver(driver: CSIDriver) -> list[FieldError]:
    """Return the faults of what is known of a driver."""
    errors = validate_meta(driver.metadata, namespaced=False, check_name=check_dns_subdomain)
    return errors + _validate_csi_driver_spec(driver.spec, "spec")


def _validate_csi_driver_spec(spec: CSIDriverSpec, path: str) -> list[FieldError]:
    errors = []
    if spec.fs_group_policy not in GROUP_POLICIES:
        errors.append(not_supported(f"{path}.fsGroupPolicy", spec.fs_group_policy, GROUP_POLICIES))
    errors += _validate_tokens(spec.token_requests, f"{path}.tokenRequests")
    for mode in spec.volume_lifecycle_modes:
        if mode not in LIFECYCLE_MODES:
            errors.append(not_supported(f"{path}.volumeLifecycleModes", mode, LIFECYCLE_MODES))
    period = spec.node_allocatable_update_period_seconds
    if period is not None and period < MIN_PERIOD_S:
        why = f"must be greater than or equal to {MIN_PERIOD_S} seconds"
        errors.append(invalid(f"{path}.nodeAllocatableUpdatePeriodSeconds", period, why))
    if spec.service_account_token_in_secrets is not None and not spec.token_requests:
        why = "serviceAccountTokenInSecrets is set but no tokenRequests are specified"
        errors.append(invalid(f"{path}.serviceAccountTokenInSecrets", spec.service_account_token_in_secrets, why))
    return errors


def _validate_tokens(tokens: Sequence[TokenRequest], path: str) -> list[FieldError]:
    errors, audiences = [], set()
    for index, token in enumerate(tokens):
        at, seconds = f"{path}[{index}]", token.expiration_seconds
        if token.audience in audiences:
            errors.append(duplicate(f"{at}.audience", token.audience))
        elif seconds is not None:
            errors += validate_token_lifetime(seconds, f"{at}.expirationSeconds")
        audiences.add(token.audience)
    return errors


def validate_token_lifetime(seconds: int, path: str) -> list[FieldError]:
    """Return the fault of how long a token shall be good."""
    if seconds < MIN_TOKEN_S:
        return [invalid(path, seconds, "may not specify a duration less than 10 minutes")]
    if seconds > MAX_TOKEN_S:
        return [invalid(path, seconds, "may not specify a duration larger than 2^32 seconds")]
    return []


def validate_csi_driver_update(new: CSIDriver, old: CSIDriver) -> list[FieldError]:
    """Return the faults of changing what is known of a driver."""
    errors = validate_meta_update(new.metadata, old.metadata) + validate_csi_driver(new)
    if new.spec.attach_required != old.spec.attach_required:
        errors.append(invalid("spec.attachedRequired", new.spec.attach_required, IMMUTABLE))  # upstream's spelling
    if new.spec.volume_lifecycle_modes != old.spec.volume_lifecycle_modes:
        errors.append(invalid("spec.volumeLifecycleModes", list(new.spec.volume_lifecycle_modes), IMMUTABLE))
    return errors


def validate_csi_node(node: CSINode) -> list[FieldError]:
    """Return the faults of the drivers of a node."""
    errors, names = validate_meta(node.metadata, namespaced=False, check_name=check_dns_subdomain), set()
    for index, driver in enumerate(node.spec.drivers):
        path = f"spec.drivers[{index}]"
        errors += _validate_node_driver(driver, path)
        if driver.name in names:
            errors.append(duplicate(f"{path}.name", driver.name))
        names.add(driver.name)
        errors += _validate_topology_keys(driver.topology_keys, path)
    return errors


def _validate_node_driver(driver: CSINodeDriver, path: str) -> list[FieldError]:
    errors = validate_csi_driver_name(driver.name, f"{path}.name")
    errors += [] if driver.node_id else [required(f"{path}.nodeID")]
    if len(driver.node_id.encode()) > MAX_NODE_ID:
        errors.append(invalid(f"{path}.nodeID", driver.node_id, f"must be {MAX_NODE_ID} characters or less"))
    count = driver.allocatable.count if driver.allocatable is not None else None
    return errors + not_negative(f"{path}.allocatable.count", count)


def _validate_topology_keys(keys: Sequence[str], path: str) -> list[FieldError]:
    errors = []
    for index, key in enumerate(keys):
        errors += [] if key else [required(path)]
        errors += [duplicate(path, key)] if key in keys[:index] else []
        errors += each_invalid(path, key, check_label_key(key))
    return errors


def validate_csi_node_update(new: CSINode, old: CSINode) -> list[FieldError]:
    """Return the faults of changing the drivers of a node: of one that stays only the bound may change."""
    errors = validate_meta_update(new.metadata, old.metadata) + validate_csi_node(new)
    for before in old.spec.drivers:
        for after in new.spec.drivers:
            unbound = after.model_copy(update={"allocatable": None})
            if after.name == before.name and unbound != before.model_copy(update={"allocatable": None}):
                errors.append(invalid("spec.drivers", internal(unbound), IMMUTABLE))
    return errors


def validate_storage_capacity(capacity: CSIStorageCapacity) -> list[FieldError]:
    """Return the faults of what a driver says about its room."""
    errors = validate_meta(capacity.metadata, namespaced=True, check_name=check_dns_subdomain)
    if capacity.node_topology is not None:
        errors += validate_selector(capacity.node_topology, "nodeTopology")
    errors += validate_class_name(capacity.storage_class_name, "storageClassName")
    if capacity.capacity is not None and parse_quantity(capacity.capacity) < 0:
        errors.append(invalid("capacity", capacity.capacity, "must be greater than or equal to 0"))
    return errors


def validate_storage_capacity_update(new: CSIStorageCapacity, old: CSIStorageCapacity) -> list[FieldError]:
    """Return the faults of changing it: it is about the same nodes and the same class for ever."""
    errors = validate_meta_update(new.metadata, old.metadata) + validate_storage_capacity(new)
    if new.node_topology != old.node_topology:
        errors.append(invalid("nodeTopology", new.node_topology, IMMUTABLE))
    if new.storage_class_name != old.storage_class_name:
        errors.append(invalid("storageClassName", new.storage_class_name, IMMUTABLE))
    return errors


RULES: Final = {
    CSIDriver: Rules(validate_csi_driver, validate_csi_driver_update),
    CSINode: Rules(validate_csi_node, validate_csi_node_update),
    CSIStorageCapacity: Rules(validate_storage_capacity, validate_storage_capacity_update),
    StorageClass: Rules(validate_storage_class, validate_storage_class_update),
    VolumeAttachment: Rules(validate_attachment, validate_attachment_update, validate_attachment_update),
    VolumeAttributesClass: Rules(validate_attributes_class, validate_attributes_class_update),
}
