"""Namespace: a scope for names, emptied by the namespace controller before it goes.

Source: Kubernetes API reference, core/v1.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from naru.api.meta import KubeObject
from naru.api.model import ListMapKeys, MergeKey, Model, OptionalTime


class NamespaceSpec(Model):
    """Who must let go of a namespace before it is deleted."""

    # the namespace stays until this is empty; kubernetes is the namespace controller's
    finalizers: tuple[str, ...] = ()


class NamespaceCondition(Model):
    """How far the deletion of a namespace got."""

    protobuf: ClassVar[str] = "1 2 4-6"

    type: str  # what may hold the deletion up, such as NamespaceContentRemaining
    status: str  # True, False or Unknown
    last_transition_time: OptionalTime = None  # when status last changed
    reason: str = ""  # why, in one CamelCase word for programs
    message: str = ""  # why, in a sentence for people


class NamespaceStatus(Model):
    """Active, or Terminating."""

    phase: str = "Active"  # Active; or Terminating: being emptied, and nothing new may be created in it
    # what the deletion waits for
    conditions: Annotated[tuple[NamespaceCondition, ...], MergeKey("type"), ListMapKeys(("type",))] = ()


class Namespace(KubeObject):
    """A scope for names."""

    kind: str = "Namespace"
    api_version: str = "v1"
    spec: NamespaceSpec = Field(default_factory=NamespaceSpec)  # what keeps the namespace from going
    # written by the server and the namespace controller
    status: NamespaceStatus = Field(default_factory=NamespaceStatus)
