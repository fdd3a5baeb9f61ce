"""Reflector: list, then watch, for ever: what the API server holds, told as a stream of changes.

Flow: API server -> ListWatch -> *Reflector* -> sink (an Informer).
    list -> sink.replace(all) -> watch from the list's revision -> sink.apply(event)...
      ^                            | ended or broken: watch again from the last revision seen
      +---------- 410 Gone --------+ the server no longer has that history
Invariant: the sink is told every object that exists and, if late, of each that went.
"""

import asyncio
import logging
from contextlib import aclosing
from typing import Final, Generic, NoReturn, Protocol, TypeVar

from naru.api.errors import APIError, Gone
from naru.api.meta import KubeObject
from naru.client.errors import ConnectionFailed
from naru.client.watch import EventType, WatchEvent
from naru.controller.backoff import Backoff
from naru.controller.list_watch import ListWatch

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=KubeObject)

_STABLE_S: Final = 5.0  # a watch that lasted so long did not fail, it ended


class Sink(Protocol[M]):
    """Who is told what the reflector sees."""

    def replace(self, objects: tuple[M, ...]) -> None:
        """Take these as all objects that exist."""

    def apply(self, event: WatchEvent[M]) -> None:
        """Take one change."""


class Reflector(Generic[M]):
    """Follows one kind."""

    def __init__(self, source: ListWatch[M], sink: Sink[M]) -> None:
        self._source = source
        self._sink = sink
        self._backoff = Backoff(cap_s=1.0)
        self._revision = ""  # where to watch from; empty: list first

    async def run(self) -> NoReturn:
        """Follow until cancelled, whatever happens to the server."""
        clock = asyncio.get_running_loop().time
        while True:
            start, resumed = clock(), bool(self._revision)
            try:
                await self._follow()
            except Gone:
                logger.info("watch history gone, listing again", extra={"kind": self._source.kind})
                self._revision = ""
                if resumed:
                    continue  # the server is there, and a list is all it wants
            except ConnectionFailed as error:
                self._report(error)
                await self._source.client.wait_reachable()
            except APIError as error:
                self._report(error)
                self._revision = ""  # a server that does not know our revision says so in many ways
            if clock() - start > _STABLE_S:
                self._backoff.reset()
            await asyncio.sleep(self._backoff.next_s())

    async def _follow(self) -> None:
        """List if need be, then pass on one watch from its begin to its end."""
        if not self._revision:
            await self._list()
        async with aclosing(self._source.watch(self._revision)) as events:
            async for event in events:
                if event.type is not EventType.BOOKMARK:
                    self._sink.apply(event)
                self._revision = event.object.metadata.resource_version
                self._backoff.reset()

    async def _list(self) -> None:
        objects, revision = await self._source.list()
        self._sink.replace(objects)
        self._revision = revision

    def _report(self, error: Exception) -> None:
        """Log the first failure of a row; the others say the same."""
        level = logging.WARNING if self._backoff.tries == 0 else logging.DEBUG
        logger.log(level, "list or watch failed", extra={"kind": self._source.kind, "error": str(error)})
