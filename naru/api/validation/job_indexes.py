"""Indexes of a Job in one text: ``1,3-5`` are four of them.

Source: Kubernetes API reference, batch/v1 JobStatus.completedIndexes; the texts are those of upstream's validation.
"""

from collections.abc import Iterator

from naru.api.field_errors import quoted


class Unreadable(Exception):
    """What is wrong with a text of indexes."""


def count_indexes(text: str, completions: int) -> int:
    """Count the indexes.

    Raises:
        Unreadable: the text is malformed, out of order, or goes beyond the Job's completions.
    """
    total, last = 0, -1
    for interval in text.split(",") if text else ():
        first, end = _interval(interval, completions)
        if last >= first and total:
            raise Unreadable(f"non-increasing order, previous: {last}, current: {first}")
        total, last = total + end - first + 1, end
    return total


def overlap_of(completed: str, failed: str, completions: int) -> int | None:
    """Return the first index that is in both texts; intervals that cannot be read do not count."""
    if not completed or not failed:
        return None
    others = list(_readable(failed, completions))
    for first, end in _readable(completed, completions):
        for other_first, other_end in others:
            if first <= other_end and other_first <= end:
                return max(first, other_first)
    return None


def _readable(text: str, completions: int) -> Iterator[tuple[int, int]]:
    for interval in text.split(","):
        try:
            yield _interval(interval, completions)
        except Unreadable:
            continue  # the check of the format tells


def _interval(text: str, completions: int) -> tuple[int, int]:
    limits = text.split("-")
    if len(limits) > 2:
        rule = "an index interval can have at most two parts separated by '-'"
        raise Unreadable(f"the fragment {quoted(text)} violates the requirement that {rule}")
    first, *others = (_index(limit, completions) for limit in limits)
    if not others:
        return first, first
    if first >= others[0]:
        raise Unreadable(f"non-increasing order, previous: {first}, current: {others[0]}")
    return first, others[0]


def _index(text: str, completions: int) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Unreadable(f"cannot convert string to integer for index: {quoted(text)}")
    if int(text) >= completions:
        raise Unreadable(f"too large index: {quoted(text)}")
    return int(text)
