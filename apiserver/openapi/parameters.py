"""The query parameters of operations: their types, and which of them each verb reads.

Source: Kubernetes API reference, "Common parameters"; the parameters of upstream's own documents.
"""

from typing import Any, Final

from naru.api.scheme import Resource

_TEXT: Final = {"type": "string", "uniqueItems": True}
_NUMBER: Final = {"type": "integer", "uniqueItems": True}
_SWITCH: Final = {"type": "boolean", "uniqueItems": True}

_PARAMETERS: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "allowWatchBookmarks": (_SWITCH, "Send BOOKMARK events, which carry nothing but the latest revision."),
    "command": (_TEXT, "What to run, one parameter a word."),
    "container": (_TEXT, "The container; may be left out when the pod has one alone."),
    "continue": (_TEXT, "Where the next page starts: the token of the page before."),
    "dryRun": (_TEXT, "All: do everything but store the result."),
    "fieldManager": (_TEXT, "Who makes the change; the start of the user agent, unless given. An apply must give it."),
    "fieldSelector": (_TEXT, "Objects whose fields have these values."),
    "fieldValidation": (_TEXT, "What becomes of unknown and duplicate fields: Ignore, Warn or Strict."),
    "follow": (_SWITCH, "Go on with lines that are yet to be written."),
    "force": (_SWITCH, "Take over fields that other managers have applied; for an apply alone."),
    "gracePeriodSeconds": (_NUMBER, "How long the object may take to end."),
    "ignoreStoreReadErrorWithClusterBreakingPotential": (_SWITCH, "Delete even what cannot be read; naru ignores it."),
    "labelSelector": (_TEXT, "Objects whose labels match."),
    "limit": (_NUMBER, "At most so many objects, and a token for the rest."),
    "limitBytes": (_NUMBER, "At most so many bytes."),
    "orphanDependents": (_SWITCH, "The older form of propagationPolicy."),
    "pretty": (_TEXT, "Indent the answer: true or false; by default only for browsers, curl and Wget."),
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
    "timeoutSeconds": (_NUMBER, "End the list or watch after this time."),
    "timestamps": (_SWITCH, "Begin each line with its time."),
    "tty": (_SWITCH, "Give the process a terminal."),
    "watch": (_SWITCH, "Stream changes instead of answering once."),
}

WRITING: Final = ("dryRun", "fieldManager", "fieldValidation")
PATCHING: Final = (*WRITING, "force")
DELETING: Final = (
    *("dryRun", "gracePeriodSeconds", "ignoreStoreReadErrorWithClusterBreakingPotential"),
    *("orphanDependents", "propagationPolicy"),
)
SELECTING: Final = (
    *("continue", "fieldSelector", "labelSelector", "limit", "resourceVersion", "resourceVersionMatch"),
    *("sendInitialEvents", "timeoutSeconds"),
)
LISTING: Final = tuple(sorted((*SELECTING, "allowWatchBookmarks", "watch")))
DELETING_ALL: Final = tuple(sorted((*SELECTING, *DELETING)))
_STREAMING: Final = ("container", "stderr", "stdin", "stdout", "tty")
SUBRESOURCE_READING: Final = {
    "attach": _STREAMING,
    "exec": ("command", *_STREAMING),
    "log": ("container", "follow", "limitBytes", "previous", "sinceSeconds", "sinceTime", "tailLines", "timestamps"),
}


def query_parameters(names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Describe query parameters."""
    return [_query_parameter(name) for name in names]


def _query_parameter(name: str) -> dict[str, Any]:
    schema, description = _PARAMETERS[name]
    return {"name": name, "in": "query", "description": description, "schema": schema}


def path_parameters(resource: Resource, *, named: bool, namespaced: bool | None = None) -> list[dict[str, Any]]:
    """Describe what the operations of a path share: the parts of the path, and ``pretty``."""
    found = []
    if named:
        found.append(_path_parameter("name", f"name of the {resource.kind}"))
    if resource.namespaced if namespaced is None else namespaced:
        found.append(_path_parameter("namespace", "object name and auth scope, such as for teams and projects"))
    return [*found, _query_parameter("pretty")]


def _path_parameter(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "description": description, "required": True, "schema": _TEXT}
