"""CustomResourceDefinition: kinds that a user adds.

Source: Kubernetes API reference, apiextensions.k8s.io/v1.
"""

from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from naru.api.config_v1 import Base64
from naru.api.meta import KubeObject
from naru.api.model import ALWAYS, REQUIRED, Int32, ListMapKeys, MergeKey, Model, OptionalTime

IN_ORDER: Final = Field(union_mode="left_to_right")  # of several forms the first that fits


class CustomResourceDefinitionNames(Model):
    """What the new kind is called in paths, objects and on the command line."""

    plural: Annotated[str, REQUIRED] = ""  # the name in paths, in lower case; the definition's own name is PLURAL.GROUP
    singular: str = ""  # the name of one object on the command line; the kind in lower case if not said
    short_names: tuple[str, ...] = ()  # abbreviations for the command line
    kind: Annotated[str, REQUIRED] = ""  # the name in objects, in CamelCase
    list_kind: str = ""  # kind of a list of them; the kind with List behind it if not said
    categories: tuple[str, ...] = ()  # names of sets that the kind belongs to, such as all


class ExternalDocumentation(Model):
    """Where more is written about a field."""

    description: str = ""  # what is found there
    url: str = ""  # where it is


class ValidationRule(Model):
    """A condition in CEL that a value must meet."""

    rule: Annotated[str, REQUIRED] = ""  # the expression; self is the value, oldSelf what it was before
    message: str = ""  # what the client is told when the rule fails
    message_expression: str = ""  # an expression that makes that message; it goes before message
    # reason in the refusal: FieldValueInvalid, FieldValueForbidden, FieldValueRequired or FieldValueDuplicate
    reason: str | None = None
    field_path: str = ""  # the field below this value that the refusal names
    optional_old_self: bool | None = None  # true: the rule runs for new values too, with an oldSelf that may be missing


class JSONSchemaProps(Model):
    """The form of a value; what it does not say is not restricted."""

    id: str = ""  # not supported
    schema_: str = Field("", alias="$schema")  # which schema language this is
    ref: str | None = Field(None, alias="$ref")  # not supported
    description: str = ""  # what the value means, for people
    type: str = ""  # string, integer, number, boolean, object or array
    format: str = ""  # what a string or number is, such as date-time, int32 or byte
    title: str = ""  # a short name, for people
    default: Any = None  # taken when the field is missing
    maximum: float | None = None  # the number may be so large
    exclusive_maximum: bool = False  # true: it must be smaller than maximum
    minimum: float | None = None  # the number may be so small
    exclusive_minimum: bool = False  # true: it must be greater than minimum
    max_length: int | None = None  # how long the string may be, in characters
    min_length: int | None = None  # how long it must be
    pattern: str = ""  # regular expression that the string must match
    max_items: int | None = None  # how many items the list may have
    min_items: int | None = None  # how many it must have
    unique_items: bool = False  # not supported: x-kubernetes-list-type set does it
    multiple_of: float | None = None  # the number must be a multiple of this one
    enum: tuple[Any, ...] = ()  # the values that are allowed
    max_properties: int | None = None  # how many fields the object may have
    min_properties: int | None = None  # how many it must have
    required: tuple[str, ...] = ()  # names of the fields that must be there
    # form of the list's items; several forms, one for each item, are not supported
    items: "Annotated[JSONSchemaProps | tuple[JSONSchemaProps, ...] | None, IN_ORDER]" = None
    all_of: "tuple[JSONSchemaProps, ...]" = ()  # the value must fit all of these
    one_of: "tuple[JSONSchemaProps, ...]" = ()  # it must fit exactly one of these
    any_of: "tuple[JSONSchemaProps, ...]" = ()  # it must fit one of these
    not_: "JSONSchemaProps | None" = None  # it must not fit this
    properties: "dict[str, JSONSchemaProps]" = {}  # form of each field, by name
    # form of the fields that are not in properties, or whether there may be any
    additional_properties: "Annotated[JSONSchemaProps | bool | None, IN_ORDER]" = None
    pattern_properties: "dict[str, JSONSchemaProps]" = {}  # not supported
    # not supported
    dependencies: "dict[str, Annotated[JSONSchemaProps | tuple[str, ...], IN_ORDER]]" = {}
    additional_items: "Annotated[JSONSchemaProps | bool | None, IN_ORDER]" = None  # not supported
    definitions: "dict[str, JSONSchemaProps]" = {}  # not supported
    external_docs: ExternalDocumentation | None = None  # where more is written
    example: Any = None  # a value as it might be
    nullable: bool = False  # true: the value may be null
    # true: fields that the schema does not know are kept
    x_kubernetes_preserve_unknown_fields: bool | None = Field(None, alias="x-kubernetes-preserve-unknown-fields")
    # true: the value is an object with apiVersion, kind and metadata
    x_kubernetes_embedded_resource: bool = Field(False, alias="x-kubernetes-embedded-resource")
    # true: the value is a whole number or a string
    x_kubernetes_int_or_string: bool = Field(False, alias="x-kubernetes-int-or-string")
    # the fields that tell the items of a list of type map apart
    x_kubernetes_list_map_keys: tuple[str, ...] = Field((), alias="x-kubernetes-list-map-keys")
    # how server-side apply merges the list: atomic, set or map
    x_kubernetes_list_type: str | None = Field(None, alias="x-kubernetes-list-type")
    # how server-side apply merges the object: granular or atomic
    x_kubernetes_map_type: str | None = Field(None, alias="x-kubernetes-map-type")
    # conditions that the value must meet
    x_kubernetes_validations: Annotated[tuple[ValidationRule, ...], MergeKey("rule"), ListMapKeys(("rule",))] = Field(
        (), alias="x-kubernetes-validations"
    )


