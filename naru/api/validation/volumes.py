"""Validation of a pod's volumes, and of the mounts by which containers see them.

Source: Kubernetes API reference, core/v1 Volume; the texts are those of upstream's validation.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import (
    duplicate,
    each_invalid,
    forbidden,
    invalid,
    not_found,
    not_supported,
    required,
)
from naru.api.fields import fields_of
from naru.api.model import Model
from naru.api.names import check_dns_label
from naru.api.refs_v1 import ObjectFieldSelector, ResourceFieldSelector
from naru.api.validation.meta import one_of
from naru.api.volumes_v1 import (
    DownwardAPIVolumeFile,
    HostPathVolumeSource,
    KeyToPath,
    ProjectedVolumeSource,
    Volume,
    VolumeDevice,
    VolumeMount,
    VolumeProjection,
)

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
PROPAGATIONS: Final = ("Bidirectional", "HostToContainer", "None")
RESOURCE_FIELDS: Final = tuple(
    f"{bound}.{name}" for bound in ("limits", "requests") for name in ("cpu", "ephemeral-storage", "memory")
)
FILE_FIELDS: Final = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
_KEYED_FIELDS: Final = ("metadata.annotations", "metadata.labels")  # also with a key: metadata.labels['app']
_MODE: Final = "must be a number between 0 and 0777 (octal), both inclusive"


def validate_volumes(volumes: Sequence[Volume], path: str) -> list[FieldError]:
    """Return the faults of a pod's volumes."""
    errors, names = [], set()
    for index, volume in enumerate(volumes):
        at = f"{path}[{index}]"
        errors += validate_dns_label(volume.name, f"{at}.name")
        if volume.name in names:
            errors.append(duplicate(f"{at}.name", volume.name))
        names.add(volume.name)
        errors += _validate_source(volume, at)
    return errors


def validate_dns_label(name: str, path: str) -> list[FieldError]:
    """Return the faults of a required name that is one DNS label."""
    return each_invalid(path, name, check_dns_label(name)) if name else [required(path)]


def given_fields(obj: Model, ignore: Collection[str] = ()) -> list[str]:
    """Return the wire names of the fields that hold something, where an object is a choice between its fields."""
    held = vars(obj)
    fields = fields_of(type(obj)).values()
    return [f.name for f in fields if held[f.attribute] is not None and f.name not in ignore]


def _validate_source(volume: Volume, path: str) -> list[FieldError]:
    given = given_fields(volume, ignore=("name",))
    if not given:
        return [required(path, "must specify a volume type")]
    if len(given) > 1:
        return [forbidden(f"{path}.{name}", "may not specify more than 1 volume type") for name in given[1:]]
    at = f"{path}.{given[0]}"
    if volume.host_path is not None:
        return _validate_host_path(volume.host_path, at)
    if volume.secret is not None:
        errors = [] if volume.secret.secret_name else [required(f"{at}.secretName")]
        return errors + _validate_items(volume.secret.items, volume.secret.default_mode, at)
    if volume.config_map is not None:
        errors = [] if volume.config_map.name else [required(f"{at}.name")]
        return errors + _validate_items(volume.config_map.items, volume.config_map.default_mode, at)
    if volume.downward_api is not None:
        return _validate_mode(volume.downward_api.default_mode, f"{at}.defaultMode") + _validate_files(
            volume.downward_api.items, at
        )
    return _validate_projected(volume.projected, at) if volume.projected is not None else []


def _validate_host_path(source: HostPathVolumeSource, path: str) -> list[FieldError]:
    if not source.path:
        return [required(f"{path}.path")]
    errors = (
        [] if ".." not in source.path.split("/") else [invalid(f"{path}.path", source.path, "must not contain '..'")]
    )
    if source.type not in HOST_PATH_TYPES:
        errors.append(not_supported(f"{path}.type", source.type, HOST_PATH_TYPES))
    return errors


