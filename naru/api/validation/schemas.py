"""Validation of the schemas of custom resources: each part, and that the whole is structural.

A schema is structural when its form can be read off without evaluating it: the types of all fields stand outside of
``allOf``, ``anyOf``, ``oneOf`` and ``not``, which may only narrow the values. Then unknown fields can be pruned and
defaults filled in.

There is no CEL here: rules must be there, what they say is not looked at. Nor are defaults held against the schema.

Source: Kubernetes documentation, "Specifying a structural schema"; the texts are those of upstream's validation.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from naru.api.apiextensions_v1 import JSONSchemaProps, ValidationRule
from naru.api.errors import FieldError
from naru.api.field_errors import forbidden, invalid, not_supported, required

Schema = JSONSchemaProps

TYPES: Final = ("array", "boolean", "integer", "number", "object", "string")
LIST_TYPES: Final = ("atomic", "set", "map")
MAP_TYPES: Final = ("atomic", "granular")
REASONS: Final = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
META_FIELDS: Final = ("metadata", "kind", "apiVersion")
JUNCTORS: Final = ("allOf", "anyOf", "oneOf")


def one_schema(value: Any) -> Schema | None:
    """Return the schema in a field that may hold something else too: a list of them, or true or false."""
    return value if isinstance(value, JSONSchemaProps) else None


def narrowings(schema: Schema) -> list[tuple[str, Schema]]:
    """Return what narrows a value, each with its path below the schema."""
    if not (schema.all_of or schema.any_of or schema.one_of or schema.not_):
        return []  # most schemas have none, and those of one definition can be thousands
    found = [
        (f"{name}[{index}]", part)
        for name, parts in zip(JUNCTORS, (schema.all_of, schema.any_of, schema.one_of), strict=True)
        for index, part in enumerate(parts)
    ]
    return found if schema.not_ is None else [*found, ("not", schema.not_)]


def parts_of(schema: Schema) -> Iterator[Schema]:
    """Return a schema and all schemas in it."""
    left = [schema]
    while left:
        part = left.pop()
        yield part
        left += part.properties.values()
        left += [narrowing for _, narrowing in narrowings(part)]
        items = part.items if isinstance(part.items, tuple) else (part.items,)
        left += [inner for inner in (*items, part.additional_properties) if isinstance(inner, JSONSchemaProps)]


@dataclass(frozen=True)
class Place:
    """Where a schema stands: its path, and what follows from that."""

    path: str
    is_root: bool = False
    in_meta: bool = False
    no_default: str = ""  # why there may be no default

    def at(self, step: str) -> "Place":
        """Return the place of a schema inside of this one."""
        return replace(
            self, path=f"{self.path}{step}" if step.startswith("[") else f"{self.path}.{step}", is_root=False
        )


def validate_schema(schema: Schema, path: str) -> list[FieldError]:
    """Return the faults of a version's schema."""
    errors = [] if _is_unsupported(schema) else sorted(_validate_structure(schema, path), key=str)
    errors += _validate_part(schema, Place(path, is_root=True))
    if not errors and any(part.schema_ for part in parts_of(schema)):
        return [invalid(path, "", "OpenAPIV3Schema 'schema' is not supported")]
    return errors


def _is_unsupported(schema: Schema) -> bool:
    return any(
        part.id
        or part.schema_
        or part.ref
        or part.pattern_properties
        or part.dependencies
        or part.additional_items is not None
        or part.definitions
        or isinstance(part.items, tuple)
        or part.x_kubernetes_preserve_unknown_fields is False
        for part in parts_of(schema)
    )


# The form of the value


def _validate_structure(schema: Schema, path: str) -> list[FieldError]:
    errors = _validate_form(schema, path, "at the root")
    if schema.additional_properties is not None:
        errors.append(forbidden(f"{path}.additionalProperties", "must not be used at the root"))
    if schema.type and schema.type != "object":
        errors.append(invalid(f"{path}.type", schema.type, "must be object at the root"))
    return errors + _validate_complete(schema, schema, path, path)


def _validate_form(schema: Schema, path: str, where: str) -> list[FieldError]:
    errors = []
    if schema.type == "array" and schema.items is None:
        errors.append(required(f"{path}.items", "must be specified"))
    if (items := one_schema(schema.items)) is not None:
        errors += _validate_form(items, f"{path}.items", "for specified array items")
    inner = {f"properties[{name}]": part for name, part in schema.properties.items()}
    if (values := one_schema(schema.additional_properties)) is not None:
        inner["additionalProperties"] = values
    for step, part in inner.items():
        errors += _validate_form(part, f"{path}.{step}", "for specified object fields")
    errors += _validate_extensions(schema, path) + _validate_values(schema, path)
    errors += _validate_type(schema, path, where)
    if where == "at the root" or schema.x_kubernetes_embedded_resource:
        errors += _validate_meta_fields(schema, path, is_root=where == "at the root")
    if schema.x_kubernetes_embedded_resource and not schema.properties and not _keeps_unknown(schema):
        why = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
        errors.append(required(f"{path}.properties", why))
    return errors


