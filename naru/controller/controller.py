"""Controller: the loop that turns keys into reconciles.

Flow: informer -> key -> Workqueue -> *Controller.reconcile(key)* -> writes -> API server -> informer again.
Level-triggered: an event names an object to look at again, not what happened to it. An event that is lost, doubled or
late costs one reconcile, never correctness, and a restart is no special case.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from naru.api.errors import APIError, Conflict
from naru.api.keys import ObjectKey, key_of
from naru.api.meta import KubeObject
from naru.client.errors import ConnectionFailed
from naru.client.watch import EventType
from naru.controller.informer import Informer
from naru.controller.workqueue import Workqueue

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=KubeObject)

_SERVER_AWAY_CAP_S = 0.5  # the longest wait when the server was away: it is no fault of the key's


@dataclass(frozen=True)
class Result:
    """What a reconcile leaves to do: nothing, or another look at a moment that no event will tell."""

    requeue_after_s: float | None = None


class TerminalError(Exception):
    """The same input would fail again: do not retry before something changes."""


class Controller(ABC):
    """Base of a controller: give it a name, what to watch, and :meth:`reconcile`."""

    name: ClassVar[str]

    def __init__(self) -> None:
        self.queue: Workqueue[ObjectKey] = Workqueue()
        self._awaited: list[Informer[Any]] = []

    @abstractmethod
    async def reconcile(self, key: ObjectKey) -> Result:
        """Bring one object a step nearer to its spec; safe at any time, any number of times."""

    def needs(self, informer: Informer[M]) -> Informer[M]:
        """Wait for this informer's first list before working: a cache not yet listed looks like an empty cluster."""
        self._awaited.append(informer)
        return informer

    def watch(self, informer: Informer[M], keys: Callable[[M], Iterable[ObjectKey]] | None = None) -> Informer[M]:
        """Queue keys whenever an object changes: its own, or what ``keys`` makes of its old and new state."""
        find = keys or (lambda obj: (key_of(obj),))

        def enqueue(_: EventType, old: M | None, new: M | None) -> None:
            for obj in (old, new):
                if obj is not None:
                    for key in find(obj):
                        self.queue.add(key)

        informer.on_event(enqueue)
        return self.needs(informer)

    async def run(self, workers: int = 2) -> None:
        """Work until cancelled, once every informer has listed."""
        for informer in self._awaited:
            await informer.wait()
        async with asyncio.TaskGroup() as group:
            for number in range(workers):
                group.create_task(self._work(), name=f"{self.name}-{number}")

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()  # a key is never with two workers at once
            try:
                await self._process(key)
            finally:
                self.queue.done(key)  # a key added meanwhile becomes due again here

    async def _process(self, key: ObjectKey) -> None:
        try:
            result = await self.reconcile(key)
        except TerminalError:
            logger.exception("reconcile gave up", extra={"controller": self.name, "key": key})
        except Conflict as error:  # someone else wrote first: look again
            logger.debug("reconcile lost a race", extra=self._fields(key, error))
            self.queue.add_rate_limited(key)
            return
        except ConnectionFailed as error:
            self._warn(key, error)
            self.queue.add_rate_limited(key, at_most_s=_SERVER_AWAY_CAP_S)
            return
        except APIError as error:
            self._warn(key, error)
            self.queue.add_rate_limited(key)
            return
        except Exception as error:
            logger.exception("reconcile failed", extra=self._fields(key, error))
            self.queue.add_rate_limited(key)
            return
        else:
            if result.requeue_after_s is not None:
                self.queue.add_after(key, result.requeue_after_s)
        self.queue.forget(key)  # resets this key's backoff

    def _warn(self, key: ObjectKey, error: Exception) -> None:
        """Log the first refusal of a row; the retries say the same."""
        level = logging.WARNING if self.queue.failures(key) == 0 else logging.DEBUG
        logger.log(level, "reconcile failed", extra=self._fields(key, error))

    def _fields(self, key: ObjectKey, error: Exception) -> dict[str, object]:
        return {"controller": self.name, "key": key, "error": str(error)}
