"""Write a pod's status to the API server: one patch a change, the newest state only, never more than one at a time.

Flow: worker -> changed() -> what the status is now -> *patch of the status subresource* -> API server.
While the server is away, changes add up to one patch. A status that only says that things are being made waits a
while, because most often it is out of date before it could be sent. It is worked out when it is sent: a start makes
half a dozen changes, and one patch.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Final

from naru.api.errors import APIError, Conflict, Invalid, NotFound
from naru.api.keys import key_of
from naru.api.pod_status_v1 import PodStatus
from naru.api.pod_v1 import Pod
from naru.client.client import Client
from naru.client.errors import ConnectionFailed
from naru.telemetry.trail import Cause, Span
from nodeagent.pods.status_patch import status_patch

logger = logging.getLogger(__name__)

SETTLE_S: Final = 1.5  # a start that takes less is told once, also on a node where many start together
RETRY_MIN_S: Final = 0.2
RETRY_MAX_S: Final = 5.0


class StatusReporter:
    """The one writer of a pod's status."""

    def __init__(
        self, client: Client, pod: Callable[[], Pod], status: Callable[[], PodStatus], on_written: Callable[[Pod], None]
    ) -> None:
        """Prepare.

        Args:
            pod: the newest known version of the pod, which the patch starts from.
            status: what its status should be now.
            on_written: told the server's answer to each patch.
        """
        self._client = client
        self._pod = pod
        self._status = status
        self._on_written = on_written
        self._spans: list[Span] = []
        self._reasons: list[str] = []
        self._dirty = asyncio.Event()
        self._urgent = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def note(self, reason: str, spans: list[Span]) -> None:
        """Keep why the status is about to change, and what it took, for the trail."""
        self._reasons.append(reason)
        self._spans += spans

    def changed(self, *, urgent: bool) -> None:
        """Have the status written soon, if it differs; not urgent: when this has settled."""
        self._idle.clear()
        self._dirty.set()
        if urgent:
            self._urgent.set()

    async def flush(self) -> None:
        """Wait until what was reported is written, for as long as the API server is away."""
        self._urgent.set()
        await self._idle.wait()

    async def run(self) -> None:
        """Write until cancelled."""
        delay_s = RETRY_MIN_S
        while True:
            await self._dirty.wait()
            await self._settle()
            self._dirty.clear()
            if await self._guarded_write():
                delay_s = RETRY_MIN_S
                if not self._dirty.is_set():
                    self._idle.set()
            else:
                self._dirty.set()
                await asyncio.sleep(delay_s * random.uniform(0.5, 1.5))
                delay_s = min(delay_s * 2, RETRY_MAX_S)

    async def _settle(self) -> None:
        try:
            async with asyncio.timeout(SETTLE_S):
                await self._urgent.wait()
        except TimeoutError:
            return
        finally:
            self._urgent.clear()

    async def _guarded_write(self) -> bool:
        """Write; a fault that nobody foresaw must not leave the pod without a reporter."""
        try:
            return await self._write()
        except Exception:
            logger.exception("status not written", extra={"pod": str(key_of(self._pod()))})
            return False

    async def _write(self) -> bool:
        """Send the difference; tell whether this is done with (also when the pod is gone)."""
        pod = self._pod()
        patch = status_patch(pod.status, self._status(), pod.metadata.uid)
        if patch is None:
            return True
        reasons, self._reasons = self._reasons, []
        spans, self._spans = self._spans, []
        cause = Cause.of(pod, ", ".join(reasons) or "status changed")
        meta = pod.metadata
        try:
            written = await self._client.patch(
                Pod, meta.name, meta.namespace, patch, "strategic", "status", cause=cause, spans=spans
            )
        except (NotFound, Conflict):
            return True  # gone, or another pod of that name: the informer will say so
        except Invalid:
            logger.exception("status refused", extra={"pod": str(key_of(pod))})
            return True
        except (APIError, ConnectionFailed) as error:
            logger.info("status not written yet", extra={"pod": str(key_of(pod)), "error": str(error)})
            self._reasons, self._spans = reasons + self._reasons, spans + self._spans
            return False
        self._on_written(written)
        return True