def _validate_mode(mode: int | None, path: str) -> list[FieldError]:
    return [] if mode is None or 0 <= mode <= 0o777 else [invalid(path, mode, _MODE)]


def _validate_items(items: Iterable[KeyToPath], default_mode: int | None, path: str) -> list[FieldError]:
    errors = _validate_mode(default_mode, f"{path}.defaultMode")
    for index, item in enumerate(items):
        at = f"{path}.items[{index}]"
        errors += [] if item.key else [required(f"{at}.key")]
        errors += _validate_file_path(item.path, f"{at}.path")
        errors += _validate_mode(item.mode, f"{at}.mode")
    return errors


def _validate_file_path(file: str, path: str) -> list[FieldError]:
    """Keep a file inside its volume, and apart from the volume's own names, which begin with two dots."""
    if not file:
        return [required(path)]
    errors = validate_relative(file, path)
    if file.startswith("..") and not file.startswith("../") and file != "..":
        errors.append(invalid(path, file, "must not start with '..'"))
    return errors


def validate_relative(file: str, path: str) -> list[FieldError]:
    """Return the faults of a path that has to lead downwards."""
    errors = [invalid(path, file, "must be a relative path")] if file.startswith("/") else []
    return [*errors, invalid(path, file, "must not contain '..'")] if ".." in file.split("/") else errors


def _validate_files(files: Iterable[DownwardAPIVolumeFile], path: str) -> list[FieldError]:
    errors = []
    for index, file in enumerate(files):
        at = f"{path}.items[{index}]"
        errors += _validate_file_path(file.path, f"{at}.path")
        errors += _validate_mode(file.mode, f"{at}.mode")
        if file.field_ref is not None and file.resource_field_ref is not None:
            why = "fieldRef and resourceFieldRef can not be specified simultaneously"
            errors.append(invalid(at, "resource", why))
        elif file.field_ref is not None:
            errors += validate_field_ref(file.field_ref, FILE_FIELDS, f"{at}.fieldRef")
        elif file.resource_field_ref is not None:
            errors += validate_resource_ref(file.resource_field_ref, f"{at}.resourceFieldRef", in_volume=True)
        else:
            errors.append(required(at, "one of fieldRef and resourceFieldRef is required"))
    return errors


def _validate_projected(source: ProjectedVolumeSource, path: str) -> list[FieldError]:
    errors = _validate_mode(source.default_mode, f"{path}.defaultMode")
    for index, projection in enumerate(source.sources):
        errors += _validate_projection(projection, f"{path}.sources[{index}]")
    return errors


def _validate_projection(projection: VolumeProjection, path: str) -> list[FieldError]:
    given = given_fields(projection)
    if len(given) > 1:
        return [forbidden(f"{path}.{name}", "may not specify more than 1 volume type") for name in given[1:]]
    if projection.secret is not None:
        errors = [] if projection.secret.name else [required(f"{path}.secret.name")]
        return errors + _validate_items(projection.secret.items, None, f"{path}.secret")
    if projection.config_map is not None:
        errors = [] if projection.config_map.name else [required(f"{path}.configMap.name")]
        return errors + _validate_items(projection.config_map.items, None, f"{path}.configMap")
    if projection.downward_api is not None:
        return _validate_files(projection.downward_api.items, f"{path}.downwardAPI")
    return []


def validate_field_ref(ref: ObjectFieldSelector, fields: Collection[str], path: str) -> list[FieldError]:
    """Return the faults of a reference to a field of the pod."""
    if not ref.field_path:
        return [required(f"{path}.fieldPath")]
    if ref.api_version != "v1":
        return [invalid(f"{path}.apiVersion", ref.api_version, "version not supported, must be v1")]
    base, bracket, key = ref.field_path.partition("[")
    if bracket:
        keyed = base in _KEYED_FIELDS and key.startswith("'") and key.endswith("']")
        why = "does not support subscript"
        return [] if keyed else [invalid(f"{path}.fieldPath", ref.field_path, why)]
    known = ref.field_path in fields
    return [] if known else [not_supported(f"{path}.fieldPath", ref.field_path, sorted(fields))]


