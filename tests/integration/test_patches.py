"""Patches over HTTP: what they do, and how they are refused."""

from typing import Any

import pytest

from .conftest import Api

STRATEGIC = "strategic-merge-patch+json"
JSON = "json-patch+json"
MERGE = "merge-patch+json"


class TestKinds:
    """Each media type has its engine."""

    async def test_json_patch(self, api: Api) -> None:
        await api.make_config("a")
        operations = [{"op": "test", "path": "/data/a", "value": "1"}, {"op": "add", "path": "/data/b", "value": "2"}]
        changed = await api.patch(api.path("configmaps", "a"), operations, JSON)
        assert (changed.code, changed.body["data"]) == (200, {"a": "1", "b": "2"})

    async def test_strategic_merge_patch(self, api: Api) -> None:
        await api.make_config("b", metadata={"finalizers": ["x/a"]})
        changed = await api.patch(api.path("configmaps", "b"), {"metadata": {"finalizers": ["x/b"]}}, STRATEGIC)
        assert changed.body["metadata"]["finalizers"] == ["x/b", "x/a"]
        emptied = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x/a", "x/b"]}}
        assert "finalizers" not in (await api.patch(api.path("configmaps", "b"), emptied, STRATEGIC)).body["metadata"]

    @pytest.mark.parametrize("media_type", ["application/json", "application/apply-patch+cbor", "text/plain"])
    async def test_other_types_are_refused(self, api: Api, media_type: str) -> None:
        refused = await api.send("PATCH", api.path("configmaps", "x"), {}, headers={"Content-Type": media_type})
        assert (refused.code, refused.body["reason"]) == (415, "UnsupportedMediaType")
        assert (
            refused.body["message"] == "415: Unsupported Media Type"
        )  # told by the routes, before any engine is asked

    async def test_a_dry_run_writes_nothing(self, api: Api) -> None:
        made = await api.make_config("dry")
        tried = await api.patch(api.path("configmaps", "dry"), {"data": {"a": "2"}}, dryRun="All")
        assert (tried.code, tried.body["data"]) == (200, {"a": "2"})
        assert (await api.get(api.path("configmaps", "dry"))).body == made.body


class TestRefusals:
    """A patch that cannot be applied, with upstream's answer."""

    async def test_of_nothing(self, api: Api) -> None:
        refused = await api.patch(api.path("configmaps", "none"), {})
        assert (refused.code, refused.body["message"]) == (404, 'configmaps "none" not found')

    async def test_a_failed_test(self, api: Api) -> None:
        await api.make_config("t")
        operations = [{"op": "test", "path": "/data/a", "value": "2"}]
        refused = await api.patch(api.path("configmaps", "t"), operations, JSON)
        assert refused.code == 422
        assert refused.body == {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": "the server rejected our request due to an error in our request",
            "reason": "Invalid",
            "details": {},
            "code": 422,
        }

    async def test_a_value_of_the_wrong_type(self, api: Api) -> None:
        await api.make_config("w")
        refused = await api.patch(api.path("configmaps", "w"), {"data": 1})
        assert (refused.code, refused.body["reason"]) == (422, "Invalid")
        assert refused.body["message"].startswith(' "" is invalid: patch: Invalid value: "{')
        assert "json: cannot unmarshal number into Go struct field ConfigMap.data" in refused.body["message"]
        [cause] = refused.body["details"]["causes"]
        assert (cause["reason"], cause["field"]) == ("FieldValueInvalid", "patch")

    @pytest.mark.parametrize(
        ("kind", "patch", "problem"),
        [
            pytest.param(MERGE, b'{"foo":1}', 'unknown field "foo"', id="an unknown field"),
            pytest.param(MERGE, b'{"data":{"a":"1","a":"2"}}', 'duplicate field "data.a"', id="a field given twice"),
            pytest.param(
                JSON,
                b'[{"op":"add","path":"/data/b","value":"1","x":1}]',
                'json patch unknown field "[0].x"',
                id="an operation with an unknown field",
            ),
        ],
    )
    async def test_strictly(self, api: Api, kind: str, patch: bytes, problem: str) -> None:
        await api.make_config("s")
        path = api.path("configmaps", "s")
        refused = await api.patch(path, patch, kind, fieldValidation="Strict")
        assert refused.code == 422
        assert refused.body["message"].endswith(f": strict decoding error: {problem}")
        warned = await api.patch(path, patch, kind)
        quoted = problem.replace('"', '\\"')
        assert (warned.code, warned.headers["Warning"]) == (200, f'299 - "{quoted}"')

    async def test_an_older_revision_and_another_object(self, api: Api) -> None:
        await api.make_config("p")
        path = api.path("configmaps", "p")
        stale = await api.patch(path, {"metadata": {"resourceVersion": "1"}, "data": {"a": "2"}})
        assert (stale.code, stale.body["reason"]) == (409, "Conflict")
        assert "the object has been modified" in stale.body["message"]
        other = await api.patch(path, {"metadata": {"uid": "11111111-1111-1111-1111-111111111111"}})
        assert (other.code, other.body["reason"]) == (409, "Conflict")
        assert "UID in precondition" in other.body["message"]

    async def test_another_name(self, api: Api) -> None:
        await api.make_config("n")
        refused = await api.patch(api.path("configmaps", "n"), {"metadata": {"name": "m"}})
        assert refused.code == 400
        assert refused.body["message"] == "the name of the object (m) does not match the name on the URL (n)"

    @pytest.mark.parametrize(
        ("patch", "code", "message"),
        [
            ({"metadata": {"$retainKeys": 1}}, 400, "invalid patch format of retainKeys"),
            ({"metadata": {"$patch": "x"}}, 500, "unknown patch type: x in map: map[$patch:x]"),
            ([], 400, "json: cannot unmarshal array into Go value of type map[string]interface {}"),
        ],
    )
    async def test_a_strategic_patch_of_bad_form(self, api: Api, patch: Any, code: int, message: str) -> None:
        await api.make_config("f")
        refused = await api.patch(api.path("configmaps", "f"), patch, STRATEGIC)
        assert (refused.code, refused.body["message"]) == (code, message)

    async def test_too_many_operations(self, api: Api) -> None:
        await api.make_config("m")
        operations = [{"op": "test", "path": "/data/a", "value": "1"}] * 10_001
        refused = await api.patch(api.path("configmaps", "m"), operations, JSON)
        assert refused.code == 413
        message = "The allowed maximum operations in a JSON patch is 10000, got 10001"
        assert refused.body["message"] == f"Request entity too large: {message}"
