"""Updater: what a write means for everybody's fields, and, if it is an apply, for the object.

Two operations, both pure. An *update* is a new state of the object: whoever wrote it owns what it changed, and others
lose those fields. An *apply* states what one manager wants: it is merged into the object, what the manager stated last
time and states no longer is removed unless others own it, and a field that it changes from under another manager is a
conflict, unless the manager insists.

Source: structured-merge-diff, "merge" (Updater); Kubernetes documents, "Server-Side Apply".
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from apiserver.managed_fields.compare import Comparison, compare
from apiserver.managed_fields.field_sets import (
    LEAF,
    FieldSet,
    Path,
    difference,
    intersection,
    paths,
    union,
)
from apiserver.managed_fields.managers import Managed, ManagerId, Owned
from apiserver.managed_fields.merge import merged
from apiserver.managed_fields.reset_fields import Filter, everything
from apiserver.managed_fields.types import Type
from apiserver.managed_fields.walk import fields_of_document, with_named_fields, without_fields

Document = dict[str, Any]
Typed = tuple[Type, Document]
Convert = Callable[[Document, str, str], Typed | None]
"""(document, its version, wanted version) -> the document in that version; None if it is not served."""


class Conflicts(Exception):
    """Fields that an apply would change, although others own them."""

    def __init__(self, found: Iterable[tuple[ManagerId, Path]]) -> None:
        super().__init__()
        self.found = tuple(sorted(found, key=lambda conflict: conflict[0].text))  # outer fields before inner ones


def no_conversion(document: Document, version: str, wanted: str) -> Typed | None:
    """Convert nothing: for kinds that are served in one version."""
    return None


@dataclass(frozen=True)
class Updater:
    """The rules for one kind, in the version of the request."""

    kind: Type
    api_version: str
    owned: Filter = everything  # leaves out the fields that the server puts back: nobody comes to own them
    convert: Convert = no_conversion

    def update(self, live: Document, new: Document, managed: Managed, who: ManagerId) -> Managed:
        """Return who owns what once ``new`` has replaced ``live``."""
        others, comparison = self._after(live, new, managed, who, force=True)
        mine = managed[who].fields if who in managed else LEAF
        fields = union(difference(mine, comparison.removed), comparison.touched)
        return _with(others, who, Owned(self.owned(fields), self.api_version))

    def apply(
        self, live: Document, applied: Document, managed: Managed, who: ManagerId, *, force: bool
    ) -> tuple[Document, Managed]:
        """Return the object with the configuration applied, and who owns what then.

        Raises:
            Conflicts: others own what it changes, and it is not forced.
        """
        last = managed.get(who)
        fields = self.owned(fields_of_document(self.kind, applied))
        managed = {**managed, who: Owned(fields, self.api_version, last.time if last else None)}
        new = self._pruned(merged(self.kind, live, applied), managed, last)
        after, _ = self._after(live, new, managed, who, force=force)
        return new, {owner: owned for owner, owned in after.items() if owned.fields}

    def _after(
        self, live: Document, new: Document, managed: Managed, who: ManagerId, *, force: bool
    ) -> tuple[Managed, Comparison]:
        """Take from the other managers what changed."""
        comparisons = {self.api_version: self._compare(self.kind, live, new)}
        result, conflicts = {}, []
        for owner, owned in managed.items():
            if owner == who:
                result[owner] = owned
                continue
            comparison = self._comparison_in(owned.api_version, live, new, comparisons)
            if comparison is None:
                continue  # a version that is served no longer: nothing can be said about these fields
            lost = intersection(owned.fields, comparison.touched)
            conflicts += [(owner, path) for path in paths(lost)]
            left = difference(difference(owned.fields, lost), comparison.removed)
            if left:
                result[owner] = owned if left == owned.fields else replace(owned, fields=left)
        if conflicts and not force:
            raise Conflicts(conflicts)
        return result, comparisons[self.api_version]

    def _comparison_in(
        self, version: str, live: Document, new: Document, known: dict[str, Comparison]
    ) -> Comparison | None:
        if version not in known:
            before, after = self._typed_in(version, live), self._typed_in(version, new)
            if before is None or after is None:
                return None
            known[version] = self._compare(before[0], before[1], after[1])
        return known[version]

    def _compare(self, kind: Type, live: Document, new: Document) -> Comparison:
        return compare(kind, live, new).filtered(self.owned)

    def _typed_in(self, version: str, document: Document) -> Typed | None:
        if version == self.api_version:
            return self.kind, document
        return self.convert(document, self.api_version, version)

    def _pruned(self, document: Document, managed: Managed, last: Owned | None) -> Document:
        """Remove what the manager applied last time, not this time, and what nobody else claims."""
        if last is None or not last.fields:
            return document
        if last.api_version != self.api_version:
            return self._pruned_in_other_version(document, managed, last)
        pruned = without_fields(self.kind, document, with_named_fields(self.kind, last.fields)) or {}
        pruned = self._with_owned(document, pruned, managed)
        return self._with_dangling(document, pruned, last.fields)

    def _pruned_in_other_version(self, document: Document, managed: Managed, last: Owned) -> Document:
        typed = self._typed_in(last.api_version, document)
        if typed is None:
            return document
        there = replace(self, kind=typed[0], api_version=last.api_version)
        pruned = there._pruned(typed[1], managed, last)
        back = self.convert(pruned, last.api_version, self.api_version)
        return document if back is None else back[1]

    def _with_owned(self, document: Document, pruned: Document, managed: Managed) -> Document:
        """Put back what any manager claims, in whatever version it does."""
        versions = sorted(
            {owned.api_version for owned in managed.values()}, key=lambda version: version != self.api_version
        )
        for version in versions:
            whole, rest = self._typed_in(version, document), self._typed_in(version, pruned)
            if whole is None or rest is None:
                continue
            claims = [owned.fields for owned in managed.values() if owned.api_version == version]
            kept = _restored(whole[0], whole[1], rest[1], reduce(union, claims, LEAF))
            back = (whole[0], kept) if version == self.api_version else self.convert(kept, version, self.api_version)
            pruned = pruned if back is None else back[1]
        return pruned

    def _with_dangling(self, document: Document, pruned: Document, last: FieldSet) -> Document:
        """Put back what was not the manager's: it lay inside of something that was."""
        kind = self.kind
        all_fields = with_named_fields(kind, fields_of_document(kind, document))
        kept_fields = with_named_fields(kind, fields_of_document(kind, pruned))
        gone = intersection(difference(all_fields, kept_fields), with_named_fields(kind, last))
        return without_fields(kind, document, gone) or {}


def _restored(kind: Type, document: Document, pruned: Document, claimed: FieldSet) -> Document:
    """Remove from the whole document only what is gone from the pruned one and nobody claims."""
    all_fields = with_named_fields(kind, fields_of_document(kind, document))
    kept_fields = with_named_fields(kind, fields_of_document(kind, pruned))
    gone = difference(all_fields, union(kept_fields, with_named_fields(kind, claimed)))
    return without_fields(kind, document, gone) or {}


def _with(managed: Managed, who: ManagerId, owned: Owned) -> Managed:
    others = {owner: theirs for owner, theirs in managed.items() if owner != who}
    return {**others, who: owned} if owned.fields else others
