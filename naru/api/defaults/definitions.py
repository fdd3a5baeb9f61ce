"""Defaults of CustomResourceDefinitions: the names that follow from the kind, and the version that is stored."""

from typing import Any, Final

from naru.api.apiextensions_v1 import (
    CustomResourceConversion,
    CustomResourceDefinition,
    CustomResourceDefinitionNames,
    CustomResourceDefinitionSpec,
)
from naru.api.defaults.extensions import HTTPS_PORT


def default_definition(definition: CustomResourceDefinition) -> CustomResourceDefinition:
    """Fill in the names, and note that objects are going to be stored."""
    update: dict[str, Any] = {"spec": _default_spec(definition.spec)}
    if not definition.status.stored_versions:
        stored = tuple(version.name for version in definition.spec.versions if version.storage)[:1]
        update["status"] = definition.status.model_copy(update={"stored_versions": stored})
    return definition.model_copy(update=update)


def _default_spec(spec: CustomResourceDefinitionSpec) -> CustomResourceDefinitionSpec:
    names, conversion = spec.names, spec.conversion or CustomResourceConversion(strategy="None")
    named = {
        "singular": names.singular or names.kind.lower(),
        "list_kind": names.list_kind or (f"{names.kind}List" if names.kind else ""),
    }
    completed: CustomResourceDefinitionNames = names.model_copy(update=named)
    return spec.model_copy(update={"names": completed, "conversion": _default_conversion(conversion)})


def _default_conversion(conversion: CustomResourceConversion) -> CustomResourceConversion:
    webhook = conversion.webhook
    client = webhook.client_config if webhook is not None else None
    if webhook is None or client is None or client.service is None or client.service.port is not None:
        return conversion
    service = client.service.model_copy(update={"port": HTTPS_PORT})
    client = client.model_copy(update={"service": service})
    return conversion.model_copy(update={"webhook": webhook.model_copy(update={"client_config": client})})


DEFAULTS: Final = {CustomResourceDefinition: default_definition}
