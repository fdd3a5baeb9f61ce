"""The paths and operations of each resource, under the names that upstream gives them.

kubectl looks for three things here: which kind a path serves (``x-kubernetes-group-version-kind``), which patches it
takes, and whether PATCH has a ``fieldValidation`` parameter, for then it leaves validation to the server. Generated
clients take the names of their methods from the operation ids.
"""

import importlib
from dataclasses import dataclass
from typing import Any, Final

from apiserver.negotiation import MEDIA_TYPES, STREAMED
from apiserver.openapi.parameters import (
    DELETING,
    DELETING_ALL,
    LISTING,
    PATCHING,
    SUBRESOURCE_READING,
    WRITING,
    path_parameters,
    query_parameters,
)
from apiserver.openapi.scalars import META
from apiserver.openapi.schemas import group_version_kind, list_name, ref, schema_name
from apiserver.patch import PATCH_TYPES
from apiserver.subresources import Subresource, subresources_of
from naru.api.meta import KubeObject
from naru.api.scheme import Resource

Operation = dict[str, Any]
PathItem = dict[str, Any]

RETURNS_OBJECT: Final = ("pods", "serviceaccounts")  # answered with the object that was deleted, not with a Status
_TEXT: Final = {"type": "string"}
_PHRASES: Final = {200: "OK", 201: "Created", 202: "Accepted"}
_ANY_BODY: Final = ("*/*",)
_ALL_NAMESPACES: Final = "ForAllNamespaces"


@dataclass(frozen=True)
class Names:
    """How the operations of a resource are called."""

    resource: Resource
    suffix: str = ""  # of a subresource: Status
    everywhere: bool = False  # a list over all namespaces

    @property
    def group(self) -> str:
        """The group in a name: RbacAuthorizationV1."""
        parts = self.resource.group.removesuffix(".k8s.io").split(".") if self.resource.group else ["core"]
        return "".join(part.capitalize() for part in parts) + self.resource.version.capitalize()

    @property
    def tag(self) -> str:
        """The group in a tag: rbacAuthorization_v1."""
        camel = self.group[: -len(self.resource.version)]
        return f"{camel[0].lower()}{camel[1:]}_{self.resource.version}"

    def operation_id(self, word: str, infix: str = "", ending: str = "") -> str:
        """Name an operation: ``word`` says what it does, ``infix`` stands before the kind."""
        scope = "Namespaced" if self.resource.namespaced and not self.everywhere else ""
        last = _ALL_NAMESPACES if self.everywhere else ""
        return f"{word}{self.group}{infix}{scope}{self.resource.kind}{self.suffix}{ending}{last}"


def paths_of(resource: Resource) -> dict[str, PathItem]:
    """Return the path items of one resource: its subresources and the deprecated forms of watches included."""
    namespace = "{namespace}" if resource.namespaced else ""
    collection, one = resource.path(namespace), resource.path(namespace, "{name}")
    items = {collection: _collection(resource), one: _one(resource)}
    if resource.namespaced and "list" in resource.verbs:
        items[resource.path()] = {
            "parameters": [*query_parameters(LISTING), *path_parameters(resource, named=False, namespaced=False)],
            "get": {**_list(resource, everywhere=True), "parameters": []},
        }
    for name, subresource in subresources_of(resource).items():
        items[f"{one}/{name}"] = _subresource(resource, name, subresource)
    if "watch" in resource.verbs:
        items |= _watches(resource, collection, one)
    return {path: item for path, item in items.items() if item.keys() - {"parameters"}}


def _collection(resource: Resource) -> PathItem:
    item: PathItem = {"parameters": path_parameters(resource, named=False)}
    if "list" in resource.verbs:
        item["get"] = _list(resource)
    if "create" in resource.verbs:
        item["post"] = _create(resource, Names(resource), schema_name(resource.model))
    if "deletecollection" in resource.verbs:
        operation = _operation(resource, "deletecollection", _answers(f"{META}.Status", 200))
        named = {"operationId": Names(resource).operation_id("delete", "Collection")}
        text = {"description": f"delete collection of {resource.kind}"}
        item["delete"] = {**operation, **named, **text, "parameters": query_parameters(DELETING_ALL), **_DELETE_BODY}
    return item


