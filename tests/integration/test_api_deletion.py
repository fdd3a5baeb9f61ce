"""Deleting: at once, after a grace, behind finalizers; and whole namespaces."""

import pytest

SPEC = {"containers": [{"name": "c", "image": "i"}]}


async def make_pod(api, name="p", node="node-1", **meta):
    await api.post(api.path("pods"), {"metadata": {"name": name, **meta}, "spec": SPEC})
    if node:
        await api.post(api.path("pods", name, "binding"), {"metadata": {"name": name}, "target": {"name": node}})
    return (await api.get(api.path("pods", name))).body


class TestDelete:
    async def test_an_object_goes_and_a_status_says_so(self, api):
        made = await api.make_config("a")
        gone = await api.delete(api.path("configmaps", "a"))
        uid = made.body["metadata"]["uid"]
        assert gone.code == 200
        assert gone.body["status"] == "Success"
        assert gone.body["details"] == {"name": "a", "kind": "configmaps", "uid": uid}
        assert (await api.delete(api.path("configmaps", "a"))).code == 404

    @pytest.mark.parametrize("preconditions", [{"uid": "other"}, {"resourceVersion": "1"}])
    async def test_preconditions_protect_a_namesake(self, api, preconditions):
        await api.make_config("a")
        answer = await api.delete(api.path("configmaps", "a"), {"preconditions": preconditions})
        assert answer.code == 409
        assert "in the precondition" in answer.body["message"]
        assert (await api.get(api.path("configmaps", "a"))).code == 200

    async def test_dry_run_deletes_nothing(self, api):
        await api.make_config("a")
        assert (await api.delete(api.path("configmaps", "a"), dryRun="All")).code == 200
        assert (await api.get(api.path("configmaps", "a"))).code == 200

    async def test_a_collection_goes_page_by_page(self, api):
        for name in "abc":
            await api.make_config(name)
        gone = await api.delete(api.path("configmaps"), limit="2")
        assert [item["metadata"]["name"] for item in gone.body["items"]] == ["a", "b"]
        assert gone.body["metadata"]["remainingItemCount"] == 1
        assert (await api.get(api.path("configmaps"))).body["items"][0]["metadata"]["name"] == "c"

    async def test_a_collection_honours_preconditions(self, api):
        await api.make_config("a")
        refused = await api.delete(api.path("configmaps"), {"preconditions": {"uid": "other"}})
        assert refused.code == 409
        assert (await api.get(api.path("configmaps", "a"))).code == 200

    @pytest.mark.parametrize(
        ("query", "body", "code"),
        [
            pytest.param({"orphanDependents": "false"}, None, 202, id="dependents first, in the older form"),
            pytest.param({"propagationPolicy": "Foreground"}, None, 200, id="dependents first"),
            pytest.param({}, {"kind": "DeleteOptions", "apiVersion": "v1", "orphanDependents": False}, 202, id="body"),
            pytest.param({}, b"gracePeriodSeconds: 5\norphanDependents: false\n", 202, id="YAML"),
        ],
    )
    async def test_the_code_tells_who_waits_for_dependents(self, api, query, body, code):
        await api.make_config("a", metadata={"finalizers": ["naru.test/one"]})
        headers = {"Content-Type": "application/yaml" if isinstance(body, bytes) else "application/json"}
        answer = await api.send("DELETE", api.path("configmaps", "a"), body, params=query, headers=headers)
        assert answer.code == code
        assert answer.body["metadata"]["deletionGracePeriodSeconds"] == 0

    async def test_options_of_another_kind_are_refused(self, api):
        await api.make_config("a")
        answer = await api.delete(api.path("configmaps", "a"), {"kind": "Pod", "apiVersion": "v1"})
        assert answer.code == 400
        assert (await api.get(api.path("configmaps", "a"))).code == 200

    async def test_some_kinds_are_shown_once_they_are_gone(self, api):
        await api.post(api.path("serviceaccounts"), {"metadata": {"name": "a"}})
        gone = await api.delete(api.path("serviceaccounts", "a"))
        assert (gone.code, gone.body["kind"]) == (200, "ServiceAccount")

    async def test_a_collection_goes_by_selector(self, api):
        for name, tier in (("a", "web"), ("b", "db"), ("c", "web")):
            await api.make_config(name, metadata={"labels": {"tier": tier}})
        gone = await api.delete(api.path("configmaps"), labelSelector="tier=web")
        assert [item["metadata"]["name"] for item in gone.body["items"]] == ["a", "c"]
        left = await api.get(api.path("configmaps"))
        assert [item["metadata"]["name"] for item in left.body["items"]] == ["b"]

    async def test_an_unknown_policy_is_invalid(self, api):
        await api.make_config("a")
        assert (await api.delete(api.path("configmaps", "a"), propagationPolicy="Slowly")).code == 422


