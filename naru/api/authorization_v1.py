"""Questions about what somebody may do.

Source: Kubernetes API reference, authorization.k8s.io/v1.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.meta import FieldSelectorRequirement, KubeObject, LabelSelectorRequirement
from naru.api.model import REQUIRED, Model


class FieldSelectorAttributes(Model):
    """The field selector of the request in question."""

    raw_selector: str = ""  # as the query of a URL has it; for those who ask from outside
    requirements: tuple[FieldSelectorRequirement, ...] = ()  # line by line; all must hold


class LabelSelectorAttributes(Model):
    """The label selector of the request in question."""

    raw_selector: str = ""  # as the query of a URL has it; for those who ask from outside
    requirements: tuple[LabelSelectorRequirement, ...] = ()  # line by line; all must hold


class ResourceAttributes(Model):
    """A request about a resource."""

    namespace: str = ""  # namespace of the request; empty: all, or none for kinds that have none
    verb: str = ""  # get, list, watch, create, update, patch, delete, deletecollection, proxy; * is every one
    group: str = ""  # group of the resource; * is every one
    version: str = ""  # version of the resource; * is every one
    resource: str = ""  # the resource, such as pods; * is every one
    subresource: str = ""  # the subresource, such as log
    name: str = ""  # name of the object; empty: all
    field_selector: FieldSelectorAttributes | None = None  # which objects, by their fields
    label_selector: LabelSelectorAttributes | None = None  # which objects, by their labels


class NonResourceAttributes(Model):
    """A request for a path."""

    path: str = ""  # path of the URL
    verb: str = ""  # method of HTTP, in lower case


class SubjectAccessReviewSpec(Model):
    """The request in question, and who sends it."""

    resource_attributes: ResourceAttributes | None = None  # a request about a resource
    # a request for a path, in place of one about a resource
    non_resource_attributes: NonResourceAttributes | None = None
    user: str = ""  # who sends it
    groups: tuple[str, ...] = ()  # groups of the sender
    extra: dict[str, tuple[str, ...]] = {}  # what else is known of the sender
    uid: str = ""  # uid of the sender


class SubjectAccessReviewStatus(Model):
    """The answer."""

    protobuf: ClassVar[str] = "1 4 2 3"

    allowed: Annotated[bool, REQUIRED] = False  # true: the request would pass
    denied: bool = False  # true: it would be refused, whatever others say; false, with allowed: nobody has an opinion
    reason: str = ""  # why
    evaluation_error: str = ""  # what went wrong while it was decided; it may be decided all the same


class SubjectAccessReview(KubeObject):
    """Asks whether somebody may do something."""

    kind: str = "SubjectAccessReview"
    api_version: str = "authorization.k8s.io/v1"
    # the request in question
    spec: Annotated[SubjectAccessReviewSpec, REQUIRED] = Field(default_factory=SubjectAccessReviewSpec)
    status: SubjectAccessReviewStatus = Field(default_factory=SubjectAccessReviewStatus)  # the answer


class SelfSubjectAccessReviewSpec(Model):
    """The request in question, sent by the asker."""

    resource_attributes: ResourceAttributes | None = None  # a request about a resource
    # a request for a path, in place of one about a resource
    non_resource_attributes: NonResourceAttributes | None = None


class SelfSubjectAccessReview(KubeObject):
    """Asks whether the asker may do something."""

    kind: str = "SelfSubjectAccessReview"
    api_version: str = "authorization.k8s.io/v1"
    # the request in question
    spec: Annotated[SelfSubjectAccessReviewSpec, REQUIRED] = Field(default_factory=SelfSubjectAccessReviewSpec)
    status: SubjectAccessReviewStatus = Field(default_factory=SubjectAccessReviewStatus)  # the answer


class LocalSubjectAccessReview(KubeObject):
    """Asks whether somebody may do something in one namespace."""

    kind: str = "LocalSubjectAccessReview"
    api_version: str = "authorization.k8s.io/v1"
    # the request in question; it is about the review's own namespace
    spec: Annotated[SubjectAccessReviewSpec, REQUIRED] = Field(default_factory=SubjectAccessReviewSpec)
    status: SubjectAccessReviewStatus = Field(default_factory=SubjectAccessReviewStatus)  # the answer


class SelfSubjectRulesReviewSpec(Model):
    """Where the rights are asked for."""

    namespace: str = ""  # the namespace


class ResourceRule(Model):
    """What may be done to resources."""

    verbs: Annotated[tuple[str, ...], REQUIRED] = ()  # what may be done; * is everything
    api_groups: tuple[str, ...] = ()  # groups of the resources; * are all
    resources: tuple[str, ...] = ()  # the resources; * are all, */scale is that subresource of all
    resource_names: tuple[str, ...] = ()  # only these objects; empty: all


class NonResourceRule(Model):
    """What may be done to paths."""

    verbs: Annotated[tuple[str, ...], REQUIRED] = ()  # what may be done; * is everything
    non_resource_urls: tuple[str, ...] = ()  # the paths; * at the end of one, or alone, stands for anything


class SubjectRulesReviewStatus(Model):
    """The rights, in no particular order."""

    resource_rules: Annotated[tuple[ResourceRule, ...], REQUIRED] = ()  # what may be done to resources
    non_resource_rules: Annotated[tuple[NonResourceRule, ...], REQUIRED] = ()  # what may be done to paths
    incomplete: Annotated[bool, REQUIRED] = False  # true: there may be more rights that could not be listed
    evaluation_error: str = ""  # what went wrong while they were listed


class SelfSubjectRulesReview(KubeObject):
    """Asks for all that the asker may do in a namespace; for menus, not for decisions."""

    kind: str = "SelfSubjectRulesReview"
    api_version: str = "authorization.k8s.io/v1"
    spec: Annotated[SelfSubjectRulesReviewSpec, REQUIRED] = Field(default_factory=SelfSubjectRulesReviewSpec)  # where
    status: SubjectRulesReviewStatus = Field(default_factory=SubjectRulesReviewStatus)  # the rights
