"""ListWatch: how the objects of one kind are listed and watched: whole, or by their metadata alone.

Flow: Client, MetadataClient -> *ListWatch* -> Reflector.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

from naru.api.meta import KubeObject
from naru.api.scheme import Resource
from naru.client.client import Client
from naru.client.metadata import MetadataClient
from naru.client.watch import WatchEvent

M = TypeVar("M", bound=KubeObject)


class ListWatch(ABC, Generic[M]):
    """What a reflector asks the API server."""

    def __init__(self, client: Client, kind: str) -> None:
        self.client = client
        self.kind = kind  # for logs

    @abstractmethod
    async def list(self) -> tuple[tuple[M, ...], str]:
        """Return the objects that exist, and the revision that this is true at."""

    @abstractmethod
    def watch(self, resource_version: str) -> AsyncGenerator[WatchEvent[M], None]:
        """Yield changes after a revision."""


class WholeObjects(ListWatch[M]):
    """Objects as their class has them, in one namespace or all, perhaps through selectors."""

    def __init__(
        self,
        client: Client,
        model: type[M],
        *,
        namespace: str = "",
        label_selector: str = "",
        field_selector: str = "",
    ) -> None:
        super().__init__(client, model.__name__)
        self._model = model
        self._namespace = namespace
        self._label_selector = label_selector
        self._field_selector = field_selector

    async def list(self) -> tuple[tuple[M, ...], str]:
        """Return the objects that exist, and the revision that this is true at."""
        found = await self.client.list(
            self._model, self._namespace, label_selector=self._label_selector, field_selector=self._field_selector
        )
        return found.items, found.metadata.resource_version

    def watch(self, resource_version: str) -> AsyncGenerator[WatchEvent[M], None]:
        """Yield changes after a revision."""
        return self.client.watch(
            self._model,
            self._namespace,
            resource_version=resource_version,
            label_selector=self._label_selector,
            field_selector=self._field_selector,
        )


class MetadataAlone(ListWatch[KubeObject]):
    """Objects of any kind in all namespaces, in the one small form that all kinds share."""

    def __init__(self, client: Client, resource: Resource) -> None:
        super().__init__(client, resource.kind)
        self._metadata = MetadataClient(client)
        self._resource = resource

    async def list(self) -> tuple[tuple[KubeObject, ...], str]:
        """Return the objects that exist, and the revision that this is true at."""
        found = await self._metadata.list(self._resource)
        return found.items, found.resource_version

    def watch(self, resource_version: str) -> AsyncGenerator[WatchEvent[KubeObject], None]:
        """Yield changes after a revision."""
        return self._metadata.watch(self._resource, resource_version)
