"""How long to wait before the next try.

Waits grow, so that a broken thing is not hammered, and are drawn at random from their upper half, so that many clients
of one server do not come back in step. The first ones are short: an API server restarted on this machine is away for
less than a second, and is to be seen again soon after.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Backoff:
    """A sequence of waits: ``start_s``, then ``factor`` times longer each, up to ``cap_s``, each with jitter."""

    start_s: float = 0.05
    factor: float = 1.5
    cap_s: float = 5.0
    tries: int = 0
    draw: Callable[[], float] = random.random

    def next_s(self) -> float:
        """Return the next wait in seconds."""
        growth = self.factor ** min(self.tries, 64)  # by then far beyond every cap
        self.tries += 1
        return min(self.cap_s, self.start_s * growth) * (0.5 + self.draw() / 2)

    def reset(self) -> None:
        """Begin anew: it went well."""
        self.tries = 0