def _one(resource: Resource) -> PathItem:
    names, schema = Names(resource), schema_name(resource.model)
    item: PathItem = {"parameters": path_parameters(resource, named=True)}
    if "get" in resource.verbs:
        item["get"] = _read(resource, names, schema, f"read the specified {resource.kind}")
    if "update" in resource.verbs:
        item["put"] = _replace(resource, names, schema, f"replace the specified {resource.kind}")
    if "patch" in resource.verbs:
        item["patch"] = _patch(resource, names, schema, f"partially update the specified {resource.kind}")
    if "delete" in resource.verbs:
        answered = schema if resource.plural in RETURNS_OBJECT else f"{META}.Status"
        operation = _operation(resource, "delete", _answers(answered, 200, 202))
        named = {"operationId": names.operation_id("delete"), "description": f"delete {_article(resource.kind)}"}
        item["delete"] = {**operation, **named, "parameters": query_parameters(DELETING), **_DELETE_BODY}
    return item


def _subresource(resource: Resource, name: str, subresource: Subresource) -> PathItem:
    names = Names(resource, "".join(part.capitalize() for part in name.split("-")))
    kind, schema = subresource.group_version_kind(resource), _subresource_schema(resource, subresource)
    text = f"{name} of the specified {resource.kind}"
    item: PathItem = {"parameters": path_parameters(resource, named=True)}
    if name in SUBRESOURCE_READING:
        return item | _connections(resource, name, subresource, names)
    for verb in subresource.verbs:
        match verb:
            case "get":
                item["get"] = _read(resource, names, schema, f"read {text}", kind)
            case "update":
                item["put"] = _replace(resource, names, schema, f"replace {text}", kind)
            case "patch":
                item["patch"] = _patch(resource, names, schema, f"partially update {text}", kind)
            case _:
                item["post"] = _create(resource, names, schema, f"create {name} of {_article(resource.kind)}", kind)
    return item


def _connections(resource: Resource, name: str, subresource: Subresource, names: Names) -> PathItem:
    """Describe the subresources that stream: a log is read, the others are connected to."""
    kind = subresource.group_version_kind(resource)
    item: PathItem = {}
    for verb in subresource.verbs:
        method = {"get": "get", "create": "post"}[verb]
        word = "read" if name == "log" else "connect"
        infix = "" if name == "log" else method.capitalize()
        content = {media_type: {"schema": _TEXT} for media_type in (("text/plain",) if name == "log" else ("*/*",))}
        operation = _operation(resource, "get" if name == "log" else "connect", {}, kind)
        item[method] = {
            **operation,
            "operationId": names.operation_id(word, infix),
            "description": f"{word} {method.upper()} requests to {name} of {resource.kind}"
            if infix
            else f"read {name} of the specified {resource.kind}",
            "parameters": query_parameters(SUBRESOURCE_READING[name]),
            "responses": {"200": {"description": "OK", "content": content}, **_UNAUTHORIZED},
        }
    return item


def _watches(resource: Resource, collection: str, one: str) -> dict[str, PathItem]:
    """Describe ``/watch/`` before the plural, which came before the parameter of that name."""
    root = resource.path().removesuffix(resource.plural)
    found = {
        _watched(root, one): _watch(resource, Names(resource), named=True),
        _watched(root, collection): _watch(resource, Names(resource), named=False),
    }
    if resource.namespaced:
        found[_watched(root, resource.path())] = _watch(resource, Names(resource, everywhere=True), named=False)
    return found


def _watched(root: str, path: str) -> str:
    return f"{root}watch/{path.removeprefix(root)}"


