"""ObjectMeta and its companions: what every object carries, whatever its kind.

Source: Kubernetes API reference, meta/v1.
"""

from typing import Annotated, ClassVar

from naru.api.model import ALWAYS, REQUIRED, ListMapKeys, MergeKey, Model, OptionalTime, Time
from naru.api.raw_json import RawJson


class OwnerReference(Model):
    """The object that this one belongs to: when the owner goes, the garbage collector takes this one too."""

    protobuf: ClassVar[str] = "5 1 3 4 6 7"

    atomic: ClassVar[bool] = True
    api_version: Annotated[str, REQUIRED] = ""  # group and version of the owner's kind
    kind: Annotated[str, REQUIRED] = ""  # kind of the owner
    name: Annotated[str, REQUIRED] = ""  # name of the owner
    uid: Annotated[str, REQUIRED] = ""  # uid of the owner, so that a later object of the same name is no owner
    controller: bool | None = None  # at most one owner of an object is its managing controller
    block_owner_deletion: bool | None = None  # true: a foreground deletion of the owner waits until this object is gone


class ManagedFieldsEntry(Model):
    """The fields that one manager set, as server-side apply records them."""

    protobuf: ClassVar[str] = "1-4 6-8"

    manager: str = ""  # who: the fieldManager of the request
    operation: str = ""  # Apply or Update
    api_version: str = ""  # group and version that the fields are named in
    time: OptionalTime = None  # when the set of fields last changed
    fields_type: str = ""  # form of fieldsV1; always FieldsV1
    fields_v1: RawJson | None = None  # the fields, as a tree of f:NAME and k:{KEYS}
    subresource: str = ""  # through which subresource; empty: through the object itself


class ObjectMeta(Model):
    """Identity, bookkeeping and labels of an object."""

    protobuf: ClassVar[str] = "1-3 5-14 17"

    name: str = ""  # unique among the objects of its kind in the namespace; it never changes
    generate_name: str = ""  # the server makes a name from this and five random characters, if name is empty
    namespace: str = ""  # namespace of the object; empty for kinds that have none, such as nodes
    uid: str = ""  # unique in space and time; given by the server, never used again
    resource_version: str = ""  # opaque to everybody but the API server
    generation: int = 0  # counts changes of the spec
    creation_timestamp: OptionalTime = None  # when it was created; set by the server
    deletion_timestamp: OptionalTime = None  # set by the server on a deletion: the moment when a pod's grace ends
    deletion_grace_period_seconds: int | None = None  # how long the object may take to end, once it is being deleted
    labels: dict[str, str] = {}  # short facts to select by
    annotations: dict[str, str] = {}  # facts for tools, which nothing selects by; 256 KiB together at most
    # the objects that this one belongs to; it goes when all of them are gone
    owner_references: Annotated[tuple[OwnerReference, ...], MergeKey("uid"), ListMapKeys(("uid",))] = ()
    # who has to do something before it is removed; each takes its own entry out
    finalizers: Annotated[tuple[str, ...], MergeKey("")] = ()
    managed_fields: tuple[ManagedFieldsEntry, ...] = ()  # who set which fields; the record of server-side apply


class ListMeta(Model):
    """What a list says of itself: the revision it is true at, and where its next page starts."""

    protobuf: ClassVar[str] = "2-4"

    resource_version: str = ""  # revision that the list is true at; a watch may start here
    continue_: str = ""  # token for the next page; empty: this is the last one
    remaining_item_count: int | None = None  # how many objects follow on later pages; unset: unknown, or none


class KubeObject(Model):
    """An object with a name of its own; a kind gives ``kind`` and ``api_version`` their defaults."""

    kind: str = ""  # name of the kind; it says, with apiVersion, what the rest of the object means
    api_version: str = ""  # group and version of the kind, such as apps/v1, or v1 for the core group
    metadata: Annotated[ObjectMeta, ALWAYS] = ObjectMeta()  # name, labels and what else every object has


class Condition(Model):
    """One aspect of an object's state; the field set that most kinds share."""

    type: Annotated[str, REQUIRED] = ""  # which aspect, as an adjective or participle, such as Ready
    status: Annotated[str, REQUIRED] = ""  # True, False or Unknown
    observed_generation: int = 0  # the metadata.generation that the condition is about
    last_transition_time: Annotated[Time | None, ALWAYS] = None  # when status last changed
    reason: str = ""  # why, in one CamelCase word for programs
    message: str = ""  # why, in a sentence for people


class LabelSelectorRequirement(Model):
    """One line of a selector: the label, how it is compared, with which values."""

    key: Annotated[str, REQUIRED] = ""  # name of the label
    operator: Annotated[str, REQUIRED] = ""  # In, NotIn, Exists, DoesNotExist
    values: tuple[str, ...] = ()  # for In and NotIn at least one; for the others none


class FieldSelectorRequirement(Model):
    """One line of a field selector, as questions about access carry it."""

    key: Annotated[str, REQUIRED] = ""  # path of the field
    operator: Annotated[str, REQUIRED] = ""  # In, NotIn, Exists, DoesNotExist
    values: tuple[str, ...] = ()  # for In and NotIn at least one; for the others none


class LabelSelector(Model):
    """A selector in an object: all of it must hold; an empty one matches everything."""

    atomic: ClassVar[bool] = True
    match_labels: dict[str, str] = {}  # labels that must have exactly these values
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()  # further conditions on labels
