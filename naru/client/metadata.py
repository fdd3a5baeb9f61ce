"""Objects of any kind by their metadata alone: for callers that act on all kinds, such as the garbage collector.

Flow: caller -> *MetadataClient* -> Client.raw -> API server, which strips the objects (``PartialObjectMetadata``).
The class of a kind is never imported, and no validator is built for it: all kinds are decoded into one small form,
a :class:`~naru.api.meta.KubeObject` that has of its metadata what names it, owns it, and keeps it from going.
Source: Kubernetes documentation, "API concepts" (metadata-only fetches).
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from naru.api.keys import ObjectKey
from naru.api.meta import KubeObject, ObjectMeta
from naru.api.scheme import Resource
from naru.client.client import PATCH_MEDIA_TYPES, Client, PatchType, watch_timeout_s
from naru.client.http import ByteStream
from naru.client.watch import WatchEvent, read_event
from naru.telemetry.trail import Cause

AS_METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
AS_METADATA_LIST: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_KEPT: Final = ("name", "namespace", "uid", "resourceVersion", "deletionTimestamp", "finalizers", "ownerReferences")


@dataclass(frozen=True)
class MetadataList:
    """The objects of a kind, and the revision that the list is true at."""

    items: tuple[KubeObject, ...]
    resource_version: str


class MetadataClient:
    """The verbs that need no more of an object than its metadata."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def get(self, resource: Resource, key: ObjectKey) -> KubeObject:
        """Read one object."""
        path = resource.path(key.namespace, key.name)
        return decode(resource, await self.client.raw("GET", path, headers={"Accept": AS_METADATA}))

    async def list(self, resource: Resource, *, limit: int = 0, resource_version: str = "") -> MetadataList:
        """Read the objects of all namespaces, or the first few; ``resource_version`` 0: as the server has them."""
        params = {"limit": str(limit)} if limit else {}
        if resource_version:
            params["resourceVersion"] = resource_version
        headers = {"Accept": AS_METADATA_LIST}
        answer = await self.client.raw("GET", resource.path(), params=params, headers=headers)
        items = tuple(decode(resource, item) for item in answer["items"])
        return MetadataList(items, answer["metadata"]["resourceVersion"])

    async def watch(self, resource: Resource, resource_version: str) -> AsyncGenerator[WatchEvent[KubeObject], None]:
        """Yield changes after a revision until the server ends the watch; close the iterator when leaving early."""
        params = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(watch_timeout_s()),
        }
        async with (
            self.client.open(resource.path(), params=params, accept=AS_METADATA) as stream,
            aclosing(_events(resource, stream)) as events,
        ):
            async for event in events:
                yield event

    async def delete(self, resource: Resource, obj: KubeObject, propagation: str, cause: Cause) -> None:
        """Delete an object if it is still as it was seen: a change since, or a namesake, is a Conflict."""
        meta = obj.metadata
        options = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "preconditions": {"uid": meta.uid, "resourceVersion": meta.resource_version},
            "propagationPolicy": propagation,
        }
        await self.client.raw("DELETE", resource.path(meta.namespace, meta.name), body=options, cause=cause)

    async def patch(
        self, resource: Resource, obj: KubeObject, metadata: Mapping[str, Any], kind: PatchType, cause: Cause
    ) -> None:
        """Change the metadata of an object, and of no namesake."""
        meta = obj.metadata
        headers = {"Accept": AS_METADATA, "Content-Type": PATCH_MEDIA_TYPES[kind]}
        body = {"metadata": {"uid": meta.uid, **metadata}}
        path = resource.path(meta.namespace, meta.name)
        await self.client.raw("PATCH", path, body=body, headers=headers, cause=cause)


async def _events(resource: Resource, stream: ByteStream) -> AsyncGenerator[WatchEvent[KubeObject], None]:
    async for line in stream.lines():
        if line:
            kind, content = read_event(line)
            yield WatchEvent(kind, decode(resource, content))


def decode(resource: Resource, content: Mapping[str, Any]) -> KubeObject:
    """Make the small form: labels, annotations and managedFields would be most of the memory, and nobody reads them."""
    metadata = content["metadata"]
    kept = ObjectMeta.model_validate({name: metadata[name] for name in _KEPT if name in metadata})
    return KubeObject.model_construct(kind=resource.kind, api_version=resource.api_version, metadata=kept)
