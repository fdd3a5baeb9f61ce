"""OpenAPI version 3: one document a group-version, and small ones for discovery.

Source: KEP-2896 (OpenAPI v3).
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Any, Final

from apiserver.openapi.discovery import VERSION_INFO, discovery_path, discovery_schemas
from apiserver.openapi.index import document_names, document_path
from apiserver.openapi.operations import Names, paths_of, subresource_model
from apiserver.openapi.schemas import Schema, schemas_of
from apiserver.subresources import subresources_of
from naru.api.scheme import RESOURCES, Resource

TITLE: Final = "Kubernetes"  # as clients know the API; what serves it is told by /version
SECURITY: Final = {
    "BearerToken": {
        "description": "A token in the Authorization header.",
        "type": "apiKey",
        "name": "authorization",
        "in": "header",
    }
}

_ROOTS: Final = {
    "api": ("/api/", "APIVersions", "getCoreAPIVersions", "get available API versions", "core"),
    "apis": ("/apis/", "APIGroupList", "getAPIVersions", "get available API versions", "apis"),
    "version": ("/version/", VERSION_INFO, "getCodeVersion", "get the version information for this server", "version"),
}  # by the name of the document: its path, what that answers with, and how the operation is called


def build(name: str) -> dict[str, Any]:
    """Build the document of a name."""
    if name in _ROOTS:
        path, schema, operation, text, tag = _ROOTS[name]
        return _document({path: discovery_path(schema, operation, text, tag)}, discovery_schemas(schema))
    members = [resource for resource in RESOURCES if document_path(resource) == name]
    return group_document(members) if members else _group_alone(name)


def _group_alone(name: str) -> dict[str, Any]:
    resource = next(resource for resource in RESOURCES if name == f"apis/{resource.group}")
    names = Names(resource)
    group = names.group.removesuffix(resource.version.capitalize())
    path = discovery_path("APIGroup", f"get{group}APIGroup", "get information of a group", names.tag.rpartition("_")[0])
    return _document({f"/{name}/": path}, discovery_schemas("APIGroup"))


def group_document(resources: Iterable[Resource]) -> dict[str, Any]:
    """Build the document of one group-version (or, for version 2 to convert, of all)."""
    members = list(resources)
    subresources = [subresource for resource in members for subresource in subresources_of(resource).values()]
    extra = [model for subresource in subresources if (model := subresource_model(subresource)) is not None]
    paths: dict[str, Any] = {}
    for name, versioned in groupby(members, key=document_path):
        first, *rest = versioned
        names = Names(first)
        operation = f"get{names.group}APIResources"
        paths[f"/{name}/"] = discovery_path("APIResourceList", operation, "get available resources", names.tag)
        for resource in (first, *rest):
            paths |= paths_of(resource)
    return _document(paths, schemas_of(members, extra) | discovery_schemas("APIResourceList"))


def everything() -> dict[str, Any]:
    """Build one document of all, for version 2 to convert."""
    whole = group_document(RESOURCES)
    for name in document_names():
        if name in _ROOTS or (name.count("/") == 1 and name != "api/v1"):
            part = build(name)
            whole["paths"] |= part["paths"]
            whole["components"]["schemas"] |= part["components"]["schemas"]
    return _document(whole["paths"], whole["components"]["schemas"])


def _document(paths: dict[str, Any], schemas: dict[str, Schema]) -> dict[str, Any]:
    return {
        "openapi": "3.0.0",
        "info": {"title": TITLE, "version": "unversioned"},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.items())), "securitySchemes": SECURITY},
    }
