"""Roles, bindings and runtime classes: every fault with its field and upstream's text."""

from typing import Any

import pytest

from naru.api.errors import FieldError
from naru.api.meta import KubeObject
from naru.api.rbac_v1 import ClusterRole, ClusterRoleBinding, Role, RoleBinding
from naru.api.runtime_class_v1 import RuntimeClass
from naru.api.strict import decode
from naru.api.validation import validate, validate_update

NEEDED = "Required value"
GROUP = "rbac.authorization.k8s.io"


def role(*rules: Any) -> Role:
    return decode(Role, {"metadata": {"name": "system:x", "namespace": "default"}, "rules": rules})


def cluster_role(*rules: Any, **fields: Any) -> ClusterRole:
    return decode(ClusterRole, {"metadata": {"name": "system:x"}, "rules": rules, **fields})


def binding(*subjects: Any, kind: str = "Role", name: str = "r", **ref: Any) -> RoleBinding:
    fields = {"subjects": subjects, "roleRef": {"kind": kind, "name": name, **ref}}
    return decode(RoleBinding, {"metadata": {"name": "b", "namespace": "default"}, **fields})


def cluster_binding(*subjects: Any, kind: str = "ClusterRole") -> ClusterRoleBinding:
    fields = {"subjects": subjects, "roleRef": {"kind": kind, "name": "r"}}
    return decode(ClusterRoleBinding, {"metadata": {"name": "b"}, **fields})


def runtime_class(**fields: Any) -> RuntimeClass:
    return decode(RuntimeClass, {"metadata": {"name": "x"}, "handler": "runc", **fields})


def texts(errors: list[FieldError]) -> list[str]:
    return [str(error) for error in errors]


READ = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
TOLERATION = {"key": "a", "operator": "Exists"}


def test_groups_are_filled_in() -> None:
    made = binding({"kind": "User", "name": "ann"}, {"kind": "ServiceAccount", "name": "bob", "namespace": "n"})
    assert made.role_ref.api_group == GROUP
    assert [subject.api_group for subject in made.subjects] == [GROUP, ""]


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (role(READ), []),
        (role(), []),
        (
            role({}),
            [
                f"rules[0].verbs: {NEEDED}: verbs must contain at least one value",
                f"rules[0].apiGroups: {NEEDED}: resource rules must supply at least one api group",
                f"rules[0].resources: {NEEDED}: resource rules must supply at least one resource",
            ],
        ),
        (
            role({"verbs": ["get"], "nonResourceURLs": ["/x"]}),
            ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs'],
        ),
        (cluster_role({"verbs": ["get"], "nonResourceURLs": ["/x"]}), []),
        (
            cluster_role({**READ, "nonResourceURLs": ["/x"]}),
            [
                'rules[0].nonResourceURLs: Invalid value: ["/x"]: '
                "rules cannot apply to both regular resources and non-resource URLs"
            ],
        ),
        (
            cluster_role(aggregationRule={}),
            [
                f"aggregationRule.clusterRoleSelectors: {NEEDED}: "
                "at least one clusterRoleSelector required if aggregationRule is non-nil"
            ],
        ),
        (binding({"kind": "User", "name": "ann"}), []),
        (
            binding({"kind": "Robot", "name": "r"}, kind="Job", name="", apiGroup="x"),
            [
                f'roleRef.apiGroup: Unsupported value: "x": supported values: "{GROUP}"',
                'roleRef.kind: Unsupported value: "Job": supported values: "Role", "ClusterRole"',
                f"roleRef.name: {NEEDED}",
                'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
            ],
        ),
        (
            cluster_binding({"kind": "ServiceAccount", "name": "", "apiGroup": "x"}, kind="Role"),
            [
                'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
                f"subjects[0].name: {NEEDED}",
                'subjects[0].apiGroup: Unsupported value: "x": supported values: ""',
                f"subjects[0].namespace: {NEEDED}",
            ],
        ),
        (binding(name="a/b"), ["roleRef.name: Invalid value: \"a/b\": may not contain '/'"]),
        (runtime_class(overhead={"podFixed": {"cpu": "10m"}}), []),
        (
            runtime_class(scheduling={"tolerations": [TOLERATION, TOLERATION]}),
            [
                'scheduling.tolerations[1]: Duplicate value: {"Key":"a","Operator":"Exists","Value":"","Effect":"",'
                '"TolerationSeconds":null}'
            ],
        ),
    ],
)
def test_what_is_wrong(obj: KubeObject, expected: list[str]) -> None:
    assert texts(validate(obj)) == expected


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (role(READ), role(), []),
        (binding({"kind": "User", "name": "ann"}), binding(), []),
        (
            binding(name="other"),
            binding(),
            [f'roleRef: Invalid value: {{"APIGroup":"{GROUP}","Kind":"Role","Name":"other"}}: cannot change roleRef'],
        ),
        (runtime_class(handler="kata"), runtime_class(), ['handler: Invalid value: "kata": field is immutable']),
    ],
)
def test_what_may_change(new: KubeObject, old: KubeObject, expected: list[str]) -> None:
    assert texts(validate_update(new, old)) == expected
