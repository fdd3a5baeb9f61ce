"""Roles, and who holds them.

Source: Kubernetes API reference, rbac.authorization.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.meta import KubeObject, LabelSelector
from naru.api.model import ALWAYS, NULL_WHEN_EMPTY, REQUIRED, Model


class PolicyRule(Model):
    """What may be done, to what; for resources or for paths, not for both."""

    verbs: Annotated[tuple[str, ...], REQUIRED] = ()  # what may be done, such as get, list or create; * is everything
    api_groups: tuple[str, ...] = ()  # groups of the resources; "" is the core group, * are all
    resources: tuple[str, ...] = ()  # resources, such as pods or pods/log; * are all
    resource_names: tuple[str, ...] = ()  # only these objects; empty: all
    non_resource_urls: tuple[str, ...] = ()  # paths, such as /healthz or /logs/*; * are all; in a ClusterRole only


class Subject(Model):
    """Who holds a role."""

    atomic: ClassVar[bool] = True

    kind: Annotated[str, REQUIRED] = ""  # User, Group or ServiceAccount
    api_group: str = ""  # rbac.authorization.k8s.io for users and groups, empty for service accounts
    name: Annotated[str, REQUIRED] = ""  # name of the user, the group or the account
    namespace: str = ""  # namespace of the account; users and groups have none


class RoleRef(Model):
    """The role that a binding gives."""

    atomic: ClassVar[bool] = True

    api_group: Annotated[str, ALWAYS] = ""  # group of the role: rbac.authorization.k8s.io
    kind: Annotated[str, REQUIRED] = ""  # Role or ClusterRole
    name: Annotated[str, REQUIRED] = ""  # name of the role


class Role(KubeObject):
    """A set of rights in one namespace."""

    kind: str = "Role"
    api_version: str = "rbac.authorization.k8s.io/v1"
    rules: Annotated[tuple[PolicyRule, ...], ALWAYS, NULL_WHEN_EMPTY] = ()  # the rights


class RoleBinding(KubeObject):
    """Who has a role, within the binding's namespace."""

    kind: str = "RoleBinding"
    api_version: str = "rbac.authorization.k8s.io/v1"
    subjects: tuple[Subject, ...] = ()  # who has it
    # a Role of the namespace, or a ClusterRole; it can never change
    role_ref: Annotated[RoleRef, REQUIRED] = Field(default_factory=RoleRef)


class AggregationRule(Model):
    """Which roles a role is put together from."""

    cluster_role_selectors: tuple[LabelSelector, ...] = ()  # labels of those roles; one of the selectors must match


class ClusterRole(KubeObject):
    """A set of rights in the whole cluster, or to be given by namespace."""

    kind: str = "ClusterRole"
    api_version: str = "rbac.authorization.k8s.io/v1"
    rules: Annotated[tuple[PolicyRule, ...], ALWAYS, NULL_WHEN_EMPTY] = ()  # the rights
    # which roles it is put together from; its own rules are then overwritten
    aggregation_rule: AggregationRule | None = None


class ClusterRoleBinding(KubeObject):
    """Who has a ClusterRole, in the whole cluster."""

    kind: str = "ClusterRoleBinding"
    api_version: str = "rbac.authorization.k8s.io/v1"
    subjects: tuple[Subject, ...] = ()  # who has it
    role_ref: Annotated[RoleRef, REQUIRED] = Field(default_factory=RoleRef)  # the ClusterRole; it can never change
