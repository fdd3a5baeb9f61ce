"""Discovery: what this server serves, so that clients can turn ``deploy`` into a path.

Flow: naru.api.scheme -> *discovery documents* -> kubectl, client libraries, operators.
Two forms of the same facts: one document per group-version, as always, and the aggregated one, which tells all in a
single answer on ``/api`` and ``/apis`` to clients that ask for it in Accept. Nothing is listed that is not served.

Source: KEP-3352 (aggregated discovery); apidiscovery.k8s.io/v2 and meta/v1 of the API reference.
"""

import platform
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, Final

from aiohttp import web

from apiserver.documents import Document, accepted, document
from apiserver.state import ServerState
from apiserver.subresources import Subresource, subresources_of
from naru.api.scheme import RESOURCES, Resource

MAJOR: Final = "1"
MINOR: Final = "36"  # the version of Kubernetes whose API this is
GIT_VERSION: Final = f"v{MAJOR}.{MINOR}.0+naru"

AGGREGATED: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_AGGREGATED_PARAMETERS: Final = {"g": "apidiscovery.k8s.io", "v": "v2", "as": "APIGroupDiscoveryList"}

CUSTOM_KINDS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_routes(app: web.Application, state: ServerState) -> None:
    """Serve the discovery documents and ``/version``, and at ``/`` the list of all such paths."""
    addresses = [f"{host}:{port}" for host, port in state.config.listen]
    for path, handler in _handlers(addresses).items():
        app.router.add_get(path, handler)
        app.router.add_get(f"{path}/", handler)  # how the Python client asks
    app.router.add_get("/", _list_paths)


def _handlers(addresses: Sequence[str]) -> dict[str, Handler]:
    core = [resource for resource in RESOURCES if not resource.group]
    named = [resource for resource in RESOURCES if resource.group]
    handlers = {
        "/version": _serve(document(version_info())),
        CUSTOM_KINDS: _serve(document(custom_kinds())),
        "/api": _serve(document(api_versions(addresses)), document(aggregated_list(core), AGGREGATED)),
        "/apis": _serve(document(api_group_list(named)), document(aggregated_list(named), AGGREGATED)),
    }
    for group, resources in by_group(RESOURCES):
        if group:
            handlers[f"/apis/{group}"] = _serve(document(api_group(group, resources, alone=True)))
        for api_version, members in _by_version(resources):
            prefix = "apis" if group else "api"
            handlers[f"/{prefix}/{api_version}"] = _serve(document(api_resource_list(api_version, members)))
    return handlers


async def _list_paths(request: web.Request) -> web.StreamResponse:
    """Answer with what the router knows, except the patterns that objects are served at."""
    paths = (resource.canonical for resource in request.app.router.resources())
    return web.json_response({"paths": sorted(path for path in paths if "{" not in path and path[-1] != "/")})


def _serve(plain: Document, aggregated: Document | None = None) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        if aggregated is not None and wants_aggregated(request.headers.get("Accept", "")):
            return aggregated.respond(request)
        return plain.respond(request)

    return handler


def wants_aggregated(accept: str) -> bool:
    """Tell whether the aggregated form is asked for, and before the plain one."""
    for media_range in accepted(accept):
        asked = {name: media_range.parameters.get(name) for name in _AGGREGATED_PARAMETERS}
        if media_range.media_type == "application/json" and asked == _AGGREGATED_PARAMETERS:
            return True
        if media_range.media_type in ("application/json", "*/*") and not asked["as"]:
            return False
    return False


