"""Reading: lists and objects at the revision that was asked for, page by page, and what is refused."""

import asyncio
import base64
import gzip
import json

import pytest

from apiserver.storage.continuation import continue_token

MATCH = "resourceVersionMatch"


def names(answer):
    assert answer.code == 200, answer.body
    return [item["metadata"]["name"] for item in answer.body["items"]]


async def fill(api, *configs):
    return [await api.make_config(name) for name in configs]


class TestRevisions:
    async def test_a_list_names_the_revision_that_it_is_true_at(self, api):
        made = await api.make_config("a")
        listed = await api.get(api.path("configmaps"))
        assert int(listed.version) >= int(made.version)

    async def test_exactly_the_past(self, api):
        made = await fill(api, "a", "b", "c")
        await api.delete(api.path("configmaps", "a"))
        await api.patch(api.path("configmaps", "b"), {"data": {"a": "2"}})
        await api.make_config("d")
        past = await api.get(api.path("configmaps"), **{"resourceVersion": made[1].version, MATCH: "Exact"})
        assert names(past) == ["a", "b"]
        assert past.body["items"][1]["data"] == {"a": "1"}
        assert past.version == made[1].version

    async def test_a_limit_with_a_revision_means_exactly_that_one(self, api):
        made = await fill(api, "a", "b")
        await api.delete(api.path("configmaps", "a"))
        page = await api.get(api.path("configmaps"), resourceVersion=made[1].version, limit="1")
        assert (names(page), page.version) == (["a"], made[1].version)

    async def test_not_older_than(self, api):
        made = await fill(api, "a", "b")
        listed = await api.get(api.path("configmaps"), **{"resourceVersion": made[0].version, MATCH: "NotOlderThan"})
        assert int(listed.version) >= int(made[0].version)
        assert "a" in names(listed)

    async def test_whatever_there_is_comes_without_limit(self, api):
        await fill(api, "a", "b")
        await api.get(api.path("configmaps"))  # so that the cache is sure to have them
        listed = await api.get(api.path("configmaps"), resourceVersion="0", limit="1")
        assert names(listed) == ["a", "b"]
        assert "continue" not in listed.body["metadata"]

    @pytest.mark.parametrize(
        ("name", "query"),
        [
            pytest.param("", {"resourceVersion": "999999999"}, id="list"),
            pytest.param("", {"resourceVersion": "999999999", MATCH: "Exact"}, id="exact list"),
            pytest.param("a", {"resourceVersion": "999999999"}, id="object"),
        ],
    )
    async def test_the_future_is_not_known(self, api, name, query):
        await api.make_config("a")
        answer = await api.get(api.path("configmaps", name), **query)
        assert (answer.code, answer.body["reason"]) == (504, "Timeout")
        assert answer.body["message"].startswith("Timeout: Too large resource version: 999999999, current: ")
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        assert answer.body["details"] == {"causes": [cause], "retryAfterSeconds": 1}
        assert answer.headers["Retry-After"] == "1"

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            (
                {MATCH: "Exact"},
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
            ),
            (
                {MATCH: "Exact", "resourceVersion": "0"},
                'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
            ),
            (
                {MATCH: "Newest", "resourceVersion": "5"},
                'resourceVersionMatch: Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""',
            ),
            (
                {MATCH: "Exact", "resourceVersion": "5", "continue": "x"},
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided",
            ),
            ({"sendInitialEvents": "true"}, "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"),
            (
                {"watch": "1", "sendInitialEvents": "true"},
                "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to "
                "NotOlderThan",
            ),
            (
                {"watch": "1", MATCH: "NotOlderThan", "resourceVersion": "5"},
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless "
                "sendInitialEvents is provided",
            ),
            (
                {"watch": "1", MATCH: "Exact", "sendInitialEvents": "true"},
                "[resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to "
                'NotOlderThan, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]',
            ),
        ],
    )
    async def test_what_does_not_go_together_is_invalid(self, api, query, message):
        answer = await api.get(api.path("configmaps"), **query)
        assert (answer.code, answer.body["reason"]) == (422, "Invalid")
        assert answer.body["message"] == f'ListOptions.meta.k8s.io "" is invalid: {message}'
        assert answer.body["details"]["kind"] == "ListOptions"
        assert answer.body["details"]["group"] == "meta.k8s.io"

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            (
                {"resourceVersion": "new"},
                'invalid resource version: resourceVersion: Invalid value: "new": strconv.ParseUint: parsing "new": '
                "invalid syntax",
            ),
            (
                {"resourceVersion": "-1"},
                'invalid resource version: resourceVersion: Invalid value: "-1": strconv.ParseUint: parsing "-1": '
                "invalid syntax",
            ),
            (
                {"resourceVersion": "99999999999999999999"},
                'invalid resource version: resourceVersion: Invalid value: "99999999999999999999": strconv.ParseUint: '
                'parsing "99999999999999999999": value out of range',
            ),
            ({"limit": "many"}, 'strconv.ParseInt: parsing "many": invalid syntax'),
            ({"timeoutSeconds": ""}, 'strconv.ParseInt: parsing "": invalid syntax'),
            ({"fieldSelector": "spec.x=1"}, '"spec.x" is not a known field selector: only "metadata.name", '
             '"metadata.namespace"'),
        ],
    )  # fmt: skip
    async def test_what_cannot_be_read_is_a_bad_request(self, api, query, message):
        answer = await api.get(api.path("configmaps"), **query)
        assert (answer.code, answer.body["message"]) == (400, message)

    async def test_exports_are_history(self, api):
        await api.make_config("a")
        answer = await api.get(api.path("configmaps", "a"), export="true")
        assert answer.body["message"] == "the export parameter, deprecated since v1.14, is no longer supported"


