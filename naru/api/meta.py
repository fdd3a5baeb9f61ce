"""ObjectMeta and its companions: what every object carries, whatever its kind.

Source: Kubernetes API reference, meta/v1.
"""

from typing import Annotated, Any

from naru.api.model import ALWAYS, ListMapKeys, MergeKey, Model, OptionalTime, Time


class OwnerReference(Model):
    """The object that this one belongs to: when the owner goes, the garbage collector takes this one too."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None  # at most one owner of an object is its managing controller
    block_owner_deletion: bool | None = None


class ManagedFieldsEntry(Model):
    """The fields that one manager set, as server-side apply records them."""

    manager: str = ""
    operation: str = ""
    api_version: str = ""
    time: OptionalTime = None
    fields_type: str = ""
    fields_v1: dict[str, Any] | None = None
    subresource: str = ""


class ObjectMeta(Model):
    """Identity, bookkeeping and labels of an object."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""  # opaque to everybody but the API server
    generation: int = 0  # counts changes of the spec
    creation_timestamp: OptionalTime = None
    deletion_timestamp: OptionalTime = None
    deletion_grace_period_seconds: int | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: Annotated[tuple[OwnerReference, ...], MergeKey("uid"), ListMapKeys(("uid",))] = ()
    finalizers: Annotated[tuple[str, ...], MergeKey("")] = ()
    managed_fields: tuple[ManagedFieldsEntry, ...] = ()


class ListMeta(Model):
    """What a list says of itself: the revision it is true at, and where its next page starts."""

    resource_version: str = ""
    continue_: str = ""
    remaining_item_count: int | None = None


class KubeObject(Model):
    """An object with a name of its own; a kind gives ``kind`` and ``api_version`` their defaults."""

    kind: str = ""
    api_version: str = ""
    metadata: Annotated[ObjectMeta, ALWAYS] = ObjectMeta()


class Condition(Model):
    """One aspect of an object's state; the field set that most kinds share."""

    type: str
    status: str
    observed_generation: int = 0
    last_transition_time: Annotated[Time | None, ALWAYS] = None
    reason: str = ""
    message: str = ""


class LabelSelectorRequirement(Model):
    """One line of a selector: the label, how it is compared, with which values."""

    key: str
    operator: str  # In, NotIn, Exists, DoesNotExist
    values: tuple[str, ...] = ()


class LabelSelector(Model):
    """A selector in an object: all of it must hold; an empty one matches everything."""

    match_labels: dict[str, str] = {}
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()
