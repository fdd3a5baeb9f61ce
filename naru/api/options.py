"""What requests carry beside an object, and the answer that is no object: DeleteOptions and Status.

Source: Kubernetes API reference, meta/v1.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from naru.api.meta import ListMeta
from naru.api.model import ALWAYS, Model


class Propagation(StrEnum):
    """What a deletion means for the objects that the deleted one owns."""

    BACKGROUND = "Background"  # the owner goes first, the garbage collector takes them afterwards
    FOREGROUND = "Foreground"  # the owner waits, with a finalizer, until they are gone
    ORPHAN = "Orphan"  # they stay, and lose the reference


class Preconditions(Model):
    """What must be true of the object, or the request fails with a conflict."""

    uid: str | None = None
    resource_version: str | None = None


class DeleteOptions(Model):
    """How to delete; the body of a DELETE, or its query."""

    kind: str = "DeleteOptions"
    api_version: str = "v1"
    grace_period_seconds: int | None = None
    preconditions: Preconditions | None = None
    orphan_dependents: bool | None = None  # the older form of propagation_policy
    propagation_policy: str | None = None
    dry_run: tuple[str, ...] = ()
    ignore_store_read_error_with_cluster_breaking_potential: bool | None = None


class StatusCause(Model):
    """One of several reasons, with the field that it is about."""

    reason: str = ""
    message: str = ""
    field: str = ""


class StatusDetails(Model):
    """The object a Status speaks of, and what a program may want to know."""

    name: str = ""
    group: str = ""
    kind: str = ""
    uid: str = ""
    causes: tuple[StatusCause, ...] = ()
    retry_after_seconds: int = 0


class Status(Model):
    """The answer of a request that returns no object: a failure, or the success of a deletion."""

    kind: str = "Status"
    api_version: str = "v1"
    metadata: Annotated[ListMeta, ALWAYS] = Field(default_factory=ListMeta)
    status: str = ""
    message: str = ""
    reason: str = ""
    details: StatusDetails | None = None
    code: int = 0
