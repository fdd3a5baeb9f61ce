"""Defaults of bindings: which group a role, a user or a group of users belongs to."""

from typing import Final, TypeVar

from naru.api.rbac_v1 import ClusterRoleBinding, RoleBinding, Subject

B = TypeVar("B", RoleBinding, ClusterRoleBinding)

GROUP: Final = "rbac.authorization.k8s.io"


def default_binding(binding: B) -> B:
    """Fill in the groups."""
    role = binding.role_ref.model_copy(update={"api_group": binding.role_ref.api_group or GROUP})
    return binding.model_copy(update={"role_ref": role, "subjects": tuple(map(_default_subject, binding.subjects))})


def _default_subject(subject: Subject) -> Subject:
    if subject.api_group or subject.kind not in ("User", "Group"):
        return subject
    return subject.model_copy(update={"api_group": GROUP})


DEFAULTS: Final = {ClusterRoleBinding: default_binding, RoleBinding: default_binding}
