"""RequestInfo: what a URL and a method ask for, in the words of the API.

``GET /apis/apps/v1/namespaces/default/deployments/web/scale`` is *get* the *scale* of *deployments* *web* in *default*.

Source: Kubernetes documents, "API access: request verbs" and "Resource URIs".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from apiserver.query import is_true
from apiserver.subresources import SUBRESOURCES
from naru.api.errors import APIError, MethodNotAllowed, NotFound
from naru.api.keys import ObjectKey
from naru.api.scheme import RESOURCES, Resource, by_plural

_OBJECT_VERBS: Final = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_COLLECTION_VERBS: Final = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}
_GROUPS: Final = frozenset(resource.group for resource in RESOURCES)


@dataclass(frozen=True)
class RequestInfo:
    """One request for a resource."""

    verb: str  # get list watch create update patch delete deletecollection
    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def key(self) -> ObjectKey:
        """The object that is named."""
        return ObjectKey(self.namespace if self.resource.namespaced else "", self.name)


def request_info(method: str, path: str, query: Mapping[str, str]) -> RequestInfo:
    """Read a path under ``/api`` or ``/apis``.

    Raises:
        NotFound: no such resource, or nothing of that kind lives at this path.
        MethodNotAllowed: it does not have that verb.
    """
    group, version, rest = _group_version(segments_of(path))
    watching = rest[:1] == ["watch"]  # the deprecated form: /api/v1/watch/namespaces/default/pods
    if watching:
        rest = rest[1:]
    namespace = ""
    if not all(rest[2:]) or rest[1:] == [""]:
        raise unknown_path()
    if len(rest) > 2 and rest[0] == "namespaces" and not _is_namespace_subresource(rest):
        namespace, rest = rest[1], rest[2:]
    resource = by_plural(group, version, rest[0]) if rest else None
    if resource is None or len(rest) > 3 or (namespace and not resource.namespaced):
        raise unknown_path()
    name, subresource = (*rest[1:], "", "")[:2]
    if "" in rest[1:] or (resource.namespaced and name and not namespace):
        raise unknown_path()
    verb = _verb(method, resource, name, subresource)
    if resource.namespaced and not namespace and verb != "list":
        raise not_allowed()
    if watching or (verb == "list" and "watch" in query and is_true(query["watch"])):
        verb = "watch" if verb in ("list", "get") else verb
    return RequestInfo(verb, resource, namespace, name, subresource)


def segments_of(path: str) -> list[str]:
    """Split a path; one slash at its end does not count, two in a row have an empty name between them."""
    return path.removeprefix("/").removesuffix("/").split("/")


def is_served_by_api(path: str) -> bool:
    """Tell whether upstream's API router owns a path, found or not; all others get its plain ``404 page not found``."""
    first, *rest = segments_of(path)
    return first in ("api", "version") or (first == "apis" and (not rest or rest[0] in _GROUPS - {""}))


def _group_version(segments: list[str]) -> tuple[str, str, list[str]]:
    if segments[0] == "api" and len(segments) > 2:
        return "", segments[1], segments[2:]
    if segments[0] == "apis" and len(segments) > 3:
        return segments[1], segments[2], segments[3:]
    raise unknown_path()


def _is_namespace_subresource(rest: list[str]) -> bool:
    return len(rest) == 3 and rest[2] in ("status", "finalize")


def _verb(method: str, resource: Resource, name: str, subresource: str) -> str:
    if subresource:
        if subresource not in resource.subresources:
            raise unknown_path()
        verb, verbs = {**_OBJECT_VERBS, "POST": "create"}.get(method), SUBRESOURCES[subresource].verbs
    elif name and resource.verbs and not set(_OBJECT_VERBS.values()) & set(resource.verbs):
        raise unknown_path()  # such as a review, which is made and not kept
    else:
        verb, verbs = (_OBJECT_VERBS if name else _COLLECTION_VERBS).get(method), resource.verbs
    if verb is None or verb not in verbs:
        raise not_allowed()
    return verb


def not_allowed() -> APIError:
    """Build the 405 for a path that exists, but not for that verb."""
    return MethodNotAllowed("the server does not allow this method on the requested resource", details={})


def unknown_path() -> APIError:
    """Build the 404 for a path that nothing is served at."""
    return NotFound("the server could not find the requested resource", details={})
