"""FieldManager: keeps metadata.managedFields of the objects of one resource, for every kind of write.

Flow of a create, update or patch:  decode -> *record* -> admit -> validate -> store
Flow of an apply:                   decode -> *apply* (merge, conflicts) -> decode -> admit -> validate -> store

Works on wire forms; the typed object comes in and goes out only where its metadata is set.

Source: apimachinery, "managedfields" (FieldManager and the managers that it is stacked from).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, Final, TypeVar

import orjson

from apiserver.managed_fields.check import check
from apiserver.managed_fields.conversion import converter_of
from apiserver.managed_fields.field_sets import difference, set_of, union
from apiserver.managed_fields.last_applied import KUBECTL, remaining_conflicts, with_last_applied
from apiserver.managed_fields.managers import (
    APPLY,
    UPDATE,
    MalformedEntry,
    Managed,
    ManagerId,
    Owned,
    capped,
    read_entries,
    same_but_for_times,
    write_entries,
)
from apiserver.managed_fields.reset_fields import reset_fields
from apiserver.managed_fields.types import NoKey, type_of, zero_document
from apiserver.managed_fields.updater import Conflicts, Document, Updater
from naru.api.meta import KubeObject, ManagedFieldsEntry
from naru.api.scheme import Resource

K = TypeVar("K", bound=KubeObject)

Entries = tuple[ManagedFieldsEntry, ...]

BEFORE_FIRST_APPLY: Final = "before-first-apply"  # owns what was there when the first apply came
UNKNOWN: Final = "unknown"

_WRITING: Final = ManagerId("current-operation", UPDATE)  # the writer, until it is known whether it changed anything
_RESET: Final = ManagedFieldsEntry()
_EPOCH: Final = datetime.fromtimestamp(0, UTC)

_NOBODYS: Final = set_of(
    [
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                "name",
                "namespace",
                "creationTimestamp",
                "selfLink",
                "uid",
                "clusterName",
                "generation",
                "managedFields",
                "resourceVersion",
            )
        ),
    ]
)  # fields that no manager owns: they name the object, or are the server's own


@dataclass(frozen=True, eq=False)
class FieldManager:
    """The record of managers of one resource, for requests through one of its subresources (empty: the object)."""

    updater: Updater
    subresource: str
    zero: Mapping[str, Any]  # what there is before an object's creation

    def record(
        self, live: KubeObject | None, document: Document | None, new: KubeObject, manager: str, now: datetime
    ) -> KubeObject:
        """Return a new state of an object with managedFields as they are after this write.

        Args:
            live: the object before; None if it is created.
            document: the wire form of ``live``.
            new: what was decoded; the managedFields in it count, if they are readable, so that clients can edit them.
        """
        managed = self._managed_by_request(live, new)
        if not managed:  # after the creation: not tracked since somebody cleared the record
            return self._created(new, manager, now) if live is None else with_entries(new, ())
        before = _untracked(dict(self.zero) if document is None else document)
        after = _untracked(orjson.loads(with_entries(new, ()).wire_json()))
        try:
            managed = self._recorded(before, after, managed, manager, now)
        except NoKey:
            return with_entries(new, ())  # validation will tell what is wrong with it
        return with_entries(new, write_entries(capped(managed)))

    def _created(self, new: K, manager: str, now: datetime) -> K:
        """Return a new object whose creator owns all that is set in it.

        Which fields these are does not depend on its name: of objects made from one template, one is looked into.
        """
        nameless = new.metadata.model_copy(update={"name": "", "managed_fields": ()})
        try:
            entry = _entry_of_creator(self, new.model_copy(update={"metadata": nameless}).wire_json())
        except NoKey:
            return with_entries(new, ())  # validation will tell what is wrong with it
        if entry is None:
            return with_entries(new, ())
        return with_entries(new, (entry.model_copy(update={"manager": manager or UNKNOWN, "time": now}),))

    def _managed_by_request(self, live: KubeObject | None, new: KubeObject) -> Managed:
        """Return the record to go on from: the request's, if it may bring one, else the object's."""
        before = live.metadata.managed_fields if live is not None else ()
        sent = new.metadata.managed_fields
        if self.subresource:
            return readable(before)
        if sent == (_RESET,):
            return {}
        return readable(sent) or (readable(before) if before is not sent else {})

    def _recorded(self, before: Document, after: Document, managed: Managed, manager: str, now: datetime) -> Managed:
        result = self._stripped(self.updater.update(before, after, managed, _WRITING), _WRITING)
        mine = result.pop(_WRITING, None)
        if mine is not None:
            who = ManagerId(manager or UNKNOWN, UPDATE, self.updater.api_version, self.subresource)
            earlier = result[who].fields if who in result else {}
            result[who] = Owned(union(mine.fields, earlier), self.updater.api_version, now)
        return result

    def _stripped(self, managed: Managed, who: ManagerId) -> Managed:
        """Take from a manager what is nobody's."""
        if who not in managed:
            return managed
        fields = difference(managed[who].fields, _NOBODYS)
        others = {owner: owned for owner, owned in managed.items() if owner != who}
        return {**others, who: replace(managed[who], fields=fields)} if fields else others

    def apply(
        self,
        document: Document | None,
        entries: Entries,
        applied: Document,
        manager: str,
        now: datetime,
        *,
        force: bool,
    ) -> tuple[Document, Entries]:
        """Return an object with a configuration applied, in its wire form, and its managedFields after that.

        Args:
            document: the object before, in its wire form; None if there is none.
            entries: its managedFields.

        Raises:
            Conflicts: others own what it changes, and it is not forced.
            DoesNotFit: the configuration has fields that the kind does not have, or of the wrong type.
            MalformedEntry: the object's own record cannot be read.
        """
        managed = read_entries(entries)
        live = _untracked(dict(self.zero) if document is None else document)
        check(self.updater.kind, applied)
        if not managed:
            managed = self._recorded(dict(self.zero), live, managed, BEFORE_FIRST_APPLY, now)
        new, managed = self._apply(live, applied, managed, manager, now, force=force)
        if manager == KUBECTL:
            new = with_last_applied(new, applied)
        return new, write_entries(managed)

    def _apply(
        self, live: Document, applied: Document, managed: Managed, manager: str, now: datetime, *, force: bool
    ) -> tuple[Document, Managed]:
        who = ManagerId(manager, APPLY, subresource=self.subresource)
        try:
            new, result = self.updater.apply(live, applied, managed, who, force=force)
        except Conflicts as conflicts:
            if manager != KUBECTL:
                raise
            left = remaining_conflicts(self.updater.kind, self.updater.api_version, live, conflicts)
            if left.found:
                raise left from None
            new, result = self.updater.apply(live, applied, managed, who, force=True)
        result = self._stripped(result, who)
        if new != live and who in result:
            result[who] = replace(result[who], time=now)
        return new, result