class TestFinalizers:
    async def test_an_object_stays_until_the_last_finalizer_lets_go(self, api):
        await api.make_config("a", metadata={"finalizers": ["naru.test/one", "naru.test/two"]})
        marked = await api.delete(api.path("configmaps", "a"))
        assert marked.body["metadata"]["deletionTimestamp"]
        one = await api.patch(api.path("configmaps", "a"), {"metadata": {"finalizers": ["naru.test/two"]}})
        assert one.code == 200
        last = await api.patch(api.path("configmaps", "a"), {"metadata": {"finalizers": []}})
        assert last.code == 200
        assert (await api.get(api.path("configmaps", "a"))).code == 404

    async def test_a_deletion_cannot_be_taken_back(self, api):
        await api.make_config("a", metadata={"finalizers": ["naru.test/one"]})
        marked = await api.delete(api.path("configmaps", "a"))
        meta = {key: value for key, value in marked.body["metadata"].items() if not key.startswith("deletion")}
        kept = await api.put(api.path("configmaps", "a"), {**marked.body, "metadata": meta})
        assert kept.body["metadata"]["deletionTimestamp"] == marked.body["metadata"]["deletionTimestamp"]

    @pytest.mark.parametrize(("policy", "finalizer"), [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")])
    async def test_a_wish_for_the_dependents_is_a_finalizer(self, api, policy, finalizer):
        await api.make_config("a")
        marked = await api.delete(api.path("configmaps", "a"), propagationPolicy=policy)
        assert marked.body["metadata"]["finalizers"] == [finalizer]


class TestPods:
    async def test_a_pod_without_a_node_goes_at_once(self, api):
        await make_pod(api, node="")
        gone = await api.delete(api.path("pods", "p"))
        assert gone.body["kind"] == "Pod"
        assert (await api.get(api.path("pods", "p"))).code == 404

    async def test_a_pod_on_a_node_is_marked_and_its_agent_ends_it(self, api):
        await make_pod(api)
        marked = (await api.delete(api.path("pods", "p"))).body["metadata"]
        assert marked["deletionGracePeriodSeconds"] == 30
        assert (await api.get(api.path("pods", "p"))).code == 200
        await api.delete(api.path("pods", "p"), {"gracePeriodSeconds": 0, "preconditions": {"uid": marked["uid"]}})
        assert (await api.get(api.path("pods", "p"))).code == 404

    async def test_the_grace_can_be_shortened_only(self, api):
        await make_pod(api)

        async def grace(seconds: str) -> int:
            answer = await api.delete(api.path("pods", "p"), gracePeriodSeconds=seconds)
            remaining: int = answer.body["metadata"]["deletionGracePeriodSeconds"]
            return remaining

        assert [await grace(seconds) for seconds in ("60", "20", "40")] == [60, 20, 20]

    async def test_a_finalizer_outlives_the_grace(self, api):
        await make_pod(api, finalizers=["naru.test/one"])
        await api.delete(api.path("pods", "p"))
        await api.delete(api.path("pods", "p"), gracePeriodSeconds="0")
        assert (await api.get(api.path("pods", "p"))).code == 200
        await api.patch(api.path("pods", "p"), {"metadata": {"finalizers": None}})
        assert (await api.get(api.path("pods", "p"))).code == 404

    async def test_an_eviction_is_a_deletion(self, api):
        await make_pod(api)
        body = {"metadata": {"name": "p"}, "deleteOptions": {"gracePeriodSeconds": 7}}
        assert (await api.post(api.path("pods", "p", "eviction"), body)).code == 201
        assert (await api.get(api.path("pods", "p"))).body["metadata"]["deletionGracePeriodSeconds"] == 7


class TestNamespaces:
    async def test_a_namespace_is_emptied_before_it_goes(self, api):
        path = f"/api/v1/namespaces/{api.namespace}"
        marked = await api.delete(path)
        assert marked.body["status"]["phase"] == "Terminating"
        assert marked.body["spec"]["finalizers"] == ["kubernetes"]
        again = await api.delete(path)
        assert (again.code, again.version) == (200, marked.version)
        refused = await api.make_config("a")
        assert refused.code == 403
        assert "because it is being terminated" in refused.body["message"]
        done = await api.put(f"{path}/finalize", {**marked.body, "spec": {"finalizers": []}})
        assert done.code == 200
        assert (await api.get(path)).code == 404

    async def test_finalizers_of_a_namespace_change_through_finalize_alone(self, api):
        path = f"/api/v1/namespaces/{api.namespace}"
        body = (await api.get(path)).body
        updated = await api.put(path, {**body, "spec": {"finalizers": []}})
        assert updated.body["spec"]["finalizers"] == ["kubernetes"]

    @pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
    async def test_the_clusters_own_namespaces_stay(self, api, name):
        answer = await api.delete(f"/api/v1/namespaces/{name}")
        assert answer.code == 403
        assert answer.body["message"] == f'namespaces "{name}" is forbidden: this namespace may not be deleted'
