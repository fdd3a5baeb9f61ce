"""Validation of CustomResourceDefinitions: names, scope, versions, conversion.

What all versions have in common counts as said once, for the definition; faults in it are found there, as in
``spec.validation.openAPIV3Schema``, although the version has it.

Source: Kubernetes API reference, apiextensions.k8s.io/v1; the texts are those of upstream's validation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from naru.api.apiextensions_v1 import (
    CustomResourceColumnDefinition,
    CustomResourceConversion,
    CustomResourceDefinition,
    CustomResourceDefinitionNames,
    CustomResourceDefinitionSpec,
    CustomResourceDefinitionVersion,
    CustomResourceSubresources,
    CustomResourceSubresourceScale,
    CustomResourceValidation,
    JSONSchemaProps,
    SelectableField,
)
from naru.api.conditions import is_true
from naru.api.errors import FieldError
from naru.api.field_errors import (
    IMMUTABLE,
    duplicate,
    each_invalid,
    forbidden,
    in_go,
    invalid,
    not_supported,
    required,
    too_many,
)
from naru.api.names import check_dns_subdomain, check_rfc_1035_label
from naru.api.validation.meta import validate_meta, validate_meta_update
from naru.api.validation.rules import Rules
from naru.api.validation.schemas import validate_schema
from naru.api.validation.webhook_clients import validate_client

APPROVAL: Final = "api-approved.kubernetes.io"
ESTABLISHED: Final = "Established"
MAX_SELECTABLE: Final = 8
MAX_WARNING: Final = 256
SCOPES: Final = ("Cluster", "Namespaced")
STRATEGIES: Final = ("None", "Webhook")
REVIEW_VERSIONS: Final = ("v1", "v1beta1")
COLUMN_TYPES: Final = ("boolean", "date", "integer", "number", "string")
COLUMN_FORMATS: Final = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
ROOT_FIELDS: Final = (
    "Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern "
    "MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields "
    "XValidations"
)  # of a schema, that do not get lost when the status is looked at by itself
_AT_ROOT: Final = frozenset(name[:1].lower() + name[1:] for name in ROOT_FIELDS.split()) | {
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
}
_PROTECTED: Final = "https://github.com/kubernetes/enhancements/pull/1111"
_NOT_WEBHOOK: Final = "should not be set when strategy is not set to Webhook"


@dataclass(frozen=True)
class Common:
    """What all versions have in common; ``versions`` are left without it."""

    versions: tuple[CustomResourceDefinitionVersion, ...]
    schema: CustomResourceValidation | None
    subresources: CustomResourceSubresources | None
    columns: tuple[CustomResourceColumnDefinition, ...]
    selectable: tuple[SelectableField, ...]


def _common(versions: tuple[CustomResourceDefinitionVersion, ...]) -> Common:
    empty: dict[str, Any] = {
        "schema_": None,
        "subresources": None,
        "additional_printer_columns": (),
        "selectable_fields": (),
    }
    if not versions:
        return Common((), None, None, (), ())
    first = versions[0]
    shared = {field for field in empty if all(getattr(version, field) == getattr(first, field) for version in versions)}
    bare = tuple(version.model_copy(update={field: empty[field] for field in shared}) for version in versions)
    return Common(bare, *(getattr(first, field) if field in shared else nothing for field, nothing in empty.items()))


def validate_definition(definition: CustomResourceDefinition) -> list[FieldError]:
    """Return the faults of a new definition, whose name follows from what it defines."""
    spec = definition.spec
    name = f"{spec.names.plural}.{spec.group}"

    def check_name(given: str) -> list[str]:
        return check_dns_subdomain(given) + ([] if given == name else ['must be spec.names.plural+"."+spec.group'])

    errors = validate_meta(definition.metadata, namespaced=False, check_name=check_name)
    return errors + _validate(definition, None)


def validate_definition_update(new: CustomResourceDefinition, old: CustomResourceDefinition) -> list[FieldError]:
    """Return the faults of changing a definition."""
    return validate_meta_update(new.metadata, old.metadata) + _validate(new, old)


def _validate(definition: CustomResourceDefinition, old: CustomResourceDefinition | None) -> list[FieldError]:
    spec, status = definition.spec, definition.status
    errors = _validate_spec(spec)
    errors += _validate_fixed(spec, old) if old is not None else []
    errors += _validate_names(status.accepted_names, "status.acceptedNames")
    errors += _validate_stored(status.stored_versions, spec.versions)
    errors += _validate_approval(definition, old)
    if spec.preserve_unknown_fields and not (old is not None and old.spec.preserve_unknown_fields):
        why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        errors.append(invalid("spec.preserveUnknownFields", True, why))
    return errors


def _validate_fixed(spec: CustomResourceDefinitionSpec, old: CustomResourceDefinition) -> list[FieldError]:
    before = old.spec
    names = (
        ("scope", spec.scope, before.scope),
        ("names.kind", spec.names.kind, before.names.kind),
    )
    always = (
        ("group", spec.group, before.group),
        ("names.plural", spec.names.plural, before.names.plural),
    )
    fixed = (*names, *always) if is_true(old.status.conditions, ESTABLISHED) else always
    return [invalid(f"spec.{field}", value, IMMUTABLE) for field, value, was in fixed if value != was]


def _validate_spec(spec: CustomResourceDefinitionSpec) -> list[FieldError]:
    common = _common(spec.versions)
    errors = _validate_group(spec.group) + _one_of("spec.scope", spec.scope, SCOPES)
    if common.schema is None or common.schema.open_api_v3_schema is None:
        errors += [
            required(f"spec.versions[{index}].schema.openAPIV3Schema")
            for index, version in enumerate(common.versions)
            if version.schema_ is None or version.schema_.open_api_v3_schema is None
        ]
    for index, version in enumerate(common.versions):
        errors += _validate_version(version, common, f"spec.versions[{index}]")
    errors += _validate_set_of_versions(common.versions)
    names = spec.names
    needed = (
        ("plural", names.plural),
        ("singular", names.singular),
        ("kind", names.kind),
        ("listKind", names.list_kind),
    )
    errors += [required(f"spec.names.{field}") for field, value in needed if not value]
    errors += _validate_names(names, "spec.names")
    with_status = any(version.subresources and version.subresources.status is not None for version in spec.versions)
    errors += _validate_schema(common.schema, with_status, "spec.validation")
    errors += _validate_subresources(common.subresources, "spec.subresources")
    errors += _validate_columns(common.columns, "spec.additionalPrinterColumns")
    errors += _validate_selectable(common.selectable, common.schema, "spec.selectableFields")
    return errors + (_validate_conversion(spec.conversion) if spec.conversion is not None else [])


def _one_of(path: str, value: str, choices: Sequence[str]) -> list[FieldError]:
    if not value:
        return [required(path)]
    return [] if value in choices else [not_supported(path, value, choices)]


def _validate_group(group: str) -> list[FieldError]:
    if not group:
        return [required("spec.group")]
    if complaints := check_dns_subdomain(group):
        return [invalid("spec.group", group, ",".join(complaints))]
    return [] if "." in group else [invalid("spec.group", group, "should be a domain with at least one dot")]


def _validate_label(label: str, path: str) -> list[FieldError]:
    complaints = check_rfc_1035_label(label)
    return [invalid(path, label, ",".join(complaints))] if complaints else []


def _validate_version(version: CustomResourceDefinitionVersion, common: Common, at: str) -> list[FieldError]:
    errors = _validate_label(version.name, f"{at}.name")
    errors += _validate_warning(version.deprecation_warning, version.deprecated, f"{at}.deprecationWarning")
    subresources = version.subresources or common.subresources
    with_status = subresources is not None and subresources.status is not None
    errors += _validate_schema(version.schema_, with_status, f"{at}.schema")
    errors += _validate_subresources(version.subresources, f"{at}.subresources")
    errors += _validate_columns(version.additional_printer_columns, f"{at}.additionalPrinterColumns")
    return errors + _validate_selectable(version.selectable_fields, version.schema_, f"{at}.selectableFields")


def _validate_warning(warning: str | None, deprecated: bool, path: str) -> list[FieldError]:
    if warning is None:
        return []
    if not deprecated:
        return [invalid(path, warning, "can only be set for deprecated versions")]
    errors = [invalid(path, warning, "must be <= 256 characters long")] if len(warning.encode()) > MAX_WARNING else []
    errors += [] if warning else [invalid(path, warning, "must not be an empty string")]
    for index, character in enumerate(warning):
        if not character.isprintable():
            byte = len(warning[:index].encode())
            why = "must only contain printable UTF-8 characters; non-printable character found at index"
            return [*errors, invalid(path, warning, f"{why} {byte}")]
    return errors


def _validate_set_of_versions(versions: Sequence[CustomResourceDefinitionVersion]) -> list[FieldError]:
    names, errors = [version.name for version in versions], []
    if len(set(names)) != len(names):
        errors.append(invalid("spec.versions", in_go(versions), "must contain unique version names"))
    if sum(version.storage for version in versions) != 1:
        why = "must have exactly one version marked as storage version"
        errors.append(invalid("spec.versions", in_go(versions), why))
    return errors


def _validate_names(names: CustomResourceDefinitionNames, at: str) -> list[FieldError]:
    errors = []
    for field, name in (("plural", names.plural), ("singular", names.singular)):
        errors += _validate_label(name, f"{at}.{field}") if name else []
    for field, name in (("kind", names.kind), ("listKind", names.list_kind)):
        if name and (complaints := check_rfc_1035_label(name.lower())):
            why = f"may have mixed case, but should otherwise match: {','.join(complaints)}"
            errors.append(invalid(f"{at}.{field}", name, why))
    for index, name in enumerate(names.short_names):
        errors += _validate_label(name, f"{at}.shortNames[{index}]")
    if names.kind and names.kind == names.list_kind:
        errors.append(invalid(f"{at}.listKind", names.list_kind, "kind and listKind may not be the same"))
    for index, name in enumerate(names.categories):
        errors += _validate_label(name, f"{at}.categories[{index}]")
    return errors


def _validate_schema(validation: CustomResourceValidation | None, with_status: bool, at: str) -> list[FieldError]:
    schema = validation.open_api_v3_schema if validation is not None else None
    if schema is None:
        return []
    path = f"{at}.openAPIV3Schema"
    errors = _validate_root(schema, path) if with_status else []
    if schema.nullable:
        errors.append(forbidden(f"{path}.nullable", "nullable cannot be true at the root"))
    return errors + validate_schema(schema, path)


def _validate_root(schema: JSONSchemaProps, path: str) -> list[FieldError]:
    """Return what would be lost when the status is looked at by itself."""
    if schema.type and schema.type != "object":
        why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
        return [invalid(f"{path}.type", schema.type, why)]
    if set(schema.wire()) <= _AT_ROOT:
        return []
    why = f"only [{ROOT_FIELDS}] fields are allowed at the root of the schema if the status subresource is enabled"
    return [invalid(path, schema.wire(), why)]


def _validate_subresources(subresources: CustomResourceSubresources | None, at: str) -> list[FieldError]:
    scale = subresources.scale if subresources is not None else None
    return _validate_scale(scale, f"{at}.scale") if scale is not None else []


def _validate_scale(scale: CustomResourceSubresourceScale, at: str) -> list[FieldError]:
    errors = []
    for field, path, root in (
        ("specReplicasPath", scale.spec_replicas_path, ".spec"),
        ("statusReplicasPath", scale.status_replicas_path, ".status"),
    ):
        if not path:
            errors.append(required(f"{at}.{field}"))
        elif faults := _validate_path(path, f"{at}.{field}"):
            errors += faults
        elif not path.startswith(f"{root}."):
            errors.append(invalid(f"{at}.{field}", path, f"should be a json path under {root}"))
    selector, where = scale.label_selector_path, f"{at}.labelSelectorPath"
    if not selector:
        return errors
    if faults := _validate_path(selector, where):
        return errors + faults
    if selector.startswith((".spec.", ".status.")):
        return errors
    return [*errors, invalid(where, selector, "should be a json path under either .spec or .status")]


def _validate_path(path: str, where: str) -> list[FieldError]:
    return [] if path.startswith(".") else [invalid(where, path, "must be a simple json path starting with .")]


def _validate_columns(columns: Sequence[CustomResourceColumnDefinition], at: str) -> list[FieldError]:
    return [error for index, column in enumerate(columns) for error in _validate_column(column, f"{at}[{index}]")]


def _validate_column(column: CustomResourceColumnDefinition, at: str) -> list[FieldError]:
    errors = [] if column.name else [required(f"{at}.name")]
    why = f"must be one of {','.join(COLUMN_TYPES)}"
    if not column.type:
        errors.append(required(f"{at}.type", why))
    elif column.type not in COLUMN_TYPES:
        errors.append(invalid(f"{at}.type", column.type, why))
    if column.format and column.format not in COLUMN_FORMATS:
        errors.append(invalid(f"{at}.format", column.format, f"must be one of {','.join(COLUMN_FORMATS)}"))
    if not column.json_path:
        return [*errors, required(f"{at}.JSONPath")]
    return errors + _validate_path(column.json_path, f"{at}.JSONPath")


def _validate_selectable(
    fields: Sequence[SelectableField], validation: CustomResourceValidation | None, at: str
) -> list[FieldError]:
    schema = validation.open_api_v3_schema if validation is not None else None
    if fields and schema is None:
        return [invalid(at, "", "may only be set when `version.schema.openAPIV3Schema` is not included")]
    errors, seen = [], set[str]()
    for index, field in enumerate(fields):
        where, path = f"{at}[{index}].jsonPath", field.json_path
        if not path:
            errors.append(required(where))
            continue
        found = _find(schema, path)
        if found is None:
            errors.append(invalid(where, path, "is an invalid path: does not refer to a valid field"))
            continue
        if path.split(".")[1] == "metadata":
            errors.append(invalid(where, path, "must not point to fields in metadata"))
        if found.type not in ("string", "boolean", "integer"):
            why = "must point to a field of type string, boolean or integer."
            errors.append(invalid(where, path, f"{why} Enum string fields and strings with formats are allowed."))
        errors += [duplicate(where, path)] if path in seen else []
        seen.add(path)
    return errors + ([too_many(at, len(seen), MAX_SELECTABLE)] if len(seen) > MAX_SELECTABLE else [])


def _find(schema: JSONSchemaProps | None, path: str) -> JSONSchemaProps | None:
    root, *names = path.split(".")
    if root or not names:
        return None
    for name in names:
        schema = schema.properties.get(name) if schema is not None else None
    return schema


def _validate_conversion(conversion: CustomResourceConversion) -> list[FieldError]:
    errors = _one_of("spec.conversion.strategy", conversion.strategy, STRATEGIES)
    client_path, versions_path = "spec.conversion.webhookClientConfig", "spec.conversion.conversionReviewVersions"
    webhook = conversion.webhook
    client = webhook.client_config if webhook is not None else None
    versions = webhook.conversion_review_versions if webhook is not None else ()
    if conversion.strategy != "Webhook":
        errors += [forbidden(client_path, _NOT_WEBHOOK)] if client is not None else []
        return errors + ([forbidden(versions_path, _NOT_WEBHOOK)] if versions else [])
    if client is None:
        errors.append(required(client_path, "required when strategy is set to Webhook"))
    else:
        errors += validate_client(client, client_path)
    if not versions:
        return [*errors, required(versions_path)]
    for index, version in enumerate(versions):
        where = f"{versions_path}[{index}]"
        if version in versions[:index]:
            errors.append(invalid(where, version, "duplicate version"))
        else:
            errors += each_invalid(where, version, check_rfc_1035_label(version))
    if not set(versions) & set(REVIEW_VERSIONS):
        why = f"must include at least one of {', '.join(REVIEW_VERSIONS)}"
        errors.append(invalid(versions_path, list(versions), why))
    return errors


def _validate_stored(stored: Sequence[str], versions: Sequence[CustomResourceDefinitionVersion]) -> list[FieldError]:
    path = "status.storedVersions"
    if not stored:
        return [invalid(path, None, "must have at least one stored version")]
    errors = [
        invalid(path, list(stored), f"must have the storage version {version.name}")
        for version in versions
        if version.storage and version.name not in stored
    ]
    names = {version.name for version in versions}
    for index, name in enumerate(stored):
        if name not in names:
            why = (
                f"missing from spec.versions; {name} was previously a storage version, and must remain in "
                f"spec.versions until a storage migration ensures no data remains persisted in {name} and removes "
                f"{name} from status.storedVersions"
            )
            errors.append(invalid(f"{path}[{index}]", name, why))
    return errors


def _validate_approval(definition: CustomResourceDefinition, old: CustomResourceDefinition | None) -> list[FieldError]:
    """Return whether a group of Kubernetes' own lacks the word of those who look after it."""
    group, path = definition.spec.group, f"metadata.annotations[{APPROVAL}]"
    if not any(group == own or group.endswith(f".{own}") for own in ("k8s.io", "kubernetes.io")):
        return []
    given = definition.metadata.annotations.get(APPROVAL, "")
    state = _approval(given)
    if state == "approved" or (old is not None and state == _approval(old.metadata.annotations.get(APPROVAL, ""))):
        return []
    why = f'protected groups must have approval annotation "{APPROVAL}"'
    if state == "missing":
        return [required(path, f"{why}, see {_PROTECTED}")]
    return [invalid(path, given, f'{why} with either a URL or a reason starting with "unapproved", see {_PROTECTED}')]


def _approval(text: str) -> str:
    if not text:
        return "missing"
    parts = urlsplit(text)
    return "approved" if text.startswith("unapproved") or (parts.scheme and parts.netloc) else "invalid"


def validate_definition_status(new: CustomResourceDefinition, old: CustomResourceDefinition) -> list[FieldError]:
    """Return the faults of a definition's status."""
    errors = validate_meta_update(new.metadata, old.metadata)
    return errors + _validate_names(new.status.accepted_names, "status.acceptedNames")


RULES: Final = {
    CustomResourceDefinition: Rules(validate_definition, validate_definition_update, validate_definition_status)
}
