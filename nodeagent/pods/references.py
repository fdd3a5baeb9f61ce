"""The ConfigMaps and Secrets that a pod refers to, by its environment and by its volumes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from naru.api.config_v1 import ConfigMap, Secret
from naru.api.pod_v1 import Pod


@dataclass(frozen=True)
class References:
    """The objects that a pod refers to, fetched; one that does not exist is not in the mapping."""

    config_maps: Mapping[str, ConfigMap] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)


@dataclass(frozen=True)
class Names:
    """The names of those objects, all in the pod's namespace."""

    config_maps: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()


def referenced_names(pod: Pod) -> Names:
    """Return the names of the ConfigMaps and of the Secrets that a pod's volumes and environment refer to."""
    config_maps: list[str] = []
    secrets: list[str] = []
    for container in (*pod.spec.init_containers, *pod.spec.containers):
        for source in container.env_from:
            config_maps += [source.config_map_ref.name] if source.config_map_ref else []
            secrets += [source.secret_ref.name] if source.secret_ref else []
        for value in (variable.value_from for variable in container.env if variable.value_from):
            config_maps += [value.config_map_key_ref.name] if value.config_map_key_ref else []
            secrets += [value.secret_key_ref.name] if value.secret_key_ref else []
    for volume in pod.spec.volumes:
        config_maps += [volume.config_map.name] if volume.config_map else []
        secrets += [volume.secret.secret_name] if volume.secret else []
        for projection in volume.projected.sources if volume.projected else ():
            config_maps += [projection.config_map.name] if projection.config_map else []
            secrets += [projection.secret.name] if projection.secret else []
    return Names(frozenset(config_maps), frozenset(secrets))
