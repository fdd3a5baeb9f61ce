"""Order the trail's records into a tree: each write below the write that caused it.

Flow: ``GET /naru/trail`` -> Record -> *build_tree* -> render.py.

A record's cause names an object and the revision at which its writer saw it; so its parent is the last record of that
object that is not newer. A record without a cause (a person's apply, a restarted controller) is a root. Pure: no I/O.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True)
class ObjectName:
    """An object of the trail; the uid tells it from a namesake."""

    kind: str
    namespace: str
    name: str
    uid: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Read an object or a cause as a record has it."""
        return cls(data.get("kind", ""), data.get("namespace", ""), data.get("name", ""), data.get("uid", ""))

    def is_same(self, other: "ObjectName") -> bool:
        """Tell whether both mean one object; a missing uid matches any."""
        if self.uid and other.uid:
            return self.uid == other.uid
        return (self.kind, self.namespace, self.name) == (other.kind, other.namespace, other.name)


@dataclass(frozen=True)
class TrailSpan:
    """One timed step that a component reports with its write."""

    name: str
    start_us: int
    duration_us: int


@dataclass(frozen=True)
class Record:
    """One write."""

    id: int
    time: datetime
    component: str
    user: str
    verb: str
    object: ObjectName
    subresource: str = ""
    resource_version: int = 0
    summary: str = ""
    reason: str = ""
    cause: ObjectName | None = None
    cause_version: int = 0
    spans: tuple[TrailSpan, ...] = ()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Read a record from the wire."""
        cause = data.get("cause") or {}
        spans = tuple(
            TrailSpan(span["name"], span["startUnixUs"], span["durationUs"]) for span in data.get("spans") or ()
        )
        return cls(
            id=data["id"],
            time=datetime.fromisoformat(data["time"]),
            component=data.get("component", ""),
            user=data.get("user", ""),
            verb=data.get("verb", ""),
            object=ObjectName.of(data["object"]),
            subresource=data.get("subresource", ""),
            resource_version=_number(data.get("resourceVersion")),
            summary=data.get("summary", ""),
            reason=cause.get("reason", ""),
            cause=ObjectName.of(cause) if cause else None,
            cause_version=_number(cause.get("resourceVersion")),
            spans=spans,
        )


@dataclass
class Branch:
    """A write and the writes that it caused, in the order of time."""

    record: Record
    children: list["Branch"] = field(default_factory=list)

    def walk(self) -> Iterator["Branch"]:
        """Yield the branch and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def build_tree(records: Sequence[Record]) -> list[Branch]:
    """Put every record below its cause; return the roots."""
    branches = [Branch(record) for record in sorted(records, key=lambda record: record.id)]
    by_object: dict[tuple[str, str, str], list[Branch]] = {}
    roots: list[Branch] = []
    for branch in branches:
        parent = _parent(branch.record, by_object)
        (roots if parent is None else parent.children).append(branch)
        by_object.setdefault(_slot(branch.record.object), []).append(branch)
    return roots


def trail_of(roots: Iterable[Branch], wanted: ObjectName) -> list[Branch]:
    """Choose the trees that an object has a part in, without the branches that lead to other objects of its rank.

    A tree is kept from its root when it holds the object; below the object's own writes everything is kept.
    """
    return [branch for root in roots if (branch := _pruned(root, wanted)) is not None]


def _pruned(branch: Branch, wanted: ObjectName) -> Branch | None:
    if branch.record.object.is_same(wanted):
        return branch
    children = [kept for child in branch.children if (kept := _pruned(child, wanted)) is not None]
    return Branch(branch.record, children) if children else None


def _parent(record: Record, by_object: Mapping[tuple[str, str, str], Sequence[Branch]]) -> Branch | None:
    """Find the write that a record answers: the newest of the cause's that its writer can have seen."""
    if record.cause is None:
        return None
    cause = record.cause
    candidates = [
        branch
        for branch in by_object.get(_slot(cause), ())
        if branch.record.object.is_same(cause) and branch.record.id < record.id
    ]
    seen = [
        branch
        for branch in candidates
        if not record.cause_version or branch.record.resource_version <= record.cause_version
    ]
    exact = [branch for branch in seen if branch.record.resource_version == record.cause_version]
    best = exact or seen or candidates[:1]
    return best[-1] if best else None


def _slot(name: ObjectName) -> tuple[str, str, str]:
    return (name.kind, name.namespace, name.name)


def _number(version: object) -> int:
    text = str(version or "")
    return int(text) if text.isdecimal() else 0