class CustomResourceValidation(Model):
    """How objects of a version look."""

    open_api_v3_schema: JSONSchemaProps | None = None  # the schema of the whole object


class CustomResourceSubresourceScale(Model):
    """Where the scale subresource finds its numbers."""

    spec_replicas_path: Annotated[str, REQUIRED] = ""  # path of the wanted number, such as .spec.replicas
    status_replicas_path: Annotated[str, REQUIRED] = ""  # path of the number that is there
    label_selector_path: str | None = None  # path of a selector in text form; horizontal autoscaling needs it


class CustomResourceSubresources(Model):
    """Which subresources the objects have."""

    status: dict[str, Any] | None = None  # present: status is written through a path of its own, and by nothing else
    scale: CustomResourceSubresourceScale | None = None  # present: the objects can be scaled


class CustomResourceColumnDefinition(Model):
    """A column that kubectl get shows."""

    name: Annotated[str, REQUIRED] = ""  # heading of the column
    type: Annotated[str, REQUIRED] = ""  # integer, number, string, boolean or date
    format: str = ""  # form of the value, such as name or int32
    description: str = ""  # what the column shows, for people
    priority: Int32 = 0  # 0 is always shown, more only in the wide form
    json_path: Annotated[str, REQUIRED] = ""  # path of the value in the object


class SelectableField(Model):
    """A field that field selectors may name."""

    json_path: Annotated[str, REQUIRED] = ""  # path of the field in the object


class CustomResourceDefinitionVersion(Model):
    """One version of the kind: its schema and what goes with it."""

    protobuf: ClassVar[str] = "1-3 7 8 4-6 9"

    name: Annotated[str, REQUIRED] = ""  # the version, such as v1alpha1
    served: Annotated[bool, REQUIRED] = False  # true: there are paths for it
    storage: Annotated[bool, REQUIRED] = False  # true: objects are stored in this version; true for exactly one
    deprecated: bool = False  # true: each use is answered with a warning
    deprecation_warning: str | None = None  # text of that warning
    schema_: CustomResourceValidation | None = None  # form of the objects
    subresources: CustomResourceSubresources | None = None  # which subresources they have
    # columns beside the name; the age if none is given
    additional_printer_columns: tuple[CustomResourceColumnDefinition, ...] = ()
    selectable_fields: tuple[SelectableField, ...] = ()  # fields that selectors may name


