"""Creating, reading, changing: the verbs on a real etcd over real TLS."""

import asyncio
import gzip
import json
from typing import Any

import pytest
import yaml

POD_SPEC = {"containers": [{"name": "c", "image": "naru.local/busybox:1"}]}
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


def pod(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {**POD_SPEC, **spec}}


def deployment(name: str, replicas: int = 1) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": POD_SPEC}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


class TestCreate:
    async def test_a_created_object_has_an_identity_and_can_be_read_at_once(self, api):
        made = await api.make_config("a")
        read = await api.get(api.path("configmaps", "a"))
        assert made.code == 201
        assert read.body == made.body
        assert made.body["kind"] == "ConfigMap"
        assert {"uid", "creationTimestamp", "resourceVersion"} <= made.body["metadata"].keys()

    async def test_a_name_can_be_taken_once(self, api):
        await api.make_config("a")
        again = await api.make_config("a")
        assert again.code == 409
        assert again.body["reason"] == "AlreadyExists"
        assert again.body["message"] == 'configmaps "a" already exists'
        assert again.body["details"] == {"name": "a", "kind": "configmaps"}

    async def test_generate_name_appends_five_characters(self, api):
        body = {"metadata": {"generateName": "job-"}}
        names = {(await api.post(api.path("configmaps"), body)).body["metadata"]["name"] for _ in range(3)}
        assert len(names) == 3
        assert all(name.startswith("job-") and len(name) == 9 for name in names)

    async def test_a_missing_namespace_is_not_found(self, api):
        answer = await api.post("/api/v1/namespaces/nowhere/configmaps", {"metadata": {"name": "a"}})
        assert answer.code == 404
        assert answer.body["message"] == 'namespaces "nowhere" not found'

    async def test_the_namespace_of_the_body_must_be_that_of_the_url(self, api):
        answer = await api.make_config("a", metadata={"namespace": "default"})
        assert answer.code == 400
        assert "does not match the namespace sent on the request" in answer.body["message"]

    async def test_an_object_that_was_read_cannot_be_created(self, api):
        answer = await api.make_config("a", metadata={"resourceVersion": "5"})
        assert answer.code == 400

    async def test_dry_run_validates_and_stores_nothing(self, api):
        made = await api.post(api.path("configmaps"), {"metadata": {"name": "a"}}, dryRun="All")
        assert made.code == 201
        assert (await api.get(api.path("configmaps", "a"))).code == 404

    async def test_yaml_goes_in_and_out(self, api):
        text = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {day: '2024-01-01'}\n"
        made = await api.send("POST", api.path("configmaps"), text, headers={"Content-Type": "application/yaml"})
        read = await api.send("GET", api.path("configmaps", "a"), headers={"Accept": "application/yaml"})
        assert made.code == 201
        assert yaml.safe_load(read.body)["data"] == {"day": "2024-01-01"}

    async def test_a_body_without_content_type_is_json(self, api):
        body = json.dumps({"metadata": {"name": "a"}}).encode()
        made = await api.send("POST", api.path("configmaps"), body, headers={"Content-Type": ""})
        assert made.code == 201

    @pytest.mark.parametrize(
        ("body", "content_type", "code"),
        [
            pytest.param(b"{", "application/json", 400, id="broken JSON"),
            pytest.param(b"a: [", "application/yaml", 400, id="broken YAML"),
            pytest.param(b"[1]", "application/json", 400, id="no object"),
            pytest.param(b"hello", "text/plain", 415, id="another type"),
            pytest.param(b'{"kind": "Secret", "metadata": {"name": "a"}}', "application/json", 400, id="another kind"),
            pytest.param(b'{"apiVersion": "v2", "metadata": {"name": "a"}}', "application/json", 400, id="version"),
            pytest.param(b'{"metadata": {"name": "a"}, "data": 5}', "application/json", 400, id="a wrong type"),
            pytest.param(b'{"metadata": {}}', "application/json", 422, id="no name"),
        ],
    )
    async def test_a_body_that_makes_no_object_is_refused(self, api, body, content_type, code):
        answer = await api.send("POST", api.path("configmaps"), body, headers={"Content-Type": content_type})
        assert answer.code == code
        assert answer.body["kind"] == "Status"
        assert answer.body["code"] == code

    async def test_a_body_over_three_mebibytes_is_refused(self, api):
        body = {"metadata": {"name": "a"}, "data": {"x": "y" * (3 << 20)}}
        assert (await api.post(api.path("configmaps"), body)).code == 413


