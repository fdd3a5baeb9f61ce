"""Tables: the columns of ``kubectl get`` and of ``-o wide``, and objects stripped to their metadata."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from apiserver.handlers.output import Form
from apiserver.negotiation import PARTIAL
from apiserver.storage.entry import Entry
from apiserver.table import check_include, partial, partial_list, table
from naru.api.errors import BadRequest
from naru.api.keys import ObjectKey
from naru.api.scheme import by_any_name

NOW = datetime(2026, 1, 1, 0, 10, tzinfo=UTC)
META = {"name": "web", "namespace": "default", "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"a": "b"}}
TEMPLATE = {
    "replicas": 3,
    "selector": {"matchLabels": {"app": "web"}},
    "template": {"spec": {"containers": [{"name": "c", "image": "x:1"}, {"name": "d", "image": "y:2"}]}},
}


def shown(name: str, raw: dict[str, Any], **options: Any) -> dict[str, Any]:
    resource = by_any_name(name)
    assert resource is not None
    return table(resource, [resource.model.model_validate(raw)], now=NOW, **options)


def as_row(name: str, raw: dict[str, Any]) -> dict[str, Any]:
    made = shown(name, {"metadata": META, **raw})
    names = [column["name"].upper() for column in made["columnDefinitions"]]
    return dict(zip(names, made["rows"][0]["cells"], strict=True))


@pytest.mark.parametrize(
    ("kind", "raw", "row"),
    [
        (
            "pods",
            {
                "spec": {
                    "containers": [{"name": "c"}],
                    "nodeName": "node-1",
                    "readinessGates": [{"conditionType": "g"}],
                },
                "status": {
                    "phase": "Running",
                    "podIPs": [{"ip": "10.244.0.2"}],
                    "conditions": [{"type": "g", "status": "True"}],
                    "containerStatuses": [{"name": "c", "ready": True, "state": {"running": {}}}],
                },
            },
            {
                "NAME": "web",
                "READY": "1/1",
                "STATUS": "Running",
                "RESTARTS": "0",
                "AGE": "10m",
                "IP": "10.244.0.2",
                "NODE": "node-1",
                "NOMINATED NODE": "<none>",
                "READINESS GATES": "1/1",
            },
        ),
        (
            "nodes",
            {
                "metadata": {**META, "labels": {"node-role.kubernetes.io/worker": "", "kubernetes.io/role": "db"}},
                "spec": {"unschedulable": True},
                "status": {
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "addresses": [{"type": "InternalIP", "address": "198.18.0.11"}],
                    "nodeInfo": {"kubeletVersion": "v1.36.0-naru", "osImage": "Debian", "kernelVersion": "6.18"},
                },
            },
            {
                "NAME": "web",
                "STATUS": "Ready,SchedulingDisabled",
                "ROLES": "db,worker",
                "AGE": "10m",
                "VERSION": "v1.36.0-naru",
                "INTERNAL-IP": "198.18.0.11",
                "EXTERNAL-IP": "<none>",
                "OS-IMAGE": "Debian",
                "KERNEL-VERSION": "6.18",
                "CONTAINER-RUNTIME": "<unknown>",
            },
        ),
        (
            "deployments",
            {
                "spec": TEMPLATE,
                "status": {"replicas": 4, "readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2},
            },
            {
                "NAME": "web",
                "READY": "2/3",
                "UP-TO-DATE": 1,
                "AVAILABLE": 2,
                "AGE": "10m",
                "CONTAINERS": "c,d",
                "IMAGES": "x:1,y:2",
                "SELECTOR": "app=web",
            },
        ),
        (
            "replicasets",
            {"spec": TEMPLATE, "status": {"replicas": 2, "readyReplicas": 1}},
            {
                "NAME": "web",
                "DESIRED": 3,
                "CURRENT": 2,
                "READY": 1,
                "AGE": "10m",
                "CONTAINERS": "c,d",
                "IMAGES": "x:1,y:2",
                "SELECTOR": "app=web",
            },
        ),
        ("namespaces", {"status": {"phase": "Active"}}, {"NAME": "web", "STATUS": "Active", "AGE": "10m"}),
        ("configmaps", {"data": {"a": "b"}, "binaryData": {"c": "eA=="}}, {"NAME": "web", "DATA": 2, "AGE": "10m"}),
        ("secrets", {"data": {"a": "eA=="}}, {"NAME": "web", "TYPE": "Opaque", "DATA": 1, "AGE": "10m"}),
        ("serviceaccounts", {}, {"NAME": "web", "SECRETS": 0, "AGE": "10m"}),
        ("leases", {"spec": {"holderIdentity": "node-1"}}, {"NAME": "web", "HOLDER": "node-1", "AGE": "10m"}),
        (
            "events",
            {
                "involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "spec.containers{c}"},
                "type": "Warning",
                "reason": "BackOff",
                "message": "Back-off\n",
                "source": {"component": "nodeagent", "host": "node-1"},
                "firstTimestamp": "2026-01-01T00:01:00Z",
                "lastTimestamp": "2026-01-01T00:09:30Z",
                "count": 7,
            },
            {
                "LAST SEEN": "30s",
                "TYPE": "Warning",
                "REASON": "BackOff",
                "OBJECT": "pod/p",
                "SUBOBJECT": "spec.containers{c}",
                "SOURCE": "nodeagent, node-1",
                "MESSAGE": "Back-off",
                "FIRST SEEN": "9m",
                "COUNT": 7,
                "NAME": "web",
            },
        ),
    ],
)
def test_columns(kind: str, raw: dict[str, Any], row: dict[str, Any]) -> None:
    assert as_row(kind, raw) == row


def test_an_event_of_a_series_is_told_by_the_series() -> None:
    series = {"count": 9, "lastObservedTime": "2026-01-01T00:09:00.000000Z"}
    row = as_row("events", {"involvedObject": {"kind": "Node"}, "eventTime": "2026-01-01T00:00:00Z", "series": series})
    assert (row["LAST SEEN"], row["FIRST SEEN"], row["COUNT"], row["OBJECT"]) == ("60s", "10m", 9, "node")


def test_wide_columns_have_a_lower_priority() -> None:
    columns = shown("pods", {"metadata": META, "spec": {"containers": []}})["columnDefinitions"]
    assert [column["name"] for column in columns if column["priority"] == 0] == [
        "Name",
        "Ready",
        "Status",
        "Restarts",
        "Age",
    ]
    assert columns[0]["format"] == "name"


class TestObjectsInRows:
    """A row carries as much of its object as the client asks for."""

    RAW = {"metadata": META, "data": {"k": "v"}}

    def test_metadata_by_default(self) -> None:
        made = shown("configmaps", self.RAW)
        assert made["rows"][0]["object"] == {
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": META,
        }

    def test_the_whole_object(self) -> None:
        obj = shown("configmaps", self.RAW, include_object="Object")["rows"][0]["object"]
        assert (obj["kind"], obj["data"]) == ("ConfigMap", {"k": "v"})

    def test_nothing(self) -> None:
        assert shown("configmaps", self.RAW, include_object="None")["rows"][0]["object"] is None

    def test_anything_else_is_refused(self) -> None:
        with pytest.raises(BadRequest) as caught:
            check_include("All")
        assert caught.value.message == (
            "Unable to convert to Table as requested: includeObject: "
            "Invalid value: \"All\": must be 'Metadata', 'Object', 'None', or empty"
        )

    def test_a_pod_that_ended_is_marked(self) -> None:
        row = shown("pods", {"metadata": META, "spec": {"containers": []}, "status": {"phase": "Succeeded"}})["rows"][0]
        assert [condition["type"] for condition in row["conditions"]] == ["Completed"]


def test_partial_lists() -> None:
    resource = by_any_name("cm")
    assert resource is not None
    obj = resource.model.model_validate({"metadata": META})
    made = partial_list([obj.metadata.wire()], {"resourceVersion": "7"}, "v1beta1")
    assert made["kind"] == "PartialObjectMetadataList"
    assert made["apiVersion"] == "meta.k8s.io/v1beta1"
    assert made["metadata"] == {"resourceVersion": "7"}
    assert made["items"] == [partial(obj.metadata.wire(), "v1beta1")]


def test_an_object_is_stripped_without_being_decoded() -> None:
    resource = by_any_name("cm")
    assert resource is not None
    undecodable = b'{"metadata":{"resourceVersion":"7","name":"a"},"data":7}'
    entry = Entry(resource, ObjectKey("default", "a"), undecodable, 7)
    shown = orjson.loads(Form(PARTIAL).one(entry))
    assert shown["metadata"] == {"resourceVersion": "7", "name": "a"}
