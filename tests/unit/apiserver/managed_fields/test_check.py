"""What does not fit the types, in upstream's words; and what an object is before anything is set."""

from typing import Any

import pytest

from apiserver.managed_fields.check import DoesNotFit, check
from apiserver.managed_fields.types import type_of, zero_document
from naru.api.apps_v1 import Deployment
from naru.api.core_v1 import ConfigMap, Pod


def pod(**container: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", **container}]}}


CONTAINER = '.spec.containers[name="c"]'


class TestCheck:
    """A configuration has to fit its kind before it is merged."""

    @pytest.mark.parametrize(
        ("document", "problem"),
        [
            (pod(color=1), f"{CONTAINER}.color: field not declared in schema"),
            (pod(image=1), f"{CONTAINER}.image: expected string, got &value.valueUnstructured{{Value:1}}"),
            (pod(stdin="x"), f"{CONTAINER}.stdin: expected boolean, got &{{x}}"),
            (
                pod(livenessProbe={"periodSeconds": "x"}),
                f"{CONTAINER}.livenessProbe.periodSeconds: expected numeric (int or float), got string",
            ),
            (pod(ports={"a": 1}), f"{CONTAINER}.ports: expected list, got &{{map[a:1]}}"),
            (pod(resources=[]), f"{CONTAINER}.resources: expected map, got &{{[]}}"),
            (
                pod(env=[{"name": "A"}, {"name": "A"}]),
                f'{CONTAINER}.env: duplicate entries for key [name="A"]',
            ),
            (
                {"spec": {"tolerations": [{"key": 1}]}},
                ".spec.tolerations[0].key: expected string, got &value.valueUnstructured{Value:1}",
            ),
            (
                {"spec": {"containers": [None]}},
                ".spec.containers: element 0: associative list with keys may not have a null element",
            ),
        ],
    )
    def test_misfits(self, document: dict[str, Any], problem: str) -> None:
        with pytest.raises(DoesNotFit) as error:
            check(type_of(Pod), document)
        assert str(error.value) == problem

    def test_several_are_listed(self) -> None:
        with pytest.raises(DoesNotFit) as error:
            check(type_of(Pod), {"metadata": {"name": 1}, "kind": 2})
        assert str(error.value) == (
            "errors:\n  .metadata.name: expected string, got &value.valueUnstructured{Value:1}\n"
            "  .kind: expected string, got &value.valueUnstructured{Value:2}"
        )

    @pytest.mark.parametrize(
        "document",
        [
            pytest.param(pod(resources={"limits": {"cpu": 1, "memory": "1Gi"}}), id="quantities are texts or numbers"),
            pytest.param(pod(readinessProbe={"httpGet": {"port": "http"}}), id="ports are texts or numbers"),
            pytest.param({"metadata": {"creationTimestamp": None}}, id="null fits everywhere"),
        ],
    )
    def test_what_fits(self, document: dict[str, Any]) -> None:
        check(type_of(Pod), document)


class TestZero:
    """What every object of a kind has from the start belongs to nobody."""

    def test_structs_are_there_and_pointers_are_not(self) -> None:
        zero = zero_document(Deployment)
        assert zero["spec"]["strategy"] == {}
        assert zero["spec"]["template"]["spec"] == {"containers": None}
        assert "replicas" not in zero["spec"]
        assert "data" not in zero_document(ConfigMap)


class TestTypes:
    """The declarations, as ownership reads them."""

    def test_atomic_and_granular_objects(self) -> None:
        spec = type_of(Deployment).fields["spec"]
        assert spec.fields["selector"].atomic
        assert not spec.fields["template"].atomic
        pod_spec = spec.fields["template"].fields["spec"]
        assert pod_spec.fields["nodeSelector"].atomic
        assert pod_spec.fields["imagePullSecrets"].keys == ("name",)
        assert pod_spec.fields["tolerations"].keys is None

    def test_keys_with_defaults(self) -> None:
        containers = type_of(Pod).fields["spec"].fields["containers"]
        assert containers.items is not None
        ports = containers.items.fields["ports"]
        assert ports.element({"containerPort": 80}) == 'k:{"containerPort":80,"protocol":"TCP"}'
