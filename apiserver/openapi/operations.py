"""The paths and operations of each resource, with the parameters that the handlers read.

kubectl looks for three things here: which kind a path serves (``x-kubernetes-group-version-kind``), which patches it
takes, and whether PATCH has a ``fieldValidation`` parameter, for then it leaves validation to the server.
"""

from typing import Any, Final

from apiserver.openapi.schemas import META, group_version_kind, list_name, ref, schema_name
from apiserver.patch import PATCH_TYPES
from apiserver.subresources import Subresource, subresources_of
from naru.api.scheme import Resource

Operation = dict[str, Any]

_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "integer", "format": "int64"}
_SWITCH: Final = {"type": "boolean"}

_PARAMETERS: Final[dict[str, tuple[dict[str, str], str]]] = {
    "allowWatchBookmarks": (_SWITCH, "Send BOOKMARK events, which carry nothing but the latest revision."),
    "command": (_TEXT, "What to run, one parameter a word."),
    "container": (_TEXT, "The container; may be left out when the pod has one alone."),
    "continue": (_TEXT, "Where the next page starts: the token of the page before."),
    "dryRun": (_TEXT, "All: do everything but store the result."),
    "fieldManager": (_TEXT, "Who makes the change."),
    "fieldSelector": (_TEXT, "Objects whose fields have these values."),
    "fieldValidation": (_TEXT, "What becomes of unknown and duplicate fields: Ignore, Warn or Strict."),
    "follow": (_SWITCH, "Go on with lines that are yet to be written."),
    "gracePeriodSeconds": (_NUMBER, "How long the object may take to end."),
    "labelSelector": (_TEXT, "Objects whose labels match."),
    "limit": (_NUMBER, "At most so many objects, and a token for the rest."),
    "limitBytes": (_NUMBER, "At most so many bytes."),
    "previous": (_SWITCH, "The log of the container's run before this one."),
    "propagationPolicy": (_TEXT, "What becomes of dependents: Orphan, Background or Foreground."),
    "resourceVersion": (_TEXT, "The revision that the answer has to be as new as."),
    "resourceVersionMatch": (_TEXT, "NotOlderThan or Exact."),
    "sendInitialEvents": (_SWITCH, "Begin a watch with the objects that are there."),
    "sinceSeconds": (_NUMBER, "Lines not older than this."),
    "sinceTime": (_TEXT, "Lines not older than this moment."),
    "stderr": (_SWITCH, "Carry the standard error."),
    "stdin": (_SWITCH, "Carry the standard input."),
    "stdout": (_SWITCH, "Carry the standard output."),
    "tailLines": (_NUMBER, "The last lines only."),
    "timeoutSeconds": (_NUMBER, "End the watch after this time."),
    "timestamps": (_SWITCH, "Begin each line with its time."),
    "tty": (_SWITCH, "Give the process a terminal."),
    "watch": (_SWITCH, "Stream changes instead of answering once."),
}

_WRITING: Final = ("dryRun", "fieldManager", "fieldValidation")
_DELETING: Final = ("dryRun", "gracePeriodSeconds", "propagationPolicy")
_LISTING: Final = (
    *("allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion"),
    *("resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch"),
)
_STREAMING: Final = ("container", "stderr", "stdin", "stdout", "tty")
_SUBRESOURCE_READING: Final = {
    "attach": _STREAMING,
    "exec": ("command", *_STREAMING),
    "log": ("container", "follow", "limitBytes", "previous", "sinceSeconds", "sinceTime", "tailLines", "timestamps"),
}

_METHODS: Final = {"get": "get", "update": "put", "patch": "patch", "delete": "delete", "create": "post"}
_ACTIONS: Final = {"get": "get", "update": "put", "patch": "patch", "delete": "delete", "create": "post"}
_VERB_WORDS: Final = {"get": "read", "update": "replace", "patch": "patch", "delete": "delete", "create": "create"}


def paths_of(resource: Resource) -> dict[str, dict[str, Any]]:
    """Return the path items of one resource, its subresources included."""
    namespace = "{namespace}" if resource.namespaced else ""
    collection, one = resource.path(namespace), resource.path(namespace, "{name}")
    parameters = [path_parameter("namespace")] if resource.namespaced else []
    named = [*parameters, path_parameter("name")]
    items = {collection: _collection(resource, parameters), one: _one(resource, named)}
    if resource.namespaced:
        items[resource.path()] = {"get": _list(resource, "ForAllNamespaces")}
    for name, subresource in subresources_of(resource).items():
        items[f"{one}/{name}"] = _subresource(resource, name, subresource, named)
    return items


