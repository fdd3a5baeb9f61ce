"""Validation of how containers see the volumes of their pod: mounts, and block devices.

Upstream names the list, and not its item, where a path inside of the volume is wrong.

Source: Kubernetes API reference, core/v1 VolumeMount; the texts are those of upstream's validation.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import forbidden, invalid, not_found, not_supported, required
from naru.api.validation.volumes import validate_relative
from naru.api.volumes_v1 import Volume, VolumeDevice, VolumeMount

PROPAGATIONS: Final = ("Bidirectional", "HostToContainer", "None")
RECURSIONS: Final = ("Disabled", "Enabled", "IfPossible")


def validate_mounts(
    mounts: Sequence[VolumeMount],
    devices: Sequence[VolumeDevice],
    volumes: Mapping[str, Volume],
    *,
    privileged: bool,
    path: str,
) -> list[FieldError]:
    """Return the faults of a container's mounts; ``volumes`` are those of the pod, by their names."""
    errors, targets = [], set()
    names, places = {device.name for device in devices}, {device.device_path for device in devices}
    for index, mount in enumerate(mounts):
        at = f"{path}[{index}]"
        errors += [] if mount.name else [required(f"{at}.name")]
        errors += [] if mount.name in volumes else [not_found(f"{at}.name", mount.name)]
        errors += [] if mount.mount_path else [required(f"{at}.mountPath")]
        if mount.mount_path in targets:
            errors.append(invalid(f"{at}.mountPath", mount.mount_path, "must be unique"))
        targets.add(mount.mount_path)
        if mount.name in names:
            errors.append(invalid(f"{at}.name", mount.name, "must not already exist in volumeDevices"))
        if mount.mount_path in places:
            why = "must not already exist as a path in volumeDevices"
            errors.append(invalid(f"{at}.mountPath", mount.mount_path, why))
        errors += _validate_sub_path(mount, path, at)
        errors += _validate_propagation(mount.mount_propagation, privileged, f"{path}.mountPropagation")
        errors += _validate_recursion(mount, f"{path}.recursiveReadOnly")
    return errors


def _validate_sub_path(mount: VolumeMount, path: str, at: str) -> list[FieldError]:
    errors = validate_relative(mount.sub_path, f"{path}.subPath") if mount.sub_path else []
    if mount.sub_path_expr:
        if mount.sub_path:
            why = "subPathExpr and subPath are mutually exclusive"
            errors.append(invalid(f"{at}.subPathExpr", mount.sub_path_expr, why))
        errors += validate_relative(mount.sub_path_expr, f"{path}.subPathExpr")
    return errors


def _validate_propagation(propagation: str | None, privileged: bool, path: str) -> list[FieldError]:
    if propagation is None:
        return []
    if propagation == "Bidirectional" and not privileged:
        return [forbidden(path, "Bidirectional mount propagation is available only to privileged containers")]
    return [] if propagation in PROPAGATIONS else [not_supported(path, propagation, PROPAGATIONS)]


def _validate_recursion(mount: VolumeMount, path: str) -> list[FieldError]:
    recursion, errors = mount.recursive_read_only, []
    if recursion in (None, "Disabled"):
        return []
    if recursion not in RECURSIONS:
        return [not_supported(path, recursion, RECURSIONS)]
    if not mount.read_only:
        errors.append(forbidden(path, "may only be specified when readOnly is true"))
    if mount.mount_propagation not in (None, "None"):
        why = "may only be specified when mountPropagation is None or not specified"
        errors.append(forbidden(path, why))
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
