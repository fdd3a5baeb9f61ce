"""CustomResourceDefinition: kinds that a user adds.

Source: Kubernetes API reference, apiextensions.k8s.io/v1.
"""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from naru.api.config_v1 import Base64
from naru.api.meta import KubeObject
from naru.api.model import ALWAYS, REQUIRED, Int32, ListMapKeys, MergeKey, Model, OptionalTime


class CustomResourceDefinitionNames(Model):
    """TODO."""

    plural: Annotated[str, REQUIRED] = ""
    singular: str = ""
    short_names: tuple[str, ...] = ()
    kind: Annotated[str, REQUIRED] = ""
    list_kind: str = ""
    categories: tuple[str, ...] = ()


class ExternalDocumentation(Model):
    """TODO."""

    description: str = ""
    url: str = ""


class ValidationRule(Model):
    """TODO."""

    rule: Annotated[str, REQUIRED] = ""
    message: str = ""
    message_expression: str = ""
    reason: str | None = None
    field_path: str = ""
    optional_old_self: bool | None = None


class JSONSchemaProps(Model):
    """TODO."""

    id: str = ""
    schema_: str = Field("", alias="$schema")
    ref: str | None = Field(None, alias="$ref")
    description: str = ""
    type: str = ""
    format: str = ""
    title: str = ""
    default: Any = None
    maximum: float | None = None
    exclusive_maximum: bool = False
    minimum: float | None = None
    exclusive_minimum: bool = False
    max_length: int | None = None
    min_length: int | None = None
    pattern: str = ""
    max_items: int | None = None
    min_items: int | None = None
    unique_items: bool = False
    multiple_of: float | None = None
    enum: tuple[Any, ...] = ()
    max_properties: int | None = None
    min_properties: int | None = None
    required: tuple[str, ...] = ()
    items: Any | None = None
    all_of: "tuple[JSONSchemaProps, ...]" = ()
    one_of: "tuple[JSONSchemaProps, ...]" = ()
    any_of: "tuple[JSONSchemaProps, ...]" = ()
    not_: "JSONSchemaProps | None" = None
    properties: "dict[str, JSONSchemaProps]" = {}
    additional_properties: Any | None = None
    pattern_properties: "dict[str, JSONSchemaProps]" = {}
    dependencies: dict[str, Any] = {}
    additional_items: Any | None = None
    definitions: "dict[str, JSONSchemaProps]" = {}
    external_docs: ExternalDocumentation | None = None
    example: Any = None
    nullable: bool = False
    x_kubernetes_preserve_unknown_fields: bool | None = Field(None, alias="x-kubernetes-preserve-unknown-fields")
    x_kubernetes_embedded_resource: bool = Field(False, alias="x-kubernetes-embedded-resource")
    x_kubernetes_int_or_string: bool = Field(False, alias="x-kubernetes-int-or-string")
    x_kubernetes_list_map_keys: tuple[str, ...] = Field((), alias="x-kubernetes-list-map-keys")
    x_kubernetes_list_type: str | None = Field(None, alias="x-kubernetes-list-type")
    x_kubernetes_map_type: str | None = Field(None, alias="x-kubernetes-map-type")
    x_kubernetes_validations: Annotated[tuple[ValidationRule, ...], MergeKey("rule"), ListMapKeys(("rule",))] = Field(
        (), alias="x-kubernetes-validations"
    )


class CustomResourceValidation(Model):
    """TODO."""

    open_api_v3_schema: JSONSchemaProps | None = None


class CustomResourceSubresourceScale(Model):
    """TODO."""

    spec_replicas_path: Annotated[str, REQUIRED] = ""
    status_replicas_path: Annotated[str, REQUIRED] = ""
    label_selector_path: str | None = None


class CustomResourceSubresources(Model):
    """TODO."""

    status: dict[str, Any] | None = None
    scale: CustomResourceSubresourceScale | None = None


class CustomResourceColumnDefinition(Model):
    """TODO."""

    name: Annotated[str, REQUIRED] = ""
    type: Annotated[str, REQUIRED] = ""
    format: str = ""
    description: str = ""
    priority: Int32 = 0
    json_path: Annotated[str, REQUIRED] = ""


class SelectableField(Model):
    """TODO."""

    json_path: Annotated[str, REQUIRED] = ""


class CustomResourceDefinitionVersion(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1-3 7 8 4-6 9"

    name: Annotated[str, REQUIRED] = ""
    served: Annotated[bool, REQUIRED] = False
    storage: Annotated[bool, REQUIRED] = False
    deprecated: bool = False
    deprecation_warning: str | None = None
    schema_: CustomResourceValidation | None = None
    subresources: CustomResourceSubresources | None = None
    additional_printer_columns: tuple[CustomResourceColumnDefinition, ...] = ()
    selectable_fields: tuple[SelectableField, ...] = ()


class ServiceReference(Model):
    """TODO."""

    namespace: Annotated[str, REQUIRED] = ""
    name: Annotated[str, REQUIRED] = ""
    path: str | None = None
    port: Int32 | None = None


class WebhookClientConfig(Model):
    """TODO."""

    protobuf: ClassVar[str] = "3 1 2"

    url: str | None = None
    service: ServiceReference | None = None
    ca_bundle: Base64 = b""


class WebhookConversion(Model):
    """TODO."""

    protobuf: ClassVar[str] = "2 3"

    client_config: WebhookClientConfig | None = None
    conversion_review_versions: Annotated[tuple[str, ...], REQUIRED] = ()


class CustomResourceConversion(Model):
    """TODO."""

    strategy: Annotated[str, REQUIRED] = ""
    webhook: WebhookConversion | None = None


class CustomResourceDefinitionSpec(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 3 4 7 9 10"

    group: Annotated[str, REQUIRED] = ""
    names: Annotated[CustomResourceDefinitionNames, REQUIRED] = CustomResourceDefinitionNames()
    scope: Annotated[str, REQUIRED] = ""
    versions: Annotated[tuple[CustomResourceDefinitionVersion, ...], REQUIRED] = ()
    conversion: CustomResourceConversion | None = None
    preserve_unknown_fields: bool = False


class CustomResourceDefinitionCondition(Model):
    """TODO."""

    type: Annotated[str, REQUIRED] = ""
    status: Annotated[str, REQUIRED] = ""
    last_transition_time: OptionalTime = None
    reason: str = ""
    message: str = ""
    observed_generation: int = 0


class CustomResourceDefinitionStatus(Model):
    """TODO."""

    conditions: Annotated[tuple[CustomResourceDefinitionCondition, ...], ListMapKeys(("type",)), ALWAYS] = ()
    accepted_names: CustomResourceDefinitionNames = CustomResourceDefinitionNames()
    stored_versions: Annotated[tuple[str, ...], ALWAYS] = ()
    observed_generation: int = 0


class CustomResourceDefinition(KubeObject):
    """TODO."""

    kind: str = "CustomResourceDefinition"
    api_version: str = "apiextensions.k8s.io/v1"
    spec: Annotated[CustomResourceDefinitionSpec, REQUIRED] = CustomResourceDefinitionSpec()
    status: CustomResourceDefinitionStatus = CustomResourceDefinitionStatus()
