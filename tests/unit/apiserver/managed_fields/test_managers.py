"""Entries of managedFields: their order, their limit, and what cannot be read."""

from datetime import UTC, datetime, timedelta

import pytest

from apiserver.managed_fields.conflicts import conflict_error, manager_text
from apiserver.managed_fields.field_sets import FieldSet, set_of
from apiserver.managed_fields.managers import (
    ANCIENT,
    APPLY,
    MAX_UPDATERS,
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
from apiserver.managed_fields.scale import REPLICAS, SCALE_VERSION, to_parent, to_scale
from apiserver.managed_fields.updater import Conflicts
from naru.api.meta import ManagedFieldsEntry
from naru.api.raw_json import RawJson

START = datetime(2026, 1, 1, tzinfo=UTC)


def fields(*names: str) -> FieldSet:
    return set_of([(f"f:{name}",) for name in names])


def owned(*names: str, seconds: int = 0, version: str = "v1") -> Owned:
    return Owned(fields(*names), version, START + timedelta(seconds=seconds))


class TestEntries:
    """Managers become entries, and entries managers."""

    def test_appliers_come_first_then_the_older_ones(self) -> None:
        managed: Managed = {
            ManagerId("b", UPDATE, "v1"): owned("b", seconds=1),
            ManagerId("a", UPDATE, "v1"): owned("a", seconds=2),
            ManagerId("z", APPLY): owned("z", seconds=3),
            ManagerId("b", UPDATE, "v1", "status"): owned("s", seconds=1),
        }
        entries = write_entries(managed)
        assert [(entry.manager, entry.subresource) for entry in entries] == [
            ("z", ""),
            ("b", ""),
            ("b", "status"),
            ("a", ""),
        ]
        assert read_entries(entries) == managed

    def test_an_applier_is_the_same_in_every_version(self) -> None:
        entries = [
            ManagedFieldsEntry(manager="a", operation=APPLY, api_version=version, fields_type="FieldsV1")
            for version in ("v1", "v2")
        ]
        assert list(read_entries(entries)) == [ManagerId("a", APPLY)]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"operation": "Sing"}, "operation must be `Apply` or `Update`"),
            ({"api_version": ""}, "apiVersion must not be empty"),
            ({"fields_type": ""}, "missing fieldsType in managed fields entry 0"),
            ({"fields_type": "X"}, 'invalid fieldsType "X" in managed fields entry 0'),
            ({"fields_v1": RawJson(b"[]")}, "error decoding set: "),
        ],
    )
    def test_what_cannot_be_read(self, change: dict[str, str], message: str) -> None:
        entry = ManagedFieldsEntry(manager="a", operation=APPLY, api_version="v1", fields_type="FieldsV1")
        with pytest.raises(MalformedEntry) as error:
            read_entries([entry.model_copy(update=change)])
        assert str(error.value).startswith(message)

    def test_records_that_differ_in_times_alone(self) -> None:
        who = ManagerId("a", APPLY)
        first, later, other = ({who: owned("x")}, {who: owned("x", seconds=9)}, {who: owned("y")})
        assert same_but_for_times(write_entries(first), write_entries(later))
        assert not same_but_for_times(write_entries(first), write_entries(other))


class TestCap:
    """No more than ten updaters are told apart; the oldest ones are joined."""

    def test_the_oldest_become_one(self) -> None:
        managed: Managed = {
            ManagerId(f"m{number}", UPDATE, "v1"): owned(f"f{number}", seconds=number)
            for number in range(MAX_UPDATERS + 2)
        }
        managed[ManagerId("applier", APPLY)] = owned("a")
        result = capped(managed)
        assert len([who for who in result if who.operation == UPDATE]) == MAX_UPDATERS
        assert result[ManagerId(ANCIENT, UPDATE, "v1")] == owned("f0", "f1", "f2", seconds=2)
        assert ManagerId("applier", APPLY) in result

    def test_once_joined_they_take_more_in(self) -> None:
        managed: Managed = {ManagerId(ANCIENT, UPDATE, "v1"): owned("old")}
        for number in range(MAX_UPDATERS):
            managed[ManagerId(f"m{number}", UPDATE, "v1")] = owned(f"f{number}", seconds=number + 1)
        result = capped(managed)
        assert len(result) == MAX_UPDATERS
        assert result[ManagerId(ANCIENT, UPDATE, "v1")] == owned("old", "f0", seconds=1)

    def test_versions_are_not_mixed(self) -> None:
        managed: Managed = {
            ManagerId(f"m{number}", UPDATE, f"v{number}"): owned(f"f{number}", version=f"v{number}")
            for number in range(MAX_UPDATERS + 1)
        }
        assert capped(managed) == managed


class TestConflicts:
    """The texts that clients show."""

    def test_managers_are_named_with_what_tells_them_apart(self) -> None:
        assert manager_text(ManagerId("a", APPLY)) == '"a"'
        assert manager_text(ManagerId("a", UPDATE, "apps/v1")) == '"a" using apps/v1'
        assert manager_text(ManagerId("a", UPDATE, "v1", "status")) == '"a" with subresource "status" using v1'

    def test_several_are_grouped_by_manager(self) -> None:
        one, two = ManagerId("one", UPDATE, "v1"), ManagerId("two", APPLY)
        error = conflict_error(Conflicts([(two, ("f:a",)), (one, ("f:b",)), (one, ("f:c", "f:d"))]))
        assert error.message == (
            'Apply failed with 3 conflicts: conflicts with "one" using v1:\n- .b\n- .c.d\nconflicts with "two":\n- .a'
        )
        assert [cause["field"] for cause in error.details["causes"]] == [".b", ".c.d", ".a"]


class TestScale:
    """Owners of the replicas, seen from both sides."""

    REPLICAS_FIELDS = set_of([REPLICAS])

    def test_a_scale_shows_the_owners_of_the_replicas_alone(self) -> None:
        holder, other = ManagerId("holder", APPLY), ManagerId("other", APPLY)
        parent = {holder: Owned(set_of([REPLICAS, ("f:spec", "f:x")]), "apps/v1", START), other: owned("x")}
        assert to_scale(parent) == {holder: Owned(self.REPLICAS_FIELDS, SCALE_VERSION, START)}

    def test_who_scales_takes_the_replicas_over(self) -> None:
        holder, scaler = ManagerId("holder", APPLY), ManagerId("scaler", UPDATE, SCALE_VERSION, "scale")
        parent = {holder: Owned(set_of([REPLICAS, ("f:spec", "f:x")]), "apps/v1", START)}
        scale = {scaler: Owned(self.REPLICAS_FIELDS, SCALE_VERSION, START)}
        assert to_parent(scale, parent, "apps/v1") == {
            holder: Owned(set_of([("f:spec", "f:x")]), "apps/v1", START),
            scaler: Owned(self.REPLICAS_FIELDS, "apps/v1", None),
        }

    def test_a_scale_that_changes_nothing_changes_no_owner(self) -> None:
        holder = ManagerId("holder", APPLY)
        parent = {holder: Owned(self.REPLICAS_FIELDS, "apps/v1", START)}
        assert to_parent(to_scale(parent), parent, "apps/v1") == parent