def version_info() -> dict[str, str]:
    """Return the answer of ``/version``."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {
        "major": MAJOR,
        "minor": MINOR,
        "gitVersion": GIT_VERSION,
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",  # nothing is built; the field is required to be a date
        "goVersion": f"python{platform.python_version()}",
        "compiler": sys.implementation.name,
        "platform": f"{platform.system().lower()}/{machine}",
    }


def custom_kinds() -> dict[str, Any]:
    """Return the empty list of custom kinds: ``kubectl create`` looks there before it says that a kind is unknown."""
    return {
        "kind": "CustomResourceDefinitionList",
        "apiVersion": "apiextensions.k8s.io/v1",
        "metadata": {"resourceVersion": "0"},
        "items": [],
    }


def by_group(resources: Iterable[Resource]) -> list[tuple[str, list[Resource]]]:
    """Group resources by API group, groups in the order of the table."""
    return [(group, list(members)) for group, members in groupby(resources, key=lambda resource: resource.group)]


def _by_version(resources: Iterable[Resource]) -> list[tuple[str, list[Resource]]]:
    return [(version, list(members)) for version, members in groupby(resources, key=lambda r: r.api_version)]


def api_versions(addresses: Sequence[str]) -> dict[str, Any]:
    """Return the plain answer of ``/api``: the versions of the core group."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": where} for where in addresses[:1]],
    }


def api_group(group: str, resources: Sequence[Resource], *, alone: bool) -> dict[str, Any]:
    """Describe one group: in a list, or alone as a document with a kind."""
    kind = {"kind": "APIGroup", "apiVersion": "v1"} if alone else {}
    versions = [
        {"groupVersion": api_version, "version": members[0].version} for api_version, members in _by_version(resources)
    ]
    return {**kind, "name": group, "versions": versions, "preferredVersion": versions[0]}


def api_group_list(resources: Iterable[Resource]) -> dict[str, Any]:
    """Return the plain answer of ``/apis``."""
    groups = [api_group(group, members, alone=False) for group, members in by_group(resources)]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def api_resource_list(api_version: str, resources: Iterable[Resource]) -> dict[str, Any]:
    """Return the plain answer of ``/api/v1`` or ``/apis/GROUP/VERSION``."""
    rows = []
    for resource in sorted(resources, key=lambda r: r.plural):
        rows.append(_resource_row(resource))
        rows += [_subresource_row(resource, name, sub) for name, sub in subresources_of(resource).items()]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": rows}


def _resource_row(resource: Resource) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    return row | _names(resource)


def _names(resource: Resource) -> dict[str, Any]:
    names = {"shortNames": list(resource.short_names), "categories": list(resource.categories)}
    return {key: value for key, value in names.items() if value}


def _subresource_row(resource: Resource, name: str, subresource: Subresource) -> dict[str, Any]:
    group, version, kind = subresource.group_version_kind(resource)
    row: dict[str, Any] = {"name": f"{resource.plural}/{name}", "singularName": "", "namespaced": resource.namespaced}
    if (group, version) != (resource.group, resource.version):
        row |= {"group": group, "version": version}
    return row | {"kind": kind, "verbs": list(subresource.verbs)}


def aggregated_list(resources: Iterable[Resource]) -> dict[str, Any]:
    """Return the aggregated answer of ``/api`` (core group) or ``/apis`` (the others)."""
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [_aggregated_group(group, members) for group, members in by_group(resources)],
    }


def _aggregated_group(group: str, resources: Iterable[Resource]) -> dict[str, Any]:
    versions = [
        {
            "version": members[0].version,
            "resources": [_aggregated_resource(member) for member in sorted(members, key=lambda r: r.plural)],
            "freshness": "Current",
        }
        for _, members in _by_version(resources)
    ]
    return {"metadata": {"name": group} if group else {}, "versions": versions}


def _aggregated_resource(resource: Resource) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "resource": resource.plural,
        "responseKind": _kind(resource.group, resource.version, resource.kind),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    subresources = [
        {
            "subresource": name,
            "responseKind": _kind(*subresource.group_version_kind(resource)),
            "verbs": list(subresource.verbs),
        }
        for name, subresource in subresources_of(resource).items()
    ]
    return entry | _names(resource) | ({"subresources": subresources} if subresources else {})


def _kind(group: str, version: str, kind: str) -> dict[str, str]:
    return {"group": group, "version": version, "kind": kind}
