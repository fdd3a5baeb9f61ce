"""Server-side apply over HTTP: several managers share an object, and the server says who owns what."""

import json
from typing import Any

from .conftest import Answer, Api

Document = dict[str, Any]


async def apply(api: Api, path: str, document: object, manager: str = "one", **params: str) -> Answer:
    body = json.dumps(document).encode()  # which is YAML, too
    headers = {"Content-Type": "application/apply-patch+yaml"}
    return await api.send("PATCH", path, body, params={"fieldManager": manager, **params}, headers=headers)


def config(name: str, **data: Any) -> Document:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def owners(answer: Answer) -> dict[tuple[str, str], Document]:
    """Return the recorded fields by manager and operation."""
    entries = answer.body["metadata"]["managedFields"]
    return {(entry["manager"], entry["operation"]): entry["fieldsV1"] for entry in entries}


class TestApplyingConfigMaps:
    """The simplest of objects, whose data is a map with an owner for each key."""

    async def test_an_object_that_does_not_exist_is_created(self, api: Api) -> None:
        made = await apply(api, api.path("configmaps", "a"), config("a", x="1"))
        assert made.code == 201
        assert made.body["data"] == {"x": "1"}
        assert owners(made) == {("one", "Apply"): {"f:data": {"f:x": {}}}}

    async def test_what_is_no_longer_applied_is_removed(self, api: Api) -> None:
        path = api.path("configmaps", "b")
        await apply(api, path, config("b", x="1", y="2"))
        changed = await apply(api, path, config("b", x="1"))
        assert changed.code == 200
        assert changed.body["data"] == {"x": "1"}

    async def test_another_manager_in_the_way_is_a_conflict_unless_forced(self, api: Api) -> None:
        path = api.path("configmaps", "c")
        await apply(api, path, config("c", x="1"))
        refused = await apply(api, path, config("c", x="2"), "two")
        assert refused.code == 409
        assert refused.body["message"] == 'Apply failed with 1 conflict: conflict with "one": .data.x'
        cause = {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.x"}
        assert refused.body["details"]["causes"] == [cause]
        forced = await apply(api, path, config("c", x="2"), "two", force="true")
        assert forced.code == 200
        assert forced.body["data"] == {"x": "2"}
        assert owners(forced) == {("two", "Apply"): {"f:data": {"f:x": {}}}}

    async def test_the_same_apply_again_writes_nothing(self, api: Api) -> None:
        path = api.path("configmaps", "d")
        made = await apply(api, path, config("d", x="1"))
        again = await apply(api, path, config("d", x="1"))
        assert again.version == made.version


def deployment(name: str, replicas: int | None = 1, image: str = "nginx") -> Document:
    labels = {"app": name}
    containers = [{"name": "web", "image": image, "ports": [{"containerPort": 80}]}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    spec: Document = {"selector": {"matchLabels": labels}, "template": template}
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


class TestApplyingDeployments:
    """An object with lists that merge by keys, defaults and a status."""

    async def test_replicas_are_handed_over_to_an_updater(self, api: Api) -> None:
        path = api.path("deployments", "web", group="apis/apps/v1")
        made = await apply(api, path, deployment("web"))
        assert made.code == 201
        scaled = await api.patch(path, {"spec": {"replicas": 3}}, fieldManager="scaler")
        assert owners(scaled)["scaler", "Update"] == {"f:spec": {"f:replicas": {}}}
        refused = await apply(api, path, deployment("web"))
        message = 'Apply failed with 1 conflict: conflict with "scaler" using apps/v1: .spec.replicas'
        assert (refused.code, refused.body["message"]) == (409, message)
        left = await apply(api, path, deployment("web", None))
        assert (left.code, left.body["spec"]["replicas"]) == (200, 3)

    async def test_items_are_known_by_their_keys_and_the_defaults_of_those(self, api: Api) -> None:
        path = api.path("deployments", "keys", group="apis/apps/v1")
        made = await apply(api, path, deployment("keys"))
        fields = owners(made)["one", "Apply"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
        assert fields == {
            'k:{"name":"web"}': {
                ".": {},
                "f:image": {},
                "f:name": {},
                "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
            }
        }


class TestScaling:
    """The owner of a Scale's replicas is the owner of its object's replicas."""

    async def test_whoever_scales_takes_the_replicas_over(self, api: Api) -> None:
        path = api.path("deployments", "scaled", group="apis/apps/v1")
        await apply(api, path, deployment("scaled"))
        scale = await api.patch(f"{path}/scale", {"spec": {"replicas": 2}}, fieldManager="scaler")
        assert (scale.code, scale.body["spec"]) == (200, {"replicas": 2})
        assert "managedFields" not in scale.body["metadata"]
        entries = (await api.get(path)).body["metadata"]["managedFields"]
        [scaler] = [entry for entry in entries if entry["manager"] == "scaler"]
        assert scaler == {
            "manager": "scaler",
            "operation": "Update",
            "apiVersion": "apps/v1",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:replicas": {}}},
            "subresource": "scale",
        }
        [one] = [entry for entry in entries if entry["manager"] == "one"]
        assert "f:replicas" not in one["fieldsV1"]["f:spec"]
        refused = await apply(api, path, deployment("scaled"))
        message = 'conflict with "scaler" with subresource "scale" using apps/v1: .spec.replicas'
        assert (refused.code, refused.body["message"]) == (409, f"Apply failed with 1 conflict: {message}")

    async def test_a_scale_can_be_applied(self, api: Api) -> None:
        path = api.path("deployments", "applied", group="apis/apps/v1")
        await apply(api, path, deployment("applied", None))
        scale = {
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": {"name": "applied"},
            "spec": {"replicas": 4},
        }
        refused = await apply(api, f"{path}/scale", scale, "scaler")
        owner = '"before-first-apply" with subresource "scale" using autoscaling/v1'
        assert refused.body["message"] == f"Apply failed with 1 conflict: conflict with {owner}: .spec.replicas"
        forced = await apply(api, f"{path}/scale", scale, "scaler", force="true")
        assert (forced.code, (await api.get(path)).body["spec"]["replicas"]) == (200, 4)
        again = await apply(api, f"{path}/scale", {**scale, "spec": {"replicas": 5}}, "other")
        assert again.body["message"].endswith('conflict with "scaler" with subresource "scale": .spec.replicas')


class TestStatus:
    """Who writes through /status is a manager of its own, and owns nothing of the spec."""

    async def test_the_spec_is_left_out_of_what_a_status_write_owns(self, api: Api) -> None:
        path = api.path("deployments", "reported", group="apis/apps/v1")
        await apply(api, path, deployment("reported"))
        patch = {"spec": {"replicas": 9}, "status": {"observedGeneration": 1}}
        written = await api.patch(f"{path}/status", patch, fieldManager="controller")
        entries = written.body["metadata"]["managedFields"]
        [entry] = [entry for entry in entries if entry["manager"] == "controller"]
        assert (entry["subresource"], entry["fieldsV1"]) == ("status", {"f:status": {"f:observedGeneration": {}}})

    async def test_a_status_can_be_applied_but_not_to_nothing(self, api: Api) -> None:
        path = api.path("deployments", "absent", group="apis/apps/v1")
        status = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "absent"},
            "status": {"replicas": 1},
        }
        assert (await apply(api, f"{path}/status", status)).code == 404
        await apply(api, path, deployment("absent"))
        applied = await apply(api, f"{path}/status", status, "reporter")
        assert (applied.code, applied.body["status"]["replicas"]) == (200, 1)


class TestRecords:
    """metadata.managedFields, as plain writes leave it."""

    async def test_the_user_agent_names_a_writer_that_gives_no_name(self, api: Api) -> None:
        headers = {"User-Agent": "kubectl/v1.36.0 (linux/amd64)"}
        body = {"metadata": {"name": "agent"}, "data": {"a": "1"}}
        made = await api.send("POST", api.path("configmaps"), body, headers=headers)
        assert owners(made) == {("kubectl", "Update"): {"f:data": {".": {}, "f:a": {}}}}

    async def test_an_update_takes_fields_over_and_keeps_the_others_owners(self, api: Api) -> None:
        path = api.path("configmaps", "shared")
        await apply(api, path, config("shared", x="1", y="2"))
        changed = await api.put(
            path, {"metadata": {"name": "shared"}, "data": {"x": "1", "y": "3"}}, fieldManager="two"
        )
        assert owners(changed) == {
            ("one", "Apply"): {"f:data": {"f:x": {}}},
            ("two", "Update"): {"f:data": {"f:y": {}}},
        }

    async def test_a_write_that_changes_nothing_is_no_write(self, api: Api) -> None:
        path = api.path("configmaps", "same")
        made = await api.post(
            api.path("configmaps"), {"metadata": {"name": "same"}, "data": {"a": "1"}}, fieldManager="a"
        )
        same = await api.patch(path, {"data": {"a": "1"}}, fieldManager="b")
        assert same.body == made.body

    async def test_a_client_can_clear_the_record(self, api: Api) -> None:
        path = api.path("configmaps", "cleared")
        await apply(api, path, config("cleared", x="1"))
        cleared = await api.patch(path, {"metadata": {"managedFields": [{}]}})
        assert "managedFields" not in cleared.body["metadata"]
        applied = await apply(api, path, config("cleared", x="1", y="2"))
        assert owners(applied) == {
            ("one", "Apply"): {"f:data": {"f:x": {}, "f:y": {}}},
            ("before-first-apply", "Update"): {"f:data": {".": {}, "f:x": {}}},
        }

    async def test_a_garbled_record_does_not_replace_the_stored_one(self, api: Api) -> None:
        path = api.path("configmaps", "garbled")
        made = await apply(api, path, config("garbled", x="1"))
        entry = {"manager": "x", "operation": "Sing", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {}}
        kept = await api.patch(path, {"metadata": {"managedFields": [entry]}})
        assert owners(kept) == owners(made)


class TestRefusals:
    """What cannot be applied, in upstream's words."""

    async def test_a_manager_must_be_named(self, api: Api) -> None:
        headers = {"Content-Type": "application/apply-patch+yaml"}
        refused = await api.send("PATCH", api.path("configmaps", "n"), config("n"), headers=headers)
        message = 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
        assert (refused.code, refused.body["message"]) == (422, message)

    async def test_only_an_apply_can_be_forced(self, api: Api) -> None:
        refused = await api.patch(api.path("configmaps", "n"), {}, force="true")
        message = 'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch'
        assert (refused.code, refused.body["message"]) == (422, message)

    async def test_a_managers_name_is_short_and_printable(self, api: Api) -> None:
        refused = await api.post(api.path("configmaps"), {"metadata": {"name": "n"}}, fieldManager="\x07" + "x" * 128)
        assert refused.code == 422
        assert refused.body["message"] == (
            'CreateOptions.meta.k8s.io "" is invalid: [fieldManager: Too long: may not be more than 128 bytes, '
            f'fieldManager: Invalid value: "\\u0007{"x" * 128}": invalid character U+0007 (at position 0)]'
        )

    async def test_a_record_cannot_be_applied(self, api: Api) -> None:
        document = config("n")
        document["metadata"]["managedFields"] = []
        refused = await apply(api, api.path("configmaps", "n"), document)
        assert (refused.code, refused.body["message"]) == (400, "metadata.managedFields must be nil")

    async def test_kind_and_version_are_those_of_the_url(self, api: Api) -> None:
        refused = await apply(api, api.path("configmaps", "n"), {**config("n"), "kind": "Secret"})
        assert (refused.code, refused.body["message"]) == (400, "invalid object type: /v1, Kind=Secret")

    async def test_a_field_that_the_kind_does_not_have(self, api: Api) -> None:
        refused = await apply(api, api.path("configmaps", "n"), {**config("n"), "spec": {}})
        assert (refused.code, refused.body["message"]) == (
            500,
            "failed to create typed patch object (/n; /v1, Kind=ConfigMap): .spec: field not declared in schema",
        )

    async def test_an_older_revision_is_a_conflict(self, api: Api) -> None:
        path = api.path("configmaps", "old")
        await apply(api, path, config("old", x="1"))
        document = config("old", x="2")
        document["metadata"]["resourceVersion"] = "1"
        refused = await apply(api, path, document)
        assert refused.code == 409
        assert "the object has been modified" in refused.body["message"]

    async def test_a_uid_means_that_the_object_exists(self, api: Api) -> None:
        document = config("gone")
        document["metadata"]["uid"] = "11111111-1111-1111-1111-111111111111"
        refused = await apply(api, api.path("configmaps", "gone"), document)
        assert (refused.code, refused.body["message"]) == (
            409,
            'Operation cannot be fulfilled on configmaps "gone": uid mismatch: the provided object specified uid '
            "11111111-1111-1111-1111-111111111111, and no existing object was found",
        )

    async def test_keys_given_twice_are_refused_where_validation_is_strict(self, api: Api) -> None:
        path, headers = api.path("configmaps", "twice"), {"Content-Type": "application/apply-patch+yaml"}
        body = b'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: twice\ndata:\n  a: "1"\n  a: "2"\n'
        problem = 'error converting YAML to JSON: yaml: unmarshal errors:\n  line 7: key "a" already set in map'
        params = {"fieldManager": "one", "fieldValidation": "Strict"}
        refused = await api.send("PATCH", path, body, params=params, headers=headers)
        assert (refused.code, refused.body["message"]) == (400, f"error strict decoding patch: {problem}")
        made = await api.send("PATCH", path, body, params={"fieldManager": "one"}, headers=headers)
        assert (made.code, made.body["data"]) == (201, {"a": "2"})

    async def test_a_dry_run_writes_nothing(self, api: Api) -> None:
        path = api.path("configmaps", "dry")
        assert (await apply(api, path, config("dry", x="1"), dryRun="All")).code == 201
        assert (await api.get(path)).code == 404


class TestTwoVersions:
    """One object through autoscaling/v1 and v2: each entry keeps the version that its manager wrote in."""

    async def test_a_manager_keeps_its_version(self, api: Api) -> None:
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
        meta = {"name": "two"}
        spec = {"scaleTargetRef": target, "maxReplicas": 3}
        first = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": meta, "spec": spec}
        first_path = api.path("horizontalpodautoscalers", "two", group="apis/autoscaling/v1")
        second_path = api.path("horizontalpodautoscalers", "two", group="apis/autoscaling/v2")
        assert (await apply(api, first_path, first)).code == 201
        second = {**first, "apiVersion": "autoscaling/v2", "spec": {**spec, "maxReplicas": 5}}
        refused = await apply(api, second_path, second, "two")
        message = 'Apply failed with 1 conflict: conflict with "one": .spec.maxReplicas'
        assert (refused.code, refused.body["message"]) == (409, message)
        patched = await api.patch(second_path, {"spec": {"minReplicas": 2}}, fieldManager="three")
        versions = {entry["manager"]: entry["apiVersion"] for entry in patched.body["metadata"]["managedFields"]}
        assert versions == {"one": "autoscaling/v1", "three": "autoscaling/v2"}
        moved = await apply(api, second_path, second)
        assert (moved.code, moved.body["spec"]["maxReplicas"]) == (200, 5)
        assert "autoscaling/v1" not in {entry["apiVersion"] for entry in moved.body["metadata"]["managedFields"]}


class TestManyUpdaters:
    """The record stays small, however many write."""

    async def test_the_oldest_updaters_become_one(self, api: Api) -> None:
        path = api.path("configmaps", "many")
        await apply(api, path, config("many", x="1"))
        for number in range(12):
            changed = await api.patch(path, {"data": {f"k{number}": "1"}}, fieldManager=f"m{number}")
        updaters = [name for name, operation in owners(changed) if operation == "Update"]
        assert len(updaters) == 10
        assert "ancient-changes" in updaters
