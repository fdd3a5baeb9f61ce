"""The OpenAPI documents say what the models say, in the forms that kubectl reads."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from apiserver.openapi.descriptions import descriptions_of
from apiserver.openapi.discovery import discovery_schemas
from apiserver.openapi.index import document_names
from apiserver.openapi.library import document_hash
from apiserver.openapi.operations import paths_of
from apiserver.openapi.protobuf import encode_document, varint
from apiserver.openapi.v2 import swagger
from apiserver.openapi.v3 import build, group_document
from apiserver.openapi.v3 import everything as whole_document
from naru.api.pod_v1 import PodSpec
from naru.api.scheme import RESOURCES

APPS = [resource for resource in RESOURCES if resource.group == "apps"]


@cache
def everything() -> dict[str, Any]:
    return whole_document()


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = everything()["components"]["schemas"][f"io.k8s.{name}"]
    return found


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


class TestSchemas:
    """A model's declaration arrives in its schema."""

    def test_merge_keys(self) -> None:
        containers = schema("api.core.v1.PodSpec")["properties"]["containers"]
        assert containers["x-kubernetes-patch-merge-key"] == "name"
        assert containers["x-kubernetes-patch-strategy"] == "merge"
        assert containers["x-kubernetes-list-type"] == "map"

    def test_merge_and_retain(self) -> None:
        assert (
            schema("api.core.v1.PodSpec")["properties"]["volumes"]["x-kubernetes-patch-strategy"] == "merge,retainKeys"
        )
        assert (
            schema("api.apps.v1.DeploymentSpec")["properties"]["strategy"]["x-kubernetes-patch-strategy"]
            == "retainKeys"
        )

    def test_a_set_of_scalars(self) -> None:
        finalizers = schema("apimachinery.pkg.apis.meta.v1.ObjectMeta")["properties"]["finalizers"]
        assert (finalizers["x-kubernetes-list-type"], finalizers["x-kubernetes-patch-strategy"]) == ("set", "merge")
        assert "x-kubernetes-patch-merge-key" not in finalizers

    def test_required_fields(self) -> None:
        assert schema("api.core.v1.PodSpec")["required"] == ["containers"]
        assert "required" not in schema("api.core.v1.Pod") or "kind" not in schema("api.core.v1.Pod")["required"]

    def test_what_is_only_set_whole_is_marked(self) -> None:
        assert schema("apimachinery.pkg.apis.meta.v1.LabelSelector")["x-kubernetes-map-type"] == "atomic"
        assert schema("api.core.v1.PodSpec")["properties"]["nodeSelector"]["x-kubernetes-map-type"] == "atomic"

    def test_what_must_be_given_has_the_zero_of_its_type(self) -> None:
        assert schema("api.core.v1.ContainerPort")["properties"]["containerPort"]["default"] == 0
        assert schema("apimachinery.pkg.apis.meta.v1.ObjectMeta")["properties"]["finalizers"]["items"]["default"] == ""

    def test_kinds_are_marked(self) -> None:
        assert schema("api.apps.v1.Deployment")["x-kubernetes-group-version-kind"] == [
            {"group": "apps", "version": "v1", "kind": "Deployment"}
        ]

    @pytest.mark.parametrize(
        ("owner", "field", "expected"),
        [
            ("apimachinery.pkg.apis.meta.v1.ObjectMeta", "creationTimestamp", "apimachinery.pkg.apis.meta.v1.Time"),
            ("api.coordination.v1.LeaseSpec", "renewTime", "apimachinery.pkg.apis.meta.v1.MicroTime"),
            ("api.apps.v1.RollingUpdateDeployment", "maxSurge", "apimachinery.pkg.util.intstr.IntOrString"),
        ],
    )
    def test_scalars_of_their_own(self, owner: str, field: str, expected: str) -> None:
        assert schema(owner)["properties"][field]["allOf"] == [{"$ref": f"#/components/schemas/io.k8s.{expected}"}]

    def test_amounts_by_name(self) -> None:
        limits = schema("api.core.v1.ResourceRequirements")["properties"]["limits"]
        assert limits["additionalProperties"] == {
            "$ref": "#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity"
        }

    def test_what_is_only_stored_says_so(self) -> None:
        assert "not acted on" in schema("api.core.v1.PodSpec")["properties"]["affinity"]["description"]

    def test_every_reference_leads_somewhere(self) -> None:
        known = {f"#/components/schemas/{name}" for name in everything()["components"]["schemas"]}
        assert set(references(everything())) <= known

    def test_descriptions_are_the_comments_beside_the_fields(self) -> None:
        assert descriptions_of(PodSpec)["node_name"] == "Empty until the scheduler binds the pod."

    def test_every_field_of_every_kind_is_described(self) -> None:
        missing = [
            f"{name}.{field}"
            for name, found in group_document(RESOURCES)["components"]["schemas"].items()
            for field, declared in found.get("properties", {}).items()
            if name not in discovery_schemas("APIResourceList") and not declared.get("description", "").endswith(".")
        ]
        assert missing == []

    def test_descriptions_speak_of_fields_as_the_wire_does(self) -> None:
        texts = [str(found.get("description")) for found in everything()["components"]["schemas"].values()]
        assert [text for text in texts if "``" in text or "node_name" in text] == []

    @pytest.mark.parametrize(
        ("owner", "field", "width"),
        [
            ("api.core.v1.ContainerPort", "containerPort", "int32"),
            ("api.core.v1.PodSpec", "priority", "int32"),
            ("api.core.v1.PodSpec", "activeDeadlineSeconds", "int64"),
            ("apimachinery.pkg.apis.meta.v1.ObjectMeta", "generation", "int64"),
        ],
    )
    def test_numbers_have_the_width_of_upstream(self, owner: str, field: str, width: str) -> None:
        declared = schema(owner)["properties"][field]
        assert (declared["type"], declared["format"]) == ("integer", width)


