"""Ask an API server what it serves: for callers that act on every kind there is, also on kinds they have no class for.

Source: Kubernetes documentation, "API concepts" (discovery): the unaggregated documents, which every server has.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from naru.client.client import Client


@dataclass(frozen=True)
class ServedResource:
    """One resource that a server offers."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]

    def path(self, namespace: str = "", name: str = "") -> str:
        """Return the URL path of the resource, or of one object."""
        prefix = "/apis" if "/" in self.api_version else "/api"
        scope = ["namespaces", namespace] if namespace and self.namespaced else []
        return "/".join([prefix, self.api_version, *scope, self.plural, *([name] if name else [])])


async def served_resources(client: Client) -> list[ServedResource]:
    """Return every resource of every served version's preferred document, subresources left out."""
    found = []
    async for api_version in _group_versions(client):
        prefix = "/apis" if "/" in api_version else "/api"
        document = await client.raw("GET", f"{prefix}/{api_version}")
        found += [_resource(api_version, item) for item in document["resources"] if "/" not in item["name"]]
    return found


async def _group_versions(client: Client) -> AsyncIterator[str]:
    """Name the core versions, and the preferred version of each group."""
    for version in (await client.raw("GET", "/api"))["versions"]:
        yield version
    for group in (await client.raw("GET", "/apis"))["groups"]:
        yield group["preferredVersion"]["groupVersion"]


def _resource(api_version: str, item: dict[str, Any]) -> ServedResource:
    return ServedResource(api_version, item["kind"], item["name"], bool(item["namespaced"]), frozenset(item["verbs"]))
