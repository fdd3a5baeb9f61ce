"""How long to wait before something that failed is tried again: 10 s, doubled each time, at most 5 minutes.

One object is one thing's history: a container of a pod, an image for a pod. It starts over when the thing has gone
well for long enough. A container that ends for the first time is restarted at once.

Source: Kubernetes documentation, "Pod Lifecycle", container restart policy.
"""

from dataclasses import dataclass
from typing import Final

INITIAL_S: Final = 10.0
MAX_S: Final = 300.0
FORGET_AFTER_S: Final = 2 * MAX_S


@dataclass
class BackOff:
    """The history of one thing; times are seconds of one clock, whichever the caller uses."""

    initial_s: float = INITIAL_S
    max_s: float = MAX_S
    forget_after_s: float = FORGET_AFTER_S
    delay_s: float = 0.0  # 0: nothing has failed yet
    _updated_at: float = 0.0

    def due(self, failed_at: float) -> float:
        """Return when a failure of ``failed_at`` may be tried again."""
        return failed_at if self._forgotten(failed_at) else failed_at + self.delay_s

    def record(self, failed_at: float, now: float) -> None:
        """Note that the failure of ``failed_at`` is being tried again now: the next one waits longer."""
        doubled = min(self.delay_s * 2, self.max_s)
        self.delay_s = self.initial_s if self._forgotten(failed_at) else doubled
        self._updated_at = now

    def waits(self, failed_at: float) -> bool:
        """Tell whether a failure of ``failed_at`` has to wait at all."""
        return not self._forgotten(failed_at)

    def _forgotten(self, failed_at: float) -> bool:
        return self.delay_s == 0 or failed_at - self._updated_at > self.forget_after_s