def _keeps_unknown(schema: Schema) -> bool:
    return schema.x_kubernetes_preserve_unknown_fields is True


def _validate_extensions(schema: Schema, path: str) -> list[FieldError]:
    why = "must be false if x-kubernetes-int-or-string is true"
    extensions = (
        ("x-kubernetes-preserve-unknown-fields", _keeps_unknown(schema)),
        ("x-kubernetes-embedded-resource", schema.x_kubernetes_embedded_resource),
    )
    if not schema.x_kubernetes_int_or_string:
        return []
    return [invalid(f"{path}.{name}", True, why) for name, found in extensions if found]


def _validate_type(schema: Schema, path: str, where: str) -> list[FieldError]:
    if schema.x_kubernetes_embedded_resource:
        errors, why = [], "must be object if x-kubernetes-embedded-resource is true"
        if schema.type != "object":
            at = f"{path}.type"
            errors.append(invalid(at, schema.type, why) if schema.type else required(at, why))
        if schema.additional_properties is not None:
            why = "must not be used if x-kubernetes-embedded-resource is set"
            errors.append(forbidden(f"{path}.additionalProperties", why))
        return errors
    if schema.type or schema.x_kubernetes_int_or_string or _keeps_unknown(schema):
        return []
    return [required(f"{path}.type", f"must not be empty {where}")]


def _validate_meta_fields(schema: Schema, path: str, *, is_root: bool) -> list[FieldError]:
    errors = []
    for name in ("kind", "apiVersion"):
        part = schema.properties.get(name)
        if part is not None and part.type != "string":
            errors.append(invalid(f"{path}.properties[{name}].type", part.type, "must be string"))
    meta = schema.properties.get("metadata")
    if meta is None:
        return errors
    if meta.type != "object":
        errors.append(invalid(f"{path}.properties[metadata].type", meta.type, "must be object"))
    restricts = set(meta.wire()) - {"type", "properties", "default"} or set(meta.properties) - {"name", "generateName"}
    if is_root and restricts:
        why = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        errors.append(forbidden(f"{path}.properties[metadata]", why))
    return errors


# What narrows the value


def _validate_values(schema: Schema, path: str) -> list[FieldError]:
    errors = []
    for step, part in narrowings(schema):
        if not _is_int_or_string(schema, step):
            errors += _validate_narrowing(part, f"{path}.{step}", exempt=step == "allOf[0]" and _says_either(part))
    return errors + _validate_pattern(schema, path)


def _is_int_or_string(schema: Schema, step: str) -> bool:
    """Tell whether a part is one half of "a whole number or a string", where types may stand."""
    return step.startswith("anyOf") and _says_either(schema)


def _says_either(schema: Schema) -> bool:
    return [part.wire() for part in schema.any_of] == [{"type": "integer"}, {"type": "string"}]


def _validate_pattern(schema: Schema, path: str) -> list[FieldError]:
    try:
        re.compile(schema.pattern)
    except re.error as error:
        why = f"must be a valid regular expression, but isn't: {error}"
        return [invalid(f"{path}.pattern", schema.pattern, why)]
    return []


def _validate_narrowing(schema: Schema, path: str, *, exempt: bool = False) -> list[FieldError]:
    errors = []
    for step, part in narrowings(schema):
        if not (exempt and step.startswith("anyOf")):
            errors += _validate_narrowing(part, f"{path}.{step}")
    errors += _validate_pattern(schema, path)
    if (items := one_schema(schema.items)) is not None:
        errors += _validate_narrowing(items, f"{path}.items")
    for name, part in schema.properties.items():
        errors += _validate_narrowing(part, f"{path}.properties[{name}]")
    faults = (
        ("type", schema.type, "must be empty to be structural"),
        ("additionalProperties", schema.additional_properties, "must be undefined to be structural"),
        ("default", schema.default is not None, "must be undefined to be structural"),
        ("title", schema.title, "must be empty to be structural"),
        ("description", schema.description, "must be empty to be structural"),
        ("nullable", schema.nullable, "must be false to be structural"),
        ("x-kubernetes-preserve-unknown-fields", _keeps_unknown(schema), "must be false to be structural"),
        ("x-kubernetes-embedded-resource", schema.x_kubernetes_embedded_resource, "must be false to be structural"),
        ("x-kubernetes-int-or-string", schema.x_kubernetes_int_or_string, "must be false to be structural"),
        ("x-kubernetes-list-map-keys", schema.x_kubernetes_list_map_keys, "must be empty to be structural"),
        ("x-kubernetes-list-type", schema.x_kubernetes_list_type is not None, "must be undefined to be structural"),
        ("x-kubernetes-map-type", schema.x_kubernetes_map_type is not None, "must be undefined to be structural"),
        ("x-kubernetes-validations", schema.x_kubernetes_validations, "must be empty to be structural"),
        ("properties[metadata]", "metadata" in schema.properties, "must not be specified in a nested context"),
    )
    return errors + [forbidden(f"{path}.{field}", why) for field, found, why in faults if found]


