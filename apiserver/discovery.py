"""Discovery: what this server serves, so that clients can turn ``deploy`` into a path.

Flow: naru.api.scheme -> *discovery documents* -> kubectl, client libraries, operators.
Two forms of the same facts: one document per group-version, as always, and the aggregated one, which tells all in a
single answer on ``/api`` and ``/apis`` to clients that ask for it in Accept. Nothing is listed that is not served.

Source: KEP-3352 (aggregated discovery); apidiscovery.k8s.io/v2 and meta/v1 of the API reference.
"""

import base64
import hashlib
import platform
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cache, partial
from itertools import groupby
from typing import Any, Final

import orjson
from aiohttp import web

from apiserver.documents import Document, document
from apiserver.encoding import CACHE_CONTROL, prettier, to_yaml
from apiserver.negotiation import JSON, MEDIA_TYPES, YAML, check_route, clauses, is_pretty, negotiated, not_acceptable
from apiserver.request_info import not_allowed
from apiserver.routes import ANY, add_route
from apiserver.state import ServerState
from apiserver.subresources import Subresource, subresources_of
from naru.api.scheme import RESOURCES, Resource

MAJOR: Final = "1"
MINOR: Final = "36"  # the version of Kubernetes whose API this is
GIT_VERSION: Final = f"v{MAJOR}.{MINOR}.0+naru"

AGGREGATED_PARAMETERS: Final = ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_AGGREGATED: Final = ("apidiscovery.k8s.io", "v2", "APIGroupDiscoveryList")

