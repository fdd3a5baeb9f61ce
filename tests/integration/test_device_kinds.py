"""Devices and claims on them, over HTTP."""

from typing import Any
from uuid import uuid4

GROUP = "apis/resource.k8s.io/v1"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
CLASS = "gpu.example.com"
SPEC = {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": CLASS}}]}}
RESULT = {"request": "gpu", "driver": CLASS, "pool": "node-1", "device": "gpu-0"}


def fresh(**more: Any) -> dict[str, Any]:
    return {"metadata": {"name": f"test-{uuid4().hex[:8]}"}, **more}


async def made(api: Any, path: str, body: dict[str, Any]) -> Any:
    answer = await api.post(path, body)
    assert answer.code == 201, answer.body
    assert "Warning" in answer.headers
    return answer.body


async def shown(api: Any, path: str) -> tuple[list[str], list[Any]]:
    table = (await api.send("GET", path, headers=TABLE)).body
    return [column["name"] for column in table["columnDefinitions"]], table["rows"][0]["cells"]


class TestClaims:
    """A claim is asked for once, and what comes of it stands in its status."""

    async def test_what_it_asks_for_is_fixed(self, api):
        path = api.path("resourceclaims", group=GROUP)
        obj = await made(api, path, fresh(spec=SPEC, status={"reservedFor": []}))
        assert obj["spec"]["devices"]["requests"][0]["exactly"]["count"] == 1
        assert "generation" not in obj["metadata"]
        other = {"devices": {"requests": [{"name": "cpu", "exactly": {"deviceClassName": CLASS}}]}}
        refused = await api.put(f"{path}/{obj['metadata']['name']}", {**obj, "spec": other})
        assert (refused.code, refused.body["details"]["causes"][0]["field"]) == (422, "spec")

    async def test_its_state(self, api):
        path = api.path("resourceclaims", group=GROUP)
        name = (await made(api, path, fresh(spec=SPEC)))["metadata"]["name"]
        assert await shown(api, f"{path}/{name}") == (["Name", "State", "Age"], [name, "pending", "0s"])
        told = {"driver": CLASS, "pool": "node-1", "device": "gpu-0", "data": {"port": 1}}
        user = {"resource": "pods", "name": "p", "uid": "1"}
        status = {"allocation": {"devices": {"results": [RESULT]}}, "reservedFor": [user], "devices": [told]}
        assert (await api.patch(f"{path}/{name}/status", {"status": status})).code == 200
        assert (await shown(api, f"{path}/{name}"))[1][1] == "allocated,reserved"
        free = {"allocation": None, "reservedFor": None}
        left = (await api.patch(f"{path}/{name}/status", {"status": free})).body
        assert left["status"] == {}

    async def test_a_template_never_changes(self, api):
        path = api.path("resourceclaimtemplates", group=GROUP)
        obj = await made(api, path, fresh(spec={"metadata": {"labels": {"a": "b"}}, "spec": SPEC}))
        name = obj["metadata"]["name"]
        assert (await shown(api, f"{path}/{name}"))[0] == ["Name", "Age"]
        refused = await api.patch(f"{path}/{name}", {"spec": {"metadata": {"labels": {"a": "c"}}}})
        assert (refused.code, refused.body["details"]["causes"][0]["field"]) == (422, "spec")


class TestDevices:
    """Classes count their changes; slices are found by node and driver."""

    async def test_a_class(self, api):
        path = f"/{GROUP}/deviceclasses"
        obj = await made(api, path, fresh(spec={"selectors": [{"cel": {"expression": "true"}}]}))
        assert obj["metadata"]["generation"] == 1
        name = obj["metadata"]["name"]
        assert (await api.put(f"{path}/{name}", {**obj, "spec": {}})).body["metadata"]["generation"] == 2
        refused = await api.patch(f"{path}/{name}", {"spec": {"config": [{}]}})
        assert refused.body["message"] == (
            f'DeviceClass.resource.k8s.io "{name}" is invalid: spec.config[0].opaque: Required value'
        )

    async def test_a_slice(self, api):
        path, node = f"/{GROUP}/resourceslices", f"node-{uuid4().hex[:8]}"
        spec = {
            "driver": CLASS,
            "nodeName": node,
            "pool": {"name": node, "resourceSliceCount": 1},
            "devices": [{"name": "gpu-0", "taints": [{"key": "a", "effect": "NoSchedule"}]}],
        }
        obj = await made(api, path, fresh(spec=spec))
        name = obj["metadata"]["name"]
        assert obj["spec"]["devices"][0]["taints"][0]["timeAdded"] == obj["metadata"]["creationTimestamp"]
        columns, cells = await shown(api, f"{path}/{name}")
        assert columns == ["Name", "Node", "Driver", "Pool", "Age"]
        assert cells[:4] == [name, node, CLASS, node]
        for selector, count in ((f"spec.nodeName={node}", 1), (f"spec.nodeName={node},spec.driver=other", 0)):
            assert len((await api.get(path, fieldSelector=selector)).body["items"]) == count
        refused = await api.put(f"{path}/{name}", {**obj, "spec": {**obj["spec"], "nodeName": "other"}})
        assert refused.body["message"] == (
            f'ResourceSlice.resource.k8s.io "{name}" is invalid: spec.nodeName: Invalid value: "other": field is '
            "immutable"
        )
