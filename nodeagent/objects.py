"""The ConfigMaps and Secrets that pods of this node refer to, each followed by a watch of its own.

A node sees only the objects that its pods need, so that a stolen node gives away no others. Pods that refer to the
same object share one watch, which ends with the last of them.

Flow: pod's references -> *one informer an object* -> environment, files of volumes; a change wakes the pods.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from naru.api.core_v1 import ConfigMap, Pod, Secret
from naru.api.keys import ObjectKey
from naru.api.meta import KubeObject
from naru.client.client import Client
from naru.controller.informer import Informer
from naru.controller.list_watch import WholeObjects
from nodeagent.pods.references import References, referenced_names

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=KubeObject)
Kind = type[ConfigMap] | type[Secret]
SYNC_TIMEOUT_S: Final = 30.0


@dataclass
class _Followed:
    """One object and the pods that refer to it."""

    informer: Informer[Any]
    task: asyncio.Task[None]
    users: dict[str, Callable[[], None]] = field(default_factory=dict)  # what to call on a change, by pod uid

    def tell(self, *_: object) -> None:
        for wake in list(self.users.values()):
            wake()


class ReferencedObjects:
    """Follows objects as long as some pod refers to them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._followed: dict[tuple[Kind, ObjectKey], _Followed] = {}

    def follow(self, pod: Pod, on_change: Callable[[], None]) -> None:
        """Begin to follow what a pod refers to; it may be asked for again."""
        for key in _keys(pod):
            followed = self._followed.get(key) or self._start(*key)
            followed.users[pod.metadata.uid] = on_change

    async def fetch(self, pod: Pod) -> References:
        """Return the objects that a followed pod refers to, once each has been looked for.

        Raises:
            TimeoutError: the API server did not tell in time whether one exists.
        """
        keys = _keys(pod)
        async with asyncio.timeout(SYNC_TIMEOUT_S):
            for key in keys:
                await self._followed[key].informer.wait()
        return References(self._found(ConfigMap, keys), self._found(Secret, keys))

    def release(self, pod: Pod) -> None:
        """Stop to follow what no other pod refers to."""
        for key in _keys(pod):
            followed = self._followed.get(key)
            if followed is None:
                continue
            followed.users.pop(pod.metadata.uid, None)
            if not followed.users:
                followed.task.cancel()
                del self._followed[key]

    async def close(self) -> None:
        """Stop every watch."""
        tasks = [followed.task for followed in self._followed.values()]
        self._followed.clear()
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _start(self, kind: Kind, key: ObjectKey) -> _Followed:
        selector = f"metadata.name={key.name}"
        informer: Informer[Any] = Informer(
            WholeObjects(self._client, kind, namespace=key.namespace, field_selector=selector)
        )
        task = asyncio.create_task(informer.run(), name=f"follow {kind.__name__} {key}")
        followed = _Followed(informer, task)
        informer.on_event(followed.tell)
        self._followed[(kind, key)] = followed
        return followed

    def _found(self, kind: type[M], keys: Iterable[tuple[Kind, ObjectKey]]) -> dict[str, M]:
        wanted = [(key, self._followed[(of, key)]) for of, key in keys if of is kind]
        objects = {key.name: followed.informer.store.get(key) for key, followed in wanted}
        return {name: obj for name, obj in objects.items() if obj is not None}


def _keys(pod: Pod) -> list[tuple[Kind, ObjectKey]]:
    names, namespace = referenced_names(pod), pod.metadata.namespace
    config_maps: list[tuple[Kind, ObjectKey]] = [(ConfigMap, ObjectKey(namespace, name)) for name in names.config_maps]
    return config_maps + [(Secret, ObjectKey(namespace, name)) for name in names.secrets]
