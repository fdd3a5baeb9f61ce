"""Networking, quotas and budgets over HTTP: created, refused, shown."""

from typing import Any

import pytest

NETWORKING = "apis/networking.k8s.io/v1"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
BACKEND = {"service": {"name": "web", "port": {"number": 80}}}

KINDS: list[tuple[str, str, dict[str, Any], dict[str, Any], list[str], list[Any]]] = [
    # group, plural, object, a change that is refused, columns, cells (None: not looked at)
    (
        "api/v1",
        "endpoints",
        {
            "subsets": [
                {
                    "addresses": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}],
                    "ports": [{"port": 80, "name": "a"}, {"port": 81, "name": "b"}],
                }
            ]
        },
        {"subsets": [{}]},
        ["Name", "Endpoints", "Age"],
        ["it", "10.0.0.1:80,10.0.0.2:80,10.0.0.1:81 + 1 more...", None],
    ),
    (
        "apis/discovery.k8s.io/v1",
        "endpointslices",
        {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}], "ports": [{"port": 80}, {"name": "any"}]},
        {"addressType": "IPv6"},
        ["Name", "AddressType", "Ports", "Endpoints", "Age"],
        ["it", "IPv4", "80,*", "10.0.0.1", None],
    ),
    (
        NETWORKING,
        "ingresses",
        {"spec": {"ingressClassName": "front", "rules": [{"host": "a.example.com"}], "tls": [{"hosts": []}]}},
        {"spec": {"rules": None}},
        ["Name", "Class", "Hosts", "Address", "Ports", "Age"],
        ["it", "front", "a.example.com", "", "80, 443", None],
    ),
    (
        NETWORKING,
        "networkpolicies",
        {"spec": {"podSelector": {"matchLabels": {"app": "web"}}}},
        {"spec": {"policyTypes": ["Sideways"]}},
        ["Name", "Pod-Selector", "Age"],
        ["it", "app=web", None],
    ),
    (
        "api/v1",
        "limitranges",
        {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}}]}},
        {"spec": {"limits": [{"type": "Table"}]}},
        ["Name", "Created At"],
        ["it", None],
    ),
    (
        "api/v1",
        "resourcequotas",
        {"spec": {"hard": {"pods": "10"}}},
        {"spec": {"scopes": ["BestEffort"]}},
        ["Name", "Request", "Limit", "Age"],
        ["it", "", "", None],
    ),
    (
        "apis/policy/v1",
        "poddisruptionbudgets",
        {"spec": {"minAvailable": "50%", "selector": {}}},
        {"spec": {"maxUnavailable": 1}},
        ["Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"],
        ["it", "50%", "N/A", 0, None],
    ),
]


class TestKinds:
    @pytest.mark.parametrize(
        ("group", "plural", "fields", "wrong", "columns", "cells"), KINDS, ids=[kind[1] for kind in KINDS]
    )
    async def test_a_kind(self, api, group, plural, fields, wrong, columns, cells):
        made = await api.post(api.path(plural, group=group), {"metadata": {"name": "it"}, **fields})
        assert made.code == 201, made.body
        path = api.path(plural, "it", group=group)
        refused = await api.patch(path, wrong)
        assert (refused.code, refused.body["reason"]) == (422, "Invalid")
        table = (await api.send("GET", path, headers=TABLE)).body
        assert [column["name"] for column in table["columnDefinitions"]] == columns
        shown = table["rows"][0]["cells"]
        assert [None if expected is None else cell for cell, expected in zip(shown, cells, strict=True)] == cells
        assert (await api.get(path)).body == made.body

    async def test_kinds_that_nothing_acts_on_are_announced(self, api):
        made = await api.post(
            api.path("networkpolicies", group=NETWORKING), {"metadata": {"name": "it"}, "spec": {"podSelector": {}}}
        )
        assert made.headers["Warning"] == '299 - "naru keeps NetworkPolicies, but nothing acts on them yet"'
        made = await api.post(api.path("configmaps"), {"metadata": {"name": "it"}})
        assert "Warning" not in made.headers

    async def test_who_reads_endpoints_is_told_of_what_came_after_them(self, api):
        expected = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"'
        assert (await api.get(api.path("endpoints"))).headers["Warning"] == expected
        made = await api.post(api.path("endpoints"), {"metadata": {"name": "it"}})
        assert made.headers["Warning"] == expected
        async with api.watch(api.path("endpoints")) as watching:
            assert watching.response.headers["Warning"] == expected


class TestGenerations:
    async def test_every_change_of_a_slice_counts(self, api):
        group = "apis/discovery.k8s.io/v1"
        body = {"metadata": {"name": "it"}, "addressType": "IPv4", "endpoints": []}
        await api.post(api.path("endpointslices", group=group), body)
        path = api.path("endpointslices", "it", group=group)
        changes = [
            ({"metadata": {"annotations": {"a": "b"}}}, 1),
            ({"metadata": {"labels": {"a": "b"}}}, 2),
            ({"endpoints": [{"addresses": ["10.0.0.1"], "deprecatedTopology": {"a": "b"}}]}, 3),
        ]
        for change, generation in changes:
            answer = await api.patch(path, change)
            assert answer.body["metadata"]["generation"] == generation
        assert answer.body["endpoints"] == [{"addresses": ["10.0.0.1"], "conditions": {}}]


class TestClusterWideKinds:
    async def test_an_ingress_class(self, api):
        path = f"/{NETWORKING}/ingressclasses"
        parameters = {"apiGroup": "example.com", "kind": "Settings", "name": "front"}
        spec = {"controller": "example.com/front", "parameters": parameters}
        made = await api.post(path, {"metadata": {"name": api.namespace}, "spec": spec})
        assert (made.code, made.body["spec"]["parameters"]["scope"]) == (201, "Cluster")
        assert made.body["metadata"]["generation"] == 1
        refused = await api.patch(f"{path}/{api.namespace}", {"spec": {"controller": "example.com/other"}})
        assert refused.code == 422
        table = (await api.send("GET", f"{path}/{api.namespace}", headers=TABLE)).body
        assert table["rows"][0]["cells"][1:3] == ["example.com/front", "Settings.example.com/front"]

    async def test_an_address_of_a_service_is_shown_with_its_owner(self, api):
        made = await api.post(api.path("services"), {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}})
        address = made.body["spec"]["clusterIP"]
        table = (await api.send("GET", f"/{NETWORKING}/ipaddresses/{address}", headers=TABLE)).body
        assert table["rows"][0]["cells"][:2] == [address, f"services/{api.namespace}/web"]

    async def test_a_budget_is_not_overwritten_unseen(self, api):
        group = "apis/policy/v1"
        body = {"metadata": {"name": "it"}, "spec": {"minAvailable": 1}}
        await api.post(api.path("poddisruptionbudgets", group=group), body)
        answer = await api.put(api.path("poddisruptionbudgets", "it", group=group), body)
        assert answer.code == 422
        assert answer.body["message"].endswith("must be specified for an update")
