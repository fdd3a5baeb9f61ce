"""Models as JSON schemas, under the names that upstream gives them.

Source: OpenAPI 3.0, "Schema Object"; Kubernetes documents, "Kubernetes API extensions in OpenAPI".
"""

import inspect
from collections.abc import Iterable
from enum import Enum
from typing import Any, Final

from pydantic import BaseModel

from apiserver.openapi.descriptions import descriptions_of, sentence
from apiserver.openapi.scalars import META, NAMED_SCALARS, scalar_name
from apiserver.subresources import SUBRESOURCES
from naru.api.fields import Field, Shape, fields_of
from naru.api.meta import KubeObject, ListMeta
from naru.api.model import (
    NARROW,
    Atomic,
    Granular,
    ListMapKeys,
    ListSet,
    MergeKey,
    ReplaceKeys,
    Required,
    Stored,
)
from naru.api.options import DeleteOptions, Status
from naru.api.scheme import RESOURCES, Resource

Schema = dict[str, Any]

REF_PREFIX: Final = "#/components/schemas/"

WATCH_EVENT: Final = f"{META}.WatchEvent"
RAW_EXTENSION: Final = "io.k8s.apimachinery.pkg.runtime.RawExtension"

_GENERAL: Final[dict[str, Schema]] = {
    f"{META}.Patch": {"description": "A patch, of the type that its media type names.", "type": "object"},
    RAW_EXTENSION: {"description": "An object of any kind.", "type": "object"},
    WATCH_EVENT: {
        "description": "A change of an object, or the end of a watch by an error.",
        "type": "object",
        "required": ["type", "object"],
        "properties": {
            "type": {"description": "ADDED, MODIFIED, DELETED, BOOKMARK or ERROR.", "type": "string", "default": ""},
            "object": {
                "description": "The object as it now is, or was last; a Status for an error.",
                "allOf": [{"$ref": REF_PREFIX + RAW_EXTENSION}],
            },
        },
    },
}
_GROUP_NAMES: Final = {r.group.partition(".")[0] for r in RESOURCES} | {s.group for s in SUBRESOURCES.values()}
_PACKAGES: Final = {
    "apiextensions": "apiextensions-apiserver.pkg.apis.apiextensions",
    "apiregistration": "kube-aggregator.pkg.apis.apiregistration",
}  # of groups whose types upstream declares elsewhere


def schema_name(model: type[BaseModel]) -> str:
    """Name a model's schema: ``io.k8s.api.apps.v1.Deployment``; what no other group owns belongs to core."""
    module = model.__module__.rpartition(".")[2]
    if module in ("meta", "options"):
        return f"{META}.{model.__name__}"
    group, _, version = module.rpartition("_")
    package = _PACKAGES.get(group) or f"api.{group if group in _GROUP_NAMES else 'core'}"
    return f"io.k8s.{package}.{version}.{model.__name__}"


def list_name(resource: Resource) -> str:
    """Name the schema of a resource's list."""
    return f"{schema_name(resource.model)}List"


def ref(name: str) -> Schema:
    """Point to a schema of the same document."""
    return {"$ref": REF_PREFIX + name}


def group_version_kind(group: str, version: str, kind: str) -> dict[str, str]:
    """Write a kind as the ``x-kubernetes-group-version-kind`` extension has it."""
    return {"group": group, "version": version, "kind": kind}