class TestPages:
    async def test_pages_are_of_one_revision_whatever_happens_between_them(self, api):
        await fill(api, *"abcdef")
        first = await api.get(api.path("configmaps"), limit="2")
        await api.delete(api.path("configmaps", "c"))
        await api.patch(api.path("configmaps", "d"), {"data": {"a": "2"}})
        await fill(api, "bb", "dd", "g")
        seen, answer = names(first), first
        while token := answer.body["metadata"].get("continue"):
            answer = await api.get(api.path("configmaps"), **{"limit": "2", "continue": token})
            seen += names(answer)
            assert answer.version == first.version
        assert seen == list("abcdef")

    async def test_how_many_are_to_come(self, api):
        await fill(api, *"abcde")
        first = await api.get(api.path("configmaps"), limit="2")
        assert first.body["metadata"]["remainingItemCount"] == 3
        token = first.body["metadata"]["continue"]
        second = await api.get(api.path("configmaps"), **{"limit": "2", "continue": token})
        assert second.body["metadata"]["remainingItemCount"] == 1
        last = await api.get(api.path("configmaps"), **{"limit": "2", "continue": second.body["metadata"]["continue"]})
        assert "remainingItemCount" not in last.body["metadata"]
        assert "continue" not in last.body["metadata"]

    async def test_with_a_selector_nobody_knows_how_many_are_to_come(self, api):
        for name, tier in (("a", "web"), ("b", "db"), ("c", "web"), ("d", "db")):
            await api.make_config(name, metadata={"labels": {"tier": tier}})
        first = await api.get(api.path("configmaps"), limit="1", labelSelector="tier=web")
        assert names(first) == ["a"]
        assert "remainingItemCount" not in first.body["metadata"]
        query = {"limit": "1", "labelSelector": "tier=web", "continue": first.body["metadata"]["continue"]}
        second = await api.get(api.path("configmaps"), **query)
        assert names(second) == ["c"]
        last = await api.get(api.path("configmaps"), **{**query, "continue": second.body["metadata"]["continue"]})
        assert names(last) == []  # there might have been another one

    async def test_pages_over_all_namespaces(self, api):
        await fill(api, "a", "b")
        query = {"limit": "1", "fieldSelector": f"metadata.namespace={api.namespace}"}
        first = await api.get("/api/v1/configmaps", **query)
        second = await api.get("/api/v1/configmaps", **query, **{"continue": first.body["metadata"]["continue"]})
        assert names(first) + names(second) == ["a", "b"]

    @pytest.mark.parametrize("limit", ["0", "-5"])
    async def test_a_limit_that_is_none(self, api, limit):
        await fill(api, "a", "b")
        assert names(await api.get(api.path("configmaps"), limit=limit)) == ["a", "b"]

    @pytest.mark.parametrize(
        ("token", "problem"),
        [
            ("a$b", ": illegal base64 data at input byte 1"),
            ("YWJj", ": invalid character 'a' looking for beginning of value"),
            (continue_token(0, "a"), ": incorrect encoded start resourceVersion (version meta.k8s.io/v1)"),
            (continue_token(7, ""), ": encoded start key empty (version meta.k8s.io/v1)"),
            (continue_token(7, "../secrets/x"), ": ../secrets/x"),
            (
                base64.urlsafe_b64encode(json.dumps({"v": "v2", "rv": 1, "start": "a"}).encode()).decode().rstrip("="),
                ": server does not recognize this encoded version v2",
            ),
        ],
    )
    async def test_a_token_that_nobody_gave_out(self, api, token, problem):
        answer = await api.get(api.path("configmaps"), **{"continue": token})
        assert answer.code == 400
        assert answer.body["message"] == f"invalid continue token: continue key is not valid{problem}"

    async def test_a_token_and_a_revision_do_not_go_together(self, api):
        answer = await api.get(api.path("configmaps"), **{"continue": continue_token(5, "a"), "resourceVersion": "5"})
        assert answer.body["message"] == "specifying resource version is not allowed when using continue"

    async def test_a_token_stays_in_its_namespace(self, api):
        await api.make_config("a")
        version = (await api.get("/api/v1/configmaps")).version
        answer = await api.get(
            "/api/v1/namespaces/nowhere/configmaps", **{"continue": continue_token(int(version), "a\0")}
        )
        assert names(answer) == []