_GROUP_ORDER: Final = (
    *("apiregistration.k8s.io", "apps", "events.k8s.io", "authentication.k8s.io", "authorization.k8s.io"),
    *("autoscaling", "batch", "certificates.k8s.io", "networking.k8s.io", "policy", "rbac.authorization.k8s.io"),
    *("storage.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "scheduling.k8s.io"),
    *("coordination.k8s.io", "node.k8s.io", "discovery.k8s.io", "flowcontrol.apiserver.k8s.io", "resource.k8s.io"),
)  # by the priorities that upstream gives its API services
_STORED_AS: Final = {
    ("events.k8s.io", "Event"): ("", "v1"),
    ("autoscaling", "HorizontalPodAutoscaler"): ("autoscaling", "v2"),
}  # group and version that a kind of several is kept in

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Build = Callable[[], dict[str, Any]]


def add_routes(app: web.Application, state: ServerState) -> None:
    """Serve the discovery documents and ``/version``, and at ``/`` the list of all such paths."""
    addresses = [f"{host}:{port}" for host, port in state.config.listen]
    for path, handler in _handlers(addresses).items():
        add_route(app, ANY, path, _only_get(handler))
        add_route(app, ANY, f"{path}/", _only_get(handler))  # how the Python client asks
    for path in ("/", "/index.html"):
        add_route(app, ANY, path, _list_paths)


def _only_get(handler: Handler) -> Handler:
    async def guarded(request: web.Request) -> web.StreamResponse:
        if request.method != "GET":
            raise not_allowed()
        return await handler(request)

    return guarded


def _handlers(addresses: Sequence[str]) -> dict[str, Handler]:
    core = [resource for resource in RESOURCES if not resource.group]
    named = [resource for resource in RESOURCES if resource.group]
    handlers = {
        "/version": _serve_version,
        "/api": _serve(partial(api_versions, addresses), partial(aggregated_list, core)),
        "/apis": _serve(partial(api_group_list, named), partial(aggregated_list, named)),
    }
    for group, resources in by_group(RESOURCES):
        if group:
            handlers[f"/apis/{group}"] = _serve(partial(api_group, group, resources, alone=True))
        for api_version, members in _by_version(resources):
            prefix = "apis" if group else "api"
            handlers[f"/{prefix}/{api_version}"] = _serve(partial(api_resource_list, api_version, members))
    return handlers


async def _list_paths(request: web.Request) -> web.StreamResponse:
    """Answer with what the router knows, except the patterns that objects are served at."""
    known = (resource.canonical for resource in request.app.router.resources())
    paths = sorted(path for path in known if "{" not in path and path[-1] != "/" and path != "/index.html")
    return _raw_json({"paths": paths})


async def _serve_version(request: web.Request) -> web.StreamResponse:
    check_route(request)
    return _raw_json(version_info())


def _raw_json(content: dict[str, Any]) -> web.Response:
    """Answer in JSON for people, whoever asks."""
    body = orjson.dumps(content, option=orjson.OPT_INDENT_2)
    return web.Response(body=body, headers={"Content-Type": JSON, "Cache-Control": CACHE_CONTROL})


def _serve(build_plain: Build, build_aggregated: Build | None = None) -> Handler:
    """Serve a document in JSON or YAML, built when it is first asked for."""
    plain = cache(lambda: document(build_plain()))
    aggregated = cache(lambda: document(build_aggregated())) if build_aggregated else None

    async def handler(request: web.Request) -> web.StreamResponse:
        check_route(request)
        accept = request.headers.get("Accept", "")
        media_type = aggregated_type(accept) if aggregated is not None else ""
        if aggregated is not None and media_type:
            return _aggregated(request, aggregated(), media_type)
        choice = negotiated(accept, transforms=False)
        if choice is None:
            raise not_acceptable(MEDIA_TYPES)
        found = plain()
        if choice.media_type == YAML:
            found = Document(to_yaml(found.body), YAML, found.digest)
        return found.respond_plain(request)

    return handler


def _aggregated(request: web.Request, found: Document, media_type: str) -> web.Response:
    """Answer with the aggregated form, whose media type says what it is."""
    body = found.body + b"\n"
    if media_type == YAML:
        body = to_yaml(found.body)
    elif is_pretty(request):
        body = prettier(found.body)
    return Document(body, media_type + AGGREGATED_PARAMETERS, found.digest).respond(request, "public")


def aggregated_type(accept: str) -> str:
    """Return the media type of the aggregated form that is asked for, at whatever place; empty if none is."""
    for clause in clauses(accept):
        if clause.target == _AGGREGATED:
            return next((media_type for media_type in MEDIA_TYPES if clause.covers(media_type)), "")
    return ""


def version_info() -> dict[str, str]:
    """Return the answer of ``/version``."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {
        "major": MAJOR,
        "minor": MINOR,
        "emulationMajor": MAJOR,
        "emulationMinor": MINOR,
        "minCompatibilityMajor": MAJOR,
        "minCompatibilityMinor": str(int(MINOR) - 1),
        "gitVersion": GIT_VERSION,
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",  # nothing is built; the field is required to be a date
        "goVersion": f"python{platform.python_version()}",
        "compiler": sys.implementation.name,
        "platform": f"{platform.system().lower()}/{machine}",
    }


def by_group(resources: Iterable[Resource]) -> list[tuple[str, list[Resource]]]:
    """Group resources by API group: the core group, those of upstream in its order, others by name."""
    groups: dict[str, list[Resource]] = {}
    for resource in resources:
        groups.setdefault(resource.group, []).append(resource)
    return sorted(groups.items(), key=lambda item: _rank(item[0]))


def _rank(group: str) -> tuple[int, str]:
    return (_GROUP_ORDER.index(group) if group in _GROUP_ORDER else len(_GROUP_ORDER) if group else -1), group


def _by_version(resources: Iterable[Resource]) -> list[tuple[str, list[Resource]]]:
    """Group the resources of a group by version, the preferred one first, as the table of resources has them."""
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
    kind = {"kind": "APIResourceList", "apiVersion": "v1"} if "/" in api_version else {"kind": "APIResourceList"}
    return {**kind, "groupVersion": api_version, "resources": rows}


def _resource_row(resource: Resource) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    return row | _names(resource) | _storage_version_hash(resource)


def _storage_version_hash(resource: Resource) -> dict[str, str]:
    """Tell clients that move stored objects to a newer version when there is one."""
    if "list" not in resource.verbs:
        return {}
    group, version = _STORED_AS.get((resource.group, resource.kind), (resource.group, resource.version))
    digest = hashlib.sha256(f"{group}/{version}/{resource.kind}".encode()).digest()
    return {"storageVersionHash": base64.b64encode(digest[:8]).decode()}


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
        "responseKind": _kind(resource, (resource.group, resource.version, resource.kind)),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    subresources = [
        {
            "subresource": name,
            "responseKind": _kind(resource, subresource.group_version_kind(resource)),
            "verbs": list(subresource.verbs),
        }
        for name, subresource in subresources_of(resource).items()
    ]
    return entry | _names(resource) | ({"subresources": subresources} if subresources else {})


def _kind(resource: Resource, kind: tuple[str, str, str]) -> dict[str, str]:
    """Write a kind; of the group and version that it stands beneath in the document, upstream gives none."""
    here = kind[:2] == (resource.group, resource.version)
    return {"group": "" if here else kind[0], "version": "" if here else kind[1], "kind": kind[2]}