class TestFieldValidation:
    BODY = {"metadata": {"name": "a"}, "dat": {}, "data": {"x": "1"}}

    async def test_strict_refuses_unknown_fields(self, api):
        answer = await api.post(api.path("configmaps"), self.BODY, fieldValidation="Strict")
        assert answer.code == 400
        assert 'strict decoding error: unknown field "dat"' in answer.body["message"]

    async def test_warn_is_the_default_and_prunes(self, api):
        answer = await api.post(api.path("configmaps"), self.BODY)
        assert answer.code == 201
        assert answer.headers["Warning"] == '299 - "unknown field \\"dat\\""'
        assert "dat" not in answer.body

    async def test_ignore_is_silent(self, api):
        answer = await api.post(api.path("configmaps"), self.BODY, fieldValidation="Ignore")
        assert answer.code == 201
        assert "Warning" not in answer.headers

    async def test_a_field_given_twice_is_refused(self, api):
        body = b'{"metadata": {"name": "a"}, "data": {"x": "1", "x": "2"}}'
        answer = await api.send("POST", api.path("configmaps"), body, params={"fieldValidation": "Strict"})
        assert answer.code == 400
        assert 'duplicate field "data' in answer.body["message"]


class TestUpdate:
    async def test_an_update_with_the_latest_version_succeeds(self, api):
        made = await api.make_config("a")
        new = await api.put(api.path("configmaps", "a"), {**made.body, "data": {"a": "2"}})
        assert new.code == 200
        assert int(new.version) > int(made.version)
        assert new.body["metadata"]["uid"] == made.body["metadata"]["uid"]

    async def test_an_update_with_an_older_version_conflicts(self, api):
        made = await api.make_config("a")
        await api.put(api.path("configmaps", "a"), {**made.body, "data": {"a": "2"}})
        late = await api.put(api.path("configmaps", "a"), {**made.body, "data": {"a": "3"}})
        assert late.code == 409
        assert late.body["reason"] == "Conflict"
        assert late.body["message"] == (
            'Operation cannot be fulfilled on configmaps "a": the object has been modified; '
            "please apply your changes to the latest version and try again"
        )

    async def test_an_update_without_version_overwrites(self, api):
        await api.make_config("a")
        new = await api.put(api.path("configmaps", "a"), {"metadata": {"name": "a"}, "data": {"b": "2"}})
        assert new.code == 200
        assert new.body["data"] == {"b": "2"}

    async def test_a_lease_is_never_overwritten_unseen(self, api):
        path = api.path("leases", "lock", group="apis/coordination.k8s.io/v1")
        made = await api.put(path, {"metadata": {"name": "lock"}, "spec": {"holderIdentity": "a"}})
        blind = await api.put(path, {"metadata": {"name": "lock"}, "spec": {"holderIdentity": "b"}})
        seen = await api.put(path, {**made.body, "spec": {"holderIdentity": "b"}})
        assert (made.code, blind.code, seen.code) == (201, 422, 200)
        assert blind.body["message"] == (
            'Lease.coordination.k8s.io "lock" is invalid: '
            "metadata.resourceVersion: Invalid value: 0: must be specified for an update"
        )

    async def test_an_update_that_changes_nothing_keeps_the_version(self, api):
        made = await api.make_config("a")
        assert (await api.put(api.path("configmaps", "a"), made.body)).version == made.version

    async def test_the_name_must_be_that_of_the_url(self, api):
        made = await api.make_config("a")
        await api.make_config("b")
        assert (await api.put(api.path("configmaps", "b"), made.body)).code == 400

    async def test_an_object_that_is_not_there_cannot_be_updated(self, api):
        assert (await api.put(api.path("configmaps", "a"), {"metadata": {"name": "a"}})).code == 404

    async def test_the_spec_and_the_status_are_written_apart(self, api):
        made = await api.post(api.path("pods"), pod("p"))
        changed = {**made.body, "status": {"phase": "Running"}}
        through_spec = await api.put(api.path("pods", "p"), changed)
        assert through_spec.body["status"]["phase"] == "Pending"
        through_status = await api.put(api.path("pods", "p", "status"), changed)
        assert through_status.body["status"]["phase"] == "Running"

    async def test_generation_counts_changes_of_the_spec_alone(self, api):
        group = "apis/apps/v1"
        await api.post(api.path("deployments", group=group), deployment("d"))
        labelled = await api.patch(api.path("deployments", "d", group=group), {"metadata": {"labels": {"x": "y"}}})
        scaled = await api.patch(api.path("deployments", "d", group=group), {"spec": {"replicas": 3}})
        assert labelled.body["metadata"]["generation"] == 1
        assert scaled.body["metadata"]["generation"] == 2


