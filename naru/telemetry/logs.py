"""Logs of one line each: time, level, component, a constant message, then fields as ``key=value``.

Flow: ``logger.info("pod bound", extra={"key": key, "node": node})`` -> *here* -> stderr -> the supervisor's log files.
A component calls :func:`configure` once in its ``main``; everybody else uses the standard library's ``logging``.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final, TextIO

_COLOURS: Final = {
    logging.DEBUG: "\x1b[2m",
    logging.WARNING: "\x1b[33m",
    logging.ERROR: "\x1b[31m",
    logging.CRITICAL: "\x1b[31;1m",
}
_RESET: Final = "\x1b[0m"
_OWN_ATTRIBUTES: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_MUST_QUOTE: Final = frozenset(' "=\\')  # a value with one of these would be read as two fields


class LineFormatter(logging.Formatter):
    """Write a record as one line (a traceback follows on lines of its own)."""

    def __init__(self, component: str, *, colours: bool = False) -> None:
        super().__init__()
        self._component = component
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without the newline."""
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        fields = [f"{name}={quote(value)}" for name, value in vars(record).items() if name not in _OWN_ATTRIBUTES]
        line = " ".join([moment, f"{record.levelname:<7}", self._component, record.getMessage(), *fields])
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        colour = _COLOURS.get(record.levelno) if self._colours else None
        return f"{colour}{line}{_RESET}" if colour else line


def quote(value: object) -> str:
    """Write a field's value so that a line can be split into its fields again."""
    text = str(value)
    plain = text != "" and text.isprintable() and _MUST_QUOTE.isdisjoint(text)
    return text if plain else json.dumps(text, ensure_ascii=False)


def configure(component: str, level: str | int = "INFO", stream: TextIO | None = None) -> None:
    """Send every log record of this process to ``stream`` (default stderr), in colour when that is a terminal."""
    out = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(out)
    handler.setFormatter(LineFormatter(component, colours=out.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]  # a forked component must not also write through its parent's handler
    root.setLevel(level.upper() if isinstance(level, str) else level)
    for chatty in ("asyncio", "aiohttp"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
