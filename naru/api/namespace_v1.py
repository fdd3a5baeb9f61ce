"""Namespace: a scope for names, emptied by the namespace controller before it goes.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated

from pydantic import Field

from naru.api.meta import KubeObject
from naru.api.model import ListMapKeys, MergeKey, Model, OptionalTime


class NamespaceSpec(Model):
    """Who must let go of a namespace before it is deleted."""

    finalizers: tuple[str, ...] = ()


class NamespaceCondition(Model):
    """How far the deletion of a namespace got."""

    type: str
    status: str
    last_transition_time: OptionalTime = None
    reason: str = ""
    message: str = ""


class NamespaceStatus(Model):
    """Active, or Terminating."""

    phase: str = "Active"
    conditions: Annotated[tuple[NamespaceCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class Namespace(KubeObject):
    """A scope for names."""

    kind: str = "Namespace"
    api_version: str = "v1"
    spec: NamespaceSpec = Field(default_factory=NamespaceSpec)
    status: NamespaceStatus = Field(default_factory=NamespaceStatus)
