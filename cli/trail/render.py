"""The trail's tree as text: what was written, by whom, why, and how long after the start.

Flow: Branch -> *lines* (pure) -> stdout. Spans of a container's start hang below the write that reports them.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from cli.tables import coloured
from cli.trail.tree import Branch, Record, TrailSpan

_TEE, _CORNER, _BAR, _BLANK = "├─ ", "└─ ", "│  ", "   "
_SLOW_US: Final = 50_000


def tree_lines(root: Branch) -> list[str]:
    """Return a tree's lines; times are since its root's write."""
    origin_us = _micros(root.record)
    head = f"{root.record.time.astimezone():%H:%M:%S.%f}"[:-3]
    return [f"{head}  {_text(root.record)}", *_below(root, "", origin_us)]


def record_line(record: Record) -> str:
    """Return one record as a line of its own, for following."""
    cause = record.cause
    because = f"  <- {cause.kind.lower()}/{cause.name}" if cause else ""
    return f"{record.time.astimezone():%H:%M:%S.%f}"[:-3] + f"  {_text(record)}{because}"


def duration_text(duration_us: int) -> str:
    """Write microseconds as a person reads them."""
    if duration_us < 1_000:
        return f"{duration_us} us"
    if duration_us < 1_000_000:
        return f"{duration_us / 1_000:.1f} ms"
    return f"{duration_us / 1_000_000:.2f} s"


def _below(branch: Branch, indent: str, origin_us: int) -> Iterator[str]:
    """Yield the lines below a branch: its spans, then what it caused."""
    items: list[TrailSpan | Branch] = [*branch.record.spans, *branch.children]
    for number, item in enumerate(items):
        last = number == len(items) - 1
        lead, further = indent + (_CORNER if last else _TEE), indent + (_BLANK if last else _BAR)
        if isinstance(item, TrailSpan):
            yield coloured(f"{lead}{_span_text(item, origin_us)}", "dim")
            continue
        yield f"{lead}{coloured(_offset(_micros(item.record), origin_us), 'cyan')}  {_text(item.record)}"
        yield from _below(item, further, origin_us)


def _text(record: Record) -> str:
    target = f"{record.object.kind.lower()}/{record.object.name}"
    what = f"{target}/{record.subresource}" if record.subresource else target
    who = record.component or record.user or "someone"
    line = f"{who}: {record.verb} {coloured(what, 'bold')}"
    if record.summary and record.summary != f"{record.verb}d":
        line += f"  {record.summary}"
    return line + (coloured(f"  ({record.reason})", "yellow") if record.reason else "")


def _span_text(span: TrailSpan, origin_us: int) -> str:
    text = f"{_offset(span.start_us, origin_us)}  {span.name} {duration_text(span.duration_us)}"
    return coloured(text, "red") if span.duration_us >= _SLOW_US else text


def _offset(moment_us: int, origin_us: int) -> str:
    return f"+{duration_text(max(0, moment_us - origin_us))}"


def _micros(record: Record) -> int:
    return round(record.time.timestamp() * 1_000_000)


def forest_lines(roots: Sequence[Branch]) -> list[str]:
    """Return all trees, a blank line between them."""
    lines: list[str] = []
    for root in roots:
        lines += ([""] if lines else []) + tree_lines(root)
    return lines
