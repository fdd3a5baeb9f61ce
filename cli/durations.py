"""Durations as people write them (``90s``, ``1h30m``) and as tables show them (``5m12s``)."""

import re
from typing import Final

from cli.faults import ExitCode, Fault

_UNITS_S: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")


def parse_duration(text: str, flag: str) -> float:
    """Return seconds; a bare number is seconds.

    Raises:
        Fault: it is no duration; the message names the flag.
    """
    parts = _PART.findall(text)
    if "".join(number + unit for number, unit in parts) == text and parts:
        return sum(float(number) * _UNITS_S[unit] for number, unit in parts)
    try:
        return float(text)
    except ValueError:
        raise Fault(f"{flag} {text!r}: must be a duration such as 30s or 5m", code=ExitCode.USAGE) from None


def short_duration(seconds: float) -> str:
    """Write a span of time as kubectl's tables do: two units at most, and the second only while the first is small."""
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole}s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes < 10:
        return f"{minutes}m{whole % 60}s" if whole % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    return f"{days}d" if days < 730 else f"{days // 365}y{days % 365}d"