def _validate_complete(narrowing: Schema, schema: Schema | None, path: str, at: str) -> list[FieldError]:
    """Return what is narrowed without having a form; ``path`` is that of the form, ``at`` of what narrows."""
    if schema is None:
        return [required(path, f"because it is defined in {at}")]
    errors = []
    for step, part in narrowings(narrowing):
        errors += _validate_complete(part, schema, path, f"{at}.{step}")
    if narrowing is schema:
        return errors
    if (items := one_schema(narrowing.items)) is not None:
        errors += _validate_complete(items, one_schema(schema.items), f"{path}.items", f"{at}.items")
    for name, part in narrowing.properties.items():
        step = f"properties[{name}]"
        errors += _validate_complete(part, schema.properties.get(name), f"{path}.{step}", f"{at}.{step}")
    return errors


# Each part by itself


def _validate_part(schema: Schema, place: Place) -> list[FieldError]:
    path = place.path
    errors = _validate_supported(schema, place)
    if schema.unique_items:
        why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        errors.append(forbidden(f"{path}.uniqueItems", why))
    if schema.additional_properties not in (None, True) and schema.properties:
        why = "additionalProperties and properties are mutual exclusive"
        errors.append(forbidden(f"{path}.additionalProperties", why))
    for inner, part in _inner(schema, place):
        errors += _validate_part(part, inner)
    if schema.x_kubernetes_preserve_unknown_fields is False:
        errors.append(invalid(f"{path}.x-kubernetes-preserve-unknown-fields", False, "must be true or undefined"))
    errors += _validate_map_type(schema, path) + _validate_list_type(schema, path)
    for index, rule in enumerate(schema.x_kubernetes_validations):
        errors += _validate_rule(rule, f"{path}.x-kubernetes-validations[{index}]")
    return errors


def _inner(schema: Schema, place: Place) -> Iterator[tuple[Place, Schema]]:
    """Return the schemas inside of one, with their places."""
    if (values := one_schema(schema.additional_properties)) is not None:
        why = "inside additionalProperties applying to object metadata"
        at = place.at("additionalProperties")
        yield replace(at, no_default=why) if place.in_meta else at, values
    for name, part in schema.properties.items():
        at = place.at(f"properties[{name}]")
        if name in META_FIELDS and (place.is_root or schema.x_kubernetes_embedded_resource):
            why = f"in top-level {name}" if place.is_root else at.no_default
            at = replace(at, in_meta=True, no_default=why)
        yield at, part
    for step, part in narrowings(schema):
        yield place.at(step), part
    if (items := one_schema(schema.items)) is not None:
        yield place.at("items"), items


def _validate_supported(schema: Schema, place: Place) -> list[FieldError]:
    path, errors = place.path, []
    if schema.type and schema.type not in TYPES:
        errors.append(not_supported(f"{path}.type", schema.type, TYPES))
    if schema.default is not None and place.no_default:
        errors.append(forbidden(f"{path}.default", f"must not be set {place.no_default}"))
    unsupported = (
        ("id", schema.id),
        ("additionalItems", schema.additional_items is not None),
        ("patternProperties", schema.pattern_properties),
        ("definitions", schema.definitions),
        ("dependencies", schema.dependencies),
        ("$ref", schema.ref is not None),
    )
    errors += [forbidden(f"{path}.{field}", f"{field} is not supported") for field, found in unsupported if found]
    if schema.type == "null":
        why = "type cannot be set to null, use nullable as an alternative"
        errors.append(forbidden(f"{path}.type", why))
    if isinstance(schema.items, tuple):
        errors.append(forbidden(f"{path}.items", "items must be a schema object and not an array"))
    if place.in_meta and schema.x_kubernetes_embedded_resource:
        why = "must not be used inside of resource meta"
        errors.append(forbidden(f"{path}.x-kubernetes-embedded-resource", why))
    return errors


def _validate_map_type(schema: Schema, path: str) -> list[FieldError]:
    kind, errors = schema.x_kubernetes_map_type, []
    if kind is None:
        return []
    if schema.type != "object":
        errors.append(_wrong_type(schema, path, "must be object if x-kubernetes-map-type is specified"))
    if kind not in MAP_TYPES:
        errors.append(not_supported(f"{path}.x-kubernetes-map-type", kind, MAP_TYPES))
    return errors


