"""Leader election: of several processes of a component, one works; the others wait for its Lease to lapse.

Flow: candidate -> Lease (taken by an update that fails if anybody else changed it) -> *lead* -> renewed until lost.

Fencing: the leader stops working ``renew_deadline_s`` after its last successful renewal began, the others wait
``lease_duration_s`` after the last renewal that they saw; the first is shorter, so two never lead at once, whatever the
wall clocks say: both sides measure with their own monotonic clock. Writes already sent carry resourceVersions and uids.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from naru.api.coordination_v1 import Lease, LeaseSpec
from naru.api.errors import APIError, NotFound
from naru.api.meta import ObjectMeta
from naru.client.client import Client
from naru.client.errors import ConnectionFailed
from naru.controller.backoff import Backoff
from naru.controller.identity import ProcessIdentity
from naru.controller.workqueue import Clock

logger = logging.getLogger(__name__)

LEASE_DURATION_S: Final = 15.0
RENEW_DEADLINE_S: Final = 10.0
RENEW_INTERVAL_S: Final = 4.0


class LeaderElector:
    """One candidate for one office."""

    def __init__(
        self,
        client: Client,
        name: str,
        *,
        namespace: str = "kube-system",
        identity: str = "",
        lease_duration_s: float = LEASE_DURATION_S,
        renew_deadline_s: float = RENEW_DEADLINE_S,
        renew_interval_s: float = RENEW_INTERVAL_S,
        clock: Clock = time.monotonic,
    ) -> None:
        if not renew_interval_s < renew_deadline_s < lease_duration_s:
            raise ValueError("needs renew_interval_s < renew_deadline_s < lease_duration_s")
        self._client = client
        self._name = name
        self._namespace = namespace
        self.identity = identity or str(ProcessIdentity.own())
        self._lease_duration_s = lease_duration_s
        self._renew_deadline_s = renew_deadline_s
        self._renew_interval_s = renew_interval_s
        self._clock = clock
        self._mine: Lease | None = None  # the Lease as our last successful write left it
        self._seen: Lease | None = None  # the Lease as last read or written
        self._seen_at = 0.0  # when it last changed, by our clock

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Campaign; while elected run ``lead``, cancelled when the office is lost; then campaign again.

        Returns when ``lead`` does, and raises what it raises; the office is given up on the way out.
        """
        while True:
            await self._campaign()
            logger.info("became leader", extra={"lease": self._name, "identity": self.identity})
            try:
                if await self._hold(lead):
                    return
            finally:
                with suppress(APIError, ConnectionFailed, TimeoutError):
                    await self._release()
            logger.warning("lost the lead", extra={"lease": self._name})

    async def _campaign(self) -> None:
        """Try until the Lease is ours."""
        backoff = Backoff(cap_s=2.0)
        elected = False
        while not elected:
            elected = await self._try_lease()
            await asyncio.sleep(0 if elected else backoff.next_s())

    async def _hold(self, lead: Callable[[], Awaitable[None]]) -> bool:
        """Lead and renew side by side; return whether ``lead`` ended by itself."""
        work = asyncio.ensure_future(lead())
        renewal = asyncio.create_task(self._renew_until_lost(), name="lease-renewal")
        try:
            await asyncio.wait((work, renewal), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()  # raises what lead raised
                return True
            return False
        finally:
            for task in (work, renewal):
                task.cancel()
            await asyncio.gather(work, renewal, return_exceptions=True)

    async def _renew_until_lost(self) -> None:
        """Renew again and again; return when somebody else holds the Lease, or when no renewal succeeds in time."""
        renewed_at = self._clock()
        backoff = Backoff(cap_s=1.0)
        wait_s = self._renew_interval_s
        while (left_s := renewed_at + self._renew_deadline_s - self._clock()) > 0:
            await asyncio.sleep(min(wait_s, left_s))
            begin = self._clock()
            if await self._try_lease(within_s=renewed_at + self._renew_deadline_s - begin):
                renewed_at, wait_s = begin, self._renew_interval_s
                backoff.reset()
            elif self._held_by_other():
                return
            else:
                wait_s = backoff.next_s()

    async def _try_lease(self, within_s: float | None = None) -> bool:
        """Take or renew the Lease if that is possible now; whatever goes wrong, it is not ours."""
        try:
            async with asyncio.timeout(self._renew_deadline_s if within_s is None else within_s):
                return await self._take_or_renew()
        except (APIError, ConnectionFailed, TimeoutError) as error:
            logger.debug("lease not taken", extra={"lease": self._name, "error": str(error)})
            return False

    async def _take_or_renew(self) -> bool:
        lease, self._mine = self._mine or await self._read(), None  # ours is trusted once: a stale one is refused
        if lease is None:
            meta = ObjectMeta(name=self._name, namespace=self._namespace)
            self._mine = await self._client.create(Lease(metadata=meta, spec=self._claim(LeaseSpec())))
        else:
            self._observe(lease)
            if self._held_by_other() and not self._lapsed(lease):
                return False
            self._mine = await self._client.update(lease.model_copy(update={"spec": self._claim(lease.spec)}))
        self._observe(self._mine)
        return True

    async def _read(self) -> Lease | None:
        try:
            return await self._client.get(Lease, self._name, self._namespace)
        except NotFound:
            return None

    def _claim(self, spec: LeaseSpec) -> LeaseSpec:
        """Write ourselves into the Lease; a change of holder counts as a transition."""
        now = datetime.now(UTC)
        changes: dict[str, object] = {"renew_time": now, "lease_duration_seconds": round(self._lease_duration_s)}
        if spec.holder_identity != self.identity:
            transitions = 0 if spec.lease_transitions is None else spec.lease_transitions + 1
            changes |= {"holder_identity": self.identity, "acquire_time": now, "lease_transitions": transitions}
        return spec.model_copy(update=changes)

    def _observe(self, lease: Lease) -> None:
        version = lease.metadata.resource_version
        if self._seen is None or self._seen.metadata.resource_version != version:
            self._seen_at = self._clock()
        self._seen = lease

    def _held_by_other(self) -> bool:
        return self._seen is not None and self._seen.spec.holder_identity not in (None, "", self.identity)

    def _lapsed(self, lease: Lease) -> bool:
        """Whether the holder had its time, counted from the last change that we saw, or is known to be dead."""
        holder = ProcessIdentity.parse(lease.spec.holder_identity or "")
        if holder is not None and holder.is_dead():
            return True
        duration_s = lease.spec.lease_duration_seconds or self._lease_duration_s
        return self._clock() - self._seen_at > duration_s

    async def _release(self) -> None:
        """Give the office up, so that the next one need not wait."""
        lease, self._mine = self._mine, None
        if lease is not None:
            spec = lease.spec.model_copy(update={"holder_identity": "", "lease_duration_seconds": 1})
            async with asyncio.timeout(1.0):
                await self._client.update(lease.model_copy(update={"spec": spec}))