class ServiceReference(Model):
    """The Service behind which a webhook answers."""

    namespace: Annotated[str, REQUIRED] = ""  # namespace of the Service
    name: Annotated[str, REQUIRED] = ""  # name of the Service
    path: str | None = None  # path of the request
    port: Int32 | None = None  # port of the Service; 443 if not said


class WebhookClientConfig(Model):
    """How a webhook is called: by address or through a Service."""

    protobuf: ClassVar[str] = "3 1 2"

    url: str | None = None  # address of the webhook, with https
    service: ServiceReference | None = None  # the Service to call; not together with url
    ca_bundle: Base64 = b""  # PEM certificates by which the webhook's one is checked


class WebhookConversion(Model):
    """A webhook that turns objects of one version into those of another."""

    protobuf: ClassVar[str] = "2 3"

    client_config: WebhookClientConfig | None = None  # how it is called
    # versions of ConversionReview that it understands, the best one first
    conversion_review_versions: Annotated[tuple[str, ...], REQUIRED] = ()


class CustomResourceConversion(Model):
    """How objects get from the version that is stored to the one that is asked for."""

    strategy: Annotated[str, REQUIRED] = ""  # None: only apiVersion changes; Webhook: a webhook does it
    webhook: WebhookConversion | None = None  # for strategy Webhook


class CustomResourceDefinitionSpec(Model):
    """The kind as it is wanted."""

    protobuf: ClassVar[str] = "1 3 4 7 9 10"

    group: Annotated[str, REQUIRED] = ""  # API group of the kind
    names: Annotated[CustomResourceDefinitionNames, REQUIRED] = CustomResourceDefinitionNames()  # what it is called
    scope: Annotated[str, REQUIRED] = ""  # Namespaced or Cluster
    versions: Annotated[tuple[CustomResourceDefinitionVersion, ...], REQUIRED] = ()  # its versions
    conversion: CustomResourceConversion | None = None  # how objects get from one version to another
    preserve_unknown_fields: bool = False  # must be false: each version says in its schema what it keeps


class CustomResourceDefinitionCondition(Model):
    """One aspect of a definition's state."""

    type: Annotated[str, REQUIRED] = ""  # Established, NamesAccepted, NonStructuralSchema, Terminating and others
    status: Annotated[str, REQUIRED] = ""  # True, False or Unknown
    last_transition_time: OptionalTime = None  # when status last changed
    reason: str = ""  # why, in one CamelCase word for programs
    message: str = ""  # why, in a sentence for people
    observed_generation: int = 0  # the metadata.generation that the condition is about


class CustomResourceDefinitionStatus(Model):
    """Whether the kind is served, and under which names."""

    # its conditions, one of a type
    conditions: Annotated[tuple[CustomResourceDefinitionCondition, ...], ListMapKeys(("type",)), ALWAYS] = ()
    # the names that it got; another kind may have some of those that it wants
    accepted_names: CustomResourceDefinitionNames = CustomResourceDefinitionNames()
    # all versions that objects were ever stored in, so that old ones can be found and moved
    stored_versions: Annotated[tuple[str, ...], ALWAYS] = ()
    observed_generation: int = 0  # the metadata.generation that this status is about


class CustomResourceDefinition(KubeObject):
    """A kind that a user adds to the API."""

    kind: str = "CustomResourceDefinition"
    api_version: str = "apiextensions.k8s.io/v1"
    spec: Annotated[CustomResourceDefinitionSpec, REQUIRED] = CustomResourceDefinitionSpec()  # what is wanted
    status: CustomResourceDefinitionStatus = CustomResourceDefinitionStatus()  # what is there