class TestPatch:
    async def test_merge_json_and_strategic(self, api):
        await api.make_config("a")
        merged = await api.patch(api.path("configmaps", "a"), {"data": {"a": None, "b": "2"}})
        operations = [{"op": "add", "path": "/data/c", "value": "3"}]
        pointed = await api.patch(api.path("configmaps", "a"), operations, "json-patch+json")
        labels = {"metadata": {"labels": {"x": "y"}}}
        strategic = await api.patch(api.path("configmaps", "a"), labels, "strategic-merge-patch+json")
        assert merged.body["data"] == {"b": "2"}
        assert pointed.body["data"] == {"b": "2", "c": "3"}
        assert strategic.body["metadata"]["labels"] == {"x": "y"}

    async def test_an_unknown_patch_type_is_refused(self, api):
        await api.make_config("a")
        assert (await api.patch(api.path("configmaps", "a"), {}, "json")).code == 415

    async def test_concurrent_patches_are_all_applied(self, api):
        await api.make_config("a")
        patches = [api.patch(api.path("configmaps", "a"), {"data": {f"k{n}": str(n)}}) for n in range(30)]
        assert {answer.code for answer in await asyncio.gather(*patches)} == {200}
        data = (await api.get(api.path("configmaps", "a"))).body["data"]
        assert {f"k{n}": str(n) for n in range(30)}.items() <= data.items()

    async def test_concurrent_updates_of_one_version_succeed_once(self, api):
        made = await api.make_config("a")
        updates = [api.put(api.path("configmaps", "a"), {**made.body, "data": {"n": str(n)}}) for n in range(20)]
        codes = [answer.code for answer in await asyncio.gather(*updates)]
        assert sorted(codes) == [200] + [409] * 19

    async def test_a_patch_with_an_old_version_conflicts(self, api):
        made = await api.make_config("a")
        await api.patch(api.path("configmaps", "a"), {"data": {"b": "1"}})
        late = {"metadata": {"resourceVersion": made.version}, "data": {"b": "2"}}
        assert (await api.patch(api.path("configmaps", "a"), late)).code == 409


