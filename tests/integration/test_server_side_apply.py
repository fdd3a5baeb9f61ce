"""Server-side apply over HTTP: several managers share an object, and the server says who owns what."""

from typing import Any

import yaml

from .conftest import Answer, Api

Document = dict[str, Any]


async def apply(api: Api, path: str, document: object, manager: str = "one", **params: str) -> Answer:
    body = yaml.safe_dump(document).encode()
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
