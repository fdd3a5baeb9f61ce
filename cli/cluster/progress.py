"""What `naru up` and `naru down` show while they work: one moving line on a terminal, plain lines elsewhere."""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Protocol


class Progress(Protocol):
    """Told what is being waited for."""

    def step(self, text: str) -> None:
        """Say what happens now; the same text again says nothing new."""


class Lines:
    """One line a step, with the seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._last = ""

    def step(self, text: str) -> None:
        """Print the step, unless it is the one printed last."""
        if text != self._last:
            self._last = text
            print(f"{time.monotonic() - self._start:6.2f}s  {text}", file=sys.stderr, flush=True)


class Silent:
    """Shows nothing."""

    def step(self, text: str) -> None:
        """Ignore the step."""


@contextlib.contextmanager
def shown(*, quiet: bool = False) -> Iterator[Progress]:
    """Show progress on stderr for the time of a block, as suits where stderr goes."""
    if quiet:
        yield Silent()
    elif not sys.stderr.isatty():
        yield Lines()
    else:
        from rich.console import Console  # only a terminal pays for the import

        with Console(stderr=True).status("") as status:
            yield _Spinner(status.update)


class _Spinner:
    def __init__(self, update: object) -> None:
        self._update = update

    def step(self, text: str) -> None:
        """Change the moving line."""
        if callable(self._update):
            self._update(text)
