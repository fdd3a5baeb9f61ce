"""What requests carry beside an object, and the answer that is no object: DeleteOptions and Status.

Source: Kubernetes API reference, meta/v1.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from naru.api.meta import ListMeta
from naru.api.model import ALWAYS, Int32, Model


class Propagation(StrEnum):
    """What a deletion means for the objects that the deleted one owns."""

    BACKGROUND = "Background"  # the owner goes first, the garbage collector takes them afterwards
    FOREGROUND = "Foreground"  # the owner waits, with a finalizer, until they are gone
    ORPHAN = "Orphan"  # they stay, and lose the reference


class Preconditions(Model):
    """What must be true of the object, or the request fails with a conflict."""

    uid: str | None = None  # the object must have this uid: a namesake made since is spared
    resource_version: str | None = None  # the object must not have changed since this revision


class DeleteOptions(Model):
    """How to delete; the body of a DELETE, or its query."""

    kind: str = "DeleteOptions"  # always DeleteOptions
    api_version: str = "v1"  # always v1
    grace_period_seconds: int | None = None  # how long a pod may take to end; 0: at once; unset: as the pod says
    preconditions: Preconditions | None = None  # delete only if this holds
    orphan_dependents: bool | None = None  # the older form of propagationPolicy
    propagation_policy: str | None = None  # what becomes of what the object owns: Background, Foreground or Orphan
    dry_run: tuple[str, ...] = ()  # All: do everything but the deleting
    # deletes even what cannot be read; naru ignores it
    ignore_store_read_error_with_cluster_breaking_potential: bool | None = None


class StatusCause(Model):
    """One of several reasons, with the field that it is about."""

    reason: str = ""  # what is wrong, in one CamelCase word for programs, such as FieldValueInvalid
    message: str = ""  # what is wrong, in a sentence for people
    field: str = ""  # path of the field, such as spec.containers[0].name


class StatusDetails(Model):
    """The object a Status speaks of, and what a program may want to know."""

    name: str = ""  # name of the object
    group: str = ""  # API group of the object
    kind: str = ""  # kind of the object, or the plural name of its resource
    uid: str = ""  # uid of the object
    causes: tuple[StatusCause, ...] = ()  # each single fault
    retry_after_seconds: Int32 = 0  # when to ask again; 0: nothing is said about it


class Status(Model):
    """The answer of a request that returns no object: a failure, or the success of a deletion."""

    kind: str = "Status"  # always Status
    api_version: str = "v1"  # always v1
    metadata: Annotated[ListMeta, ALWAYS] = Field(default_factory=ListMeta)  # empty
    status: str = ""  # Success or Failure
    message: str = ""  # what happened, in a sentence for people
    reason: str = ""  # why it failed, in one CamelCase word for programs, such as NotFound
    details: StatusDetails | None = None  # the object, and the faults one by one
    code: Int32 = 0  # the HTTP status code