def _wrong_type(schema: Schema, path: str, why: str) -> FieldError:
    return invalid(f"{path}.type", schema.type, why) if schema.type else required(f"{path}.type", why)


def _validate_list_type(schema: Schema, path: str) -> list[FieldError]:
    kind, items, errors = schema.x_kubernetes_list_type, one_schema(schema.items), list[FieldError]()
    where = f"{path}.x-kubernetes-list-type"
    if kind is not None and schema.type != "array":
        errors.append(_wrong_type(schema, path, "must be array if x-kubernetes-list-type is specified"))
    elif kind == "set" and items is not None:
        errors += _validate_set_items(items, path)
    if kind is not None and kind not in LIST_TYPES:
        errors.append(not_supported(where, kind, LIST_TYPES))
    if schema.x_kubernetes_list_map_keys and kind != "map":
        why = "must be map if x-kubernetes-list-map-keys is non-empty"
        errors.append(required(where, why) if kind is None else invalid(where, kind, why))
    if kind == "map":
        errors += _validate_list_map(schema, path)
    if kind in ("map", "set") and items is not None and items.nullable:
        why = f"cannot be nullable when x-kubernetes-list-type is {kind}"
        errors.append(forbidden(f"{path}.items.nullable", why))
    return errors + (_validate_map_keys(schema, items, path) if kind == "map" and items is not None else [])


def _validate_set_items(items: Schema, path: str) -> list[FieldError]:
    why = "must be atomic as item of a list with x-kubernetes-list-type=set"
    if items.type == "array" and items.x_kubernetes_list_type not in (None, "atomic"):
        return [invalid(f"{path}.items.x-kubernetes-list-type", items.x_kubernetes_list_type, why)]
    if items.type == "object" and items.x_kubernetes_map_type != "atomic":
        return [invalid(f"{path}.items.x-kubernetes-map-type", items.x_kubernetes_list_type, why)]
    return []


def _validate_list_map(schema: Schema, path: str) -> list[FieldError]:
    keys, items, errors = schema.x_kubernetes_list_map_keys, one_schema(schema.items), []
    where = f"{path}.x-kubernetes-list-map-keys"
    if not keys:
        errors.append(required(where, "must not be empty if x-kubernetes-list-type is map"))
    if schema.items is None:
        errors.append(required(f"{path}.items", "must have a schema if x-kubernetes-list-type is map"))
    if items is None:
        return errors
    if items.type != "object":
        why = "must be object if parent array's x-kubernetes-list-type is map"
        return [*errors, invalid(f"{path}.items.type", items.type, why)]
    for index, key in enumerate(keys):
        part = items.properties.get(key)
        if part is None:
            errors.append(invalid(where, list(keys), "entries must all be names of item properties"))
        elif part.type in ("array", "object"):
            why = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            errors.append(invalid(f"{path}.items.properties[{key}].type", items.type, why))
        if key in keys[:index]:
            errors.append(invalid(where, list(keys), "must not contain duplicate entries"))
    return errors


def _validate_map_keys(schema: Schema, items: Schema, path: str) -> list[FieldError]:
    errors = []
    for key in schema.x_kubernetes_list_map_keys:
        part, at = items.properties.get(key), f"{path}.items.properties[{key}]"
        if part is not None and key not in items.required and part.default is None:
            why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            errors.append(required(f"{at}.default", why))
        if part is not None and part.nullable:
            why = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"
            errors.append(forbidden(f"{at}.nullable", why))
    return errors


def _validate_rule(rule: ValidationRule, at: str) -> list[FieldError]:
    text, message, errors = rule.rule.strip(), rule.message.strip(), []
    if not text:
        errors.append(required(f"{at}.rule", "rule is not specified"))
    elif rule.message and not message:
        errors.append(invalid(f"{at}.message", rule.message, "must be non-empty if specified"))
    elif _is_broken(message):
        errors.append(invalid(f"{at}.message", rule.message, "must not contain line breaks"))
    elif _is_broken(text) and not message:
        errors.append(required(f"{at}.message", "message must be specified if rule contains line breaks"))
    if rule.message_expression and not rule.message_expression.strip():
        why = "messageExpression must be non-empty if specified"
        errors.append(required(f"{at}.messageExpression", why))
    if rule.reason is not None and rule.reason not in REASONS:
        errors.append(not_supported(f"{at}.reason", rule.reason, REASONS))
    if rule.field_path and not rule.field_path.strip():
        errors.append(invalid(f"{at}.fieldPath", rule.field_path, "must be non-empty if specified"))
    if _is_broken(rule.field_path):
        errors.append(invalid(f"{at}.fieldPath", rule.field_path, "must not contain line breaks"))
    return errors


def _is_broken(text: str) -> bool:
    return "\n" in text or "\r" in text