@lru_cache(maxsize=256)
def _entry_of_creator(manager: FieldManager, document: bytes) -> ManagedFieldsEntry | None:
    """Return the entry for who sets all of a document, without who and when; None if there is nothing to own.

    Raises:
        NoKey: an item of a list has no key.
    """
    managed = manager._recorded(dict(manager.zero), orjson.loads(document), {}, "", _EPOCH)
    return next(iter(write_entries(managed)), None)


def readable(entries: Entries) -> Managed:
    """Read a record; one that cannot be read counts as none."""
    try:
        return read_entries(entries)
    except MalformedEntry:
        return {}


def _untracked(document: Document) -> Document:
    """Return a document without its own record, which is no field that anybody owns."""
    metadata = document.get("metadata") or {}
    if "managedFields" not in metadata:
        return document
    others = {name: value for name, value in metadata.items() if name != "managedFields"}
    return {**document, "metadata": others}


def with_entries(obj: K, entries: Entries) -> K:
    """Return the object with another record."""
    return obj.model_copy(update={"metadata": obj.metadata.model_copy(update={"managed_fields": entries})})


def without_new_times(new: KubeObject, old: KubeObject) -> KubeObject:
    """Return the old record if nothing but its times is new: that alone is no reason to write an object."""
    before, after = old.metadata.managed_fields, new.metadata.managed_fields
    if after is before or not same_but_for_times(after, before):
        return new
    kept = with_entries(new, before)
    return kept if kept == old else new


@cache
def field_manager_of(resource: Resource, subresource: str) -> FieldManager:
    """Return the field manager for requests to a resource through a subresource."""
    reset = reset_fields(resource, subresource)
    updater = Updater(type_of(resource.model), resource.api_version, reset, converter_of(resource))
    return FieldManager(updater, subresource, zero_document(resource.model))
