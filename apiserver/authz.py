"""Authorization: what a sender may do, and how a refusal is worded.

Every user of the cluster's CA may do everything; ``system:anonymous`` may ask how the server is and which version it
has. The words of a refusal say what the request asks for, read off the URL alone: whether it exists is not told.

Source: Kubernetes documents, "Authorization: determine the request verb"; the role ``system:public-info-viewer``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from apiserver.authn import ANONYMOUS, User
from apiserver.query import is_true
from naru.api.errors import Forbidden

PUBLIC_PATHS: Final = ("/healthz", "/livez", "/readyz", "/version", "/version/")

_VERBS: Final = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_OF_COLLECTIONS: Final = {"get": "list", "delete": "deletecollection"}
_SPECIAL_VERBS: Final = ("proxy", "watch")
_NAMESPACE_SUBRESOURCES: Final = ("status", "finalize")
_ESCAPED: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True)
class Attributes:
    """What a request asks for; without a resource it is about the path."""

    verb: str
    path: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        """Write it as a refusal does."""
        if not self.resource:
            return f'{self.verb} path "{self.path}"'
        resource = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        where = f'in the namespace "{self.namespace}"' if self.namespace else "at the cluster scope"
        return f'{self.verb} resource "{resource}" in API group "{self.group}" {where}'


def attributes_of(method: str, path: str, query: Mapping[str, str]) -> Attributes:
    """Read a request by the form of its URL."""
    parts = path.strip("/").split("/")
    about_path = Attributes(method.lower(), path)
    if parts[0] not in ("api", "apis") or len(parts) < (3 if parts[0] == "api" else 4):
        return about_path
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1], parts[3:])
    verb = _VERBS.get(method, "")
    if rest[0] in _SPECIAL_VERBS:
        if len(rest) < 2:
            return about_path
        verb, rest = rest[0], rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _NAMESPACE_SUBRESOURCES:
            rest = rest[2:]
    resource, name, subresource = (*rest, "", "")[:3]
    if not name:
        verb = _OF_COLLECTIONS.get(verb, verb)
        verb = "watch" if verb == "list" and "watch" in query and is_true(query["watch"]) else verb
    return Attributes(verb, path, group, resource, subresource, namespace, name)


def authorize(user: User, method: str, path: str, query: Mapping[str, str]) -> None:
    """Let a request pass.

    Raises:
        Forbidden: its sender may not do that.
    """
    if user is not ANONYMOUS or (method in ("GET", "HEAD") and path in PUBLIC_PATHS):
        return
    asked = attributes_of(method, path, query)
    group_resource = f"{asked.resource}.{asked.group}" if asked.group else asked.resource
    what = f'{group_resource} "{asked.name}" is forbidden' if asked.name else f"{group_resource} is forbidden"
    denial = f'User "{user.name}" cannot {asked}'.translate(_ESCAPED)
    details = {"name": asked.name, "group": asked.group, "kind": asked.resource}
    raise Forbidden(
        f"{what if asked.resource else 'forbidden'}: {denial}",
        details={key: value for key, value in details.items() if value},
    )
