"""What the OpenAPI documents say of discovery itself: its paths, and the shapes of its answers.

Source: Kubernetes API reference, meta/v1; the documents ``api``, ``apis``, ``apis/GROUP`` and ``version`` of upstream.
"""

from typing import Any, Final

from apiserver.negotiation import JSON, MEDIA_TYPES
from apiserver.openapi.scalars import META
from apiserver.openapi.schemas import Schema, ref

VERSION_INFO: Final = "io.k8s.apimachinery.pkg.version.Info"
_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "array", "items": _TEXT, "x-kubernetes-list-type": "atomic"}
_SWITCH: Final = {"type": "boolean"}


def _one(name: str) -> Schema:
    return {"allOf": [ref(f"{META}.{name}")]}


def _many(name: str) -> Schema:
    return {"type": "array", "items": _one(name), "x-kubernetes-list-type": "atomic"}


_TYPED: Final = {"kind": _TEXT, "apiVersion": _TEXT}
_SHAPES: Final[dict[str, tuple[str, dict[str, Schema], tuple[str, ...]]]] = {
    "APIVersions": (
        "The versions of the core group.",
        {**_TYPED, "versions": _TEXTS, "serverAddressByClientCIDRs": _many("ServerAddressByClientCIDR")},
        ("versions", "serverAddressByClientCIDRs"),
    ),
    "APIGroupList": ("All groups but the core group.", {**_TYPED, "groups": _many("APIGroup")}, ("groups",)),
    "APIGroup": (
        "A group: its versions, and which of them is preferred.",
        {
            **_TYPED,
            "name": _TEXT,
            "versions": _many("GroupVersionForDiscovery"),
            "preferredVersion": _one("GroupVersionForDiscovery"),
            "serverAddressByClientCIDRs": _many("ServerAddressByClientCIDR"),
        },
        ("name", "versions"),
    ),
    "GroupVersionForDiscovery": (
        "A version of a group, alone and with its group.",
        {"groupVersion": _TEXT, "version": _TEXT},
        ("groupVersion", "version"),
    ),
    "ServerAddressByClientCIDR": (
        "Where clients of a network reach the server.",
        {"clientCIDR": _TEXT, "serverAddress": _TEXT},
        ("clientCIDR", "serverAddress"),
    ),
    "APIResourceList": (
        "What a version of a group serves.",
        {**_TYPED, "groupVersion": _TEXT, "resources": _many("APIResource")},
        ("groupVersion", "resources"),
    ),
    "APIResource": (
        "A resource or a subresource: its kind, its names, and the verbs that it answers.",
        {
            **dict.fromkeys(("name", "singularName", "group", "version", "kind", "storageVersionHash"), _TEXT),
            **dict.fromkeys(("verbs", "shortNames", "categories"), _TEXTS),
            "namespaced": _SWITCH,
        },
        ("name", "singularName", "namespaced", "kind", "verbs"),
    ),
}  # by name: what it is, its fields, which of them are always there
_VERSION_FIELDS: Final = (
    *("major", "minor", "emulationMajor", "emulationMinor", "minCompatibilityMajor", "minCompatibilityMinor"),
    *("gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform"),
)
_NEW_VERSION_FIELDS: Final = tuple(name for name in _VERSION_FIELDS if name.startswith(("emulation", "minCompat")))
_USED_BY: Final = {
    "APIVersions": ("ServerAddressByClientCIDR",),
    "APIGroupList": ("APIGroup", "GroupVersionForDiscovery", "ServerAddressByClientCIDR"),
    "APIGroup": ("GroupVersionForDiscovery", "ServerAddressByClientCIDR"),
    "APIResourceList": ("APIResource",),
}


def discovery_schemas(name: str) -> dict[str, Schema]:
    """Return the schema of an answer and of what it is made of, by full names."""
    if name == VERSION_INFO:
        required = sorted(set(_VERSION_FIELDS) - set(_NEW_VERSION_FIELDS))
        return {
            VERSION_INFO: _schema("Which version of the API this is.", dict.fromkeys(_VERSION_FIELDS, _TEXT), required)
        }
    names = (name, *_USED_BY[name])
    return {f"{META}.{each}": _schema(*_SHAPES[each]) for each in names}


def _schema(text: str, fields: dict[str, Schema], required: Any) -> Schema:
    return {"description": text, "type": "object", "properties": fields, "required": list(required)}


def discovery_path(name: str, operation: str, text: str, tag: str) -> dict[str, Any]:
    """Describe a path that answers with a document of discovery."""
    full, media_types = (name, (JSON,)) if name == VERSION_INFO else (f"{META}.{name}", MEDIA_TYPES)
    content = {media_type: {"schema": ref(full)} for media_type in media_types}
    responses = {"200": {"description": "OK", "content": content}, "401": {"description": "Unauthorized"}}
    return {"get": {"tags": [tag], "operationId": operation, "description": text, "responses": responses}}
