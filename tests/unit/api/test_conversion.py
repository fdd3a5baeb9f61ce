"""Kinds of two versions: what goes there and back, and what is refused of them."""

from typing import Any

import pytest

from naru.api.autoscaling_v1 import HorizontalPodAutoscaler as AutoscalerV1
from naru.api.autoscaling_v2 import HorizontalPodAutoscaler
from naru.api.conversion import to_stored, to_version
from naru.api.event_v1 import Event as CoreEvent
from naru.api.events_v1 import Event
from naru.api.meta import KubeObject
from naru.api.scheduling_v1 import PriorityClass
from naru.api.scheme import resource_of
from naru.api.strict import decode
from naru.api.validation import validate, validate_update
from naru.api.validation.events import validate_strictly, validate_update_strictly

META = {"name": "a", "namespace": "default"}
METRIC = {"name": "m", "selector": {"matchLabels": {"a": "b"}}}
OBJECT = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "web"}
METRICS: list[dict[str, Any]] = [
    {
        "type": "Object",
        "object": {"describedObject": OBJECT, "metric": METRIC, "target": {"type": "Value", "value": "5"}},
    },
    {"type": "Pods", "pods": {"metric": METRIC, "target": {"type": "AverageValue", "averageValue": "5"}}},
    {"type": "External", "external": {"metric": METRIC, "target": {"type": "AverageValue", "averageValue": "5"}}},
    {"type": "External", "external": {"metric": METRIC, "target": {"type": "Value", "value": "5"}}},
    {
        "type": "ContainerResource",
        "containerResource": {
            "name": "memory",
            "container": "c",
            "target": {"type": "Utilization", "averageUtilization": 5},
        },
    },
    {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "5"}}},
    {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}},
]
CURRENT: list[dict[str, Any]] = [
    {"type": "Pods", "pods": {"metric": METRIC, "current": {"averageValue": "5"}}},
    {"type": "External", "external": {"metric": METRIC, "current": {"value": "0", "averageValue": "5"}}},
    {"type": "Object", "object": {"describedObject": OBJECT, "metric": METRIC, "current": {"value": "5"}}},
    {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 61, "averageValue": "1"}}},
]


def autoscaler(status: dict[str, Any] | None = None, **spec: Any) -> HorizontalPodAutoscaler:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    whole = {"scaleTargetRef": target, "maxReplicas": 5, **spec}
    return decode(HorizontalPodAutoscaler, {"metadata": META, "spec": whole, "status": status or {}})


def texts(errors: list[Any]) -> list[str]:
    return [str(error) for error in errors]


class TestAutoscalers:
    def test_nothing_is_lost_in_version_1(self) -> None:
        condition = {"type": "AbleToScale", "status": "True", "reason": "Fine"}
        status = {"currentReplicas": 2, "desiredReplicas": 3, "currentMetrics": CURRENT, "conditions": [condition]}
        full = autoscaler(status, metrics=METRICS, behavior={"scaleUp": {"selectPolicy": "Min", "tolerance": "50m"}})
        old = to_version(full, resource_of(AutoscalerV1))
        assert isinstance(old, AutoscalerV1)
        assert old.spec.target_cpu_utilization_percentage == 60
        assert old.status.current_cpu_utilization_percentage == 61
        assert to_stored(old) == full

    def test_version_1_aims_at_the_usual_load_unless_it_says_something(self) -> None:
        stored = to_stored(decode(AutoscalerV1, {"metadata": META, "spec": {"maxReplicas": 2}}))
        assert isinstance(stored, HorizontalPodAutoscaler)
        assert stored.spec.metrics == autoscaler().spec.metrics

    @pytest.mark.parametrize("text", ["{", "[3]", "null", '{"a": 1}'])
    def test_an_annotation_that_cannot_be_read_is_dropped(self, text: str) -> None:
        names = ("metrics", "behavior", "conditions", "current-metrics")
        annotations = {f"autoscaling.alpha.kubernetes.io/{name}": text for name in names}
        spoilt = {"metadata": {**META, "annotations": {**annotations, "mine": "1"}}, "spec": {"maxReplicas": 2}}
        stored = to_stored(decode(AutoscalerV1, spoilt))
        assert stored.metadata.annotations == {"mine": "1"}

    def test_rules_of_which_some_are_given_are_completed(self) -> None:
        spec = autoscaler(behavior={"scaleUp": {"stabilizationWindowSeconds": 5}}).wire()["spec"]
        assert spec["behavior"] == {
            "scaleUp": {
                "stabilizationWindowSeconds": 5,
                "selectPolicy": "Max",
                "policies": [
                    {"type": "Pods", "value": 4, "periodSeconds": 15},
                    {"type": "Percent", "value": 100, "periodSeconds": 15},
                ],
            },
            "scaleDown": {
                "selectPolicy": "Max",
                "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
            },
        }

    @pytest.mark.parametrize(
        ("spec", "expected"),
        [
            ({"minReplicas": 0}, ["spec.minReplicas: Invalid value: 0: must be greater than or equal to 1"]),
            (
                {"scaleTargetRef": {"kind": "a/b"}},
                [
                    "spec.scaleTargetRef.kind: Invalid value: \"a/b\": may not contain '/'",
                    "spec.scaleTargetRef.name: Required value",
                ],
            ),
            (
                {"metrics": [{"type": "Pods", "resource": {"name": "cpu"}}]},
                [
                    "spec.metrics[0].resource.target.type: Required value: must specify a metric target type",
                    'spec.metrics[0].resource.target.type: Invalid value: "": '
                    "must be either Utilization, Value, or AverageValue",
                    "spec.metrics[0].resource.target.averageUtilization: Required value: "
                    "must set either a target raw value or a target utilization",
                    "spec.metrics[0].pods: Required value: must populate information for the given metric source",
                ],
            ),
            (
                {"behavior": {"scaleUp": {"policies": [{"type": "Nodes", "value": 0, "periodSeconds": 1801}]}}},
                [
                    'spec.behavior.scaleUp.policies[0].type: Unsupported value: "Nodes": '
                    'supported values: "Percent", "Pods"',
                    "spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero",
                    "spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: "
                    "must be less than or equal to 1800",
                ],
            ),
        ],
        ids=["bounds", "target", "metric", "policy"],
    )
    def test_faults(self, spec: dict[str, Any], expected: list[str]) -> None:
        found = texts(validate(autoscaler(**spec)))
        assert found[: len(expected)] == expected


