"""Roles, and who holds them.

Source: Kubernetes API reference, rbac.authorization.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from naru.api.meta import KubeObject, LabelSelector
from naru.api.model import ALWAYS, REQUIRED, Model


class PolicyRule(Model):
    """TODO."""

    verbs: Annotated[tuple[str, ...], REQUIRED] = ()
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = ()


class Subject(Model):
    """TODO."""

    atomic: ClassVar[bool] = True

    kind: Annotated[str, REQUIRED] = ""
    api_group: str = ""
    name: Annotated[str, REQUIRED] = ""
    namespace: str = ""


class RoleRef(Model):
    """TODO."""

    atomic: ClassVar[bool] = True

    api_group: Annotated[str, ALWAYS] = ""
    kind: Annotated[str, REQUIRED] = ""
    name: Annotated[str, REQUIRED] = ""


class Role(KubeObject):
    """TODO."""

    kind: str = "Role"
    api_version: str = "rbac.authorization.k8s.io/v1"
    rules: Annotated[tuple[PolicyRule, ...], ALWAYS] = ()


class RoleBinding(KubeObject):
    """TODO."""

    kind: str = "RoleBinding"
    api_version: str = "rbac.authorization.k8s.io/v1"
    subjects: tuple[Subject, ...] = ()
    role_ref: Annotated[RoleRef, REQUIRED] = RoleRef()


class AggregationRule(Model):
    """TODO."""

    cluster_role_selectors: tuple[LabelSelector, ...] = ()


class ClusterRole(KubeObject):
    """TODO."""

    kind: str = "ClusterRole"
    api_version: str = "rbac.authorization.k8s.io/v1"
    rules: Annotated[tuple[PolicyRule, ...], ALWAYS] = ()
    aggregation_rule: AggregationRule | None = None


class ClusterRoleBinding(KubeObject):
    """TODO."""

    kind: str = "ClusterRoleBinding"
    api_version: str = "rbac.authorization.k8s.io/v1"
    subjects: tuple[Subject, ...] = ()
    role_ref: Annotated[RoleRef, REQUIRED] = RoleRef()
