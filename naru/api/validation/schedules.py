"""Validation of a CronJob's schedule and time zone.

Source: crontab(5) for the five fields; the texts are those of the parser that upstream uses (robfig/cron) and of Go's
time package.
"""

import re
from typing import Final
from zoneinfo import ZoneInfo

from naru.api.errors import FieldError
from naru.api.field_errors import invalid, required

_MONTHS: Final = dict(
    zip(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), range(1, 13), strict=True)
)
_DAYS: Final = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_FIELDS: Final[tuple[tuple[int, int, dict[str, int]], ...]] = (
    (0, 59, {}),  # minute
    (0, 23, {}),  # hour
    (1, 31, {}),  # day of the month
    (1, 12, _MONTHS),
    (0, 6, _DAYS),
)
_NAMED: Final = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_EVERY: Final = "@every "
_DURATION: Final = re.compile(r"[+-]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)")
_ZONE_PART: Final = re.compile(r"[A-Za-z.\-_0-9+]{1,14}")
_IN_SCHEDULE: Final = re.compile("(?:CRON_)?TZ=([^ ]*)(.*)", re.DOTALL)


class _Unreadable(Exception):
    """What is wrong with a schedule."""


def validate_schedule(schedule: str, old: str | None, zone: str | None, path: str) -> list[FieldError]:
    """Return the faults of a schedule; only one that had a time zone in it before may have one."""
    if not schedule:
        return [required(path)]
    problem = _problem_of(schedule)
    errors = [invalid(path, schedule, problem)] if problem else []
    if "TZ" in schedule:
        if old is None or "TZ" not in old:
            why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
            errors.append(invalid(path, schedule, why))
        elif zone is not None:
            errors.append(invalid(path, schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule"))
    return errors


def _problem_of(schedule: str) -> str:
    """Say why a schedule cannot be read; empty if it can."""
    if (zoned := _IN_SCHEDULE.match(schedule)) is not None:
        if not _is_zone(zoned[1]):
            return f"provided bad location {zoned[1]}: unknown time zone {zoned[1]}"
        schedule = zoned[2].strip()
    if schedule.startswith("@"):
        return _descriptor_problem(schedule)
    fields = schedule.split()
    if len(fields) != len(_FIELDS):
        return f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
    try:
        for field, bounds in zip(fields, _FIELDS, strict=True):
            for expression in filter(None, field.split(",")):
                _check_range(expression, *bounds)
    except _Unreadable as unreadable:
        return str(unreadable)
    return ""


def _descriptor_problem(schedule: str) -> str:
    if schedule in _NAMED:
        return ""
    if not schedule.startswith(_EVERY):
        return f"unrecognized descriptor: {schedule}"
    duration = schedule.removeprefix(_EVERY)
    if _DURATION.fullmatch(duration):
        return ""
    return f'failed to parse duration {schedule}: time: invalid duration "{duration}"'


def _check_range(expression: str, low: int, high: int, names: dict[str, int]) -> None:
    """Check ``*``, ``5``, ``1-5``, each perhaps with a step behind a slash."""
    span, *steps = expression.split("/")
    ends = span.split("-")
    if ends[0] in ("*", "?"):
        start, end = low, high
    else:
        start = _number(ends[0], names)
        end = _number(ends[1], names) if len(ends) > 1 else start
        if len(ends) > 2:
            raise _Unreadable(f"too many hyphens: {expression}")
    if len(steps) > 1:
        raise _Unreadable(f"too many slashes: {expression}")
    step = _number(steps[0], {}) if steps else 1
    if steps and len(ends) == 1 and ends[0] not in ("*", "?"):
        end = high
    if start < low:
        raise _Unreadable(f"beginning of range ({start}) below minimum ({low}): {expression}")
    if end > high:
        raise _Unreadable(f"end of range ({end}) above maximum ({high}): {expression}")
    if start > end:
        raise _Unreadable(f"beginning of range ({start}) beyond end of range ({end}): {expression}")
    if step == 0:
        raise _Unreadable(f"step of range should be a positive number: {expression}")


def _number(text: str, names: dict[str, int]) -> int:
    if (named := names.get(text.lower())) is not None:
        return named
    if not (text.isascii() and text.isdigit()):
        raise _Unreadable(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)


def validate_time_zone(zone: str | None, path: str) -> list[FieldError]:
    """Return the faults of a time zone."""
    if zone is None:
        return []
    if not zone:
        return [invalid(path, zone, "timeZone must be nil or non-empty string")]
    if any(not _is_part(part) for part in zone.split("/")):
        return [invalid(path, zone, f"unknown time zone {zone}")]
    if zone.lower() == "local":
        why = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        return [
            invalid(path, zone, why),
            *([] if zone == "Local" else [invalid(path, zone, f"unknown time zone {zone}")]),
        ]
    return [] if _is_zone(zone) else [invalid(path, zone, f"unknown time zone {zone}")]


def _is_part(part: str) -> bool:
    return part not in (".", "..") and not part.startswith("-") and _ZONE_PART.fullmatch(part) is not None


def _is_zone(zone: str) -> bool:
    try:
        ZoneInfo(zone or "UTC")
    except (LookupError, ValueError, OSError):  # unknown, no name of a zone, a directory
        return False
    return True
