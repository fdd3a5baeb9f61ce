"""Roles and bindings; both are made by a PUT, too."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, TypeVar

from apiserver.registry.columns import AGE, CREATED_AT, NAME, Column, created_at
from apiserver.registry.strategy import Strategy
from naru.api.durations import human_age
from naru.api.rbac_v1 import ClusterRole, ClusterRoleBinding, Role, RoleBinding, Subject

R = TypeVar("R", Role, ClusterRole)
B = TypeVar("B", RoleBinding, ClusterRoleBinding)


class RoleStrategy(Strategy[R]):
    """The rules of roles."""

    allows_create_on_update = True
    columns: ClassVar[tuple[Column, ...]] = (NAME, CREATED_AT)

    def row(self, obj: R, now: datetime) -> list[Any]:
        """Show since when it has been there."""
        return [obj.metadata.name, created_at(obj)]


class BindingStrategy(Strategy[B]):
    """The rules of bindings."""

    allows_create_on_update = True
    columns: ClassVar[tuple[Column, ...]] = (
        NAME,
        Column("Role", "The role that is held."),
        AGE,
        Column("Users", "The users who hold it.", wide=True),
        Column("Groups", "The groups that hold it.", wide=True),
        Column("ServiceAccounts", "The service accounts that hold it.", wide=True),
    )

    def row(self, obj: B, now: datetime) -> list[Any]:
        """Show who holds what."""
        return [
            obj.metadata.name,
            f"{obj.role_ref.kind}/{obj.role_ref.name}",
            human_age(obj.metadata.creation_timestamp, now),
            ", ".join(_names(obj.subjects, "User")),
            ", ".join(_names(obj.subjects, "Group")),
            ", ".join(_names(obj.subjects, "ServiceAccount")),
        ]


def _names(subjects: Sequence[Subject], kind: str) -> list[str]:
    return [f"{s.namespace}/{s.name}" if kind == "ServiceAccount" else s.name for s in subjects if s.kind == kind]


STRATEGIES: Final = {
    "clusterrolebindings.rbac.authorization.k8s.io": BindingStrategy[ClusterRoleBinding](),
    "clusterroles.rbac.authorization.k8s.io": RoleStrategy[ClusterRole](),
    "rolebindings.rbac.authorization.k8s.io": BindingStrategy[RoleBinding](),
    "roles.rbac.authorization.k8s.io": RoleStrategy[Role](),
}