class SchemaSet:
    """Schemas by name; adding a model adds all that it refers to."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}

    def add_resource(self, resource: Resource) -> None:
        """Add a kind and its list, marked as what they are."""
        name = self.add(resource.model)
        kind = group_version_kind(resource.group, resource.version, resource.kind)
        self.schemas[name]["x-kubernetes-group-version-kind"] = [kind]
        if "list" not in resource.verbs:
            return
        list_kind = {**kind, "kind": f"{resource.kind}List"}
        described = descriptions_of(KubeObject)
        self.schemas[list_name(resource)] = {
            "description": f"Objects of kind {resource.kind}, and the revision that the list is true at.",
            "type": "object",
            "required": ["items"],
            "properties": {
                "apiVersion": {"description": described["api_version"], "type": "string"},
                "kind": {"description": described["kind"], "type": "string"},
                "metadata": {"description": _model_doc(ListMeta), "allOf": [ref(f"{META}.ListMeta")]},
                "items": {
                    "description": "The objects.",
                    "type": "array",
                    "items": {"allOf": [ref(name)], "default": {}},
                },
            },
            "x-kubernetes-group-version-kind": [list_kind],
        }

    def add(self, model: type[BaseModel]) -> str:
        """Add a model and return its name."""
        name = schema_name(model)
        if name not in self.schemas:
            self.schemas[name] = {}  # present before its fields are read: a model may contain itself
            self.schemas[name].update(self._object(model))
        return name

    def _object(self, model: type[BaseModel]) -> Schema:
        described = descriptions_of(model)
        fields = fields_of(model).values()
        schema: Schema = {"description": _model_doc(model), "type": "object"}
        if fields:
            schema["properties"] = {f.name: self._property(f, described.get(f.attribute, "")) for f in fields}
        required = sorted(field.name for field in fields if is_required(field))
        map_type = {"x-kubernetes-map-type": "atomic"} if getattr(model, "atomic", False) else {}
        return schema | ({"required": required} if required else {}) | map_type

    def _property(self, field: Field, described: str) -> Schema:
        schema = self._value(field.shape)
        if "$ref" in schema:
            schema = {"allOf": [schema]}  # in OpenAPI 3.0 nothing may stand beside a $ref
        text = described or _shape_doc(field.shape)
        if field.mark(Stored):
            text = f"{text} Stored, and not acted on by this version of naru.".strip()
        if text:
            schema = {"description": text, **schema}
        return schema | _default(field) | _list_extensions(field) | _patch_extensions(field)

    def _value(self, shape: Shape) -> Schema:
        if shape.items:
            items = self._value(shape.items)
            return {"type": "array", "items": _with_zero(shape.items, items)}
        if shape.values:
            return {"type": "object", "additionalProperties": _with_zero(shape.values, self._value(shape.values))}
        if shape.model:
            return ref(self.add(shape.model))
        return self._scalar(shape)

    def _scalar(self, shape: Shape) -> Schema:
        if (name := scalar_name(shape)) is not None:
            self.schemas[name] = NAMED_SCALARS[name]
            return ref(name)
        if isinstance(shape.scalar, type) and issubclass(shape.scalar, Enum):
            return {"type": "string", "enum": [str(member.value) for member in shape.scalar]}
        plain: dict[Any, Schema] = {
            bool: {"type": "boolean"},
            int: {"type": "integer", "format": "int32" if NARROW in shape.marks else "int64"},
            float: {"type": "number", "format": "double"},
            str: {"type": "string"},
            bytes: {"type": "string", "format": "byte"},
        }
        return dict(plain.get(shape.scalar, {"type": "object"}))


def is_required(field: Field) -> bool:
    """Tell whether the schema demands the field: validation does, whatever the decoder makes of a missing one."""
    return field.info.is_required() or field.mark(Required) is not None


def _shape_doc(shape: Shape) -> str:
    """Describe a field by what it holds, when it says nothing itself."""
    inner = shape.items or shape.values or shape
    return _model_doc(inner.model) if inner.model else ""


def _model_doc(model: type[BaseModel]) -> str:
    return sentence(inspect.cleandoc(model.__doc__ or ""))


def _with_zero(shape: Shape, schema: Schema) -> Schema:
    """Say what an item is when nothing is said of it, as upstream does for all that is no pointer in Go."""
    zero = _zero(shape)
    if zero is None:
        return schema
    return {**({"allOf": [schema]} if "$ref" in schema else schema), "default": zero}


def _zero(shape: Shape) -> Any:
    if shape.model is not None:
        return {}
    return {str: "", int: 0, bool: False, float: 0}.get(shape.scalar) if scalar_name(shape) is None else None


def _default(field: Field) -> Schema:
    """Return the default of a field; one that must be given has the zero of its type, as upstream writes it."""
    if is_required(field):
        zero = _zero(field.shape)
        return {} if zero is None else {"default": zero}
    value = field.info.get_default(call_default_factory=False)
    if isinstance(value, BaseModel):
        return {"default": {}}
    return {"default": value} if isinstance(value, str | int | float) and value else {}


def _list_extensions(field: Field) -> Schema:
    if field.mark(Atomic) is not None or field.mark(Granular) is not None:
        return {"x-kubernetes-map-type": "atomic" if field.mark(Atomic) else "granular"}
    if not field.shape.items:
        return {}
    if (keys := field.mark(ListMapKeys)) is not None:
        return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys.keys)}
    merge = field.mark(MergeKey)
    is_set = field.mark(ListSet) is not None or (merge is not None and not merge.key)
    return {"x-kubernetes-list-type": "set" if is_set else "atomic"}


def _patch_extensions(field: Field) -> Schema:
    merge = field.mark(MergeKey)
    strategies = ["merge"] * bool(merge) + ["retainKeys"] * bool(field.mark(ReplaceKeys))
    extensions = {"x-kubernetes-patch-strategy": ",".join(strategies)} if strategies else {}
    return extensions | ({"x-kubernetes-patch-merge-key": merge.key} if merge and merge.key else {})


def schemas_of(resources: Iterable[Resource], extra: Iterable[type[KubeObject]] = ()) -> dict[str, Schema]:
    """Return all schemas that the documents of some resources need, by name, in order."""
    collected = SchemaSet()
    models: list[type[BaseModel]] = [ListMeta, DeleteOptions, Status, *extra]
    for model in models:
        collected.add(model)
    for resource in resources:
        collected.add_resource(resource)
    return dict(sorted({**collected.schemas, **_GENERAL}.items()))
