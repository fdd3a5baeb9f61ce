"""A kind in two versions: each manager owns fields by the names of the version that it wrote in."""

from typing import Any

from apiserver.managed_fields.field_manager import FieldManager, field_manager_of
from apiserver.managed_fields.field_sets import decode
from apiserver.managed_fields.managers import APPLY, ManagerId, read_entries
from naru.api.conversion import to_version
from naru.api.meta import KubeObject
from naru.api.model import now
from naru.api.scheme import Resource, by_kind
from naru.api.strict import decode as decode_object

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}


def resource(version: str) -> Resource:
    found = by_kind(f"autoscaling/{version}", "HorizontalPodAutoscaler")
    assert found is not None
    return found


def manager(version: str) -> FieldManager:
    return field_manager_of(resource(version), "")


def autoscaler(version: str, **spec: Any) -> KubeObject:
    document = {
        "apiVersion": f"autoscaling/{version}",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"scaleTargetRef": TARGET, "maxReplicas": 3, **spec},
    }
    return decode_object(resource(version).model, document)


class TestTwoVersions:
    """An HPA made through v1 and changed through v2."""

    def test_a_change_in_one_version_is_taken_from_its_owner_in_the_other(self) -> None:
        made = manager("v1").record(None, None, autoscaler("v1", targetCPUUtilizationPercentage=50), "one", now())
        live = to_version(made, resource("v2"))
        metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization"}}}]
        metrics[0]["resource"]["target"]["averageUtilization"] = 80  # type: ignore[index]
        changed = manager("v2").record(
            live, live.wire(), autoscaler("v2", metrics=metrics, minReplicas=1), "two", now()
        )
        entries = {entry.manager: entry for entry in changed.metadata.managed_fields}
        assert (entries["one"].api_version, entries["two"].api_version) == ("autoscaling/v1", "autoscaling/v2")
        assert "f:targetCPUUtilizationPercentage" not in decode(entries["one"].fields_v1 or b"{}")["f:spec"]
        assert decode(entries["two"].fields_v1 or b"{}") == {"f:spec": {"f:metrics": {}}}

    def test_an_applier_may_move_to_the_other_version(self) -> None:
        first = {**autoscaler("v1").wire(), "metadata": {"name": "web", "namespace": "default", "labels": {"a": "b"}}}
        document, entries = manager("v1").apply(None, (), first, "one", now(), force=False)
        live = to_version(decode_object(resource("v1").model, document), resource("v2")).wire()
        second = {**autoscaler("v2").wire(), "metadata": {"name": "web", "namespace": "default"}}
        document, entries = manager("v2").apply(live, entries, second, "one", now(), force=False)
        assert "labels" not in {k: v for k, v in document["metadata"].items() if v}
        assert read_entries(entries)[ManagerId("one", APPLY)].api_version == "autoscaling/v2"
