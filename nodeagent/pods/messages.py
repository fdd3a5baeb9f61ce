"""The last message of a container: what it left in its termination message file, or the end of its log.

Source: Kubernetes documentation, "Determine the Reason for Pod Failure".
"""

import os
from pathlib import Path
from typing import Final

from naru.api.container_v1 import Container
from nodeagent.server.cri_log import parse_line

MAX_MESSAGE_BYTES: Final = 4096
MAX_LOG_BYTES: Final = 2048
MAX_LOG_LINES: Final = 80


def termination_message(container: Container, exit_code: int, message: Path, log: Path) -> str:
    """Read what an ended container has to say; empty when nothing."""
    text = _head(message, MAX_MESSAGE_BYTES)
    if not text and exit_code != 0 and container.termination_message_policy == "FallbackToLogsOnError":
        return log_tail(log)
    return text


def log_tail(log: Path) -> str:
    """Return the last lines of a log, without what the log format adds."""
    lines = [parsed.text for line in _tail(log, MAX_LOG_BYTES).splitlines() if (parsed := parse_line(line + b"\n"))]
    return b"".join(lines[-MAX_LOG_LINES:])[-MAX_LOG_BYTES:].decode(errors="replace")


def _head(path: Path, size: int) -> str:
    try:
        with path.open("rb") as file:
            return file.read(size).decode(errors="replace")
    except FileNotFoundError:
        return ""


def _tail(path: Path, size: int) -> bytes:
    """Read somewhat more than ``size`` bytes from the end, as each line has a head of its own."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(file.tell() - 3 * size, 0))
            return file.read()
    except FileNotFoundError:
        return b""
