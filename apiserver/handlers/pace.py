"""Pace: how a long computation lets the event loop serve others in between.

Whoever handles thousands of objects for one request calls ``await pace.step()`` after each few of them. Time is
looked at instead of counted objects, since an object may take a microsecond or a millisecond.
"""

import asyncio
import time
from typing import Final

SLICE_S: Final = 0.003  # of the loop's time for one request in a row


class Pace:
    """The pauses of one request."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    @property
    def is_due(self) -> bool:
        """Tell whether it is time for a pause; cheap enough to ask after each object."""
        return time.perf_counter() - self._since > SLICE_S

    async def step(self) -> None:
        """Pause if it is time."""
        if self.is_due:
            await asyncio.sleep(0)
            self._since = time.perf_counter()