class TestSubresources:
    GROUP = "apis/apps/v1"

    async def test_scale_reads_and_writes_replicas(self, api):
        await api.post(api.path("deployments", group=self.GROUP), deployment("d", 2))
        path = api.path("deployments", "d", "scale", group=self.GROUP)
        scale = await api.get(path)
        assert scale.body["kind"] == "Scale"
        assert scale.body["spec"] == {"replicas": 2}
        scale.body["spec"]["replicas"] = 4
        assert (await api.put(path, scale.body)).body["spec"] == {"replicas": 4}
        assert (await api.patch(path, {"spec": {"replicas": 5}})).body["spec"] == {"replicas": 5}
        read = await api.get(api.path("deployments", "d", group=self.GROUP))
        assert read.body["spec"]["replicas"] == 5

    async def test_scale_below_zero_is_invalid(self, api):
        await api.post(api.path("deployments", group=self.GROUP), deployment("d"))
        path = api.path("deployments", "d", "scale", group=self.GROUP)
        assert (await api.patch(path, {"spec": {"replicas": -1}})).code == 422

    async def test_a_pod_is_bound_once(self, api):
        await api.post(api.path("pods"), pod("p"))
        binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "node-1"}}
        first = await api.post(api.path("pods", "p", "binding"), binding)
        second = await api.post(api.path("pods", "p", "binding"), binding)
        assert (first.code, first.body["status"]) == (201, "Success")
        assert second.code == 409
        assert 'pod p is already assigned to node "node-1"' in second.body["message"]
        bound = (await api.get(api.path("pods", "p"))).body
        assert bound["spec"]["nodeName"] == "node-1"
        assert [c["status"] for c in bound["status"]["conditions"] if c["type"] == "PodScheduled"] == ["True"]

    async def test_a_binding_for_another_uid_conflicts(self, api):
        await api.post(api.path("pods"), pod("p"))
        binding = {"metadata": {"name": "p", "uid": "other"}, "target": {"name": "node-1"}}
        assert (await api.post(api.path("pods", "p", "binding"), binding)).code == 409


class TestRead:
    async def test_an_object_that_is_not_there(self, api):
        answer = await api.get(api.path("configmaps", "a"))
        assert (answer.code, answer.body["message"]) == (404, 'configmaps "a" not found')
        assert answer.body["details"] == {"name": "a", "kind": "configmaps"}

    async def test_a_path_that_is_not_there(self, api):
        answer = await api.get("/api/v1/rockets")
        assert answer.code == 404
        assert answer.body["message"] == "the server could not find the requested resource"

    async def test_a_verb_that_is_not_there(self, api):
        answer = await api.put(api.path("configmaps"), {})
        assert (answer.code, answer.body["reason"]) == (405, "MethodNotAllowed")

    async def test_a_form_that_cannot_be_made(self, api):
        answer = await api.send("GET", api.path("configmaps"), headers={"Accept": "text/html"})
        assert answer.code == 406

    async def test_nobody_is_let_in_without_a_certificate(self, api, apiserver):
        import aiohttp

        tls = apiserver.pki.tls()
        bare = type(tls)(tls.protocol)
        bare.load_verify_locations(apiserver.pki.ca_file)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=bare)) as session:
            async with session.get(f"{apiserver.url}/api/v1/namespaces") as answer:
                assert answer.status == 403
            async with session.get(f"{apiserver.url}/readyz") as answer:
                assert answer.status == 200

    async def test_rows_for_people(self, api):
        await api.post(api.path("pods"), pod("p"))
        answer = await api.send("GET", api.path("pods"), headers={"Accept": TABLE})
        assert answer.body["kind"] == "Table"
        assert answer.body["rows"][0]["cells"][:3] == ["p", "0/1", "Pending"]

    async def test_every_answer_has_a_number(self, api):
        assert (await api.get(api.path("pods"))).headers["Audit-Id"]

    async def test_large_answers_are_compressed(self, api):
        for number in range(3):
            await api.make_config(f"c{number}", data={"x": "y" * 60_000})
        headers = {"Accept-Encoding": "gzip"}
        async with api.session.get(api.url + api.path("configmaps"), headers=headers, auto_decompress=False) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert len(json.loads(gzip.decompress(await answer.read()))["items"]) == 3