class TestEvents:
    NEW = {
        "eventTime": "2026-01-01T00:00:00.000001Z",
        "reportingController": "naru.io/x",
        "reportingInstance": "i",
        "action": "Act",
        "reason": "Done",
        "type": "Normal",
        "regarding": {"kind": "Pod", "namespace": "default", "name": "p"},
    }

    def event(self, **more: Any) -> CoreEvent:
        stored = to_stored(decode(Event, {"metadata": META, **self.NEW, **more}))
        assert isinstance(stored, CoreEvent)
        return stored

    def test_nothing_is_lost_on_the_way(self) -> None:
        series = {"count": 2, "lastObservedTime": "2026-01-01T00:00:01.000000Z"}
        old = {
            "deprecatedCount": 3,
            "deprecatedSource": {"host": "h"},
            "deprecatedFirstTimestamp": "2026-01-01T00:00:00Z",
        }
        full = decode(Event, {"metadata": META, **self.NEW, **old, "series": series, "note": "n"})
        stored = to_stored(full)
        assert isinstance(stored, CoreEvent)
        assert (stored.message, stored.count, stored.source.host) == ("n", 3, "h")
        assert to_version(stored, resource_of(Event)).wire() == full.wire()

    def test_a_new_event_is_valid_in_both_groups(self) -> None:
        assert validate(self.event()) == validate_strictly(self.event()) == []

    def test_each_group_names_the_reporter_in_its_own_way(self) -> None:
        nobody = self.event(reportingController="")
        assert texts(validate(nobody))[0] == "reportingComponent: Required value"
        assert texts(validate_strictly(nobody))[0] == "reportingController: Required value"

    def test_old_fields_are_for_old_writers(self) -> None:
        found = texts(validate_strictly(self.event(deprecatedCount=1, type="Odd", series={"count": 1})))
        assert found == [
            'series.count: Invalid value: "": should be at least 2',
            "series.lastObservedTime: Required value",
            'type: Invalid value: "": has invalid value: Odd',
            'count: Invalid value: "": needs to be unset',
        ]

    def test_texts_have_bounds(self) -> None:
        found = texts(validate(self.event(note="x" * 1025, reason="x" * 129)))
        assert found == [
            'reason: Invalid value: "": can have at most 128 characters',
            'message: Invalid value: "": can have at most 1024 characters',
        ]

    def test_an_event_belongs_to_the_namespace_of_its_object(self) -> None:
        other = self.event(regarding={"kind": "Pod", "namespace": "elsewhere"}, eventTime=None)
        assert texts(validate(other)) == [
            'involvedObject.namespace: Invalid value: "elsewhere": does not match event.namespace'
        ]

    def test_what_happened_does_not_change(self) -> None:
        new, old = self.event(note="b"), self.event(note="a")
        assert validate_update(new, old) == []
        assert texts(validate_update_strictly(new, old)) == ['message: Invalid value: "b": field is immutable']


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"value": 1_000_000_001}, "value: Forbidden: maximum allowed value of a user defined priority is 1000000000"),
        (
            {"metadata": {"name": "system-mine"}},
            "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. "
            "error: system-mine is not a known system priority class",
        ),
        (
            {"preemptionPolicy": "Maybe"},
            'preemptionPolicy: Unsupported value: "Maybe": supported values: "PreemptLowerPriority", "Never"',
        ),
    ],
    ids=["too high", "a name of the system's", "policy"],
)
def test_faults_of_a_priority_class(fields: dict[str, Any], expected: str) -> None:
    priority: KubeObject = decode(PriorityClass, {"metadata": {"name": "p"}, "value": 1, **fields})
    assert texts(validate(priority)) == [expected]
