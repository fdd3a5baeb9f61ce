"""Workloads, autoscalers and events over HTTP: defaults, what cannot change, scales, and kinds of two versions."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
LABELS = {"app": "web"}
APPS, BATCH = "apis/apps/v1", "apis/batch/v1"
V1, V2 = "apis/autoscaling/v1", "apis/autoscaling/v2"
EVENTS = "apis/events.k8s.io/v1"


def template(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "i:1"}], **spec}}


def workload(**spec: Any) -> dict[str, Any]:
    whole = {"selector": {"matchLabels": LABELS}, "template": template(), **spec}
    return {"metadata": {"name": "web"}, "spec": whole}


async def rows(api, path: str) -> tuple[list[str], list[Any]]:
    """Return the names of the columns, and the cells of the first row."""
    table = (await api.send("GET", path, headers={"Accept": TABLE})).body
    return [column["name"] for column in table["columnDefinitions"]], table["rows"][0]["cells"]


class TestStatefulSets:
    async def test_its_identity_cannot_change_its_scale_can(self, api):
        path = api.path("statefulsets", group=APPS)
        made = await api.post(path, workload(serviceName="web"))
        assert made.code == 201
        assert made.body["spec"]["podManagementPolicy"] == "OrderedReady"
        assert made.body["metadata"]["generation"] == 1
        refused = await api.patch(f"{path}/web", {"spec": {"serviceName": "other"}})
        assert refused.code == 422
        assert "updates to statefulset spec for fields other than 'replicas'" in refused.body["message"]
        scaled = await api.patch(f"{path}/web/scale", {"spec": {"replicas": 3}})
        assert scaled.body["spec"]["replicas"] == 3
        assert scaled.body["status"]["selector"] == "app=web"
        status = {"status": {"replicas": 3, "readyReplicas": 2}}
        assert (await api.patch(f"{path}/web/status", status)).code == 200
        columns, cells = await rows(api, path)
        assert columns == ["Name", "Ready", "Age", "Containers", "Images"]
        assert (cells[0], cells[1], cells[3], cells[4]) == ("web", "2/3", "c", "i:1")

    async def test_max_unavailable_is_dropped(self, api):
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}
        made = await api.post(api.path("statefulsets", group=APPS), workload(updateStrategy=strategy))
        assert made.body["spec"]["updateStrategy"]["rollingUpdate"] == {"partition": 0}


class TestDaemonSets:
    async def test_a_daemon_set(self, api):
        path = api.path("daemonsets", group=APPS)
        made = await api.post(path, workload(template=template(nodeSelector={"disk": "ssd"})))
        assert made.body["spec"]["updateStrategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
        refused = await api.patch(f"{path}/web", {"spec": {"selector": {"matchLabels": {"app": "x"}}}})
        assert refused.code == 422
        assert {cause["field"] for cause in refused.body["details"]["causes"]} == {
            "spec.selector",
            "spec.template.metadata.labels",
        }
        columns, cells = await rows(api, path)
        assert columns[:7] == ["Name", "Desired", "Current", "Ready", "Up-to-date", "Available", "Node Selector"]
        assert cells[6] == "disk=ssd"

    async def test_a_revision_cannot_change(self, api):
        path = api.path("controllerrevisions", group=APPS)
        made = await api.post(path, {"metadata": {"name": "r"}, "data": {"spec": {"a": None}}, "revision": 1})
        assert made.body["data"] == {"spec": {"a": None}}
        assert (await api.patch(f"{path}/r", {"data": {"spec": 1}})).code == 422


class TestReplicationControllers:
    async def test_the_template_gives_labels_and_selector(self, api):
        path = api.path("replicationcontrollers")
        made = await api.post(path, {"metadata": {"name": "rc"}, "spec": {"template": template()}})
        assert made.body["metadata"]["labels"] == made.body["spec"]["selector"] == LABELS
        scale = (await api.get(f"{path}/rc/scale")).body
        assert (scale["spec"]["replicas"], scale["status"]["selector"]) == (1, "app=web")
        columns, cells = await rows(api, path)
        assert columns == ["Name", "Desired", "Current", "Ready", "Age", "Containers", "Images", "Selector"]
        assert cells[-1] == "app=web"

    async def test_a_pod_template(self, api):
        path = api.path("podtemplates")
        made = await api.post(path, {"metadata": {"name": "t"}, "template": template()})
        assert made.body["metadata"]["generation"] == 1
        changed = await api.patch(f"{path}/t", {"template": {"metadata": {"labels": {"b": "c"}}}})
        assert changed.body["metadata"]["generation"] == 2
        assert (await rows(api, path))[1] == ["t", "c", "i:1", "app=web,b=c"]


class TestJobs:
    async def test_a_job_selects_its_pods_by_its_uid(self, api):
        path = api.path("jobs", group=BATCH)
        made = await api.post(path, {"metadata": {"name": "j"}, "spec": {"template": template(restartPolicy="Never")}})
        assert made.code == 201
        uid = made.body["metadata"]["uid"]
        assert made.body["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
        assert made.body["spec"]["template"]["metadata"]["labels"] == {
            "app": "web",
            "batch.kubernetes.io/controller-uid": uid,
            "batch.kubernetes.io/job-name": "j",
            "controller-uid": uid,
            "job-name": "j",
        }
        refused = await api.patch(f"{path}/j", {"spec": {"completions": 5}})
        assert refused.body["message"] == (
            'Job.batch "j" is invalid: spec.completions: Invalid value: 5: field is immutable'
        )
        await api.patch(f"{path}/j/status", {"status": {"succeeded": 1}})
        found = await api.get(path, fieldSelector="status.successful=1")
        assert [item["metadata"]["name"] for item in found.body["items"]] == ["j"]
        columns, cells = await rows(api, path)
        assert columns[:5] == ["Name", "Status", "Completions", "Duration", "Age"]
        assert cells[:4] == ["j", "Running", "1/1", ""]

    async def test_a_cron_job(self, api):
        path = api.path("cronjobs", group=BATCH)
        spec = {"schedule": "@daily", "jobTemplate": {"spec": {"template": template(restartPolicy="Never")}}}
        made = await api.post(path, {"metadata": {"name": "c"}, "spec": spec})
        assert made.body["spec"]["successfulJobsHistoryLimit"] == 3
        wrong = {"spec": {"schedule": "soon", "timeZone": "Mars"}}
        refused = await api.patch(f"{path}/c", wrong)
        assert [cause["field"] for cause in refused.body["details"]["causes"]] == ["spec.schedule", "spec.timeZone"]
        assert (await rows(api, path))[1][:6] == ["c", "@daily", "<none>", "False", 0, "<none>"]


def autoscaler(**spec: Any) -> dict[str, Any]:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {"metadata": {"name": "hpa"}, "spec": {"scaleTargetRef": target, "maxReplicas": 5, **spec}}


MEMORY = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}}


class TestAutoscalers:
    """Version 1 and version 2 are two views of one object."""

    async def test_one_object_in_two_versions(self, api):
        old, new = api.path("horizontalpodautoscalers", group=V1), api.path("horizontalpodautoscalers", group=V2)
        made = await api.post(new, autoscaler(metrics=[MEMORY], behavior={"scaleDown": {"selectPolicy": "Disabled"}}))
        assert made.code == 201
        seen = (await api.get(f"{old}/hpa")).body
        assert seen["apiVersion"] == "autoscaling/v1"
        assert {name: seen["metadata"][name] for name in ("uid", "resourceVersion")} == {
            name: made.body["metadata"][name] for name in ("uid", "resourceVersion")
        }
        annotations = seen["metadata"]["annotations"]
        assert json.loads(annotations["autoscaling.alpha.kubernetes.io/metrics"]) == [
            {"type": "Resource", "resource": {"name": "memory", "targetAverageValue": "1Gi"}}
        ]
        behavior = json.loads(annotations["autoscaling.alpha.kubernetes.io/behavior"])
        assert behavior["ScaleDown"]["SelectPolicy"] == "Disabled"
        changed = await api.patch(f"{old}/hpa", {"spec": {"targetCPUUtilizationPercentage": 50, "minReplicas": 2}})
        assert changed.code == 200
        after = (await api.get(f"{new}/hpa")).body
        assert after["metadata"]["resourceVersion"] == changed.version
        assert "annotations" not in after["metadata"]
        assert after["spec"]["behavior"] == made.body["spec"]["behavior"]
        assert [metric["resource"]["name"] for metric in after["spec"]["metrics"]] == ["memory", "cpu"]
        assert (await rows(api, old))[1][:6] == (await rows(api, new))[1][:6]
        assert (await rows(api, new))[1][2:5] == ["memory: <unknown>/1Gi, cpu: <unknown>/50%", "2", 5]

    async def test_a_watch_through_either_version_sees_each_change(self, api):
        old, new = api.path("horizontalpodautoscalers", group=V1), api.path("horizontalpodautoscalers", group=V2)
        async with api.watch(old) as first, api.watch(new) as second:
            made = await api.post(old, autoscaler())
            assert made.body["spec"].get("targetCPUUtilizationPercentage") == 80
            await api.delete(f"{new}/hpa")
            for watching, version in ((first, "autoscaling/v1"), (second, "autoscaling/v2")):
                events = [await watching.next(), await watching.next()]
                assert [event["type"] for event in events] == ["ADDED", "DELETED"]
                assert {event["object"]["apiVersion"] for event in events} == {version}
        listed = await api.get(old)
        assert (listed.body["kind"], listed.body["items"]) == ("HorizontalPodAutoscalerList", [])

    async def test_each_manager_is_recorded_in_its_version(self, api):
        old, new = api.path("horizontalpodautoscalers", group=V1), api.path("horizontalpodautoscalers", group=V2)
        await api.post(new, autoscaler(minReplicas=2), fieldManager="two")
        mine = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "hpa"}}
        clash = {**mine, "spec": {"minReplicas": 3}}
        refused = await api.patch(f"{old}/hpa", clash, "apply-patch+yaml", fieldManager="one")
        assert refused.code == 409, refused.body
        forced = await api.patch(f"{old}/hpa", clash, "apply-patch+yaml", fieldManager="one", force="true")
        assert forced.body["spec"]["minReplicas"] == 3
        record = {entry["manager"]: entry for entry in forced.body["metadata"]["managedFields"]}
        assert {name: entry["apiVersion"] for name, entry in record.items()} == {
            "one": "autoscaling/v1",
            "two": "autoscaling/v2",
        }
        assert "f:minReplicas" not in record["two"]["fieldsV1"]["f:spec"]

    async def test_the_faults_are_those_of_the_stored_version(self, api):
        wrong = autoscaler(maxReplicas=0, targetCPUUtilizationPercentage=0)
        refused = await api.post(api.path("horizontalpodautoscalers", group=V1), wrong)
        assert [cause["field"] for cause in refused.body["details"]["causes"]] == [
            "spec.maxReplicas",
            "spec.maxReplicas",
            "spec.metrics[0].resource.target.averageUtilization",
        ]


def moment() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class TestEvents:
    """Events of the core group and of events.k8s.io are the same objects."""

    def event(self, api, **more: Any) -> dict[str, Any]:
        about = {"kind": "Pod", "namespace": api.namespace, "name": "p"}
        new = {"eventTime": moment(), "reportingController": "naru.io/test", "reportingInstance": "t", "action": "Test"}
        return {"metadata": {"name": "e"}, "regarding": about, "reason": "Tested", "type": "Normal", **new, **more}

    async def test_one_event_in_two_groups(self, api):
        path = api.path("events", group=EVENTS)
        made = await api.post(path, self.event(api, note="well"))
        assert made.code == 201
        seen = (await api.get(api.path("events", "e"))).body
        assert (seen["apiVersion"], seen["message"], seen["involvedObject"]["name"]) == ("v1", "well", "p")
        assert seen["reportingComponent"] == "naru.io/test"
        assert seen["metadata"]["uid"] == made.body["metadata"]["uid"]
        by_group = {path: "regarding.name", api.path("events"): "involvedObject.name"}
        for where, field in by_group.items():
            found = (await api.get(where, fieldSelector=f"{field}=p,type=Normal")).body["items"]
            assert [item["metadata"]["name"] for item in found] == ["e"]
            assert (await api.get(where, fieldSelector=f"{field}=q")).body["items"] == []
        unknown = await api.get(path, fieldSelector="involvedObject.name=p")
        assert unknown.body["message"] == "field label not supported: involvedObject.name"
        assert (await rows(api, path))[0] == (await rows(api, api.path("events")))[0]

    async def test_only_the_series_of_a_new_event_goes_on(self, api):
        path = api.path("events", group=EVENTS)
        await api.post(path, self.event(api))
        series = {"series": {"count": 2, "lastObservedTime": moment()}}
        assert (await api.patch(f"{path}/e", series)).body["series"]["count"] == 2
        refused = await api.patch(f"{path}/e", {"note": "other"})
        assert refused.body["details"]["causes"][0]["field"] == "message"
        assert (await api.patch(api.path("events", "e"), {"message": "other"})).code == 200

    @pytest.mark.parametrize(
        ("group", "code"), [("api/v1", 201), (EVENTS, 422)], ids=["the core group is lenient", "events.k8s.io is not"]
    )
    async def test_an_event_of_an_old_writer(self, api, group, code):
        about = {"kind": "Pod", "namespace": api.namespace, "name": "p"}
        old = {"metadata": {"name": "old"}, "involvedObject": about, "regarding": about, "reason": "x"}
        answer = await api.post(api.path("events", group=group), old)
        assert answer.code == code
        if code == 422:
            assert [str(cause["field"]) for cause in answer.body["details"]["causes"]] == ["eventTime", "type"]


class TestPriorityClasses:
    async def test_the_systems_own_exist_and_a_pod_gets_its_number(self, api):
        classes = (await api.get("/apis/scheduling.k8s.io/v1/priorityclasses")).body["items"]
        values = {item["metadata"]["name"]: item["value"] for item in classes}
        assert values["system-cluster-critical"] == 2_000_000_000
        assert values["system-node-critical"] == 2_000_001_000
        name = f"p-{api.namespace}"
        await api.post("/apis/scheduling.k8s.io/v1/priorityclasses", {"metadata": {"name": name}, "value": 7})
        pod = {"metadata": {"name": "p"}, "spec": {"priorityClassName": name, **template()["spec"]}}
        made = await api.post(api.path("pods"), pod)
        assert (made.body["spec"]["priority"], made.body["spec"]["preemptionPolicy"]) == (7, "PreemptLowerPriority")
        refused = await api.patch(f"/apis/scheduling.k8s.io/v1/priorityclasses/{name}", {"value": 8})
        assert refused.body["details"]["causes"][0] == {
            "reason": "FieldValueForbidden",
            "message": "Forbidden: may not be changed in an update.",
            "field": "Value",
        }


class TestPods:
    """What of a pod changes through subresources of its own."""

    async def make(self, api, **container: Any) -> str:
        path = api.path("pods")
        amounts = {"requests": {"cpu": "100m", "memory": "10Mi"}, "limits": {"memory": "20Mi"}}
        made = {"name": "c", "image": "i:1", "resources": amounts, **container}
        answer = await api.post(path, {"metadata": {"name": "p"}, "spec": {"containers": [made]}})
        assert answer.code == 201
        return f"{path}/p"

    async def test_a_resize_changes_amounts_and_nothing_else(self, api):
        path = await self.make(api)
        more = {"name": "c", "image": "other", "resources": {"requests": {"cpu": "200m"}}}
        resized = await api.patch(f"{path}/resize", {"spec": {"containers": [more]}}, "strategic-merge-patch+json")
        assert resized.code == 200
        (container,) = resized.body["spec"]["containers"]
        assert (container["image"], container["resources"]["requests"]["cpu"]) == ("i:1", "200m")
        assert resized.body["metadata"]["generation"] == 2
        more["resources"] = {"requests": {"cpu": "300m"}}
        refused = await api.patch(path, {"spec": {"containers": [more]}}, "strategic-merge-patch+json")
        assert refused.body["details"]["causes"][0]["field"] == "spec"
        less = {"name": "c", "resources": {"limits": None}}
        refused = await api.patch(f"{path}/resize", {"spec": {"containers": [less]}}, "strategic-merge-patch+json")
        assert refused.body["message"] == (
            'Pod "p" is invalid: spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed'
        )

    async def test_ephemeral_containers_are_added_and_stay(self, api):
        path = await self.make(api)
        added = {"name": "look", "image": "busybox", "targetContainerName": "c"}
        answer = await api.patch(
            f"{path}/ephemeralcontainers", {"spec": {"ephemeralContainers": [added]}}, "strategic-merge-patch+json"
        )
        assert answer.code == 200
        assert answer.body["spec"]["ephemeralContainers"][0]["imagePullPolicy"] == "Always"
        assert (await api.get(f"{path}/ephemeralcontainers")).body == answer.body
        gone = await api.patch(f"{path}/ephemeralcontainers", {"spec": {"ephemeralContainers": []}})
        assert gone.body["message"] == (
            'Pod "p" is invalid: spec.ephemeralContainers: Forbidden: '
            'existing ephemeral containers "look" may not be removed\n'
        )
        wrong = {"name": "c", "image": "x", "ports": [{"containerPort": 1}], "targetContainerName": "nobody"}
        refused = await api.patch(
            f"{path}/ephemeralcontainers", {"spec": {"ephemeralContainers": [wrong]}}, "strategic-merge-patch+json"
        )
        fields = [cause["field"] for cause in refused.body["details"]["causes"]]
        assert [field.removeprefix("spec.ephemeralContainers") for field in fields] == [
            "[0].name",
            "[0].targetContainerName",
            "[0].ports",
        ]

    async def test_a_binding_names_its_pod(self, api):
        path = await self.make(api)
        binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
        wrong = await api.post(api.path("bindings"), {**binding, "target": {"kind": "Pod"}})
        assert [cause["field"] for cause in wrong.body["details"]["causes"]] == ["target.kind", "target.name"]
        assert (await api.post(api.path("bindings"), binding)).code == 201
        assert (await api.get(path)).body["spec"]["nodeName"] == "n"
        again = await api.post(f"{path}/binding", binding)
        assert again.code == 409

    async def test_keys_of_labels_become_part_of_selectors(self, api):
        spread = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
        spread |= {"matchLabelKeys": ["app"], "labelSelector": {}}
        pod = {
            "metadata": {"name": "s", "labels": LABELS},
            "spec": template(topologySpreadConstraints=[spread])["spec"],
        }
        made = await api.post(api.path("pods"), pod)
        assert made.code == 201
        assert made.body["spec"]["topologySpreadConstraints"][0]["labelSelector"] == {
            "matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]
        }