class TestList:
    async def test_a_list_carries_its_revision_and_kind(self, api):
        made = await api.make_config("a")
        listed = await api.get(api.path("configmaps"))
        assert listed.body["kind"] == "ConfigMapList"
        assert int(listed.version) >= int(made.version)
        assert [item["metadata"]["name"] for item in listed.body["items"]] == ["a"]

    async def test_every_namespace_at_once(self, api):
        await api.make_config("only-here")
        listed = await api.get("/api/v1/configmaps")
        assert "only-here" in [item["metadata"]["name"] for item in listed.body["items"]]

    async def test_label_and_field_selectors(self, api):
        await api.make_config("a", metadata={"labels": {"tier": "web"}})
        await api.make_config("b", metadata={"labels": {"tier": "db"}})
        await api.make_config("c")

        async def names(**selectors: str) -> list[str]:
            answer = await api.get(api.path("configmaps"), **selectors)
            return [item["metadata"]["name"] for item in answer.body["items"]]

        assert await names(labelSelector="tier=web") == ["a"]
        assert await names(labelSelector="tier in (web,db)") == ["a", "b"]
        assert await names(labelSelector="!tier") == ["c"]
        assert await names(fieldSelector="metadata.name=b") == ["b"]
        assert (await api.get(api.path("configmaps"), labelSelector="a in (")).code == 400
        assert (await api.get(api.path("configmaps"), fieldSelector="spec.color=red")).code == 400

    async def test_pages_show_one_moment(self, api):
        for name in ("a", "a-b", "b", "c", "d"):
            await api.make_config(name)
        first = await api.get(api.path("configmaps"), limit="2")
        assert first.body["metadata"]["remainingItemCount"] == 3
        await api.delete(api.path("configmaps", "c"))
        await api.make_config("e")
        names, page = [item["metadata"]["name"] for item in first.body["items"]], first
        while token := page.body["metadata"].get("continue"):
            page = await api.get(api.path("configmaps"), **{"limit": "2", "continue": token})
            assert page.version == first.version
            names += [item["metadata"]["name"] for item in page.body["items"]]
        assert names == ["a", "a-b", "b", "c", "d"]

    async def test_pages_with_a_selector_are_filled(self, api):
        for number in range(9):
            await api.make_config(f"c{number}", metadata={"labels": {"odd": str(number % 2)}})
        query = {"limit": "2", "labelSelector": "odd=1"}
        page, names = await api.get(api.path("configmaps"), **query), []
        while True:
            names.append([item["metadata"]["name"] for item in page.body["items"]])
            token = page.body["metadata"].get("continue")
            if not token:
                break
            page = await api.get(api.path("configmaps"), **query, **{"continue": token})
        assert [name for names_of_page in names for name in names_of_page] == ["c1", "c3", "c5", "c7"]
        assert len(names[0]) == 2

    async def test_an_exact_revision_of_the_past(self, api):
        made = await api.make_config("a")
        await api.delete(api.path("configmaps", "a"))
        then = {"resourceVersion": made.version, "resourceVersionMatch": "Exact"}
        assert len((await api.get(api.path("configmaps"), **then)).body["items"]) == 1
        assert (await api.get(api.path("configmaps"))).body["items"] == []

    async def test_a_token_that_nobody_gave_out(self, api):
        assert (await api.get(api.path("configmaps"), **{"continue": "bm9wZQ"})).code == 400

    async def test_a_revision_of_the_future_times_out(self, api):
        answer = await api.get(api.path("configmaps"), resourceVersion="999999999")
        assert answer.code == 504
        assert "Too large resource version" in answer.body["message"]

    async def test_a_list_sees_every_write_before_it(self, api):
        for number in range(50):
            await api.make_config(f"c{number}")
            listed = await api.get(api.path("configmaps"))
            assert len(listed.body["items"]) == number + 1


async def test_the_root_lists_what_is_served(api):
    paths = (await api.get("/")).body["paths"]
    assert {"/api", "/api/v1", "/apis", "/apis/apps/v1", "/healthz", "/openapi/v3", "/version"} <= set(paths)
    assert not [path for path in paths if "{" in path]