def path_parameter(name: str) -> dict[str, Any]:
    """Describe a part of the path."""
    return {"name": name, "in": "path", "required": True, "schema": _TEXT}


def query_parameter(name: str) -> dict[str, Any]:
    """Describe a query parameter."""
    schema, description = _PARAMETERS[name]
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _collection(resource: Resource, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    item: dict[str, Any] = {"parameters": parameters}
    if "list" in resource.verbs:
        item["get"] = _list(resource, "")
    if "create" in resource.verbs:
        item["post"] = _write(resource, "create", schema_name(resource.model))
    if "deletecollection" in resource.verbs:
        item["delete"] = _deletion(resource, "deletecollection", "deleteCollection", (*_DELETING, *_LISTING))
    return item


def _one(resource: Resource, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    name = schema_name(resource.model)
    item: dict[str, Any] = {"parameters": parameters}
    if "get" in resource.verbs:
        item["get"] = _operation(resource, "get", "read", (), answer=ref(name))
    for verb in ("update", "patch"):
        if verb in resource.verbs:
            item[_METHODS[verb]] = _write(resource, verb, name)
    if "delete" in resource.verbs:
        item["delete"] = _deletion(resource, "delete", "delete", _DELETING)
    return item


def _subresource(
    resource: Resource, name: str, subresource: Subresource, parameters: list[dict[str, Any]]
) -> dict[str, Any]:
    kind = subresource.group_version_kind(resource)
    item: dict[str, Any] = {"parameters": parameters}
    body = _subresource_schema(resource, subresource)
    for verb in subresource.verbs:
        suffix = name.capitalize()
        if name in _SUBRESOURCE_READING:
            query = _SUBRESOURCE_READING[name]
            word = {"get": "connectGet", "create": "connectPost"}[verb] if name != "log" else "read"
            item[_METHODS[verb]] = _operation(resource, verb, word, query, answer=_TEXT, suffix=suffix, kind=kind)
        elif verb == "get":
            item["get"] = _operation(resource, verb, "read", (), answer=ref(body), suffix=suffix, kind=kind)
        else:
            item[_METHODS[verb]] = _write(resource, verb, body, suffix, kind)
    return item


def _subresource_schema(resource: Resource, subresource: Subresource) -> str:
    if not subresource.kind:
        return schema_name(resource.model)
    return f"io.k8s.api.{subresource.group or 'core'}.{subresource.version}.{subresource.kind}"


def _list(resource: Resource, suffix: str) -> Operation:
    return _operation(resource, "list", "list", _LISTING, answer=ref(list_name(resource)), suffix=suffix)


def _deletion(resource: Resource, verb: str, word: str, query: tuple[str, ...]) -> Operation:
    operation = _operation(resource, verb, word, query, answer=ref(f"{META}.Status"))
    return operation | {"requestBody": {"content": {"application/json": {"schema": ref(f"{META}.DeleteOptions")}}}}


def _write(
    resource: Resource, verb: str, body: str, suffix: str = "", kind: tuple[str, str, str] | None = None
) -> Operation:
    sent, media_types = (f"{META}.Patch", PATCH_TYPES) if verb == "patch" else (body, ("application/json",))
    code = "201" if verb == "create" else "200"
    operation = _operation(
        resource, verb, _VERB_WORDS[verb], _WRITING, answer=ref(body), suffix=suffix, kind=kind, code=code
    )
    content = {media_type: {"schema": ref(sent)} for media_type in media_types}
    return operation | {"requestBody": {"content": content, "required": True}}


def _operation(
    resource: Resource,
    verb: str,
    word: str,
    query: tuple[str, ...],
    *,
    answer: dict[str, Any],
    suffix: str = "",
    kind: tuple[str, str, str] | None = None,
    code: str = "200",
) -> Operation:
    group = "".join(part.capitalize() for part in resource.group.split(".")[:1]) or "Core"
    scope = "Namespaced" if resource.namespaced and suffix != "ForAllNamespaces" else ""
    media_type = "text/plain" if answer is _TEXT else "application/json"
    return {
        "operationId": f"{word}{group}{resource.version.capitalize()}{scope}{resource.kind}{suffix}",
        "tags": [f"{resource.group.partition('.')[0] or 'core'}_{resource.version}"],
        "parameters": [query_parameter(name) for name in query],
        "responses": {code: {"description": "OK", "content": {media_type: {"schema": answer}}}},
        "x-kubernetes-action": _ACTIONS.get(verb, verb),
        "x-kubernetes-group-version-kind": group_version_kind(
            *(kind or (resource.group, resource.version, resource.kind))
        ),
    }