class TestBigLists:
    """A list of megabytes comes whole in every form, though it is written in pieces."""

    @pytest.fixture
    async def many(self, api):
        await asyncio.gather(*(api.make_config(f"c{number:03}", data={"x": "é" * 2000}) for number in range(120)))
        return [f"c{number:03}" for number in range(120)]

    @pytest.mark.parametrize("query", [{}, {"pretty": "true"}, {"labelSelector": "!absent"}, {"limit": "119"}])
    async def test_json(self, api, many, query):
        for _ in range(2):  # the second one may be answered with what the first one made
            listed = await api.get(api.path("configmaps"), **query)
            assert names(listed) == many[: int(query.get("limit", "120"))]
            assert listed.body["items"][7]["data"] == {"x": "é" * 2000}

    async def test_all_namespaces(self, api, many):
        for _ in range(2):
            listed = await api.get("/api/v1/configmaps")
            found = [i["metadata"]["name"] for i in listed.body["items"] if i["metadata"]["namespace"] == api.namespace]
            assert found == many

    async def test_compressed(self, api, many):
        url, headers = api.url + api.path("configmaps"), {"Accept-Encoding": "gzip"}
        async with api.session.get(url, headers=headers, auto_decompress=False) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            body = json.loads(gzip.decompress(await response.read()))
            assert [item["metadata"]["name"] for item in body["items"]] == many

    async def test_yaml(self, api, many):
        import yaml

        answer = await api.send("GET", api.path("configmaps"), headers={"Accept": "application/yaml"})
        body = yaml.load(answer.body, Loader=yaml.CSafeLoader)
        assert [item["metadata"]["name"] for item in body["items"]] == many
        assert (body["kind"], body["apiVersion"]) == ("ConfigMapList", "v1")

    @pytest.mark.parametrize(
        ("accept", "kind", "items"),
        [
            ("application/json;as=Table;v=v1;g=meta.k8s.io", "Table", "rows"),
            (
                "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
                "PartialObjectMetadataList",
                "items",
            ),
        ],
    )
    async def test_other_kinds(self, api, many, accept, kind, items):
        answer = await api.send("GET", api.path("configmaps"), headers={"Accept": accept})
        assert answer.body["kind"] == kind
        shown = [item.get("object", item)["metadata"]["name"] for item in answer.body[items]]
        assert shown == many
