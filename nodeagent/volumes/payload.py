"""The files of configMap, secret, downwardAPI and projected volumes.

Flow: volume source, referenced objects, the pod's facts -> *Payload* -> atomic.py.
Source: Kubernetes documentation, "Volumes", "Projected Volumes"; core/v1.
"""

from collections.abc import Mapping, Sequence

from naru.api.config_v1 import ConfigMap, Secret
from naru.api.volumes_v1 import (
    ConfigMapProjection,
    ConfigMapVolumeSource,
    DownwardAPIVolumeFile,
    KeyToPath,
    ProjectedVolumeSource,
    SecretProjection,
    SecretVolumeSource,
    Volume,
)
from nodeagent.pods.downward import PodFacts, field_value, resource_value
from nodeagent.pods.faults import ConfigFault
from nodeagent.pods.references import References
from nodeagent.volumes.atomic import File, Payload
from nodeagent.volumes.errors import VolumeError


def is_payload_volume(volume: Volume) -> bool:
    """Tell whether the volume's files are made from API objects, and follow them."""
    return bool(volume.config_map or volume.secret or volume.downward_api or volume.projected)


def holds_secrets(volume: Volume) -> bool:
    """Tell whether the files must not reach a disk."""
    return bool(volume.secret or (volume.projected and any(source.secret for source in volume.projected.sources)))


def volume_payload(volume: Volume, facts: PodFacts, references: References) -> Payload:
    """Compute the files of a volume.

    Raises:
        VolumeError: an object or key that is not optional is missing, or the source is none that this node fills.
    """
    namespace = facts.pod.metadata.namespace
    if source := volume.config_map:
        return _config_map_files(source, source.default_mode, namespace, references)
    if secret := volume.secret:
        return _secret_files(secret.secret_name, secret, secret.default_mode, namespace, references)
    if downward := volume.downward_api:
        return _downward_files(downward.items, downward.default_mode, facts)
    assert volume.projected is not None
    return _projected_files(volume.projected, facts, references)


def _projected_files(volume: ProjectedVolumeSource, facts: PodFacts, references: References) -> Payload:
    files: dict[str, File] = {}
    namespace, mode = facts.pod.metadata.namespace, volume.default_mode
    for source in volume.sources:
        if source.config_map:
            files.update(_config_map_files(source.config_map, mode, namespace, references))
        elif source.secret:
            files.update(_secret_files(source.secret.name, source.secret, mode, namespace, references))
        elif source.downward_api:
            files.update(_downward_files(source.downward_api.items, mode, facts))
        else:
            raise VolumeError("a source of the projected volume is of a kind that this node does not support")
    return files


def _config_map_files(
    source: ConfigMapVolumeSource | ConfigMapProjection, mode: int, namespace: str, references: References
) -> Payload:
    config_map: ConfigMap | None = references.config_maps.get(source.name)
    if config_map is None:
        return _missing(f'configmap "{source.name}" not found', source.optional)
    data = {key: text.encode() for key, text in config_map.data.items()} | dict(config_map.binary_data)
    return _select(data, source.items, mode, bool(source.optional), f"configmap {namespace}/{source.name}")


def _secret_files(
    name: str, source: SecretVolumeSource | SecretProjection, mode: int, namespace: str, references: References
) -> Payload:
    secret: Secret | None = references.secrets.get(name)
    if secret is None:
        return _missing(f'secret "{name}" not found', source.optional)
    return _select(secret.data, source.items, mode, bool(source.optional), f"secret {namespace}/{name}")


def _missing(message: str, optional: bool | None) -> Payload:
    if optional:
        return {}
    raise VolumeError(message)


def _select(data: Mapping[str, bytes], items: Sequence[KeyToPath], mode: int, optional: bool, where: str) -> Payload:
    if not items:
        return {key: File(content, mode) for key, content in data.items()}
    files = {}
    for item in items:
        if item.key in data:
            files[_checked(item.path)] = File(data[item.key], mode if item.mode is None else item.mode)
        elif not optional:
            raise VolumeError(f"references non-existent config key: {item.key} in {where}")
    return files


def _downward_files(items: Sequence[DownwardAPIVolumeFile], mode: int, facts: PodFacts) -> Payload:
    return {
        _checked(item.path): File(_downward_text(item, facts).encode(), mode if item.mode is None else item.mode)
        for item in items
    }


def _downward_text(item: DownwardAPIVolumeFile, facts: PodFacts) -> str:
    try:
        if item.field_ref:
            return field_value(facts, item.field_ref.field_path)
        assert item.resource_field_ref is not None
        return resource_value(facts, item.resource_field_ref)
    except ConfigFault as fault:
        raise VolumeError(fault.message) from fault


def _checked(path: str) -> str:
    """Refuse a path that leaves the volume; the API server does too, but this is where it would do harm."""
    if path.startswith("/") or ".." in path.split("/") or not path:
        raise VolumeError(f"invalid path {path!r}: must be relative and must not contain '..'")
    return path
