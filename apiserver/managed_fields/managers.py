"""Managers: who has set which fields of an object, and the form in which metadata.managedFields tells it.

Source: Kubernetes API reference, meta/v1 ManagedFieldsEntry; apimachinery, "managedfields".
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from apiserver.managed_fields.field_sets import FieldSet, MalformedSet, decode, encode, union
from naru.api.meta import ManagedFieldsEntry
from naru.api.raw_json import RawJson

APPLY: Final = "Apply"
UPDATE: Final = "Update"
FIELDS_TYPE: Final = "FieldsV1"

MAX_UPDATERS: Final = 10
ANCIENT: Final = "ancient-changes"  # who stands for the oldest updaters, once there are more than that


class ManagerId(NamedTuple):
    """Who: the same program is another manager for another operation, version (of updates) or subresource."""

    manager: str
    operation: str
    api_version: str = ""  # empty for Apply, which may move to another version
    subresource: str = ""

    @property
    def text(self) -> str:
        """The form in which upstream compares them, and so the order of its messages."""
        names = ("manager", "operation", "apiVersion", "subresource")
        return json.dumps({name: value for name, value in zip(names, self, strict=True) if value}, ensure_ascii=False)


@dataclass(frozen=True)
class Owned:
    """The fields of one manager, named in one version of the kind."""

    fields: FieldSet
    api_version: str
    time: datetime | None = None


Managed = dict[ManagerId, Owned]


class MalformedEntry(Exception):
    """An entry of managedFields cannot be read."""


def read_entries(entries: Iterable[ManagedFieldsEntry]) -> Managed:
    """Read metadata.managedFields.

    Raises:
        MalformedEntry: one of them is not well-formed.
    """
    return dict(_read(number, entry) for number, entry in enumerate(entries))


def _read(number: int, entry: ManagedFieldsEntry) -> tuple[ManagerId, Owned]:
    if entry.operation not in (APPLY, UPDATE):
        raise MalformedEntry("operation must be `Apply` or `Update`")
    if not entry.api_version:
        raise MalformedEntry("apiVersion must not be empty")
    if entry.fields_type != FIELDS_TYPE:
        wrong = f'invalid fieldsType "{entry.fields_type}"' if entry.fields_type else "missing fieldsType"
        raise MalformedEntry(f"{wrong} in managed fields entry {number}")
    try:
        fields = decode(entry.fields_v1 or b"{}")
    except MalformedSet as error:
        raise MalformedEntry(f"error decoding set: {error}") from error
    version = "" if entry.operation == APPLY else entry.api_version
    who = ManagerId(entry.manager, entry.operation, version, entry.subresource)
    return who, Owned(fields, entry.api_version, entry.time)


def write_entries(managed: Managed) -> tuple[ManagedFieldsEntry, ...]:
    """Write metadata.managedFields: appliers first, then by time."""
    return tuple(_write(who, managed[who]) for who in sorted(managed, key=lambda who: _rank(who, managed[who])))


def _rank(who: ManagerId, owned: Owned) -> tuple[str, int, str, str, str]:
    seconds = int(owned.time.timestamp()) if owned.time is not None else 0
    return who.operation, seconds, who.manager, owned.api_version, who.subresource


def _write(who: ManagerId, owned: Owned) -> ManagedFieldsEntry:
    return ManagedFieldsEntry.model_construct(
        manager=who.manager,
        operation=who.operation,
        api_version=owned.api_version,
        time=owned.time,
        fields_type=FIELDS_TYPE,
        fields_v1=RawJson(encode(owned.fields)),
        subresource=who.subresource,
    )


def same_but_for_times(left: tuple[ManagedFieldsEntry, ...], right: tuple[ManagedFieldsEntry, ...]) -> bool:
    """Tell whether two records differ at most in when something happened."""
    if len(left) != len(right):
        return False
    pairs = zip(left, right, strict=True)
    return all(ours == theirs.model_copy(update={"time": ours.time}) for ours, theirs in pairs)


def capped(managed: Managed) -> Managed:
    """Join the oldest updaters of each version until there are no more than ``MAX_UPDATERS``."""
    updaters = [who for who in managed if who.operation == UPDATE]
    surplus = len(updaters) - MAX_UPDATERS
    if surplus <= 0:
        return managed
    result = dict(managed)
    first_of: dict[str, ManagerId] = {}
    for who in sorted(updaters, key=lambda who: _age(who, managed[who])):
        if surplus == 0:
            break
        version = managed[who].api_version
        if version not in first_of:
            first_of[version] = who
            continue
        bucket = ManagerId(ANCIENT, UPDATE, version)
        if bucket not in result:
            result[bucket] = result.pop(first_of[version])
        joined = union(result[bucket].fields, managed[who].fields)
        result[bucket] = Owned(joined, version, managed[who].time)  # the later one of the two
        if who != bucket:
            del result[who]
        surplus -= 1
    return result


def _age(who: ManagerId, owned: Owned) -> tuple[int, str]:
    return (int(owned.time.timestamp()) if owned.time is not None else 0), who.text
