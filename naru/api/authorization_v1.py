"""Questions about what somebody may do.

Source: Kubernetes API reference, authorization.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from naru.api.meta import FieldSelectorRequirement, KubeObject, LabelSelectorRequirement
from naru.api.model import REQUIRED, Model


class FieldSelectorAttributes(Model):
    """TODO."""

    raw_selector: str = ""
    requirements: tuple[FieldSelectorRequirement, ...] = ()


class LabelSelectorAttributes(Model):
    """TODO."""

    raw_selector: str = ""
    requirements: tuple[LabelSelectorRequirement, ...] = ()


class ResourceAttributes(Model):
    """TODO."""

    namespace: str = ""
    verb: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    field_selector: FieldSelectorAttributes | None = None
    label_selector: LabelSelectorAttributes | None = None


class NonResourceAttributes(Model):
    """TODO."""

    path: str = ""
    verb: str = ""


class SubjectAccessReviewSpec(Model):
    """TODO."""

    resource_attributes: ResourceAttributes | None = None
    non_resource_attributes: NonResourceAttributes | None = None
    user: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, tuple[str, ...]] = {}
    uid: str = ""


class SubjectAccessReviewStatus(Model):
    """TODO."""

    protobuf: ClassVar[str] = "1 4 2 3"

    allowed: Annotated[bool, REQUIRED] = False
    denied: bool = False
    reason: str = ""
    evaluation_error: str = ""


class SubjectAccessReview(KubeObject):
    """TODO."""

    kind: str = "SubjectAccessReview"
    api_version: str = "authorization.k8s.io/v1"
    spec: Annotated[SubjectAccessReviewSpec, REQUIRED] = SubjectAccessReviewSpec()
    status: SubjectAccessReviewStatus = SubjectAccessReviewStatus()


class SelfSubjectAccessReviewSpec(Model):
    """TODO."""

    resource_attributes: ResourceAttributes | None = None
    non_resource_attributes: NonResourceAttributes | None = None


class SelfSubjectAccessReview(KubeObject):
    """TODO."""

    kind: str = "SelfSubjectAccessReview"
    api_version: str = "authorization.k8s.io/v1"
    spec: Annotated[SelfSubjectAccessReviewSpec, REQUIRED] = SelfSubjectAccessReviewSpec()
    status: SubjectAccessReviewStatus = SubjectAccessReviewStatus()


class LocalSubjectAccessReview(KubeObject):
    """TODO."""

    kind: str = "LocalSubjectAccessReview"
    api_version: str = "authorization.k8s.io/v1"
    spec: Annotated[SubjectAccessReviewSpec, REQUIRED] = SubjectAccessReviewSpec()
    status: SubjectAccessReviewStatus = SubjectAccessReviewStatus()


class SelfSubjectRulesReviewSpec(Model):
    """TODO."""

    namespace: str = ""


class ResourceRule(Model):
    """TODO."""

    verbs: Annotated[tuple[str, ...], REQUIRED] = ()
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()


class NonResourceRule(Model):
    """TODO."""

    verbs: Annotated[tuple[str, ...], REQUIRED] = ()
    non_resource_urls: tuple[str, ...] = ()


class SubjectRulesReviewStatus(Model):
    """TODO."""

    resource_rules: Annotated[tuple[ResourceRule, ...], REQUIRED] = ()
    non_resource_rules: Annotated[tuple[NonResourceRule, ...], REQUIRED] = ()
    incomplete: Annotated[bool, REQUIRED] = False
    evaluation_error: str = ""


class SelfSubjectRulesReview(KubeObject):
    """TODO."""

    kind: str = "SelfSubjectRulesReview"
    api_version: str = "authorization.k8s.io/v1"
    spec: Annotated[SelfSubjectRulesReviewSpec, REQUIRED] = SelfSubjectRulesReviewSpec()
    status: SubjectRulesReviewStatus = SubjectRulesReviewStatus()
