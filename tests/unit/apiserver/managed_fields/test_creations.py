"""Who creates an object owns all that is set in it, and objects of one template are looked into once."""

from datetime import UTC, datetime
from typing import Any

from apiserver.managed_fields import field_manager as field_managers
from apiserver.managed_fields.field_manager import field_manager_of
from naru.api.core_v1 import ConfigMap, Pod
from naru.api.meta import KubeObject
from naru.api.scheme import resource_of
from naru.api.strict import decode

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)


def created(obj: KubeObject, manager: str = "me", now: datetime = NOW) -> dict[str, Any]:
    """Return the entries of a new object, by manager."""
    recorded = field_manager_of(resource_of(type(obj)), "").record(None, None, obj, manager, now)
    return {entry.manager: entry.wire() for entry in recorded.metadata.managed_fields}


def config(name: str, **more: Any) -> ConfigMap:
    return decode(ConfigMap, {"metadata": {"name": name, **more.pop("metadata", {})}, **more})


def pod(name: str, *containers: str) -> Pod:
    spec = {"containers": [{"name": container, "image": "i"} for container in containers]}
    return decode(Pod, {"metadata": {"name": name}, "spec": spec})


class TestCreations:
    def test_the_creator_owns_what_is_set(self) -> None:
        entry = created(config("a", data={"k": "v"}, metadata={"labels": {"l": "1"}}))["me"]
        assert entry["fieldsV1"] == {
            "f:data": {".": {}, "f:k": {}},
            "f:metadata": {"f:labels": {".": {}, "f:l": {}}},
        }
        assert (entry["operation"], entry["apiVersion"], entry["time"]) == ("Update", "v1", "2026-01-02T03:04:05Z")

    def test_a_template_s_objects_are_looked_into_once_and_told_apart_by_creator_and_time(self) -> None:
        looks = field_managers._entry_of_creator.cache_info().misses
        first = created(pod("first", "main"))
        second = created(pod("second", "main"), "you", LATER)
        assert field_managers._entry_of_creator.cache_info().misses == looks + 1
        assert second["you"]["time"] == "2026-01-02T03:04:06Z"
        assert second["you"]["fieldsV1"] == first["me"]["fieldsV1"]

    def test_what_differs_is_looked_into_again(self) -> None:
        fields = created(pod("a", "main", "other"))["me"]["fieldsV1"]["f:spec"]["f:containers"]
        assert set(fields) == {'k:{"name":"main"}', 'k:{"name":"other"}'}

    def test_a_creator_without_a_name_is_unknown(self) -> None:
        assert set(created(config("a", data={"k": "v"}), "")) == {"unknown"}

    def test_nobody_owns_nothing(self) -> None:
        assert created(config("a")) == {}
