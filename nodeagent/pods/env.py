"""The environment of a container.

Flow: image's ENV -> envFrom (ConfigMaps, Secrets) -> env (values, sources), later ones winning -> ContainerSpec.env.
A ``$(NAME)`` in a value refers to what was defined before it.

Source: Kubernetes documentation, "Define Environment Variables"; core/v1 EnvVar and EnvFromSource.
"""

from collections.abc import Mapping
from typing import Protocol

from naru.api.container_v1 import Container, EnvFromSource, EnvVar
from nodeagent.pods.downward import PodFacts, field_value, resource_value
from nodeagent.pods.expansion import expand
from nodeagent.pods.faults import ConfigFault
from nodeagent.pods.references import References


class Selector(Protocol):
    """A key of a named object, as ConfigMapKeySelector and SecretKeySelector have it."""

    @property
    def name(self) -> str:
        """The object's name."""

    @property
    def key(self) -> str:
        """The key within its data."""

    @property
    def optional(self) -> bool | None:
        """Whether the object or the key may be missing."""


def container_env(container: Container, facts: PodFacts, references: References) -> dict[str, str]:
    """Compute what ``env`` and ``envFrom`` give; a later definition of a name replaces an earlier one.

    Raises:
        ConfigFault: something that is not optional is missing.
    """
    values: dict[str, str] = {}
    for source in container.env_from:
        values.update(_from_object(source, references))
    for variable in container.env:
        value = _value(variable, container, facts, references, values)
        if value is not None:
            values[variable.name] = value
    return values


def _from_object(source: EnvFromSource, references: References) -> dict[str, str]:
    data: Mapping[str, str] = {}
    if ref := source.config_map_ref:
        config_map = references.config_maps.get(ref.name)
        if config_map is None and not ref.optional:
            raise ConfigFault(f'configmap "{ref.name}" not found')
        data = config_map.data if config_map else {}
    elif secret_ref := source.secret_ref:
        secret = references.secrets.get(secret_ref.name)
        if secret is None and not secret_ref.optional:
            raise ConfigFault(f'secret "{secret_ref.name}" not found')
        data = {key: _text(value) for key, value in secret.data.items()} if secret else {}
    return {source.prefix + key: value for key, value in data.items()}


def _value(
    variable: EnvVar, container: Container, facts: PodFacts, references: References, known: Mapping[str, str]
) -> str | None:
    """Return the variable's value; None leaves it out, because what it names is missing and optional."""
    source = variable.value_from
    if source is None:
        return expand(variable.value, known)
    if source.field_ref:
        return field_value(facts, source.field_ref.field_path)
    if source.resource_field_ref:
        return resource_value(facts, source.resource_field_ref, container)
    namespace = facts.pod.metadata.namespace
    if ref := source.config_map_key_ref:
        config_map = references.config_maps.get(ref.name)
        return _keyed("configmap", "ConfigMap", namespace, ref, config_map.data if config_map else None)
    if secret_ref := source.secret_key_ref:
        secret = references.secrets.get(secret_ref.name)
        data = {key: _text(value) for key, value in secret.data.items()} if secret else None
        return _keyed("secret", "Secret", namespace, secret_ref, data)
    raise ConfigFault(f"environment variable {variable.name} has a source that this node does not support")


def _keyed(word: str, kind: str, namespace: str, ref: Selector, data: Mapping[str, str] | None) -> str | None:
    if data is not None and ref.key in data:
        return data[ref.key]
    if ref.optional:
        return None
    if data is None:
        raise ConfigFault(f'{word} "{ref.name}" not found')
    raise ConfigFault(f"couldn't find key {ref.key} in {kind} {namespace}/{ref.name}")


def _text(value: bytes) -> str:
    """Read a Secret's bytes as the environment holds them: any byte but NUL may occur."""
    return value.decode("utf-8", "surrogateescape")
