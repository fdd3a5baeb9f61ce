"""LimitRange and ResourceQuota: what one object, and what a whole namespace, may ask for.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

from naru.api.meta import KubeObject
from naru.api.model import REQUIRED, Model
from naru.api.quantity import Quantity


class LimitRangeItem(Model):
    """Bounds for one sort of thing in a namespace, by resource."""

    type: Annotated[str, REQUIRED] = ""  # what it bounds: Pod, Container or PersistentVolumeClaim
    max: dict[str, Quantity] = {}  # the most that one of them may ask for
    min: dict[str, Quantity] = {}  # the least that one of them must ask for
    default: dict[str, Quantity] = {}  # limit of a container that names none
    default_request: dict[str, Quantity] = {}  # request of a container that names none
    max_limit_request_ratio: dict[str, Quantity] = {}  # how many times its request a limit may be


class LimitRangeSpec(Model):
    """Bounds for what objects of a namespace may ask for."""

    limits: Annotated[tuple[LimitRangeItem, ...], REQUIRED] = ()  # the bounds, one entry for each sort of thing


class LimitRange(KubeObject):
    """Bounds, and defaults, for what single pods, containers and claims of a namespace ask for."""

    kind: str = "LimitRange"
    api_version: str = "v1"
    spec: LimitRangeSpec = LimitRangeSpec()  # the bounds


class ScopedResourceSelectorRequirement(Model):
    """One condition on the pods that a quota counts."""

    scope_name: Annotated[str, REQUIRED] = ""  # what is looked at, such as PriorityClass
    operator: Annotated[str, REQUIRED] = ""  # In, NotIn, Exists or DoesNotExist
    values: tuple[str, ...] = ()  # for In and NotIn at least one; for the others none


class ScopeSelector(Model):
    """Conditions on the pods that a quota counts; all of them must hold."""

    atomic: ClassVar[bool] = True

    match_expressions: tuple[ScopedResourceSelectorRequirement, ...] = ()  # the conditions


class ResourceQuotaSpec(Model):
    """How much a namespace may have."""

    hard: dict[str, Quantity] = {}  # the most of each resource, such as pods or requests.cpu
    # count only pods of this sort, such as BestEffort or Terminating; all must fit; it never changes
    scopes: tuple[str, ...] = ()
    scope_selector: ScopeSelector | None = None  # count only pods that fit these conditions


class ResourceQuotaStatus(Model):
    """How much a namespace may have, and has."""

    hard: dict[str, Quantity] = {}  # the bounds that are enforced
    used: dict[str, Quantity] = {}  # how much there is of each


class ResourceQuota(KubeObject):
    """The most that all objects of a namespace together may ask for."""

    kind: str = "ResourceQuota"
    api_version: str = "v1"
    spec: ResourceQuotaSpec = ResourceQuotaSpec()  # how much the namespace may have
    status: ResourceQuotaStatus = ResourceQuotaStatus()  # how much it has
