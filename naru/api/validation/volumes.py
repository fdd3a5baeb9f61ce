"""Validation of a pod's volumes.

Source: Kubernetes API reference, core/v1 Volume; the texts are those of upstream's validation.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from naru.api.errors import FieldError
from naru.api.field_errors import (
    duplicate,
    each_invalid,
    forbidden,
    invalid,
    not_supported,
    required,
)
from naru.api.fields import fields_of
from naru.api.model import Model
from naru.api.names import check_dns_label
from naru.api.refs_v1 import ObjectFieldSelector, ResourceFieldSelector
from naru.api.validation.external_volumes import validate_external
from naru.api.validation.meta import one_of
from naru.api.validation.volume_sources import validate_host_path
from naru.api.volumes_v1 import (
    DownwardAPIVolumeFile,
    KeyToPath,
    ProjectedVolumeSource,
    ServiceAccountTokenProjection,
    Volume,
    VolumeProjection,
)

MIN_TOKEN_S: Final = 600
MAX_TOKEN_S: Final = 1 << 32
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
        return validate_host_path(volume.host_path, at)
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
    if volume.persistent_volume_claim is not None:
        return [] if volume.persistent_volume_claim.claim_name else [required(f"{at}.claimName")]
    if volume.projected is not None:
        return _validate_projected(volume.projected, at)
    attribute = fields_of(Volume)[given[0]].attribute
    return validate_external(attribute, getattr(volume, attribute), path, given[0])


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
    for file in files:  # upstream does not say which one
        errors += _validate_file_path(file.path, f"{path}.path")
        if file.field_ref is not None:
            errors += validate_field_ref(file.field_ref, FILE_FIELDS, f"{path}.fieldRef")
        if file.field_ref is not None and file.resource_field_ref is not None:
            why = "fieldRef and resourceFieldRef can not be specified simultaneously"
            errors.append(invalid(path, "resource", why))
        elif file.resource_field_ref is not None:
            errors += validate_resource_ref(file.resource_field_ref, f"{path}.resourceFieldRef", in_volume=True)
        elif file.field_ref is None:
            errors.append(required(path, "one of fieldRef and resourceFieldRef is required"))
        errors += _validate_mode(file.mode, f"{path}.mode")
    return errors


def _validate_projected(source: ProjectedVolumeSource, path: str) -> list[FieldError]:
    errors = _validate_mode(source.default_mode, f"{path}.defaultMode")
    files: set[str] = set()
    for index, projection in enumerate(source.sources):
        errors += _validate_projection(projection, path, f"{path}.sources[{index}]")
        for named, file in _files_of(projection):
            errors += [invalid(path, named, "conflicting duplicate paths")] if file in files else []
            files.add(file)
    return errors


def _files_of(projection: VolumeProjection) -> Iterator[tuple[str, str]]:
    """Yield the files of a projection, each with the name that upstream tells when it is taken."""
    for source in (projection.secret, projection.config_map):
        if source is not None:
            yield from ((source.name, item.path) for item in source.items if item.path)
    if projection.downward_api is not None:
        yield from ((file.path, file.path) for file in projection.downward_api.items if file.path)


def _validate_projection(projection: VolumeProjection, volume: str, path: str) -> list[FieldError]:
    errors = []
    for name, source in (("secret", projection.secret), ("configMap", projection.config_map)):
        if source is not None:
            errors += [] if source.name else [required(f"{path}.{name}.name")]
            errors += _validate_items(source.items, None, f"{path}.{name}")
    if projection.downward_api is not None:
        errors += _validate_files(projection.downward_api.items, f"{path}.downwardAPI")
    if projection.service_account_token is not None:
        errors += _validate_token(projection.service_account_token, volume, f"{path}.serviceAccountToken")
    if len(given_fields(projection)) > 1:
        errors.append(forbidden(path, "may not specify more than 1 volume type per source"))
    return errors


def _validate_token(token: ServiceAccountTokenProjection, volume: str, path: str) -> list[FieldError]:
    errors, seconds = [], token.expiration_seconds
    if seconds < MIN_TOKEN_S:
        errors.append(invalid(f"{path}.expirationSeconds", seconds, "may not specify a duration less than 10 minutes"))
    if seconds > MAX_TOKEN_S:
        why = "may not specify a duration larger than 2^32 seconds"
        errors.append(invalid(f"{path}.expirationSeconds", seconds, why))
    return errors + _validate_file_path(token.path, f"{volume}.path")


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