class TestOperations:
    """What kubectl looks for before it sends anything."""

    @pytest.mark.parametrize(
        "resource", [r for r in RESOURCES if "patch" in r.verbs], ids=lambda resource: resource.plural
    )
    def test_every_kind_can_be_validated_on_the_server(self, resource: Any) -> None:
        path = resource.path("{namespace}" if resource.namespaced else "", "{name}")
        patch = paths_of(resource)[path]["patch"]
        assert {"fieldValidation", "dryRun"} <= {parameter["name"] for parameter in patch["parameters"]}
        assert "application/strategic-merge-patch+json" in patch["requestBody"]["content"]
        assert patch["x-kubernetes-group-version-kind"]["kind"] == resource.kind

    def test_scale_takes_a_scale(self) -> None:
        item = group_document(APPS)["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]
        assert item["patch"]["x-kubernetes-group-version-kind"] == {
            "group": "autoscaling",
            "version": "v1",
            "kind": "Scale",
        }

    def test_operation_ids_are_unique(self) -> None:
        ids = [
            operation["operationId"]
            for item in everything()["paths"].values()
            for method, operation in item.items()
            if method != "parameters"
        ]
        assert [name for name in ids if ids.count(name) > 1] == []

    @pytest.mark.parametrize(
        ("path", "method", "operation_id", "action"),
        [
            ("/api/v1/namespaces/{namespace}/pods", "get", "listCoreV1NamespacedPod", "list"),
            ("/api/v1/namespaces/{namespace}/pods", "post", "createCoreV1NamespacedPod", "post"),
            (
                "/api/v1/namespaces/{namespace}/pods",
                "delete",
                "deleteCoreV1CollectionNamespacedPod",
                "deletecollection",
            ),
            ("/api/v1/pods", "get", "listCoreV1PodForAllNamespaces", "list"),
            ("/api/v1/nodes/{name}", "get", "readCoreV1Node", "get"),
            ("/api/v1/nodes/{name}", "put", "replaceCoreV1Node", "put"),
            ("/api/v1/namespaces/{namespace}/pods/{name}/log", "get", "readCoreV1NamespacedPodLog", "get"),
            (
                "/api/v1/namespaces/{namespace}/pods/{name}/exec",
                "post",
                "connectCoreV1PostNamespacedPodExec",
                "connect",
            ),
            ("/api/v1/namespaces/{namespace}/pods/{name}/status", "patch", "patchCoreV1NamespacedPodStatus", "patch"),
            ("/api/v1/watch/pods", "get", "watchCoreV1PodListForAllNamespaces", "watchlist"),
            ("/api/v1/watch/namespaces/{namespace}/pods/{name}", "get", "watchCoreV1NamespacedPod", "watch"),
            (
                "/apis/rbac.authorization.k8s.io/v1/clusterroles",
                "get",
                "listRbacAuthorizationV1ClusterRole",
                "list",
            ),
            (
                "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/{name}",
                "delete",
                "deleteFlowcontrolApiserverV1FlowSchema",
                "delete",
            ),
        ],
    )
    def test_names_are_those_of_upstream(self, path: str, method: str, operation_id: str, action: str) -> None:
        operation = everything()["paths"][path][method]
        assert (operation["operationId"], operation["x-kubernetes-action"]) == (operation_id, action)

    def test_tags_are_those_of_upstream(self) -> None:
        tags = {
            tag
            for item in everything()["paths"].values()
            for op in item.values()
            if isinstance(op, dict)
            for tag in op["tags"]
        }
        assert {"core_v1", "apps_v1", "rbacAuthorization_v1", "flowcontrolApiserver_v1", "version", "apis"} <= tags


class TestDocuments:
    """Every document of the index can be built, and its hash follows from the code alone."""

    @pytest.mark.parametrize("name", document_names())
    def test_a_document_of_the_index(self, name: str) -> None:
        built = build(name)
        known = {f"#/components/schemas/{schema}" for schema in built["components"]["schemas"]}
        assert set(references(built)) <= known
        assert built["paths"]
        assert len(document_hash(name)) == 128

    def test_the_index_has_groups_and_versions(self) -> None:
        assert {"api", "api/v1", "apis", "apis/apps", "apis/apps/v1", "version"} <= set(document_names())


class TestVersion2:
    """The same facts in the older form."""

    def test_references_are_moved(self) -> None:
        document = swagger(everything())
        known = {f"#/definitions/{name}" for name in document["definitions"]}
        assert set(references(document)) <= known

    def test_a_body_is_a_parameter(self) -> None:
        patch = swagger(everything())["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
        assert patch["parameters"][-1]["in"] == "body"
        assert "application/merge-patch+json" in patch["consumes"]

    @pytest.mark.parametrize(("number", "encoded"), [(0, b"\0"), (127, b"\x7f"), (300, b"\xac\x02")])
    def test_numbers(self, number: int, encoded: bytes) -> None:
        assert varint(number) == encoded

    def test_the_protobuf_form_opens_with_the_version(self) -> None:
        assert encode_document(swagger(everything())).startswith(b"\x0a\x032.0")
