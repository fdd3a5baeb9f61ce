"""Discovery lists what is served, in both of its forms, and nothing else."""

from typing import Any

import pytest

from apiserver.discovery import aggregated_list, aggregated_type, api_group_list, api_resource_list, version_info
from apiserver.documents import document
from apiserver.subresources import SUBRESOURCES
from naru.api.scheme import RESOURCES, by_plural

CORE = [resource for resource in RESOURCES if not resource.group]
NAMED = [resource for resource in RESOURCES if resource.group]


def plain_rows() -> dict[tuple[str, str], dict[str, Any]]:
    rows = {}
    for api_version in dict.fromkeys(resource.api_version for resource in RESOURCES):
        members = [resource for resource in RESOURCES if resource.api_version == api_version]
        for row in api_resource_list(api_version, members)["resources"]:
            rows[(api_version, row["name"])] = row
    return rows


def aggregated_rows() -> dict[tuple[str, str], dict[str, Any]]:
    rows = {}
    for item in [*aggregated_list(CORE)["items"], *aggregated_list(NAMED)["items"]]:
        group = item["metadata"].get("name", "")
        for version in item["versions"]:
            api_version = f"{group}/{version['version']}" if group else version["version"]
            for row in version["resources"]:
                rows[(api_version, row["resource"])] = row
                for sub in row.get("subresources", []):
                    rows[(api_version, f"{row['resource']}/{sub['subresource']}")] = sub
    return rows


class TestForms:
    """Both forms tell the same."""

    def test_the_same_names(self) -> None:
        assert plain_rows().keys() == aggregated_rows().keys()

    def test_the_same_verbs_and_kinds(self) -> None:
        aggregated = aggregated_rows()
        for key, row in plain_rows().items():
            assert row["verbs"] == aggregated[key]["verbs"]
            assert row["kind"] == aggregated[key]["responseKind"]["kind"]

    def test_scale_speaks_of_another_group(self) -> None:
        row = plain_rows()[("apps/v1", "deployments/scale")]
        assert (row["group"], row["version"], row["kind"]) == ("autoscaling", "v1", "Scale")

    def test_status_speaks_of_the_resource(self) -> None:
        assert "group" not in plain_rows()[("v1", "pods/status")]

    def test_every_served_subresource_is_described(self) -> None:
        served = {
            (r.api_version, f"{r.plural}/{name}") for r in RESOURCES for name in r.subresources if name in SUBRESOURCES
        }
        assert {key for key in plain_rows() if "/" in key[1]} == served

    def test_a_pod_has_its_short_name_and_category(self) -> None:
        row = plain_rows()[("v1", "pods")]
        assert (row["shortNames"], row["categories"], row["singularName"]) == (["po"], ["all"], "pod")

    def test_groups_come_in_the_order_of_their_priority(self) -> None:
        names = [group["name"] for group in api_group_list(NAMED)["groups"]]
        assert names[:3] == ["apiregistration.k8s.io", "apps", "events.k8s.io"]
        assert names.index("autoscaling") < names.index("policy") < names.index("coordination.k8s.io")

    def test_the_stored_version_is_told_by_its_hash(self) -> None:
        rows = plain_rows()
        assert rows[("v1", "pods")]["storageVersionHash"] == "xPOwRZ+Yhw8="
        assert rows[("apps/v1", "deployments")]["storageVersionHash"] == "8aSe+NMegvE="
        assert (
            rows[("events.k8s.io/v1", "events")]["storageVersionHash"] == rows[("v1", "events")]["storageVersionHash"]
        )
        assert "storageVersionHash" not in rows[("v1", "pods/status")]

    def test_a_kind_of_the_same_group_and_version_has_neither(self) -> None:
        rows = aggregated_rows()
        assert rows[("apps/v1", "deployments")]["responseKind"] == {"group": "", "version": "", "kind": "Deployment"}
        scale = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
        assert rows[("apps/v1", "deployments/scale")]["responseKind"] == scale

    def test_the_core_group_keeps_its_version_to_itself(self) -> None:
        assert "apiVersion" not in api_resource_list("v1", CORE)
        assert api_resource_list("apps/v1", [])["apiVersion"] == "v1"

    def test_groups(self) -> None:
        groups = {group["name"]: group for group in api_group_list(NAMED)["groups"]}
        assert groups["apps"]["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}
        assert "" not in groups
        assert by_plural("apps", "v1", "deployments") in NAMED


V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class TestNegotiation:
    """The form follows the Accept header."""

    @pytest.mark.parametrize(
        ("accept", "expected"),
        [
            pytest.param(f"{V2},application/json", True, id="kubectl 1.32"),
            pytest.param(f"{V2};profile=nopeer,{V2},application/json", True, id="kubectl 1.36"),
            pytest.param(f"{V2.replace('v=v2', 'v=v2beta1')},{V2},application/json", True, id="an older client"),
            pytest.param(f"{V2.replace('v=v2', 'v=v2beta1')},application/json", False, id="beta, gone since 1.35"),
            pytest.param("application/json", False, id="legacy"),
            pytest.param(f"application/json, {V2}", True, id="at any place"),
            pytest.param("*/*", False, id="curl"),
            pytest.param("", False, id="none"),
        ],
    )
    def test_form(self, accept: str, expected: bool) -> None:
        assert aggregated_type(accept) == ("application/json" if expected else "")


class TestDocuments:
    """A document's hash follows its bytes."""

    def test_etag(self) -> None:
        assert document({"a": 1}).etag == document({"a": 1}).etag != document({"a": 2}).etag

    def test_the_version_is_the_api_that_is_spoken(self) -> None:
        assert version_info()["gitVersion"] == "v1.36.0+naru"