def _watch(resource: Resource, names: Names, *, named: bool) -> PathItem:
    operation = _operation(
        resource, "watch" if named else "watchlist", _answers(f"{META}.WatchEvent", 200, streamed=True)
    )
    operation["operationId"] = names.operation_id("watch", ending="" if named else "List")
    what = (
        f"changes to an object of kind {resource.kind}" if named else f"individual changes to a list of {resource.kind}"
    )
    operation["description"] = f"watch {what}. deprecated: use the 'watch' parameter with a list operation instead."
    shared = path_parameters(resource, named=named, namespaced=resource.namespaced and not names.everywhere)
    return {"parameters": [*query_parameters(LISTING), *shared], "get": operation}


def _subresource_schema(resource: Resource, subresource: Subresource) -> str:
    return schema_name(subresource_model(subresource) or resource.model)


def subresource_model(subresource: Subresource) -> type[KubeObject] | None:
    """Return the class that a subresource speaks, if that is another than its resource's and has a body."""
    if not subresource.kind or subresource.kind.endswith("Options"):
        return None
    group = subresource.group.partition(".")[0] or "core"
    module = importlib.import_module(f"naru.api.{group}_{subresource.version}")
    model: type[KubeObject] = getattr(module, subresource.kind)
    return model


def _list(resource: Resource, *, everywhere: bool = False) -> Operation:
    operation = _operation(resource, "list", _answers(list_name(resource), 200, streamed=True))
    operation["operationId"] = Names(resource, everywhere=everywhere).operation_id("list")
    operation["description"] = f"list or watch objects of kind {resource.kind}"
    return operation | {"parameters": query_parameters(LISTING)}


def _read(
    resource: Resource, names: Names, schema: str, text: str, kind: tuple[str, str, str] | None = None
) -> Operation:
    operation = _operation(resource, "get", _answers(schema, 200), kind)
    return operation | {"operationId": names.operation_id("read"), "description": text}


def _create(
    resource: Resource, names: Names, schema: str, text: str = "", kind: tuple[str, str, str] | None = None
) -> Operation:
    operation = _operation(resource, "post", _answers(schema, 200, 201, 202), kind)
    operation["operationId"] = names.operation_id("create")
    operation["description"] = text or f"create {_article(resource.kind)}"
    return operation | {"parameters": query_parameters(WRITING), **_body(schema, _ANY_BODY)}


def _replace(
    resource: Resource, names: Names, schema: str, text: str, kind: tuple[str, str, str] | None = None
) -> Operation:
    operation = _operation(resource, "put", _answers(schema, 200, 201), kind)
    operation |= {"operationId": names.operation_id("replace"), "description": text}
    return operation | {"parameters": query_parameters(WRITING), **_body(schema, _ANY_BODY)}


def _patch(
    resource: Resource, names: Names, schema: str, text: str, kind: tuple[str, str, str] | None = None
) -> Operation:
    operation = _operation(resource, "patch", _answers(schema, 200, 201), kind)
    operation |= {"operationId": names.operation_id("patch"), "description": text}
    return operation | {"parameters": query_parameters(PATCHING), **_body(f"{META}.Patch", PATCH_TYPES)}


def _body(schema: str, media_types: tuple[str, ...], *, required: bool = True) -> dict[str, Any]:
    content = {media_type: {"schema": ref(schema)} for media_type in media_types}
    return {"requestBody": {"content": content, **({"required": True} if required else {})}}


_DELETE_BODY: Final = _body(f"{META}.DeleteOptions", _ANY_BODY, required=False)
_UNAUTHORIZED: Final = {"401": {"description": "Unauthorized"}}


def _answers(schema: str, *codes: int, streamed: bool = False) -> dict[str, Any]:
    media_types = (*MEDIA_TYPES, *STREAMED) if streamed else MEDIA_TYPES
    content = {media_type: {"schema": ref(schema)} for media_type in media_types}
    return {str(code): {"description": _PHRASES[code], "content": content} for code in codes} | _UNAUTHORIZED


def _operation(
    resource: Resource, action: str, responses: dict[str, Any], kind: tuple[str, str, str] | None = None
) -> Operation:
    return {
        "tags": [Names(resource).tag],
        "parameters": [],
        "responses": responses,
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": group_version_kind(
            *(kind or (resource.group, resource.version, resource.kind))
        ),
    }


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "AEIOU" else f"a {kind}"
