"""LimitRange and ResourceQuota: what one object, and what a whole namespace, may ask for.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

from naru.api.meta import KubeObject
from naru.api.model import REQUIRED, Model
from naru.api.quantity import Quantity


class LimitRangeItem(Model):
    """TODO."""

    type: Annotated[str, REQUIRED] = ""
    max: dict[str, Quantity] = {}
    min: dict[str, Quantity] = {}
    default: dict[str, Quantity] = {}
    default_request: dict[str, Quantity] = {}
    max_limit_request_ratio: dict[str, Quantity] = {}


class LimitRangeSpec(Model):
    """TODO."""

    limits: Annotated[tuple[LimitRangeItem, ...], REQUIRED] = ()


class LimitRange(KubeObject):
    """TODO."""

    kind: str = "LimitRange"
    api_version: str = "v1"
    spec: LimitRangeSpec = LimitRangeSpec()


class ScopedResourceSelectorRequirement(Model):
    """TODO."""

    scope_name: Annotated[str, REQUIRED] = ""
    operator: Annotated[str, REQUIRED] = ""
    values: tuple[str, ...] = ()


class ScopeSelector(Model):
    """TODO."""

    atomic: ClassVar[bool] = True

    match_expressions: tuple[ScopedResourceSelectorRequirement, ...] = ()


class ResourceQuotaSpec(Model):
    """TODO."""

    hard: dict[str, Quantity] = {}
    scopes: tuple[str, ...] = ()
    scope_selector: ScopeSelector | None = None


class ResourceQuotaStatus(Model):
    """TODO."""

    hard: dict[str, Quantity] = {}
    used: dict[str, Quantity] = {}


class ResourceQuota(KubeObject):
    """TODO."""

    kind: str = "ResourceQuota"
    api_version: str = "v1"
    spec: ResourceQuotaSpec = ResourceQuotaSpec()
    status: ResourceQuotaStatus = ResourceQuotaStatus()