def validate_resource_ref(ref: ResourceFieldSelector, path: str, *, in_volume: bool) -> list[FieldError]:
    """Return the faults of a reference to a limit or request of a container."""
    if in_volume and not ref.container_name:
        return [required(f"{path}.containerName")]
    if not ref.resource:
        return [required(f"{path}.resource")]
    huge = ref.resource.startswith(("limits.hugepages-", "requests.hugepages-"))
    return [] if huge else one_of(f"{path}.resource", ref.resource, RESOURCE_FIELDS)


def validate_mounts(
    mounts: Sequence[VolumeMount], volumes: Collection[str], *, privileged: bool, path: str
) -> list[FieldError]:
    """Return the faults of a container's mounts; ``volumes`` are the names that the pod has."""
    errors, targets = [], set()
    for index, mount in enumerate(mounts):
        at = f"{path}[{index}]"
        if not mount.name:
            errors.append(required(f"{at}.name"))
        elif mount.name not in volumes:
            errors.append(not_found(f"{at}.name", mount.name))
        if not mount.mount_path:
            errors.append(required(f"{at}.mountPath"))
        if mount.mount_path in targets:
            errors.append(invalid(f"{at}.mountPath", mount.mount_path, "must be unique"))
        targets.add(mount.mount_path)
        errors += _validate_sub_path(mount, at)
        errors += _validate_propagation(mount.mount_propagation, privileged, f"{at}.mountPropagation")
    return errors


def validate_devices(
    devices: Sequence[VolumeDevice], mounts: Sequence[VolumeMount], volumes: Mapping[str, Volume], path: str
) -> list[FieldError]:
    """Return the faults of the block devices that a container sees."""
    errors, names, places = [], set(), set()
    mounted, mount_paths = {mount.name for mount in mounts}, {mount.mount_path for mount in mounts}
    for index, device in enumerate(devices):
        at, name, place = f"{path}[{index}]", device.name, device.device_path
        volume = volumes.get(name)
        errors += [] if name else [required(f"{at}.name")]
        errors += [invalid(f"{at}.name", name, "must be unique")] if name in names else []
        if volume is None:
            errors.append(not_found(f"{at}.name", name))
        elif volume.persistent_volume_claim is None and volume.ephemeral is None:
            why = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
            errors.append(invalid(f"{at}.name", name, why))
        errors += [] if place else [required(f"{at}.devicePath")]
        errors += [invalid(f"{at}.devicePath", place, "must be unique")] if place in places else []
        if ".." in place.split("/"):
            errors.append(invalid(f"{at}.devicePath", place, "can not contain backsteps ('..')"))
        if name in mounted:
            errors.append(invalid(f"{at}.name", name, "must not already exist in volumeMounts"))
        if place in mount_paths:
            errors.append(invalid(f"{at}.devicePath", place, "must not already exist as a path in volumeMounts"))
        names |= {name} - {""}
        places.add(place)
    return errors


def _validate_sub_path(mount: VolumeMount, path: str) -> list[FieldError]:
    errors = validate_relative(mount.sub_path, f"{path}.subPath") if mount.sub_path else []
    if mount.sub_path_expr:
        if mount.sub_path:
            why = "subPathExpr and subPath are mutually exclusive"
            errors.append(invalid(f"{path}.subPathExpr", mount.sub_path_expr, why))
        errors += validate_relative(mount.sub_path_expr, f"{path}.subPathExpr")
    return errors


def _validate_propagation(propagation: str | None, privileged: bool, path: str) -> list[FieldError]:
    if propagation is None:
        return []
    if propagation == "Bidirectional" and not privileged:
        return [forbidden(path, "Bidirectional mount propagation is available only to privileged containers")]
    return [] if propagation in PROPAGATIONS else [not_supported(path, propagation, PROPAGATIONS)]
