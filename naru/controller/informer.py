"""Informer: a store that follows the API server, and callbacks for those who want to know of changes.

Flow: Reflector -> *Informer* -> Store, then callbacks -> a controller's Workqueue.
One informer a kind is shared by everybody in a process, through the factory.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Generic, NoReturn, TypeVar

from naru.api.keys import key_of
from naru.api.meta import KubeObject
from naru.api.scheme import Resource, resource_of
from naru.client.client import Client
from naru.client.watch import EventType, WatchEvent
from naru.controller.list_watch import ListWatch, MetadataAlone, WholeObjects
from naru.controller.reflector import Reflector
from naru.controller.store import Store

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=KubeObject)

Callback = Callable[[EventType, M | None, M | None], None]
"""Told (type, old, new): no old for ADDED, no new for DELETED. Called in the loop; must not block."""


class Informer(Generic[M]):
    """The objects of one kind, current to within the delay of the watch."""

    def __init__(self, source: ListWatch[M]) -> None:
        self.store: Store[M] = Store()
        self._reflector = Reflector(source, self)
        self._callbacks: list[Callback[M]] = []
        self._synced = asyncio.Event()

    @property
    def synced(self) -> bool:
        """Whether the first list is in the store: before that, it looks like an empty cluster."""
        return self._synced.is_set()

    async def wait(self) -> None:
        """Wait until synced; for ever if the API server stays away, as nothing can be done without it."""
        await self._synced.wait()

    def on_event(self, callback: Callback[M]) -> None:
        """Tell every change from now on, after an ADDED for each object already here."""
        self._callbacks.append(callback)
        for obj in self.store.list():
            _call(callback, EventType.ADDED, None, obj)

    async def run(self) -> NoReturn:
        """Follow the API server until cancelled."""
        await self._reflector.run()

    # What the reflector tells

    def replace(self, objects: tuple[M, ...]) -> None:
        """Take a list: tell of what is new, of what changed, and of what went while nobody watched."""
        present = {key_of(obj) for obj in objects}
        for key in [key_of(obj) for obj in self.store.list() if key_of(obj) not in present]:
            self._tell(EventType.DELETED, self.store.remove(key), None)
        for obj in objects:
            self._put(obj)
        self._synced.set()

    def apply(self, event: WatchEvent[M]) -> None:
        """Take one change of the watch."""
        if event.type is not EventType.DELETED:
            self._put(event.object)
            return
        old = self.store.remove(key_of(event.object))
        if old is not None:
            self._tell(EventType.DELETED, event.object, None)  # the event has the last state, newer than the store's

    def _put(self, obj: M) -> None:
        """Store an object; a new uid under an old name is another object, and the old one went unseen."""
        old = self.store.get(key_of(obj))
        if old is not None and old.metadata.resource_version == obj.metadata.resource_version:
            return
        if old is not None and old.metadata.uid != obj.metadata.uid:
            self._tell(EventType.DELETED, self.store.remove(key_of(obj)), None)
            old = None
        self.store.put(obj)
        self._tell(EventType.ADDED if old is None else EventType.MODIFIED, old, obj)

    def _tell(self, event_type: EventType, old: M | None, new: M | None) -> None:
        for callback in self._callbacks:
            _call(callback, event_type, old, new)


def _call(callback: Callback[M], event_type: EventType, old: M | None, new: M | None) -> None:
    """Call back; a fault in one listener must not starve the others, or stop the cache."""
    try:
        callback(event_type, old, new)
    except Exception:
        logger.exception("informer callback failed", extra={"callback": repr(callback)})


class InformerFactory:
    """Makes informers, one for each kind and scope, and runs them all."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._informers: dict[tuple[object, ...], Informer[Any]] = {}
        self._group: asyncio.TaskGroup | None = None  # while running

    def informer(
        self, model: type[M], namespace: str = "", *, label_selector: str = "", field_selector: str = ""
    ) -> Informer[M]:
        """Return the informer of a kind and scope; it is the same one for the same question."""
        scope = {"namespace": namespace, "label_selector": label_selector, "field_selector": field_selector}
        key = (resource_of(model), *scope.values())
        return self._informers.get(key) or self._add(key, Informer(WholeObjects(self._client, model, **scope)))

    def metadata_informer(self, resource: Resource) -> Informer[Any]:
        """Return an informer of a kind for somebody who needs no more than metadata.

        It is the one that holds whole objects if somebody else wants these anyway: nothing is kept twice.
        """
        found = self._informers.get((resource, "", "", "")) or self._informers.get((resource,))
        return found or self._add((resource,), Informer(MetadataAlone(self._client, resource)))

    def follows(self, resource: Resource) -> bool:
        """Tell whether somebody follows the whole objects of a kind, all of them."""
        return (resource, "", "", "") in self._informers

    def _add(self, key: tuple[object, ...], informer: Informer[Any]) -> Informer[Any]:
        self._informers[key] = informer
        if self._group is not None:
            self._start(self._group, informer)
        return informer

    async def wait(self) -> None:
        """Wait until every informer made so far is synced."""
        for informer in list(self._informers.values()):
            await informer.wait()

    async def run(self) -> None:
        """Run every informer, also those made meanwhile, until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._group:
                for informer in self._informers.values():
                    self._start(self._group, informer)
                await asyncio.Event().wait()  # until cancelled: more informers may come
        finally:
            self._group = None

    @staticmethod
    def _start(group: asyncio.TaskGroup, informer: Informer[Any]) -> None:
        group.create_task(informer.run(), name="informer")
